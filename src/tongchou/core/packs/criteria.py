"""Criteria as people write them in a file of policies, read as rules of `science.eligibility`.

Every key must hold; `any` is a list of which one must, `all` a list of which every one must. A key is a field and, at its end, how it is compared:

| written | means |
|---|---|
| `size: [micro, small]`, `vat: general` | one of these words; a cell with several values (`a|b`) needs one of them |
| `is_final_tenant: true` | a flag |
| `gbt: ["52", "C"]`, `gbt_set: NAME` | a code of GB/T 4754-2017 below one of these, a letter being a whole section; the codes of a set of the file |
| `x_max`, `x_min`, `x_lte`, `x_gte`, `x_lt`, `x_gt`, `year: 2022` | a number beside a bound; equal to it |
| `x_any: […]` | the field x has one of these |
| `exclude: […]` | the field exclude has none of these |
| `lease_overlaps: [day, day]` | fields lease_from and lease_to: the time reaches into these days |
| `hire: {who: …, from: day, to: day}` | fields hire.who, and hire.day within these days |
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from tongchou.science.eligibility.model import AllOf, AnyOf, Condition, Not, OneOf, Rule, StartsWith, Within

BOUNDS = {"_max": "high", "_lte": "high", "_min": "low", "_gte": "low", "_lt": "high", "_gt": "low"}
CODES = "gbt"
# First and last division of each section of GB/T 4754-2017.
_SECTIONS = {
    "A": (1, 5), "B": (6, 12), "C": (13, 43), "D": (44, 46), "E": (47, 50), "F": (51, 52), "G": (53, 60), "H": (61, 62), "I": (63, 65), "J": (66, 69),
    "K": (70, 70), "L": (71, 72), "M": (73, 75), "N": (76, 79), "O": (80, 82), "P": (83, 83), "Q": (84, 85), "R": (86, 90), "S": (91, 96), "T": (97, 97),
}  # fmt: skip


class BadCriterion(ValueError):
    """A criterion that cannot be read; `path`: where below the criteria."""

    def __init__(self, path: Sequence[str | int], said: str) -> None:
        super().__init__(said)
        self.path = tuple(path)


def rule_of(criteria: Mapping[str, Any], sets: Mapping[str, Sequence[str]]) -> Rule:
    """Criteria as a rule. `sets`: codes by the name of a set. Raises BadCriterion."""
    return AllOf(tuple(_parts(criteria, sets, (), "")))


def _parts(criteria: Mapping[str, Any], sets: Mapping[str, Sequence[str]], path: tuple[str | int, ...], above: str) -> Iterator[Rule]:
    for key, given in criteria.items():
        here = (*path, key)
        if key in ("any", "all"):
            if not isinstance(given, list) or not all(isinstance(group, dict) for group in given):
                raise BadCriterion(here, f"{key} takes a list of groups of criteria")
            groups = tuple(AllOf(tuple(_parts(group, sets, (*here, n), above))) for n, group in enumerate(given))
            yield AnyOf(groups) if key == "any" else AllOf(groups)
        elif isinstance(given, dict):
            yield from _parts(given, sets, here, f"{above}{key}.")
        else:
            yield _condition(key, given, sets, here, above)


def _condition(key: str, given: Any, sets: Mapping[str, Sequence[str]], path: tuple[str | int, ...], above: str) -> Rule:
    name = above + key
    if key == f"{CODES}_set":
        if given not in sets:
            raise BadCriterion(path, f"there is no set {given}; the file has {', '.join(sorted(sets)) or 'none'}")
        return Condition(above + CODES, _below(sets[given]))
    if key == CODES:
        return Condition(name, _below(_listed(given)))
    if key == "exclude":
        return Not(Condition(name, OneOf(frozenset(map(str, _listed(given))))))
    if key.endswith("_overlaps"):
        stem = name.removesuffix("_overlaps")
        first, last = (_number(day, path) for day in (given if isinstance(given, list) and len(given) == 2 else [None, None]))
        return AllOf((Condition(f"{stem}_from", Within(high=last)), Condition(f"{stem}_to", Within(low=first))))
    if above and key in ("from", "to"):
        day = _number(given, path)
        return Condition(f"{above}day", Within(low=day) if key == "from" else Within(high=day))
    for end, side in BOUNDS.items():
        if key.endswith(end):
            bound, is_open = _number(given, path), end in ("_lt", "_gt")
            within = Within(high=bound, high_open=is_open) if side == "high" else Within(low=bound, low_open=is_open)
            return Condition(name.removesuffix(end), within)
    if isinstance(given, bool):
        return Condition(name, OneOf(frozenset([str(given).lower()])))
    if isinstance(given, int | float):
        return Condition(name, Within(low=float(given), high=float(given)))
    if given is None or given == []:
        raise BadCriterion(path, f"{name} asks for nothing")
    return Condition(name.removesuffix("_any"), OneOf(frozenset(map(str, _listed(given)))))


def _below(codes: Sequence[Any]) -> StartsWith:
    """Codes of divisions and finer; a section's letter stands for its divisions, as a firm's own code has digits only."""
    found: list[str] = []
    for code in map(str, codes):
        first, last = _SECTIONS.get(code, (0, -1))
        found += [f"{division:02d}" for division in range(first, last + 1)] or [code]
    return StartsWith(tuple(found))


def _listed(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


def _number(given: Any, path: Sequence[str | int]) -> float:
    if isinstance(given, int | float) and not isinstance(given, bool):
        return float(given)
    try:
        return float(date.fromisoformat(str(given)).toordinal())
    except ValueError:
        raise BadCriterion(path, f"{given} is neither a number nor a day such as 2022-06-01") from None
