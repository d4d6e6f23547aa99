"""Parameters, log, messages, notices and evidence for programs: by token, within its scopes, in one's own town."""

from datetime import date, timedelta

import pytest

from tests.domains.response.plans import PNG, SYSTEM, activated
from tests.fixtures_town import AT, Town
from tests.interfaces.callers import Caller
from tongchou.core.audit.models import Entry
from tongchou.core.casework.actions import attach_evidence
from tongchou.core.outbox.models import Message, Notice
from tongchou.core.outbox.queue import post
from tongchou.core.parameters.queries import value
from tongchou.core.people.actions import revoke_token
from tongchou.core.people.models import Post, Posting, Token, User
from tongchou.interfaces import clock


@pytest.fixture(autouse=True)
def town(installed_town: Town, monkeypatch: pytest.MonkeyPatch) -> Town:
    monkeypatch.setattr(clock, "now", lambda: AT)
    return installed_town


def _seat(town: Town, username: str, kind: str, where: str = "town") -> None:
    seat = Post.objects.create(
        code=f"{kind}-{username}",
        kind=kind,
        unit=town.posts["duty-leader"].unit,
        place=getattr(town, where),
        name_zh="岗位",
        name_en="Post",
    )
    Posting.objects.create(user=User.objects.get(username=username), post=seat, from_at=AT - timedelta(days=1))


def test_parameter_is_read_and_set_from_a_day_on(town: Town) -> None:
    fang = Caller("fang")
    found = fang.get("/parameters/alarm.decide_within").json()
    assert found["in_force"]["value"] == 120 and found["values"][0]["source"] == {"zh": "测试", "en": "test"}
    given = {"value": 45, "valid_from": "2022-06-03", "source": {"zh": "值班会议纪要", "en": "minutes of 2 June"}}
    answer = fang.post("/parameters/alarm.decide_within/values", **given)
    assert answer.status_code == 201 and answer.json()["place"] == town.town.code
    assert value("alarm.decide_within", on=date(2022, 6, 3), place_path=town.town.path).value == 45
    assert fang.get("/parameters", on="2022-06-02").json()[1]["in_force"]["value"] == 120
    assert Entry.objects.latest("seq").action == "parameter.set"


def test_wrong_parameter_is_refused_by_field_and_changes_nothing() -> None:
    fang, before = Caller("fang"), Entry.objects.count() + 1
    address = "/parameters/alarm.decide_within/values"
    wrong = fang.post(address, value="soon", valid_from="2022-06-03", source={"zh": " ", "en": ""})
    assert wrong.status_code == 422 and {p["field"] for p in wrong.json()["problems"]} == {"value", "source"}
    shapeless = fang.post(address, value=1, valid_from="tomorrow").json()["problems"]
    assert {p["field"]: p["zh"] for p in shapeless} == {"valid_from": "应为日期，如 2022-06-02。", "source": "缺少此项。"}
    assert fang.post("/parameters/no.such/values", value=1, valid_from="2022-06-03", source={"zh": "x", "en": "x"}).status_code == 404
    assert Entry.objects.count() == before - 1


@pytest.mark.parametrize("username", ["zhao", "lin"])
def test_parameter_is_not_set_by_another_town_nor_by_another_post(username: str) -> None:
    given = {"value": 45, "valid_from": "2022-06-03", "source": {"zh": "x", "en": "x"}}
    assert Caller(username).post("/parameters/alarm.decide_within/values", **given).status_code == 404


@pytest.mark.parametrize("address", ["/parameters", "/parameters/alarm.decide_within", "/audit/entries", "/audit/accesses", "/audit/proof",
                                     "/outbox", "/notices"])  # fmt: skip
def test_zhao_of_another_town_finds_nothing_whatever_his_post(town: Town, address: str) -> None:
    for kind in ("administrator", "duty_leader"):
        _seat(town, "zhao", kind, "elsewhere")
    assert Caller("zhao").get(address).status_code == 404


