// Live pages: one event per change, told by topic; a region that listens fetches itself again. Polling stands in while the stream is down.

import { announce, meta, say, toast } from "./frame.js";

const POLL_MS = 1500; // with the way there and back, a change shows within two seconds
const LONGEST_WAIT_MS = 30000;
const listening = () => [...document.querySelectorAll("[data-live]")];
const wants = (region, topic) => region.dataset.live.split(/\s+/).includes(topic);

let seq = Number(meta("live-seq") || 0);
const pending = new Set();
let flushing;

export function hear(event) {
  if (event.seq) seq = Math.max(seq, Number(event.seq));
  for (const region of listening()) {
    const keys = region.dataset.liveKeys?.split(/\s+/);
    if (wants(region, event.topic) && (!keys || !event.keys?.length || keys.some((key) => event.keys.map(String).includes(key)))) pending.add(region);
  }
  // Several events of one transaction come together: one fetch answers them all.
  if (pending.size) flushing ??= setTimeout(flush, 80);
}

async function flush() {
  flushing = undefined;
  const regions = [...pending];
  pending.clear();
  await Promise.all(regions.map(refresh));
}

function isBusy(region) {
  if (region.querySelector("dialog[open], form[data-sent]")) return true;
  return [...region.querySelectorAll("input:not([type=hidden]), textarea, select")].some((field) =>
    field.tagName === "SELECT" ? [...field.options].some((o) => o.selected !== o.defaultSelected) && field === document.activeElement
      : field.type === "checkbox" || field.type === "radio" ? field.checked !== field.defaultChecked
      : field.type === "file" ? field.files.length > 0 : field.value !== field.defaultValue);
}

async function refresh(region) {
  if (!region.isConnected) return;
  if (isBusy(region)) return offerUpdate(region);
  const name = region.dataset.fragment;
  const url = new URL(region.dataset.liveUrl || location.href, location.href);
  if (!region.dataset.liveUrl || url.pathname === location.pathname) for (const [key, value] of new URLSearchParams(location.search)) url.searchParams.append(key, value);
  url.searchParams.set("fragment", name);
  try {
    const answer = await fetch(url, { headers: { "X-Fragment": name }, credentials: "same-origin" });
    if (!answer.ok || answer.redirected) return;
    swap(region, await answer.text());
  } catch {
    setOffline(true);
  } finally {
    asking = false;
  }
}

function keepAsking() {
  polling ??= setInterval(poll, POLL_MS);
}

function swap(region, html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const fresh = page.querySelector(`[data-fragment="${CSS.escape(region.dataset.fragment)}"]`) ?? page.body;
  const focused = region.contains(document.activeElement) ? handleOf(document.activeElement) : null;
  const open = [...region.querySelectorAll("details[open][id]")].map((details) => details.id);
  const scrolled = [...region.querySelectorAll(".table-wrap, .heat-wrap")].map((box) => [box.scrollLeft, box.scrollTop]);
  region.replaceChildren(...[...fresh.childNodes].map((node) => document.importNode(node, true)));
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  [...region.querySelectorAll(".table-wrap, .heat-wrap")].forEach((box, i) => scrolled[i] && box.scrollTo(...scrolled[i]));
  if (focused) region.querySelector(focused)?.focus({ preventScroll: true });
  region.classList.remove("just-changed");
  void region.offsetWidth;
  region.classList.add("just-changed");
  region.dispatchEvent(new CustomEvent("fragment", { bubbles: true }));
  announce(say(`已更新：${region.dataset.liveLabel ?? ""}`, `Updated: ${region.dataset.liveLabel ?? ""}`));
}

function handleOf(element) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  for (const name of ["name", "href"]) {
    const value = element.getAttribute(name);
    if (value) return `${element.tagName.toLowerCase()}[${name}="${CSS.escape(value)}"]`;
  }
  return null;
}

function offerUpdate(region) {
  if (region.querySelector(":scope > .update-chip")) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn small primary update-chip";
  button.textContent = say("有更新，点此显示（未保存的填写会清除）", "Updates here: show them (unsaved typing is dropped)");
  button.addEventListener("click", () => {
    for (const form of region.querySelectorAll("form")) form.reset();
    refresh(region);
  });
  region.prepend(button);
}

// The stream
let wait = 1000;
let offline = false;
let polling;
let asking = false;

function setOffline(isOffline) {
  const chip = document.querySelector("[data-offline]");
  if (chip) chip.hidden = !isOffline;
  if (offline && !isOffline) toast(say("连接已恢复", "Connected again"));
  if (offline !== isOffline) announce(isOffline ? say("连接中断，正在重试", "Offline, trying again") : say("连接已恢复", "Connected again"));
  offline = isOffline;
}

async function poll() {
  if (asking) return;
  asking = true;
  try {
    const answer = await fetch(`/live/since?seq=${seq}`, { credentials: "same-origin" });
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    const said = await answer.json();
    for (const event of said.events ?? []) hear(event);
    seq = Math.max(seq, said.seq ?? 0);
    setOffline(false);
  } catch {
    setOffline(true);
  }
}

function connect() {
  const url = new URL(meta("live-url"), location.href);
  url.searchParams.set("seq", seq);
  const source = new EventSource(url, { withCredentials: true });
  source.onopen = () => {
    wait = 1000;
    clearInterval(polling);
    polling = undefined;
    setOffline(false);
    // What happened between the page's making and the stream's opening.
    poll();
  };
  source.onmessage = (message) => hear({ seq: message.lastEventId, ...JSON.parse(message.data) });
  source.onerror = () => {
    // The browser's own retry gives up on an error status; ours does not, and polling bridges the time.
    source.close();
    keepAsking();
    poll();
    setTimeout(connect, wait);
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  };
  addEventListener("pagehide", () => source.close(), { once: true });
}

addEventListener("offline", () => setOffline(true));
addEventListener("online", poll);
// Ask until the stream is open: a port that a firewall swallows does not even fail for minutes, and a proxy in front shows none.
if (meta("live-seq")) {
  keepAsking();
  if (meta("live-url")) connect();
}
