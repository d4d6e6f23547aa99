"""The desk's processes: started together, started again when they die, stopped without leaving anything behind."""

import os
import signal
import socket
import sys
import threading
import time
from contextlib import contextmanager

import pytest

from tests.interfaces.ports import free_port
from tongchou.interfaces.cli import serving, supervision
from tongchou.interfaces.cli.shell import Fault
from tongchou.interfaces.cli.supervision import Part, Supervisor

SERVER = (
    "import http.server, sys; http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()"
)
STUBBORN = (
    "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); print('grandchild', child.pid, flush=True); time.sleep(600)"
)
PATIENCE_SECONDS = 20


def python(code: str, *words: object) -> tuple[str, ...]:
    return (sys.executable, "-c", code, *map(str, words))


def eventually(question):
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        if answer := question():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"not within {PATIENCE_SECONDS} s")


@contextmanager
def running(supervisor):
    """Run it beside the test; whatever happens, it is stopped and its end awaited."""
    ready = threading.Event()
    thread = threading.Thread(target=supervisor.run, args=(ready.set,))
    thread.start()
    try:
        assert ready.wait(PATIENCE_SECONDS)
        yield
    finally:
        supervisor.stop.set()
        thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()


def pids(told, logs, name):
    return [int(line.split()[-1]) for line in (logs / f"{name}.log").read_text().splitlines() if line.startswith("pid")]


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
        return stat.read().split()[2] == "Z"


def test_a_taken_port_is_refused_before_anything_starts(tmp_path):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen(1)
        port = holder.getsockname()[1]
        parts = (Part("worker", python("open('started', 'w')")), Part("pages", python(SERVER, port), port))
        with pytest.raises(Fault, match=f"127.0.0.1:{port}: cannot listen"):
            Supervisor(parts, tmp_path / "logs", print).run()
    assert not (tmp_path / "logs").exists()


def test_a_killed_part_is_started_again_and_said(tmp_path):
    told = []
    code = "import os, time; print('pid', os.getpid(), flush=True); time.sleep(600)"
    port = free_port()
    supervisor = Supervisor(
        (Part("pages", python(SERVER, port), port), Part("worker", python(code))), tmp_path, lambda t: told.append(t.en)
    )
    with running(supervisor):
        (first,) = eventually(lambda: pids(told, tmp_path, "worker"))
        os.kill(first, signal.SIGKILL)
        second = eventually(lambda: pids(told, tmp_path, "worker")[1:])[0]
        assert not is_gone(second)
    assert is_gone(second)
    assert len(told) == 1 and "worker: ended with -9" in told[0] and "worker.log" in told[0]


def test_a_part_that_dies_at_once_is_started_less_and_less_often(tmp_path, monkeypatch):
    monkeypatch.setattr(supervision, "FIRST_DELAY_SECONDS", 0.01)
    told = []
    supervisor = Supervisor((Part("worker", python("raise SystemExit('no database')")),), tmp_path, lambda t: told.append(t.en))
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    eventually(lambda: len(told) >= 4)
    supervisor.stop.set()
    thread.join(PATIENCE_SECONDS)
    assert [line.split("again in ")[1].split(" s.")[0] for line in told[:4]] == ["0.01", "0.02", "0.04", "0.08"]
    assert "no database" in told[0]


def test_stopping_takes_the_children_of_a_part_along(tmp_path, monkeypatch):
    monkeypatch.setattr(supervision, "STOP_SECONDS", 0.3)
    supervisor = Supervisor((Part("worker", python(STUBBORN)),), tmp_path, print)
    with running(supervisor):
        grandchild = eventually(lambda: [int(w.split()[1]) for w in (tmp_path / "worker.log").read_text().splitlines()])[0]
    eventually(lambda: is_gone(grandchild))


def test_a_part_that_never_listens_ends_everything_with_its_log(tmp_path, monkeypatch):
    monkeypatch.setattr(supervision, "READY_SECONDS", 0.3)
    port = free_port()
    with pytest.raises(Fault, match=r"pages: not ready .*pages\.log"):
        Supervisor((Part("pages", python("import time; time.sleep(600)"), port),), tmp_path, print).run()


def test_no_desk_for_outsiders_without_a_host_name(monkeypatch):
    monkeypatch.delenv("TONGCHOU_HOSTS", raising=False)
    with pytest.raises(Fault, match="TONGCHOU_HOSTS is unset"):
        serving.serve(host="0.0.0.0")  # noqa: S104
