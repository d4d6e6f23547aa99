"""The demonstration town at full size, served by the product's own processes, for the benchmarks that knock at its door."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from tests.interfaces.ports import free_port

from benchmarks.databases import ROOT

PATIENCE_S = 600


@dataclass(frozen=True)
class Served:
    """A town that answers on this port, and the process that watches the others."""

    port: int
    process_id: int


@contextmanager
def served_town() -> Iterator[Served]:
    """Make the demonstration town in TONGCHOU_HOME and serve it: pages, live updates and worker, as `tongchou demo` does."""
    port = free_port(together=4)  # pages, live process, the lanes of gate and crews
    with tempfile.TemporaryFile() as log:
        command = [sys.executable, "-m", "tongchou.interfaces.cli.main", "demo", "--home", os.environ["TONGCHOU_HOME"], "--port", str(port)]
        child = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
        try:
            until = time.monotonic() + PATIENCE_S
            while not _answers(port):
                if child.poll() is not None or time.monotonic() > until:
                    log.seek(0)
                    raise SystemExit(f"the town did not come up: {log.read().decode()[-800:]}")
                time.sleep(0.5)
            import django

            django.setup()
            yield Served(port, child.pid)
        finally:
            child.send_signal(signal.SIGTERM)
            child.wait(60)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/login", timeout=5):
            return True
    except OSError:
        return False


def fill_up() -> None:
    """What the demonstration leaves out and a used town has: wrong rows, a line list that waits, a letter nobody could deliver, a refusal appealed against; a round where none is."""
    from tongchou.core.importing.actions import apply_import, preview_import
    from tongchou.core.outbox.models import Message
    from tongchou.core.people.models import User
    from tongchou.core.people.queries import actor_for
    from tongchou.core.places.queries import installation, leaf_places
    from tongchou.domains.approvals.models import Application
    from tongchou.domains.registry.imports import RESIDENTS
    from tongchou.domains.tracing.line_lists import line_list
    from tongchou.interfaces import clock
    from tongchou.workflows import demonstration_approvals, demonstration_policies, demonstration_projects
    from tongchou.workflows.calling import plan
    from tongchou.workflows.demonstration_calls import lay_points
    from tongchou.workflows.demonstration_difficulties import live_them_all
    from tongchou.workflows.demonstration_passes import ask_to_suspend, suspend_somebody

    town, at = installation(), clock.now()
    assert town is not None
    leader = actor_for(User.objects.filter(postings__post__kind="duty_leader").order_by("pk")[0], at)
    lines = [
        "姓名,身份证号,性别,出生日期,村居,地址,电话,户籍",
        *("王示例,110105194912310021,男,1949-12-31,无此村,明珠路1号,1,外省市户籍" for _ in range(300)),
    ]
    preview_import(spec=RESIDENTS, content="\n".join(lines).encode(), file_name="r.csv", place=town.place, by=leader, at=at)
    officer = actor_for(User.objects.filter(postings__post__kind="duty_officer").order_by("pk")[0], at)
    village = leaf_places(town.place.path)[0]
    rows = [
        "id,date_onset,gender,age,location,name",
        *(f"{n},2022-05-{n % 28 + 1:02d},f,{20 + n},{village.code},李示例{n}" for n in range(40)),
    ]
    batch = preview_import(
        spec=line_list("clinic"), content="\n".join(rows).encode(), file_name="l.csv", place=town.place, by=officer, at=at
    )
    apply_import(batch, spec=line_list("clinic"), by=officer, at=at)
    Message.objects.get_or_create(
        topic="mail", key="bench-dead", defaults={"payload": {}, "created_at": at, "due_at": at, "dead_at": at - timedelta(hours=1), "error": "550"}
    )  # fmt: skip
    _test_a_village(at)
    _check_the_town(at)
    _appeal_at_a_door()
    _footfall_and_posters()
    _pass_on_a_phone()
    suspend_somebody(at)
    ask_to_suspend(at)
    live_them_all(at)
    if not Application.objects.exists():
        demonstration_approvals.live_them_all(clock.local_now(), days=10)
    _come_back()
    demonstration_policies.live_them_all(at)
    demonstration_projects.live_them_all(at)
    lay_points(at)
    plan(town.place, day=at.date(), limit_minutes=480, by=leader, at=at)


def _pass_on_a_phone() -> None:
    """An address that shows the passes of a household of four."""
    from django.db.models import Count

    from benchmarks.pages.addresses import PASS_TOKEN
    from tongchou.core.passes.actions import rotate_key
    from tongchou.core.passes.models import IssuerKey
    from tongchou.core.people.rules import system_actor
    from tongchou.core.places.queries import installation
    from tongchou.core.secrecy import token_digest
    from tongchou.domains.gate.actions_passes import carry_passes, give_link
    from tongchou.domains.gate.models import Holder, PassLink
    from tongchou.domains.registry.models import Household
    from tongchou.interfaces import clock
    from tongchou.interfaces.chance import random_holder
    from tongchou.workflows.passing import holders_of

    town, at, by = installation(), clock.local_now(), system_actor("benchmark")
    home = Household.objects.annotate(n=Count("members")).filter(n__gte=2, n__lte=4).order_by("-n", "pk").first()
    if town is None or home is None or PassLink.objects.filter(digest=token_digest(PASS_TOKEN)).exists():
        return
    if not IssuerKey.objects.exists():
        rotate_key(town=town.place, seed=bytes(32), trusted_for=timedelta(days=30), by=by, at=at)
    first, *others = sorted(holders_of(list(home.members.values_list("pk", flat=True)), random_holder, by=by, at=at).values())
    carrier = Holder.objects.get(pk=first)
    carry_passes(carrier, of=others, by=by, at=at)
    give_link(carrier, token=PASS_TOKEN, by=by, at=at)


def _test_a_village(at: datetime) -> None:
    """A running round with a tube packed and a pool called back, unless the town has lived through one."""
    from django.db.models import Count

    from tongchou.core.people.rules import system_actor
    from tongchou.core.places.models import Place
    from tongchou.core.wording import T
    from tongchou.domains.registry.models import Resident
    from tongchou.domains.testing.actions import SiteSpec, open_site, plan_round, start_round
    from tongchou.domains.testing.actions_check_off import Sampled, check_off
    from tongchou.domains.testing.actions_laboratory import Finding, pack_box, receive_box
    from tongchou.domains.testing.models import Round
    from tongchou.workflows.testing_rounds import take_results

    if Round.objects.exists():
        return
    by, hours = system_actor("benchmark"), [{"weekdays": [1, 2, 3, 4, 5, 6, 7], "from": "07:00", "to": "21:00"}]
    place = Place.objects.get(pk=Resident.objects.values_list("place").annotate(n=Count("pk")).order_by("-n")[0][0])
    site = open_site(code="S1", spec=SiteSpec(T("采样点", "Site"), T("路", "Road"), None, hours, 2, 6), place=place, by=by, at=at)
    shown = start_round(plan_round(title=T("全员", "All"), place=place, by=by, at=at), by=by, at=at)
    people = list(shown.roll.values_list("person_id", flat=True)[:10])
    check_off(testing_round=shown, site=site, sampled=[Sampled(who, "TUBE0001") for who in people], by=by, at=at)
    box = pack_box(testing_round=shown, site=site, laboratory="实验室", by=by, at=at)
    receive_box(box, holder="收样员", tube_count=1, by=by, at=at)
    take_results([Finding("TUBE0001", "positive", at)], source="benchmark", by=by, at=at)


def _check_the_town(at: datetime) -> None:
    """A running spot check with a pool called back and a reserve standing in, unless the town has one."""
    from tongchou.core.people.rules import system_actor
    from tongchou.core.places.queries import installation
    from tongchou.core.wording import T
    from tongchou.domains.spot_checks.actions import announce_check, draw_check
    from tongchou.domains.spot_checks.actions_taking import Finding, miss_units, take_units
    from tongchou.domains.spot_checks.models import SpotCheck, Unit
    from tongchou.workflows.spot_checking import Wish, plan, take_results

    town, by = installation(), system_actor("benchmark")
    if town is None or SpotCheck.objects.filter(dossier__state="taking").exists():
        return
    before = at - timedelta(hours=3)
    wish = Wish(T("居民抽检", "Residents"), town.place, "people", 0.001, size=90, pool_size=10)
    check = announce_check(
        plan(wish, secret="benchmark secret", by=by, at=before),
        beacon="基准 benchmark",
        beacon_at=before + timedelta(hours=1),
        by=by,
        at=before,
    )
    check = draw_check(check, beacon_value="1", by=by, at=before + timedelta(hours=2))
    units = list(Unit.objects.filter(check_of=check, state="waiting").values_list("code", flat=True))
    take_units(check=check, units=units[:10], tube="SPOT0001", by=by, at=at)
    take_units(check=check, units=units[10:20], tube="SPOT0002", by=by, at=at)
    miss_units(check=check, units=units[20:22], reason="absent", by=by, at=at)
    take_results(check, [Finding("SPOT0001", "positive")], source="benchmark", by=by, at=at)


def _appeal_at_a_door() -> None:
    from tongchou.core.people.rules import system_actor
    from tongchou.domains.gate.actions import EntranceSpec, enrol_device, invite_device, open_entrances
    from tongchou.domains.gate.actions_appeals import open_appeal
    from tongchou.domains.gate.models import Appeal
    from tongchou.domains.gate.rules import REASON_CODES
    from tongchou.domains.gate.scan_log import Row, append
    from tongchou.domains.registry.models import Venue
    from tongchou.interfaces import clock

    at, by, venue = clock.local_now(), system_actor("benchmark"), Venue.objects.order_by("pk").first()
    if venue is None or Appeal.objects.exists():
        return
    (entrance,) = open_entrances(specs=[EntranceSpec(venue.pk)], by=by, at=at)
    invite_device(entrance, name="门口手机", code="bench", by=by, at=at)
    device = enrol_device(code="bench", token="bench", by=by, at=at)
    at_s = int(at.timestamp())
    append([Row(device.pk, 1, entrance.pk, venue.pk, 1, at_s, at_s, 0, 2, REASON_CODES.index("no_test"), 2, 0, 1)])
    open_appeal(device, seq=1, words="昨天采过样", phone="", by=by, at=at)


def _come_back() -> None:
    """Filings of every kind, and a school where many are ill four days later, unless the town has them."""
    from tongchou.core.people.rules import system_actor
    from tongchou.domains.resumption.models import AbsenceAlarm, Filing
    from tongchou.interfaces import clock
    from tongchou.workflows.demonstration_resumption import bring_in_evidence, come_back
    from tongchou.workflows.resuming import count_absences, keep_filings

    at = clock.local_now()
    if not Filing.objects.exists():
        come_back(at)
        bring_in_evidence(at)
    school = Filing.objects.filter(school__isnull=False).first()
    if school is None or AbsenceAlarm.objects.exists():
        return
    later = at + timedelta(days=5)
    keep_filings(at=later)
    counts = {part.pk: (4, 3) for part in school.parts.all()}
    count_absences(school, later.date(), counts, by=system_actor("benchmark"), at=later)


def _footfall_and_posters() -> None:
    """A fortnight of entries by class of venue, as released, and posters that the worker has made."""
    import numpy as np

    from tongchou.core.outbox.queue import work_once
    from tongchou.core.people.models import User
    from tongchou.core.people.rules import system_actor
    from tongchou.domains.footfall.actions import release_day
    from tongchou.domains.footfall.rules import DayOfScans, day_figures
    from tongchou.domains.gate.models import Entrance
    from tongchou.interfaces import clock
    from tongchou.interfaces.jobs.bulk_posters import TOPIC, ask_for_posters, make_posters

    at, by, rng = clock.local_now(), system_actor("benchmark"), np.random.default_rng(1)
    doors = list(Entrance.objects.order_by("code").values_list("pk", "venue__venue_class"))
    for n in range(1, 15):
        door = rng.integers(0, len(doors), 30 * len(doors))
        day = DayOfScans(door, rng.integers(7, 21, len(door)), np.arange(len(door)), np.ones(len(door), bool))
        figures = day_figures(day, [kind for _, kind in doors], 10)
        release_day(at.date() - timedelta(days=n), figures, doors=[pk for pk, _ in doors], wrong={}, k=10, by=by, at=at)
    user = User.objects.filter(postings__post__kind="duty_officer", is_active=True).order_by("pk").first()
    if user is not None:
        ask_for_posters(user, "badge", Entrance.objects.order_by("code")[0].code, 1, "徐泾镇", "http://localhost", "bench", at=at)
        work_once("benchmark", at, {TOPIC: make_posters})


def settle() -> None:
    """What a PostgreSQL server does by itself within a minute or two of so many new rows, and one with autovacuum off never does."""
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE)")


def sessions() -> dict[str, str]:
    """A signed-in session's cookie of each demonstration account, the duty leader first."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from tongchou.core.people.models import User

    found = {}
    people = User.objects.filter(postings__isnull=False, is_active=True).distinct().order_by("pk")
    for user in sorted(people, key=lambda u: not u.postings.filter(post__kind="duty_leader").exists()):
        store = SessionStore()
        store[SESSION_KEY], store[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
        store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]
        store.create()
        found[user.username] = f"{settings.SESSION_COOKIE_NAME}={store.session_key}"
    return found


def processor_ms(process_ids: list[int]) -> float:
    """Milliseconds of one core that these processes have used, to the microsecond; 0 where there is no /proc."""
    total = 0
    for process_id in process_ids:
        for thread in Path(f"/proc/{process_id}/task").glob("*/schedstat"):
            with suppress(OSError):
                total += int(thread.read_text().split()[0])
    return total / 1e6


def pages_processes(process_id: int) -> list[int]:
    """The processes that answer for the pages: the children of the watching process that run the pages' application, and theirs."""
    parents, words = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            words[int(folder.name)] = (folder / "cmdline").read_bytes().decode(errors="replace")
    found = {n for n, parent in parents.items() if parent == process_id and "web.wsgi" in words[n]}
    while more := {n for n, parent in parents.items() if parent in found} - found:
        found |= more
    return sorted(found)
