"""Every firm beside every measure: python -m benchmarks.eligibility.match [--firms 10000] [--measures 200]

The 58 measures of 2022 as they stand in packs/xujing, and variants of them with other thresholds up to 200; made-up firms with one fact in eight not known. Ours on one core: the
answers with what is missing, then the cheapest change of every pair. Beside it in the same run OpenFisca in bulk, where installed (pip install openfisca-core): the
same conditions as vectorised formulas of variables, two-valued, without reasons; its answers are compared with ours wherever every fact is known.
"""

import argparse
import dataclasses
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[2] / "src"))

from tongchou.core.packs.policies import read_policies
from tongchou.science import (
    Choices,
    Condition,
    Effort,
    Efforts,
    Not,
    Numbers,
    OneOf,
    Within,
    cheapest_change,
    compile_rules,
    evaluate,
)
from tongchou.science.eligibility.model import AllOf, Rule

ROOT, PROMISED_MS, PROMISED_CHANGE_MS, UNKNOWN_SHARE = Path(__file__).parents[2], 20.0, 100.0, 1 / 8


def varied(rule: Rule, scale: float) -> Rule:
    """The same conditions with every number at another place."""
    if isinstance(rule, Condition):
        if not isinstance(rule.test, Within):
            return rule
        return dataclasses.replace(rule, test=dataclasses.replace(rule.test, low=rule.test.low * scale, high=rule.test.high * scale))
    if isinstance(rule, Not):
        return Not(varied(rule.part, scale))
    return dataclasses.replace(rule, parts=tuple(varied(part, scale) for part in rule.parts))


def made_firms(rules: list[Rule], firms: int) -> dict[str, Any]:
    """A column for each field: words among those that some rule asks for, and one more; numbers around the bounds."""
    rng = np.random.default_rng(2022)
    words: dict[str, set[str]] = {}
    bounds: dict[str, set[float]] = {}

    def gather(rule: Rule) -> None:
        if isinstance(rule, Condition):
            if isinstance(rule.test, Within):
                bounds.setdefault(rule.field, set()).update(b for b in (rule.test.low, rule.test.high) if np.isfinite(b))
            else:
                words.setdefault(rule.field, set()).update(rule.test.values if isinstance(rule.test, OneOf) else rule.test.codes)
        else:
            for part in (rule.part,) if isinstance(rule, Not) else rule.parts:
                gather(part)

    for rule in rules:
        gather(rule)
    facts: dict[str, Any] = {}
    for name in sorted(words):
        values = (*sorted(words[name]), "another")
        facts[name] = Choices(np.where(rng.random(firms) < UNKNOWN_SHARE, -1, rng.integers(0, len(values), firms)).astype(np.int32), values)
    for name in sorted(bounds):
        column = rng.choice(sorted(bounds[name]), firms) * rng.choice([0.5, 1.0, 1.5], firms)
        facts[name] = Numbers(np.where(rng.random(firms) < UNKNOWN_SHARE, np.nan, column))
    return facts


def milliseconds(do: Callable[[], object], times: int = 9) -> float:
    do()
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        do()
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken)


