"""Testing joined: recognising people, results that call back, numbers to call, counts for the streams, and a whole round that closes."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.domains.testing.samplers import IDS, Scene, scene
from tests.fixtures_town import AT, Town
from tongchou.core.audit.models import Access
from tongchou.core.casework.models import Deadline, Link
from tongchou.core.errors import Invalid, Refusal, Unseen
from tongchou.core.outbox.models import Notice
from tongchou.core.passes.actions import Application, issue_passes, rotate_key
from tongchou.core.people.rules import system_actor
from tongchou.domains.registry.models import Resident
from tongchou.domains.sentinels.models import Observation, Sentinel, Stream
from tongchou.domains.testing.actions_laboratory import Finding, pack_box, receive_box
from tongchou.domains.testing.imports import Listed
from tongchou.domains.testing.models import Round, Tube
from tongchou.domains.testing.queries import missing, missing_count, positive_results
from tongchou.workflows import testing_rounds as workflow
from tongchou.workflows import testing_streams

ZONE, LATER = ZoneInfo("Asia/Shanghai"), AT + timedelta(hours=4)


def resulted(made: Scene, **values: str) -> workflow.Taken:
    """Everything of the site goes to the laboratory, which finds `values` (tube → result)."""
    if Tube.objects.filter(box=None).exists():
        box = pack_box(testing_round=made.round, site=made.site, laboratory="区实验室", by=made.town.wu, at=AT)
        receive_box(box, holder="收样员", tube_count=len(values), by=made.town.chen, at=AT)
    findings = [Finding(tube, value, LATER) for tube, value in values.items()]
    return workflow.take_results(findings, source="test", by=made.town.chen, at=LATER)


def test_person_is_recognised_by_number_phone_and_household(small_town: Town) -> None:
    made = scene(small_town)
    first = made.people[0].pk
    assert workflow.recognise(f" {IDS[0]} ", AT) == workflow.Recognised((first,), "id_number")
    assert workflow.recognise("19900123450", AT).people == (first,)
    home = workflow.recognise("h1", AT)
    assert (home.people, home.way) == (tuple(p.pk for p in made.people[:3]), "household")
    for text in ("H9", IDS[0][:-1], "", "x" * 500):
        with pytest.raises(Unseen):
            workflow.recognise(text, AT)


def test_pass_that_cannot_be_verified_and_one_of_nobody_known_are_refused(small_town: Town) -> None:
    scene(small_town)
    system = system_actor("test")
    rotate_key(town=small_town.town, seed=bytes(32), trusted_for=timedelta(days=1), by=system, at=AT)
    asked = [Application(12345, {}, timedelta(days=1), small_town.town)]
    (text,) = issue_passes(issuer=small_town.town, applications=asked, by=system, at=AT)
    with pytest.raises(Unseen):
        workflow.recognise(text, AT)
    for wrong in ("TC1:", text[:-4], text[:40] + "A" + text[41:]):
        with pytest.raises(Refusal, match="不是本地可核验"):
            workflow.recognise(wrong, AT)


def test_list_by_number_names_the_rows_that_are_in_no_register(small_town: Town) -> None:
    made = scene(small_town)
    assert {who: row.group for who, row in workflow.listed_people([Listed(2, IDS[1], "courier"), Listed(3, IDS[0], "")]).items()} == {
        made.people[1].pk: "courier",
        made.people[0].pk: "",
    }
    with pytest.raises(Invalid) as told:
        workflow.listed_people([Listed(2, IDS[1], ""), Listed(7, "31019919800101003X", "")])
    assert [p.field for p in told.value.problems] == ["rows[7].id_number"] and "310199" not in str(told.value)


def test_newcomer_comes_into_the_register_and_on_the_roll(small_town: Town) -> None:
    made = scene(small_town)
    who = workflow.register_newcomer(
        made.round, name="新来", id_number="31019919800101003X", phone="19900777777", place=small_town.villages[0], by=small_town.wu, at=AT
    )  # fmt: skip
    row = Resident.objects.get(pk=who)
    assert (row.sex, row.born_on, row.residence) == ("m", date(1980, 1, 1), "other") and missing_count(made.round) == 7
    with pytest.raises(Invalid):
        workflow.register_newcomer(
            made.round, name="又来", id_number="31019919800101003X", phone="", place=small_town.villages[0], by=small_town.wu, at=AT
        )  # fmt: skip
    assert missing_count(made.round) == 7


def test_number_for_a_call_is_shown_once_and_logged(small_town: Town) -> None:
    made = scene(small_town)
    assert workflow.number_to_call(made.round, made.people[0].pk, by=small_town.wu, at=AT) == "19900123450"
    read = Access.objects.get(action="person.read")
    assert (
        read.actor_label == "wu"
        and read.reason == "HS-2022-0001 漏检联系 call to a missing person"
        and read.details == {"fields": ["phone"]}
    )
    for person, who in ((small_town.wu, made.people[5].pk), (small_town.zhao, made.people[0].pk), (small_town.wu, 999_999)):
        with pytest.raises(Unseen):
            workflow.number_to_call(made.round, who, by=person, at=AT)
    Resident.objects.filter(pk=made.people[1].pk).update(phone=None, phone_index=None)
    with pytest.raises(Refusal, match="没有电话"):
        workflow.number_to_call(made.round, made.people[1].pk, by=small_town.wu, at=AT)


def test_positive_pool_calls_back_its_people_at_once_and_once(small_town: Town) -> None:
    made = scene(small_town)
    made.sample([0, 1, 5], "POOL0001")
    made.sample([2, 3], "POOL0002")
    taken = resulted(made, POOL0001="positive", POOL0002="negative")
    (retest,) = taken.called_back
    assert (retest.kind, retest.pool_size, retest.retests_id) == ("retest", 1, Tube.objects.get(code="POOL0001").pk)
    assert set(missing(retest).values_list("person_id", flat=True)) == {made.people[n].pk for n in (0, 1, 5)}
    assert Deadline.objects.get(dossier=retest.dossier, stopped_at=None).due_at == LATER + timedelta(hours=6)
    assert Link.objects.get(source=retest.dossier, kind="caused_by").target_id == made.round.pk
    told = {n.user.username: n.text_en for n in Notice.objects.filter(dossier=retest.dossier)}
    assert told["wu"] == "Positive pool: call back 2 people now, sample each alone" and set(told) == {"wu", "gao"}
    again = workflow.take_results(
        [Finding("POOL0001", "positive", LATER)], source="again", by=small_town.chen, at=LATER + timedelta(minutes=1)
    )
    assert again.new == () and again.called_back == () and Round.objects.filter(kind="retest").count() == 1


def test_positive_alone_is_a_fact_for_the_investigation_and_names_nobody(small_town: Town) -> None:
    made = scene(small_town)
    made.sample([0, 1], "POOL0001")
    (retest,) = resulted(made, POOL0001="positive").called_back
    Notice.objects.all().delete()
    made.round = retest
    made.sample([1], "ONE00001")
    taken = resulted(made, ONE00001="positive")
    assert [t.code for t in taken.single_positives] == ["ONE00001"] and taken.called_back == ()
    found = [p for p in positive_results(small_town.town.path, AT, LATER) if p.is_single]
    assert [p.people for p in found] == [(made.people[1].pk,)]
    assert {n.user.username for n in Notice.objects.all()} == {"lin", "fang", "gao"}
    assert not any("居民" in n.text_zh for n in Notice.objects.all())


def test_results_that_are_refused_open_nothing(small_town: Town) -> None:
    made = scene(small_town)
    made.sample([0, 1], "POOL0001")
    with pytest.raises(Invalid):
        workflow.take_results([Finding("POOL0001", "positive", LATER)], source="test", by=small_town.chen, at=LATER)
    assert Round.objects.count() == 1 and not Notice.objects.exists()


def watched(made: Scene) -> dict[str, Stream]:
    """The site as a sentinel with its three streams."""
    place = made.town.villages[0]
    sentinel = Sentinel.objects.create(
        code="S1-watch", kind="testing", setting="sampling_site", name_zh="采样点", name_en="Site", place=place, operator_zh="居委", operator_en="x",
        schedule={}, valid_from=date(2022, 1, 1),
    )  # fmt: skip
    made.site.sentinel = sentinel
    made.site.save()
    return {
        kind: Stream.objects.create(
            code=f"S1-{kind}", sentinel=sentinel, kind=kind, indicator_zh=kind, indicator_en=kind, unit_zh="人", unit_en="persons",
            value_kind="rate" if kind.endswith("rate") else "count",
        )
        for kind in testing_streams.STREAMS
    }  # fmt: skip


def test_counts_of_a_day_become_observations_and_late_results_correct_them(small_town: Town) -> None:
    made = scene(small_town)
    streams = watched(made)
    made.sample([0], "ONE00001", tube_size=1)
    made.sample([1], "ONE00002", tube_size=1)
    made.sample([2, 3], "POOL0001")
    worker, tomorrow = system_actor("worker"), AT + timedelta(days=1)
    day = AT.astimezone(ZONE).date()

    def values() -> dict[str, float]:
        rows = Observation.objects.filter(day=day).order_by("reported_at")
        return dict(rows.values_list("stream__kind", "value"))

    assert testing_streams.feed_last_days(tomorrow, ZONE, by=worker) > 0
    assert values() == {"testing_sampled": 4, "testing_positive": 0}
    assert testing_streams.feed_last_days(tomorrow + timedelta(minutes=10), ZONE, by=worker) == 0
    taken = tomorrow + timedelta(hours=1)
    box = pack_box(testing_round=made.round, site=made.site, laboratory="区实验室", by=small_town.wu, at=AT)
    receive_box(box, holder="收样员", tube_count=3, by=small_town.chen, at=AT)
    findings = [Finding("ONE00001", "positive", AT), Finding("ONE00002", "negative", AT), Finding("POOL0001", "negative", AT)]
    workflow.take_results(findings, source="test", by=small_town.chen, at=taken)
    assert testing_streams.feed_last_days(taken, ZONE, by=worker) == 2
    assert values() == {"testing_sampled": 4, "testing_positive": 1, "testing_positive_rate": 2500}
    assert Observation.objects.filter(stream=streams["testing_positive"], day=day).count() == 2
    assert Observation.objects.filter(source="testing", reported_at=taken).first().reason.endswith(testing_streams.CORRECTED.en)  # type: ignore[union-attr]


def test_site_without_a_sentinel_feeds_nothing(small_town: Town) -> None:
    made = scene(small_town)
    made.sample([0], "ONE00001")
    assert testing_streams.feed_last_days(AT + timedelta(days=1), ZONE, by=system_actor("worker")) == 0 and not Observation.objects.exists()
