// Brings check-offs to the house one at a time, in the order they were made, each until the house has said what became of it.
// Check-offs do not go with the phone's permission: when that ends, the roll is erased and they stay.
import { Courier } from "../offline/courier.js";
import { Store } from "../offline/store.js";

const REFUSALS = new Set([400, 404, 409, 413, 422]);
const LOG_KEPT = 60;

// Check-offs that wait, by number; those refused, until the crew has settled them; who is in which tube; the latest, sent or not.
export const store = new Store("tongchou-crew", {
  acts: { keyPath: "seq", autoIncrement: true }, refused: { keyPath: "id" }, done: { keyPath: "person" }, log: { keyPath: "n", autoIncrement: true },
});

export class CrewCourier extends Courier {
  // `told` also hears "sent" (a check-off), "refused", "revoked".
  constructor(told) {
    super(store, told);
  }

  async load() {
    await super.load();
    [this.sentMs, this.errand] = await Promise.all(["sent", "errand"].map(store.get));
  }

  // The errand of the phone is a round at a site.
  get bundleAt() {
    return `/crew/bundle?${new URLSearchParams(this.errand)}`;
  }

  // Asks for a permission of this phone, as whoever is signed in. Gives nothing, or why not: "sign_in", or the house's words.
  async take(errand) {
    const token = document.cookie.match(/(?:^|; )csrftoken=([^;]*)/)?.[1] ?? "";
    const headers = { "Content-Type": "application/x-www-form-urlencoded", "X-CSRFToken": token, Accept: "application/json" };
    const answer = await this.ask("/crew/take", { method: "POST", headers, body: new URLSearchParams(errand).toString(), credentials: "same-origin" });
    if (answer.redirected || answer.status === 403) return "sign_in";
    const said = await answer.json();
    if (!answer.ok) return said.said;
    if ((await store.count("acts")) && (await store.get("who"))?.number !== said.who.number) return "other";
    this.tag = undefined;
    await store.put("who", said.who);
    await store.put("errand", (this.errand = errand));
    await this.trust(said.token);
    return null;
  }

  // Keeps one check-off: of one household or one person, in one tube. Resolves when it is on the phone's disk.
  async keep(given) {
    const act = { id: crypto.randomUUID(), ...this.errand, at: Math.round(this.now()), ...given };
    await store.add("acts", act);
    await store.add("log", { id: act.id, label: act.label, people: act.people.length, tube: act.tube, at: act.at });
    for (const { person } of act.people) if (person) await store.replace("done", { person, tube: act.tube });
    const log = await store.first("log");
    if (log.length > LOG_KEPT) await store.remove("log", log[0].n, log[log.length - LOG_KEPT - 1].n);
    return act;
  }

  async work() {
    while (this.bundle) {
      const [act] = await store.first("acts", 1);
      if (!act) return;
      await this.bring(act);
      this.told("state");
    }
  }

  async bring(act) {
    const { id, site, tube, size, people } = act;
    const sampled = people.map(({ person, text, way }) => ({ person, text, way, tube, sampled_at: new Date(act.at).toISOString() }));
    const body = JSON.stringify({ id, add: true, site, tube_size: size, sampled });
    const answer = await this.ask(`${this.bundle.lane}/api/v1/testing/rounds/${act.round}/check-offs`, { method: "POST", body });
    if (answer.status === 401) await this.refresh();
    const said = await answer.json().catch(() => null);
    if (answer.ok && said) return this.settle(act, said);
    if (!REFUSALS.has(answer.status) || !said) throw new Error(`lane answered ${answer.status}`);
    // Another crew may have been first by a moment: asked once more, the house says what is wrong.
    if (answer.status === 409 && !act.again) return store.replace("acts", { ...act, again: true });
    return this.setAside(act, said);
  }

  async settle(act, { known, room }) {
    await store.put("sent", (this.sentMs = this.now()));
    const others = Object.entries(known).filter(([, tube]) => tube !== act.tube);
    if (others.length) {
      const elsewhere = others.map(([person, tube]) => ({ label: act.people.find((one) => String(one.person) === person)?.label ?? "", tube }));
      await store.replace("refused", { ...act, elsewhere });
      for (const [person, tube] of others) await store.replace("done", { person: Number(person), tube });
    }
    await store.remove("acts", act.seq);
    this.told(others.length ? "refused" : "sent", { ...act, room });
  }

  async setAside(act, { said, remedy, problems }) {
    await store.replace("refused", { ...act, said, remedy, problems });
    for (const { person } of act.people) if (person) await store.remove("done", person);
    await store.remove("acts", act.seq);
    this.told("refused", { ...act, problems });
  }

  // The permission is over: names go, what was checked off stays until somebody signs in again.
  async ended() {
    for (const name of ["token", "bundle", "tag"]) await store.forget(name);
  }
}
