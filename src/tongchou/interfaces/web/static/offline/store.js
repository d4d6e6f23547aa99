// What a page keeps in IndexedDB until the house has it. `stores`: name → options; "kept" holds single values by key.
const promised = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

export class Store {
  constructor(name, stores) {
    this.name = name;
    this.stores = { kept: {}, ...stores };
  }

  database() {
    this.opened ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(this.name, 1);
      request.onupgradeneeded = () => Object.entries(this.stores).forEach(([name, options]) => request.result.createObjectStore(name, options));
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    return this.opened;
  }

  // Resolves when the transaction is complete, with what `work` asked for: "strict" waits for the disk.
  async within(name, mode, work) {
    const transaction = (await this.database()).transaction(name, mode, { durability: mode === "readwrite" ? "strict" : "default" });
    const done = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
    });
    const [found] = await Promise.all([promised(work(transaction.objectStore(name))), done]);
    return found;
  }

  get = (key) => this.within("kept", "readonly", (store) => store.get(key));
  put = (key, value) => this.within("kept", "readwrite", (store) => store.put(value, key));
  forget = (key) => this.within("kept", "readwrite", (store) => store.delete(key));
  add = (name, row) => this.within(name, "readwrite", (store) => store.add(row));
  replace = (name, row) => this.within(name, "readwrite", (store) => store.put(row));
  first = (name, many) => this.within(name, "readonly", (store) => store.getAll(null, many));
  find = (name, key) => this.within(name, "readonly", (store) => store.get(key));
  count = (name) => this.within(name, "readonly", (store) => store.count());
  remove = (name, from, to = from) => this.within(name, "readwrite", (store) => store.delete(IDBKeyRange.bound(from, to)));
  clear = (name) => this.within(name, "readwrite", (store) => store.clear());

  // Forgets everything and begins every count anew.
  async wipe() {
    (await this.database()).close();
    this.opened = undefined;
    await promised(indexedDB.deleteDatabase(this.name));
  }
}
