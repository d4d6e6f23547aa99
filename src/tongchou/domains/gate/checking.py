"""What a lane holds in memory to judge a scan without asking a database: devices, rules, keys, status lists, passes seen before."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b, sha256

from tongchou.core.passes.tokens import BadPass, Pass, TrustedKey, read_pass
from tongchou.domains.gate.rules import Decision, EntryRule, decide

_SEEN_AT_MOST = 200_000


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


@dataclass(slots=True)
class SeenPasses:
    """Texts read before and what they said: a signature is checked once, not at every door. Forgotten when the keys change or it is full.

    Two generations, so that filling up forgets the older half and not all of it.
    """

    keys: Mapping[bytes, TrustedKey] = field(default_factory=dict)
    young: dict[str, Pass | BadPass] = field(default_factory=dict)
    old: dict[str, Pass | BadPass] = field(default_factory=dict)

    def read(self, text: str, keys: Mapping[bytes, TrustedKey]) -> Pass | BadPass:
        """What a text says, or why it is no pass."""
        if keys is not self.keys:
            self.keys, self.young, self.old = keys, {}, {}
        known = self.young.get(text) or self.old.get(text)
        if known is not None:
            return known
        try:
            found: Pass | BadPass = read_pass(text, keys)
        except BadPass as bad:
            found = bad
        if len(self.young) >= _SEEN_AT_MOST // 2:
            self.old, self.young = self.young, {}
        self.young[text] = found
        return found


def judge(shown: Pass | BadPass, door: Door, book: Book, at_s: int) -> Decision:
    """The house's decision on one scan."""
    return decide(shown, door.rule, town=book.town, at_s=at_s, revoked=book.revoked, suspended=book.suspended)


def token_digest(token: str) -> str:
    """How a device's token is kept: 256 random bits need no salt."""
    return sha256(token.encode()).hexdigest()


def scan_digest(*said: object) -> int:
    """Eight bytes of what a device sent under one number, as a signed number that every database can keep."""
    return int.from_bytes(blake2b(repr(said).encode(), digest_size=8).digest(), signed=True)
