"""A replay says what every morning said."""

from dataclasses import replace as changed
from datetime import date, timedelta

import numpy as np
import pytest

from tests.science.detection.towns import DAYS, FIRST, LAST, last_week, state, town
from tongchou.science.detection.fusion import screen
from tongchou.science.detection.model import Additive, DetectionParams, History
from tongchou.science.detection.replaying import replay

MONTHLY = DetectionParams(alarms_per_year=12.0)


def mixed(seed: int) -> list[History]:
    """Two daily streams of villages, a weekly one, one with changing sites, and the town's wastewater."""
    rng = np.random.default_rng(seed)
    weekly = [
        History(
            "absence",
            rng.poisson(6.0, 72).astype(float),
            FIRST - timedelta(days=3),
            7,
            "count",
            Additive(0.1, 6, 3),
            place=f"v{v}",
            population=2000.0,
        )
        for v in range(2)
    ]
    sites = np.where(np.arange(DAYS) % 200 < 100, 1.0, 3.0)
    pharmacy = History(
        "pharmacy", rng.poisson(2 * sites).astype(float), FIRST, 1, "count", Additive(0.3, 5, 2), place="v1", weight=0.25, offsets=sites
    )
    plant = [h for h in state(seed, weeks=72, rising_weeks=3) if h.stream == "wastewater"]
    whole = History("hotline", rng.poisson(3.0, DAYS).astype(float), FIRST, 1, "count", Additive(0.05, 5, 2))
    return [*town(seed, places=4, seeded_in=2, seeded_ago=25), *weekly, pharmacy, *plant, whole]


@pytest.mark.parametrize("restarts", [True, False])
def test_every_morning_of_a_replay_is_what_screening_said(restarts: bool) -> None:
    histories = mixed(3)
    first = LAST - timedelta(days=45)
    told = replay(histories, first, LAST, MONTHLY, restarts=restarts)
    answered: date | None = None
    rang = []
    for n, day in enumerate(told.days):
        a = screen(histories, day, MONTHLY, answered).assessment
        assert told.statistic[n] == pytest.approx(a.statistic, abs=1e-9)
        assert told.excess[n] == pytest.approx(a.excess, abs=1e-9)
        np.testing.assert_allclose(told.stream_statistic[n], [s.statistic for s in a.streams], atol=1e-9)
        np.testing.assert_allclose(told.place_statistic[n], [p.log_evidence for p in a.places], atol=1e-9)
        if a.alarm_by:
            rang.append((day, a.alarm_by))
            answered = day if restarts else None
    assert told.streams == tuple(s.stream for s in a.streams)
    assert [None if p == "*" else p for p in told.places] == [p.place for p in a.places]
    assert told.alarms == tuple(rang) != ()


def test_weekly_calendars_are_screened_morning_by_morning() -> None:
    histories, day, params = state(5, rising_weeks=4), last_week(), DetectionParams.weekly()
    told = replay(histories, day - timedelta(days=8), day, params)
    assert told.alarms[0][0] <= day
    assert told.statistic[0] == pytest.approx(screen(histories, day - timedelta(days=8), params).assessment.statistic)


def test_the_future_changes_no_past_morning() -> None:
    histories, first = mixed(4), LAST - timedelta(days=60)
    cut = [
        changed(
            h,
            values=h.values[: h.upto(LAST - timedelta(days=20))],
            offsets=None if h.offsets is None else h.offsets[: h.upto(LAST - timedelta(days=20))],
        )
        for h in histories
    ]
    whole, early = replay(histories, first, LAST, MONTHLY), replay(cut, first, LAST - timedelta(days=20), MONTHLY)
    np.testing.assert_array_equal(whole.statistic[:41], early.statistic)


def test_a_replay_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one history"):
        replay([], FIRST, LAST, MONTHLY)
    with pytest.raises(ValueError, match="last day"):
        replay(town(1), LAST, FIRST, MONTHLY)
