// A door's screen: shows the code of the half minute by the house's clock, fetches the next ones in time, and says so when it cannot.
const ASK_EVERY_MS = 60_000;
const PATIENCE_MS = 15_000;
const QUIET = 4; // modules of white around a code

const words = JSON.parse(document.getElementById("words").textContent);
const at = (id) => document.getElementById(id);
// Kept on the device, so that it goes on after a power cut: token, bundle (pictures of codes), tag, skewMs of its clock.
const kept = JSON.parse(localStorage.getItem("screen") ?? "{}");
let drawn = null;
let named = null;
let isOnline = navigator.onLine;

const keep = (news) => localStorage.setItem("screen", JSON.stringify(Object.assign(kept, news)));
const now = () => Date.now() + (kept.skewMs ?? 0);
// Chinese and English beside each other: a screen has no reader of its own.
const lines = (pair, values = {}) => Object.entries(pair ?? {}).map(([lang, text]) => {
  const line = document.createElement("span");
  line.lang = lang === "zh" ? "zh-CN" : lang;
  line.textContent = text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  return line;
});
const put = (id, pair, values) => at(id).replaceChildren(...lines(pair, values));

async function start() {
  for (const element of document.querySelectorAll("[data-word]")) element.replaceChildren(...lines(words[element.dataset.word]));
  at("enrol-form").addEventListener("submit", (event) => {
    event.preventDefault();
    enrol(at("code").value);
  });
  at("full").hidden = !document.fullscreenEnabled;
  at("full").addEventListener("click", () => document.documentElement.requestFullscreen());
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && (stayAwake(), ask()));
  addEventListener("online", ask);
  addEventListener("offline", () => show((isOnline = false)));
  if ("serviceWorker" in navigator) navigator.serviceWorker.register("/screen/worker.js", { scope: "/screen" }).catch(() => {});
  navigator.storage?.persist?.();
  const code = new URLSearchParams(location.hash.slice(1)).get("enrol");
  history.replaceState(null, "", location.pathname);
  show();
  setInterval(show, 250);
  setInterval(ask, ASK_EVERY_MS);
  stayAwake();
  if (kept.token) return ask();
  return code ? enrol(code) : toEnrolment("not_enrolled");
}

// A tablet lets go of this whenever its page is hidden.
const stayAwake = () => navigator.wakeLock?.request("screen").catch(() => {});

async function enrol(code) {
  const answer = await call("/screen/enrol", { method: "POST", body: JSON.stringify({ code }) });
  if (answer?.ok) {
    keep({ token: (await answer.json()).token });
    return ask();
  }
  toEnrolment("not_enrolled");
  const refused = answer && (await answer.json());
  const said = refused ? ["zh", "en"].map((lang) => [lang, [refused.said, refused.remedy].map((pair) => pair?.[lang] ?? "").join(" ")]) : null;
  return put("refused", said ? Object.fromEntries(said) : words.unreachable);
}

// The next codes, when those at hand are the wrong ones or more than half used up.
async function ask() {
  if (!kept.token) return null;
  const { bundle, tag } = kept;
  const used = bundle ? Math.floor(now() / 1000 / bundle.step_s) - bundle.first_step : Infinity;
  const isEnough = used >= 0 && used < bundle?.pictures.length / 2;
  const answer = await call("/screen/codes", { headers: isEnough && tag ? { "If-None-Match": tag } : {} });
  if (answer?.status === 200) keep({ bundle: await answer.json(), tag: answer.headers.get("ETag") });
  if (answer?.status === 401) {
    localStorage.removeItem("screen");
    for (const name of Object.keys(kept)) delete kept[name];
    return toEnrolment("revoked");
  }
  return kept.bundle ? show() : toEnrolment("unreachable");
}

// An answer of the house, whose clock is taken over; nothing when the network is away.
async function call(address, options) {
  const before = Date.now();
  try {
    const headers = { "Content-Type": "application/json", ...(kept.token ? { Authorization: `Bearer ${kept.token}` } : {}), ...options.headers };
    const answer = await fetch(address, { ...options, headers, credentials: "omit", cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
    const serverMs = Number(answer.headers.get("Server-Now"));
    if (serverMs) keep({ skewMs: serverMs - (before + Date.now()) / 2 });
    isOnline = serverMs > 0 && answer.status < 500;
    return answer;
  } catch {
    isOnline = false;
    return null;
  }
}

function toEnrolment(why) {
  at("showing").hidden = true;
  at("enrolment").hidden = false;
  at("enrol-form").hidden = at("enrol-how").hidden = Boolean(kept.token);
  put("enrolment-said", words[why]);
}

function show() {
  const { bundle } = kept;
  if (!bundle) return;
  at("enrolment").hidden = true;
  at("showing").hidden = false;
  const seconds = now() / 1000;
  const step = Math.floor(seconds / bundle.step_s);
  const picture = bundle.pictures[step - bundle.first_step];
  const left = bundle.step_s - Math.floor(seconds % bundle.step_s);
  if (bundle !== named) name((named = bundle));
  at("over").hidden = Boolean(picture);
  for (const id of ["picture", "bar", "left", "what"]) at(id).toggleAttribute("hidden", !picture);
  if (picture && picture !== drawn) draw(picture);
  drawn = picture;
  at("bar").value = left;
  put("left", words.left, { n: left });
  const minutes = Math.max(0, Math.floor(((bundle.first_step + bundle.pictures.length) * bundle.step_s - seconds) / 60));
  at("network").dataset.online = String(isOnline);
  put("network", words[isOnline ? "online" : picture ? "offline" : "away"], { n: minutes });
}

function name(bundle) {
  put("town", bundle.town);
  at("venue").textContent = bundle.venue;
  put("entrance", bundle.entrance);
  at("number").textContent = bundle.code;
  at("picture").setAttribute("aria-label", `${bundle.venue} ${bundle.code}`);
}

function draw({ size, bits }) {
  const bytes = Uint8Array.from(atob(bits), (sign) => sign.charCodeAt(0));
  const isDark = (index) => (bytes[index >> 3] >> (7 - (index & 7))) & 1;
  let path = "";
  for (let index = 0; index < size * size; index++) if (isDark(index)) path += `M${QUIET + (index % size)} ${QUIET + Math.floor(index / size)}h1v1h-1z`;
  at("picture").setAttribute("viewBox", `0 0 ${size + 2 * QUIET} ${size + 2 * QUIET}`);
  at("picture").firstElementChild.setAttribute("d", path);
}

start();
