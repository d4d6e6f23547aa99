// A phone sent on an errand: it takes along what it needs with a permission of its own, keeps acts until the house has them, and brings them one at
// a time in the order they were made, each until the house has said what became of it. Acts do not go with the permission: when that ends, what
// was taken along is erased and they stay.
import { Courier } from "./courier.js";

const REFUSALS = new Set([400, 404, 409, 413, 422]);
const LOG_KEPT = 60;

// Of every such page's store: acts that wait, by number; those refused, until somebody has settled them; the latest, sent or not.
export const ERRAND_STORES = { acts: { keyPath: "seq", autoIncrement: true }, refused: { keyPath: "id" }, log: { keyPath: "n", autoIncrement: true } };

export class ErrandCourier extends Courier {
  // `home`: the address of the page. `told` also hears "sent" (an act), "refused", "revoked".
  // A subclass has `delivery(act)`: address and body to bring it with; and may have `settled(act, said)` and `unsettled(act)`.
  constructor(store, told, home) {
    super(store, told);
    this.home = home;
  }

  async load() {
    await super.load();
    [this.sentMs, this.errand] = await Promise.all(["sent", "errand"].map(this.store.get));
  }

  get bundleAt() {
    return `${this.home}/bundle?${new URLSearchParams(this.errand)}`;
  }

  // Asks for a permission of this phone, as whoever is signed in. Gives nothing, or why not: "sign_in", "other", or the house's words.
  async take(errand) {
    const token = document.cookie.match(/(?:^|; )csrftoken=([^;]*)/)?.[1] ?? "";
    const headers = { "Content-Type": "application/x-www-form-urlencoded", "X-CSRFToken": token, Accept: "application/json" };
    const answer = await this.ask(`${this.home}/take`, { method: "POST", headers, body: new URLSearchParams(errand).toString(), credentials: "same-origin" });
    if (answer.redirected || answer.status === 403) return "sign_in";
    const said = await answer.json();
    if (!answer.ok) return said.said;
    if ((await this.store.count("acts")) && (await this.store.get("who"))?.number !== said.who.number) return "other";
    this.tag = undefined;
    await this.store.put("who", said.who);
    await this.store.put("errand", (this.errand = errand));
    await this.trust(said.token);
    return null;
  }

  // Keeps one act and a line of the log. Resolves when both are on the phone's disk.
  async keepAct(given, line) {
    const act = { id: crypto.randomUUID(), ...this.errand, at: Math.round(this.now()), ...given };
    await this.store.add("acts", act);
    await this.store.add("log", { id: act.id, at: act.at, ...line });
    const log = await this.store.first("log");
    if (log.length > LOG_KEPT) await this.store.remove("log", log[0].n, log[log.length - LOG_KEPT - 1].n);
    return act;
  }

  async work() {
    while (this.bundle) {
      const [act] = await this.store.first("acts", 1);
      if (!act) return;
      await this.bring(act);
      this.told("state");
    }
  }

  async bring(act) {
    const { address, body } = this.delivery(act);
    const answer = await this.ask(address, { method: "POST", body: JSON.stringify(body) });
    if (answer.status === 401) await this.refresh();
    const said = await answer.json().catch(() => null);
    if (answer.ok && said) return this.settle(act, said);
    if (!REFUSALS.has(answer.status) || !said) throw new Error(`${address} answered ${answer.status}`);
    // Another may have been first by a moment: asked once more, the house says what is wrong.
    if (answer.status === 409 && !act.again) return this.store.replace("acts", { ...act, again: true });
    return this.setAside(act, said);
  }

  async settle(act, said) {
    await this.store.put("sent", (this.sentMs = this.now()));
    const kind = (await this.settled?.(act, said)) ?? "sent";
    await this.store.remove("acts", act.seq);
    this.told(kind, { ...act, ...said });
  }

  async setAside(act, { said, remedy, problems }) {
    await this.store.replace("refused", { ...act, said, remedy, problems });
    await this.unsettled?.(act);
    await this.store.remove("acts", act.seq);
    this.told("refused", { ...act, problems });
  }

  // The permission is over: what was taken along goes, what was done stays until somebody signs in again.
  async ended() {
    for (const name of ["token", "bundle", "tag"]) await this.store.forget(name);
  }
}
