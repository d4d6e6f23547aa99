"""A disk that is full, a database that is busy or away, a defect of ours: each says so in both languages, on pages and to programs."""

import errno
import logging
from io import StringIO
from typing import Any

import pytest
from django.db import DataError, InterfaceError, OperationalError
from django.test import Client

from tests.fixtures_town import AT, Town
from tests.interfaces.callers import Caller
from tongchou.core.people.models import User
from tongchou.interfaces import clock
from tongchou.interfaces.api import town as api_town
from tongchou.interfaces.web import page as pages

FAULTS = [
    (OperationalError("database or disk is full"), 503, "磁盘已满", "nothing has changed"),
    (OSError(errno.ENOSPC, "No space left on device"), 503, "磁盘已满", "make room"),
    (OperationalError("database is locked"), 503, "数据库正忙", "few seconds"),
    (OperationalError("server closed the connection unexpectedly"), 503, "数据库没有回应", "wholly or not at all"),
    (InterfaceError("connection already closed"), 503, "数据库没有回应", "tongchou check"),
    (DataError("value too long for type character varying(120)"), 422, "太长", "nothing was saved"),
    (ZeroDivisionError("x"), 500, "程序出错", "the log has the details"),
]


@pytest.fixture
def browser(installed_town: Town, client: Client, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(clock, "now", lambda: AT)
    client.force_login(User.objects.get(username="lin"), backend="django.contrib.auth.backends.ModelBackend")
    client.raise_request_exception = False
    return client


def _break(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def broken(*_: object, **__: object) -> Any:
        raise error

    monkeypatch.setattr(pages, "actor_for", broken)


@pytest.mark.parametrize(("error", "status", "zh", "en"), FAULTS)
def test_page_says_what_broke_and_what_to_do_in_both_languages(
    browser: Client, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, zh: str, en: str, django_assert_max_num_queries: Any
) -> None:
    _break(monkeypatch, error)
    for lang, word in (("zh", zh), ("en", en)):
        browser.cookies["lang"] = lang
        shown = browser.post("/inbox/") if lang == "en" else browser.get("/")
        assert shown.status_code == status and word.lower() in shown.content.decode().lower()
        assert "Traceback" not in shown.content.decode() and "Content-Security-Policy" in shown.headers
    asked = browser.get("/", headers={"accept": "application/json"})
    assert asked.status_code == status and en in asked.json()["said"].lower() + asked.json()["said"]


@pytest.mark.parametrize(("error", "status", "zh", "en"), FAULTS)
def test_program_is_told_the_same(
    browser: Client, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, zh: str, en: str
) -> None:
    lin = Caller("lin")
    lin.client.raise_request_exception = False

    def broken(*_: object, **__: object) -> Any:
        raise error

    monkeypatch.setattr("tongchou.interfaces.api.api.token_behind", broken)
    answer = lin.get("/registers")
    assert answer.status_code == status and zh in answer.json()["said"]["zh"]
    assert en.lower() in str(answer.json()).lower() and answer.headers.get("Retry-After") == ("5" if status == 503 else None)


def test_session_that_cannot_be_read_is_no_bare_error_either(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> Any:
        raise OperationalError("could not connect to server")

    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.load", broken)
    shown = browser.get("/")
    assert shown.status_code == 503 and "数据库没有回应" in shown.content.decode()


def test_the_log_has_the_details_as_the_page_says(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    (process,) = [handler for handler in logging.getLogger("django.request").handlers if isinstance(handler, logging.StreamHandler)]
    written = StringIO()
    monkeypatch.setattr(process, "stream", written)
    browser.get("/alarms/nobody-knows")
    assert written.getvalue() == "", "what somebody may not see is no defect"
    _break(monkeypatch, ZeroDivisionError("of ours"))
    caller = Caller("lin")
    caller.client.raise_request_exception = False
    assert browser.get("/").status_code == 500
    assert "ZeroDivisionError: of ours" in written.getvalue() and "Traceback" in written.getvalue()
    written.truncate(0)
    monkeypatch.setattr(api_town, "town_for", _failing)
    assert caller.client.get("/api/v1/town").status_code == 500
    assert "ZeroDivisionError" in written.getvalue()


def _failing(*_: object, **__: object) -> Any:
    raise ZeroDivisionError("of ours")
