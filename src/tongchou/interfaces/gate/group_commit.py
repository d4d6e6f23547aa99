"""One writer for many requests: everything that waits goes to disk in one transaction, then everybody is answered.

A commit costs a flush of the disk however many rows it holds. Nobody waits for a timer: the writer takes what is there as soon as it is free,
so one lone scan is written at once and a thousand at a time share a flush.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Generic, TypeVar

Row = TypeVar("Row")
Told = TypeVar("Told")


@dataclass(slots=True)
class _Waiting(Generic[Row, Told]):
    rows: Sequence[Row]
    answer: "asyncio.Future[Told]"


@dataclass(slots=True)
class GroupCommit(Generic[Row, Told]):
    """`write` puts rows on disk in one transaction and tells about all of them, or raises and has written none."""

    write: Callable[[Sequence[Row]], Told]
    rows_at_once: int = 4000
    _queue: "SimpleQueue[_Waiting[Row, Told] | None]" = field(default_factory=SimpleQueue)
    _thread: threading.Thread | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._thread = threading.Thread(target=self._run, args=(loop,), name="group-commit", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, then end."""
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join()

    async def written(self, rows: Sequence[Row]) -> Told:
        """Wait until these rows are on disk. Raises what writing them raised."""
        answer: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        self._queue.put(_Waiting(rows, answer))
        return await answer

    def waiting(self) -> int:
        return self._queue.qsize()

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        while first := self._queue.get():
            together, size = [first], len(first.rows)
            ends = False
            while size < self.rows_at_once and not self._queue.empty():
                further = self._queue.get()
                if further is None:
                    ends = True
                    break
                together.append(further)
                size += len(further.rows)
            self._write(together, loop)
            if ends:
                return

    def _write(self, together: Sequence[_Waiting[Row, Told]], loop: asyncio.AbstractEventLoop) -> None:
        try:
            told = self.write([row for waiting in together for row in waiting.rows])
        except Exception as error:
            loop.call_soon_threadsafe(_fail, together, error)
        else:
            loop.call_soon_threadsafe(_answer, together, told)


def _answer(together: Sequence[_Waiting[Row, Told]], told: Told) -> None:
    for waiting in together:
        if not waiting.answer.done():
            waiting.answer.set_result(told)


def _fail(together: Sequence[_Waiting[Row, Told]], error: Exception) -> None:
    for waiting in together:
        if not waiting.answer.done():
            waiting.answer.set_exception(error)
