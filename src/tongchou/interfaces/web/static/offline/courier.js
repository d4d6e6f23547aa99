// Brings what a page has kept to the house, one page of it at a time, and goes on when the network is back; fetches the bundle; measures the clock.
const LONGEST_WAIT_MS = 60_000;
const PATIENCE_MS = 15_000;

export class Revoked extends Error {}

export class Courier {
  // `told(kind, what)` hears "state", and whatever a subclass says. A subclass has `bundleAt`, an address, and `work()`, which brings
  // everything that waits in its order and raises when it cannot go on; `ended()` is called when the token holds no more.
  constructor(store, told) {
    this.store = store;
    this.told = told;
    this.failures = 0;
    this.isOnline = navigator.onLine;
    this.running = null;
    this.again = false;
  }

  async load() {
    const names = ["token", "bundle", "tag", "as_of", "skew"];
    [this.token, this.bundle, this.tag, this.asOfMs, this.skewMs] = await Promise.all(names.map((name) => this.store.get(name)));
    this.skewMs ??= 0;
  }

  now() {
    return Date.now() + this.skewMs;
  }

  async trust(token) {
    this.token = token;
    await this.store.put("token", token);
    await this.refresh();
  }

  // The bundle, if it has changed; never raises for a network that is away.
  async refresh() {
    if (!this.token) return;
    try {
      const answer = await this.ask(this.bundleAt, { headers: this.tag ? { "If-None-Match": this.tag } : {} });
      if (answer.status === 200) {
        this.bundle = await answer.json();
        this.tag = answer.headers.get("ETag");
        await this.store.put("bundle", this.bundle);
        await this.store.put("tag", this.tag);
      }
      if (answer.status === 200 || answer.status === 304) await this.store.put("as_of", (this.asOfMs = this.now()));
    } catch (error) {
      await this.stumbled(error);
    }
    this.told("state");
  }

  // Begins or goes on delivering; resolves when everything is there or the network is away.
  deliver() {
    this.again = true;
    clearTimeout(this.timer);
    this.running ??= this.run().finally(() => (this.running = null));
    return this.running;
  }

  async run() {
    try {
      while (this.again && this.token) {
        this.again = false;
        const work = () => this.work();
        await (navigator.locks ? navigator.locks.request(this.store.name, work) : work()); // two pages of one device take turns
        this.failures = 0;
      }
    } catch (error) {
      await this.stumbled(error);
      if (this.token) this.retryLater();
    }
    this.told("state");
  }

  retryLater() {
    const wait = Math.min(LONGEST_WAIT_MS, 1000 * 2 ** this.failures++);
    this.timer = setTimeout(() => this.deliver(), wait * (0.5 + Math.random() / 2));
  }

  async stumbled(error) {
    if (!(error instanceof Revoked)) return;
    this.token = this.bundle = this.tag = undefined;
    await this.ended();
    this.told("revoked");
  }

  async ask(address, options) {
    const before = Date.now();
    let answer;
    try {
      const headers = { "Content-Type": "application/json", ...(this.token ? { Authorization: `Bearer ${this.token}` } : {}), ...options.headers };
      answer = await fetch(address, { credentials: "omit", cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS), ...options, headers });
    } catch (error) {
      this.isOnline = false;
      throw error;
    }
    this.isOnline = true;
    // A lane hears of a new token a second later than the pages do: only the pages say that one is revoked.
    if (answer.status === 401 && address.startsWith("/")) throw new Revoked();
    const serverMs = Number(answer.headers.get("Server-Now"));
    if (serverMs) await this.store.put("skew", (this.skewMs = serverMs - (before + Date.now()) / 2));
    return answer;
  }
}
