"""Who was let in at a venue that had just refused them: pairs of scans that both the house refuses. Pure.

The house decides every scan anew by all that is known, so a person whom it refuses twice has brought nothing new in between: no
test, no fresh pass, no lifted suspension. Wherever the order or the reason is in doubt, the door is not blamed.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from tongchou.core.passes.verdicts import REFUSED
from tongchou.domains.gate.rules import CLOCK_TOLERANCE_S, FLAGS, REASON_CODES

_LATER_NEWS = {REASON_CODES.index(code) for code in ("revoked", "suspended", "future_test")}
_OF_THE_PERSON = {REASON_CODES.index(code) for code in ("no_test", "test_too_old", "future_test", "suspended")}


class Objected(NamedTuple):
    """One scan of somebody going in whom the house refuses; the columns of `Scan`."""

    pk: int
    holder: int
    venue: int
    entrance: int
    device: int
    seq: int
    at_s: int
    told: int
    reason: int
    flags: int


def entered_after_refusal(scans: Iterable[Objected], within_s: int) -> list[Objected]:
    """The entries told otherwise than refused, at most `within_s` after a device of the same venue refused the same person; one for each refusal and device, by time.

    What one device says of order is its numbers; between two devices an entry counts only when it is later by more than clocks may
    differ. Left out: times that were replaced; scans delivered late whose objection may have come up after them; and a card shown
    after a refusal that was about the pass alone, since the words at the door then ask for the card.
    """
    certain = [scan for scan in scans if _is_certain(scan)]
    found: dict[tuple[int, int], Objected] = {}
    for _, group in groupby(sorted(certain, key=_of_person), key=_of_person):
        together = list(group)
        refusals = [scan for scan in together if scan.told == REFUSED]
        for entry in sorted((scan for scan in together if scan.told != REFUSED), key=lambda scan: (scan.at_s, scan.pk)):
            before = max((r for r in refusals if _is_answer(r, entry, within_s)), key=lambda r: (r.at_s, r.pk), default=None)
            if before is not None:
                found.setdefault((before.pk, entry.device), entry)
    return list(found.values())


def _of_person(scan: Objected) -> tuple[int, int]:
    return scan.holder, scan.venue


def _is_certain(scan: Objected) -> bool:
    return not scan.flags & FLAGS["implausible_time"] and not (scan.flags & FLAGS["late"] and scan.reason in _LATER_NEWS)


def _is_answer(refusal: Objected, entry: Objected, within_s: int) -> bool:
    if entry.flags & FLAGS["by_card"] and refusal.reason not in _OF_THE_PERSON:
        return False
    after_s = entry.at_s - refusal.at_s
    if refusal.device == entry.device:  # its clock may have been set in between
        return refusal.seq < entry.seq and abs(after_s) <= within_s
    return CLOCK_TOLERANCE_S < after_s <= within_s


def changed_by(scans: Sequence[Objected], upto: int, within_s: int) -> Iterator[tuple[int, int, int]]:
    """(entrance, instant, how many more or fewer) that scans with row numbers above `upto` change: an offline queue delivers a refusal after its entry was counted."""
    now = Counter((scan.entrance, scan.at_s) for scan in entered_after_refusal(scans, within_s))
    now.subtract((scan.entrance, scan.at_s) for scan in entered_after_refusal((s for s in scans if s.pk <= upto), within_s))
    return ((entrance, at_s, more) for (entrance, at_s), more in now.items() if more)