def test_token_is_narrowed_revoked_and_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    chen = Caller("chen", ["parameter.read"])
    assert chen.get("/parameters").status_code == 200
    assert chen.get("/notices").status_code == 404 and chen.get("/town").status_code == 404
    revoke_token(token=Token.objects.latest("pk"), by=SYSTEM, at=AT)
    refused = chen.get("/parameters")
    assert refused.status_code == 401 and set(refused.json()["said"]) == {"zh", "en"}
    again = Caller("chen", ["parameter.read"])
    monkeypatch.setattr(clock, "now", lambda: AT + timedelta(days=1))
    assert again.get("/parameters").status_code == 401


def test_log_is_read_page_by_page_and_proven() -> None:
    fang = Caller("fang")
    for minutes in (40, 50, 60):
        fang.post("/parameters/alarm.decide_within/values", value=minutes, valid_from="2022-06-03", source={"zh": "x", "en": "x"})
    first = fang.get("/audit/entries", who="fang", act="parameter.", limit=2).json()
    assert [e["detail"]["value"] for e in first] == [60, 50]
    rest = fang.get("/audit/entries", who="fang", act="parameter.", before=first[-1]["seq"]).json()
    assert [e["detail"]["value"] for e in rest] == [40]
    assert fang.get("/audit/entries", subject=first[0]["subject"]).json()[0] == first[0]
    proof = fang.get("/audit/proof").json()
    assert proof["is_intact"] and proof["entries"] == Entry.objects.count()
    assert fang.get("/audit/accesses").json() == []
    assert Caller("chen").get("/audit/proof").status_code == 404


def test_dead_letter_is_seen_without_its_content_and_retried(town: Town) -> None:
    post("mail", "k1", {"to": "chen@example.org"}, at=AT)
    Message.objects.update(dead_at=AT, attempts=6, error="ConnectionRefusedError: 111")
    lin = Caller("lin")
    dead = lin.get("/outbox", state="dead").json()
    assert dead[0]["error"].startswith("ConnectionRefused") and "payload" not in dead[0]
    assert lin.get("/outbox", state="waiting").json() == [] and lin.get("/outbox", state="lost").status_code == 422
    retry = f"/outbox/{dead[0]['id']}/retry"
    assert lin.post(retry).status_code == 404
    _seat(town, "fang", "administrator")
    fang = Caller("fang")
    assert fang.post(retry).json()["dead_at"] is None
    assert fang.post(retry).status_code == 409 and fang.post("/outbox/999/retry").status_code == 404
    assert Entry.objects.latest("seq").action == "outbox.retry"


def test_notices_are_ones_own(town: Town) -> None:
    task = next(iter(activated(town).values()))
    Notice.objects.all().delete()
    for name in ("wu", "lin"):
        user = User.objects.get(username=name)
        Notice.objects.create(user=user, dossier=task.dossier, text_zh="新任务", text_en="New task", created_at=AT)
    wu = Caller("wu")
    assert [n["dossier"] for n in wu.get("/notices", unread_only=True).json()] == [task.dossier.number]
    assert wu.post("/notices/read").json() == {"count": 1}
    assert wu.get("/notices", unread_only=True).json() == [] and Notice.objects.get(user__username="lin").read_at is None


def test_evidence_is_listed_and_fetched_where_its_dossier_may_be_read(town: Town) -> None:
    task = next(iter(activated(town).values()))
    row = attach_evidence(task.dossier, content=PNG, name="门口.png", note="东门", by=town.fang, at=AT)
    chen, zhao = Caller("chen"), Caller("zhao")
    listed = chen.get(f"/dossiers/{task.dossier.number}/evidence").json()
    assert [(e["name"], e["note"], e["sha256"]) for e in listed] == [("门口.png", "东门", row.sha256)]
    assert chen.get(f"/evidence/{row.pk}").content == PNG
    for address in (f"/dossiers/{task.dossier.number}/evidence", f"/evidence/{row.pk}"):
        assert zhao.get(address).status_code == 404
        assert Caller("chen", ["task.work"]).get(address).status_code == 404
