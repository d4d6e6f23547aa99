"""A stream whose method fails is said to have failed, judged by rank, and never silences the rest."""

from dataclasses import replace

import numpy as np
import pytest

from tests.science.detection.towns import DAYS, FIRST, LAST, last_week, state, town
from tongchou.science.detection import stream_evidence
from tongchou.science.detection.fallback import score_by_rank
from tongchou.science.detection.fusion import screen
from tongchou.science.detection.model import METHOD_FALLBACK, DetectionParams, History, Multiplicative

DAILY = DetectionParams()


def test_one_history_beyond_numbers_is_judged_by_rank_and_the_others_as_before() -> None:
    histories = town(11, seeded_in=2, seeded_ago=24)
    broken = [
        replace(h, values=np.where(np.isnan(h.values), np.nan, 1e300)) if (h.stream, h.place) == ("clinic", "v4") else h for h in histories
    ]
    found = screen(broken, LAST, DAILY)
    methods = {(s.stream, s.place): s.method for s in found.scores}
    assert [key for key, method in methods.items() if method == METHOD_FALLBACK] == [("clinic", "v4")]
    assert found.assessment.alarm and found.assessment.leading_place == "v2"
    assert np.isfinite([s.statistic for s in found.scores]).all()


@pytest.mark.parametrize("trouble", [ZeroDivisionError, np.linalg.LinAlgError, ValueError])
def test_whatever_the_method_trips_over_the_rest_is_heard(monkeypatch: pytest.MonkeyPatch, trouble: type[Exception]) -> None:
    scored = stream_evidence.score_multiplicative

    def trips(history: History, day: object, params: object) -> object:
        if history.stream == "consultations":
            raise trouble("no convergence")
        return scored(history, day, params)  # type: ignore[arg-type]

    weekly = DetectionParams.weekly()
    whole = screen(state(3, rising_weeks=4), last_week(), weekly)
    monkeypatch.setattr(stream_evidence, "score_multiplicative", trips)
    found = screen(state(3, rising_weeks=4), last_week(), weekly)
    assert [s.method == METHOD_FALLBACK for s in found.scores] == [s.stream == "consultations" for s in found.scores]
    assert found.assessment.alarm and found.assessment.size == whole.assessment.size == "fold"


def test_the_rank_is_a_valid_p_value_as_evidence_and_knows_its_direction() -> None:
    rng = np.random.default_rng(1)
    mean = np.mean(
        [
            np.exp(score_by_rank(_visits(rng.poisson(20.0, 300)), FIRST.fromordinal(FIRST.toordinal() + 299), DAILY).log_evidence[0, 0, 0])
            for _ in range(300)
        ]
    )
    assert mean < 1.1
    rising = _visits(np.where(np.arange(300) < 293, 20, 60))
    day = rising.last_day(299)
    high, low = score_by_rank(rising, day, DAILY), score_by_rank(replace(rising, direction="lower"), day, DAILY)
    assert high.mid_p == pytest.approx(1 / 43) and low.mid_p == 1
    assert (high.observed, high.expected, high.observed_on) == (420, 140, day)
    assert high.log_evidence[0, 0, 0] > 0 > low.log_evidence[0, 0, 0] and high.log_evidence[20, 0, 0] == 0


def test_a_short_or_silent_past_says_nothing() -> None:
    for values in (np.full(DAYS, np.nan), np.ones(30), np.empty(0)):
        found = score_by_rank(_visits(values), LAST, DAILY)
        assert not found.log_evidence.any() and found.observed_on is None and np.isnan(found.mid_p)


def _visits(values: np.ndarray) -> History:
    return History("visits", values.astype(float), FIRST, 1, "count", Multiplicative())
