"""Starting processes, watching them, starting again what dies, stopping all of them."""

import ctypes
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tongchou.core.wording import T
from tongchou.interfaces.cli.shell import Fault

FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS, STEADY_SECONDS = 0.5, 30.0, 60.0
STOP_SECONDS, READY_SECONDS, POLL_SECONDS = 10.0, 60.0, 0.1
LOG_BYTES = 10 * 2**20
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Part:
    """One process of the desk: its name (and that of its log), what to run, where it listens."""

    name: str
    command: tuple[str, ...]
    port: int | None = None


@dataclass(slots=True)
class _Child:
    part: Part
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    deaths: int = 0
    restart_at: float = 0.0


@dataclass(slots=True)
class Supervisor:
    """Keeps `parts` running until `stop` is set. `tell` gets one line about everything that happens."""

    parts: Sequence[Part]
    logs: Path
    tell: Callable[[T], None]
    host: str = "127.0.0.1"
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Start everything, call `ready` once every part answers, watch until told to stop, then stop everything.

        Raises Fault before anything starts when a port is taken, and after stopping all when a part never gets ready.
        """
        for part in self.parts:
            refuse_taken_port(self.host, part)
        self.logs.mkdir(parents=True, exist_ok=True)
        children = [_Child(part, self.logs / f"{part.name}.log") for part in self.parts]
        began = time.monotonic()
        announced = False
        try:
            for child in children:
                self._start(child)
            while not self.stop.wait(POLL_SECONDS):
                for child in children:
                    self._watch(child)
                if not announced:
                    announced = self._announce(children, began, ready)
        finally:
            _stop_all(children)

    def _announce(self, children: Sequence[_Child], began: float, ready: Callable[[], None]) -> bool:
        waiting = [c for c in children if not _is_ready(self.host, c)]
        seconds = time.monotonic() - began
        if not waiting:
            ready()
        elif seconds > READY_SECONDS:
            child = waiting[0]
            raise Fault(
                T(f"{child.part.name} 在 {seconds:.0f} 秒内没有就绪。", f"{child.part.name}: not ready after {seconds:.0f} s."),
                T(f"请看日志 {child.log}。", f"Look into {child.log}"),
            )
        return not waiting

    def _start(self, child: _Child) -> None:
        child.started = time.monotonic()
        with _open_log(child.log) as log:
            child.process = subprocess.Popen(
                child.part.command,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A session of its own: Ctrl-C reaches us alone, and we stop each part with all that it has started.
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )

    def _watch(self, child: _Child) -> None:
        now = time.monotonic()
        if child.process is None:
            if now >= child.restart_at:
                self._start(child)
            return
        code = child.process.poll()
        if code is None:
            return
        _kill_group(child.process, signal.SIGTERM)  # what a dead server leaves behind would keep its port
        child.deaths = 1 if now - child.started > STEADY_SECONDS else child.deaths + 1
        delay = min(FIRST_DELAY_SECONDS * 2 ** (child.deaths - 1), LONGEST_DELAY_SECONDS)
        child.process, child.restart_at = None, now + delay
        name, last = child.part.name, _last_line(child.log)
        self.tell(
            T(
                f"{name} 退出（{code}），{delay:g} 秒后重启。{last}（日志 {child.log}）",
                f"{name}: ended with {code}, starting again in {delay:g} s. {last} (log: {child.log})",
            )
        )


def stop_on_signals(stop: threading.Event) -> None:
    """Let SIGTERM, SIGINT and SIGHUP set `stop`."""
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: stop.set())


def refuse_taken_port(host: str, part: Part) -> None:
    """Raise Fault when `part` could not listen where it should."""
    if part.port is None:
        return
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, part.port))
            probe.listen(1)
        except OSError as error:
            raise Fault(
                T(f"{host}:{part.port} 无法监听（{error.strerror}）。", f"{host}:{part.port}: cannot listen there ({error.strerror})."),
                T("请停掉占用它的程序，或用 --port 换一个端口。", "Stop the program that holds it, or choose another: --port"),
            ) from None


def _is_ready(host: str, child: _Child) -> bool:
    if child.process is None or child.process.poll() is not None:
        return False
    if child.part.port is None:
        return True
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    asking = http.client.HTTPConnection(reachable, child.part.port, timeout=2)
    try:
        # A listening port is not enough: it is open before the application behind it is loaded.
        asking.request("GET", "/")
        asking.getresponse()
        return True
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asking.close()


def _stop_all(children: Sequence[_Child]) -> None:
    running = [c.process for c in children if c.process is not None]
    for process in running:
        _kill_group(process, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    for process in running:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            pass
        _kill_group(process, getattr(signal, "SIGKILL", signal.SIGTERM))
        process.wait()


def _kill_group(process: subprocess.Popen[bytes], with_signal: int) -> None:
    try:
        if os.name == "posix":
            os.killpg(process.pid, with_signal)
        else:
            process.terminate()
    except (ProcessLookupError, PermissionError):
        pass


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _open_log(path: Path) -> IO[bytes]:
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")


def _last_line(log: Path) -> str:
    with log.open("rb") as content:
        content.seek(max(0, log.stat().st_size - 4096))
        lines = content.read().decode("utf-8", "replace").split("\n")
    return next((line.strip()[:200] for line in reversed(lines) if line.strip()), "")
