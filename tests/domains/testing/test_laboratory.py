"""Boxes counted from hand to hand; results for received tubes, corrected by later rows; turn-around and positives."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import DatabaseError, transaction

from tests.domains.testing.samplers import IDS, Scene, scene
from tests.fixtures_town import AT, Town
from tongchou.core.errors import Invalid, Stale, Unseen
from tongchou.core.importing.tables import FileRefused
from tongchou.domains.testing.actions_laboratory import Finding, carry_box, keep_results, pack_box, receive_box
from tongchou.domains.testing.imports import read_findings, read_people
from tongchou.domains.testing.models import Box, Custody, Result, Tube
from tongchou.domains.testing.queries import negative_people, people_in, positive_results, tubes_of, turnaround

LATER = AT + timedelta(hours=5)


def received(made: Scene) -> Box:
    """Two tubes packed after an hour, received after two."""
    made.sample([0, 1, 2], "TUBE0001")
    made.sample([3], "TUBE0002", tube_size=1)
    box = pack_box(testing_round=made.round, site=made.site, laboratory="区中心实验室", by=made.town.wu, at=AT + timedelta(hours=1))
    receive_box(box, holder="收样员", tube_count=2, by=made.town.chen, at=AT + timedelta(hours=2))
    return box


def test_box_is_counted_from_hand_to_hand(small_town: Town) -> None:
    made = scene(small_town)
    made.sample([0, 1], "TUBE0001")
    box = pack_box(testing_round=made.round, site=made.site, laboratory="区中心实验室", by=small_town.wu, at=AT)
    carry_box(box, holder="王司机", tube_count=1, note="一管破损", by=small_town.wu, at=AT)
    with pytest.raises(Invalid, match="1 tubes were packed, 0 counted"):
        receive_box(box, holder="收样员", tube_count=0, by=small_town.chen, at=AT)
    receive_box(box, holder="收样员", tube_count=1, by=small_town.chen, at=AT)
    with pytest.raises(Stale):
        receive_box(box, holder="收样员", tube_count=1, by=small_town.chen, at=AT)
    assert list(Custody.objects.values_list("step", "tube_count")) == [("packed", 1), ("carried", 1), ("received", 1)]
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        Custody.objects.update(tube_count=9)


def test_packing_needs_tubes_and_a_laboratory_and_the_laboratory_its_post(small_town: Town) -> None:
    made = scene(small_town)
    with pytest.raises(Invalid) as told:
        pack_box(testing_round=made.round, site=made.site, laboratory="", by=small_town.wu, at=AT)
    assert {p.field for p in told.value.problems} == {"laboratory", "tubes"}
    box = received(made)
    for person in (small_town.wu, small_town.zhao):
        with pytest.raises(Unseen):
            receive_box(box, holder="某", tube_count=2, by=person, at=AT)


def test_results_are_kept_once_and_corrected_with_a_reason(small_town: Town) -> None:
    made = scene(small_town)
    received(made)
    given = {"source": "test", "by": small_town.chen}
    findings = [Finding("TUBE0001", "negative", LATER), Finding("TUBE0002", "positive", LATER)]
    assert len(keep_results(findings=findings, at=LATER, **given)) == 2  # type: ignore[arg-type]
    assert keep_results(findings=findings, at=LATER + timedelta(minutes=1), **given) == []  # type: ignore[arg-type]
    with pytest.raises(Invalid, match="a correction needs its reason"):
        keep_results(findings=[Finding("TUBE0001", "positive", LATER)], at=LATER, **given)  # type: ignore[arg-type]
    keep_results(findings=[Finding("TUBE0001", "unclear", LATER, "复测")], at=LATER + timedelta(hours=1), **given)  # type: ignore[arg-type]
    tube = Tube.objects.get(code="TUBE0001")
    assert (tube.result, tube.resulted_at, Result.objects.filter(tube=tube).count()) == ("unclear", LATER, 2)


def test_wrong_results_are_named_and_none_is_kept(small_town: Town) -> None:
    made = scene(small_town)
    received(made)
    made.sample([4], "TUBE0003")
    findings = [
        Finding("NOBODY01", "negative", LATER),
        Finding("TUBE0003", "negative", LATER),
        Finding("TUBE0001", "maybe", LATER),
        Finding("TUBE0002", "negative", AT - timedelta(days=1)),
    ]
    with pytest.raises(Invalid) as told:
        keep_results(findings=findings, source="test", by=small_town.chen, at=LATER)
    assert [p.field for p in told.value.problems] == ["results[1].tube", "results[2].tube", "results[3].value", "results[4].tested_at"]
    with pytest.raises(Invalid, match="not yours"):
        keep_results(findings=[Finding("TUBE0001", "negative", LATER)], source="test", by=small_town.zhao, at=LATER)
    assert not Result.objects.exists()


def test_turnaround_tubes_and_positives(small_town: Town) -> None:
    made = scene(small_town)
    received(made)
    findings = [Finding("TUBE0001", "positive", LATER), Finding("TUBE0002", "positive", LATER)]
    keep_results(findings=findings, source="test", by=small_town.chen, at=LATER)
    assert [(s.tubes, s.median_min, s.p90_min) for s in turnaround(made.round)] == [(2, 60, 60), (2, 60, 60), (2, 180, 180), (2, 300, 300)]
    counts = tubes_of(made.round)
    assert (counts.all, counts.at_site, counts.at_laboratory, counts.resulted, counts.positive) == (2, 0, 0, 2, 2)
    pool, single = positive_results(small_town.town.path, AT, LATER)
    assert (pool.tube, len(pool.people), pool.is_single) == ("TUBE0001", 3, False)
    assert (single.people, single.is_single, single.reported_at) == ((made.people[3].pk,), True, LATER)
    assert positive_results(small_town.elsewhere.path, AT, LATER) == [] == positive_results(small_town.town.path, LATER, LATER)
    assert people_in(Tube.objects.get(code="TUBE0001")) == [p.pk for p in made.people[:3]]
    assert negative_people([1, 2]) == {}


def test_results_and_people_come_by_file() -> None:
    zone = ZoneInfo("Asia/Shanghai")
    content = "管码,结果,检测时间\nTUBE0001,阴性,2022-06-02 23:10\nTUBE0002,positive,2022-06-02T23:10:00+08:00\n"
    found = read_findings(content.encode("gb18030"), zone)
    assert found == [Finding(code, value, datetime(2022, 6, 2, 15, 10, tzinfo=UTC)) for code, value in (("TUBE0001", "negative"), ("TUBE0002", "positive"))]  # fmt: skip
    listed = read_people(f"身份证号,人群\n{IDS[0]},快递外卖\n".encode(), with_group=True)
    assert [(r.id_number, r.group) for r in listed] == [(IDS[0], "courier")]


def test_wrong_cells_of_a_file_are_named_and_numbers_masked() -> None:
    zone = ZoneInfo("Asia/Shanghai")
    with pytest.raises(FileRefused) as told:
        read_findings("管码,结果,检测时间\nTUBE0001,好,2022-06-02 23:10\nTUBE0002,阴性,昨天\n".encode(), zone)
    assert [p.cell for p in told.value.problems] == ["B2", "C3"]
    with pytest.raises(FileRefused, match="Columns missing"):
        read_findings("管码\nTUBE0001\n".encode(), zone)
    with pytest.raises(FileRefused) as told:
        read_people("身份证号\n310199198001010012\n".encode())
    assert told.value.problems[0].cell == "A2" and told.value.problems[0].value == "310*************12"
