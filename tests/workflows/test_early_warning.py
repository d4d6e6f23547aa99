"""From observations to a proposed alarm, in a town of three villages with an outbreak in the second."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tests.fixtures_town import AT, SINCE, Town
from tongchou.core.audit.models import Entry
from tongchou.core.casework.models import Dossier
from tongchou.core.errors import Refusal, Unseen
from tongchou.core.parameters.models import Parameter, ParameterValue
from tongchou.core.people.rules import system_actor
from tongchou.core.places.models import Installation
from tongchou.core.runs.models import Run
from tongchou.domains.sentinels.models import Catchment, Observation, Sentinel, Stream
from tongchou.domains.warning.actions import confirm_alarm, dismiss_alarm, give_verdict
from tongchou.domains.warning.models import Alarm, PlaceEvidence, Signal
from tongchou.domains.warning.queries import evidence_series
from tongchou.workflows.early_warning import mornings, recompute, screen_morning, screen_range

SYSTEM = system_actor("watch")
DAY = date(2022, 6, 2)
FIRST = DAY - timedelta(days=300)
ZONE = ZoneInfo("Asia/Shanghai")
MODEL = {"form": "additive", "events_per_infection": 0.3, "delay_mean_days": 5.0, "delay_sd_days": 2.0}
RISE = (1, 2, 3, 5, 7, 9)  # the last days in the second village


def _at(day: date, hour: int = 8) -> datetime:
    return datetime.combine(day, time(hour), ZONE)


def _parameter(key: str, value: object, place: object = None) -> None:
    row, _ = Parameter.objects.get_or_create(key=key, defaults={"unit": "day", "name_zh": key, "name_en": key})
    ParameterValue.objects.create(parameter=row, value=value, valid_from=SINCE, source_zh="测试", source_en="test", confidence="high")


@pytest.fixture
def watched(installed_town: Town) -> Town:
    Installation.objects.update(targets=[{"code": "covid19", "zh": "新冠病毒感染", "en": "COVID-19"}])
    _parameter("alarm.repeat_window", 7)
    random = np.random.default_rng(7)
    rows = []
    for n, village in enumerate(installed_town.villages):
        sentinel = Sentinel.objects.create(
            code=f"clinic-{n}", kind="monitoring", setting="fever_clinic", name_zh=f"门诊{n}", name_en=f"Clinic {n}", place=village,
            operator_zh="卫生院", operator_en="Health centre", schedule={"weekdays": [1, 2, 3, 4, 5, 6, 7], "due": "18:00"}, valid_from=SINCE,
        )  # fmt: skip
        Catchment.objects.create(sentinel=sentinel, place=village, share=0.9)
        stream = Stream.objects.create(
            code=f"clinic-{n}-s", sentinel=sentinel, kind="fever_positive", indicator_zh="发热阳性", indicator_en="Fever positives",
            unit_zh="例", unit_en="cases", value_kind="count", targets=["covid19"], is_specific=True, weight=1.0, model=MODEL,
        )  # fmt: skip
        counts = random.poisson(0.2, 300)
        if n == 1:
            counts[-len(RISE) :] = RISE
        for k, count in enumerate(counts):
            day = FIRST + timedelta(days=k)
            rows.append(Observation(stream=stream, day=day, reported_at=_at(day, 20), value=float(count), source="test"))
    Observation.objects.bulk_create(rows)
    return installed_town


def _world() -> tuple[int, ...]:
    return tuple(m.objects.count() for m in (Run, Signal, PlaceEvidence, Alarm, Dossier, Entry))


def test_a_rise_becomes_one_alarm_where_it_is(watched: Town) -> None:
    screened = screen_morning(DAY, _at(DAY), by=SYSTEM, at=_at(DAY))
    (alarm,) = screened.proposed
    assert alarm.dossier.place == watched.villages[1]
    assert (alarm.area, alarm.target, alarm.day) == (watched.town, "covid19", DAY)
    assert alarm.dossier.grade in ("blue", "yellow", "orange", "red")
    share = alarm.shares.get()
    assert (share.stream.code, share.share) == ("clinic-1-s", pytest.approx(1.0))
    assert Signal.objects.filter(day=DAY).count() == 3
    loud = Signal.objects.get(stream__code="clinic-1-s")
    assert (loud.observed, loud.observed_on) == (9.0, DAY - timedelta(days=1))
    assert loud.upper is not None and loud.observed > loud.upper and loud.p is not None and loud.p < 0.001
    (there,) = evidence_series(watched.villages[1], "covid19", DAY, DAY)
    assert there.log_evidence > there.threshold and there.grade == alarm.dossier.grade
    assert alarm.run.result["place"] == watched.villages[1].path


def test_reading_the_same_morning_again_changes_nothing(watched: Town) -> None:
    screen_morning(DAY, _at(DAY), by=SYSTEM, at=_at(DAY))
    before = _world()
    assert screen_morning(DAY, _at(DAY), by=SYSTEM, at=_at(DAY, 9)).proposed == ()
    assert _world() == before


def test_a_range_raises_the_rise_once_and_follows_it(watched: Town) -> None:
    list(screen_range(DAY - timedelta(days=6), DAY, by=SYSTEM))
    alarm = Alarm.objects.get()
    assert alarm.day < DAY and alarm.last_seen_on == DAY
    assert Entry.objects.filter(action="watch.screen").count() == 7
    assert alarm.dossier.opened_at == _at(alarm.day)


def test_what_was_not_yet_known_is_not_used(watched: Town) -> None:
    before = screen_morning(DAY, _at(DAY - timedelta(days=len(RISE))), by=SYSTEM, at=_at(DAY))
    assert before.proposed == ()


def test_a_late_correction_gives_a_new_reading_of_the_day(watched: Town) -> None:
    screen_morning(DAY, _at(DAY), by=SYSTEM, at=_at(DAY))
    stream = Stream.objects.get(code="clinic-0-s")
    day = DAY - timedelta(days=1)
    Observation.objects.create(stream=stream, day=day, reported_at=_at(DAY, 10), value=4.0, source="test", reason="补录")
    screen_morning(DAY, _at(DAY, 11), by=SYSTEM, at=_at(DAY, 11))
    assert Signal.objects.get(stream=stream, day=DAY).observed == 4.0
    assert (Signal.objects.filter(day=DAY).count(), Run.objects.count(), Alarm.objects.count()) == (3, 2, 1)


def test_a_dismissed_alarm_stays_silent_for_the_window(watched: Town) -> None:
    list(screen_range(DAY - timedelta(days=2), DAY - timedelta(days=1), by=SYSTEM))
    alarm = Alarm.objects.get()
    dismiss_alarm(alarm, reason="学校体检集中送检", by=watched.lin, at=_at(DAY - timedelta(days=1), 9))
    screened = screen_morning(DAY, _at(DAY), by=SYSTEM, at=_at(DAY))
    alarm.refresh_from_db()
    assert screened.proposed == () and alarm.last_seen_on == DAY - timedelta(days=1)


def test_another_village_rises_while_the_first_is_loud(watched: Town) -> None:
    """Three weeks after the first alarm a rise elsewhere is an alarm of its own, however loud the first still is."""
    screen_morning(DAY, _at(DAY), by=SYSTEM, at=_at(DAY))
    for k in range(25):
        day = DAY + timedelta(days=k)
        counts = {"clinic-0-s": RISE[k - 19] if k >= 19 else 0, "clinic-1-s": 9, "clinic-2-s": 0}
        for code, count in counts.items():
            Observation.objects.create(
                stream=Stream.objects.get(code=code), day=day, reported_at=_at(day, 20), value=float(count), source="test"
            )
    list(screen_range(DAY + timedelta(days=1), DAY + timedelta(days=25), by=SYSTEM))
    assert {a.dossier.place.code for a in Alarm.objects.all()} == {watched.villages[1].code, watched.villages[0].code}
    assert Alarm.objects.count() == 2


def test_a_quiet_town_raises_nothing(watched: Town) -> None:
    Observation.objects.filter(stream__code="clinic-1-s", day__gte=DAY - timedelta(days=len(RISE))).update(value=0)
    screened = screen_morning(DAY, _at(DAY), by=SYSTEM, at=_at(DAY))
    assert screened.proposed == () and {e.grade for e in PlaceEvidence.objects.all()} == {""}
    assert all(0 <= e.probability <= 1 for e in PlaceEvidence.objects.all())


def test_a_town_without_any_report_is_read_without_an_error(watched: Town) -> None:
    Observation.objects.all().delete()
    assert screen_morning(DAY, _at(DAY), by=SYSTEM, at=_at(DAY)).told == ()


def test_a_run_can_be_recomputed_and_says_when_the_past_was_changed(watched: Town) -> None:
    screen_morning(DAY, _at(DAY), by=SYSTEM, at=_at(DAY))
    run = Run.objects.get()
    again = recompute(run)
    assert again is not None and again.is_same and again.statistic == run.result["statistic"]
    _parameter("alarm.promised_per_year", 4)
    changed = recompute(run)
    assert changed is not None and not changed.is_same


def test_the_next_morning_learns_from_the_verdict_and_every_run_can_still_be_recomputed(watched: Town) -> None:
    first = DAY - timedelta(days=1)
    (alarm,) = screen_morning(first, _at(first), by=SYSTEM, at=_at(first)).proposed
    confirm_alarm(alarm, reason="三例同户阳性", by=watched.lin, at=_at(first, 9))
    screen_morning(DAY, _at(DAY), by=SYSTEM, at=_at(DAY))
    before, after = Run.objects.order_by("pk")
    assert before.parameters["learnt"]["outbreaks"] == 0 and after.parameters["learnt"]["outbreaks"] == 1
    assert before.parameters["prior_onsets_per_year"] == 1.0
    assert after.parameters["prior_onsets_per_year"] == after.parameters["learnt"]["onsets_per_year"] == pytest.approx(1.5)
    alarm.refresh_from_db()
    assert alarm.run == after and alarm.prior_onsets_per_year == pytest.approx(1.5)
    give_verdict(alarm, verdict="false", reason="复核为假阳性", by=watched.lin, at=_at(DAY, 9))
    for run in (before, after):
        again = recompute(run)
        assert again is not None and again.is_same


def test_a_dismissal_after_the_morning_does_not_change_what_the_morning_read(watched: Town) -> None:
    (alarm,) = screen_morning(DAY, _at(DAY), by=SYSTEM, at=_at(DAY)).proposed
    Dossier.objects.filter(pk=alarm.pk).update(place=watched.town)  # an alarm of the whole area: its dismissal ends older onsets
    dismiss_alarm(Alarm.objects.get(pk=alarm.pk), reason="学校体检集中送检", by=watched.lin, at=_at(DAY, 9))
    again = recompute(Run.objects.get())
    assert again is not None and again.is_same


def test_where_it_probably_began_is_kept_with_run_and_alarm(watched: Town) -> None:
    (alarm,) = screen_morning(DAY, _at(DAY), by=SYSTEM, at=_at(DAY)).proposed
    assert alarm.places == alarm.run.result["places"]
    assert alarm.places[0]["place"] == watched.villages[1].path and alarm.places[0]["share"] > 0.5
    assert sum(p["share"] for p in alarm.places) == pytest.approx(1.0)
    assert {p["place"] for p in alarm.places} <= {watched.town.path, *(v.path for v in watched.villages)}


@pytest.mark.parametrize("table", [Run, Signal, PlaceEvidence, Alarm])
def test_a_crash_between_two_steps_leaves_nothing_half_done(watched: Town, monkeypatch: pytest.MonkeyPatch, table: type) -> None:
    before = _world()
    broken: Callable[..., object] = lambda *a, **k: (_ for _ in ()).throw(OSError("disk full"))  # noqa: E731
    if table is Run:
        monkeypatch.setattr(Run, "save", broken)
    elif table is Alarm:
        monkeypatch.setattr("tongchou.domains.warning.actions._tell", broken)
    else:
        monkeypatch.setattr(table.objects, "bulk_create", broken)  # type: ignore[attr-defined]
    with pytest.raises(OSError):
        screen_morning(DAY, _at(DAY), by=SYSTEM, at=_at(DAY))
    assert _world() == before


def test_only_the_machine_screens(watched: Town) -> None:
    with pytest.raises(Unseen):
        screen_morning(DAY, _at(DAY), by=watched.fang, at=_at(DAY))


def test_before_init_it_says_what_to_do(small_town: Town) -> None:
    with pytest.raises(Refusal, match="tongchou init"):
        screen_morning(DAY, AT, by=SYSTEM, at=AT)


def test_weekly_figures_are_read_on_fridays() -> None:
    assert len(mornings(DAY, DAY + timedelta(days=13), 1)) == 14
    assert [d.weekday() for d in mornings(DAY, DAY + timedelta(days=13), 7)] == [4, 4]
