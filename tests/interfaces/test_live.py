"""The live stream: another person's open page hears of a change; nobody hears of another town's; strangers hear nothing."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import OperationalError, connections
from django.test import Client

from tests.fixtures_town import AT, Town
from tongchou.core.audit.acting import action
from tongchou.core.audit.models import Entry
from tongchou.core.casework.actions import hand_over
from tongchou.core.casework.life import Opening, open_dossiers
from tongchou.core.casework.models import Dossier
from tongchou.core.outbox.queue import Telling, notify
from tongchou.core.people.models import User
from tongchou.core.people.rules import Actor
from tongchou.core.wording import T
from tongchou.domains.response.rules import TASK
from tongchou.interfaces import changes, clock
from tongchou.interfaces.changes import changes_after
from tongchou.interfaces.live import Live

WAIT_S = 10.0


@action("task.assign", place=lambda given: given["opening"].place.path)
def open_one(*, opening: Opening, by: Actor, at: Any) -> Dossier:
    return open_dossiers(TASK, [opening], by=by, at=at)[0]


def _task_for_wu(town: Town) -> Dossier:
    return open_one(opening=Opening(T("先行管控", "Hold"), town.villages[0], town.posts["village-1"]), by=town.lin, at=AT)


def _cookie(username: str) -> str:
    user = User.objects.get(username=username)
    session = SessionStore()
    session[SESSION_KEY], session[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session.save()
    return f"sessionid={session.session_key}"


class Page:
    """One open page: a request to the live application, its status, headers and the events that came."""

    def __init__(self, app: Live, cookie: str, *, origin: str = "http://127.0.0.1:8000", query: str = "", last_seq: str = "") -> None:
        headers = [(b"host", b"127.0.0.1:8001"), (b"origin", origin.encode()), (b"cookie", cookie.encode())]
        headers += [(b"last-event-id", last_seq.encode())] if last_seq else []
        self.scope = {"type": "http", "path": "/live", "method": "GET", "headers": headers, "query_string": query.encode()}
        self.status, self.headers, self.body, self.gone = 0, dict[bytes, bytes](), b"", asyncio.Event()
        self.task = asyncio.ensure_future(app(self.scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
        self.body += message.get("body", b"")

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line[6:]) for line in self.body.decode().splitlines() if line.startswith("data: ")]

    async def until(self, seen: Callable[["Page"], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not seen(self):
                await asyncio.sleep(0.02)

    async def close(self) -> None:
        self.gone.set()
        await asyncio.wait_for(self.task, WAIT_S)


def _topics(page: Page) -> set[str]:
    return {event["topic"] for event in page.events}


@pytest.fixture
def at_the_desk(transactional_db: None, small_town: Town, monkeypatch: pytest.MonkeyPatch) -> Town:
    monkeypatch.setattr(clock, "now", lambda: AT)
    return small_town


def _with_app(scene: Callable[[Live], Any], **settings: float) -> None:
    async def play() -> None:
        app = Live(poll_s=0.02, **settings)
        await scene(app)
        await app._read(connections.close_all)

    asyncio.run(play())


def test_new_task_reaches_its_holder_and_not_another_town(at_the_desk: Town) -> None:
    cookies = {who: _cookie(who) for who in ("wu", "gao", "zhao")}

    async def scene(app: Live) -> None:
        wu, gao, zhao = (Page(app, cookies[who]) for who in ("wu", "gao", "zhao"))
        for page in (wu, gao, zhao):
            await page.until(lambda p: p.status == 200)
        dossier = await asyncio.to_thread(_task_for_wu, at_the_desk)
        await wu.until(lambda p: {"inbox", "task"} <= _topics(p))
        await gao.until(lambda p: "task" in _topics(p))
        assert str(dossier.pk) in next(e["keys"] for e in wu.events if e["topic"] == "task")
        assert "inbox" not in _topics(gao)
        for page in (wu, gao, zhao):
            await page.close()
        assert zhao.events == [] and not app.listeners
        await asyncio.to_thread(connections.close_all)

    _with_app(scene)


def test_page_that_lost_its_stream_hears_what_it_missed(at_the_desk: Town) -> None:
    _task_for_wu(at_the_desk)
    seen, cookie = Entry.objects.latest("seq").seq, _cookie("wu")
    hand_over(Dossier.objects.get(), post=at_the_desk.posts["doctor"], reason="更近", by=at_the_desk.lin, at=AT)

    async def scene(app: Live) -> None:
        for given in ({"last_seq": str(seen)}, {"query": f"seq={seen}"}):
            page = Page(app, cookie, **given)  # type: ignore[arg-type]
            await page.until(lambda p: "inbox" in _topics(p))
            assert f"id: {seen + 1}" in page.body.decode()
            await page.close()

    _with_app(scene)


def test_strangers_and_other_sites_are_turned_away(at_the_desk: Town) -> None:
    cookie = _cookie("lin")
    ended = _cookie("wu")
    wu = User.objects.get(username="wu")
    wu.set_password("another horse")
    wu.save()

    async def scene(app: Live) -> None:
        for given in (
            {"cookie": ""},
            {"cookie": "sessionid=forged"},
            {"cookie": ended},
            {"cookie": cookie, "origin": "http://evil.example:8000"},
            {"cookie": cookie, "origin": "http://127.0.0.1:9999"},
        ):
            page = Page(app, **given)
            await asyncio.wait_for(page.task, WAIT_S)
            assert page.status == 403
            assert page.headers.get(b"access-control-allow-origin") in (None, b"http://127.0.0.1:8000")
        good = Page(app, cookie)
        await good.until(lambda p: p.status == 200)
        assert good.headers[b"access-control-allow-origin"] == b"http://127.0.0.1:8000"
        assert good.headers[b"access-control-allow-credentials"] == b"true"
        await good.close()

    _with_app(scene)


def test_quiet_stream_beats_and_ends_after_its_time(at_the_desk: Town) -> None:
    cookie = _cookie("lin")

    async def scene(app: Live) -> None:
        page = Page(app, cookie)
        await asyncio.wait_for(page.task, WAIT_S)
        assert page.body.count(b": still here") >= 2

    _with_app(scene, heartbeat_s=0.05, stream_s=0.3)


def test_stream_outlives_a_database_that_goes_away(at_the_desk: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    cookie, failures = _cookie("wu"), [OperationalError("server closed the connection")] * 2

    def shaky(*args: Any, **given: Any) -> Any:
        if failures:
            raise failures.pop()
        return changes.changes_after(*args, **given)

    monkeypatch.setattr("tongchou.interfaces.live.changes_after", shaky)
    monkeypatch.setattr("tongchou.interfaces.live.DATABASE_PAUSE_S", 0.02)

    async def scene(app: Live) -> None:
        page = Page(app, cookie)
        await page.until(lambda p: p.status == 200)
        await asyncio.to_thread(_task_for_wu, at_the_desk)
        await page.until(lambda p: "inbox" in _topics(p))
        await page.close()
        await asyncio.to_thread(connections.close_all)

    _with_app(scene)
    assert failures == []


def test_polling_gives_the_same_answer(installed_town: Town, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: AT)
    client.force_login(User.objects.get(username="wu"), backend="django.contrib.auth.backends.ModelBackend")
    _task_for_wu(installed_town)
    answer = client.get("/live/since?seq=0").json()
    assert answer["seq"] == Entry.objects.latest("seq").seq
    assert {"inbox", "task"} <= {event["topic"] for event in answer["events"]}
    assert client.get(f"/live/since?seq={answer['seq']}").json() == {"seq": answer["seq"], "events": []}
    notify([Telling(User.objects.get(username="wu"), T("提醒", "reminder"))], at=AT)
    assert [e["topic"] for e in client.get(f"/live/since?seq={answer['seq']}").json()["events"]] == ["inbox"]
    client.logout()
    assert client.get("/live/since?seq=0").status_code == 302


def test_changes_are_told_by_place(small_town: Town) -> None:
    _task_for_wu(small_town)
    heard = changes_after(0)
    assert {e["topic"] for e in heard.events_for(small_town.chen)} == {"task", "dossier"}
    assert {e["topic"] for e in heard.events_for(small_town.wu)} == {"task", "dossier", "inbox"}
    assert heard.events_for(small_town.zhao) == []
