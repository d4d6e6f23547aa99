// Keeps a pass that was opened once: asked for first from the house, shown from here without a network. An address that has ended is forgotten.
const KEPT = "pass-1";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { origin } = new URL(event.request.url);
  if (event.request.method === "GET" && origin === location.origin) event.respondWith(answer(event.request));
});

async function answer(request) {
  const kept = await caches.open(KEPT);
  try {
    const fresh = await fetch(request);
    // Who read one's data is not kept: it is looked at with a network, and gone with the page.
    if (fresh.ok && !request.url.endsWith("/looks")) await kept.put(request, fresh.clone());
    else if (fresh.status === 404) await kept.delete(request, { ignoreVary: true });
    return fresh;
  } catch (lost) {
    const before = await kept.match(request, { ignoreVary: true });
    if (before) return before;
    throw lost;
  }
}
