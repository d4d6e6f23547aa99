"""Killing the work before any statement that writes: what a machine that loses its power does, at every place where it matters.

Right before a statement everything earlier is committed that ever will be; between two of them nothing changes that anybody could see.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

_WRITES = ("INSERT", "UPDATE", "DELETE")


class Killed(BaseException):
    """Not an Exception, since nothing may catch it and go on: a killed process does not."""


@contextmanager
def killed_before(number: int) -> Iterator[list[str]]:
    """End the work right before its writing statement of this number, counted from one (0: never). Gives the statements seen."""
    seen: list[str] = []

    def watch(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.lstrip().upper().startswith(_WRITES):
            seen.append(sql)
            if len(seen) == number:
                raise Killed(sql[:80])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        yield seen


def writes_of(work: Callable[[], object]) -> int:
    """How many writing statements a piece of work takes."""
    with killed_before(0) as seen:
        work()
    return len(seen)


def moments(writes: int) -> range:
    """Before which statements to kill: each on SQLite; every fourth on PostgreSQL, where the same pieces are committed and a kill takes longer."""
    return range(1, writes + 1, 4 if connection.vendor == "postgresql" else 1)
