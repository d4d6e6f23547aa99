"""The gate's pages: what the office sees and does at doors, what a visitor sees behind a venue code, and what Zhao does not."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from tests.domains.gate.door import door  # noqa: F401
from tests.fixtures_town import AT, SINCE, Town
from tests.interfaces.callers import Caller
from tongchou.core.audit.models import PERSONAL_READ, Access
from tongchou.core.parameters.models import Parameter, ParameterValue
from tongchou.core.people.models import User
from tongchou.core.people.rules import system_actor
from tongchou.domains.gate.actions import publish_entry_rules
from tongchou.domains.gate.models import Device, DoorDay, Entrance
from tongchou.domains.gate.rules import ODDITIES, Limits
from tongchou.domains.gate.scan_log import Row, append
from tongchou.domains.registry.models import Venue
from tongchou.interfaces import clock
from tongchou.interfaces.jobs.duties import count_doors, release_footfall
from tongchou.interfaces.web.pages.doors import oddity_words
from tongchou.interfaces.web.posters import Poster, posters_pdf

pytestmark = pytest.mark.django_db(databases="__all__")
DOOR = "/gate/doors/CS1"


@pytest.fixture
def made(door: Device, installed_town: Town, monkeypatch: pytest.MonkeyPatch) -> Device:  # noqa: F811
    monkeypatch.setattr(clock, "now", lambda: AT)
    rule = {"venue_classes": ["all"], "from_on": "2022-06-01", "to_on": "2022-12-06", "test_hours": 72, "may_refuse": True}
    said = rule | {"source": {"zh": "5月29日通知", "en": "notice of 29 May"}, "confidence": "high"}
    publish_entry_rules(rules=[said], ceilings=[said], classes=["market"], place=installed_town.town, by=system_actor("test"), at=AT)
    return door


def _as(username: str) -> Client:
    client = Client()
    client.force_login(User.objects.get(username=username), backend="django.contrib.auth.backends.ModelBackend")
    client.cookies["lang"] = "en"
    return client


def test_the_list_shows_each_door_and_what_is_odd(made: Device) -> None:
    lin = _as("lin")
    page = lin.get("/gate/").content.decode()
    assert "菜场" in page and "Main entrance" in page
    count_doors(AT)
    assert DoorDay.objects.get().admitted == 1
    assert "No such door" in lin.get("/gate/?odd=silent").content.decode()
    assert "菜场" in lin.get("/gate/?q=cs1").content.decode() and "No such door" in lin.get("/gate/?q=nowhere").content.decode()


def test_what_is_odd_says_the_limits_in_force() -> None:
    said = oddity_words(Limits(timedelta(hours=30), 0.4))
    assert tuple(said) == ODDITIES and "30 hours" in said["silent"].en and "40 %" in said["few"].en


def test_a_phone_is_enrolled_by_the_code_shown_once_and_revoked(made: Device) -> None:
    lin = _as("lin")
    shown = lin.post(f"{DOOR}/invite", {"name": "West gate"})
    assert shown.headers["Cache-Control"] == "no-store"
    (code,) = re.findall(r"/scan#enrol=([\w-]+)", shown.content.decode())
    assert code not in lin.get(DOOR).content.decode()
    for status in (200, 400):  # once only
        assert Client().post("/scan/enrol", {"code": code}, content_type="application/json").status_code == status
    device = Device.objects.get(name="West gate")
    assert device.enrolled_at == AT
    refused = lin.post(f"/gate/devices/{device.pk}/revoke", {"reason": ""}, follow=True)
    assert "Say why" in refused.content.decode()
    lin.post(f"/gate/devices/{device.pk}/revoke", {"reason": "stolen"})
    device.refresh_from_db()
    assert device.revoked_at == AT and "stolen" in lin.get(DOOR).content.decode()


def test_keeper_and_footfall_are_kept_and_bad_numbers_refused(made: Device) -> None:
    lin = _as("lin")
    lin.post(DOOR, {"keeper": "张三", "expected_daily": "250"})
    assert list(Entrance.objects.values_list("keeper", "expected_daily")) == [("张三", 250)]
    assert "whole number" in lin.post(DOOR, {"keeper": "x", "expected_daily": "many"}, follow=True).content.decode()
    lin.post(DOOR, {"keeper": "张三", "expected_daily": ""})
    assert list(Entrance.objects.values_list("keeper", "expected_daily")) == [("张三", None)]


def test_venues_without_a_door_get_one(made: Device, small_town: Town) -> None:
    Venue.objects.create(code="CS2", venue_class="shop", name="小店", near_key="小店", place=small_town.villages[1], changed_at=AT)
    lin = _as("lin")
    assert "1 venues have no venue code yet" in lin.get("/gate/").content.decode()
    lin.post("/gate/open")
    assert Entrance.objects.filter(venue__code="CS2").count() == 1
    lin.post("/gate/open")
    assert Entrance.objects.count() == 2


def test_a_secretary_sees_their_own_village_and_changes_nothing(made: Device, small_town: Town) -> None:
    wu = _as("wu")
    assert "菜场" in wu.get("/gate/").content.decode() and wu.get(DOOR).status_code == 200
    for address in (DOOR, f"{DOOR}/invite", "/gate/open", f"/gate/devices/{made.pk}/revoke"):
        wu.post(address, {"name": "x", "reason": "because", "keeper": "x"})
    assert Device.objects.count() == 1 and Device.objects.get().revoked_at is None and Entrance.objects.get().keeper == ""


def test_zhao_of_another_town_sees_and_does_nothing(made: Device) -> None:
    zhao = _as("zhao")
    assert "菜场" not in zhao.get("/gate/").content.decode()
    assert zhao.get(DOOR).status_code == zhao.get("/gate/posters.pdf?code=CS1").status_code == 404
    for address in (DOOR, f"{DOOR}/invite", f"/gate/devices/{made.pk}/revoke"):
        assert zhao.post(address, {"name": "x", "reason": "because"}).status_code == 404
    assert Device.objects.get().revoked_at is None


def test_a_visitor_reads_what_is_asked_and_nobody_is_recorded(made: Device) -> None:
    client = Client(headers={"cookie": "lang=en"})
    page = client.get("/c/CS1")
    said = page.content.decode()
    assert (
        "菜场" in said and "a negative test of the last 72 hours" in said and "notice of 29 May" in said and "appeal to the staff" in said
    )
    assert "sessionid" not in page.cookies and "max-age=60" in page.headers["Cache-Control"]


@pytest.mark.parametrize("code", ["CS9", "310105-1", "<script>", "%00x"])
def test_a_code_that_is_not_ours_is_said_plainly(made: Device, code: str) -> None:
    answer = Client(headers={"cookie": "lang=en"}).get(f"/c/{code}")
    assert (
        answer.status_code == 404
        and "Not a venue code of this town" in answer.content.decode()
        and "<script>" not in answer.content.decode()
    )


@pytest.mark.parametrize("size", ["a4", "badge"])
def test_posters_are_a_page_each(made: Device, size: str) -> None:
    answer = _as("lin").get(f"/gate/posters.pdf?size={size}")
    assert answer.headers["Content-Type"] == "application/pdf" and answer.content.startswith(b"%PDF")
    posters = [Poster("徐泾镇", f'#场所 "{n}" \\ $x$ [b]', "正门", f"CS{n}", "*张*", f"https://x/c/CS{n}") for n in range(3)]
    assert b"/Count 3" in posters_pdf(posters, size)
    assert _as("lin").get("/gate/posters.pdf?size=a0").status_code == 404


def test_programs_read_doors_and_set_footfall(made: Device) -> None:
    lin = Caller("lin")
    (listed,) = lin.get("/gate/doors").json()["items"]
    assert (listed["code"], listed["scanners"], listed["odd"]) == ("CS1", 1, [])
    count_doors(AT)
    found = lin.post("/gate/doors/CS1", keeper="张三", expected_daily=9).json()
    assert (found["keeper"], found["odd"], found["days"], found["last_on"]) == ("张三", [], [], "2022-06-02")
    assert Caller("zhao").get("/gate/doors/CS1").status_code == 404
    assert AT - Entrance.objects.get().days.get().last_at == timedelta(minutes=5)


def test_exact_counts_are_shown_with_cause_alone_and_the_log_says_so(made: Device, small_town: Town) -> None:
    count_doors(AT)
    lin, row = _as("lin"), {"on": "2022-06-02", "admitted": 1, "refused": 1, "let_in": 0, "after_refusal": 0}
    assert "Nothing given yet" in lin.get(DOOR).content.decode()
    assert lin.post(f"{DOOR}/exact", {"purpose": ""}).status_code == 302 and not Access.objects.filter(action=PERSONAL_READ).exists()
    shown = lin.post(f"{DOOR}/exact", {"purpose": "complaint of 1 June"})
    assert "complaint of 1 June" in shown.content.decode() and shown.headers["Cache-Control"] == "no-store"
    assert Caller("lin").post("/gate/doors/CS1/exact", purpose="complaint of 1 June").json() == [row]
    assert (
        list(Access.objects.filter(action=PERSONAL_READ).values_list("reason", "subject_kind")) == [("complaint of 1 June", "entrance")] * 2
    )
    for name in ("wu", "zhao"):
        assert _as(name).post(f"{DOOR}/exact", {"purpose": "curious"}).status_code == 404


def test_the_day_as_it_was_given(made: Device, small_town: Town) -> None:
    lin, yesterday = _as("lin"), AT - timedelta(days=1)
    at_s = int(yesterday.timestamp())
    append([Row(made.pk, 100 + n, made.entrance_id, made.entrance.venue_id, n, at_s, at_s, 0, 0, 0, 0, 0, n) for n in range(12)])
    assert "No day has been given" in lin.get("/footfall/").content.decode()
    for key, value, unit in (("trace.k_anonymity", 10, "persons"), ("footfall.release_after", 6, "hour")):
        parameter = Parameter.objects.create(key=key, unit=unit, name_zh=key, name_en=key)
        ParameterValue.objects.create(
            parameter=parameter, value=value, valid_from=SINCE, source_zh="测试", source_en="test", confidence="low"
        )
    for _ in range(2):
        count_doors(AT)
        release_footfall(AT)
        append([Row(made.pk, 200, made.entrance_id, made.entrance.venue_id, 50, at_s, at_s, 0, 0, 0, 0, 0, 1)])  # late: in no figure
    page = lin.get("/footfall/").content.decode()
    assert "food market" in page and ">12<" in page and "<10" in page.replace("&lt;", "<")
    day = Caller("lin").get("/footfall", since="2022-06-01", until="2022-06-02").json()
    assert [(d["on"], d["k"], d["entries"], d["classes"]["market"]["entries"]) for d in day] == [("2022-06-01", 10, 12, 12)]
    hours = Caller("lin").get("/footfall/2022-06-01").json()["hours"]["market"]
    assert {(h["mark"], h["entries"]) for h in hours} == {("withheld", None)}  # nothing is enough beside 23 empty hours
    (figure,) = Caller("lin").get("/gate/doors/CS1").json()["days"]
    assert figure == {"on": "2022-06-01", "k": 10, "mark": "shown", "entries": 12, "refused": None, "let_in": 0, "after_refusal": 0}
    assert "Entries in town" in lin.get("/gate/").content.decode() and ">12<" in lin.get(DOOR).content.decode()
    for bad in ("/footfall/?on=2022-05-01", "/footfall/?on=x"):
        assert lin.get(bad).status_code == 404
    assert Caller("lin").get("/footfall/2022-05-01").status_code == 404
    assert Caller("lin").get("/footfall", since="2022-06-02", until="2022-06-01").status_code == 422
