"""Approvals kept going without anybody: what silence does, stops that end, steps given to whoever stands in.

1. Applications nobody answered in time count as accepted on the day they came (`accept_by_silence`).
2. A stop of the clock ends when it was said to end (`resume_clock`).
3. Where the law says so, silence approves when the time is over (`approve_by_silence`); the office is told.
4. Steps go to whoever stands in for their post, and back when that is over (`settle_delegations`).

Each is a transaction of its own; a second run changes nothing.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from django.db import transaction

from tongchou.core.errors import Refusal
from tongchou.core.outbox.queue import tell_post
from tongchou.core.people.rules import system_actor
from tongchou.core.places.queries import installation
from tongchou.core.wording import T
from tongchou.domains.approvals.actions_cover import settle_delegations
from tongchou.domains.approvals.actions_steps import accept_by_silence, approve_by_silence, resume_clock
from tongchou.domains.approvals.life import misplaced, silent_from, spec_of
from tongchou.domains.approvals.models import Application
from tongchou.domains.approvals.queries import live_steps_below, maybe_silent, stops_over, untold

MACHINE = system_actor("approving")


def keep_approvals(*, at: datetime) -> int:
    """Do what is due by itself. Gives how many applications and steps changed."""
    done = _each(untold(at), lambda row: accept_by_silence(row, by=MACHINE, at=at))
    done += _each(stops_over(at), lambda row: resume_clock(row, by=MACHINE, at=at))
    done += _each(_silent(at), lambda row: _approve(row, at))
    town = installation()
    if town is not None and misplaced(live_steps_below(town.place.path), at):
        done += settle_delegations(place=town.place, by=MACHINE, at=at)
    return done


def _silent(at: datetime) -> list[Application]:
    return [row for row in maybe_silent() if (due := silent_from(row, spec_of(row), at)) is not None and due <= at]


def _approve(row: Application, at: datetime) -> None:
    done = approve_by_silence(row, by=MACHINE, at=at)
    head = done.dossier
    text = T(
        f"{head.number} 逾期未决定，依法视为批准：{head.title_zh}", f"{head.number} not decided in time, approved by law: {head.title_en}"
    )
    tell_post(head.owner_post, text, head, at=at)


def _each(rows: Iterable[Application], do: Callable[[Application], object]) -> int:
    """False starts, where somebody was first, count for nothing."""
    count = 0
    for row in rows:
        try:
            with transaction.atomic():
                do(row)
        except Refusal:
            continue
        count += 1
    return count
