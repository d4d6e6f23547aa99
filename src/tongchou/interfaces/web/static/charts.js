// Charts: the specification stands in the page as JSON; colours named "$token" are filled in from the sheet, again whenever the theme changes.

import { meta, say } from "./frame.js";

let program;
function loadProgram() {
  program ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = meta("chart-bundle");
    script.onload = done;
    script.onerror = failed;
    document.head.append(script);
  });
  return program;
}

function filled(value, style) {
  if (Array.isArray(value)) return value.map((inner) => filled(inner, style));
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, filled(inner, style)]));
  if (typeof value === "string" && /^\$[a-z][a-z0-9-]*$/.test(value)) return style.getPropertyValue(`--${value.slice(1)}`).trim() || value;
  return value;
}

const drawn = new Map();

async function draw(figure) {
  const canvas = figure.querySelector(".chart-canvas");
  const spec = JSON.parse(figure.querySelector('script[type="application/json"]').textContent);
  try {
    await loadProgram();
    const style = getComputedStyle(document.documentElement);
    const options = {
      ast: true, actions: false, renderer: "svg", defaultStyle: false, mode: "vega-lite",
      tooltip: { disableDefaultStyle: true, sanitize: (value) => String(value).replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]) },
    };
    const made = await window.vegaEmbed(canvas, filled(spec, style), options);
    drawn.get(figure)?.finalize();
    drawn.set(figure, made);
    figure.dataset.drawn = "yes";
  } catch (error) {
    console.error(error);
    figure.classList.add("has-failed");
    const note = document.createElement("p");
    note.className = "notice warn";
    note.textContent = say("图表无法显示，请看下面的数据表，或刷新页面。", "The chart could not be drawn. See the table below, or reload the page.");
    canvas.replaceChildren(note);
    figure.querySelector("details")?.setAttribute("open", "");
  }
}

// A page of many charts is usable at once: each is drawn when it comes near the window.
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    seen.unobserve(entry.target);
    draw(entry.target);
  }
}, { rootMargin: "400px" });

function watch(root) {
  for (const figure of root.querySelectorAll("[data-chart]:not([data-drawn])")) seen.observe(figure);
}

watch(document);
document.addEventListener("fragment", (event) => {
  for (const [figure, made] of drawn) {
    if (figure.isConnected) continue;
    made.finalize();
    drawn.delete(figure);
  }
  watch(event.target);
});
document.addEventListener("theme", () => {
  for (const figure of drawn.keys()) draw(figure);
});
addEventListener("beforeprint", () => {
  for (const figure of document.querySelectorAll("[data-chart]:not([data-drawn])")) draw(figure);
});
