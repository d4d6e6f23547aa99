"""Copies in which nothing happens: the same streams, the same gaps, no outbreak."""

import numpy as np

from tests.science.detection.towns import DAYS, LAST, state, town
from tongchou.science.detection.model import DetectionParams
from tongchou.science.detection.null_copies import null_copy
from tongchou.science.detection.replaying import replay

PARAMS = DetectionParams(alarms_per_year=12.0)


def test_a_copy_has_the_gaps_and_the_level_of_the_past_but_not_its_outbreak() -> None:
    histories = town(7, seeded_in=2, seeded_ago=30)
    copies = [null_copy(histories, LAST, PARAMS, np.random.default_rng(k)) for k in range(20)]
    for i, history in enumerate(histories):
        drawn = np.stack([c[i].values for c in copies])
        np.testing.assert_array_equal(np.isnan(drawn[0]), np.isnan(history.values))
        np.testing.assert_array_equal(drawn[3, :20], history.values[:20])
        calm = slice(60, DAYS - 40)
        assert abs(np.nanmean(drawn[:, calm]) - np.nanmean(history.values[calm])) < 0.1 * np.nanmean(history.values[calm]) + 0.01
    struck = histories[2].values[-10:]
    assert np.nanmean([c[2].values[-10:] for c in copies]) < np.nanmean(struck) / 2


def test_one_seed_gives_one_copy_and_streams_without_a_drawable_model_stay() -> None:
    histories = [*town(7), *state(1, weeks=70)]
    a, b = (null_copy(histories, LAST, PARAMS, np.random.default_rng(5)) for _ in range(2))
    for one, other, seen in zip(a, b, histories, strict=True):
        np.testing.assert_array_equal(one.values, other.values)
        assert seen.stream in ("clinic", "testing") or one is seen


def test_the_promise_is_kept_on_copies_though_the_background_is_estimated() -> None:
    """Twelve alarms a year promised on 6 x 250 days: 49 expected at most; 99 % of Poisson counts of that mean lie below 67."""
    histories, alarms = town(9), 0
    for k in range(6):
        copy = null_copy(histories, LAST, PARAMS, np.random.default_rng(k))
        alarms += len(replay(copy, LAST.fromordinal(LAST.toordinal() - 249), LAST, PARAMS).alarms)
    assert 0 < alarms < 67
