"""The crews' lane over real sockets: the programming interface's own answers, many requests in one transaction."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import DatabaseError, connections

from tests.domains.testing.samplers import Scene, scene
from tests.fixtures_town import AT, Town
from tests.interfaces.callers import Caller
from tests.interfaces.test_gate_connections import answer as read_answer
from tongchou.core.people.models import Token
from tongchou.domains.testing.models import CheckOff
from tongchou.interfaces import check_offs, clock
from tongchou.interfaces.check_offs import Lane
from tongchou.interfaces.gate.connections import Connection

Ask = Callable[..., Awaitable[tuple[int, Any]]]
pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")
PATH = "/api/v1/testing/rounds/HS-2022-0001/check-offs"


@pytest.fixture
def made(installed_town: Town, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr(clock, "now", lambda: AT)
    return scene(installed_town)


def on_lane(work: Callable[[Ask], Awaitable[None]]) -> None:
    """A lane, and a way to send it requests as somebody, each on a line of its own."""

    async def run() -> None:
        lane = Lane(look_s=0.0)
        server = await asyncio.get_running_loop().create_server(
            lambda: Connection(lane.handle, lane.most_body_bytes, lane.connections), "127.0.0.1", 0
        )

        async def ask(token: str, body: dict[str, Any] | bytes, path: str = PATH) -> tuple[int, Any]:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"POST %s HTTP/1.1\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s" % (path.encode(), token.encode(), len(content), content))  # fmt: skip
            status, answered = await read_answer(reader)
            writer.close()
            return status, json.loads(answered)

        try:
            await asyncio.wait_for(work(ask), 30)
        finally:
            server.close()
            lane.end()

    asyncio.run(run())


def body(made: Scene, people: list[int], tube: str, site: str = "S1") -> dict[str, Any]:
    return {"site": site, "sampled": [{"person": made.people[n].pk, "tube": tube} for n in people]}


def test_crews_that_send_at_once_share_a_transaction_and_a_bad_one_fails_alone(made: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    wu, gao, groups, write = Caller("wu").secret, Caller("gao").secret, [], check_offs.write

    def counted(group: Sequence[Any]) -> None:
        groups.append(len(group))
        write(group)

    monkeypatch.setattr(check_offs, "write", counted)

    async def work(ask: Ask) -> None:
        told = await asyncio.gather(
            ask(wu, body(made, [0, 1], "TUBE0001")), ask(gao, body(made, [2], "TUBE0002")), ask(wu, body(made, [3], "管管管管")),
            ask(gao, body(made, [4], "TUBE0002")),
        )  # fmt: skip
        assert [status for status, _ in told] == [200, 200, 422, 200]
        assert told[0][1] == {"new": 2, "known": {}, "room": {"TUBE0001": 3}}
        assert (await ask(wu, body(made, [0, 1], "TUBE0001")))[1]["new"] == 0

    on_lane(work)
    assert CheckOff.objects.count() == 4 and sum(groups) == 5
    by = dict(CheckOff.objects.values_list("person_id", "by__username"))
    assert (by[made.people[0].pk], by[made.people[4].pk]) == ("wu", "gao")


def refused(made: Scene) -> Iterator[dict[str, Any] | bytes]:
    yield body(made, [0, 1, 2, 3, 4, 5], "TUBE0001")  # more than a tube takes
    yield body(made, [0], "TUBE0001", site="nowhere")
    yield {"site": "S1", "sampled": []}
    yield {"site": "S1", "sampled": [{"person": 0, "tube": "TUBE0001"}]}
    yield {"site": "S1", "sampled": [{"person": made.people[0].pk, "tube": "T", "way": "guess", "sampled_at": "2022-06-02T07:00:00"}]}
    yield {"site": "S1", "sampled": [{"person": 2**40, "tube": "TUBE0001"}], "tube_size": 7}


def test_refusals_are_word_for_word_those_of_the_programming_interface(made: Scene) -> None:
    wu, told = Caller("wu"), []

    async def work(ask: Ask) -> None:
        told.extend([await ask(wu.secret, one) for one in refused(made)])
        assert (await ask("stranger", body(made, [0], "TUBE0001")))[0] == 401
        assert (await ask(wu.secret, b'{"site": "S\\u00001", "sampled": []}'))[0] == 400
        assert (await ask(wu.secret, b"x" * (check_offs.MOST_BYTES + 1)))[0] == 413
        assert (await ask(wu.secret, b"{}", path="/api/v1/testing/rounds"))[0] == 404
        assert (await ask(wu.secret, body(made, [0], "TUBE0001"), path=PATH.replace("0001", "0009")))[0] == 404

    on_lane(work)
    answers = [wu.client.post(PATH, one, content_type="application/json") for one in refused(made)]
    assert told == [(answer.status_code, answer.json()) for answer in answers]
    assert [status for status, _ in told] == [422, 404, 422, 422, 422, 422] and not CheckOff.objects.exists()


def test_revoked_token_and_full_disk_are_said_and_nothing_is_acknowledged(made: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    wu = Caller("wu").secret

    async def work(ask: Ask) -> None:
        with monkeypatch.context() as broken:
            broken.setattr(check_offs, "keep_deliveries", raises)
            status, said = await ask(wu, body(made, [0], "TUBE0001"))
        assert status == 503 and "keep the check-offs" in said["said"]["en"]
        assert (await ask(wu, body(made, [0], "TUBE0001")))[0] == 200
        Token.objects.update(revoked_at=datetime.now(UTC))
        connections.close_all()  # this coroutine has one of its own
        assert (await ask(wu, body(made, [1], "TUBE0001")))[0] == 401

    on_lane(work)
    assert CheckOff.objects.count() == 1


def raises(*_: object, **__: object) -> None:
    raise DatabaseError("disk full")
