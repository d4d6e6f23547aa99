// A crew's phone in the street: scan a tube, then people or a household; everything is kept here first and sent when there is a network.
import { cameraOf, canSee, sound } from "../offline/senses.js";
import { at, bindHeader, hearReader, note, say, speak as speakWords, view, warn, when, word } from "../offline/words.js";
import { CrewCourier, store } from "./courier.js";

const A_DAY_MS = 86_400_000;
const REFRESH_MS = 600_000;
const SAME_CODE_MS = 3000;
const TUBE = /^[A-Za-z0-9]{4,32}$/;
const CARD = /^(?:ID:)?(\d{17}[\dX])$/i;
const MOBILE = /^1[3-9]\d{9}$/;
const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const FORMATS = ["qr_code", "code_128", "code_39", "itf", "ean_13", "data_matrix"];

let tube = null; // { code, size, filled }: as far as this phone knows
let homes = new Map(); // household number → [number, address, people]
let shown = null; // the household on the screen
let loaded = null; // the bundle that `homes` were made of
let lastCode = { text: "", ms: 0 };

const camera = cameraOf(scan, { formats: FORMATS, failed: () => note("no_camera"), word });
const courier = new CrewCourier(async (kind, act) => {
  if (kind === "refused") {
    answer(""); // what was said of it holds no more
    sound("refuse");
  }
  if (kind === "revoked") shown = null;
  if (tube && act?.tube === tube.code) await learn(act);
  if (loaded !== courier.bundle) load();
  return showState();
});

async function start() {
  speakWords("title");
  bind();
  if ("serviceWorker" in navigator) navigator.serviceWorker.register("/crew/worker.js", { scope: "/crew" }).catch(() => {});
  navigator.storage?.persist?.();
  await courier.load();
  tube = (await store.get("tube")) ?? null;
  at("camera").hidden = !(await canSee());
  load();
  const errand = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  history.replaceState(null, "", location.pathname);
  const isNew = errand.round && errand.site && !(courier.token && courier.errand?.round === errand.round && courier.errand?.site === errand.site);
  if (isNew) await take(errand);
  await courier.refresh();
  courier.deliver();
}

async function take(errand) {
  const refused = await courier.take(errand).catch(() => "unreachable");
  if (refused) return at("taking").replaceChildren(text("p", ["sign_in", "other", "unreachable"].includes(refused) ? word(refused) : say(refused)));
  return at("taking").replaceChildren();
}

function load() {
  loaded = courier.bundle;
  homes = new Map((loaded?.households ?? []).map((home) => [home[0].toUpperCase(), home]));
  showState();
  showHome();
}

// What the house says of the tube in hand: how many it still takes, or that it takes nobody.
async function learn({ room, problems }) {
  const left = room?.[tube.code] ?? (problems?.some((problem) => problem.field === `tube ${tube.code}`) ? 0 : tube.size);
  await fill(Math.max(tube.filled, tube.size - left));
}

async function fill(filled) {
  tube = { ...tube, filled };
  await store.put("tube", tube);
  await store.put("tubes", { ...(await store.get("tubes")), [tube.code]: { size: tube.size, filled } });
}

// ---- what is read

// One after the other, however fast a reader is: a person goes into the tube that was read before.
let turn = Promise.resolve();
function scan(given) {
  turn = turn.then(() => readText(given.trim())).catch(() => answer("not_kept"));
  return turn;
}

async function readText(read) {
  if (!read || (read === lastCode.text && Date.now() - lastCode.ms < SAME_CODE_MS)) return;
  lastCode = { text: read, ms: Date.now() };
  answer("");
  const card = CARD.exec(read);
  if (read.startsWith("TC1:")) return person({ text: read, way: "pass" }, word("pass", { end: read.slice(-4) }));
  if (card) return isCard(card[1]) ? person({ text: card[1].toUpperCase(), way: "id_number" }, `${card[1].slice(0, 3)}…${card[1].slice(-4)}`) : answer("wrong_id");
  if (MOBILE.test(read)) return person({ text: read, way: "id_number" }, `${read.slice(0, 3)}…${read.slice(-4)}`);
  if (homes.has(read.toUpperCase())) return open(homes.get(read.toUpperCase()));
  if (TUBE.test(read)) return takeTube(read);
  return answer("not_understood");
}

function isCard(number) {
  const sum = WEIGHTS.reduce((total, weight, n) => total + weight * Number(number[n]), 0);
  return "10X98765432"[sum % 11] === number[17].toUpperCase();
}

