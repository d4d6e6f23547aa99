// Brings visits to the house, each with what was said there.
import { ERRAND_STORES, ErrandCourier } from "../offline/errands.js";
import { Store } from "../offline/store.js";

// Which firms were visited on which day, as far as this phone knows.
export const store = new Store("tongchou-call", { ...ERRAND_STORES, done: { keyPath: "firm" } });

// The errand of the phone is a day's plan.
export class CallCourier extends ErrandCourier {
  constructor(told) {
    super(store, told, "/call");
  }

  async keep(given) {
    const act = await this.keepAct(given, { name: given.name, told: given.told.length });
    await store.replace("done", { firm: act.firm, day: act.day, outcome: act.outcome });
    await store.forget("draft");
    return act;
  }

  delivery({ id, firm, outcome, spoke_to, words, point, told, heard, at }) {
    return { address: "/api/v1/calls", body: { id, firm, called_at: new Date(at).toISOString(), outcome, spoke_to, words, point, told, heard } };
  }

  // What the firm said of a difficulty that had moved on meanwhile is shown; the visit itself was taken.
  async settled(act, { passed_over: late }) {
    if (!late.length) return "sent";
    await store.replace("refused", { ...act, late });
    return "refused";
  }

  async unsettled({ firm }) {
    await store.remove("done", firm);
  }
}
