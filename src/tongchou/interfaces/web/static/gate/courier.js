// Brings scans to the lane in order, each until it is acknowledged, then appeals. A device that is revoked forgets everything.
import { Courier } from "../offline/courier.js";
import { Store } from "../offline/store.js";

const BATCH = 500;

// Scans and appeals until they are acknowledged; scans that clash with what the lane holds.
export const store = new Store("tongchou-gate", {
  scans: { keyPath: "seq", autoIncrement: true }, appeals: { keyPath: "id", autoIncrement: true }, clashes: { keyPath: "seq" },
});

export class GateCourier extends Courier {
  // `told` also hears "answers", "appeal", "revoked"; `lane` of the bundle is where scans go.
  constructor(told) {
    super(store, told);
    this.bundleAt = "/scan/bundle";
    this.batch = BATCH;
  }

  async enrol(code) {
    const answer = await this.ask("/scan/enrol", { method: "POST", body: JSON.stringify({ code }) });
    const said = await answer.json();
    if (!answer.ok) return said;
    await this.trust(said.token);
    return null;
  }

  async work() {
    while (await this.deliverBatch());
    await this.deliverAppeals();
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
      await store.remove("scans", scan.seq);
    }
    return true;
  }

  async deliverAppeals() {
    for (const { id, seq, words, phone } of await store.first("appeals")) {
      const answer = await this.ask("/scan/appeals", { method: "POST", body: JSON.stringify({ seq, words, phone }) });
      if (answer.status >= 500) throw new Error(`appeal answered ${answer.status}`);
      const said = await answer.json();
      await store.remove("appeals", id);
      this.told("appeal", { seq, ...said });
    }
  }

  ended() {
    return store.wipe();
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
