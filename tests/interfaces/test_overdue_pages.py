"""Who is overdue for regular testing, on the pages and for programs: numbers for everybody who may see them, names for whoever chases."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.domains.testing.samplers import IDS, Scene, parameter, scene
from tests.fixtures_town import AT, Town
from tests.interfaces.callers import Caller
from tongchou.core.audit.models import Access
from tongchou.core.people.models import User
from tongchou.domains.registry.models import Resident
from tongchou.domains.testing.models import KeyWorker
from tongchou.interfaces import clock

OVERDUE = "/testing/overdue"


@pytest.fixture
def made(installed_town: Town, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr(clock, "now", lambda: AT)
    parameter("testing.regular_every", "hours", {"resident": 72, "courier": 48})
    return scene(installed_town)


def _as(username: str) -> Client:
    client = Client()
    client.force_login(User.objects.get(username=username), backend="django.contrib.auth.backends.ModelBackend")
    client.cookies["lang"] = "en"
    return client


def _readings() -> list[str]:
    return list(Access.objects.filter(action="person.read").order_by("seq").values_list("reason", flat=True))


def test_numbers_name_nobody_and_each_list_is_logged(made: Scene) -> None:
    wu, village = _as("wu"), made.town.villages[0].code
    page = wu.get(OVERDUE).content.decode()
    assert "5 people are past their interval now; 5 of them were never sampled" in page and "居民" not in page and not _readings()
    listed = wu.post(f"{OVERDUE}/people", {"place": village})
    body = listed.content.decode()
    assert all(f"居民{n}" in body for n in range(5)) and "居民5" not in body and "H1" in body and listed["Cache-Control"] == "no-store"
    assert _readings() == ["常态化核酸催采 chasing overdue regular tests"] * 2  # of each household: each can learn of it
    called = wu.post(f"{OVERDUE}/call/{made.people[0].pk}", headers={"accept": "application/json"})
    assert called.json() == {"phone": "19900123450"} and len(_readings()) == 3
    assert "19900123451" in wu.post(f"{OVERDUE}/call/{made.people[1].pk}").content.decode()


def test_list_of_key_workers_brings_their_units_and_a_unit_is_listed(made: Scene) -> None:
    gao = _as("gao")
    table = f"身份证号,人群,单位\n{IDS[0]},快递外卖,顺风速递\n{IDS[5]},快递外卖,顺风速递\n"
    gao.post("/testing/due", {"file": SimpleUploadedFile("key.csv", table.encode())})
    KeyWorker.objects.update(from_on=AT.date().replace(day=1, month=5))
    assert "顺风速递" in gao.get(OVERDUE).content.decode()
    body = gao.post(f"{OVERDUE}/people", {"place": made.town.town.code, "group": "courier", "unit": "顺风速递"}).content.decode()
    assert "居民0" in body and "居民5" in body and "居民1" not in body and "couriers" in body


def test_pages_of_many_households_and_people_of_none(made: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tongchou.interfaces.web.pages.testing_overdue.HOUSEHOLDS", 1)
    Resident.objects.filter(pk=made.people[4].pk).update(household=None)
    wu, seen = _as("wu"), []
    for number in ("1", "2", "3"):
        body = wu.post(f"{OVERDUE}/people", {"place": made.town.villages[0].code, "page": number}).content.decode()
        assert f"page {number} of 3" in body
        seen += [n for n in range(6) if f"居民{n}" in body]
    assert sorted(seen) == [0, 1, 2, 3, 4]


def test_others_see_neither_names_nor_numbers(made: Scene) -> None:
    assert "居民" not in _as("zhao").get(OVERDUE).content.decode()
    for who, place in (("zhao", made.town.villages[0].code), ("wu", made.town.villages[1].code), ("wu", "nowhere")):
        assert _as(who).post(f"{OVERDUE}/people", {"place": place}).status_code == 404
    assert _as("zhao").post(f"{OVERDUE}/call/{made.people[0].pk}").status_code == 404
    assert not _readings()


def test_programs_read_the_same(made: Scene) -> None:
    gao, village = Caller("gao"), made.town.villages[0].code
    people: list[dict[str, Any]] = [{"person": made.people[0].pk, "group": "courier", "unit": "顺风速递"}]
    assert gao.post("/testing/key-workers", people=people, from_on="2022-05-01").json() == {"new": 1}
    body = gao.get("/testing/overdue").json()
    assert body["villages"] == [{"place": village, "people": 5, "never": 5}, {"place": made.town.villages[1].code, "people": 1, "never": 1}]
    assert body["units"] == [{"group": "courier", "unit": "顺风速递", "people": 1}] and not _readings()
    some = gao.post("/testing/overdue/people?limit=2", place=village).json()
    assert some["count"] == 5 and [row["person"] for row in some["items"]] == [made.people[0].pk, made.people[1].pk]
    assert some["items"][0]["group"] in {"courier", "resident"} and some["items"][1]["last_sampled_at"] is None
    assert gao.post("/testing/overdue/people", place=village, group="courier", unit="顺风速递").json()["count"] == 1
    assert gao.post("/testing/overdue/calls", person=made.people[0].pk).json() == {"phone": "19900123450"}
    assert len(_readings()) == 3  # one household twice, and the call
    counting = Caller("gao", ["testing.read"])
    assert counting.get("/testing/overdue").status_code == 200
    assert counting.post("/testing/overdue/people", place=village).status_code == 404
    assert Caller("zhao").post("/testing/overdue/people", place=village).status_code == 404