async function takeTube(code) {
  const size = Number(at("size-of").value) || courier.bundle?.round.pool_size || 10;
  const tubes = (await store.get("tubes")) ?? {};
  tube = { code, size: tubes[code]?.size ?? size, filled: tubes[code]?.filled ?? 0 };
  await store.put("tube", tube);
  sound("admit");
  showState();
}

// One person by what was read. A tube comes first: a swab has to go somewhere.
async function person(one, label) {
  if (!hasRoom(1)) return;
  const waiting = (await store.first("acts")).find((act) => act.people.some((other) => other.text === one.text));
  if (waiting) return answer("twice", { tube: waiting.tube });
  await keep([{ ...one, label }], label);
}

function hasRoom(count) {
  if (!tube) answer("tube_first");
  else if (tube.filled + count > tube.size) answer("no_room", { n: Math.max(0, tube.size - tube.filled) });
  else return true;
  return false;
}

async function keep(people, label) {
  await courier.keep({ tube: tube.code, size: tube.size, people, label });
  await fill(tube.filled + people.length);
  sound("admit");
  answer("kept", { n: people.length, label }, "good");
  showState();
  courier.deliver();
}

// ---- a household

function open(home) {
  shown = home;
  showHome();
}

async function showHome() {
  at("home").hidden = !shown;
  if (!shown) return;
  const [code, address, people] = shown;
  const tubes = await Promise.all(people.map(([number]) => store.find("done", number)));
  at("home-name").textContent = `${code} ${address}`;
  at("members").replaceChildren(...people.map((one, n) => member(one, tubes[n]?.tube)));
  countPicked();
  at("home").scrollIntoView({ block: "nearest" });
}

function member([number, name, born], inTube) {
  const row = document.createElement("li");
  const label = document.createElement("label");
  const box = Object.assign(document.createElement("input"), { type: "checkbox", value: number, checked: !inTube, disabled: Boolean(inTube) });
  label.append(box, text("b", name), " ", text("small", inTube ? word("in_tube", { tube: inTube }) : word("born", { year: born })));
  row.append(label);
  return row;
}

const picked = () => [...at("members").querySelectorAll("input:checked:not(:disabled)")].map((box) => Number(box.value));

function countPicked() {
  const count = picked().length;
  at("check").textContent = word("check_n", { n: count });
  at("check").disabled = !count;
}

async function checkHome() {
  const numbers = picked();
  if (!hasRoom(numbers.length)) return;
  const [code, , people] = shown;
  const rows = people.filter(([number]) => numbers.includes(number)).map(([number, name]) => ({ person: number, way: "household", label: name }));
  shown = null;
  showHome();
  await keep(rows, `${code} ${rows.map((row) => row.label).join("、")}`);
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
  if (key && tone === "bad") sound("refuse");
}

async function showState() {
  const { bundle } = courier;
  const [acts, refused, log, who] = await Promise.all([store.first("acts"), store.first("refused"), store.first("log"), store.get("who")]);
  const zone = bundle?.zone;
  const people = acts.reduce((sum, act) => sum + act.people.length, 0);
  at("desk").hidden = !bundle;
  at("nothing").hidden = Boolean(bundle);
  at("nothing-said").textContent = word(acts.length || who ? "ended" : "not_taken", { n: acts.length, name: say(who?.name) });
  at("sign-in").href = courier.errand ? `/login?${new URLSearchParams({ next: `/testing/rounds/${courier.errand.round}/crew/${courier.errand.site}` })}` : "/testing/";
  at("where").textContent = bundle ? say(bundle.site.name) : "";
  at("number").textContent = bundle?.round.number ?? "";
  at("post").hidden = !bundle && !acts.length;
  at("network").dataset.online = String(courier.isOnline);
  at("network").textContent = word(courier.isOnline ? "online" : "offline");
  at("waiting").dataset.count = acts.length;
  at("waiting").textContent = acts.length ? word("waiting", { n: acts.length, people }) : word("all_sent");
  at("last-sent").textContent = courier.sentMs ? word("last_sent", { when: when(courier.sentMs, zone) }) : word("never_sent");
  const age = bundle ? courier.now() - courier.asOfMs : 0;
  at("as-of").textContent = bundle ? word(bundle.households ? "roll_as_of" : "roll_too_large", { when: when(courier.asOfMs, zone), n: bundle.people }) : "";
  warn("age", age > A_DAY_MS ? word("roll_old") : "");
  at("finish").hidden = !bundle || acts.length + refused.length > 0;
  showTube();
  showRefused(refused, zone);
  const waiting = new Set(acts.map((act) => act.id));
  const aside = new Set(refused.filter((act) => !act.elsewhere).map((act) => act.id));
  at("log").replaceChildren(...log.reverse().slice(0, 20).map((one) => logged(one, waiting.has(one.id) ? "waits" : aside.has(one.id) ? "aside" : "sent", zone)));
}

