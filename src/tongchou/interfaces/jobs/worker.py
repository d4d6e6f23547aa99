"""The worker: empties the outbox, keeps the periodic duties, and outlives a database that goes away."""

import os
import signal
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta

import structlog
from django.db import DatabaseError, InterfaceError, connections

from tongchou.core.outbox.queue import LEASE, Handler, work_once
from tongchou.interfaces import clock
from tongchou.interfaces.jobs.duties import DUTIES, Duty
from tongchou.interfaces.jobs.handlers import HANDLERS

log = structlog.get_logger("tongchou.work")
IDLE_S = 0.5
BACK_OFF_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)


class Worker:
    """One worker: `turn` does everything that is due now; `run` turns until told to stop."""

    def __init__(
        self,
        name: str = "",
        *,
        handlers: Mapping[str, Handler] = HANDLERS,
        duties: Sequence[Duty] = DUTIES,
        lease: timedelta = LEASE,
        stop: threading.Event | None = None,
    ) -> None:
        self.name = name or f"{socket.gethostname()}-{os.getpid()}"
        self.handlers, self.duties, self.lease = handlers, duties, lease
        self.stop = stop or threading.Event()
        # Paced by the machine's running time: a clock set back must not silence the duties.
        self._next_s: dict[str, float] = {}

    def turn(self) -> int:
        """Every duty that is due and every message that waits; gives back how many messages were taken. Raises DatabaseError."""
        for duty in self.duties:
            if self.stop.is_set():
                return 0
            if time.monotonic() >= self._next_s.get(duty.name, 0.0):
                self._next_s[duty.name] = time.monotonic() + duty.every.total_seconds()
                self._keep(duty)
        taken = 0
        while not self.stop.is_set():
            message = work_once(self.name, clock.local_now(), self.handlers, self.lease)
            if message is None:
                break
            taken += 1
            log.info("message", topic=message.topic, key=message.key, attempt=message.attempts)
        return taken

    def run(self) -> None:
        """Turn until stopped. A database that does not answer is asked again after a growing pause; leases see to it that nothing is lost."""
        failures = 0
        while not self.stop.is_set():
            try:
                self.turn()
                failures, pause_s = 0, IDLE_S
            except (DatabaseError, InterfaceError) as error:
                pause_s = BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)]
                failures += 1
                log.warning("database does not answer", error=str(error).strip()[:200], again_in_s=pause_s)
                connections.close_all()
            self.stop.wait(pause_s)
        connections.close_all()

    def _keep(self, duty: Duty) -> None:
        try:
            duty.keep(clock.local_now())
        except (DatabaseError, InterfaceError):
            raise
        except Exception:  # a duty that fails must not keep the others and the mail from being done
            log.exception("duty failed", duty=duty.name)


def run(*, once: bool = False) -> None:
    """`tongchou work`: one turn with `once`, else until SIGTERM or SIGINT, which let the work in hand finish."""
    worker = Worker()
    if once:
        worker.turn()
        return
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: worker.stop.set())
    log.info("worker started", name=worker.name)
    worker.run()
    log.info("worker stopped", name=worker.name)
