// Brings check-offs to the crews' lane, and keeps who is in which tube.
import { ERRAND_STORES, ErrandCourier } from "../offline/errands.js";
import { Store } from "../offline/store.js";

export const store = new Store("tongchou-crew", { ...ERRAND_STORES, done: { keyPath: "person" } });

// The errand of the phone is a round at a site.
export class CrewCourier extends ErrandCourier {
  constructor(told) {
    super(store, told, "/crew");
  }

  // Keeps one check-off: of one household or one person, in one tube.
  async keep(given) {
    const { tube, people, label } = given;
    const act = await this.keepAct(given, { label, people: people.length, tube });
    for (const { person } of people) if (person) await store.replace("done", { person, tube });
    return act;
  }

  delivery({ id, round, site, tube, size, people, at }) {
    const sampled = people.map(({ person, text, way }) => ({ person, text, way, tube, sampled_at: new Date(at).toISOString() }));
    return { address: `${this.bundle.lane}/api/v1/testing/rounds/${round}/check-offs`, body: { id, add: true, site, tube_size: size, sampled } };
  }

  async settled(act, { known }) {
    const others = Object.entries(known).filter(([, tube]) => tube !== act.tube);
    if (!others.length) return "sent";
    const elsewhere = others.map(([person, tube]) => ({ label: act.people.find((one) => String(one.person) === person)?.label ?? "", tube }));
    await store.replace("refused", { ...act, elsewhere });
    for (const [person, tube] of others) await store.replace("done", { person: Number(person), tube });
    return "refused";
  }

  async unsettled(act) {
    for (const { person } of act.people) if (person) await store.remove("done", person);
  }
}
