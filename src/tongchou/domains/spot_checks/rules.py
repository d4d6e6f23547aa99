"""What decides in spot checks: the life of a check, why somebody was not taken, how many from each stratum, what the outcome means. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tongchou.core.casework.machine import Machine, Step
from tongchou.core.wording import T
from tongchou.science import chance_to_find, clopper_pearson, corrected_for_test, pooled_prevalence, prevalence

DRAW_WITHIN, FINISH_WITHIN = "spot_check.draw_within", "spot_check.finish_within"
HOUSEHOLD_REST, REST_ENDS_AT_RISK = "spot_check.household_rest", "spot_check.rest_ends_at_risk"
RESERVE_SHARE, SENSITIVITY = "spot_check.reserve_share", "spot_check.test_sensitivity"
PEOPLE_RISK, VENUE_RISK = "spot_check.people_risk", "spot_check.venue_risk"
PARAMETERS = (HOUSEHOLD_REST, REST_ENDS_AT_RISK, RESERVE_SHARE, SENSITIVITY, PEOPLE_RISK, VENUE_RISK)

SPOT_CHECK = Machine(
    kind="spot_check",
    label=T("抽检", "Spot check"),
    prefix="CJ",
    start="planned",
    states={
        "planned": T("已拟定", "Planned"),
        "announced": T("已公布待抽", "Announced"),
        "taking": T("采样中", "Being taken"),
        "closed": T("已办结", "Closed"),
        "cancelled": T("已取消", "Given up"),
    },
    final=frozenset({"closed", "cancelled"}),
    steps=(
        Step("announce", T("公布摘要", "Announce"), ("planned",), "announced", "spot_check.run", starts=(DRAW_WITHIN,)),
        Step("draw", T("抽取", "Draw"), ("announced",), "taking", "spot_check.run", starts=(FINISH_WITHIN,), stops=(DRAW_WITHIN,)),
        Step("close", T("办结", "Close"), ("taking",), "closed", "spot_check.run"),
        Step("cancel", T("取消", "Give up"), ("planned", "announced", "taking"), "cancelled", "spot_check.run"),
    ),
)
KINDS = {"people": T("人", "people"), "venues": T("环境（场所）", "venues"), "goods": T("物品", "goods")}
UNIT_STATES = {
    "reserve": T("备选", "in reserve"),
    "waiting": T("待采", "to be taken"),
    "taken": T("已采待结果", "taken, no result yet"),
    "negative": T("阴性", "negative"),
    "positive": T("阳性", "positive"),
    "not_taken": T("未采", "not taken"),
}
OPEN_STATES, RESULTED = ("waiting", "taken"), ("negative", "positive")
RESULTS = {"negative": T("阴性", "negative"), "positive": T("阳性", "positive"), "unclear": T("可疑", "inconclusive")}
POOL_SIZES = (1, 5, 10, 20)
# Reason → its words, and whether the next of the reserve stands in.
REASONS: Mapping[str, tuple[T, bool]] = {
    "absent": (T("不在", "absent"), True),
    "refused": (T("拒绝", "refused"), True),
    "moved": (T("已搬离或不存在", "moved away or gone"), True),
    "closed": (T("停业关门", "closed"), True),
    "medical": (T("医学原因", "medical reason"), True),
    "lost": (T("样本损坏丢失", "sample lost or spoiled"), False),
    "not_reached": (T("到期未采", "not reached before the end"), False),
}
LEAST_PER_STRATUM = 2  # assumption: with one unit a stratum says nothing about its own spread
LEVEL = 0.95


def sizes_by_stratum(total: int, people: Mapping[str, int], units: Mapping[str, int]) -> dict[str, int]:
    """How many to draw in each stratum: in proportion to its people, at least two, never more than its units.

    Raises ValueError (a pair of texts in its arguments) when the total is too small for the strata or too large for the frame.
    """
    least = {name: min(LEAST_PER_STRATUM, units[name]) for name in people}
    if total < sum(least.values()) or total > sum(units.values()):
        raise ValueError(total)
    sizes, left = dict(least), total - sum(least.values())
    whole = sum(people.values())
    wanted = {name: total * people[name] / whole for name in people}
    while left:
        # The stratum furthest below its share is next; ties go by name, so that the same frame gives the same sizes.
        name = min((n for n in sizes if sizes[n] < units[n]), key=lambda n: (sizes[n] - wanted[n], n))
        sizes[name] += 1
        left -= 1
    return sizes


@dataclass(frozen=True, slots=True)
class FirstDraw:
    """One unit of the first draw: stratum, inclusion probability of the person or thing itself, 1 positive, 0 negative, None no result."""

    stratum: str
    probability: float
    result: int | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check says. Shares are of everybody in the frame, corrected for the test; `most_if_none` is the one-sided upper end."""

    drawn: int
    answered: int
    tested: int  # with a result, those who stood in included
    positive: int
    estimate: float | None
    low: float | None
    high: float | None
    most_if_none: float | None
    least: float | None
    most: float | None
    strata_joined: bool
    wanted_prevalence: float
    chance: float
    unresolved: int = 0  # called back from a positive pool and never taken alone


