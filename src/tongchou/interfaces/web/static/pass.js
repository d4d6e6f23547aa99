// The phone keeps the pass it shows, with its style, so that a reload without a network still shows the code.
if ("serviceWorker" in navigator) {
  const parts = [...document.querySelectorAll("link[rel=stylesheet], link[rel=icon], script[src]")].map((part) => part.href || part.src);
  navigator.serviceWorker
    .register("/p/worker.js", { scope: "/p/" })
    .then(() => caches.open("pass-1"))
    .then((kept) => Promise.all([location.pathname, ...parts].map((address) => kept.add(address).catch(() => {}))))
    .then(() => document.documentElement.setAttribute("data-kept", ""))
    .catch(() => {});
}
