// The decision at the door as domains/gate/rules.py takes it; tests/data/gate/decisions.json holds both to it.
import { BadPass } from "./passes.js";
import { isSet } from "./status_lists.js";

const CLOCK_TOLERANCE_S = 300;
const NOTICE_BEFORE_HOURS = 6;
const KINDLY = new Set(["cannot_check"]);

// `shown`: a pass or a BadPass. `rule`: {test_hours, may_refuse, takes_permits}. `revoked`, `suspended`: Map of list number → bits.
export function decide(shown, rule, { town, atS, revoked, suspended }) {
  const reason = shown instanceof BadPass ? fault(shown, town) : objection(shown, rule, town, atS, revoked, suspended);
  return answer(reason, rule);
}

// A reason as a decision; what is no fault of the person never keeps them out.
export function answer(reason, rule) {
  if (reason === "ok") return { verdict: "admit", reason };
  if (reason === "test_expiring" || KINDLY.has(reason)) return { verdict: "notice", reason };
  return { verdict: rule.may_refuse ? "refuse" : "notice", reason };
}

// The rule of the day that holds an instant, of what the bundle brought; null when the bundle reaches no further.
export function ruleAt(days, atS) {
  return days.find((day) => day.from_s <= atS && atS < day.to_s) ?? null;
}

function fault(bad, town) {
  return ["", town].includes(bad.claimsIssuer) ? bad.fault : "other_town";
}

function objection(shown, rule, town, atS, revoked, suspended) {
  const isPermit = shown.kind === "passage"; // of a vehicle; whoever sits in it shows their own pass
  if (isPermit && !rule.takes_permits) return "wrong_kind";
  if (shown.issuer === town && isSet(revoked, shown.statusIndex)) return "revoked";
  if (shown.issuer === town && isSet(suspended, shown.statusIndex)) return "suspended";
  if (shown.issuedAt > atS + CLOCK_TOLERANCE_S) return "not_yet_valid";
  if (shown.expiresAt <= atS) return "expired";
  return isPermit || rule.test_hours === null ? "ok" : testObjection(shown.facts.sampled_at, rule.test_hours, atS);
}

function testObjection(sampledAt, testHours, atS) {
  if (sampledAt === undefined) return "no_test";
  if (sampledAt > atS + CLOCK_TOLERANCE_S) return "future_test";
  const leftS = sampledAt + testHours * 3600 - atS;
  if (leftS < 0) return "test_too_old";
  return leftS < Math.min(NOTICE_BEFORE_HOURS, testHours / 4) * 3600 ? "test_expiring" : "ok";
}
