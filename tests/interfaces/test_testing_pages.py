"""Testing pages: office, crew, laboratory and the public one; a whole round by hand, and Zhao sees nothing."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.domains.testing.samplers import ALL_DAY, IDS, Scene, parameter, scene
from tests.fixtures_town import AT, Town
from tongchou.core.audit.models import Access
from tongchou.core.people.models import User
from tongchou.core.places.models import Place
from tongchou.domains.registry.models import Resident
from tongchou.domains.testing.actions import report_queue
from tongchou.domains.testing.models import Account, Box, CheckOff, KeyWorker, Round, Site, Tube
from tongchou.domains.testing.queries import missing_count
from tongchou.interfaces import clock

ROUND, CREW = "/testing/rounds/HS-2022-0001", "/testing/rounds/HS-2022-0001/crew/S1"


@pytest.fixture
def made(installed_town: Town, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr(clock, "now", lambda: AT)
    return scene(installed_town)


def _as(username: str, lang: str = "en") -> Client:
    client = Client()
    client.force_login(User.objects.get(username=username), backend="django.contrib.auth.backends.ModelBackend")
    client.cookies["lang"] = lang
    return client


def _said(answer: Any) -> str:
    return " ".join(str(m) for m in answer.context["messages"])


def test_whole_round_is_done_on_the_pages(made: Scene) -> None:
    gao, wu, chen = _as("gao"), _as("wu"), _as("chen")
    assert "Everybody" in gao.get("/testing/").content.decode()
    tube = wu.post(CREW, {"scan": "TUBE0001"})
    assert tube.status_code == 302 and tube["Location"].endswith("?tube=TUBE0001")
    panel = wu.post(CREW, {"scan": "H1", "tube": "TUBE0001"}).content.decode()
    assert all(f"居民{n}" in panel for n in range(3)) and "居民3" not in panel
    people = [p.pk for p in made.people]
    checked = wu.post(
        f"{CREW}/check", {"everybody": people[:3], "person": people[:1], "whole": "1", "tube": "TUBE0001", "way": "household"}, follow=True
    )
    assert _said(checked) == "3 checked off; the tube takes 2 more." and CheckOff.objects.count() == 3
    again = wu.post(f"{CREW}/check", {"person": people[:3], "tube": "TUBE0001", "way": "household"}, follow=True)
    assert "0 checked off" in _said(again) and CheckOff.objects.count() == 3
    assert "TUBE0001" in wu.post(CREW, {"scan": IDS[0]}).content.decode()
    wu.post(f"{CREW}/check", {"person": people[3:4], "tube": "TUBE0002", "way": "id_number"})
    wu.post(f"{CREW}/queue", {"queue": "12"})
    packed = wu.post(f"{CREW}/pack", {"laboratory": "区实验室"}, follow=True)
    assert "2 tubes" in _said(packed) and Site.objects.get().queue == 12
    box = Box.objects.get()
    assert "2 tubes were packed" in _said(chen.post(f"/testing/boxes/{box.pk}/receive", {"holder": "收样", "tube_count": "1"}, follow=True))
    chen.post(f"/testing/boxes/{box.pk}/receive", {"holder": "收样", "tube_count": "2"})
    table = "管码,结果,检测时间\nTUBE0001,阳性,2022-06-02 19:00\nTUBE0002,阴性,2022-06-02 19:00\n"
    told = chen.post("/testing/laboratory", {"file": SimpleUploadedFile("r.csv", table.encode())}, follow=True)
    assert _said(told).endswith("2 new; pools called back: 1, positive alone: 0.")
    page = gao.get(ROUND).content.decode()
    assert "HS-2022-0002" in page and "66.7%" in page
    gao.post(f"{ROUND}/wind-up")
    missing = gao.get(f"{ROUND}/missing").content.decode()
    assert "居民4" in missing and "居民5" in missing and "居民0" not in missing and "19900" not in missing
    gao.post(f"{ROUND}/missing", {"person": people[4:], "reason": "no_answer", "to_post": "duty-officer"})
    assert Account.objects.filter(to_post__code="duty-officer").count() == 2
    assert "everybody is accounted for" in _said(gao.post(f"{ROUND}/close", follow=True))


def test_call_is_one_tap_and_logged(made: Scene) -> None:
    address = f"{ROUND}/call/{made.people[0].pk}"
    plain = _as("wu").post(address)
    assert 'href="tel:19900123450"' in plain.content.decode() and plain["Cache-Control"] == "no-store"
    asked = _as("wu").post(address, headers={"accept": "application/json"})
    assert asked.json() == {"phone": "19900123450"} and Access.objects.filter(action="person.read").count() == 2
    assert _as("wu").get(address).status_code == 405
    refused = _as("wu").post(f"{ROUND}/call/{made.people[5].pk}", headers={"accept": "application/json"})
    assert refused.status_code == 404


def test_village_secretary_sees_her_village_alone_on_the_missing_list(made: Scene) -> None:
    shown = _as("wu").get(f"{ROUND}/missing").content.decode()
    assert "居民4" in shown and "居民5" not in shown
    told = _as("wu").post(f"{ROUND}/missing", {"person": [made.people[5].pk], "reason": "infant"}, follow=True)
    assert "not yours" in _said(told) and not Account.objects.exists()


def test_numbers_never_stand_in_an_address_and_nobody_is_found_by_guessing(made: Scene) -> None:
    unknown = _as("wu").post(CREW, {"scan": "?? nobody"})
    assert "Not found" in unknown.content.decode() and unknown.status_code == 200
    found = _as("wu").post(CREW, {"scan": IDS[0], "tube": "TUBE0001"})
    assert found.status_code == 200 and IDS[0] not in found.content.decode()
    elsewhere = _as("wu").post(CREW, {"scan": IDS[5]}).content.decode()
    assert "居民5" not in elsewhere and "居*" in elsewhere


def test_newcomer_is_registered_and_sampled_at_the_site(made: Scene) -> None:
    given = {
        "name": "新来",
        "id_number": "310199199007070112",
        "phone": "19900777777",
        "place": made.town.villages[0].code,
        "tube": "TUBE0009",
    }
    wrong = _as("wu").post(f"{CREW}/newcomer", given, follow=True)
    assert "check" in _said(wrong) and Resident.objects.count() == 6
    body = "31019919900707011"
    weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    number = body + "10X98765432"[sum(int(c) * w for c, w in zip(body, weights, strict=True)) % 11]
    _as("wu").post(f"{CREW}/newcomer", {**given, "id_number": number})
    assert CheckOff.objects.get().tube.code == "TUBE0009" and missing_count(made.round) == 6


def test_wrong_file_of_results_is_shown_by_cell_and_nothing_kept(made: Scene) -> None:
    answer = _as("chen").post("/testing/laboratory", {"file": SimpleUploadedFile("r.csv", "管码,结果,检测时间\nT,好,昨天\n".encode())})
    assert answer.status_code == 422 and "B2" in answer.content.decode()


def test_round_is_planned_with_a_list_and_sites_are_written(made: Scene) -> None:
    gao = _as("gao")
    planned = gao.post("/testing/rounds", {"title": "名单轮", "place": "310118106", "kind": "list", "pool_size": "1"})
    assert planned["Location"] == "/testing/rounds/HS-2022-0002"
    listed = SimpleUploadedFile("p.csv", f"身份证号\n{IDS[0]}\n{IDS[1]}\n".encode())
    assert "2 people put on the roll" in _said(gao.post("/testing/rounds/HS-2022-0002/people", {"file": listed}, follow=True))
    assert Round.objects.get(dossier__number="HS-2022-0002").roll.count() == 2
    assert "A pool holds" in _said(gao.post("/testing/rounds", {"title": "x", "place": "310118106", "pool_size": "7"}, follow=True))
    given = {
        "code": "S2", "place": "310118106202", "name_zh": "前明采样点", "address_zh": "一号", "weekdays": ["1", "2"], "from": "08:00", "to": "18:00",
        "booths": "1", "staff": "3", "per_booth_hour": "100", "lon": "121.2", "lat": "31.1",
    }  # fmt: skip
    bad = gao.post("/testing/sites/new", {**given, "to": "07:00"})
    assert bad.status_code == 422 and "前明采样点" in bad.content.decode()
    assert gao.post("/testing/sites/new", given)["Location"] == "/testing/sites/S2"
    gao.post("/testing/sites/S2", {**given, "booths": "3", "reason": "扩容"})
    gao.post("/testing/sites/S2", {"state": "close", "reason": "停采"})
    kept = Site.objects.get(code="S2")
    assert (kept.booths, kept.hours[0]["weekdays"], kept.closed_at) == (3, [1, 2], AT)
    assert _as("wu").post("/testing/sites/S1", {**given, "reason": "改"}).status_code == 404


def test_key_workers_are_noted_shown_when_due_and_given_a_round(made: Scene) -> None:
    parameter("testing.regular_every", "hour", {"courier": 48, "resident": 72})
    gao = _as("gao")
    assert "Nobody is due" in gao.get("/testing/due").content.decode()
    wrong = gao.post("/testing/due", {"file": SimpleUploadedFile("k.csv", f"身份证号,人群\n{IDS[0]},飞行员\n".encode())}, follow=True)
    assert "not one row was kept" in _said(wrong) and not KeyWorker.objects.exists()
    told = gao.post("/testing/due", {"file": SimpleUploadedFile("k.csv", f"身份证号,人群\n{IDS[0]},快递外卖\n".encode())}, follow=True)
    assert "1 key workers noted" in _said(told)
    KeyWorker.objects.update(from_on=AT.date() - timedelta(days=1))
    shown = gao.get("/testing/due").content.decode()
    assert "居民0" in shown and "48 h" in shown and IDS[0] not in shown
    planned = gao.post("/testing/due", {"round": "1"})
    assert planned["Location"] == "/testing/rounds/HS-2022-0002" and Round.objects.get(kind="list").roll.count() == 1
    assert _as("wu").get("/testing/due").status_code == 404


@pytest.mark.parametrize("address", ["/testing/", ROUND, f"{ROUND}/missing", CREW, "/testing/laboratory", "/testing/sites/S1"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_pages_speak_both_languages(made: Scene, address: str, lang: str) -> None:
    assert _as("gao", lang).get(address).status_code == 200


@pytest.mark.parametrize("address", [ROUND, f"{ROUND}/missing", CREW, "/testing/sites/S1"])
def test_zhao_sees_nothing(made: Scene, address: str) -> None:
    assert _as("zhao").get(address).status_code == 404
    assert "HS-2022-0001" not in _as("zhao").get("/testing/").content.decode()


def test_public_page_needs_no_sign_in_and_shows_queue_and_way(made: Scene) -> None:
    Place.objects.filter(pk=made.town.villages[1].pk).update(point=[121.27, 31.19 + 1 / 60])
    report_queue(made.site, queue=24, by=made.town.wu, at=AT - timedelta(minutes=5))
    client = Client()
    client.cookies["lang"] = "en"
    plain = client.get("/sites")
    assert plain.status_code == 200 and "max-age=60" in plain["Cache-Control"] and "public" in plain["Cache-Control"]
    assert "sessionid" not in plain.cookies and "居民" not in plain.content.decode()
    near = client.get("/sites?from=310118106202").content.decode()
    assert "33 min on foot" in near and "wait 6 min" in near and "open" in near
    assert client.get("/sites?from=nowhere").status_code == 404 and client.post("/sites").status_code == 405
    Site.objects.update(hours=[{**ALL_DAY[0], "to": "08:00"}])
    assert "closed" in client.get("/sites").content.decode() and Tube.objects.count() == 0
