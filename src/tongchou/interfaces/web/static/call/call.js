// A visitor's phone: the day's firms in order; what is known of one is shown, what is told there is kept here first and sent when there is a network.
import { at, bindHeader, say, speak as speakWords, when, word } from "../offline/words.js";
import { CallCourier, store } from "./courier.js";

const REFRESH_MS = 600_000;
const OUTCOMES = ["met", "absent", "declined", "gone"];
const LEAST_WORDS = 4;

let shown = null; // the firm on the screen: a stop, or { firm, name } of another
let point = null; // where its door was measured
let isKeeping = false; // a second tap must not make a second visit

const courier = new CallCourier(async (kind) => {
  if (kind === "revoked") close();
  return showState();
});

async function start() {
  speakWords("title");
  bind();
  if ("serviceWorker" in navigator) navigator.serviceWorker.register("/call/worker.js", { scope: "/call" }).catch(() => {});
  navigator.storage?.persist?.();
  await courier.load();
  showState();
  await goOnErrand();
  await restore();
}

// What the address asks for, in a page just opened or in one that was open already.
async function goOnErrand() {
  const errand = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  history.replaceState(null, "", location.pathname);
  if (errand.day && !(courier.token && courier.errand?.day === errand.day)) await take(errand);
  await courier.refresh();
  courier.deliver();
}

async function take(errand) {
  const refused = await courier.take(errand).catch(() => "unreachable");
  const said = ["sign_in", "other", "unreachable"].includes(refused) ? word(refused) : say(refused);
  at("taking").replaceChildren(...(refused ? [text("p", said)] : []));
}

// ---- one firm

function open(firm, draft) {
  shown = firm;
  point = draft?.point ?? null;
  at("visit").hidden = false;
  at("firm-name").textContent = firm.name;
  at("firm-facts").textContent = facts(firm);
  at("outcomes").replaceChildren(...OUTCOMES.map((key) => choice("outcome", key, word(`outcome_${key}`), draft?.outcome === key)));
  at("spoke-to").value = draft?.spoke_to ?? firm.contact ?? "";
  at("remark").value = draft?.words ?? "";
  at("known").hidden = !firm.open?.length;
  at("known-list").replaceChildren(...(firm.open ?? []).map((one) => knownRow(one, draft?.heard?.find((said) => said.number === one.number))));
  at("new-list").replaceChildren(...(draft?.told ?? []).map(toldRow));
  showPoint();
  showStops();
  at("visit").scrollIntoView({ block: "start" });
}

function close() {
  shown = null;
  at("visit").hidden = true;
  showStops();
}

function facts(firm) {
  if (!firm.village) return "";
  const { zone } = courier.bundle;
  const parts = [`${say(firm.village)} ${firm.address}`.trim(), word("staff", { n: firm.staff, size: say(firm.size), resumption: say(firm.resumption) })];
  if (firm.contact) parts.push(word("contact", { name: firm.contact }));
  parts.push(firm.met_at ? word("last_met", { when: when(firm.met_at, zone) }) : word("never_met"));
  return parts.join(" · ");
}

// A difficulty raised before: shown, and where it was answered, asked about.
function knownRow(one, said) {
  const row = document.createElement("li");
  row.dataset.asks = String(one.asks);
  row.dataset.number = one.number;
  row.append(text("b", one.words), text("small", `${one.number} · ${say(one.state)}`));
  if (one.answer) row.append(text("small", word("answered", { words: one.answer })));
  if (one.asks) {
    const choices = document.createElement("div");
    choices.className = "choices";
    choices.append(...["", "solved", "not_yet"].map((key) => choice(`said-${one.number}`, key, word(key ? `verdict_${key}` : "not_asked"), (said?.verdict ?? "") === key)));
    const words = Object.assign(document.createElement("input"), { placeholder: word("their_words"), maxLength: 500, value: said?.words ?? "", className: "said-words" });
    row.append(text("small", word("ask_now")), choices, words);
  }
  return row;
}

function toldRow(told = { kind: "", words: "" }) {
  const row = document.createElement("div");
  row.className = "told";
  const kind = document.createElement("select");
  kind.setAttribute("aria-label", word("kind"));
  kind.append(...courier.bundle.kinds.map(([key, said]) => Object.assign(document.createElement("option"), { value: key, textContent: say(said), selected: key === told.kind })));
  const words = Object.assign(document.createElement("textarea"), { rows: 3, maxLength: 500, placeholder: word("their_words"), value: told.words });
  words.setAttribute("aria-label", word("their_words"));
  const drop = text("button", "✕");
  drop.type = "button";
  drop.setAttribute("aria-label", word("drop"));
  drop.onclick = () => (row.remove(), keepDraft());
  const head = document.createElement("div");
  head.className = "row top";
  head.append(kind, drop);
  row.append(head, words);
  return row;
}

