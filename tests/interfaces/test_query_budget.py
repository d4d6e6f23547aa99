"""Every address of urls.py in a town that has lived: at most 25 queries for whoever may see it, and no address forgotten.

What the same pages take at full size in milliseconds stands in benchmarks/pages.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from benchmarks.pages.addresses import POST_ONLY, every_page
from benchmarks.pages.town import fill_up
from django.db import connection, reset_queries
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern

from tests import packs_once
from tongchou.core.packs.contents import Pack
from tongchou.core.people.models import User
from tongchou.core.people.queries import actor_for
from tongchou.core.people.rules import system_actor
from tongchou.core.places.models import Installation
from tongchou.domains.registry.actions import add_generated
from tongchou.domains.registry.generation import generate_registers
from tongchou.domains.registry.imports import SPECS
from tongchou.domains.response.actions_tasks import accept_task, prove_task
from tongchou.domains.response.models import Incident, Task
from tongchou.domains.response.queries import plans_in_force
from tongchou.interfaces import clock
from tongchou.interfaces.web.urls import urlpatterns
from tongchou.workflows.activation import confirm, escalate_overdue
from tongchou.workflows.demonstration import picture
from tongchou.workflows.demonstration_tracing import Tracers, investigate
from tongchou.workflows.early_warning import screen_morning
from tongchou.workflows.installation import install_pack

MOST_QUERIES = 25
WHO = (
    "wu",
    "zhou",
    "lin",
    "gao",
    "sun",
    "mei",
)  # a group's head, the leader on duty, the duty officer, the auditor, the head of testing, the service window


@pytest.fixture
def lived_town(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[datetime]:
    """The pack's own town with small registers: an alarm confirmed, its tasks under way and overdue, another alarm or none waiting."""
    pack = packs_once.pack("xujing")
    assert pack.identity.demo_now
    evening = pack.identity.demo_now - timedelta(minutes=30)
    install_pack(pack, with_registers=False, known_until=evening, by=system_actor("test"), at=evening)
    _add_small_registers(pack, evening)
    alarm = screen_morning(evening.date(), evening, by=system_actor("early_warning"), at=evening).proposed[0]
    lin = actor_for(User.objects.get(username="lin"), evening)
    plan = plans_in_force(evening.date(), alarm.dossier.place.path)[0]
    incident = confirm(alarm, plan_code=plan.code, reason="核实 checked", by=lin, at=evening)
    _trace(incident, evening)
    escalate_overdue(at=evening + timedelta(hours=6), by=system_actor("worker"))
    now = evening + timedelta(hours=7)
    _work_on_tasks(now)
    monkeypatch.setattr(clock, "now", lambda: now)
    fill_up()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # a living town's planner knows how full its tables are
    yield now


def _add_small_registers(pack: Pack, at: datetime) -> None:
    """A hundredth of the town: 2,000 residents, 100 firms, 30 venues."""
    assert pack.identity.generated
    places = tuple(replace(place, population=place.population // 100) for place in pack.places)
    size = replace(pack.identity.generated, firms=100, venues=30)
    tables = generate_registers(replace(pack, places=places, identity=replace(pack.identity, generated=size)), at.date()).tables()
    town = Installation.objects.select_related("place").get()
    for name, columns in zip(SPECS, tables.values(), strict=True):
        add_generated(register=name, columns=columns, place=town.place, by=system_actor("test"), at=at)


def _trace(incident: Incident, at: datetime) -> None:
    """Cases, contacts and a list of exposed people where the alarm was, as the demonstration's tracers make them."""
    tracer, leader, officer = (actor_for(User.objects.get(username=name), at) for name in ("zheng", "zhou", "lin"))
    planned: list[tuple[datetime, Callable[[datetime], None]]] = []
    investigate(incident, Tracers(tracer, officer, leader), lambda then, do: planned.append((then, do)), is_over=False, at=at)
    for then, do in sorted(planned, key=lambda entry: entry[0]):
        if then <= at + timedelta(hours=6):
            do(then)


def _work_on_tasks(at: datetime) -> None:
    """Two tasks accepted, one of them with a photo."""
    rows = Task.objects.filter(dossier__assignments__to_at=None, dossier__assignments__user__isnull=False).distinct().order_by("pk")[:2]
    for task in rows:
        hand = task.dossier.assignments.get(to_at=None)
        by = actor_for(hand.user, at)
        accept_task(task, by=by, at=at)
    prove_task(task, content=picture(1), name="现场.png", note="现场", taken_at=None, by=by, at=at)


def _browser(user: User) -> Client:
    browser = Client()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return browser


def test_no_page_asks_more_than_25_times_and_no_address_is_forgotten(lived_town: datetime) -> None:
    """Each page as the first two of WHO who may open it see it."""
    pages, over = every_page(), {}
    seen_by: dict[str, list[str]] = {name: [] for name in pages}
    for username in WHO:
        browser = _browser(User.objects.get(username=username))
        for name in (name for name, viewers in seen_by.items() if len(viewers) < 2):
            reset_queries()
            with CaptureQueriesContext(connection) as seen:
                answer = browser.get(pages[name])
                _ = b"".join(answer) if answer.streaming else answer.content
            if answer.status_code == 200:
                seen_by[name].append(username)
            if len(seen) > MOST_QUERIES:
                over[f"{name} as {username}"] = len(seen)
    assert over == {}
    # A page nobody may open proves nothing; the sign-in page sends the signed-in away.
    assert [name for name, viewers in seen_by.items() if not viewers] == ["login"]
    routes = {route.name for route in urlpatterns if isinstance(route, URLPattern)}
    walked = {name.partition(" ")[0] for name in pages}
    assert walked | POST_ONLY == routes
    assert walked & POST_ONLY == set()
