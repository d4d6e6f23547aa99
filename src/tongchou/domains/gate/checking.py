"""What a lane holds in memory to judge a scan without asking a database: devices, rules, keys, status lists, passes seen before."""

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Generic, TypeVar

from tongchou.core.passes.tokens import BadPass, Pass, TrustedKey, read_pass
from tongchou.core.secrecy import token_digest
from tongchou.domains.gate.rules import ELSEWHERE_S, Decision, EntryRule, decide

_SEEN_AT_MOST = 200_000
_CARD = re.compile(r"ID:(\d{17}[\dX])")
Seen = TypeVar("Seen")


@dataclass(frozen=True, slots=True)
class Door:
    """Where a device stands, and what is asked there today."""

    device: int
    entrance: int
    venue: int
    rule: EntryRule


@dataclass(frozen=True, slots=True)
class Book:
    """Everything a scan is judged by, as it stood at an instant. `doors` is by the digest of the device's token."""

    town: str
    at: datetime
    doors: Mapping[str, Door]
    keys: Mapping[bytes, TrustedKey]
    revoked: Mapping[int, bytes]
    suspended: Mapping[int, bytes]

    def door(self, token: str) -> Door | None:
        return self.doors.get(token_digest(token))


class Memory(Generic[Seen]):
    """A dictionary of bounded size. Two generations, so that filling up forgets the older half and not all of it."""

    def __init__(self) -> None:
        self._young: dict[Hashable, Seen] = {}
        self._old: dict[Hashable, Seen] = {}

    def get(self, key: Hashable) -> Seen | None:
        return self._young.get(key) or self._old.get(key)

    def put(self, key: Hashable, seen: Seen) -> None:
        if len(self._young) >= _SEEN_AT_MOST // 2:
            self._old, self._young = self._young, {}
        self._young[key] = seen


class SeenPasses:
    """Passes shown before: what each text said, so that a signature is checked once and not at every door; and where each holder was last."""

    def __init__(self) -> None:
        self._keys: Mapping[bytes, TrustedKey] = {}
        self._texts: Memory[Pass | BadPass] = Memory()
        self._doors: Memory[tuple[int, int]] = Memory()

    def read(self, text: str, keys: Mapping[bytes, TrustedKey]) -> Pass | BadPass:
        """What a text says, or why it is no pass. Asked anew when the keys have changed."""
        if keys is not self._keys:
            self._keys, self._texts = keys, Memory()
        known = self._texts.get(text)
        if known is not None:
            return known
        try:
            found: Pass | BadPass = read_pass(text, keys)
        except BadPass as bad:
            found = bad
        self._texts.put(text, found)
        return found

    def is_elsewhere(self, holder: int, venue: int, at_s: int) -> bool:
        """Whether the holder was let in at another venue at nearly the same time, which a copied pass does; notes the visit."""
        last = self._doors.get(holder)
        self._doors.put(holder, (venue, at_s))
        return last is not None and last[0] != venue and abs(at_s - last[1]) <= ELSEWHERE_S


def judge(shown: Pass | BadPass | None, door: Door, book: Book, seen: SeenPasses, at_s: int, way: str) -> Decision:
    """The house's decision on one scan. None: the card of nobody known."""
    decision = decide(shown, door.rule, town=book.town, at_s=at_s, revoked=book.revoked, suspended=book.suspended)
    if decision.verdict != "refuse" and way == "in" and isinstance(shown, Pass) and seen.is_elsewhere(shown.holder, door.venue, at_s):
        return Decision("notice", "seen_elsewhere")
    return decision


def card_number(text: str) -> str | None:
    """The number of an identity card as a scanner sends it (`ID:` and 18 signs); None when the text is something else."""
    found = _CARD.fullmatch(text) if text.startswith("ID:") else None
    return found and found[1]


def scan_digest(at: int, text: str, told: str, way: str) -> int:
    """Eight bytes of what a device sent under one number, as a signed number that every database can keep."""
    return int.from_bytes(blake2b(f"{at} {told} {way} {text}".encode("utf-8", "surrogatepass"), digest_size=8).digest(), signed=True)
