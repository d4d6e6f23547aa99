"""Every firm beside every measure: yes, no or not known; what is missing; the cheapest change; the one fact worth asking."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tongchou.science.eligibility.compiling import Programme, Requirement
from tongchou.science.eligibility.kernel import answer_all, cheapest_all, number_costs, number_states, plain_costs, settled_by
from tongchou.science.eligibility.model import Choices, Column, Effort, Efforts, Numbers

NO, UNKNOWN, YES = 0, 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class Eligibility:
    """What `evaluate` found.

    answer: (measures, firms) uint8, 0 no, 1 not known, 2 yes. open_mask: (measures, firms) uint64, bit b set where the measure's b-th requirement
    (`programme.asked`) does not hold or is not known. states: (requirements, firms) uint8, as `answer`.
    """

    programme: Programme
    answer: NDArray[np.uint8]
    open_mask: NDArray[np.uint64]
    states: NDArray[np.uint8]

    def missing(self, measure: int, firm: int) -> list[tuple[Requirement, bool]]:
        """Requirements of a pair that do not hold (False) or are not known (True), of the ways that lack least; in the order of the measure.

        A way that lacks all that another lacks, and more, is passed over: who is hard hit need not be told that the industry is another, too.
        """
        rows = _lacking(self.programme, measure, int(self.open_mask[measure, firm]))
        return [(self.programme.requirements[row], bool(self.states[row, firm] == UNKNOWN)) for row in rows]

    def held(self, measure: int, firm: int) -> list[Requirement]:
        """Why a pair is a yes: the requirements of the first way that holds whole; nothing where the answer is another."""
        programme = self.programme
        for term in range(programme.measure_terms[measure], programme.measure_terms[measure + 1]):
            rows = programme.rows[programme.term_rows[term] : programme.term_rows[term + 1]].tolist()
            if all(self.states[row, firm] == YES for row in rows):
                return [programme.requirements[row] for row in rows]
        return []


@lru_cache(maxsize=100_000)
def _lacking(programme: Programme, measure: int, mask: int) -> tuple[int, ...]:
    """The rows that the ways with the smallest gaps lack."""
    asked = programme.asked[measure]
    is_open = {row for bit, row in enumerate(asked) if mask >> bit & 1}
    terms = range(programme.measure_terms[measure], programme.measure_terms[measure + 1])
    gaps = {frozenset(is_open.intersection(programme.rows[programme.term_rows[t] : programme.term_rows[t + 1]].tolist())) for t in terms}
    least = [gap for gap in gaps if not any(other < gap for other in gaps)]
    return tuple(row for row in asked if any(row in gap for gap in least))


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """What `cheapest_change` found: cost (measures, firms) float32, infinite where nothing helps, 0 where the answer is yes; way: which term, -1 none."""

    eligibility: Eligibility
    cost: NDArray[np.float32]
    way: NDArray[np.int32]

    def needed(self, measure: int, firm: int) -> list[tuple[Requirement, bool]]:
        """What must change (False) or be found out (True) on the cheapest way; nothing where the answer is yes or nothing helps."""
        programme, term = self.eligibility.programme, int(self.way[measure, firm])
        if term < 0:
            return []
        rows = programme.rows[programme.term_rows[term] : programme.term_rows[term + 1]].tolist()
        states = self.eligibility.states[:, firm]
        return [(programme.requirements[row], bool(states[row] == UNKNOWN)) for row in rows if states[row] != YES]


def evaluate(programme: Programme, facts: Mapping[str, Column]) -> Eligibility:
    """Answer every measure for every firm, in the three-valued logic of Kleene.

    Parameters
    ----------
    programme: measures, from `compile_rules`. facts: equally long columns by name; a field without a column is not known of anybody.

    Raises ValueError for columns of different lengths, or of words where a rule compares numbers (and the other way round).

    Notes
    -----
    AND is the least, OR the greatest of no < not known < yes (Kleene 1952, section 64). All that one way asks of one field is judged together: a
    contradiction is no, whether or not the field is known. "a or not a" of an unknown a stays not known.

    Examples
    --------
    >>> from tongchou.science.eligibility.compiling import compile_rules
    >>> from tongchou.science.eligibility.model import Condition, Within
    >>> programme = compile_rules([Condition("staff", Within(high=30))])
    >>> evaluate(programme, {"staff": Numbers(np.array([12.0, 31.0, np.nan]))}).answer.tolist()
    [[2, 0, 1]]
    """
    firms = _length(facts)
    states = np.empty((len(programme.requirements), firms), np.uint8)
    for row, requirement in enumerate(programme.requirements):
        _state(requirement, facts.get(requirement.field), states[row])
    answer = np.empty((len(programme), firms), np.uint8)
    open_mask = np.empty((len(programme), firms), np.uint64)
    asked = np.array([row for rows in programme.asked for row in rows], np.int32)
    answer_all(states, programme.measure_terms, programme.term_rows, programme.rows, programme.asked_starts, asked, answer, open_mask)
    return Eligibility(programme, answer, open_mask, states)


def cheapest_change(found: Eligibility, facts: Mapping[str, Column], efforts: Efforts = Efforts()) -> Changes:
    """For every pair the changes that make the answer yes with the least effort.

    Notes
    -----
    A way costs the sum over its fields: 0 where the requirement holds; `ask` where it is not known (a lower bound: it may turn out not to
    hold); else `fixed` + `per_unit` x how far the number must move, infinite where the field cannot be changed. The least over the ways. Exact, as no
    field occurs twice in a way.
    """
    programme = found.programme
    costs = np.empty(found.states.shape, np.float32)
    for row, requirement in enumerate(programme.requirements):
        _cost(requirement, facts.get(requirement.field), found.states[row], efforts.of(requirement.field), costs[row])
    cost, way = np.empty(found.answer.shape, np.float32), np.empty(found.answer.shape, np.int32)
    cheapest_all(costs, programme.measure_terms, programme.term_rows, programme.rows, cost, way)
    return Changes(found, cost, way)


def facts_worth_asking(found: Eligibility) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Fields, and (firms, fields) how many measures not known now are decided, whatever the answer, by asking this one fact of this firm."""
    programme = found.programme
    fields = programme.fields
    number = {name: n for n, name in enumerate(fields)}
    field_of = np.array([number[r.field] for r in programme.requirements], np.int32)
    counted = np.zeros((found.answer.shape[1], len(fields)), np.int32)
    settled_by(found.states, programme.measure_terms, programme.term_rows, programme.rows, field_of, found.answer, counted)
    return fields, counted


