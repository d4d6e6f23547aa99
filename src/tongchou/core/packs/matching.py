"""Measures beside firms: who gets what, what it is worth, what is missing, what would help, and what to take of measures that exclude one another."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tongchou.core.packs.benefits import Floats, Worth, worth_of
from tongchou.core.packs.policies import Measure
from tongchou.science.eligibility.combining import best_together
from tongchou.science.eligibility.compiling import Programme, Requirement
from tongchou.science.eligibility.evaluation import YES, Changes, Eligibility, cheapest_change, evaluate
from tongchou.science.eligibility.model import Column, Efforts


@dataclass(frozen=True, slots=True, eq=False)
class Matched:
    """Measures beside firms, in the order of both.

    worth: of each measure; taken: (measures, firms) what a firm gets and can have together; changes: the cheapest ones to a yes.
    """

    measures: tuple[Measure, ...]
    found: Eligibility
    worth: tuple[Worth, ...]
    taken: NDArray[np.bool_]
    changes: Changes
    numbers: Callable[[str], Floats]

    def yuan(self, measure: int, firm: int) -> float | None:
        """What a measure is worth to a firm, if that is known: also where it does not get it."""
        value = float(self.worth[measure].yuan[firm])
        return None if np.isnan(value) else value

    def unknown_of_worth(self, measure: int, firm: int) -> tuple[str, ...]:
        """Fields that the sum needs and that are not known of the firm."""
        return tuple(name for name in self.worth[measure].needs if np.isnan(self.numbers(name)[firm]))

    def instead(self, measure: int, firm: int) -> Measure | None:
        """The measure for which a firm leaves this one that it could have; None when it takes it or does not get it."""
        if self.found.answer[measure, firm] != YES or self.taken[measure, firm]:
            return None
        apart = {other for pair in _exclusions(self.measures) if measure in pair for other in pair if other != measure}
        return next((self.measures[other] for other in sorted(apart) if self.taken[other, firm]), None)

    def missing(self, measure: int, firm: int) -> list[tuple[Requirement, bool]]:
        return self.found.missing(measure, firm)

    def needed(self, measure: int, firm: int) -> list[tuple[Requirement, bool]]:
        return self.changes.needed(measure, firm)


def match(
    measures: Sequence[Measure],
    programme: Programme,
    columns: Mapping[str, Column],
    numbers: Callable[[str], Floats],
    firms: int,
    efforts: Efforts,
) -> Matched:
    """Answer every measure for every firm. `programme`: the measures' rules; `columns`: what they ask for; `numbers`: any field as numbers."""
    found = evaluate(programme, columns)
    changes = cheapest_change(found, columns, efforts)
    worth = tuple(worth_of(measure.benefit, firms, numbers) for measure in measures)
    got = np.array([np.nan_to_num(one.yuan) for one in worth]).reshape(len(measures), firms)
    got[found.answer != YES] = np.nan
    return Matched(tuple(measures), found, worth, best_together(got, _exclusions(measures)), changes, numbers)


def _exclusions(measures: Sequence[Measure]) -> list[tuple[int, int]]:
    """Pairs that may not be combined, whichever of the two says so."""
    position = {measure.id: n for n, measure in enumerate(measures)}
    return sorted({(min(n, o), max(n, o)) for n, m in enumerate(measures) for name in m.not_with if (o := position.get(name)) is not None})