def by_openfisca(rules: list[Rule], facts: dict[str, Any], firms: int) -> Callable[[], np.ndarray]:
    """The same question put to OpenFisca: a variable for each field, and for each measure one with a formula. Raises ImportError."""
    from openfisca_core.entities import build_entity
    from openfisca_core.periods import DateUnit
    from openfisca_core.simulations import SimulationBuilder
    from openfisca_core.taxbenefitsystems import TaxBenefitSystem
    from openfisca_core.variables import Variable

    firm = build_entity(key="firm", plural="firms", label="firm", is_person=True)
    system = TaxBenefitSystem([firm])

    def variable(name: str, kind: type, **more: Any) -> None:
        system.add_variable(type(name, (Variable,), {"value_type": kind, "entity": firm, "definition_period": DateUnit.YEAR, **more}))

    safe = {name: f"f{n}" for n, name in enumerate(sorted(facts))}
    for name, column in facts.items():
        variable(safe[name], int if isinstance(column, Choices) else float)

    def ask(rule: Rule, people: Any, period: Any) -> Any:
        if isinstance(rule, Condition):
            column, test = facts[rule.field], rule.test
            value = people(safe[rule.field], period)
            if isinstance(test, Within):
                low = value > test.low if test.low_open else value >= test.low
                return low & (value < test.high if test.high_open else value <= test.high)
            table = np.array([*(test.holds(word) for word in column.values), False])  # as fast as it gets: np.isin takes 5 times as long
            return table[value] != rule.negated
        if isinstance(rule, Not):
            return ~ask(rule.part, people, period)
        parts = [ask(part, people, period) for part in rule.parts]
        if not parts:
            return np.full(firms, isinstance(rule, AllOf))
        return np.logical_and.reduce(parts) if isinstance(rule, AllOf) else np.logical_or.reduce(parts)

    def formula(rule: Rule) -> Callable[[Any, Any], Any]:
        return lambda people, period: ask(rule, people, period)

    for n, rule in enumerate(rules):
        variable(f"m{n}", bool, formula=formula(rule))
    holder: dict[str, Any] = {}

    def fresh() -> None:
        simulation = SimulationBuilder().build_default_simulation(system, count=firms)
        for name, column in facts.items():
            simulation.set_input(safe[name], "2022", column.codes if isinstance(column, Choices) else column.values)
        holder["simulation"] = simulation

    def answer() -> np.ndarray:
        return np.array([holder["simulation"].calculate(f"m{n}", "2022") for n in range(len(rules))])

    def timed() -> np.ndarray:
        fresh()
        begun = time.perf_counter()
        found = answer()
        holder.setdefault("ms", []).append((time.perf_counter() - begun) * 1000)
        return found

    timed.ms = lambda: statistics.median(holder["ms"][1:])  # type: ignore[attr-defined]
    return timed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--firms", type=int, default=10_000)
    parser.add_argument("--measures", type=int, default=200)
    options = parser.parse_args()
    written = [m.rule for m in read_policies(ROOT / "packs/xujing/policies.yaml").measures]
    rules = [varied(written[n % len(written)], 1.0 + 0.1 * (n // len(written))) for n in range(options.measures)]
    facts = made_firms(rules, options.firms)
    programme = compile_rules(rules)
    found = evaluate(programme, facts)
    efforts = Efforts({"layoff_rate": Effort(1, 100), "annual_sales": Effort(1, 1e-6), "size": Effort(possible=False)})
    ours, change = milliseconds(lambda: evaluate(programme, facts)), milliseconds(lambda: cheapest_change(found, facts, efforts))
    shares = np.bincount(found.answer.ravel(), minlength=3) / found.answer.size
    print(
        f"{options.firms:,} firms x {options.measures} measures, {len(programme.requirements)} requirements: answers with what is missing {ours:.1f} ms, cheapest changes {change:.1f} ms"
    )
    print(f"no {shares[0]:.0%}, not known {shares[1]:.0%}, yes {shares[2]:.0%}")
    try:
        peer = by_openfisca(rules, facts, options.firms)
        for _ in range(6):
            theirs = peer()
        theirs_ms = peer.ms()  # type: ignore[attr-defined]
        again = milliseconds(lambda: evaluate(programme, facts))
        np.testing.assert_array_equal(theirs[known(found)], found.answer[known(found)] == 2)
        print(
            f"OpenFisca in bulk, the bare answer: {theirs_ms:.1f} ms, the same where every fact is known ({known(found).mean():.0%} of pairs); ours again {again:.1f} ms"
        )
        ours = max(ours, again)
        zh, en = (
            f"OpenFisca 批量（只有答案、无原因）{theirs_ms:.1f} ms",
            f"OpenFisca in bulk (bare answer, no reasons) {theirs_ms:.1f} ms: {theirs_ms / ours:.1f} times",
        )
    except ImportError:
        zh, en = "OpenFisca 未安装", "OpenFisca not installed"
        print("OpenFisca: not installed here (pip install openfisca-core)")
    size = f"{options.firms:,} × {options.measures}"
    rows = [
        {
            "promise": {
                "zh": f"{size} 条资格判断（是、否、不知道）及每对所缺条件：单核 {PROMISED_MS:.0f} 毫秒以内",
                "en": f"{size} answers (yes, no, not known) with what each pair lacks: at most {PROMISED_MS:.0f} ms on one core",
            },
            "measured": f"{ours:.1f} ms", "peer": {"zh": zh, "en": en}, "kept": ours <= PROMISED_MS,
        },
        {
            "promise": {
                "zh": f"{size} 对的最省改动：{PROMISED_CHANGE_MS:.0f} 毫秒以内",
                "en": f"the cheapest change of all {size} pairs: at most {PROMISED_CHANGE_MS:.0f} ms",
            },
            "measured": f"{change:.1f} ms", "peer": {"zh": "无同类：OpenFisca 不给原因", "en": "no peer: OpenFisca gives no reasons"}, "kept": change <= PROMISED_CHANGE_MS,
        },
    ]  # fmt: skip
    print("figures: " + json.dumps(rows, ensure_ascii=False))


def known(found: Any) -> np.ndarray:
    """Pairs of which every requirement is known either way."""
    programme = found.programme
    return np.array(
        [(found.states[list(rows)] != 1).all(axis=0) if rows else np.ones(found.answer.shape[1], bool) for rows in programme.asked]
    )


if __name__ == "__main__":
    main()
