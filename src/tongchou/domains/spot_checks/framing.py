"""Who or what may be drawn: one of each household, without households that rest, under pseudonyms. Pure.

A person's chance to be drawn stays exactly proportional to their weight: a household stands in the frame with the weight of all its members,
and the one who stands for it was chosen with the share that their own weight has in it.
"""

import json
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from tongchou.science import Frame, StratumDesign

FLOOR, CAP = StratumDesign("", 1).floor, StratumDesign("", 1).cap
HOUSEHOLD_FLOOR, HOUSEHOLD_CAP = 0.01, 10_000.0  # so wide that a household's weight is never cut: its members' are already


class Candidate(NamedTuple):
    """Somebody or something that may be drawn. `household`: None when no rule of households holds for it."""

    subject: int | str  # row number of its register, or the name of a lot
    stratum: str
    household: int | None
    risk: float


@dataclass(frozen=True, slots=True)
class FrameMade:
    """The frame as it is announced. Lists of one length, a unit's number is its place; `people` by stratum; `resting`: how many were left out."""

    subjects: tuple[int | str, ...]
    strata: tuple[str, ...]
    risk: tuple[float, ...]
    share: tuple[float, ...]  # of the unit's weight that is the subject's own: 1 where nobody else stands behind it
    people: Mapping[str, int]
    resting: int

    def units(self) -> dict[str, int]:
        """Stratum → units in it."""
        counts = dict.fromkeys(self.people, 0)
        for name in self.strata:
            counts[name] += 1
        return counts


def weight_of(risk: float, by_risk: bool) -> float:
    """The weight of one person or thing: 1, or the risk held between floor and cap."""
    return min(max(risk, FLOOR), CAP) if by_risk else 1.0


def make_frame(
    candidates: Iterable[Candidate],
    *,
    by_risk: bool,
    resting: Collection[int],
    rest_ends_at_risk: float,
    secret: str,
    pseudonym: Callable[[str], bytes],
) -> FrameMade:
    """The frame of these candidates.

    `resting`: households that were checked lately; they are left out unless one of theirs has a risk of `rest_ends_at_risk` or more (then all may be drawn).
    `secret`: decides who stands for a household; it is committed to, and known after the draw. `pseudonym`: a keyed digest that only gives the order of the units.
    """
    homes: dict[object, list[Candidate]] = {}
    for one in candidates:
        homes.setdefault(("alone", one.subject) if one.household is None else one.household, []).append(one)
    people: dict[str, int] = {}
    left_out = 0
    rows = []
    rest = frozenset(resting)
    for home, members in homes.items():
        stratum = members[0].stratum
        people.setdefault(stratum, 0)
        if home in rest and max(m.risk for m in members) < rest_ends_at_risk:
            left_out += len(members)
            continue
        people[stratum] += len(members)
        weights = [weight_of(m.risk, by_risk) for m in members]
        chosen = _chosen(weights, f"{secret}:member:{home}") if len(members) > 1 else 0
        whole = sum(weights)
        rows.append((pseudonym(f"{secret}:{members[chosen].subject}"), members[chosen].subject, stratum, whole, weights[chosen] / whole))
    rows.sort(key=lambda row: row[0])
    return FrameMade(
        tuple(r[1] for r in rows), tuple(r[2] for r in rows), tuple(r[3] for r in rows), tuple(r[4] for r in rows),
        {name: n for name, n in people.items() if n}, left_out,
    )  # fmt: skip


def _chosen(weights: Sequence[float], text: str) -> int:
    left = int.from_bytes(sha256(text.encode()).digest()[:8], "big") / 2**64 * sum(weights)
    for n, weight in enumerate(weights):
        left -= weight
        if left < 0:
            return n
    return len(weights) - 1


def unit_code(place: int) -> str:
    """The pseudonym of the unit that stands at this place of the frame, from 0."""
    return f"U{place + 1:06d}"


def place_of(code: str) -> int:
    """Where in the frame a pseudonym stands."""
    return int(code[1:]) - 1


def pack(frame: FrameMade) -> bytes:
    """The frame as it is kept."""
    columns = {"subjects": frame.subjects, "strata": frame.strata, "risk": frame.risk, "share": frame.share}
    return zlib.compress(json.dumps(columns, ensure_ascii=False).encode(), 6)


def unpack(kept: bytes | memoryview) -> FrameMade:
    """The frame as it was kept; the counts stand with the strata."""
    columns = {name: tuple(values) for name, values in json.loads(zlib.decompress(kept)).items()}
    return FrameMade(**columns, people={}, resting=0)


def science_frame(frame: FrameMade) -> Frame:
    """The frame as the science takes it and as it is published: pseudonyms, strata, weights."""
    return Frame(tuple(unit_code(n) for n in range(len(frame.subjects))), frame.strata, frame.risk)
