"""What a crew's phone asks of the house: a permission of its own, the roll with names masked, and each check-off kept once however often it is sent."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from tests.domains.testing.samplers import IDS, Scene, scene
from tests.fixtures_town import AT, Town
from tongchou.core.audit.models import Access
from tongchou.core.people.actions import revoke_token
from tongchou.core.people.models import Token, User
from tongchou.core.people.rules import system_actor
from tongchou.domains.registry.models import Resident
from tongchou.domains.testing.models import CheckOff, RollEntry
from tongchou.interfaces import clock
from tongchou.workflows import crew_phones

ROUND = "HS-2022-0001"
ERRAND = {"round": ROUND, "site": "S1"}
KEY = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def made(installed_town: Town, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr(clock, "now", lambda: AT)
    return scene(installed_town)


def take(username: str = "wu", **errand: str) -> Any:
    client = Client(headers={"accept": "application/json"})
    client.force_login(User.objects.get(username=username), backend="django.contrib.auth.backends.ModelBackend")
    return client.post("/crew/take", ERRAND | errand)


def bundle(token: str, tag: str = "") -> Any:
    return Client().get("/crew/bundle", ERRAND, headers={"Authorization": f"Bearer {token}", "If-None-Match": tag})


def send(token: str, people: list[dict[str, Any]], tube: str = "TUBE0001", **more: Any) -> tuple[int, dict[str, Any]]:
    body = {"id": KEY, "add": True, "site": "S1", "sampled": [{"tube": tube, **one} for one in people], **more}
    headers = {"Authorization": f"Bearer {token}"}
    answer = Client(headers=headers).post(f"/api/v1/testing/rounds/{ROUND}/check-offs", body, content_type="application/json")
    return answer.status_code, answer.json()


def test_roll_is_taken_along_masked_and_each_reading_logged_once(made: Scene) -> None:
    taken = take().json()
    answer = bundle(taken["token"])
    body = answer.json()
    assert [(code, [name for _, name, _ in people]) for code, _, people in body["households"]] == [
        ("H1", ["居**"] * 3),
        ("H2", ["居**"] * 2),
    ]
    assert body["people"] == 5 and body["ends_at"] == (AT + timedelta(hours=36)).timestamp() * 1000
    assert all(secret not in answer.content.decode() for secret in ("居民", *IDS, "19900"))
    assert bundle(taken["token"], answer.headers["ETag"]).status_code == 304
    (access,) = Access.objects.filter(action="person.read")
    assert access.reason.startswith(ROUND) and "5" in access.reason and access.actor.username == "wu"
    assert taken["who"]["number"] == access.actor_id and Token.objects.get().scopes == ["testing.read", "testing.sample"]


def test_too_many_people_stay_in_the_house(made: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew_phones, "MOST_PEOPLE", 4)
    body = bundle(take().json()["token"]).json()
    assert body["households"] is None and body["people"] == 5


def test_strangers_and_other_towns_get_no_phone_and_a_revoked_one_nothing_more(made: Scene) -> None:
    assert [take("zhao").status_code, take(site="S9").status_code, take(round="HS-2022-0009").status_code] == [404, 404, 404]
    assert Client().post("/crew/take", ERRAND).status_code == 302 and bundle("nobody").status_code == 401
    token = take().json()["token"]
    revoke_token(token=Token.objects.get(), by=system_actor("test"), at=AT)
    assert bundle(token).status_code == 401 and send(token, [{"person": made.people[0].pk}])[0] == 401


def test_check_off_sent_twice_is_there_once_and_texts_become_people(made: Scene) -> None:
    token = take().json()["token"]
    people: list[dict[str, Any]] = [{"person": made.people[0].pk, "way": "household"}, {"text": IDS[3]}]
    assert [send(token, people) for _ in range(2)] == [
        (200, {"new": 2, "known": {}, "room": {"TUBE0001": 3}}), (200, {"new": 0, "known": {}, "room": {}}),
    ]  # fmt: skip
    assert set(CheckOff.objects.values_list("person_id", "way")) == {(made.people[0].pk, 3), (made.people[3].pk, 1)}


def test_who_is_not_on_the_roll_is_put_on_it_unless_they_are_not_ones_own(made: Scene) -> None:
    token = take().json()["token"]
    RollEntry.objects.filter(person__in=[made.people[1].pk, made.people[5].pk]).delete()
    status, said = send(token, [{"person": made.people[5].pk}])  # of the second village: Wu's is the first
    assert status == 422 and "another town or village" in said["problems"][0]["en"]
    assert send(token, [{"person": made.people[1].pk}])[1]["new"] == 1


def wrong(made: Scene) -> list[tuple[dict[str, Any], str]]:
    return [
        ({"text": "19900999999"}, "in no register"), ({"text": "19900123450"}, "2 people have this number"),
        ({"text": IDS[0], "person": made.people[0].pk}, "either person or text"), ({}, "either person or text"),
    ]  # fmt: skip


def test_text_that_means_nobody_or_several_is_refused_in_words(made: Scene) -> None:
    token = take().json()["token"]
    Resident.objects.filter(pk=made.people[1].pk).update(phone_index=made.people[0].phone_index)
    for given, words in wrong(made):
        status, said = send(token, [given])
        assert status == 422 and words in said["problems"][0]["en"]
    assert not CheckOff.objects.exists()


def test_page_worker_and_manifest_hold_nothing_of_anybody(made: Scene) -> None:
    page = Client().get("/crew")
    assert page.status_code == 200 and "居民" not in page.content.decode()
    worker = Client().get("/crew/worker.js")
    assert worker.headers["Service-Worker-Allowed"] == "/crew" and "offline/store.js" in worker.content.decode()
    assert Client().get("/crew/manifest.json").json()["scope"] == "/crew"
