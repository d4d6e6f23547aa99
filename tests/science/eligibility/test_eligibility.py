"""Eligibility beside an oracle that looks at one firm at a time: the rule as a tree, every value a fact could have, every change one by one."""

import math
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tongchou.science import (
    AllOf,
    AnyOf,
    Condition,
    Effort,
    Efforts,
    Not,
    Numbers,
    OneOf,
    StartsWith,
    Within,
    cheapest_change,
    choices,
    compile_rules,
    evaluate,
    facts_worth_asking,
)
from tongchou.science.eligibility.model import Rule

NO, UNKNOWN, YES = 0, 1, 2
SIZES, CODES, GRID = ("micro", "small", "large"), ("5211", "6210", "3911"), (-1.0, 0.0, 1.0, 2.0, 3.0)
WORDS = {"size": SIZES, "gbt": CODES}
NUMBERS = ("staff", "sales")
EFFORTS = Efforts(
    {"size": Effort(possible=False), "gbt": Effort(5.0), "staff": Effort(1.0, 2.0, 0.5), "sales": Effort(0.5, 0.25, 1.0, ask=0.3)}
)
ENDS = st.sampled_from([-math.inf, 0.0, 1.0, 2.0, math.inf])
CONDITIONS = st.one_of(
    st.builds(Condition, st.just("size"), st.builds(OneOf, st.frozensets(st.sampled_from(SIZES), max_size=2)), st.booleans()),
    st.builds(Condition, st.just("gbt"), st.builds(StartsWith, st.lists(st.sampled_from(("52", "6", "3911")), max_size=2).map(tuple)), st.booleans()),
    st.builds(Condition, st.sampled_from(NUMBERS), st.builds(Within, ENDS, ENDS, st.booleans(), st.booleans()), st.booleans()),
)  # fmt: skip
RULES = st.recursive(
    CONDITIONS,
    lambda part: st.one_of(
        st.builds(AllOf, st.lists(part, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(part, max_size=3).map(tuple)),
        st.builds(Not, part),
    ),
    max_leaves=6,
)
FIRMS = st.lists(
    st.fixed_dictionaries(
        {name: st.sampled_from((None, *values)) for name, values in WORDS.items()}
        | {name: st.sampled_from((None, *GRID)) for name in NUMBERS}
    ),
    min_size=1,
    max_size=4,
)
Firm = dict[str, Any]


def table(firms: list[Firm]) -> dict[str, Any]:
    facts: dict[str, Any] = {name: choices([f[name] for f in firms]) for name in WORDS}
    return facts | {name: Numbers(np.array([np.nan if f[name] is None else f[name] for f in firms])) for name in NUMBERS}


def holds(rule: Rule, firm: Firm) -> int:
    """Kleene's logic on the tree as it was written."""
    if isinstance(rule, Not):
        return 2 - holds(rule.part, firm)
    if isinstance(rule, AllOf | AnyOf):
        states = [holds(part, firm) for part in rule.parts]
        return min(states, default=YES) if isinstance(rule, AllOf) else max(states, default=NO)
    value, test = firm[rule.field], rule.test
    if value is None:
        return UNKNOWN
    if isinstance(test, Within):
        met = (test.low < value or (test.low == value and not test.low_open)) and (
            value < test.high or (value == test.high and not test.high_open)
        )
    else:
        met = value in test.values if isinstance(test, OneOf) else value.startswith(test.codes)
    return YES if met != rule.negated else NO


def fields_of(rule: Rule) -> set[str]:
    if isinstance(rule, Condition):
        return {rule.field}
    return fields_of(rule.part) if isinstance(rule, Not) else {name for part in rule.parts for name in fields_of(part)}


def repeats_a_field(rule: Rule) -> bool:
    seen: list[str] = []

    def walk(one: Rule) -> None:
        if isinstance(one, Condition):
            seen.append(one.field)
        else:
            for part in (one.part,) if isinstance(one, Not) else one.parts:
                walk(part)

    walk(rule)
    return len(seen) != len(set(seen))


def completions(firm: Firm) -> list[Firm]:
    """Every firm this one could be."""
    ways = [(value,) if value is not None else WORDS.get(name, GRID) for name, value in firm.items()]
    return [dict(zip(firm, chosen, strict=True)) for chosen in product(*ways)]


@settings(max_examples=300, deadline=None)
@given(st.lists(RULES, min_size=1, max_size=4), FIRMS)
def test_the_answer_is_that_of_the_tree_and_never_says_what_could_be_otherwise(rules: list[Rule], firms: list[Firm]) -> None:
    found = evaluate(compile_rules(rules), table(firms))
    for m, rule in enumerate(rules):
        for n, firm in enumerate(firms):
            said, could_be = int(found.answer[m, n]), {holds(rule, other) for other in completions(firm)}
            if said != UNKNOWN:
                assert could_be == {said}
            if None not in firm.values():
                assert said == holds(rule, firm)
            if not repeats_a_field(rule):  # surer than the tree only where nothing could ever meet a condition
                assert said == holds(rule, firm) or could_be == {said}


@settings(max_examples=150, deadline=None)
@given(RULES, FIRMS)
def test_the_cheapest_change_is_the_least_of_all_changes(rule: Rule, firms: list[Firm]) -> None:
    known = [
        {name: (WORDS[name][0] if name in WORDS else 1.0) if value is None else value for name, value in firm.items()} for firm in firms
    ]
    changes = cheapest_change(evaluate(compile_rules([rule]), table(known)), table(known), EFFORTS)
    for n, firm in enumerate(known):
        assert changes.cost[0, n] == pytest.approx(least(rule, firm), abs=1e-5)
        if math.isfinite(changes.cost[0, n]):
            needed = changes.needed(0, n)
            assert bool(needed) == (holds(rule, firm) == NO) and not any(is_unknown for _, is_unknown in needed)


def least(rule: Rule, firm: Firm) -> float:
    """Try every value of every field that the rule names: each end, and a step on either side of it."""
    ways = []
    for name in sorted(fields_of(rule)):
        effort = EFFORTS.of(name)
        if name in WORDS:
            costs = [
                (value, 0.0 if value == firm[name] else effort.fixed if effort.possible else math.inf)
                for value in (*WORDS[name], "another")
            ]
        else:
            ends = {e + d for e in (0.0, 1.0, 2.0) for d in (-effort.step, 0.0, effort.step)} | {firm[name]}
            costs = [(v, 0.0 if v == firm[name] else effort.fixed + effort.per_unit * abs(v - firm[name])) for v in ends]
        ways.append([(name, value, cost) for value, cost in costs])
    found = [sum(c for _, _, c in way) for way in product(*ways) if holds(rule, firm | {name: v for name, v, _ in way}) == YES]
    return min(found, default=math.inf)


@settings(max_examples=150, deadline=None)
@given(st.lists(RULES, min_size=1, max_size=4), FIRMS)
def test_a_fact_worth_asking_decides_whatever_it_turns_out_to_be(rules: list[Rule], firms: list[Firm]) -> None:
    programme = compile_rules(rules)
    found = evaluate(programme, table(firms))
    fields, counted = facts_worth_asking(found)
    assert fields == programme.fields
    for n, firm in enumerate(firms):
        for f, name in enumerate(fields):
            told = [{**firm, name: value} for value in WORDS.get(name, GRID)] if firm[name] is None else []
            after = evaluate(programme, table(told)).answer if told else None
            settled = (
                sum(found.answer[m, n] == UNKNOWN and (after[m] != UNKNOWN).all() for m in range(len(rules))) if after is not None else 0
            )
            assert counted[n, f] <= settled


def test_what_is_missing_is_named_with_whether_it_is_known() -> None:
    small, few, catering = (
        Condition("size", OneOf(frozenset({"micro", "small"}))),
        Condition("staff", Within(high=30)),
        Condition("gbt", StartsWith(("62",))),
    )
    found = evaluate(
        compile_rules([AllOf((small, few, catering))]), table([{"size": "large", "gbt": "6210", "staff": None, "sales": None}])
    )
    assert found.answer[0, 0] == NO
    assert {(r.field, unknown) for r, unknown in found.missing(0, 0)} == {("size", False), ("staff", True)}


def test_a_way_that_lacks_more_than_another_is_not_held_against_anybody() -> None:
    small, hit, catering = (
        Condition("size", OneOf(frozenset({"small"}))),
        Condition("hard_hit", OneOf(frozenset({"true"}))),
        Condition("gbt", StartsWith(("62",))),
    )
    found = evaluate(
        compile_rules([AllOf((small, AnyOf((hit, catering))))]),
        {"size": choices(["large", "large"]), "gbt": choices(["3911", "3911"]), "hard_hit": choices([True, None])},
    )
    assert [{r.field for r, _ in found.missing(0, n)} for n in (0, 1)] == [{"size"}, {"size", "hard_hit", "gbt"}]


def test_what_contradicts_itself_is_told_and_never_holds() -> None:
    both = AllOf((Condition("staff", Within(low=10)), Condition("staff", Within(high=5))))
    narrow = AllOf((Condition("gbt", StartsWith(("52",))), Condition("gbt", OneOf(frozenset({"6210"})))))
    programme = compile_rules([both, narrow, AnyOf((both, Condition("size", OneOf(frozenset({"small"}))))), AnyOf(())])
    assert programme.impossible == (0, 1, 3)
    found = evaluate(programme, table([{"size": "small", "gbt": None, "staff": None, "sales": None}]))
    assert found.answer[:, 0].tolist() == [NO, NO, YES, NO]
    assert np.isinf(cheapest_change(found, {}).cost[[0, 1, 3], 0]).all()


def test_a_cell_may_hold_several_values() -> None:
    months = choices(["2022-03|2022-04", "2022-06", None])
    rule = Condition("unpaid", OneOf(frozenset({"2022-04", "2022-05"})))
    assert evaluate(compile_rules([rule, Not(rule)]), {"unpaid": months}).answer.tolist() == [[YES, NO, UNKNOWN], [NO, YES, UNKNOWN]]


@pytest.mark.parametrize(
    ("rules", "facts", "said"),
    [
        ([Condition("staff", Within(high=3))], {"staff": choices(["many"])}, "staff: the rules ask for numbers, its column holds words"),
        ([Condition("size", OneOf(frozenset({"a"})))], {"size": Numbers(np.array([1.0]))}, "size: the rules ask for words"),
        ([Condition("a", Within(high=3))], {"a": Numbers(np.zeros(2)), "b": Numbers(np.zeros(3))}, "different lengths: a 2, b 3"),
    ],
)
def test_columns_that_do_not_fit_are_refused(rules: list[Rule], facts: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        evaluate(compile_rules(rules), facts)


def test_rules_that_cannot_be_compiled_are_named() -> None:
    mixed = AllOf((Condition("a", Within(high=3)), Condition("a", OneOf(frozenset({"x"})))))
    with pytest.raises(ValueError, match="rule 1: field a: asked for as a number and as a word"):
        compile_rules([AllOf(()), mixed])
    wide = AllOf(tuple(AnyOf((Condition(f"f{n}", Within(high=1)), Condition(f"g{n}", Within(high=1)))) for n in range(10)))
    with pytest.raises(ValueError, match="rule 0: more than 512 ways"):
        compile_rules([wide])


def test_nobody_and_nothing_are_answered_too() -> None:
    assert evaluate(compile_rules([]), {"a": Numbers(np.zeros(2))}).answer.shape == (0, 2)
    assert evaluate(compile_rules([Condition("a", Within(low=0))]), {}).answer.shape == (1, 0)
    assert evaluate(compile_rules([AllOf(())]), {"a": Numbers(np.zeros(2))}).answer.tolist() == [[YES, YES]]
