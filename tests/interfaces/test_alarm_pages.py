"""The alarm pages and their interface: seen, decided once, refused to others."""

from datetime import timedelta

import pytest
from django.test import Client

from tests.domains.response.plans import published
from tests.domains.warning.conftest import alarm, finding, propose  # noqa: F401
from tests.fixtures_town import AT, Town
from tongchou.core.people.actions import issue_token
from tongchou.core.people.models import User
from tongchou.core.people.rules import system_actor
from tongchou.core.runs.models import Run
from tongchou.domains.sentinels.models import Sentinel, Stream
from tongchou.domains.warning.actions import Share
from tongchou.domains.warning.models import Alarm
from tongchou.interfaces import clock

MOST_QUERIES = 25


@pytest.fixture
def town(installed_town: Town, monkeypatch: pytest.MonkeyPatch) -> Town:
    monkeypatch.setattr(clock, "now", lambda: AT + timedelta(minutes=5))
    published(installed_town)
    return installed_town


def _signed_in(name: str) -> Client:
    client = Client()
    client.force_login(User.objects.get(username=name), backend="django.contrib.auth.backends.ModelBackend")
    return client


def _api(name: str, *scopes: str) -> Client:
    user = User.objects.get(username=name)
    secret = issue_token(user=user, name="t", scopes=scopes, expires_at=AT + timedelta(days=1), by=system_actor("t"), at=AT)
    return Client(headers={"Authorization": f"Bearer {secret}"})


def test_list_and_alarm_are_shown_within_the_budget_of_queries(town: Town, alarm: Alarm, django_assert_max_num_queries) -> None:  # noqa: F811
    client = _signed_in("lin")
    with django_assert_max_num_queries(MOST_QUERIES):
        listed = client.get("/alarms/?state=open").content.decode()
    assert alarm.dossier.number in listed and alarm.dossier.title_zh in listed
    with django_assert_max_num_queries(MOST_QUERIES):
        shown = client.get(f"/alarms/{alarm.dossier.number}").content.decode()
    assert "确认预警" in shown and "排除预警" in shown and "同类预警尚无结论；预计属实 50%" in shown


def test_who_may_not_decide_sees_no_buttons_and_is_refused(town: Town, alarm: Alarm) -> None:  # noqa: F811
    client = _signed_in("wu")
    assert f"/alarms/{alarm.dossier.number}/confirm" not in client.get(f"/alarms/{alarm.dossier.number}").content.decode()
    client.post(f"/alarms/{alarm.dossier.number}/dismiss", {"reason": "不想处理"})
    alarm.refresh_from_db()
    assert alarm.dossier.state == "proposed"


@pytest.mark.parametrize("by_page", [True, False])
def test_what_is_decided_at_three_in_the_morning_is_of_that_day(
    town: Town,
    alarm: Alarm,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    by_page: bool,
) -> None:
    three_o_clock = AT.replace(hour=19)  # UTC; in Shanghai the next day has begun
    monkeypatch.setattr(clock, "now", lambda: three_o_clock)
    number, reason = alarm.dossier.number, {"reason": "学校集中体检"}
    _signed_in("fang").post(f"/alarms/{number}/dismiss", reason) if by_page else _api("fang", "alarm.read", "alarm.dismiss").post(
        f"/api/v1/alarms/{number}/dismiss", reason, "application/json"
    )
    alarm.refresh_from_db()
    assert alarm.decided_on == three_o_clock.date() + timedelta(days=1)


def test_zhao_finds_nothing(town: Town, alarm: Alarm) -> None:  # noqa: F811
    client = _signed_in("zhao")
    assert client.get(f"/alarms/{alarm.dossier.number}").status_code == 404
    assert client.post(f"/alarms/{alarm.dossier.number}/confirm", {"reason": "x", "plan": "spread"}).status_code == 404
    assert alarm.dossier.number not in client.get("/alarms/").content.decode()


def test_acknowledge_then_confirm_leads_to_the_incident(town: Town, alarm: Alarm) -> None:  # noqa: F811
    client, number = _signed_in("lin"), alarm.dossier.number
    assert client.post(f"/alarms/{number}/acknowledge").status_code == 302
    done = client.post(f"/alarms/{number}/confirm", {"reason": "两例阳性", "plan": "spread"})
    assert done.status_code == 302 and done["Location"].startswith("/incidents/SJ-2022-")
    shown = client.get(f"/alarms/{number}").content.decode()
    assert "SJ-2022-0001" in shown and "更正结论" in shown


