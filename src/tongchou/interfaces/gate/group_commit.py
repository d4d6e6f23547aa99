"""One transaction for many requests: what one turn of the event loop has read goes to disk together.

A commit costs a flush of the disk however many rows it holds. Nobody waits for a timer: a lone scan is written at once; while a group is
being written the next requests wait in their sockets and form the next group.

Written in the loop itself, on purpose. With a thread for the writer the two pass the interpreter's lock to and fro, and half the rate is lost
(docs/decisions); what would be gained, reading requests while the disk works, the sockets do anyway.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Row = TypeVar("Row")
Told = TypeVar("Told")
Then = Callable[[Told | Exception], None]


@dataclass(slots=True)
class GroupCommit(Generic[Row, Told]):
    """`write` puts rows on disk in one transaction and tells about all of them, or raises and has written none. Used from one loop."""

    write: Callable[[Sequence[Row]], Told]
    rows_at_once: int = 4000
    # One context for every write: Django keeps a connection for each, and a socket's own would connect anew for every group.
    context: Context = field(default_factory=copy_context)
    _gathered: list[tuple[Sequence[Row], "Then[Told]"]] = field(default_factory=list)

    def put(self, rows: Sequence[Row], then: "Then[Told]") -> None:
        """Have rows written; `then` is called on the loop with what writing told, or with what it raised."""
        self._gathered.append((rows, then))
        if len(self._gathered) == 1:
            asyncio.get_running_loop().call_soon(self._look, 1, context=self.context)

    def _look(self, seen: int) -> None:
        """Write as soon as a turn of the loop has brought nothing new."""
        if seen < len(self._gathered) < self.rows_at_once:
            asyncio.get_running_loop().call_soon(self._look, len(self._gathered), context=self.context)
        else:
            self.write_all()

    def write_all(self) -> None:
        """Write what has been gathered, in order, a transaction for every `rows_at_once` rows or so."""
        gathered, self._gathered = self._gathered, []
        while gathered:
            group: list[Row] = []
            whose = []
            for rows, then in gathered:
                group += rows
                whose.append(then)
                if len(group) >= self.rows_at_once:
                    break
            del gathered[: len(whose)]
            told: Told | Exception
            try:
                told = self.write(group)
            except Exception as error:
                told = error
            for then in whose:
                then(told)
