// Forms: no second submit, no lost typing, a question before what cannot be undone, photos made small before they travel.

import { say, toast } from "./frame.js";

const changed = new WeakSet();

document.addEventListener("input", (event) => {
  if (event.target.form?.hasAttribute("data-guard")) changed.add(event.target.form);
});

addEventListener("beforeunload", (event) => {
  if ([...document.forms].some((form) => changed.has(form) && !form.dataset.sent)) event.preventDefault();
});

document.addEventListener("click", (event) => {
  const asked = event.target.closest("[data-confirm]");
  if (asked && !confirm(asked.dataset.confirm)) {
    event.preventDefault();
    event.stopPropagation();
  }
}, true);

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || form.hasAttribute("data-preferences") || event.defaultPrevented) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  if (form.querySelector("[data-shrinking]")) {
    event.preventDefault();
    toast(say("照片还在处理，请稍候再提交。", "The photo is still being prepared. Submit again in a moment."));
    return;
  }
  form.dataset.sent = "yes";
  const button = event.submitter;
  // The button's own name and value must still be sent, so it is marked rather than disabled.
  button?.classList.add("is-busy");
  button?.setAttribute("aria-busy", "true");
});

// Back from the next page the browser may show this one as it was left.
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
  for (const button of document.querySelectorAll(".is-busy")) button.classList.remove("is-busy");
});

const EDGE_PX = 2048;

async function smaller(file) {
  if (!/^image\/(jpeg|png|webp|heic|heif)$/.test(file.type)) return file;
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, EDGE_PX / Math.max(picture.width, picture.height));
  if (scale === 1 && file.size < 600000) return file;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [Math.round(picture.width * scale), Math.round(picture.height * scale)];
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
  return blob && (scale < 1 || blob.size < file.size) ? new File([blob], file.name.replace(/\.\w+$/, "") + ".jpg", { type: "image/jpeg", lastModified: file.lastModified }) : file;
}

document.addEventListener("change", async (event) => {
  const input = event.target;
  if (!(input instanceof HTMLInputElement) || input.type !== "file" || !input.hasAttribute("data-photo")) return;
  input.setAttribute("data-shrinking", "");
  const box = new DataTransfer();
  let preview = input.parentElement.querySelector(".photo-preview");
  if (!preview) {
    preview = document.createElement("div");
    preview.className = "photo-preview";
    input.after(preview);
  }
  preview.replaceChildren();
  for (const file of input.files) {
    // A picture this browser cannot decode is sent as it is; the server looks at it again.
    const kept = await smaller(file).catch(() => file);
    box.items.add(kept);
    if (kept.type.startsWith("image/")) {
      const image = new Image();
      image.src = URL.createObjectURL(kept);
      image.alt = kept.name;
      image.onload = () => URL.revokeObjectURL(image.src);
      preview.append(image);
    }
    const size = document.createElement("span");
    size.textContent = `${kept.name} · ${Math.ceil(kept.size / 1024)} KB`;
    preview.append(size);
  }
  input.files = box.files;
  input.removeAttribute("data-shrinking");
});
