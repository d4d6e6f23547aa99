"""Supervision of projects kept going without anybody.

1. Slips that nobody answered in time turn the next colour and go to the post above (`climb_slip`).
2. A light that is on and has no slip opens a blue one (`open_slip`): never a second about the same cause.

Each is a transaction of its own; a second run changes nothing.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial

from django.db import transaction

from tongchou.core.errors import Refusal
from tongchou.core.people.rules import system_actor
from tongchou.core.places.queries import installation
from tongchou.domains.projects.actions_slips import climb_slip, open_slip
from tongchou.domains.projects.queries import has_book, projects_seen, slips_due, standings, unslipped

MACHINE = system_actor("supervising")


def keep_projects(*, at: datetime) -> int:
    """Do what is due by itself. `at` in the town's zone: its day decides the lights. Gives how many slips were opened or climbed."""
    town = installation()
    if town is None or not has_book():
        return 0
    steps = [partial(climb_slip, slip, by=MACHINE, at=at) for slip in slips_due(at)]
    live = projects_seen(MACHINE, at).filter(dossier__closed_at=None)
    for row, light in unslipped(standings(live, at, town.place.path), at):
        steps.append(partial(open_slip, row, cause=light.cause, why=light.why, by=MACHINE, at=at))
    return _each(steps)


def _each(steps: Iterable[Callable[[], object]]) -> int:
    """Where somebody was first, nothing is done."""
    done = 0
    for step in steps:
        try:
            with transaction.atomic():
                step()
        except Refusal:
            continue
        done += 1
    return done
