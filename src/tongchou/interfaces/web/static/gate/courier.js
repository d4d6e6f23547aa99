// Brings scans to the lane in order, each until it is acknowledged, then appeals; fetches the bundle; measures the clock.
import * as store from "./store.js";

const BATCH = 500;
const LONGEST_WAIT_MS = 60_000;
const PATIENCE_MS = 15_000;

export class Revoked extends Error {}

export class Courier {
  // `told(kind, what)` hears "state", "answers", "appeal", "revoked"; `lane` of the bundle is where scans go.
  constructor(told) {
    this.told = told;
    this.batch = BATCH;
    this.failures = 0;
    this.isOnline = navigator.onLine;
    this.running = null;
    this.again = false;
  }

  async load() {
    [this.token, this.bundle, this.tag, this.asOfMs, this.skewMs] = await Promise.all(["token", "bundle", "tag", "as_of", "skew"].map(store.get));
    this.skewMs ??= 0;
  }

  now() {
    return Date.now() + this.skewMs;
  }

  async enrol(code) {
    const answer = await this.ask("/scan/enrol", { method: "POST", body: JSON.stringify({ code }) });
    const said = await answer.json();
    if (!answer.ok) return said;
    this.token = said.token;
    await store.put("token", this.token);
    await this.refresh();
    return null;
  }

  // The bundle, if it has changed; never raises for a network that is away.
  async refresh() {
    if (!this.token) return;
    try {
      const answer = await this.ask("/scan/bundle", { headers: this.tag ? { "If-None-Match": this.tag } : {} });
      if (answer.status === 200) {
        this.bundle = await answer.json();
        this.tag = answer.headers.get("ETag");
        await store.put("bundle", this.bundle);
        await store.put("tag", this.tag);
      }
      if (answer.status === 200 || answer.status === 304) await store.put("as_of", (this.asOfMs = this.now()));
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
        const work = async () => {
          while (await this.deliverBatch());
          await this.deliverAppeals();
        };
        await (navigator.locks ? navigator.locks.request("tongchou-gate", work) : work());
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

  async deliverBatch() {
    const scans = await store.first("scans", this.batch);
    if (!scans.length || !this.bundle) return false;
    const rows = scans.map(({ seq, at, text, told, way }) => ({ seq, at, text, told, way }));
    const answer = await this.ask(this.bundle.lane, { method: "POST", body: JSON.stringify({ sent_at: Math.round(this.now()), scans: rows }) });
    if ((answer.status === 413 || answer.status === 422) && scans.length > 1) {
      this.batch = Math.ceil(scans.length / 2);
      return true;
    }
    if (answer.status === 422) return this.setAside(scans); // one scan that the lane cannot read must not hold up the rest
    if (answer.status === 401) await this.refresh();
    if (answer.status !== 200 && answer.status !== 409) throw new Error(`lane answered ${answer.status}`);
    const { answers, clashes } = await answer.json();
    await this.setAside(scans.filter((scan) => clashes.includes(scan.seq)));
    for (const [from, to] of runs(answers.map((one) => one.seq))) await store.remove("scans", from, to);
    this.batch = Math.min(BATCH, this.batch * 2);
    this.told("answers", answers);
    this.told("state");
    return answers.length + clashes.length > 0;
  }

  async setAside(scans) {
    for (const scan of scans) {
      await store.replace("clashes", scan);
      await store.remove("scans", scan.seq, scan.seq);
    }
    return true;
  }

  async deliverAppeals() {
    for (const { id, seq, words, phone } of await store.first("appeals")) {
      const answer = await this.ask("/scan/appeals", { method: "POST", body: JSON.stringify({ seq, words, phone }) });
      if (answer.status >= 500) throw new Error(`appeal answered ${answer.status}`);
      const said = await answer.json();
      await store.remove("appeals", id, id);
      this.told("appeal", { seq, ...said });
    }
  }

  async stumbled(error) {
    if (!(error instanceof Revoked)) return;
    this.token = this.bundle = this.tag = undefined;
    await store.wipe();
    this.told("revoked");
  }

  async ask(address, options) {
    const before = Date.now();
    let answer;
    try {
      const headers = { "Content-Type": "application/json", ...(this.token ? { Authorization: `Bearer ${this.token}` } : {}), ...options.headers };
      answer = await fetch(address, { ...options, headers, credentials: "omit", cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
    } catch (error) {
      this.isOnline = false;
      throw error;
    }
    this.isOnline = true;
    // The lane hears of a new device a second later than the pages do: only the pages say that one is revoked.
    if (answer.status === 401 && address.startsWith("/")) throw new Revoked();
    const serverMs = Number(answer.headers.get("Server-Now"));
    if (serverMs) await store.put("skew", (this.skewMs = serverMs - (before + Date.now()) / 2));
    return answer;
  }
}

// Ascending numbers as stretches without a gap.
function runs(numbers) {
  const found = [];
  for (const number of numbers) {
    if (found.length && found.at(-1)[1] === number - 1) found.at(-1)[1] = number;
    else found.push([number, number]);
  }
  return found;
}
