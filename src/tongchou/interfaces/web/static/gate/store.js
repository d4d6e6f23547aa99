// What the scanner keeps in IndexedDB: its token and bundle ("kept"), scans and appeals until they are acknowledged, scans that clash.
const STORES = { kept: {}, scans: { keyPath: "seq", autoIncrement: true }, appeals: { keyPath: "id", autoIncrement: true }, clashes: { keyPath: "seq" } };

const promised = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

let opened;
function database() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open("tongchou-gate", 1);
    request.onupgradeneeded = () => Object.entries(STORES).forEach(([name, options]) => request.result.createObjectStore(name, options));
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opened;
}

// Resolves when the transaction is complete, with what `work` asked for: "strict" waits for the disk.
async function within(name, mode, work) {
  const transaction = (await database()).transaction(name, mode, { durability: mode === "readwrite" ? "strict" : "default" });
  const done = new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });
  const [found] = await Promise.all([promised(work(transaction.objectStore(name))), done]);
  return found;
}

export const get = (key) => within("kept", "readonly", (store) => store.get(key));
export const put = (key, value) => within("kept", "readwrite", (store) => store.put(value, key));
export const add = (name, row) => within(name, "readwrite", (store) => store.add(row));
export const replace = (name, row) => within(name, "readwrite", (store) => store.put(row));
export const first = (name, many) => within(name, "readonly", (store) => store.getAll(null, many));
export const count = (name) => within(name, "readonly", (store) => store.count());
export const remove = (name, from, to) => within(name, "readwrite", (store) => store.delete(IDBKeyRange.bound(from, to)));

// Forgets everything and begins the count of scans anew.
export async function wipe() {
  (await database()).close();
  opened = undefined;
  await promised(indexedDB.deleteDatabase("tongchou-gate"));
}
