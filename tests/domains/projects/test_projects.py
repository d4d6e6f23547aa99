"""Projects are planned, reached and paid for; what was known on any past day is told again."""

from datetime import date

import pytest
from django.db import IntegrityError, transaction

from tests.domains.projects.pipeline import DAY, PLANNED, Pipeline, on
from tests.fixtures_town import AT
from tongchou.core.audit.models import Entry
from tongchou.core.errors import Invalid, Stale, Unseen
from tongchou.core.importing.tables import FileRefused
from tongchou.domains.projects.actions import (
    Spent,
    archive_project,
    drop_project,
    plan_milestones,
    plan_years,
    publish_project_book,
    reach_milestone,
    report_spending,
    revive_project,
    take_back_milestone,
)
from tongchou.domains.projects.imports import read_spending
from tongchou.domains.projects.models import MilestoneNote, Project, ProjectBook, Spending
from tongchou.domains.projects.queries import NoPipeline, book, projects_seen, seen_project


def test_a_project_walks_through_the_four_batches_and_into_the_archive(line: Pipeline) -> None:
    row = line.project()
    assert row.dossier.number == "XM-2022-0001" and line.standing(row, on(2022, 1, 6)).batch.code == "reserve"
    for code, day, batch in (
        ("signed", (2022, 1, 19), "signed"),
        ("started", (2022, 3, 2), "started"),
        ("finished", (2022, 6, 1), "finished"),
    ):
        if code == "finished":
            with pytest.raises(Stale, match="not yet 'Finished'"):
                archive_project(row, by=line.town.lin, at=AT)
        line.reached(row, code, date(*day))
        assert line.standing(row, on(*day, 19)).batch.code == batch
    archive_project(row, by=line.town.lin, at=AT)
    row.refresh_from_db()
    assert line.standing(row, AT).lights == () and line.standing(row, AT - DAY).lights != ()
    with pytest.raises(Stale, match="archived or given up"):
        plan_years(row, plan={2022: 5}, by=line.town.lin, at=AT)
    assert line.standing(revive_project(row, reason="还有二期工程", by=line.town.lin, at=AT), AT).lights
    acts = list(Entry.objects.filter(subject_id=str(row.pk), subject_kind="dossier").order_by("seq").values_list("action", flat=True))
    assert acts[:3] == ["project.open", "project.plan_years", "project.plan_milestones"] and acts[-1] == "project.revive"


def test_a_past_day_is_told_as_it_was_known_then(line: Pipeline) -> None:
    row = line.project()
    line.spent(row, 0, 0, 1000, 1000, at=on(2022, 5, 9))
    assert line.colours(row, on(2022, 5, 9)) == {"start": "yellow", "investment": "green"}
    line.reached(row, "started", date(2022, 3, 30), at=on(2022, 5, 20))  # told late
    assert line.colours(row, on(2022, 5, 9))["start"] == "yellow" and line.colours(row, on(2022, 5, 21))["start"] == "green"
    line.spent(row, 100, first=4, at=on(2022, 5, 21))  # a correction
    assert line.colours(row, on(2022, 5, 9))["investment"] == "green" and line.colours(row, on(2022, 5, 22))["investment"] == "green"
    line.spent(row, 0, first=3, at=on(2022, 5, 22))
    assert line.colours(row, on(2022, 5, 23))["investment"] == "yellow" and Spending.objects.filter(project=row).count() == 6
    take_back_milestone(row, code="started", reason="只是搭了围挡", by=line.town.lin, at=on(2022, 5, 24))
    assert line.colours(row, on(2022, 5, 25))["start"] == "yellow"
    with pytest.raises(Stale, match="not kept as reached"):
        take_back_milestone(row, code="started", reason="再撤一次", by=line.town.lin, at=AT)


