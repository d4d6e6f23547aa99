"""Slips: blue, yellow, red; opened by a light or a person, one per cause, answered with what was done, checked by somebody else."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from tests.domains.projects.pipeline import DAY, Pipeline, on
from tests.fixtures_town import AT
from tongchou.core.audit.models import Entry
from tongchou.core.casework.models import Deadline
from tongchou.core.errors import Invalid, Stale, Unseen
from tongchou.core.outbox.models import Notice
from tongchou.core.wording import T
from tongchou.domains.projects.actions import drop_project
from tongchou.domains.projects.actions_slips import NotYours, answer_slip, climb_slip, close_slip, open_slip, return_slip
from tongchou.domains.projects.models import Slip
from tongchou.domains.projects.queries import open_slip_counts, seen_slip
from tongchou.workflows.activation import escalate_overdue
from tongchou.workflows.supervising import MACHINE, keep_projects

DONE = "已约施工方，下周一进场"


def owner(slip: Slip) -> str | None:
    slip.dossier.refresh_from_db()
    return slip.dossier.owner_post.code if slip.dossier.owner_post else None


def due(slip: Slip) -> dict[str, int]:
    return {c.key: c.minutes // 1440 for c in Deadline.objects.filter(dossier=slip.dossier, stopped_at=None)}


def test_a_light_opens_one_slip_and_a_second_run_changes_nothing(line: Pipeline) -> None:
    row = line.project(plan={})
    assert keep_projects(at=on(2022, 3, 31)) == 0
    assert keep_projects(at=on(2022, 4, 1)) == 1 and keep_projects(at=on(2022, 4, 1)) == 0
    slip = Slip.objects.get()
    assert (slip.dossier.number, slip.cause, slip.dossier.state, slip.dossier.grade) == ("DB-2022-0001", "start", "blue", "blue")
    assert slip.opened_by is None and "仍未开工" in slip.words_zh and slip.dossier.owner_post == row.dossier.owner_post
    assert due(slip) == {"project.slip_blue_within": 7} and Notice.objects.filter(user_id=line.town.gao.user_id).count() == 1


@pytest.mark.parametrize("core_first", [False, True])
def test_unanswered_it_climbs_a_colour_and_a_post_whoever_comes_first(line: Pipeline, core_first: bool) -> None:
    row = line.project(plan={}, post=line.town.posts["duty-officer"], milestones={})
    slip, at = line.slip(row, at=on(2022, 6, 2)), on(2022, 6, 9, 10)
    if core_first:
        escalate_overdue(by=MACHINE, at=at)
    assert keep_projects(at=at) == 1 and keep_projects(at=at) == 0
    slip.dossier.refresh_from_db()
    assert (slip.dossier.state, slip.dossier.owner_post.code, due(slip)) == ("yellow", "duty-leader", {"project.slip_yellow_within": 5})
    with pytest.raises(Stale, match="not over"):
        climb_slip(slip, by=MACHINE, at=at)
    assert keep_projects(at=at + 6 * DAY) == 1 and keep_projects(at=at + 30 * DAY) == 0
    slip.dossier.refresh_from_db()
    assert slip.dossier.state == slip.dossier.grade == "red" and due(slip) == {"project.slip_red_within": 3}
    with pytest.raises(Unseen):
        climb_slip(slip, by=line.town.fang, at=at)


def test_answered_checked_by_another_and_closed(line: Pipeline) -> None:
    slip = line.slip(line.project())
    with pytest.raises(NotYours, match="Tracing group leader"):
        answer_slip(slip, answer=DONE, by=line.town.lin, at=AT)
    with pytest.raises(Stale):
        close_slip(slip, by=line.town.lin, at=AT)
    answer_slip(slip, answer=DONE, by=line.town.gao, at=AT)
    assert due(slip) == {"project.slip_check_within": 3} and open_slip_counts(line.town.lin) == {
        "blue": 0,
        "yellow": 0,
        "red": 0,
        "answered": 1,
    }
    with pytest.raises(Unseen):
        close_slip(slip, by=line.town.gao, at=AT)
    closed = close_slip(slip, words="现场已看", by=line.town.lin, at=AT)
    assert closed.dossier.state == "closed" and not closed.is_open and due(slip) == {}
    acts = list(Entry.objects.filter(subject_id=str(slip.pk), subject_kind="dossier").order_by("seq").values_list("action", flat=True))
    assert acts == ["slip.open", "slip.answer", "slip.assign", "slip.close"]


def test_an_answer_that_does_not_hold_costs_a_colour(line: Pipeline) -> None:
    slip = line.slip(line.project())
    for colour in ("yellow", "red", "red"):
        answer_slip(slip, answer=DONE, by=line.town.gao, at=AT)
        with pytest.raises(Invalid, match="reason"):
            return_slip(slip, reason="", by=line.town.lin, at=AT)
        back = return_slip(slip, reason="现场没有人施工", by=line.town.lin, at=AT)
        assert back.dossier.state == back.dossier.grade == colour


def test_it_lies_with_whoever_checks_and_comes_back_to_who_answered(line: Pipeline) -> None:
    slip = line.slip(line.project())
    answer_slip(slip, answer=DONE, by=line.town.gao, at=AT)
    assert owner(slip) == "duty-officer" and Notice.objects.filter(user_id=line.town.lin.user_id, text_en__contains="please check").exists()
    escalate_overdue(by=MACHINE, at=AT + 4 * DAY)
    assert owner(slip) == "duty-leader"
    return_slip(slip, reason="现场没有人施工", by=line.town.fang, at=AT + 4 * DAY)
    assert owner(slip) == "trace-leader"


def test_who_answered_does_not_check(line: Pipeline) -> None:
    slip = line.slip(line.project(post=line.town.posts["duty-officer"]))
    answer_slip(slip, answer=DONE, by=line.town.lin, at=AT)
    with pytest.raises(Invalid, match="Somebody other"):
        close_slip(slip, by=line.town.lin, at=AT)
    close_slip(slip, by=line.town.fang, at=AT)


def test_never_two_open_for_one_cause(line: Pipeline) -> None:
    row = line.project()
    slip = line.slip(row)
    with pytest.raises(Stale, match="DB-2022-0001"):
        line.slip(row)
    line.slip(row, "investment")
    line.slip(row, "other")
    line.slip(row, "other")  # two other things may be wrong at once
    with pytest.raises(IntegrityError), transaction.atomic():
        Slip.objects.filter(cause="investment").update(cause="start")
    with pytest.raises(Stale, match="slip is still open"):
        drop_project(row, reason="企业放弃投资", by=line.town.lin, at=AT)
    answer_slip(slip, answer=DONE, by=line.town.gao, at=AT)
    close_slip(slip, by=line.town.lin, at=AT)
    assert line.slip(row).is_open


def test_a_light_still_on_waits_before_it_opens_another(line: Pipeline) -> None:
    row = line.project(plan={})
    keep_projects(at=AT)
    slip = Slip.objects.get()
    answer_slip(slip, answer=DONE, by=line.town.gao, at=AT)
    close_slip(slip, by=line.town.lin, at=AT)
    assert keep_projects(at=AT + 30 * DAY) == 0 and keep_projects(at=AT + 30 * DAY + timedelta(minutes=1)) == 1
    line.reached(row, "started", date(2022, 7, 3), at=AT + 31 * DAY)
    assert Slip.objects.count() == 2


def test_refused(line: Pipeline) -> None:
    row = line.project()
    for given, said in (({"cause": "mood"}, "Choose"), ({"why": T("无", "no")}, "why")):
        with pytest.raises(Invalid, match=said):
            open_slip(row, **{"cause": "start", "why": T("三月该开工", "was due")} | given, by=line.town.lin, at=AT)
    for stranger in (line.town.gao, line.town.zhao):
        with pytest.raises(Unseen):
            open_slip(row, cause="start", why=T("三月该开工", "was due"), by=stranger, at=AT)
    slip = line.slip(row)
    with pytest.raises(Unseen):
        seen_slip(slip.dossier.number, line.town.zhao)
    with pytest.raises(Invalid, match="answer"):
        answer_slip(slip, answer="好", by=line.town.gao, at=AT)