function choice(name, value, label, checked) {
  const made = document.createElement("label");
  made.append(Object.assign(document.createElement("input"), { type: "radio", name, value, checked }), label);
  return made;
}

function read() {
  const told = [...at("new-list").children].map((row) => ({ kind: row.querySelector("select").value, words: row.querySelector("textarea").value.trim() }));
  const heard = [...at("known-list").querySelectorAll('[data-asks="true"]')].map((row) => ({
    number: row.dataset.number, verdict: row.querySelector("input:checked")?.value ?? "", words: row.querySelector(".said-words").value.trim(),
  }));
  return {
    firm: shown.firm, name: shown.name, outcome: at("outcomes").querySelector("input:checked")?.value ?? "",
    spoke_to: at("spoke-to").value.trim(), words: at("remark").value.trim(), point, told: told.filter((one) => one.words), heard: heard.filter((one) => one.verdict),
  };
}

function wrong({ outcome, spoke_to: who, told, heard }) {
  if (!outcome) return "need_how";
  if ((outcome === "met" || heard.length) && who.length < 2) return "need_who";
  const isShort = told.some(({ words }) => words.length < LEAST_WORDS) || heard.some(({ verdict, words }) => verdict === "not_yet" && words.length < 2);
  return isShort ? "need_words" : "";
}

async function keep() {
  if (isKeeping || !shown) return undefined;
  const given = read();
  const problem = wrong(given);
  if (problem) return answer(problem);
  isKeeping = true;
  try {
    await courier.keep(given);
  } catch {
    return answer("not_kept");
  } finally {
    isKeeping = false;
  }
  close();
  answer("kept", { name: given.name }, "good");
  await showState();
  return courier.deliver();
}

// What is half written survives a call that comes in, or a phone that goes dark.
function keepDraft() {
  if (shown) store.put("draft", { ...read(), shown });
}

async function restore() {
  const draft = await store.get("draft");
  if (!draft || !courier.bundle) return;
  open(courier.bundle.stops.find((stop) => stop.firm === draft.firm) ?? draft.shown, draft);
}

function measure() {
  const failed = () => (at("measure").textContent = word("no_position"));
  if (!navigator.geolocation) return failed();
  return navigator.geolocation.getCurrentPosition(({ coords }) => {
    point = [coords.longitude, coords.latitude];
    showPoint();
    keepDraft();
  }, failed, { enableHighAccuracy: true, timeout: 15_000 });
}

// ---- what is seen

function text(tag, said) {
  const part = document.createElement(tag);
  part.textContent = said;
  return part;
}

function answer(key, values = {}, tone = "bad") {
  at("said").textContent = key ? word(key, values) : "";
  at("said").dataset.tone = tone;
  if (key) at("said").scrollIntoView({ block: "nearest" });
}

function showPoint() {
  at("measure").textContent = word(point ? "here" : "measure");
}

async function showStops() {
  const { bundle } = courier;
  const done = new Map((await store.first("done")).filter(({ day }) => day === bundle?.day).map((one) => [one.firm, one.outcome]));
  const stops = (bundle?.stops ?? []).map((stop) => ({ ...stop, outcome: done.get(stop.firm) ?? stop.outcome }));
  at("count").textContent = word("today", { n: stops.length, m: stops.filter(({ outcome }) => outcome).length });
  at("stops").replaceChildren(...stops.map(stopRow));
}

function stopRow(stop) {
  const { outcome } = stop;
  const row = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.done = String(Boolean(outcome));
  button.setAttribute("aria-expanded", String(shown?.firm === stop.firm));
  const turn = text("span", outcome ? "✓" : stop.turn);
  turn.className = "turn";
  const body = document.createElement("span");
  body.append(text("b", stop.name), text("small", stop.address || say(stop.village)), text("small", outcome ? word(`outcome_${outcome}`) : stop.reasons.map(say).join(" · ")));
  button.append(turn, body, text("small", outcome ? word("done") : word("way", { n: stop.way })));
  button.onclick = () => (shown?.firm === stop.firm ? close() : (answer(""), open(stop)));
  row.append(button);
  return row;
}

