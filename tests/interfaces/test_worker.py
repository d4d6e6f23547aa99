"""The worker: a killed one loses nothing, one told to stop stops cleanly, and a database that goes away is waited for."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import OperationalError, connection

from tests.fixtures_town import AT, Town
from tongchou.core.audit.models import DailyRoot
from tongchou.core.outbox.models import Message
from tongchou.core.outbox.queue import post
from tongchou.interfaces import clock
from tongchou.interfaces.jobs import worker as worker_module
from tongchou.interfaces.jobs.duties import Duty, seal_yesterday
from tongchou.interfaces.jobs.worker import Worker

ROOT = Path(__file__).parents[2]
WAIT_S = 30.0
LEASE_S = 1.0

# A real worker process on the test's database. Its handler writes one line per effect, and holds the message when told to.
CHILD = """
import json, os, sys, threading, time
from datetime import timedelta
from pathlib import Path
import django
from django.conf import settings
settings.DATABASES["default"].update(json.loads(os.environ["CHILD_DATABASE"]))
django.setup()
from tongchou.interfaces.jobs import worker
folder, hold = Path(os.environ["CHILD_FOLDER"]), os.environ["CHILD_HOLDS"] == "1"
def handle(message, at):
    if hold:
        (folder / "held").touch()
        time.sleep(600)
    with (folder / "effects").open("a") as out:
        out.write(message.key + "\\n")
    return "sent"
worker.Worker.__init__.__kwdefaults__.update(handlers={"mail": handle}, duties=(), lease=timedelta(seconds=float(os.environ["CHILD_LEASE_S"])))
worker.run()
"""


@pytest.fixture
def start(transactional_db: None, tmp_path: Path) -> Iterator[Callable[[bool], "subprocess.Popen[bytes]"]]:
    running: list[subprocess.Popen[bytes]] = []
    database = {k: str(connection.settings_dict[k]) for k in ("NAME", "USER", "PASSWORD", "HOST", "PORT")}

    def run(holds: bool) -> "subprocess.Popen[bytes]":
        environment = {
            **os.environ,
            "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
            "DJANGO_SETTINGS_MODULE": "tests.settings_for_tests",
            "CHILD_DATABASE": json.dumps(database),
            "CHILD_FOLDER": str(tmp_path),
            "CHILD_HOLDS": "1" if holds else "0",
            "CHILD_LEASE_S": str(LEASE_S),
        }
        running.append(subprocess.Popen([sys.executable, "-c", CHILD], env=environment, stdout=subprocess.DEVNULL))
        return running[-1]

    yield run
    for process in running:
        if process.poll() is None:
            process.kill()
        process.wait()


def _until(seen: Callable[[], bool]) -> None:
    ends = time.monotonic() + WAIT_S
    while not seen():
        assert time.monotonic() < ends, "waited too long"
        time.sleep(0.05)


def test_message_of_a_killed_worker_is_done_by_another_once(start: Callable[[bool], "subprocess.Popen[bytes]"], tmp_path: Path) -> None:
    post("mail", "letter", {}, at=clock.now())
    first = start(True)
    _until((tmp_path / "held").exists)
    first.send_signal(signal.SIGKILL)
    first.wait()
    held = Message.objects.get()
    assert held.done_at is None and held.attempts == 1 and held.leased_until is not None
    second = start(False)
    _until(lambda: Message.objects.filter(done_at=None).count() == 0)
    second.terminate()
    assert second.wait(WAIT_S) == 0
    assert (tmp_path / "effects").read_text() == "letter\n"
    row = Message.objects.get()
    assert (row.attempts, row.outcome) == (2, "sent") and row.worker != held.worker


def test_worker_outlives_a_database_that_goes_away(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    post("mail", "letter", {}, at=clock.now())
    stop, done = threading.Event(), []

    def handle(message: Message, at: object) -> str:
        done.append(message.key)
        stop.set()
        return "sent"

    worker = Worker("w", handlers={"mail": handle}, duties=(), stop=stop)
    plain, failures = worker.turn, [OperationalError("server closed the connection")] * 2

    def turn() -> int:
        if failures:
            raise failures.pop()
        return plain()

    pauses: list[float] = []
    monkeypatch.setattr(worker, "turn", turn)
    monkeypatch.setattr(worker_module.connections, "close_all", lambda: None)
    monkeypatch.setattr(stop, "wait", lambda pause_s: pauses.append(pause_s))
    worker.run()
    assert done == ["letter"] and pauses[:2] == [1.0, 2.0]
    assert Message.objects.get().outcome == "sent"


def test_duty_that_fails_keeps_neither_mail_nor_the_next_duty_from_being_done(db: None) -> None:
    post("mail", "letter", {}, at=clock.now())
    kept: list[str] = []

    def broken(at: object) -> None:
        raise ValueError("no screening today")

    duties = (Duty("broken", timedelta(seconds=1), broken), Duty("good", timedelta(hours=1), lambda at: kept.append("good")))
    worker = Worker("w", handlers={"mail": lambda m, at: "sent"}, duties=duties)
    assert (worker.turn(), worker.turn()) == (1, 0)
    assert kept == ["good"]


def test_yesterday_is_sealed_once_by_the_towns_own_midnight(installed_town: Town) -> None:
    evening = AT.replace(hour=15, minute=59)  # 23:59 in the town
    seal_yesterday(evening)
    assert list(DailyRoot.objects.values_list("day", flat=True)) == [AT.date() - timedelta(days=1)]
    seal_yesterday(evening + timedelta(minutes=1))
    seal_yesterday(evening + timedelta(minutes=6))
    assert DailyRoot.objects.count() == 2