def outcome_of(
    first: Sequence[FirstDraw],
    people: Mapping[str, int],
    *,
    tested: int,
    positive: int,
    wanted_prevalence: float,
    sensitivity: float,
    unresolved: int = 0,
) -> Outcome:
    """Estimate from the first draw, chance to have found from all who were tested.

    Where a stratum has no result its people are counted as one stratum with all others (`strata_joined`): nothing else could speak for them.
    """
    total = sum(people.values())
    answered = [f for f in first if f.result is not None]
    chance = chance_to_find(min(tested, total), wanted_prevalence, total, sensitivity)
    counts = (len(first), len(answered), tested, positive)
    if not answered:
        return Outcome(*counts, None, None, None, None, None, None, False, wanted_prevalence, chance, unresolved)
    joined = {f.stratum for f in answered} != set(people)
    names = ["all" if joined else f.stratum for f in first]
    sizes = {"all": total} if joined else dict(people)
    results = [math.nan if f.result is None else float(f.result) for f in first]
    chances = [f.probability for f in first]
    found = prevalence(results, chances, names, sizes, LEVEL)  # type: ignore[arg-type]
    one_sided = clopper_pearson(0, found.effective_size, 2 * LEVEL - 1)[1]
    estimate, low, high, most_if_none = (
        corrected_for_test(v, sensitivity, 1.0) for v in (found.estimate, found.low, found.high, one_sided)
    )
    return Outcome(*counts, estimate, low, high, most_if_none, found.least, found.most, joined, wanted_prevalence, chance, unresolved)


def percent(share: float, *, up: bool = False) -> str:
    """A share in percent with one digit where that says something, two digits that do where it is small; `up`: never below the share."""
    digits = 1 if share == 0 or share >= 0.001 else min(6, 1 - math.floor(math.log10(share * 100)))
    whole = 100 * share * 10**digits
    return f"{(math.ceil(whole - 1e-9) if up else round(whole)) / 10**digits:.{digits}f}%"


def outcome_in_words(outcome: Outcome, kind: str, *, is_final: bool = True) -> list[T]:
    """The outcome as a duty officer reads it, one thought a line. Until it is final those without a result are awaited, not lost."""
    zh, en = {"people": ("人", "people"), "venues": ("处场所", "venues"), "goods": ("件物品", "goods")}[kind]
    if outcome.tested == 0 or outcome.estimate is None or outcome.high is None or outcome.low is None or outcome.most_if_none is None:
        return [T("首抽样本还没有任何结果，不能推断。", "No result of the first draw yet: nothing can be said.")]
    lines = []
    if outcome.unresolved and outcome.positive == 0:
        lines.append(
            T(
                f"混管阳性后有 {outcome.unresolved} {zh}尚未单采复核：不能说未发现阳性。",
                f"{outcome.unresolved} {en} of a positive pool have not been tested alone: it cannot be said that nothing was found.",
            )
        )
    elif outcome.positive == 0:
        most = percent(outcome.most_if_none, up=True)
        lines.append(
            T(f"检测 {outcome.tested} {zh}，未发现阳性：有95%的把握，阳性率不超过 {most}。", f"Nothing found in {outcome.tested} {en}: at most {most} with 95% confidence.")
        )  # fmt: skip
    elif outcome.estimate == 0:
        most = percent(outcome.most_if_none, up=True)
        lines.append(
            T(f"检测 {outcome.tested} {zh}，发现 {outcome.positive} 例阳性，都在替补样本中；首抽样本推断阳性率不超过 {most}（95%）。",
              f"{outcome.positive} found in {outcome.tested} {en}, all among those who stood in; by the first draw at most {most} with 95% confidence.")
        )  # fmt: skip
    else:
        share, low, high = percent(outcome.estimate), percent(outcome.low), percent(outcome.high)
        lines.append(
            T(f"检测 {outcome.tested} {zh}，发现 {outcome.positive} 例阳性：推断阳性率 {share}，95%区间 {low} 至 {high}。",
              f"{outcome.positive} found in {outcome.tested} {en}: an estimated {share}, between {low} and {high} with 95% confidence.")
        )  # fmt: skip
    each = round(1 / outcome.wanted_prevalence)
    chance = percent(outcome.chance)
    lines.append(
        T(f"若每 {each:,} {zh}中有一例阳性，这次抽检至少发现一例的把握为 {chance}。", f"If one in {each:,} were positive, this check would have found at least one with {chance} certainty.")
    )  # fmt: skip
    if outcome.answered < outcome.drawn and not is_final:
        gone = outcome.drawn - outcome.answered
        lines.append(T(f"首抽 {outcome.drawn}，还有 {gone} 没有结果。", f"{gone} of the {outcome.drawn} drawn first have no result yet."))
    elif outcome.answered < outcome.drawn and outcome.least is not None and outcome.most is not None:
        least, most = percent(outcome.least), percent(outcome.most)
        gone = outcome.drawn - outcome.answered
        lines.append(
            T(f"首抽 {outcome.drawn}，其中 {gone} 没有结果：若他们全部阴性则为 {least}，全部阳性则为 {most}。",
              f"{gone} of the {outcome.drawn} drawn first have no result: were they all negative it would be {least}, all positive {most}.")
        )  # fmt: skip
    if outcome.strata_joined:
        lines.append(T("有的层没有结果，已合并为一层推断。", "A stratum has no result; all were counted as one."))
    return lines


def pools_in_words(positive: int, pools: int, size: int) -> T:
    """What the pools alone say before their people have been taken singly."""
    found = pooled_prevalence(positive, pools, size, LEVEL)
    share, low, high = percent(found.estimate), percent(found.low), percent(found.high)
    return T(
        f"{pools} 支 {size}:1 混管中 {positive} 支阳性：逐人复核前推断阳性率 {share}（{low} 至 {high}）。",
        f"{positive} of {pools} pools of {size} positive: before the retests an estimated {share} ({low} to {high}).",
    )