async function showState() {
  const { bundle } = courier;
  const [acts, refused, log, who] = await Promise.all([store.first("acts"), store.first("refused"), store.first("log"), store.get("who")]);
  const zone = bundle?.zone;
  at("desk").hidden = !bundle;
  at("nothing").hidden = Boolean(bundle);
  at("nothing-said").textContent = word(acts.length || who ? "ended" : "not_taken", { n: acts.length, name: say(who?.name) });
  at("sign-in").href = `/login?${new URLSearchParams({ next: "/calls/" })}`;
  at("where").textContent = bundle ? say(bundle.place) : "";
  at("day").textContent = bundle?.day ?? "";
  at("post").hidden = !bundle && !acts.length;
  at("network").dataset.online = String(courier.isOnline);
  at("network").textContent = word(courier.isOnline ? "online" : "offline");
  at("waiting").dataset.count = acts.length;
  at("waiting").textContent = acts.length ? word("waiting", { n: acts.length }) : word("all_sent");
  at("last-sent").textContent = courier.sentMs ? word("last_sent", { when: when(courier.sentMs, zone) }) : word("never_sent");
  at("as-of").textContent = bundle ? word("plan_as_of", { when: when(courier.asOfMs, zone) }) : "";
  at("finish").hidden = acts.length + refused.length > 0;
  at("others").replaceChildren(...(bundle?.others ?? []).map(([, name]) => Object.assign(document.createElement("option"), { value: name })));
  at("refused").hidden = !refused.length;
  at("refused-head").textContent = word("refused_head", { n: refused.length });
  at("refused-list").replaceChildren(...refused.sort((a, b) => a.at - b.at).map((act) => refusedRow(act, zone)));
  const waiting = new Set(acts.map((act) => act.id));
  const aside = new Set(refused.filter((act) => !act.late).map((act) => act.id));
  at("log").replaceChildren(...log.reverse().slice(0, 20).map((one) => logged(one, waiting.has(one.id) ? "waits" : aside.has(one.id) ? "aside" : "sent", zone)));
  return showStops();
}

function logged({ name, told, at: ms }, state, zone) {
  const row = document.createElement("li");
  row.dataset.state = state;
  const said = told ? `${word("told_n", { n: told })} · ` : "";
  row.append(text("b", name), text("small", `${said}${when(ms, zone)} · ${word(state)}`));
  return row;
}

function refusedRow(act, zone) {
  const row = document.createElement("li");
  const why = act.late ? word("late", { numbers: act.late.join("、") }) : (act.problems ?? []).map((problem) => say(problem)).join("；") || say(act.said);
  row.append(text("b", act.name), text("small", when(act.at, zone)), text("p", `${why} ${say(act.remedy)}`.trim()));
  const buttons = document.createElement("div");
  buttons.className = "row";
  const forget = () => store.remove("refused", act.id);
  if (act.late) buttons.append(button("understood", forget));
  else buttons.append(button("again", () => sendAgain(act)), button("drop", () => confirm(word("drop_sure", { name: act.name })) && forget()));
  row.append(buttons);
  return row;
}

function button(key, act) {
  const made = text("button", word(key));
  made.type = "button";
  made.onclick = async () => {
    await act();
    showState();
    courier.deliver();
  };
  return made;
}

// A visit that was refused and is sent again is a new act, at the end of the queue.
async function sendAgain({ firm, name, outcome, spoke_to, words, point: where, told, heard, day, id, at: ms }) {
  await courier.keep({ firm, name, outcome, spoke_to, words, point: where, told, heard, day, at: ms });
  await store.remove("refused", id);
}

// ---- hands

function speak() {
  speakWords("title");
  answer("");
  if (shown) open(shown, read());
  showState();
}

function bind() {
  bindHeader(speak);
  at("visit").onsubmit = (event) => {
    event.preventDefault();
    keep();
  };
  at("visit").oninput = keepDraft;
  at("close").onclick = () => (store.forget("draft"), close());
  at("add").onclick = () => at("new-list").append(toldRow());
  at("measure").onclick = measure;
  at("other").onsubmit = (event) => {
    event.preventDefault();
    const name = at("other-name").value.trim();
    const found = courier.bundle.others.find((pair) => pair[1] === name);
    if (!found) return answer("no_such");
    answer("");
    at("other-name").value = "";
    return open({ firm: found[0], name: found[1] });
  };
  at("update").onclick = () => courier.refresh();
  at("finish").onclick = async () => {
    if (!confirm(word("finish_sure"))) return;
    courier.token = courier.bundle = courier.tag = undefined;
    close();
    await store.wipe();
    showState();
  };
  addEventListener("hashchange", goOnErrand);
  addEventListener("online", () => courier.refresh().then(() => courier.deliver()));
  addEventListener("offline", () => ((courier.isOnline = false), showState()));
  setInterval(() => courier.refresh(), REFRESH_MS);
}

start();
