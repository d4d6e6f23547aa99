"""Each action on an alarm: allowed, refused by post, by place and by state, stale, and its entry."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.domains.warning.conftest import DAY, REPEAT_DAYS, SYSTEM
from tests.fixtures_town import AT, Town
from tongchou.core.audit.models import Entry
from tongchou.core.casework.models import Deadline
from tongchou.core.errors import Invalid, Stale, Unseen
from tongchou.core.outbox.models import Notice
from tongchou.core.parameters.models import ParameterValue
from tongchou.core.places.models import Place
from tongchou.core.runs.models import Run
from tongchou.domains.warning.actions import (
    Finding,
    Share,
    acknowledge_alarm,
    confirm_alarm,
    dismiss_alarm,
    give_verdict,
    propose_alarm,
    renew_alarm,
)
from tongchou.domains.warning.learning import ppv_at
from tongchou.domains.warning.models import Alarm, PlaceEvidence
from tongchou.domains.warning.queries import alarms_seen_by, promise_kept, raw_grades, seen_alarm, verdict_log

LATER = AT + timedelta(minutes=20)


def _entries(alarm: Alarm) -> list[str]:
    return list(Entry.objects.filter(subject_kind="dossier", subject_id=str(alarm.pk)).order_by("seq").values_list("action", flat=True))


def _running(alarm: Alarm) -> dict[str, int]:
    return dict(Deadline.objects.filter(dossier_id=alarm.pk, stopped_at=None).values_list("key", "minutes"))


def test_a_proposed_alarm_has_number_owner_clocks_and_a_notice_for_those_on_duty(small_town: Town, alarm: Alarm) -> None:
    assert alarm.dossier.number == "YJ-2022-0001"
    assert (alarm.dossier.state, alarm.dossier.owner_post.code) == ("proposed", "duty-officer")
    assert _running(alarm) == {"alarm.acknowledge_within": 30, "alarm.decide_within": 120}
    assert set(Notice.objects.values_list("user__username", flat=True)) == {"lin", "fang"}
    assert _entries(alarm) == ["alarm.open"]


def test_limits_may_be_a_table_by_grade(small_town: Town, propose: Callable[..., Alarm]) -> None:
    ParameterValue.objects.filter(parameter__key="alarm.decide_within").update(value={"red": 60, "orange": 90, "yellow": 480, "blue": 1440})
    assert _running(propose())["alarm.decide_within"] == 90


def test_no_person_proposes_alarms(small_town: Town, finding: Finding) -> None:
    with pytest.raises(Unseen):
        propose_alarm(finding=finding, repeat_days=REPEAT_DAYS, by=small_town.fang, at=AT)


def test_the_same_rise_is_not_raised_twice_within_the_window(propose: Callable[..., Alarm], alarm: Alarm) -> None:
    with pytest.raises(Stale, match="YJ-2022-0001"):
        propose(day=DAY + timedelta(days=REPEAT_DAYS))
    assert Alarm.objects.count() == 1
    assert propose(day=DAY + timedelta(days=REPEAT_DAYS + 1)).dossier.number == "YJ-2022-0002"


def test_a_rise_in_another_village_is_another_alarm(small_town: Town, propose: Callable[..., Alarm], alarm: Alarm) -> None:
    assert propose(place=small_town.villages[1]).pk != alarm.pk


def test_renewing_raises_the_grade_at_once_with_fresh_clocks(finding: Finding, alarm: Alarm) -> None:
    shares = (Share("fever_visits", None, 1.0, 9.0, None),)
    worse = replace(finding, grade="red", day=DAY + timedelta(days=1), log_evidence=20.0, shares=shares)
    renew_alarm(alarm, finding=worse, fall_after=3, by=SYSTEM, at=LATER)
    alarm.refresh_from_db()
    assert (alarm.dossier.grade, alarm.last_seen_on, alarm.log_evidence) == ("red", DAY + timedelta(days=1), 20.0)
    assert set(Deadline.objects.filter(dossier_id=alarm.pk, stopped_at=None).values_list("started_at", flat=True)) == {LATER}
    renew_alarm(alarm, finding=replace(worse, grade="blue", day=DAY + timedelta(days=2)), fall_after=3, by=SYSTEM, at=LATER)
    alarm.refresh_from_db()
    assert alarm.dossier.grade == "red"
    assert _entries(alarm) == ["alarm.open", "alarm.upgrade", "alarm.seen"]
    with pytest.raises(Stale):
        renew_alarm(alarm, finding=finding, fall_after=3, by=SYSTEM, at=LATER)


def _morning(finding: Finding, days: int, grade: str, place: Place | None = None, leading: str = "") -> None:
    run = Run.objects.create(function="detection.screen", version="1", parameters={}, input_digest=f"{days:064}", as_known_at=AT, recorded_at=AT,
                             result={"place": leading})  # fmt: skip
    PlaceEvidence.objects.create(place=place or finding.place, target=finding.target, day=DAY + timedelta(days=days), as_known_at=AT,
                                 log_evidence=1.0, probability=0.5, grade=grade, run=run)  # fmt: skip


def test_a_renewed_alarm_falls_one_grade_after_three_mornings_below_and_its_clocks_go_on(finding: Finding, alarm: Alarm) -> None:
    before = _running(alarm)
    for days in range(1, 5):
        _morning(finding, days - 1, "orange" if days == 1 else "")
        renew_alarm(alarm, finding=replace(finding, grade="blue", day=DAY + timedelta(days=days)), fall_after=3, by=SYSTEM, at=LATER)
        alarm.refresh_from_db()
        assert alarm.dossier.grade == ("orange" if days < 3 else "yellow")
    assert _running(alarm) == before and Notice.objects.count() == 2
    assert _entries(alarm) == ["alarm.open", "alarm.seen", "alarm.seen", "alarm.downgrade", "alarm.seen"]


def test_the_raw_grade_of_a_morning_is_the_areas_where_its_rise_lies_here(finding: Finding, alarm: Alarm) -> None:
    here, elsewhere, town = finding.place, "/310118/310118106/310118106202/", finding.area
    for days, leading in enumerate((here.path, elsewhere, town.path)):
        _morning(finding, days, "blue")
        _morning(finding, days, "red", town, leading)
    assert raw_grades(alarm, DAY + timedelta(days=9)) == ["red", "blue", "red"]
    assert raw_grades(alarm, DAY + timedelta(days=2)) == ["red", "blue"]


def test_acknowledging_stops_its_clock_and_a_second_person_is_told(small_town: Town, alarm: Alarm) -> None:
    acknowledge_alarm(alarm, by=small_town.chen, at=LATER)
    assert set(_running(alarm)) == {"alarm.decide_within"}
    with pytest.raises(Stale) as told:
        acknowledge_alarm(alarm, by=small_town.lin, at=LATER)
    assert told.value.status == 409
    assert _entries(alarm) == ["alarm.open", "alarm.acknowledge"]


@pytest.mark.parametrize(("step", "state", "verdict"), [(confirm_alarm, "confirmed", "true"), (dismiss_alarm, "dismissed", "false")])
def test_deciding_closes_the_alarm_with_a_reason_and_a_verdict(small_town: Town, alarm: Alarm, step: Callable[..., Alarm], state: str, verdict: str) -> None:  # fmt: skip
    with pytest.raises(Invalid, match="reason"):
        step(alarm, reason=" ", by=small_town.lin, at=LATER)
    step(alarm, reason="现场已核实", by=small_town.lin, at=LATER)
    alarm.refresh_from_db()
    assert (alarm.dossier.state, alarm.verdict, alarm.verdict_reason) == (state, verdict, "现场已核实")
    assert (alarm.dossier.closed_at, _running(alarm)) == (LATER, {})
    for other in (confirm_alarm, dismiss_alarm):
        with pytest.raises(Stale):
            other(alarm, reason="再次决定", by=small_town.fang, at=LATER)
    assert _entries(alarm) == ["alarm.open", f"alarm.{state[:-2] if state == 'confirmed' else 'dismiss'}"]


@pytest.mark.parametrize("step", [confirm_alarm, dismiss_alarm, give_verdict])
@pytest.mark.parametrize("who", ["zhao", "chen", "wu"])
def test_another_town_and_other_posts_are_refused(small_town: Town, alarm: Alarm, step: Callable[..., Alarm], who: str) -> None:
    extra = {"verdict": "true"} if step is give_verdict else {}
    with pytest.raises(Unseen):
        step(alarm, reason="想要决定", by=getattr(small_town, who), at=LATER, **extra)
    alarm.refresh_from_db()
    assert alarm.dossier.state == "proposed"


def test_zhao_neither_acknowledges_nor_sees_it(small_town: Town, alarm: Alarm) -> None:
    with pytest.raises(Unseen):
        acknowledge_alarm(alarm, by=small_town.zhao, at=LATER)
    with pytest.raises(Unseen):
        seen_alarm(alarm.dossier.number, small_town.zhao)
    assert list(alarms_seen_by(small_town.zhao)) == []
    assert list(alarms_seen_by(small_town.wu)) == [alarm]


def test_the_verdict_of_a_decided_alarm_can_be_revised(small_town: Town, alarm: Alarm) -> None:
    with pytest.raises(Stale):
        give_verdict(alarm, verdict="true", reason="太早", by=small_town.lin, at=LATER)
    confirm_alarm(alarm, reason="两例阳性", by=small_town.lin, at=LATER)
    with pytest.raises(Invalid, match="verdict"):
        give_verdict(alarm, verdict="perhaps", reason="结案", by=small_town.lin, at=LATER)
    give_verdict(alarm, verdict="false", reason="复核为假阳性", by=small_town.fang, at=LATER)
    alarm.refresh_from_db()
    assert alarm.verdict == "false"
    assert Entry.objects.order_by("-seq").first().details == {"before": "true", "verdict": "false"}


def test_a_dismissed_alarm_may_be_unclear_but_not_true(small_town: Town, alarm: Alarm) -> None:
    with pytest.raises(Invalid, match="verdict"):
        dismiss_alarm(alarm, reason="无法查明", verdict="true", by=small_town.lin, at=LATER)
    assert dismiss_alarm(alarm, reason="无法查明", verdict="unclear", by=small_town.lin, at=LATER).verdict == "unclear"


def test_verdicts_are_kept_as_they_were_given_and_exercises_are_not_counted(
    small_town: Town, propose: Callable[..., Alarm], finding: Finding
) -> None:
    for n in range(6):
        one = propose(day=DAY + timedelta(days=20 * n), shares=(Share("fever_visits", None, 1.0, 9.0, None),))
        (confirm_alarm if n else dismiss_alarm)(one, reason="已核实", by=small_town.lin, at=LATER)
    drill = propose(day=DAY + timedelta(days=140), is_exercise=True)
    confirm_alarm(drill, reason="演练", by=small_town.lin, at=LATER)
    renew_alarm(one, finding=replace(finding, grade="red", day=one.day + timedelta(days=1)), fall_after=3, by=SYSTEM, at=LATER)
    give_verdict(one, verdict="false", reason="复核", by=small_town.lin, at=LATER + timedelta(days=1))
    log = verdict_log()
    assert [(g.alarm_id, g.decision) for g in log[-2:]] == [(one.pk, "true"), (one.pk, "false")]
    assert (log[-1].grade, log[-1].shares, len(log)) == ("orange", {"fever_visits": 1.0}, 7)
    before, after = (ppv_at(log, at, "orange", "covid19") for at in (LATER, LATER + timedelta(days=1)))
    assert (before.right, before.wrong, after.right, after.wrong) == (5, 1, 4, 2)
    assert before.low < after.mean < before.mean < before.high
    assert ppv_at(log, LATER, "red", "covid19").right == 0
    assert ppv_at(log, AT, "orange", "covid19").mean == 0.5
    promise = promise_kept(small_town.town.path, DAY + timedelta(days=150), 1.0)
    assert (promise.false, promise.true, promise.is_kept) == (2, 4, False)
