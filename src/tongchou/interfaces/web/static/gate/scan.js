// The scanner: reads a code, decides, says so, keeps the scan. The order matters: a decision is shown when its scan is on disk.
import { cameraOf, canSee, sound } from "../offline/senses.js";
import { at, bindHeader, hearReader, note, say, speak as speakWords, texts, warn, when, word } from "../offline/words.js";
import { GateCourier, store } from "./courier.js";
import { answer, decide, ruleAt } from "./decide.js";
import { BadPass, canVerify, importKeys, readPass } from "./passes.js";
import { decodeList } from "./status_lists.js";

const A_DAY_MS = 86_400_000;
const REFRESH_MS = 300_000;
const CLOCK_OFF_MS = 120_000;
const ANSWER_WITHIN_MS = 4000;
const SAME_CODE_MS = 4000;
const LONGEST_KEPT = 1000; // of a text: beyond 512 it is no pass, whatever follows
const CARD = /^(?:ID:)?(\d{17}[\dX])$/i;

const trust = { bundle: null, keys: new Map(), revoked: new Map(), suspended: new Map(), canVerify: false };
const waitingFor = new Map(); // number of a scan → who waits for the lane's answer
let shown = null;
let lastCode = { text: "", ms: 0 };
let way = "in";

const camera = cameraOf(scan, { formats: ["qr_code"], failed: () => note("no_camera"), word });
const courier = new GateCourier((kind, what) => {
  if (kind === "answers") what.forEach((one) => waitingFor.get(one.seq)?.(one));
  if (kind === "appeal") appealTold(what);
  if (kind === "revoked") return toEnrolment("revoked");
  return showState();
});

async function start() {
  speak();
  bind();
  trust.canVerify = await canVerify();
  if ("serviceWorker" in navigator) navigator.serviceWorker.register("/scan/worker.js", { scope: "/scan" }).catch(() => {});
  navigator.storage?.persist?.();
  await courier.load();
  const code = codeIn(location.hash);
  history.replaceState(null, "", location.pathname);
  if (code && courier.token) note("already");
  else if (code) return enrol(code);
  if (!courier.token) return toEnrolment("not_enrolled");
  return begin();
}

async function begin() {
  at("enrolment").hidden = true;
  at("door").hidden = false;
  at("camera").hidden = !(await canSee());
  if (at("camera").hidden) note("no_detector");
  if (!trust.canVerify) note("no_ed25519");
  showState();
  await courier.refresh();
  courier.deliver();
}

function toEnrolment(why) {
  camera.close();
  shown = null;
  at("door").hidden = true;
  at("enrolment").hidden = false;
  at("enrolment-said").dataset.word = why;
  speak();
}

async function enrol(code) {
  toEnrolment("enrolling");
  const refused = await courier.enrol(code).catch(() => ({ said: texts.words.unreachable }));
  if (!refused) return begin();
  toEnrolment("not_enrolled");
  at("enrolment-said").textContent = [say(refused.said), say(refused.remedy)].join(" ");
}

const codeIn = (text) => new URLSearchParams(text.slice(text.indexOf("#") + 1)).get("enrol");

// ---- one scan

async function scan(given) {
  const text = normal(given);
  const ms = Date.now();
  if (!text || (text === lastCode.text && ms - lastCode.ms < SAME_CODE_MS)) return;
  lastCode = { text, ms };
  const atMs = Math.round(courier.now());
  const wayNow = way;
  const found = await decision(text, Math.floor(atMs / 1000));
  const seq = await store.add("scans", { at: atMs, text: text.slice(0, LONGEST_KEPT), told: found.verdict, way: wayNow, skew: Math.round(courier.skewMs) });
  const lane = courier.isOnline ? laneAnswer(seq) : null;
  courier.deliver();
  const final = (found.reason === "cannot_check" && (await lane)) || found;
  sound(final.verdict);
  at("note").hidden = true;
  show({ ...final, seq });
  at("answer").scrollIntoView({ block: "start" });
  showState();
  const said = await lane;
  if (said?.reason === "seen_elsewhere" && shown.seq === seq) {
    sound(said.verdict);
    show({ ...said, seq });
  }
}

function normal(given) {
  const text = given.replace(/[\r\n\t]+$/, "");
  const card = CARD.exec(text.trim());
  return card ? `ID:${card[1].toUpperCase()}` : text;
}

async function decision(text, atS) {
  await trustBundle();
  const { bundle } = trust;
  const rule = bundle && ruleAt(bundle.days, atS);
  if (!rule || atS * 1000 - courier.asOfMs > bundle.valid_for_s * 1000) return answer("out_of_date", rule ?? bundle?.days.at(-1) ?? { may_refuse: false });
  if (text.startsWith("ID:") || !trust.canVerify) return answer("cannot_check", rule);
  const pass = await readPass(text, trust.keys).catch((error) => {
    if (error instanceof BadPass) return error;
    throw error;
  });
  return decide(pass, rule, { town: bundle.town, atS, revoked: trust.revoked, suspended: trust.suspended });
}

