"""Places, posts and who is on duty, for programs."""

from datetime import timedelta

import pytest

from tests.fixtures_town import AT, Town
from tests.interfaces.callers import Caller
from tongchou.core.audit.models import Entry
from tongchou.core.people.models import Posting
from tongchou.interfaces import clock


@pytest.fixture(autouse=True)
def town(installed_town: Town, monkeypatch: pytest.MonkeyPatch) -> Town:
    monkeypatch.setattr(clock, "now", lambda: AT)
    return installed_town


def test_town_tells_its_place_its_present_and_its_villages(town: Town) -> None:
    wu = Caller("wu")  # of one village: the frame of the town is theirs to read too
    told = wu.get("/town").json()
    assert (told["place"], told["now"], told["zone"]) == (town.town.code, "2022-06-02T11:00:00Z", "Asia/Shanghai")
    places = wu.get("/places").json()
    assert [p["code"] for p in places] == [town.town.code, *(v.code for v in town.villages)]
    assert places[1]["parent"] == town.town.code and wu.get("/places", on="2019-01-01").json() == []
    assert wu.get(f"/places/{town.villages[0].code}").json()["population"] == 4000
    assert wu.get(f"/places/{town.elsewhere.code}").status_code == 404


def test_zhao_and_a_narrow_token_see_no_town() -> None:
    for caller in (Caller("zhao"), Caller("chen", ["stream.report"])):
        for address in ("/town", "/places", "/posts", "/people/chen"):
            assert caller.get(address).status_code == 404


def test_deputy_takes_over_and_hands_back(town: Town) -> None:
    fang = Caller("fang")

    def on_duty() -> str:
        return next(p["holder"]["username"] for p in fang.get("/posts").json() if p["code"] == "duty-officer")

    assert on_duty() == "lin"
    lin = Posting.objects.get(user__username="lin")
    assert fang.post(f"/postings/{lin.pk}/end").json()["to_at"] == "2022-06-02T11:00:00Z"
    assert fang.post(f"/postings/{lin.pk}/end").status_code == 409
    made = fang.post("/posts/duty-officer/postings", person="gao", deputy_for="lin", to_at="2022-06-03T00:00:00Z")
    assert made.status_code == 201 and made.json()["deputy_for"] == "lin"
    assert on_duty() == "gao" and [p["post"] for p in fang.get("/people/gao").json()["postings"]] == ["duty-officer", "trace-leader"]
    earlier = fang.get("/posts", at=(AT - timedelta(days=1)).isoformat()).json()
    assert next(p["holder"]["username"] for p in earlier if p["code"] == "duty-officer") == "lin"
    assert [e.action for e in Entry.objects.order_by("-seq")[:2]] == ["posting.begin", "posting.end"]


def test_posting_is_refused_by_post_by_place_and_by_field(town: Town) -> None:
    assert Caller("lin").post("/posts/doctor/postings", person="gao").status_code == 404
    fang = Caller("fang")
    assert fang.post("/posts/elsewhere-officer/postings", person="gao").status_code == 404
    zhao = Posting.objects.get(user__username="zhao")
    assert fang.post(f"/postings/{zhao.pk}/end").status_code == 404
    unknown = fang.post("/posts/doctor/postings", person="nobody")
    assert unknown.status_code == 422 and unknown.json()["problems"][0]["field"] == "person"
    upside = fang.post("/posts/doctor/postings", person="gao", to_at="2022-06-01T00:00:00Z")
    assert upside.json()["problems"][0]["field"] == "to_at"
    assert not Posting.objects.filter(user__username="gao", post__code="doctor").exists()
