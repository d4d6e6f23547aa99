"""Visits to firms on the pages, from a phone, and for programs: who is proposed and why, the round, the permission, what is kept once."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from tests.domains.difficulties.firms import SYSTEM, Workshop, workshop
from tests.fixtures_town import AT, Town
from tests.interfaces.callers import Caller
from tests.interfaces.test_testing_pages import _as, _said
from tongchou.core.audit.models import Entry
from tongchou.core.people.actions import revoke_token
from tongchou.core.people.models import Token, User
from tongchou.core.people.rules import system_actor
from tongchou.domains.calls.actions import generate_points
from tongchou.domains.calls.models import Call, DayPlan
from tongchou.domains.difficulties.models import Difficulty
from tongchou.interfaces import clock
from tongchou.interfaces.api import calls
from tongchou.interfaces.web.route_drawing import Spot, route_drawing

KEY = "00000000-0000-4000-8000-000000000001"
DAY = "2022-06-02"


@pytest.fixture
def shop(installed_town: Town, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    monkeypatch.setattr(clock, "now", lambda: AT)
    monkeypatch.setattr(calls, "random_share", lambda: 0.99)  # nobody is drawn to be called back
    made = workshop(installed_town)
    points = {firm.pk: (121.23 + n / 500, 31.17) for n, firm in enumerate(made.firms[:1])}
    generate_points(points=points, place=installed_town.town, by=SYSTEM, at=AT)
    yield made


def take(username: str = "wu", day: str = DAY) -> Any:
    client = Client(headers={"accept": "application/json"})
    client.force_login(User.objects.get(username=username), backend="django.contrib.auth.backends.ModelBackend")
    return client.post("/call/take", {"day": day})


def bundle(token: str, tag: str = "", day: str = DAY) -> Any:
    return Client().get("/call/bundle", {"day": day}, headers={"Authorization": f"Bearer {token}", "If-None-Match": tag})


def send(token: str, shop: Workshop, **more: Any) -> Any:
    body = {"id": KEY, "firm": shop.firms[0].pk, "called_at": AT.isoformat(), "outcome": "met", "spoke_to": "钱会计", **more}
    return Client(headers={"Authorization": f"Bearer {token}"}).post("/api/v1/calls", body, content_type="application/json")


def planned(shop: Workshop, **given: Any) -> Any:
    form = {"day": DAY, "place": shop.town.villages[0].code, "minutes": "240"} | given
    return _as("wu").post("/calls/plan", form, follow=True)


def test_a_day_is_planned_from_reasons_in_words_and_drawn(shop: Workshop) -> None:
    text = _as("wu").get("/calls/").content.decode()
    assert "示例企业1" in text and "never visited · not back at work" in text and "示例企业3" not in text
    after = planned(shop)
    text = after.content.decode()
    assert "2 firms" in _said(after) and text.count('class="stop') == 2 and f"/call#day={DAY}" in text and "not measured yet" in text
    only = planned(shop, firm=[shop.firms[1].pk], minutes="40")
    assert "1 firms" in _said(only) and DayPlan.objects.get().stops.get().firm == shop.firms[1]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"minutes": "0"}, "1 to 720"),
        ({"minutes": "九"}, "Digits only"),
        ({"minutes": "3"}, "Too little time"),
        ({"day": "2022-06-01"}, "is over"),
        ({"day": "someday"}, "2022-06-02"),
    ],
)
def test_a_day_that_cannot_be_is_refused_in_words(shop: Workshop, given: dict[str, str], said: str) -> None:
    assert said in _said(planned(shop, **given)) and not DayPlan.objects.exists()


def test_elsewhere_is_nowhere(shop: Workshop) -> None:
    elsewhere = {"day": DAY, "place": shop.town.villages[1].code, "minutes": "240"}
    assert _as("wu").post("/calls/plan", elsewhere).status_code == 404 and _as("zhao").get("/calls/").status_code == 200
    assert "示例企业" not in _as("zhao").get("/calls/").content.decode() and _as("chen").get("/calls/").status_code == 404
    planned(shop)
    assert [take("lin").status_code, take("zhao").status_code, take(day="2022-06-03").status_code, take(day="").status_code] == [404] * 4


def test_what_is_known_goes_along_once_logged_and_ends_with_the_permission(shop: Workshop) -> None:
    shop.answered()
    planned(shop)
    taken = take().json()
    answer = bundle(taken["token"])
    body = answer.json()
    assert {stop["name"] for stop in body["stops"]} == {"示例企业1", "示例企业2"} and body["ends_at"] == (
        AT + timedelta(hours=36)
    ).timestamp() * 1000
    assert bundle(taken["token"], answer.headers["ETag"]).status_code == 304
    assert Entry.objects.filter(action="call.take_along").count() == 1
    assert Token.objects.get().scopes == ["call.make", "call.read", "difficulty.hear", "difficulty.raise"]
    read = Client(headers={"Authorization": f"Bearer {taken['token']}"}).get("/api/v1/difficulties")
    assert read.status_code == 404, "a phone's permission reads no lists"
    assert bundle("nobody").status_code == 401 and bundle(taken["token"], day="2022-06-03").status_code == 404
    revoke_token(token=Token.objects.get(), by=system_actor("test"), at=AT)
    assert bundle(taken["token"]).status_code == 401 and send(taken["token"], shop).status_code == 401


def test_a_visit_sent_twice_is_there_once_and_its_report_is_counted(shop: Workshop) -> None:
    row = shop.answered()
    planned(shop)
    token = take().json()["token"]
    told = [{"kind": "passage", "words": "料车下不了高速"}]
    heard = [{"number": row.dossier.number, "verdict": "solved"}, {"number": "KN-2022-0099", "verdict": "solved"}]
    first = send(token, shop, told=told, heard=heard, point=[121.231, 31.171]).json()
    again = send(token, shop, told=told, heard=heard).json()
    assert (first["is_new"], first["raised"], first["passed_over"]) == (True, ["KN-2022-0002"], ["KN-2022-0099"])
    assert (again["is_new"], again["raised"]) == (False, ["KN-2022-0002"]) and Call.objects.count() == 1 and Difficulty.objects.count() == 2
    text = _as("wu").get("/calls/").content.decode()
    assert "2 Jun: 1 visited (met 1); difficulties raised: 1; asked on the spot: 1 solved, 0 not yet." in text and "钱会计" in text
    assert 'class="stop done"' in text
    assert send(token, shop, id=KEY[:-1] + "2", spoke_to="").status_code == 422
    assert send(token, shop, id=KEY[:-1] + "3", point=[200, 31]).status_code == 422
    assert send(token, shop, id=KEY[:-1] + "4", firm=shop.firms[2].pk).status_code == 404


def test_programs_ask_who_needs_a_visit_and_plan_one(shop: Workshop) -> None:
    wu, zhao, village = Caller("wu"), Caller("zhao"), shop.town.villages[0].code
    needs = wu.get("/calls/needs", place=village).json()
    assert [one["name"] for one in needs] == ["示例企业2", "示例企业1"] and needs[0]["reasons"][0]["zh"] == "从未走访"
    plan = wu.post("/calls/plan", day=DAY, place=village, minutes=240).json()
    assert len(plan["stops"]) == 2 and wu.get("/calls/plan", day=DAY).json() == plan
    assert zhao.get("/calls/needs", place=village).status_code == 404 and wu.get("/calls/plan", day="2022-06-03").status_code == 404
    wu.post("/calls", id=KEY, firm=shop.firms[0].pk, called_at=AT.isoformat(), outcome="absent")
    assert wu.get("/calls").json()["items"][0]["outcome"] == "absent" and zhao.get("/calls").status_code == 404


def test_the_page_of_the_phone_is_the_same_for_everybody(shop: Workshop) -> None:
    anybody = Client()
    text = anybody.get("/call").content.decode()
    assert "示例企业" not in text and anybody.get("/call")["Permissions-Policy"].endswith("geolocation=(self)")
    worker = anybody.get("/call/worker.js").content.decode()
    assert "/call" in worker and re.search(r"call/call(\.\w+)?\.js", worker) and "offline/errands" in worker
    assert anybody.get("/call/manifest.json").json()["start_url"] == "/call"


def test_the_drawing_is_to_scale_and_escapes_names() -> None:
    start, near = (121.23, 31.17), (121.24, 31.17)
    drawn = str(route_drawing(start, [Spot(near, "<b>厂</b>", True, False), Spot(start, "同址", False, True)]))
    assert "&lt;b&gt;" in drawn and 'class="stop done unmeasured"' in drawn
    x = [float(found) for found in re.findall(r'cx="([\d.]+)"', drawn)]
    length, label = re.search(r'h([\d.]+)"/><text[^>]*>(\d+) m<', drawn).groups()  # type: ignore[union-attr]
    # A hundredth of a degree of longitude at 31.17 N is 951 m.
    assert (x[0] - x[1]) / 951 == pytest.approx(float(length) / int(label), rel=0.01)