def test_a_plan_is_moved_with_a_reason_and_keeps_what_was_reached(line: Pipeline) -> None:
    row = line.reached(line.project(), "signed", date(2022, 1, 19))
    with pytest.raises(Invalid, match="reason"):
        plan_milestones(row, planned={"started": date(2022, 8, 1)}, by=line.town.lin, at=AT)
    with pytest.raises(Invalid, match="reason"):
        plan_years(row, plan={2022: 1}, by=line.town.lin, at=AT)
    moved = {**PLANNED, "signed": date(2022, 1, 25), "started": date(2022, 8, 1)}
    plan_milestones(row, planned=moved, reason="土地交付推迟", by=line.town.lin, at=AT)
    known = line.standing(row, AT).known
    assert known.planned_on == moved and known.done_on == {"signed": date(2022, 1, 19)}
    assert line.standing(row, AT - DAY).known.planned_on == PLANNED
    plan_years(row, plan={2024: 50}, by=line.town.lin, at=AT)
    assert line.standing(row, AT).planned_cny_10k == 16_050


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": " "}, "name"),
        ({"sector": "magic"}, "known: digital"),
        ({"works": "castle"}, "known: construction"),
        ({"plan": {2022: -1}}, "10,000,000"),
        ({"plan": {1: 5}}, "Not a year"),
        ({"milestones": {"moon": date(2022, 1, 1)}}, "No such code: 'moon'"),
    ],
)
def test_a_wrong_project_is_refused_whole(line: Pipeline, given: dict[str, object], said: str) -> None:
    with pytest.raises(Invalid, match=said):
        line.project(**given)
    assert not Project.objects.exists()


def test_a_milestone_needs_proof_and_a_day_that_has_been(line: Pipeline) -> None:
    row = line.project()
    for given, said in (({"note": ""}, "note"), ({"done_on": date(2022, 6, 3)}, "day ahead"), ({"code": "moon"}, "moon")):
        with pytest.raises(Invalid, match=said):
            reach_milestone(row, **{"code": "signed", "done_on": date(2022, 6, 1), "note": "协议原件"} | given, by=line.town.lin, at=AT)
    with pytest.raises(IntegrityError), transaction.atomic():
        MilestoneNote.objects.create(project=row, code="signed", done_on=date(2022, 6, 1), said_at=AT)


def test_figures_come_by_file_every_row_or_none(line: Pipeline) -> None:
    row = line.project()
    lines = read_spending('项目编号,月份,完成投资（万元）\nXM-2022-0001,2022年3月,1200\nXM-2022-0001,2022-04,"1,300"\n'.encode())
    assert report_spending(lines=lines, by=line.town.lin, at=AT) == 2 == Spending.objects.count()
    assert report_spending(lines=lines, by=line.town.lin, at=AT) == 0, "the same file again adds nothing"
    assert line.standing(row, AT).spent_cny_10k == 2500
    with pytest.raises(FileRefused):
        read_spending("项目编号,月份,完成投资\nXM-1,2022-13,很多\n".encode())
    wrong = [Spent("XM-2022-0009", date(2022, 1, 1), 1), Spent(row.dossier.number, date(2022, 7, 1), 1), Spent(row.dossier.number, date(2022, 5, 1), 10**9), Spent(row.dossier.number, date(2022, 5, 9), 1)]  # fmt: skip
    with pytest.raises(Invalid) as refused:
        report_spending(lines=wrong, by=line.town.lin, at=AT)
    assert [p.field for p in refused.value.problems] == ["lines[1].number", "lines[2].month", "lines[3].cny_10k", "lines[4].month"]
    assert Spending.objects.count() == 2


def test_who_may(line: Pipeline) -> None:
    row = line.project()
    for stranger in (line.town.zhao, line.town.chen):
        with pytest.raises(Unseen):
            line.project(by=stranger)
    with pytest.raises(Unseen):
        seen_project(row.dossier.number, line.town.zhao)
    with pytest.raises(Invalid, match="not yours"):
        report_spending(lines=[Spent(row.dossier.number, date(2022, 1, 1), 1)], by=line.town.zhao, at=AT)
    assert list(projects_seen(line.town.wu, AT)) == [row] and not projects_seen(line.town.zhao, AT).exists()
    elsewhere = line.project(place=line.town.villages[1])
    with pytest.raises(Unseen):
        drop_project(elsewhere, reason="不在本村", by=line.town.wu, at=AT)
    drop_project(elsewhere, reason="企业放弃投资", by=line.town.lin, at=AT)
    assert list(projects_seen(line.town.lin, AT)) == [row] and projects_seen(line.town.lin, AT - DAY).count() == 2


def test_the_same_book_again_is_no_new_version(line: Pipeline) -> None:
    body = ProjectBook.objects.get().body
    publish_project_book(body=body, place=line.town.town, by=line.town.fang, at=AT)
    assert ProjectBook.objects.count() == 1
    publish_project_book(body={**body, "version": 2}, place=line.town.town, by=line.town.fang, at=AT)
    assert ProjectBook.objects.count() == 2 and book().sectors["commerce"].name.en == "Commerce"


def test_a_town_without_a_book_says_what_to_do(line: Pipeline) -> None:
    row = line.project()
    ProjectBook.objects.all().delete()
    with pytest.raises(NoPipeline, match="Add it to the pack"):
        line.standing(row, AT)
