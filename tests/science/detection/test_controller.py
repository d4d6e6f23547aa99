"""The controller brings a rate three times too high back to the promise, stays out of the way otherwise, and never answers a true alarm."""

import math
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from tongchou.science.detection.controller import (
    DAYS_PER_YEAR,
    AlarmOutcome,
    ControlledMargin,
    ControllerParams,
    Verdict,
    controlled_margin,
    next_balance,
)

PARAMS, FIRST = ControllerParams(), date(2024, 1, 1)
VERDICTS: list[Verdict] = ["true", "false", "unclear"]


def mornings(days: int) -> list[date]:
    return [FIRST + timedelta(days=n) for n in range(days)]


def lived(rng: np.random.Generator, days: int, rate_per_year: float, promised: float, delay_days: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Days with a false alarm, and the margin of every day, where chance peaks have a tail of slope 1 (as a Shiryaev-Roberts sum has)."""
    peaks = np.where(rng.random(days) < rate_per_year / DAYS_PER_YEAR, rng.exponential(size=days), -1.0)
    balance, false, margins = 0.0, np.zeros(days), np.zeros(days)
    for t in range(days):
        margins[t] = PARAMS.gain_log * max(balance, 0.0)
        false[t] = 0 <= margins[t] <= peaks[t]
        judged = false[t - delay_days] if t >= delay_days else 0.0
        balance = next_balance(balance, float(judged), promised / DAYS_PER_YEAR, PARAMS)
    return false, margins


@pytest.mark.parametrize(("times", "promised"), [(2.0, 1.0), (3.0, 1.0), (3.0, 4.0)])
def test_a_background_too_generous_costs_a_fixed_number_of_alarms_and_then_the_promise_is_kept(times: float, promised: float) -> None:
    towns, years = 40, 10
    days = round(years * DAYS_PER_YEAR)
    false = np.stack([lived(np.random.default_rng(k), days, times * promised, promised)[0] for k in range(towns)])
    settled = round(2 * DAYS_PER_YEAR / promised)  # the time in which two alarms were promised
    late = false[:, settled:].sum()
    expected = promised * towns * (days - settled) / DAYS_PER_YEAR
    # The account holds the excess: over all years it is the overdraft, log2(times), whatever the length of the record.
    assert late <= poisson.ppf(0.999, expected)
    excess = false.sum() / towns - promised * years
    assert abs(excess - math.log2(times)) < 0.8
    without = times * promised * years
    assert false.sum() / towns < 0.5 * (without + promised * years)


def test_a_promise_already_kept_leaves_the_line_on_the_floor() -> None:
    margins = np.stack([lived(np.random.default_rng(k), 3653, 0.3, 1.0)[1] for k in range(40)])
    assert np.mean(margins[:, 365:] == 0) > 0.9
    assert margins.mean() < 0.05


@given(st.lists(st.integers(0, 700), max_size=40), st.lists(st.integers(0, 700), max_size=6))
def test_true_alarms_change_nothing(true_days: list[int], false_days: list[int]) -> None:
    day = FIRST + timedelta(days=800)
    false = [AlarmOutcome(FIRST + timedelta(days=d), "false", FIRST + timedelta(days=d + 2)) for d in false_days]
    true = [AlarmOutcome(FIRST + timedelta(days=d), "true", FIRST + timedelta(days=d + 1)) for d in true_days]
    with_true, without = controlled_margin(mornings(800), false + true, day, 1.0), controlled_margin(mornings(800), false, day, 1.0)
    assert with_true == without
    # Nor does one that is not yet judged, while it can still be acted upon.
    waiting = [AlarmOutcome(day - timedelta(days=PARAMS.undecided_days))]
    assert controlled_margin(mornings(800), false + waiting, day, 1.0) == without


@st.composite
def logs(draw: st.DrawFn) -> list[AlarmOutcome]:
    found = []
    for raised in draw(st.lists(st.integers(0, 500), max_size=25)):
        verdict = draw(st.sampled_from(["", *VERDICTS]))
        judged = None if verdict == "" else FIRST + timedelta(days=raised + draw(st.integers(0, 60)))
        found.append(AlarmOutcome(FIRST + timedelta(days=raised), verdict, judged))
    return found


@given(logs(), st.randoms(), st.floats(0.25, 12), st.integers(1, 700))
def test_the_log_alone_gives_the_same_figures_to_the_bit(alarms: list[AlarmOutcome], chance: object, promised: float, upto: int) -> None:
    day = FIRST + timedelta(days=upto)
    shuffled = list(alarms)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    found = controlled_margin(mornings(700), alarms, day, promised)
    assert found == controlled_margin(list(reversed(mornings(700))), shuffled, day, promised)
    # Causal: what is judged or watched later changes no earlier morning.
    known = [a for a in alarms if a.raised_on < day and (a.judged_on is None or a.judged_on < day)]
    later = [a for a in alarms if a.raised_on < day and a.judged_on is not None and a.judged_on >= day and (day - a.raised_on).days <= 30]
    assert controlled_margin(mornings(upto), known + later, day, promised) == controlled_margin(mornings(upto), known, day, promised)
    assert 0 <= found.margin_log <= PARAMS.largest_log + 1e-12
    assert found.margin_log == PARAMS.gain_log * found.overdraft_alarms


@given(st.lists(st.floats(-1, 2.0), min_size=1, max_size=600), st.floats(0.5, 12), st.integers(0, 20))
def test_the_number_of_false_alarms_is_bounded_whatever_the_data(peaks: list[float], promised: float, delay: int) -> None:
    """No peak reaches the ceiling less one alarm's gain per verdict that is still on its way: then the account never forgets an alarm."""
    largest = 2.0 + PARAMS.gain_log * (delay + 2)
    params = replace(PARAMS, largest_log=largest)
    allowed, balance, false = promised / DAYS_PER_YEAR, 0.0, []
    for t, peak in enumerate(peaks):
        false.append(peak >= params.gain_log * max(balance, 0.0) and peak >= 0)
        balance = next_balance(balance, float(false[t - delay]) if t >= delay else 0.0, allowed, params)
    bound = allowed * len(peaks) + largest / params.gain_log + params.credit_alarms + delay
    assert sum(false) <= bound + 1e-9
    charged = sum(false[: max(0, len(peaks) - delay)])
    assert charged <= allowed * len(peaks) + balance + 1e-9


def test_one_alarm_after_a_quiet_year_is_free_and_the_next_is_not() -> None:
    days, alarm = mornings(800), [AlarmOutcome(FIRST + timedelta(days=d), "false", FIRST + timedelta(days=d)) for d in (400, 430)]
    assert controlled_margin(days, alarm[:1], FIRST + timedelta(days=410), 1.0).margin_log == 0
    assert controlled_margin(days, alarm, FIRST + timedelta(days=440), 1.0).margin_log == pytest.approx(math.log(2) * (1 - 40 / 365.25))
    assert controlled_margin(days, alarm, FIRST + timedelta(days=799), 1.0).margin_log == 0


def test_unclear_and_forgotten_alarms_weigh_half() -> None:
    day, raised = FIRST + timedelta(days=60), FIRST + timedelta(days=10)
    found = [
        controlled_margin([], [a], day, 1.0).charged_alarms
        for a in (AlarmOutcome(raised), AlarmOutcome(raised, "unclear", raised), AlarmOutcome(day))
    ]
    assert found == [0.5, 0.5, 0.0]


def test_days_nobody_watched_pay_nothing_back() -> None:
    alarm = [AlarmOutcome(FIRST, "false", FIRST)]
    assert controlled_margin([], alarm, FIRST + timedelta(days=300), 1.0) == ControlledMargin(1.0, 0, 1.0, math.log(2), False)
    weekly = controlled_margin(mornings(210)[::7], alarm, FIRST + timedelta(days=210), 1.0, step_days=7)
    daily = controlled_margin(mornings(210), alarm, FIRST + timedelta(days=210), 1.0)
    assert weekly.watched_days == daily.watched_days == 210
    assert weekly.margin_log == pytest.approx(daily.margin_log)


def test_the_ceiling_is_named() -> None:
    many = [AlarmOutcome(FIRST + timedelta(days=d), "false", FIRST + timedelta(days=d)) for d in range(12)]
    found = controlled_margin(mornings(12), many, FIRST + timedelta(days=12), 1.0)
    assert found.is_at_ceiling and found.margin_log == pytest.approx(PARAMS.largest_log)


@pytest.mark.parametrize("wrong", [{"gain_log": 0.0}, {"credit_alarms": -1.0}, {"unclear_weight": 2.0}, {"undecided_days": -1}])
def test_impossible_parameters_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="ControllerParams"):
        replace(PARAMS, **wrong)  # type: ignore[arg-type]


def test_impossible_logs_are_refused() -> None:
    with pytest.raises(ValueError, match="verdict needs its day"):
        AlarmOutcome(FIRST, "false")
    with pytest.raises(ValueError, match="promised_per_year"):
        controlled_margin([], [], FIRST, 0.0)
