// Testing: one tap from the missing list to the telephone; the scan field keeps the focus for a wedge reader.

import { say, toast } from "./frame.js";

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.hasAttribute("data-call")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const answer = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { Accept: "application/json" } }).catch(() => null);
  const said = answer ? await answer.json().catch(() => ({})) : {};
  if (answer?.ok && said.phone) location.href = `tel:${said.phone}`;
  else toast(said.said || say("没有连上，请再试。", "No connection; try again."));
}, true);

document.querySelector("[data-scan]")?.focus({ preventScroll: true });
