"""Line lists with the tags of the R package linelist: in, out, undone; one person in two sources."""

import csv
import io
from datetime import date
from typing import Any

import pytest

from tests.domains.tracing.investigations import ID_LI, PHONE_LI, opened, with_parameters
from tests.fixtures_town import AT, Town
from tongchou.core.errors import Invalid, Stale, Unseen
from tongchou.core.importing.actions import apply_import, preview_import, undo_import
from tongchou.core.importing.models import ImportBatch
from tongchou.core.secrecy import blind_index
from tongchou.domains.tracing.actions_reports import export_line_list, keep_apart, merge_report, open_case_from
from tongchou.domains.tracing.line_lists import line_list, written_out
from tongchou.domains.tracing.models import Report
from tongchou.domains.tracing.queries import cases_seen, open_reports, seen_report, suspicions_among

HEAD = "id,date_onset,date_reporting,gender,age,location,occupation,hcw,outcome,date_death,name,id_number,phone"
LI = f"17,2022-05-30,2022-06-01,female,72,310118106001,退休,no,,,李秀兰,{ID_LI},{PHONE_LI}"
WANG = "18,2022-05-28,2022-06-01,male,40,前明村,厨师,FALSE,died,2022-06-01,王建国,,13900139000"


@pytest.fixture
def town(small_town: Town) -> Town:
    return with_parameters(small_town)


def preview(town: Town, *lines: str, source: str = "clinic", head: str = HEAD, by: Any = None) -> ImportBatch:
    content = "\n".join([head, *lines]).encode()
    return preview_import(spec=line_list(source), content=content, file_name="linelist.csv", place=town.town, by=by or town.lin, at=AT)


def brought_in(town: Town, *lines: str, source: str = "clinic") -> ImportBatch:
    return apply_import(preview(town, *lines, source=source), spec=line_list(source), by=town.lin, at=AT)


def test_every_tag_is_read(town: Town) -> None:
    brought_in(town, LI, WANG)
    li, wang = Report.objects.all()
    assert (li.reference, li.sex, li.age, li.onset_on, li.is_hcw, li.place, li.occupation) == (
        "clinic/17", "f", 72, date(2022, 5, 30), False, town.villages[0], "退休",
    )  # fmt: skip
    assert (li.id_number, bytes(li.id_index or b""), li.phone) == (ID_LI, blind_index(ID_LI), PHONE_LI)
    assert (wang.outcome, wang.died_on, wang.id_number, wang.place) == ("died", date(2022, 6, 1), None, town.villages[1])


def test_wrong_cells_are_named_and_nothing_is_brought_in(town: Town) -> None:
    batch = preview(town, LI.replace("2022-05-30", "2022-13-30"), WANG.replace("2022-05-28", "2022-06-02"), WANG)
    assert [(p["cell"], p["what"]["en"]) for p in batch.problems] == [
        ("B2", "not a day of the calendar"), ("J3", "before: Onset"), ("A4", "the same as row 3"),
    ]  # fmt: skip
    assert not Report.objects.exists()


def test_two_sources_with_the_same_id_are_two_reports_and_one_source_twice_is_one(town: Town) -> None:
    brought_in(town, LI)
    brought_in(town, LI, source="hospital")
    again = preview(town, LI)
    assert again.known_row_count == 1
    assert [r.reference for r in Report.objects.all()] == ["clinic/17", "hospital/17"]


def test_a_batch_is_undone_as_a_whole_but_not_once_a_person_has_settled_a_row(town: Town) -> None:
    batch = brought_in(town, LI, WANG)
    undo_import(batch, spec=line_list("clinic"), reason="错误的文件", by=town.lin, at=AT)
    assert not Report.objects.exists()
    batch = brought_in(town, LI, WANG)
    open_case_from(Report.objects.all()[0], by=town.gao, at=AT)
    with pytest.raises(Stale):
        undo_import(batch, spec=line_list("clinic"), reason="错误的文件", by=town.lin, at=AT)
    assert Report.objects.count() == 2


def test_the_same_number_in_two_sources_is_certain_and_merging_keeps_both(town: Town) -> None:
    brought_in(town, LI)
    brought_in(town, LI.replace("退休", "").replace("2022-06-01,female", "2022-05-31,female"), source="hospital")
    first, second = Report.objects.all()
    case = open_case_from(first, by=town.gao, at=AT)
    (suspicion,) = suspicions_among([second])[second.pk]
    assert (suspicion.case, suspicion.likeness.is_exact) == (case, True)
    merge_report(second, case=case, by=town.gao, at=AT)
    assert [r.reference for r in case.reports.all()] == ["clinic/17", "hospital/17"]
    case.refresh_from_db()
    assert (case.reported_on, case.occupation, case.version) == (date(2022, 6, 1), "退休", 1)
    with pytest.raises(Stale):
        merge_report(second, case=case, by=town.gao, at=AT)
    assert list(open_reports(town.gao)) == []


def test_a_likely_duplicate_has_a_score_and_a_person_may_say_it_is_none(town: Town) -> None:
    case = opened(town, id_number="", onset_on=date(2022, 5, 29))
    brought_in(town, LI.replace(ID_LI, ""), WANG)
    li, wang = Report.objects.all()
    (suspicion,) = suspicions_among([li])[li.pk]
    assert not suspicion.likeness.is_exact and suspicion.likeness.score > 0.9
    assert suspicions_among([wang])[wang.pk] == []
    keep_apart(li, case=case, by=town.gao, at=AT)
    li.refresh_from_db()
    assert suspicions_among([li])[li.pk] == []


def test_merging_fills_only_what_was_not_known(town: Town) -> None:
    case = opened(town, id_number="", occupation="")
    brought_in(town, LI)
    merge_report(Report.objects.get(), case=case, by=town.gao, at=AT)
    case.refresh_from_db()
    assert (case.id_number, case.occupation, case.age, case.version) == (ID_LI, "退休", 72, 2)


def test_reports_elsewhere_are_not_there(town: Town) -> None:
    brought_in(town, LI)
    report = Report.objects.get()
    with pytest.raises(Unseen):
        seen_report(report.pk, town.zhao)
    with pytest.raises(Unseen):
        open_case_from(report, by=town.zhao, at=AT)
    brought_in(town, WANG.replace("王建国", ""))
    with pytest.raises(Invalid, match="name"):
        open_case_from(Report.objects.get(reference="clinic/18"), by=town.gao, at=AT)


def test_what_is_written_out_holds_the_tags_and_nobody(town: Town) -> None:
    brought_in(town, LI)
    open_case_from(Report.objects.get(), by=town.gao, at=AT)
    heads, rows = written_out(cases_seen(town.lin))
    listed = [dict(zip(heads, row, strict=True)) for row in rows]
    assert listed[0] | {"date_onset": "2022-05-30", "gender": "f", "age": 72, "hcw": "FALSE", "location": "310118106001"} == listed[0]
    assert (listed[0]["id"], listed[0]["case_type"], listed[0]["date_death"]) == ("BL-2022-0001", "suspected", "")
    buffer = io.StringIO()
    csv.writer(buffer).writerows([heads, *[list(r.values()) for r in listed]])
    assert not any(secret in buffer.getvalue() for secret in (ID_LI, PHONE_LI, "李"))
    export_line_list(place=town.town, row_count=1, by=town.lin, at=AT)
    with pytest.raises(Unseen):
        export_line_list(place=town.town, row_count=1, by=town.gao, at=AT)
