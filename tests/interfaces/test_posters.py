"""Posters for many doors: asked for on a page, made by the worker, kept a day for whoever asked, then gone."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from tests.domains.gate.door import door  # noqa: F401
from tests.fixtures_town import AT, Town
from tongchou.core.outbox.models import Message
from tongchou.core.outbox.queue import work_once
from tongchou.core.people.models import User
from tongchou.domains.gate.models import Device, Entrance
from tongchou.interfaces import clock
from tongchou.interfaces.jobs import bulk_posters, duties
from tongchou.interfaces.jobs.handlers import HANDLERS
from tongchou.interfaces.web.pages import posters as pages

pytestmark = pytest.mark.django_db(databases="__all__")
PAGE, DAY = "/gate/posters", timedelta(days=1)


@pytest.fixture
def made(door: Device, installed_town: Town, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Device:  # noqa: F811
    monkeypatch.setattr(clock, "now", lambda: AT)
    monkeypatch.setattr(settings, "HOME", tmp_path)
    monkeypatch.setattr(pages, "AT_ONCE", 0)
    return door


def _as(username: str) -> Client:
    client = Client()
    client.force_login(User.objects.get(username=username), backend="django.contrib.auth.backends.ModelBackend")
    client.cookies["lang"] = "en"
    return client


def _work() -> None:
    while work_once("w", AT, HANDLERS):
        pass


def test_many_are_made_by_the_worker_and_given_to_whoever_asked(made: Device, tmp_path: Path) -> None:
    lin, wu = _as("lin"), _as("wu")
    assert lin.get("/gate/posters.pdf?size=badge&q=cs").headers["Location"] == f"{PAGE}?size=badge&q=cs"
    asked = lin.get(f"{PAGE}?size=badge&q=cs")
    assert "cs: 1<" in asked.content.decode() and "Refresh" not in asked.headers
    for _ in range(2):  # pressed twice: one job
        lin.post(PAGE, {"size": "badge", "q": "cs"})
    job = Message.objects.get(topic=bulk_posters.TOPIC)
    waiting = lin.get(PAGE)
    assert "in the making" in waiting.content.decode() and waiting.headers["Refresh"] == "2"
    assert lin.get(f"{PAGE}/{job.pk}.pdf").status_code == 404
    _work()
    file = lin.get(f"{PAGE}/{job.pk}.pdf")
    assert file.content.startswith(b"%PDF") and file.headers["Content-Type"] == "application/pdf"
    assert f"{PAGE}/{job.pk}.pdf" in lin.get(PAGE).content.decode() and "Refresh" not in lin.get(PAGE).headers
    assert wu.get(f"{PAGE}/{job.pk}.pdf").status_code == 404 and "Nothing in the last day" in wu.get(PAGE).content.decode()
    assert [p.name for p in (tmp_path / "posters").iterdir()] == [f"{job.pk}.pdf"]


def test_after_a_day_they_are_gone(made: Device, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lin = _as("lin")
    lin.post(PAGE, {"size": "a4", "q": ""})
    _work()
    job = Message.objects.get(topic=bulk_posters.TOPIC)
    duties.forget_old_posters(AT + DAY - timedelta(seconds=1))
    assert lin.get(f"{PAGE}/{job.pk}.pdf").status_code == 200
    monkeypatch.setattr(clock, "now", lambda: AT + DAY)
    assert lin.get(f"{PAGE}/{job.pk}.pdf").status_code == 404  # even before the duty comes round
    duties.forget_old_posters(AT + DAY)
    assert list((tmp_path / "posters").iterdir()) == []


def test_how_far_it_is_is_shown_while_it_is_made(made: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    lin, seen = _as("lin"), []
    lin.post(PAGE, {"size": "a4", "q": ""})

    def drawn(posters: list[object], size: str, *, part: int, told: object) -> bytes:
        told(1)  # type: ignore[operator]
        seen.append(lin.get(PAGE).content.decode())
        return b"%PDF"

    monkeypatch.setattr(bulk_posters, "posters_pdf", drawn)
    _work()
    assert 'max="1" value="1"' in seen[0]


def test_what_is_printed_is_what_the_person_sees_when_it_is_made(made: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    lin = _as("lin")
    lin.post(PAGE, {"size": "a4", "q": "菜场"})
    User.objects.filter(username="lin").update(is_active=False)
    _work()
    assert Message.objects.get(topic=bulk_posters.TOPIC).outcome == "nothing"
    assert list(Path(settings.HOME).glob("posters/*")) == []


def test_nothing_too_much_and_strangers_are_refused(made: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    lin = _as("lin")
    assert lin.post(PAGE, {"size": "a4", "q": "nowhere"}).status_code == lin.post(PAGE, {"size": "a0", "q": ""}).status_code == 404
    assert _as("zhao").post(PAGE, {"size": "a4", "q": ""}).status_code == 404
    monkeypatch.setattr(pages, "MOST", 0)
    assert "Narrow the search" in lin.post(PAGE, {"size": "a4", "q": ""}, follow=True).content.decode()
    assert not Message.objects.filter(topic=bulk_posters.TOPIC).exists() and Entrance.objects.exists()
