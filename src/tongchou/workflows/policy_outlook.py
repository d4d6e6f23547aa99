"""What the policies of a day cost a town if every firm takes what it can have, and which one fact would settle most; kept with what made it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any

import numpy as np

from tongchou.core.packs.benefits import is_sum
from tongchou.core.packs.matching import Matched
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.runs.actions import keep_run
from tongchou.core.runs.models import Run
from tongchou.domains.policies.models import Book
from tongchou.science.eligibility.evaluation import UNKNOWN, YES, facts_worth_asking

FUNCTION, VERSION = "tongchou.workflows.policy_outlook", "1"
MOST_ASKED = 6


@dataclass(frozen=True, slots=True)
class Need:
    """One measure over all firms. yuan: of those who get it and can have it together; possible_yuan: of those of whom it is not known, were they to;
    without_sum: firms that get it and whose sum lacks a fact."""

    yes: int
    unknown: int
    no: int
    yuan: float
    possible_yuan: float
    without_sum: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """needs by measure; asked: fields with how many pairs of firm and measure the answer settles, most first."""

    firms: int
    needs: Mapping[str, Need]
    asked: tuple[tuple[str, int], ...]
    at: datetime

    @property
    def yuan(self) -> float:
        return sum(need.yuan for need in self.needs.values())

    @property
    def possible_yuan(self) -> float:
        return sum(need.possible_yuan for need in self.needs.values())

    @property
    def without_sum(self) -> int:
        return sum(need.without_sum for need in self.needs.values())

    @property
    def unknown(self) -> int:
        return sum(need.unknown for need in self.needs.values())


def keep_outlook(matched: Matched, firms: int, book: Book, day: date, place: Place, *, by: Actor, at: datetime) -> Run:
    """Keep what a matching of all firms below a place says of the whole."""
    needs = {}
    for m, measure in enumerate(matched.measures):
        answer, taken, yuan = matched.found.answer[m], matched.taken[m], matched.worth[m].yuan
        needs[measure.id] = {
            "yes": int((answer == YES).sum()), "unknown": int((answer == UNKNOWN).sum()), "no": int((answer < UNKNOWN).sum()),
            "yuan": float(np.nansum(yuan[taken])), "possible_yuan": float(np.nansum(yuan[answer == UNKNOWN])),
            "without_sum": int(np.isnan(yuan[taken]).sum()) if is_sum(measure.benefit) else 0,
        }  # fmt: skip
    names, counted = facts_worth_asking(matched.found)
    total = counted.sum(axis=0)
    best = sorted((n for n in range(len(names)) if total[n]), key=lambda n: (-total[n], names[n]))[:MOST_ASKED]
    result: dict[str, Any] = {"firms": firms, "needs": needs, "asked": [[names[n], int(total[n])] for n in best]}
    digest = sha256(matched.found.states.tobytes()).hexdigest()
    parameters = {"book": book.version, "day": day.isoformat()}
    run = Run(
        function=FUNCTION,
        version=VERSION,
        parameters=parameters,
        seed=place.code,
        input_digest=digest,
        as_known_at=at,
        recorded_at=at,
        result=result,
    )
    return keep_run(run=run, entry="policy.outlook", place_path=place.path, by=by, at=at)


def latest_outlook(place: Place) -> Outlook | None:
    """The latest that was kept of a place. One query."""
    run = Run.objects.filter(function=FUNCTION, seed=place.code).order_by("-pk").first()
    if run is None:
        return None
    found = run.result
    return Outlook(
        found["firms"], {name: Need(**need) for name, need in found["needs"].items()}, tuple(map(tuple, found["asked"])), run.as_known_at
    )