// Keys and lists of the bundle at hand, made ready once for each bundle. A list that cannot be read is left out, and said.
async function trustBundle() {
  const { bundle } = courier;
  if (!bundle || trust.bundle === bundle) return;
  const lists = async (given) => new Map(await Promise.all(Object.entries(given).map(async ([number, text]) => [Number(number), await decodeList(text)])));
  const [keys, revoked, suspended] = await Promise.all([
    trust.canVerify ? importKeys(bundle.keys) : new Map(), lists(bundle.lists.revocation), lists(bundle.lists.suspension)]);
  Object.assign(trust, { bundle, keys, revoked, suspended });
}

// What the lane says of a scan that cannot be judged here; nothing when it does not say so in time, or cannot judge it either.
function laneAnswer(seq) {
  return new Promise((resolve) => {
    const done = (said) => {
      waitingFor.delete(seq);
      resolve(said && said.reason !== "not_a_pass" ? said : null);
    };
    waitingFor.set(seq, done);
    setTimeout(done, ANSWER_WITHIN_MS, null);
  });
}

// ---- what is seen

function show(found) {
  shown = found;
  const { said, remedy } = texts.reasons[found.reason];
  const panel = at("answer");
  panel.dataset.verdict = found.verdict;
  at("verdict").textContent = say(texts.verdicts[found.verdict]);
  at("reason").textContent = say(said);
  at("remedy").textContent = say(remedy);
  at("help").hidden = found.verdict !== "refuse";
  at("sites").replaceChildren(...(courier.bundle?.sites ?? []).map((site) => listed(`${say(site.name)} · ${say(site.place)}`)));
  at("sites-none").hidden = at("sites").childElementCount > 0;
  at("appeal-form").hidden = true;
  at("appeal").hidden = found.verdict !== "refuse" || Boolean(found.appealed);
  at("appeal-said").textContent = found.appealed ?? "";
}

function listed(text) {
  const item = document.createElement("li");
  item.textContent = text;
  return item;
}

async function showState() {
  const { bundle } = courier;
  if (!bundle) return;
  const [scans, appeals, clashes] = await Promise.all(["scans", "appeals", "clashes"].map(store.count));
  const waiting = scans + appeals;
  at("where").textContent = `${say(bundle.venue)} · ${say(bundle.entrance)}`;
  at("network").dataset.online = String(courier.isOnline);
  at("network").textContent = word(courier.isOnline ? "online" : "offline");
  at("waiting").textContent = waiting ? word("waiting", { n: waiting }) : word("all_sent");
  at("waiting").dataset.count = waiting;
  at("as-of").textContent = word("rules_as_of", { when: when(courier.asOfMs, bundle.zone) });
  const age = courier.now() - courier.asOfMs;
  warn("age", age > bundle.valid_for_s * 1000 ? word("rules_over") : age > A_DAY_MS ? word("rules_old") : "");
  warn("clock", Math.abs(courier.skewMs) > CLOCK_OFF_MS ? word("clock_off", { span: span(Math.abs(courier.skewMs)) }) : "");
  warn("clash", clashes ? word("clash", { n: clashes }) : "");
}

function span(ms) {
  const minutes = Math.round(ms / 60_000);
  return minutes < 120 ? word("minutes", { n: minutes }) : minutes < 2880 ? word("hours", { n: Math.round(minutes / 60) }) : word("days", { n: Math.round(minutes / 1440) });
}

function speak() {
  speakWords("scanner");
  if (shown) show(shown);
  showState();
}

// ---- appeals

async function sendAppeal(event) {
  event.preventDefault();
  const form = new FormData(event.target);
  await store.add("appeals", { seq: shown.seq, words: form.get("words"), phone: form.get("phone") });
  event.target.reset();
  show({ ...shown, appealed: word("appeal_kept") });
  courier.deliver();
}

function appealTold({ seq, number, hours, said, remedy }) {
  const text = number ? word("appeal_sent", { number, hours }) : [say(said), say(remedy)].join(" ");
  if (shown?.seq === seq) show({ ...shown, appealed: number ? text : "" });
  at("appeal-said").textContent = text;
}

// ---- hands

function bind() {
  bindHeader(speak);
  at("camera").onclick = camera.toggle;
  at("entry").onsubmit = (event) => {
    event.preventDefault();
    const { value } = at("text");
    at("text").value = "";
    scan(value);
  };
  at("enrol-form").onsubmit = (event) => {
    event.preventDefault();
    const typed = at("code").value.trim();
    enrol(codeIn(typed) ?? typed);
  };
  at("appeal").onclick = () => {
    at("appeal-form").hidden = false;
    at("appeal-words").focus();
  };
  at("appeal-form").onsubmit = sendAppeal;
  for (const radio of document.querySelectorAll("[name=way]")) radio.onchange = () => (way = radio.value);
  hearReader(() => !at("door").hidden);
  addEventListener("online", () => courier.refresh().then(() => courier.deliver()));
  addEventListener("offline", () => ((courier.isOnline = false), showState()));
  setInterval(() => courier.refresh(), REFRESH_MS);
}

start();
