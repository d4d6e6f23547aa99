"""The crews' lane: `POST /api/v1/testing/rounds/{number}/check-offs` as the programming interface has it, in a process of its own.

Same tokens, same bodies, same answers; only that what arrives together goes to disk together, so that many crews a second fit where one
transaction for each would not. Each is answered for itself, after what it brought is on disk; a bad one fails alone.
Started as `python -m tongchou.interfaces.check_offs HOST PORT`.
"""

import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tongchou.settings")
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # the loop writes by itself: see gate.group_commit

import django
from django.apps import apps

if not apps.ready:
    django.setup()

import msgspec
import structlog
from django.db import DatabaseError, InterfaceError, connections
from pydantic import ValidationError

from tongchou.core.errors import Invalid, Refusal, Unseen
from tongchou.core.people.queries import actor_for, token_behind
from tongchou.core.people.rules import Actor
from tongchou.core.people.tokens import keep_last_use
from tongchou.core.wording import T
from tongchou.domains.testing.actions_check_off import CheckedOff, Delivery
from tongchou.domains.testing.models import Round, Site
from tongchou.domains.testing.queries import is_seen
from tongchou.interfaces import clock
from tongchou.interfaces.api.faults import MALFORMED, UNKNOWN_TOKEN, problems_of
from tongchou.interfaces.api.testing_shapes import DeliveryIn
from tongchou.interfaces.api.wording import pair
from tongchou.interfaces.gate.connections import Asked, Connection, listen, run
from tongchou.interfaces.gate.group_commit import GroupCommit
from tongchou.workflows.crew_phones import Line, read_delivery
from tongchou.workflows.testing_rounds import keep_deliveries

log = structlog.get_logger("tongchou.check_offs")
PATH = re.compile(rb"/api/v1/testing/rounds/([A-Za-z0-9-]{1,40})/check-offs")
MOST_BYTES, MOST_NAMES, LOOK_S = 1_500_000, 20_000, 10.0


@dataclass(slots=True)
class Request:
    """One request of a crew and, once its group is written, what it is told."""

    delivery: Delivery
    told: CheckedOff | Refusal | DatabaseError = field(default_factory=DatabaseError)


class Lane:
    """Takes requests, has them written in groups, answers each.

    Who somebody is, rounds and sites are read once a second; whether a round is sampling, who is checked off and what a tube takes, with every group.
    """

    def __init__(self, look_s: float = LOOK_S) -> None:
        # Django keeps a connection for each context, and every socket has its own: all reading and writing is done in one.
        self._context = copy_context()
        self.writer: GroupCommit[Request, None] = GroupCommit(write, context=self._context)
        self.connections: set[Connection] = set()
        self.look_s, self._looked = look_s, 0.0
        self._known: dict[tuple[str, str], Any] = {}

    def handle(self, asked: Asked, connection: Connection) -> None:
        """One request; answered at once when it is refused, else when its group is on disk."""
        if asked.method == b"OPTIONS":
            return connection.answer_preflight()
        found = PATH.fullmatch(asked.path)
        if found is None or asked.method != b"POST":
            return _refuse(connection, 404, T("没有这个地址。", "No such address."))
        try:
            request = self._read(asked, found[1].decode())
        except Refused as refused:
            return _refuse(connection, *refused.args)
        except Refusal as refusal:
            return _answer(connection, refusal)
        except (DatabaseError, InterfaceError) as error:
            return _answer(connection, _unkept(error))

        def then(raised: Exception | None) -> None:
            _answer(connection, request.told if raised is None else _unkept(raised))

        self.writer.put([request], then)
        return None

    def _read(self, asked: Asked, number: str) -> Request:
        by = self._actor(asked.authorization)
        if by is None:
            raise Refused(401, *UNKNOWN_TOKEN)
        if asked.too_long:
            raise Refused(413, T("一次最多1.5 MB。", "At most 1.5 MB at once; send fewer."))
        if b"\\u0000" in asked.body:
            raise Refused(400, T("请求无法读取：含有空字符。", "The request cannot be read: it holds a null character."))
        try:
            given = DeliveryIn.model_validate_json(asked.body)
        except ValidationError as error:
            wrong = problems_of([{**one, "loc": ("body", *one["loc"])} for one in error.errors()])
            raise Refused(422, *MALFORMED, wrong) from None
        found = self._look_up("round", number, Round.objects.filter(dossier__number=number).select_related("dossier__place").first)
        site = self._look_up("site", given.site, Site.objects.filter(code=given.site).select_related("place").first)
        if found is None or site is None or not is_seen(by, found.place_path) or not by.may("testing.read", site.place_path):
            raise Unseen("round")
        lines = [Line(s.tube, s.person, s.text, s.way, s.sampled_at) for s in given.sampled]
        asked_for: dict[str, Any] = {"tube_size": given.tube_size, "key": given.id, "add": given.add, "by": by, "at": clock.now()}
        return Request(self._context.run(read_delivery, found, site, lines, **asked_for))

    def end(self) -> None:
        """Write what has come in, answer it, hang up."""
        self._context.run(self.writer.write_all)
        for one in tuple(self.connections):
            one.hang_up()
        self._context.run(connections.close_all)

    def most_body_bytes(self, authorization: bytes) -> int:
        """Nothing of a stranger's request is kept."""
        try:
            return MOST_BYTES if self._actor(authorization) else 0
        except (DatabaseError, InterfaceError):
            return 0

    def _actor(self, authorization: bytes) -> Actor | None:
        kind, _, token = authorization.decode("latin-1").partition(" ")
        return self._look_up("token", token.strip(), lambda: _actor_behind(token.strip())) if kind.lower() == "bearer" else None

    def _look_up(self, kind: str, name: str, read: Callable[[], Any]) -> Any:
        if time.monotonic() - self._looked > self.look_s or len(self._known) >= MOST_NAMES:
            self._known.clear()
            self._looked = time.monotonic()
        if (kind, name) not in self._known:
            try:
                self._known[kind, name] = self._context.run(read)
            except (DatabaseError, InterfaceError):
                self._context.run(connections.close_all)  # a server that went away is asked anew next time
                raise
        return self._known[kind, name]


