"""The margin from the town's own past: kept as a run, outbreaks left out, shown with the promise, changed by nobody but a person."""

from datetime import timedelta

import pytest

from tests.fixtures_town import Town
from tests.workflows.test_early_warning import DAY, FIRST, SYSTEM, _at, watched  # noqa: F401
from tongchou.core.runs.models import Run
from tongchou.domains.sentinels.models import Observation
from tongchou.domains.warning.actions import confirm_alarm
from tongchou.domains.warning.models import Alarm
from tongchou.workflows.calibration import SETTLING_DAYS, calibrate
from tongchou.workflows.early_warning import screen_morning, screen_range
from tongchou.workflows.promise import CALIBRATED, keep_judgement, standing_on


def test_the_past_is_replayed_and_kept_once(watched: Town) -> None:  # noqa: F811
    day = DAY - timedelta(days=10)
    (one,) = calibrate(day, _at(day), by=SYSTEM, at=_at(day))
    assert (one.area_path, one.target, one.margin_in_use) == (watched.town.path, "covid19", 0.0)
    assert one.found.past_years == pytest.approx(((day - FIRST).days - SETTLING_DAYS + 1) / 365.25, abs=2 / 365)
    assert one.found.is_past_too_short and one.found.rate_upper_per_year > 8
    assert calibrate(day, _at(day), by=SYSTEM, at=_at(day, 9)) == [one]
    assert Run.objects.get(function=CALIBRATED).result["margin_log"] == one.found.margin_log


def test_an_outbreak_judged_true_does_not_raise_the_margin(watched: Town) -> None:  # noqa: F811
    (loud,) = calibrate(DAY, _at(DAY), by=SYSTEM, at=_at(DAY))
    screen_morning(DAY, _at(DAY), by=SYSTEM, at=_at(DAY))
    confirm_alarm(Alarm.objects.get(), reason="三户关联病例", by=watched.lin, at=_at(DAY, 9))
    later = DAY + timedelta(days=1)
    (quiet,) = calibrate(later, _at(later), by=SYSTEM, at=_at(later))
    assert loud.found.margin_log > 0 and quiet.found.margin_log < loud.found.margin_log
    assert quiet.found.past_years < loud.found.past_years


def test_the_promise_shows_what_the_replay_proves(watched: Town) -> None:  # noqa: F811
    day = DAY - timedelta(days=10)
    (one,) = calibrate(day, _at(day), by=SYSTEM, at=_at(day))
    list(screen_range(day - timedelta(days=29), day, by=SYSTEM))
    keep_judgement(day, _at(day), by=SYSTEM, at=_at(day))
    standing = standing_on(day, _at(day), watched.town.path)
    assert standing is not None and standing.is_upper_from_replay
    assert standing.upper_per_year == pytest.approx(one.found.rate_upper_per_year)


def test_without_half_a_year_there_is_nothing_to_replay(watched: Town) -> None:  # noqa: F811
    Observation.objects.filter(day__lt=DAY - timedelta(days=100)).delete()
    assert calibrate(DAY, _at(DAY), by=SYSTEM, at=_at(DAY)) == []
