// The frame of every page: ticking clocks, theme switch, menus, dialogs, keyboard. Without it every page still works.

const english = document.documentElement.lang === "en";
export const say = (zh, en) => (english ? en : zh);
export const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? "";
export const announce = (text) => {
  const place = document.getElementById("live-said");
  if (place) place.textContent = text;
};

export function toast(text) {
  const note = document.createElement("div");
  note.className = "toast";
  note.textContent = text;
  document.getElementById("toasts").append(note);
  setTimeout(() => note.remove(), 6000);
}

// The town's clock may be a demo's: the page runs on from the server's instant, not from this machine's.
const started = performance.now();
const served = Date.parse(meta("server-now")) || Date.now();
export const townNow = () => served + performance.now() - started;

const inTown = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: meta("zone") || "UTC", hourCycle: "h23", ...options });
const parts = inTown({ month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit" });
const monthName = inTown({ month: "short" });

function tickTownClock() {
  const place = document.querySelector("[data-town-clock]");
  if (!place) return;
  const now = new Date(townNow());
  const got = Object.fromEntries(parts.formatToParts(now).map((part) => [part.type, part.value]));
  const day = say(`${Number(got.month)}月${Number(got.day)}日`, `${Number(got.day)} ${monthName.format(now)}`);
  place.textContent = `${day} ${got.hour}:${got.minute}`;
}

// The same words as span_text in templatetags/tongchou.py.
export function spanText(leftMs) {
  const minutes = Math.floor(Math.abs(leftMs) / 60000);
  const [days, hours, rest] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60), minutes % 60];
  const zh = days ? `${days} 天 ${hours} 小时` : hours ? `${hours} 小时 ${rest} 分` : `${rest} 分`;
  const en = days ? `${days} d ${hours} h` : hours ? `${hours} h ${rest} min` : `${rest} min`;
  return leftMs < 0 ? say(`逾期 ${zh}`, `${en} late`) : say(`剩 ${zh}`, `${en} left`);
}

function tickCountdowns() {
  for (const clock of document.querySelectorAll("[data-until]")) {
    const left = Date.parse(clock.dataset.until) - townNow();
    clock.classList.toggle("is-late", left < 0);
    clock.classList.toggle("is-soon", left >= 0 && left < 3600000);
    const text = spanText(left);
    const place = clock.querySelector(".left");
    if (place.textContent !== text) place.textContent = text;
  }
}

function tick() {
  tickTownClock();
  tickCountdowns();
}
tick();
setInterval(tick, 5000);
document.addEventListener("fragment", tick);

// Theme: switch at once, keep it by the same form that works without this script.
const themeButton = document.querySelector("[data-theme-switch]");
themeButton?.addEventListener("click", (event) => {
  event.preventDefault();
  const dark = document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  const theme = dark ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  document.dispatchEvent(new CustomEvent("theme"));
  const form = themeButton.form;
  const body = new FormData(form);
  body.set("theme", theme);
  fetch(form.action, { method: "POST", body, redirect: "manual" }).catch(() => {});
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => document.dispatchEvent(new CustomEvent("theme")));

// Menus close when one clicks elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  const opener = event.target.closest("[data-open]");
  if (opener) {
    const dialog = document.getElementById(opener.dataset.open);
    dialog?.showModal();
    dialog?.querySelector("input:not([type=hidden]), select, textarea")?.focus();
  }
  if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
  // A click on the veil is a click on the dialog itself, outside its box.
  if (event.target instanceof HTMLDialogElement) {
    const box = event.target.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside) event.target.close();
  }
});

// Keyboard
const typing = (target) => target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
let goPressedAt = -Infinity;

function pickRow(step) {
  const rows = [...document.querySelectorAll("[data-rows] > li, [data-rows] > tbody > tr")];
  if (!rows.length) return;
  const at = rows.findIndex((row) => row.classList.contains("is-picked"));
  rows[at]?.classList.remove("is-picked");
  const next = rows[Math.min(rows.length - 1, Math.max(0, at < 0 ? 0 : at + step))];
  next.classList.add("is-picked");
  next.scrollIntoView({ block: "nearest" });
  next.querySelector("a")?.focus({ preventScroll: true });
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
  if (performance.now() - goPressedAt < 1200) {
    goPressedAt = -Infinity;
    const link = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (link) {
      event.preventDefault();
      location.assign(link.href);
    }
    return;
  }
  if (event.key === "g") goPressedAt = performance.now();
  else if (event.key === "j") pickRow(1);
  else if (event.key === "k") pickRow(-1);
  else if (event.key === "?") document.getElementById("keys-help")?.showModal();
  else if (event.key === "/") {
    const field = document.querySelector("[data-search]") ?? document.querySelector(".filters input:not([type=hidden]), .filters select");
    if (field) {
      event.preventDefault();
      field.focus();
      field.select?.();
    }
  }
});

document.querySelector("[data-focus]")?.focus();
