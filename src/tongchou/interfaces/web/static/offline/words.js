// What the pages that work without a network have in common on the screen: words in two languages at once, large text, a reader's keys.
export const texts = JSON.parse(document.getElementById("texts").textContent);
export const at = (id) => document.getElementById(id);
export const view = { lang: localStorage.lang ?? document.documentElement.lang.slice(0, 2), large: localStorage.large === "1" };

export const say = (pair) => (typeof pair === "string" ? pair : pair?.[view.lang] ?? pair?.zh ?? "");
export const word = (key, values = {}) => say(texts.words[key]).replace(/\{(\w+)\}/g, (_, name) => values[name]);

// An instant on the town's clock, in the reader's form.
export function when(ms, timeZone) {
  const form = { month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit", timeZone };
  return new Date(ms).toLocaleString(view.lang === "en" ? "en-GB" : "zh-CN", form);
}

export function warn(id, text) {
  at(`warn-${id}`).textContent = text;
  at(`warn-${id}`).hidden = !text;
}

export function note(key) {
  at("note").dataset.word = key;
  at("note").textContent = word(key);
  at("note").hidden = false;
}

// Says every word of the page in the reader's language.
export function speak(title) {
  document.documentElement.lang = view.lang === "en" ? "en" : "zh-CN";
  document.documentElement.dataset.large = String(view.large);
  for (const part of document.querySelectorAll("[data-word]")) part.textContent = word(part.dataset.word);
  at("lang").textContent = view.lang === "en" ? "中文" : "English";
  at("size").textContent = word(view.large ? "normal" : "large");
  document.title = `${word(title)} · ${view.lang === "en" ? "Tongchou" : "统筹"}`;
}

// The two buttons of the header; `again` says everything anew.
export function bindHeader(again) {
  const keep = (name, value) => {
    localStorage[name] = value;
    again();
  };
  at("lang").onclick = () => keep("lang", (view.lang = view.lang === "zh" ? "en" : "zh"));
  at("size").onclick = () => keep("large", (view.large = !view.large) ? "1" : "0");
}

// A reader types wherever the focus is: what is typed outside a field goes into the entry (`#text` of the form `#entry`).
export function hearReader(isReady) {
  document.addEventListener("keydown", (event) => {
    if (!isReady() || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input:not([type=radio], [type=checkbox]), textarea")) return;
    if (event.key === "Enter" && at("text").value) {
      event.preventDefault();
      at("entry").requestSubmit();
    } else if (event.key.length === 1 && !(event.key === " " && event.target.matches("button, input"))) {
      event.preventDefault();
      at("text").value += event.key;
    }
  });
}