def _length(facts: Mapping[str, Column]) -> int:
    lengths = {name: len(column) for name, column in facts.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns of different lengths: {', '.join(f'{name} {n}' for name, n in lengths.items())}")
    return next(iter(lengths.values()), 0)


def _state(requirement: Requirement, column: Column | None, states: NDArray[np.uint8]) -> None:
    interval = requirement.interval
    if column is None:
        states[:] = UNKNOWN
    elif isinstance(column, Choices) and interval is None:
        table = np.array([*(YES if requirement.admits(value) else NO for value in column.values), UNKNOWN], np.uint8)
        np.take(table, column.codes, out=states, mode="wrap")  # -1 is the last: not known
    elif isinstance(column, Numbers) and interval is not None:
        number_states(column.values, interval.low, interval.high, interval.low_open, interval.high_open, states)
    else:
        asks, holds = ("numbers", "words") if isinstance(column, Choices) else ("words", "numbers")
        raise ValueError(f"field {requirement.field}: the rules ask for {asks}, its column holds {holds}")


def _cost(requirement: Requirement, column: Column | None, states: NDArray[np.uint8], effort: Effort, costs: NDArray[np.float32]) -> None:
    interval = requirement.interval
    if effort.possible and effort.per_unit and interval is not None and isinstance(column, Numbers):
        steps = (effort.step * interval.low_open, effort.step * interval.high_open)
        number_costs(column.values, states, interval.low, interval.high, *steps, effort.fixed, effort.per_unit, effort.ask, costs)
    else:
        plain_costs(states, effort.fixed if effort.possible else np.inf, effort.ask, costs)
