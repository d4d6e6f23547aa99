"""Drafts of warning on the pages and the interface: read by whoever may, taken by few, always recorded, never sent."""

from __future__ import annotations

import json
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from django.test import Client

from tests.domains.warning.conftest import alarm, finding, propose  # noqa: F401
from tests.fixtures_town import AT, SINCE, Town
from tongchou.core.audit.models import Entry
from tongchou.core.outbox.models import Message
from tongchou.core.parameters.models import Parameter, ParameterValue
from tongchou.core.people.actions import issue_token
from tongchou.core.people.models import User
from tongchou.core.people.rules import system_actor
from tongchou.domains.warning.actions import dismiss_alarm
from tongchou.domains.warning.models import Alarm
from tongchou.interfaces import clock


@pytest.fixture
def town(installed_town: Town, monkeypatch: pytest.MonkeyPatch) -> Town:
    monkeypatch.setattr(clock, "now", lambda: AT + timedelta(minutes=5))
    parameter = Parameter.objects.create(key="warning.drafts_by_grade", unit="kinds", name_zh="文稿", name_en="drafts")
    ParameterValue.objects.create(
        parameter=parameter, value={"orange": ["advice", "notice"]}, valid_from=SINCE, source_zh="测试", source_en="test", confidence="low"
    )
    return installed_town


def _as(name: str, lang: str = "zh") -> Client:
    client = Client()
    client.force_login(User.objects.get(username=name), backend="django.contrib.auth.backends.ModelBackend")
    client.cookies["lang"] = lang
    return client


def _taken() -> list[dict[str, Any]]:
    return [json.loads(e.detail) for e in Entry.objects.filter(action="alarm.draft").order_by("seq")]


def test_reading_records_nothing_and_the_alarm_leads_there(town: Town, alarm: Alarm, django_assert_max_num_queries: Any) -> None:  # noqa: F811
    client, address = _as("lin"), f"/alarms/{alarm.dossier.number}/drafts"
    assert address in client.get(f"/alarms/{alarm.dossier.number}").content.decode()
    with django_assert_max_num_queries(25):
        text = client.get(address).content.decode()
    assert "关于徐泾居委会新冠病毒感染的健康风险提示" in text and "预警决策建议 · 此级别不用" in text and "取用复制" in text
    assert _taken() == []


def test_taking_is_recorded_with_the_digest_of_the_text_and_sends_nothing(town: Town, alarm: Alarm) -> None:  # noqa: F811
    client, address, sent = _as("lin"), f"/alarms/{alarm.dossier.number}/drafts", Message.objects.count()
    copied = client.post(address, {"kind": "notice", "form": "copy"})
    text = client.post(address, {"kind": "notice", "form": "text"})
    pdf = client.post(address, {"kind": "notice", "form": "pdf"})
    assert "<textarea" in copied.content.decode() and "警示信息通报" in text.content.decode()
    assert pdf.content.startswith(b"%PDF") and "attachment" in pdf.headers["Content-Disposition"]
    assert [(d["kind"], d["form"]) for d in _taken()] == [("notice", "copy"), ("notice", "text"), ("notice", "pdf")]
    assert {d["sha256"] for d in _taken()} == {sha256(text.content).hexdigest()}
    assert Message.objects.count() == sent
    assert "取用预警文稿" in client.get(f"/alarms/{alarm.dossier.number}").content.decode()


@pytest.mark.parametrize(
    "asked", [{"kind": "recommendation", "form": "pdf"}, {"kind": "notice", "form": "fax"}, {"kind": "x", "form": "pdf"}]
)
def test_what_is_not_proper_is_not_given(town: Town, alarm: Alarm, asked: dict[str, str]) -> None:  # noqa: F811
    assert _as("lin").post(f"/alarms/{alarm.dossier.number}/drafts", asked).status_code == 404
    assert _taken() == []


def test_who_may_only_read_takes_nothing_and_zhao_finds_nothing(town: Town, alarm: Alarm) -> None:  # noqa: F811
    address = f"/alarms/{alarm.dossier.number}/drafts"
    assert "取用复制" not in _as("gao").get(address).content.decode()
    assert _as("gao").post(address, {"kind": "advice", "form": "text"}).status_code == 404
    assert _as("zhao").get(address).status_code == 404
    assert _taken() == []


def test_a_dismissed_alarm_has_no_drafts(town: Town, alarm: Alarm) -> None:  # noqa: F811
    dismiss_alarm(alarm, reason="已核实", by=town.lin, at=AT)
    address = f"/alarms/{alarm.dossier.number}/drafts"
    assert "没有适用的文稿" in _as("lin").get(address).content.decode()
    assert address not in _as("lin").get(f"/alarms/{alarm.dossier.number}").content.decode()
    assert _as("lin").post(address, {"kind": "advice", "form": "text"}).status_code == 404


def test_the_interface_gives_both_languages_and_records_it(town: Town, alarm: Alarm) -> None:  # noqa: F811
    user = User.objects.get(username="lin")
    scopes = ("alarm.read", "alarm.acknowledge")
    secret = issue_token(user=user, name="t", scopes=scopes, expires_at=AT + timedelta(days=1), by=system_actor("t"), at=AT)
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    found = client.post(f"/api/v1/alarms/{alarm.dossier.number}/drafts/advice")
    assert found.status_code == 200 and "健康风险提示" in found.json()["text"]["zh"] and "Health risk advice" in found.json()["title"]["en"]
    assert [d["form"] for d in _taken()] == ["api"]
    assert client.post(f"/api/v1/alarms/{alarm.dossier.number}/drafts/recommendation").status_code == 404
