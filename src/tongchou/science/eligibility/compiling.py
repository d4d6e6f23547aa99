"""From rules to the terms that are evaluated: each measure an OR of terms, each term an AND with one requirement for each field.

The same requirement in many measures is one row, evaluated once.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product

import numpy as np
from numpy.typing import NDArray

from tongchou.science.eligibility.model import AllOf, AnyOf, Condition, Not, OneOf, Rule, StartsWith, Within

MOST_TERMS = 512  # of one rule written out; a rule for people has a dozen
MOST_REQUIREMENTS = 64  # of one measure: one bit each


@dataclass(frozen=True, slots=True)
class Requirement:
    """All that one way asks of one field: conditions that must hold together, sorted. `interval`: where a number must lie; None for words.

    Raises ValueError where number and word are asked of one field.
    """

    field: str
    conditions: tuple[Condition, ...]
    interval: Within | None = dataclasses.field(init=False, compare=False)

    def __post_init__(self) -> None:
        intervals = [c.test for c in self.conditions if isinstance(c.test, Within)]
        if intervals and len(intervals) < len(self.conditions):
            raise ValueError(f"field {self.field}: asked for as a number and as a word")
        object.__setattr__(self, "interval", reduce(Within.meeting, intervals) if intervals else None)

    @property
    def is_possible(self) -> bool:
        """Whether any value at all meets it."""
        if self.interval is not None:
            return not self.interval.is_empty
        wanted = [c.test for c in self.conditions if not c.negated]
        sets = [t.values for t in wanted if isinstance(t, OneOf)]
        if sets:
            return any(self.admits(value) for value in frozenset.intersection(*sets))
        trees = [t.codes for t in wanted if isinstance(t, StartsWith)]
        return not trees or any(self.admits(code) for codes in trees for code in codes)

    @property
    def words(self) -> frozenset[str]:
        """The words it names."""
        return frozenset().union(*(c.test.values for c in self.conditions if isinstance(c.test, OneOf)))

    def admits(self, value: str) -> bool:
        """Whether a value of a field of words meets it."""
        return all(c.test.holds(value) != c.negated for c in self.conditions if not isinstance(c.test, Within))


@dataclass(frozen=True, slots=True, eq=False)
class Programme:
    """Compiled rules: for `evaluate` and `cheapest_change`.

    requirements: the rows, each once. asked: for each measure, the rows it may ask for, in the order of the bits of a mask.
    impossible: positions of measures that nobody can ever meet, because every way to them contradicts itself.
    """

    requirements: tuple[Requirement, ...]
    asked: tuple[tuple[int, ...], ...]
    impossible: tuple[int, ...]
    measure_terms: NDArray[np.int32]  # (measures + 1,): a measure's terms
    term_rows: NDArray[np.int32]  # (terms + 1,): a term's part of `rows`
    rows: NDArray[np.int32]
    asked_starts: NDArray[np.int32]  # (measures + 1,): a measure's part of `asked` laid end to end

    def __len__(self) -> int:
        return len(self.asked)

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields that any rule asks for, sorted."""
        return tuple(sorted({r.field for r in self.requirements}))


def compile_rules(rules: Sequence[Rule]) -> Programme:
    """Compile rules, a measure each, for evaluation over columns of facts.

    Raises ValueError, naming the position, for a rule with more than 512 ways or 64 requirements, or a field asked for as number and word.

    Examples
    --------
    >>> small = Condition("size", OneOf(frozenset({"micro", "small"})))
    >>> programme = compile_rules([AllOf((small, Condition("staff", Within(high=30)))), small])
    >>> len(programme), len(programme.requirements), programme.fields
    (2, 2, ('size', 'staff'))
    """
    number: dict[Requirement, int] = {}
    terms_of: list[list[tuple[int, ...]]] = []
    for position, rule in enumerate(rules):
        try:
            found = [t for t in _terms(_without_not(rule)) if all(r.is_possible for r in t)]
        except ValueError as wrong:
            raise ValueError(f"rule {position}: {wrong}") from None
        rows = {tuple(sorted(number.setdefault(r, len(number)) for r in term)) for term in found}
        # A term that asks for all that another asks for, and more, opens no new way.
        terms_of.append(sorted(t for t in rows if not any(set(other) < set(t) for other in rows)))
    asked = tuple(tuple(dict.fromkeys(row for term in terms for row in term)) for terms in terms_of)
    if long := [position for position, rows in enumerate(asked) if len(rows) > MOST_REQUIREMENTS]:
        raise ValueError(f"rule {long[0]}: {len(asked[long[0]])} requirements; at most {MOST_REQUIREMENTS}")
    flat = [term for terms in terms_of for term in terms]
    return Programme(
        tuple(number),
        asked,
        tuple(m for m, terms in enumerate(terms_of) if not terms),
        np.cumsum([0, *map(len, terms_of)], dtype=np.int32),
        np.cumsum([0, *map(len, flat)], dtype=np.int32),
        np.array([row for term in flat for row in term], np.int32),
        np.cumsum([0, *map(len, asked)], dtype=np.int32),
    )


def _without_not(rule: Rule, negated: bool = False) -> Rule:
    """The same with negations at the conditions alone (De Morgan); a negated interval is what lies on either side of it."""
    if isinstance(rule, Not):
        return _without_not(rule.part, not negated)
    if isinstance(rule, AllOf | AnyOf):
        parts = tuple(_without_not(part, negated) for part in rule.parts)
        return AllOf(parts) if isinstance(rule, AllOf) != negated else AnyOf(parts)
    negated ^= rule.negated
    if negated and isinstance(rule.test, Within):
        w = rule.test
        below, above = Within(high=w.low, high_open=not w.low_open), Within(low=w.high, low_open=not w.high_open)
        return AnyOf(tuple(Condition(rule.field, side) for side in (below, above) if not _nowhere(side)))
    return Condition(rule.field, rule.test, negated)


def _nowhere(side: Within) -> bool:
    return side.high == -np.inf or side.low == np.inf


def _terms(rule: Rule) -> list[tuple[Requirement, ...]]:
    """All ways to meet a rule without Not."""
    ways = [_merged(way) for way in dict.fromkeys(_ways(rule))]
    return list(dict.fromkeys(ways))


def _ways(rule: Rule) -> list[frozenset[Condition]]:
    if isinstance(rule, Condition):
        return [frozenset([rule])]
    assert isinstance(rule, AllOf | AnyOf)
    parts = [_ways(part) for part in rule.parts]
    if isinstance(rule, AnyOf):
        found = [way for ways in parts for way in ways]
    else:
        if np.prod([float(len(ways)) for ways in parts]) > MOST_TERMS:
            raise ValueError(f"more than {MOST_TERMS} ways to meet it; write it as several measures")
        found = [frozenset().union(*chosen) for chosen in product(*parts)]
    if len(found) > MOST_TERMS:
        raise ValueError(f"more than {MOST_TERMS} ways to meet it; write it as several measures")
    return found


def _merged(way: frozenset[Condition]) -> tuple[Requirement, ...]:
    by_field: Mapping[str, list[Condition]] = {}
    for condition in way:
        by_field.setdefault(condition.field, []).append(condition)  # type: ignore[attr-defined]
    return tuple(Requirement(name, tuple(sorted(by_field[name], key=repr))) for name in sorted(by_field))
