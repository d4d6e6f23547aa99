"""Decisions of the response, without a database: whose task, which proof is missing, the 7-1-7 clock, what is wrong with a plan."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongchou.core.packs.contents import GroupSpec, PlanSpec, ProofSpec, TaskSpec
from tongchou.core.people.rules import Actor, PostHeld, system_actor
from tongchou.core.wording import T
from tongchou.domains.response.rules import TASK, may_work_on, missing_proofs, plan_problems, seven_one_seven

NAME = T("方案", "plan")
AT = datetime(2022, 6, 2, 11, 0, tzinfo=UTC)
DAY = timedelta(days=1)
TARGETS = (7 * DAY, DAY, 7 * DAY)
WU = Actor(user_id=7, label="wu", posts=(PostHeld("village-1", "village_secretary", "u", "/t/"),))


@pytest.mark.parametrize(
    ("actor", "chain", "assigned", "may"),
    [
        (WU, ["village-1", "duty-officer"], None, True),
        (WU, ["doctor", "village-1"], 9, True),
        (WU, ["doctor"], 7, True),
        (WU, ["doctor"], 9, False),
        (Actor(user_id=None, label="nobody"), ["doctor"], None, False),
        (system_actor("test"), [], None, True),
    ],
)
def test_whose_task_it_is(actor: Actor, chain: list[str], assigned: int | None, may: bool) -> None:
    assert may_work_on(actor, owner_chain=chain, assigned_user_id=assigned) is may


@pytest.mark.parametrize(
    ("kind", "evidence", "is_missing"),
    [
        ("photo", [], True),
        ("photo", ["application/pdf"], True),
        ("photo", ["image/jpeg"], False),
        ("document", [""], True),
        ("document", ["image/jpeg"], False),
        ("list", ["application/zip"], False),
        ("receipt", ["application/pdf"], False),
        ("text", [], True),
        ("text", [""], False),
        ("text", ["image/png"], False),
    ],
)
def test_which_proof_is_missing(kind: str, evidence: list[str], is_missing: bool) -> None:
    assert bool(missing_proofs([{"kind": kind, "zh": "证明", "en": "proof"}], evidence)) is is_missing


@given(st.lists(st.sampled_from(["", "image/png", "application/pdf"]), max_size=4), st.sampled_from(["", "image/png", "application/pdf"]))
def test_more_evidence_never_makes_a_proof_missing(evidence: list[str], more: str) -> None:
    asked = [{"kind": kind, "zh": kind, "en": kind} for kind in ("photo", "document", "text")]
    before, after = missing_proofs(asked, evidence), missing_proofs(asked, [*evidence, more])
    assert {t.en for t in after} <= {t.en for t in before}


def test_clock_runs_only_from_one_known_instant_to_the_next() -> None:
    detect, notify, respond = seven_one_seven(
        emerged_at=None, detected_at=AT, notified_at=AT + timedelta(hours=30), responded_at=None, targets=TARGETS
    )
    assert (detect.took, detect.is_kept) == (None, None)
    assert (notify.took, notify.is_kept) == (timedelta(hours=30), False)
    assert (respond.took, respond.is_kept, respond.due_at) == (None, None, AT + timedelta(hours=30) + 7 * DAY)


def test_clock_that_keeps_its_target_to_the_minute_is_kept() -> None:
    stretches = seven_one_seven(emerged_at=AT - 7 * DAY, detected_at=AT, notified_at=AT + DAY, responded_at=AT + 8 * DAY, targets=TARGETS)
    assert [s.is_kept for s in stretches] == [True, True, True]


def _plan(**waits: tuple[str, ...]) -> PlanSpec:
    tasks = tuple(
        TaskSpec(code, NAME, None, "office", "lead", after, 60, (ProofSpec("text", NAME),), (), 0, None) for code, after in waits.items()
    )
    return PlanSpec("p", 1, NAME, "draft", (), NAME, NAME, (GroupSpec("office", "lead", NAME),), (), (), tasks, "")


def test_sound_plan_has_no_problems() -> None:
    assert plan_problems(_plan(A=(), B=("A",), C=("A", "B")), {"lead"}, {"office"}) == []


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (_plan(A=("B",), B=("A",)), "circular tasks"),
        (_plan(A=("A",)), "circular tasks"),
        (_plan(A=("Z",)), "prerequisite Z does not exist"),
        (replace(_plan(A=()), tasks=_plan(A=()).tasks * 2), "used twice"),
    ],
)
def test_broken_plan_is_told(plan: PlanSpec, told: str) -> None:
    assert any(told in problem.en for problem in plan_problems(plan, {"lead"}, {"office"}))


def test_missing_post_and_unit_are_both_named() -> None:
    told = [problem.en for problem in plan_problems(_plan(A=()), set(), set())]
    assert told == ["task A: post lead does not exist", "task A: unit office does not exist"]


def test_task_in_any_open_state_can_be_cancelled_and_is_then_over() -> None:
    for state in set(TASK.states) - TASK.final:
        assert TASK.step("cancel", state).target in TASK.final
