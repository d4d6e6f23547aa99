"""Issues: about an approval or land, with who has it and until when."""

from datetime import date
from typing import Any

import pytest

from tests.domains.approvals.offices import centre_in
from tests.domains.projects.pipeline import DAY, Pipeline, on
from tests.fixtures_town import AT
from tongchou.core.casework.queries import seen_dossier
from tongchou.core.errors import Invalid, Stale, Unseen
from tongchou.domains.projects.actions_issues import Raised, raise_issue, reopen_issue, solve_issue
from tongchou.domains.projects.models import Issue, Project
from tongchou.domains.projects.queries import issues_of, seen_issue


def raised(line: Pipeline, row: Project, **given: Any) -> Issue:
    said = {"about": "land", "words": "二号地块还没腾空", "post": line.town.posts["trace-leader"], "due_at": AT + 15 * DAY}
    return raise_issue(row, raised=Raised(**said | given), by=line.town.lin, at=AT)


def test_one_about_an_approval_shows_whose_turn_it_is_there(line: Pipeline) -> None:
    row, office = line.project(), centre_in(line.town)
    at = on(2022, 5, 30)
    application = office.accepted(at=at)
    approval = seen_dossier("application", application.dossier.number, line.town.fang, "approval.read")
    raised(line, row, about="approval", words="食品许可还没下来", approval=approval)
    (stuck,) = issues_of(row)
    assert stuck.approval == approval and stuck.clock is not None and stuck.clock.due_at == AT + 15 * DAY
    turns = {step.owner_post.code: clock for step, clock in stuck.waits_for if step.owner_post}
    assert {step.post.code for step in application.steps.filter(dossier__closed_at=None)} == turns.keys() and all(turns.values())


def test_solved_and_opened_again(line: Pipeline) -> None:
    row = line.project()
    issue = raised(line, row)
    assert issue.dossier.number == "WT-2022-0001" and issues_of(row)[0].approval is None
    solve_issue(issue, answer="村里已腾空并移交", by=line.town.gao, at=AT + DAY)
    with pytest.raises(Stale):
        solve_issue(issue, answer="再解决一次", by=line.town.gao, at=AT + DAY)
    assert issues_of(row)[0].clock is None
    reopen_issue(issue, reason="只移交了一半", by=line.town.lin, at=AT + 2 * DAY)
    issue.dossier.refresh_from_db()
    assert issue.dossier.state == "open" and seen_issue("WT-2022-0001", line.town.lin) == issue
    with pytest.raises(Unseen):
        seen_issue("WT-2022-0001", line.town.zhao)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"about": "mood"}, "Choose"),
        ({"about": "approval"}, "names its number"),
        ({"words": "急"}, "words"),
        ({"due_at": AT}, "lie ahead"),
    ],
)
def test_a_wrong_issue_is_refused(line: Pipeline, given: dict[str, Any], said: str) -> None:
    row = line.project(milestones={"started": date(2022, 8, 1)})
    with pytest.raises(Invalid, match=said):
        raised(line, row, **given)
    with pytest.raises(Invalid, match="names no land"):
        raised(line, line.project(land=""))
    assert not Issue.objects.exists()
