"""Dossiers: opening many at once, moving them, clocks, escalation, evidence."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings

from tests.fixtures_town import AT, Town
from tongchou.core.audit.acting import action
from tongchou.core.audit.queries import history_of, verify_chain
from tongchou.core.casework.actions import attach_evidence, escalate, hand_over
from tongchou.core.casework.evidence import evidence_path
from tongchou.core.casework.life import Opening, advance, open_dossiers
from tongchou.core.casework.machine import Machine, Step, problems
from tongchou.core.casework.models import Assignment, Deadline, Dossier, Evidence
from tongchou.core.casework.queries import inbox_for, overdue_at, running_clocks, seen_dossier
from tongchou.core.errors import Invalid, Stale, Unseen
from tongchou.core.people.rules import Actor, system_actor
from tongchou.core.wording import T

WORK = T("任务", "task")
MACHINE = Machine(
    kind="task",
    label=WORK,
    prefix="RW",
    start="new",
    states={"new": T("待接收", "new"), "started": T("进行中", "started"), "done": T("已完成", "done")},
    final=frozenset({"done"}),
    steps=(
        Step(
            "start",
            T("开始", "start"),
            ("new",),
            "started",
            "task.work",
            starts=("incident.report_within",),
            stops=("alarm.acknowledge_within",),
        ),
        Step("finish", T("完成", "finish"), ("started",), "done", "task.work"),
    ),
    starts=("alarm.acknowledge_within",),
)
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40


@action("task.assign", place=lambda given: given["openings"][0].place.path)
def opened(*, openings: list[Opening], by: Actor, at: object) -> list[Dossier]:
    return open_dossiers(MACHINE, openings, by=by, at=AT)


@action("task.work", on=Dossier)
def step(dossier: Dossier, *, name: str, by: Actor, at: object) -> Dossier:
    advance(dossier, MACHINE, name, at=at)  # type: ignore[arg-type]
    return dossier


def _open(town: Town, how_many: int = 1) -> list[Dossier]:
    opening = Opening(WORK, town.villages[0], town.posts["doctor"])
    return opened(openings=[opening] * how_many, by=town.fang, at=AT)


def test_opening_gives_number_owner_clock_and_entry(small_town: Town) -> None:
    first, second = _open(small_town, 2)
    assert (first.number, second.number) == ("RW-2022-0001", "RW-2022-0002")
    assert Assignment.objects.get(dossier=first).user.username == "chen"  # type: ignore[union-attr]
    assert running_clocks([first.pk])[first.pk].due_at == AT + timedelta(minutes=30)
    assert [e.action for e in history_of(first)] == ["task.open"]
    assert [a.dossier_id for a in inbox_for(small_town.chen)] == [first.pk, second.pk]
    assert not inbox_for(small_town.lin).exists()


def test_number_of_queries_does_not_grow_with_the_number_opened(small_town: Town, django_assert_max_num_queries: object) -> None:
    with django_assert_max_num_queries(25):  # type: ignore[operator]
        _open(small_town, 200)


def test_steps_start_and_stop_clocks_and_close(small_town: Town) -> None:
    (dossier,) = _open(small_town)
    step(dossier, name="start", by=small_town.chen, at=AT + timedelta(minutes=10))
    assert {(d.key, d.stopped_at is None) for d in Deadline.objects.all()} == {
        ("alarm.acknowledge_within", False),
        ("incident.report_within", True),
    }
    done = step(dossier, name="finish", by=small_town.chen, at=AT + timedelta(minutes=20))
    assert done.closed_at == AT + timedelta(minutes=20)
    assert not Deadline.objects.filter(stopped_at=None).exists()
    assert verify_chain().problems == ()


def test_a_step_not_allowed_says_what_is(small_town: Town) -> None:
    (dossier,) = _open(small_town)
    with pytest.raises(Stale) as refused:
        step(dossier, name="finish", by=small_town.chen, at=AT)
    assert refused.value.said.en == "task: cannot 'finish' from 'new'; allowed now: ['start']"
    assert history_of(dossier).count() == 1


def test_zhao_of_another_town_is_refused_as_if_nothing_existed(small_town: Town) -> None:
    (dossier,) = _open(small_town)
    with pytest.raises(Unseen):
        step(dossier, name="start", by=small_town.zhao, at=AT)
    with pytest.raises(Unseen):
        seen_dossier("task", dossier.number, small_town.zhao, "incident.read")
    with pytest.raises(Unseen):
        attach_evidence(dossier, note="看看", by=small_town.zhao, at=AT)


def test_overdue_climbs_one_post_per_interval_and_stays_at_the_top(small_town: Town) -> None:
    (dossier,) = _open(small_town)
    clock = system_actor("worker")
    late = AT + timedelta(minutes=31)
    assert [d.dossier_id for d in overdue_at(late)] == [dossier.pk]
    holders = []
    for round_ in range(3):
        escalate(dossier, by=clock, at=late + timedelta(minutes=30 * round_))
        holders.append(Assignment.objects.get(dossier=dossier, to_at=None).post.code)
    assert holders == ["duty-officer", "duty-leader", "duty-leader"]
    assert Deadline.objects.get(dossier=dossier).escalations == 3
    assert not overdue_at(late + timedelta(days=9)).exists()
    assert escalate(dossier, by=clock, at=late + timedelta(days=9)) is None


def test_hand_over_needs_a_reason_and_an_open_dossier(small_town: Town) -> None:
    (dossier,) = _open(small_town)
    with pytest.raises(Invalid):
        hand_over(dossier, post=small_town.posts["trace-leader"], reason=" ", by=small_town.lin, at=AT)
    hand_over(dossier, post=small_town.posts["trace-leader"], reason="属协查组", by=small_town.lin, at=AT)
    assert inbox_for(small_town.gao).count() == 1
    assert not inbox_for(small_town.chen).exists()
    step(dossier, name="start", by=small_town.chen, at=AT)
    step(dossier, name="finish", by=small_town.chen, at=AT)
    with pytest.raises(Stale):
        hand_over(dossier, post=small_town.posts["doctor"], reason="再交回", by=small_town.lin, at=AT)


def test_evidence_is_kept_once_under_its_digest(small_town: Town) -> None:
    first, second = _open(small_town, 2)
    rows = [attach_evidence(d, content=PNG, name="门口.png", by=small_town.chen, at=AT) for d in (first, second)]
    assert rows[0].sha256 == rows[1].sha256 and rows[0].media_type == "image/png"
    assert evidence_path(rows[0].sha256).read_bytes() == PNG
    assert Evidence.objects.count() == 2


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"content": b"<html><script>"}, "file"),
        ({"content": b""}, "file"),
        ({}, "note"),
        ({"content": PNG, "taken_at": AT + timedelta(hours=2)}, "taken_at"),
    ],
)
def test_bad_evidence_is_named_and_leaves_nothing(small_town: Town, given: dict[str, object], field: str) -> None:
    (dossier,) = _open(small_town)
    with pytest.raises(Invalid) as refused:
        attach_evidence(dossier, by=small_town.chen, at=AT, **given)  # type: ignore[arg-type]
    assert [p.field for p in refused.value.problems] == [field]
    assert not Evidence.objects.exists() and history_of(dossier).count() == 1


def test_full_disk_leaves_no_half_written_file(small_town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    (dossier,) = _open(small_town)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tongchou.core.casework.evidence.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        attach_evidence(dossier, content=PNG + b"full", by=small_town.chen, at=AT)
    assert not Evidence.objects.exists()
    assert not [p for p in (Path(settings.HOME) / "evidence").rglob(".*") if p.is_file()]


def test_machine_table_is_sound_and_faults_are_named() -> None:
    assert problems(MACHINE) == []
    broken = replace(
        MACHINE,
        states={**MACHINE.states, "lost": T("失落", "lost"), "end": T("终", "end")},
        steps=(*MACHINE.steps, Step("go", WORK, ("new",), "end", "x"), Step("go", WORK, ("new",), "nowhere", "x")),
    )
    assert problems(broken) == [
        "unknown state 'nowhere'",
        "state 'lost' is never reached",
        "state 'end' is a dead end",
        "state 'lost' is a dead end",
        "step 'go' from 'new' is ambiguous",
    ]
