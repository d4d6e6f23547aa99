"""Texts shown at a door and what is decided: made by the Python side, held against the JavaScript side. `python -m tests.gate_decisions` writes the file."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import cbor2

from tongchou.core.passes import tokens
from tongchou.core.passes.status_lists import bits_of, encoded
from tongchou.core.passes.tokens import PREFIX, Pass, SigningKey, TrustedKey, base45, write_pass
from tongchou.core.wording import T
from tongchou.domains.gate.checking import SeenPasses
from tongchou.domains.gate.rules import EntryRule, decide

FILE = Path(__file__).parent / "data/gate/decisions.json"
TOWN, NEIGHBOUR = "310118106", "310118107"
NOW = 1_654_167_600
OURS, THEIRS, STRANGER = (SigningKey(bytes([n]) * 32) for n in (1, 2, 3))
KEYS = {OURS.key_id: TrustedKey(OURS.public, TOWN), THEIRS.key_id: TrustedKey(THEIRS.public, NEIGHBOUR)}
REVOKED, SUSPENDED = (7, 131_071), (8,)
RULES = {
    f"{hours}-{may}": EntryRule(("all",), date.min, None, hours, may, T("测试", "test"))
    for hours, may in product((None, 24, 72), (True, False))
} | {"72-permits": EntryRule(("all",), date.min, None, 72, True, T("测试", "test"), takes_permits=True)}
HOUR = 3600
GOOD = Pass(TOWN, "entry", 2**53 - 1, 5, NOW - HOUR, NOW + 24 * HOUR, {"sampled_at": NOW - HOUR, "doses": 3, "last_dose_on": 19_000})


def shown() -> dict[str, str]:
    """Name → text: good passes, every objection at its edge, and damage of every kind."""
    said: dict[str, str] = {}
    for hours in (0, 17, 18, 19, 23, 24, 25, 66, 71, 72, 73):
        said[f"test {hours} h old"] = write_pass(replace(GOOD, facts={"sampled_at": NOW - hours * HOUR}), OURS)
    for off in (-1, 0, 1):
        said[f"test at the edge {off}"] = write_pass(replace(GOOD, facts={"sampled_at": NOW - 24 * HOUR + off}), OURS)
        said[f"expires {off}"] = write_pass(replace(GOOD, expires_at=NOW + off), OURS)
        said[f"issued ahead {off}"] = write_pass(replace(GOOD, issued_at=NOW + 300 + off), OURS)
        said[f"test ahead {off}"] = write_pass(replace(GOOD, facts={"sampled_at": NOW + 300 + off}), OURS)
    said["no test"] = write_pass(replace(GOOD, facts={}), OURS)
    permit = replace(GOOD, kind="passage", facts={})
    said["passage"] = write_pass(permit, OURS)
    said["passage, expired"] = write_pass(replace(permit, expires_at=NOW), OURS)
    said["passage, revoked"] = write_pass(replace(permit, status_index=7), OURS)
    for index in (0, 6, 7, 8, 9, 131_070, 131_071, 131_072, 2**40):
        said[f"status {index}"] = write_pass(replace(GOOD, status_index=index), OURS)
    said["recognised neighbour, index revoked here"] = write_pass(replace(GOOD, issuer=NEIGHBOUR, status_index=7), THEIRS)
    said["neighbour's key for us"] = write_pass(GOOD, THEIRS)
    said["our key for the neighbour"] = write_pass(replace(GOOD, issuer=NEIGHBOUR), OURS)
    said["stranger of another town"] = write_pass(replace(GOOD, issuer="440300"), STRANGER)
    said["stranger for us"] = write_pass(GOOD, STRANGER)
    return said | damaged(write_pass(GOOD, OURS))


def damaged(good: str) -> dict[str, str]:
    found = {
        "empty": "",
        "prefix only": PREFIX,
        "web address": "https://example.org/",
        "lower case": good.lower(),
        "blank before": f" {good}",
    }
    found |= {"identity number": "ID:310118199001011234", "oversized": good + "A" * 513, "just 512": good + "0" * (512 - len(good))}
    found |= {f"cut to {n}": good[:n] for n in range(5, len(good), 23)}
    found |= {f"sign {n} changed": good[:n] + ("0" if good[n] != "0" else "1") + good[n + 1 :] for n in range(4, len(good), 7)}
    found["not base45"] = PREFIX + "é" * 6
    found["number too high"] = PREFIX + "::::::"
    whole = tokens.from_base45(good[len(PREFIX) :])
    protected, _, payload, signature = cbor2.loads(whole).value
    found["byte behind"] = PREFIX + base45(whole + b"\0")
    found["other tag"] = _sealed([protected, {}, payload, signature], 17)
    found["no tag"] = PREFIX + base45(cbor2.dumps([protected, {}, payload, signature]))
    found["five parts"] = _sealed([protected, {}, payload, signature, 1])
    found["unprotected header"] = _sealed([protected, {1: -8}, payload, signature])
    found["short signature"] = _sealed([protected, {}, payload, signature[:-1]])
    found["other algorithm"] = _sealed([cbor2.dumps({1: -7, 4: OURS.key_id}), {}, payload, signature])
    claims = cbor2.loads(payload)
    for name, changed in (
        ("negative holder", {-65537: {**claims[-65537], 2: -1}}), ("holder beyond", {-65537: {**claims[-65537], 2: 2**53}}),
        ("fraction", {4: float(NOW)}), ("text for a number", {4: "soon"}), ("no claims", {-65537: None}), ("true for a number", {4: True}),
        ("unknown kind", {-65537: {**claims[-65537], 1: 9}}), ("unknown fact", {-65537: {**claims[-65537], 4: {1: NOW - HOUR, 9: 1}}}),
        ("issuer a number", {1: 5}), ("further claim", {99: "x"}), ("fact by text", {-65537: {**claims[-65537], 4: {"a": 1}}}),
    ):  # fmt: skip
        found[name] = _signed(cbor2.dumps({**claims, **changed}, canonical=True))
    found["payload no map"] = _signed(cbor2.dumps([1, 2]))
    found["payload with a byte behind"] = _signed(payload + b"\0")
    found["long spelling of a length"] = _signed(b"\xb8\x04" + payload[1:])
    return found


def _sealed(parts: list[Any], tag: int = 18) -> str:
    return PREFIX + base45(cbor2.dumps(cbor2.CBORTag(tag, parts)))


def _signed(payload: bytes) -> str:
    protected = cbor2.dumps({1: -8, 4: OURS.key_id})
    return _sealed([protected, {}, payload, OURS.sign(cbor2.dumps(["Signature1", protected, b"", payload]))])


def decisions() -> Mapping[str, Any]:
    """The whole file."""
    lists = {"revocation": {0: bits_of(REVOKED)}, "suspension": {0: bits_of(SUSPENDED)}}
    seen = SeenPasses()
    cases = []
    for (name, text), (code, rule) in product(shown().items(), RULES.items()):
        found = decide(seen.read(text, KEYS), rule, town=TOWN, at_s=NOW, revoked=lists["revocation"], suspended=lists["suspension"])
        cases.append({"name": name, "rule": code, "verdict": found.verdict, "reason": found.reason})
    return {
        "town": TOWN,
        "at_s": NOW,
        "keys": [{"id": i.hex(), "public": k.public.hex(), "issuer": k.issuer} for i, k in KEYS.items()],
        "lists": {purpose: {str(n): encoded(bits) for n, bits in known.items()} for purpose, known in lists.items()},
        "rules": {
            code: {"test_hours": rule.test_hours, "may_refuse": rule.may_refuse, "takes_permits": rule.takes_permits}
            for code, rule in RULES.items()
        },
        "shown": shown(),
        "cases": cases,
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(decisions(), indent=0, ensure_ascii=False) + "\n", "utf-8")