class Refused(Exception):
    """A request that cannot be understood: status, words, remedy, problems."""


def _actor_behind(token: str) -> Actor | None:
    at = clock.local_now()
    try:
        held = token_behind(token, at)
    except Unseen:
        return None
    with suppress(DatabaseError):  # a full disk stops writing, not reading
        keep_last_use(held, at=at)
    return actor_for(held.user, at, only=frozenset(held.scopes))


def write(group: Sequence[Request]) -> None:
    """Put a group of requests on disk and note with each what became of it; when this raises, they may be sent again without harm."""
    try:
        for request, told in zip(group, keep_deliveries([r.delivery for r in group], at=clock.now()), strict=True):
            request.told = told
    except (DatabaseError, InterfaceError):
        connections.close_all()
        raise


def _unkept(error: Exception) -> DatabaseError:
    log.warning("check-offs not written", error=type(error).__name__)
    return DatabaseError()


def _answer(connection: Connection, told: CheckedOff | Refusal | DatabaseError) -> None:
    if isinstance(told, CheckedOff):
        known = {str(who): tube for who, tube in told.known.items()}
        connection.answer(200, msgspec.json.encode({"new": told.new, "known": known, "room": told.room}))
    elif isinstance(told, Refusal):
        problems = [{"field": p.field, **pair(p.said)} for p in told.problems] if isinstance(told, Invalid) else None
        _refuse(connection, told.status, told.said, told.remedy, problems)
    else:
        _refuse(connection, 503, T("暂时存不下，请保留并重发。", "Not on disk: keep the check-offs and send them again."))


def _refuse(connection: Connection, status: int, said: T, remedy: T | None = None, problems: Sequence[object] | None = None) -> None:
    body: dict[str, object] = {"said": pair(said)}
    if remedy is not None:
        body["remedy"] = pair(remedy)
    if problems is not None:
        body["problems"] = problems
    connection.answer(status, msgspec.json.encode(body))


async def serve(host: str, port: int) -> None:
    """Listen until told to stop; then write what has come in, answer it, and end."""
    lane = Lane()
    await listen(host, port, lambda: Connection(lane.handle, lane.most_body_bytes, lane.connections), lane.connections)
    lane.end()


if __name__ == "__main__":
    run(serve(sys.argv[1], int(sys.argv[2])))