function showTube() {
  const room = tube ? tube.size - tube.filled : 0;
  at("tube").dataset.state = !tube ? "none" : room > 0 ? "open" : "full";
  at("tube-code").textContent = tube?.code ?? word("tube_first");
  at("tube-said").textContent = !tube ? "" : room > 0 ? word("room", { n: room }) : word("full");
  at("tube-count").textContent = tube ? `${tube.filled} / ${tube.size}` : "";
  at("text").placeholder = word(room > 0 ? "scan_people" : "scan_tube");
}

function logged({ label, people, tube: code, at: ms }, state, zone) {
  const row = document.createElement("li");
  row.dataset.state = state;
  row.append(text("b", label), text("small", `${code} · ${word("people", { n: people })} · ${when(ms, zone)} · ${word(state)}`));
  return row;
}

function showRefused(refused, zone) {
  at("refused").hidden = !refused.length;
  at("refused-head").textContent = word("refused_head", { n: refused.length });
  at("refused-list").replaceChildren(...refused.sort((a, b) => a.at - b.at).map((act) => refusedRow(act, zone)));
}

function refusedRow(act, zone) {
  const row = document.createElement("li");
  row.append(text("b", act.label), text("small", `${act.tube} · ${word("people", { n: act.people.length })} · ${when(act.at, zone)}`));
  const buttons = document.createElement("div");
  buttons.className = "row";
  if (act.elsewhere) {
    const others = act.elsewhere.map(({ label, tube: code }) => (label ? `${label} ${code}` : code)).join("、");
    row.append(text("p", word("elsewhere", { n: act.elsewhere.length, others, tube: act.tube })));
    buttons.append(button("understood", () => store.remove("refused", act.id)));
  } else {
    const why = (act.problems ?? []).map((problem) => say(problem)).join("；") || say(act.said);
    row.append(text("p", `${why} ${say(act.remedy)}`.trim()));
    buttons.append(
      button("again", () => sendAgain(act, act.tube)),
      ...(tube && tube.code !== act.tube ? [button("other_tube", () => hasRoom(act.people.length) && sendAgain(act, tube.code), { tube: tube.code })] : []),
      button("drop", () => confirm(word("drop_sure", { label: act.label })) && store.remove("refused", act.id)));
  }
  row.append(buttons);
  return row;
}

function button(key, act, values) {
  const made = text("button", word(key, values));
  made.type = "button";
  made.onclick = async () => {
    await act();
    showState();
    courier.deliver();
  };
  return made;
}

// A check-off that was settled is a new one, at the end of the queue; another tube means another swab, now.
async function sendAgain(act, code) {
  const { people, label, round, site } = act;
  const isNew = code !== act.tube;
  await courier.keep({ people, label, round, site, tube: code, size: isNew ? tube.size : act.size, at: isNew ? Math.round(courier.now()) : act.at });
  if (isNew) await fill(tube.filled + people.length);
  await store.remove("refused", act.id);
}

// ---- hands

function speak() {
  speakWords("title");
  answer("");
  showState();
  showHome();
}

function bind() {
  bindHeader(speak);
  at("camera").onclick = camera.toggle;
  at("entry").onsubmit = (event) => {
    event.preventDefault();
    const { value } = at("text");
    at("text").value = "";
    scan(value);
  };
  at("members").onchange = countPicked;
  at("check").onclick = checkHome;
  at("close-home").onclick = () => ((shown = null), showHome());
  at("update").onclick = () => courier.refresh();
  at("finish").onclick = async () => {
    if (!confirm(word("finish_sure"))) return;
    courier.token = courier.bundle = courier.tag = undefined;
    tube = null;
    await store.wipe();
    load();
  };
  hearReader(() => !at("desk").hidden);
  addEventListener("online", () => courier.refresh().then(() => courier.deliver()));
  addEventListener("offline", () => ((courier.isOnline = false), showState()));
  setInterval(() => courier.refresh(), REFRESH_MS);
}

start();
