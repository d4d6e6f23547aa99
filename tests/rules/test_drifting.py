"""Kept signals laid out for the drift monitors: one row a place, one column a step, outbreaks left out; and what is found, in words."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from tongchou.core.wording import T
from tongchou.domains.warning.learning import Given
from tongchou.domains.warning.promise import KeptSignal, Raised
from tongchou.domains.warning.watching import Watched
from tongchou.science.detection.drift import DriftReading
from tongchou.science.detection.model import DetectionParams
from tongchou.workflows.drifting import (
    BEFORE_ALARM,
    MONITOR_NAMES,
    Explained,
    finding_said,
    outbreaks_known,
    seen_streams,
)

DAY, TOWN = date(2022, 6, 1), "/t/"


def watched(code: str, place: str, **changes: Any) -> Watched:
    given = {"value_kind": "count", "step_days": 1, "period_days": 1, "direction": "higher", "weight": 1.0, "model": {"form": "additive"}}
    return Watched(code=code, kind="clinic", place=place, targets=("covid19",), **{**given, **changes})


def kept(code: str, morning: date, observed: float, *, delay: int = 1, p: float = 0.5) -> KeptSignal:
    return KeptSignal(code, morning, morning - timedelta(days=delay), observed, 2.0, p)


def test_rows_are_places_and_columns_the_days_the_values_are_of() -> None:
    streams = [watched("a", "/t/1/"), watched("b", "/t/2/"), watched("a2", "/t/1/")]
    signals = [kept(code, DAY - timedelta(days=n), 10.0 * n) for code in ("a", "a2", "b") for n in range(5) if (code, n) != ("b", 2)]
    (seen,) = seen_streams(streams, signals, [], DAY, DetectionParams(), 7)
    assert (seen.places, seen.last_day, seen.observed.shape) == (("/t/1/", "/t/2/"), DAY - timedelta(days=1), (2, 7))
    assert seen.observed[0, 2:].tolist() == [40.0, 30.0, 20.0, 10.0, 0.0]
    assert np.isnan(seen.observed[1]).tolist() == [True, True, False, False, True, False, False]
    assert seen.day_effect_variance == DetectionParams().day_effect_variance


def test_the_newest_reading_of_a_value_stands() -> None:
    signals = [kept("a", DAY - timedelta(days=1), 3.0), kept("a", DAY, 8.0, delay=2)]
    (seen,) = seen_streams([watched("a", "/t/1/")], signals, [], DAY, DetectionParams(), 3)
    assert 8.0 in seen.observed and 3.0 not in seen.observed


def test_weekly_values_are_taken_a_week_apart_and_lower_is_turned_round() -> None:
    stream = watched("a", TOWN, value_kind="rate", direction="lower", model={"form": "multiplicative"})
    signals = [kept("a", DAY - timedelta(days=n), float(n), p=0.9) for n in range(30)]
    (seen,) = seen_streams([stream], signals, [], DAY, DetectionParams(), 28)
    assert (seen.step_days, seen.is_count, seen.observed.tolist()) == (7, False, [[21.0, 14.0, 7.0, 0.0]])
    assert seen.mid_p == pytest.approx(np.full((1, 4), 0.1))


def test_streams_without_signals_are_left_out() -> None:
    assert seen_streams([watched("a", TOWN)], [], [], DAY, DetectionParams(), 90) == []


def test_days_of_an_outbreak_are_explained_in_its_place_and_around_it() -> None:
    streams = [watched("a", "/t/1/"), watched("b", "/t/2/"), watched("c", TOWN, model={"form": "additive", "x": 1})]
    signals = [kept(code, DAY - timedelta(days=n), 1.0) for code in "abc" for n in range(10)]
    outbreak = Explained("/t/1/", DAY - timedelta(days=4), DAY - timedelta(days=2))
    (seen,) = seen_streams(streams, signals, [outbreak], DAY, DetectionParams(), 7)
    assert seen.is_explained.sum(axis=1).tolist() == [3, 0, 3]


def test_true_alarms_and_fresh_ones_explain_and_false_ones_do_not() -> None:
    raised = [
        Raised(n, TOWN, "/t/1/", "covid19", DAY - timedelta(days=age), DAY - timedelta(days=age)) for n, age in enumerate((50, 50, 50, 5))
    ]
    at = datetime(2022, 5, 30, tzinfo=UTC)
    log = [Given(at, n, TOWN, "/t/1/", "covid19", "blue", v, {}, DAY, DAY) for n, v in ((0, "true"), (1, "false"))]  # type: ignore[arg-type]
    assert [e.first_day for e in outbreaks_known(raised, log, DAY)] == [DAY - timedelta(days=n) - BEFORE_ALARM for n in (50, 5)]


@pytest.mark.parametrize("monitor", MONITOR_NAMES)
def test_every_monitor_has_its_sentence_with_the_day_and_the_place(monitor: Any) -> None:
    found = DriftReading(monitor, "clinic", 1.6, 12.0, 10.0, date(2022, 5, 3), ("/t/1/",))
    said = finding_said(found, T("发热门诊", "Fever clinic"), [T("前明村", "Qianming")] if monitor in ("step", "sites") else [])
    assert "发热门诊" in said.zh and "5月3日" in said.zh
    assert "fever clinic" in said.en.lower() and "3 May" in said.en
    assert ("前明村" in said.zh) == (monitor in ("step", "sites"))
