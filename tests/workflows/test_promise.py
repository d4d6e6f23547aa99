"""False alarms beyond the promise raise the next morning's line; true ones never do; every past morning can be computed again."""

from datetime import timedelta
from math import log

import pytest

from tests.fixtures_town import Town
from tests.workflows.test_early_warning import DAY, SYSTEM, _at, watched  # noqa: F401
from tongchou.core.runs.models import Run
from tongchou.domains.warning.actions import confirm_alarm, dismiss_alarm, give_verdict
from tongchou.domains.warning.models import Alarm
from tongchou.workflows.early_warning import FUNCTION, recompute, screen_morning

NEXT = DAY + timedelta(days=1)


def _run(day: object) -> Run:
    return Run.objects.get(function=FUNCTION, result__day=day.isoformat())  # type: ignore[attr-defined]


@pytest.fixture
def raised(watched: Town) -> Alarm:  # noqa: F811
    screen_morning(DAY, _at(DAY), by=SYSTEM, at=_at(DAY))
    return Alarm.objects.get()


def test_a_false_alarm_raises_the_next_morning_s_line_and_says_why(watched: Town, raised: Alarm) -> None:  # noqa: F811
    dismiss_alarm(raised, reason="学校体检集中送检", by=watched.lin, at=_at(DAY, 9))
    screen_morning(NEXT, _at(NEXT), by=SYSTEM, at=_at(NEXT))
    before, after = _run(DAY), _run(NEXT)
    control = after.parameters["control"]
    assert "control" not in before.parameters
    assert (control["charged_alarms"], control["watched_days"]) == (1.0, 1)
    assert control["overdraft_alarms"] == pytest.approx(1 - 1 / 365.25)  # one morning's allowance, at one alarm a year
    assert after.parameters["margin_log"] == control["margin_log"] == pytest.approx(log(2) * (1 - 1 / 365.25))
    assert after.result["threshold"] == pytest.approx(before.result["threshold"] + control["margin_log"])


def test_a_true_alarm_leaves_the_line_alone(watched: Town, raised: Alarm) -> None:  # noqa: F811
    confirm_alarm(raised, reason="三户关联病例", by=watched.lin, at=_at(DAY, 9))
    screen_morning(NEXT, _at(NEXT), by=SYSTEM, at=_at(NEXT))
    assert _run(NEXT).parameters["margin_log"] == 0.0
    assert _run(NEXT).result["threshold"] == _run(DAY).result["threshold"]


def test_a_verdict_corrected_later_changes_later_mornings_and_no_earlier_one(watched: Town, raised: Alarm) -> None:  # noqa: F811
    dismiss_alarm(raised, reason="学校体检集中送检", by=watched.lin, at=_at(DAY, 9))
    screen_morning(NEXT, _at(NEXT), by=SYSTEM, at=_at(NEXT))
    give_verdict(raised, verdict="true", reason="复核后为关联病例", by=watched.lin, at=_at(NEXT, 12))
    third = NEXT + timedelta(days=1)
    screen_morning(third, _at(third), by=SYSTEM, at=_at(third))
    assert _run(third).parameters["margin_log"] == 0.0
    assert [recompute(_run(day)).is_same for day in (DAY, NEXT, third)] == [True, True, True]  # type: ignore[union-attr]