def test_the_second_officer_is_told_that_another_was_first(town: Town, alarm: Alarm) -> None:  # noqa: F811
    number = alarm.dossier.number
    _signed_in("fang").post(f"/alarms/{number}/dismiss", {"reason": "学校集中体检"})
    second = _signed_in("lin")
    refused = second.post(f"/alarms/{number}/confirm", {"reason": "两例阳性", "plan": "spread"}, headers={"Accept": "application/json"})
    assert refused.status_code == 409 and "已排除" in refused.json()["said"]
    page = second.post(f"/alarms/{number}/confirm", {"reason": "两例阳性", "plan": "spread"}, follow=True)
    assert "不能再执行" in page.content.decode()


def test_the_interface_does_what_the_pages_do(town: Town, alarm: Alarm) -> None:  # noqa: F811
    number, client = alarm.dossier.number, _api("lin", "alarm.read", "alarm.acknowledge", "alarm.confirm", "incident.work", "task.assign")
    listed = client.get("/api/v1/alarms?state=open").json()
    assert [row["number"] for row in listed["items"]] == [number]
    detail = client.get(f"/api/v1/alarms/{number}").json()
    assert (detail["grade"], detail["place"], detail["ppv"]["right"]) == ("orange", town.villages[0].code, 0)
    assert detail["ppv"] == listed["items"][0]["ppv"] and detail["ppv"]["mean"] == 0.5
    assert client.post(f"/api/v1/alarms/{number}/acknowledge", {"reason": ""}, "application/json").json()["state"] == "acknowledged"
    opened = client.post(f"/api/v1/alarms/{number}/confirm", {"reason": "两例阳性", "plan": "spread"}, "application/json")
    assert opened.json() == {"incident": "SJ-2022-0001"}
    again = client.post(f"/api/v1/alarms/{number}/confirm", {"reason": "两例阳性", "plan": "spread"}, "application/json")
    assert again.status_code == 409
    judged = client.post(f"/api/v1/alarms/{number}/verdict", {"reason": "复核", "verdict": "unclear"}, "application/json")
    assert judged.json()["verdict"] == "unclear"


def test_a_token_without_the_scope_or_place_is_refused(town: Town, alarm: Alarm) -> None:  # noqa: F811
    number = alarm.dossier.number
    assert _api("lin", "alarm.read").post(f"/api/v1/alarms/{number}/dismiss", {"reason": "试试"}, "application/json").status_code == 404
    assert _api("zhao", "alarm.read").get(f"/api/v1/alarms/{number}").status_code == 404
    evidence = f"/api/v1/places/{town.villages[0].code}/evidence?target=covid19&first_day=2022-06-01&last_day=2022-06-02"
    assert _api("zhao", "alarm.read").get(evidence).status_code == 404
    assert _api("wu", "alarm.read").get(evidence).json() == []


def test_what_comes_from_outside_is_named_and_leads_to_no_single_stream(town: Town, propose) -> None:  # noqa: F811
    stream = Stream.objects.create(
        code="s", kind="cases", indicator_zh="报告病例", indicator_en="cases", unit_zh="例", unit_en="cases", value_kind="count",
        is_specific=True, weight=1.0, targets=["covid19"], model={"form": "multiplicative"},
        sentinel=Sentinel.objects.create(
            code="s", kind="monitoring", setting="clinic", name_zh="门诊", name_en="Clinic", place=town.villages[0],
            operator_zh="卫生院", operator_en="Health centre", schedule={"weekdays": [1], "due": "18:00"}, valid_from=AT.date(),
        ),
    )  # fmt: skip
    shares = (Share("cases", stream.pk, 0.6, 9.0, 8.0), Share("outside:cases", None, 0.4, 12.0, None))
    found = propose(shares=shares)
    Run.objects.filter(pk=found.run_id).update(result={"place": town.villages[0].path, "statistic": 9.0})
    client = _signed_in("lin")
    for path in (f"/alarms/{found.dossier.number}", f"/alarms/{found.dossier.number}/run"):
        shown = client.get(path).content.decode()
        assert "来自外部：报告病例" in shown and "outside:cases" not in shown, path
