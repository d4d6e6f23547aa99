"""Registers and imports for programs: what the pages do, by token, no more than the token's scopes."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.fixtures_town import AT, Town
from tongchou.core.audit.models import Entry
from tongchou.core.audit.queries import PERSONAL_READ
from tongchou.core.people.actions import issue_token
from tongchou.core.people.models import User
from tongchou.core.people.rules import system_actor
from tongchou.domains.registry.models import Firm, Resident
from tongchou.interfaces import clock

SCOPES = ["register.read", "register.write", "import.write", "person.unmask"]
LI = {
    "name": "李秀兰", "id_number": "11010519491231002X", "sex": "f", "born_on": "1949-12-31", "place_id": "310118106001",
    "phone": "13800138000",
}  # fmt: skip
FIRMS = "企业名称,统一社会信用代码,村居,行业代码,复工状态\n上海示例制造,91110000600037341L,前明村,39,已复工\n上海示例商贸,91310115MA1K3BTP2B,前明村,52,\n"


class Caller:
    """A program with a token."""

    def __init__(self, town: Town, name: str, scopes: list[str]) -> None:
        user, machine = User.objects.get(username=name), system_actor("test")
        secret = issue_token(user=user, name=f"{name}-程序", scopes=scopes, expires_at=AT + timedelta(days=1), by=machine, at=AT)
        self.client, self.headers = Client(), {"authorization": f"Bearer {secret}"}

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/api/v1{path}", query, headers=self.headers)

    def send(self, method: str, path: str, body: Any) -> Any:
        return getattr(self.client, method)(f"/api/v1{path}", body, content_type="application/json", headers=self.headers)

    def upload(self, kind: str, content: bytes) -> Any:
        return self.client.post("/api/v1/imports", {"kind": kind, "file": SimpleUploadedFile("f.csv", content)}, headers=self.headers)


@pytest.fixture
def lin(installed_town: Town, monkeypatch: pytest.MonkeyPatch) -> Caller:
    monkeypatch.setattr(clock, "now", lambda: AT)
    return Caller(installed_town, "lin", SCOPES)


def test_add_search_change_and_see_in_clear(lin: Caller) -> None:
    made = lin.send("post", "/registers/resident/rows", {"values": LI})
    assert made.status_code == 201 and made.json()["values"]["id_number"] == "110*************2X"
    row = made.json()["id"]
    found = lin.get("/registers/resident/rows", q="11010519491231002X").json()
    assert [r["id"] for r in found["rows"]] == [row] and found["next_after"] is None
    changed = lin.send("patch", f"/registers/resident/rows/{row}", {"values": {"address": "前明路8号"}, "version": 1})
    assert changed.json()["version"] == 2 and Resident.objects.get().phone == "13800138000"
    stale = lin.send("patch", f"/registers/resident/rows/{row}", {"values": {"address": "x"}, "version": 1})
    assert stale.status_code == 409 and "Somebody else" in stale.json()["said"]["en"]
    assert lin.send("post", f"/registers/resident/rows/{row}/unmask", {"fields": ["phone"], "purpose": ""}).status_code == 422
    clear = lin.send("post", f"/registers/resident/rows/{row}/unmask", {"fields": ["phone"], "purpose": "流调电话核实"})
    assert clear.json() == {"phone": "13800138000"} and Entry.objects.filter(action=PERSONAL_READ).count() == 1


def test_every_wrong_field_is_named(lin: Caller) -> None:
    answer = lin.send("post", "/registers/resident/rows", {"values": {**LI, "sex": "x", "born_on": "1949-02-30", "star": "狮子"}})
    assert answer.status_code == 422 and {p["field"] for p in answer.json()["problems"]} == {"sex", "born_on", "star"}
    assert not Resident.objects.exists()


def test_file_is_previewed_applied_and_undone(lin: Caller) -> None:
    batch = lin.upload("firm", FIRMS.encode()).json()
    assert (batch["state"], batch["row_count"], batch["problems"]) == ("previewed", 2, [])
    done = lin.send("post", f"/imports/{batch['id']}/apply", {}).json()
    assert (done["state"], done["added_count"], Firm.objects.count()) == ("applied", 2, 2)
    shares = {s["key"]: s["resumed_count"] for s in lin.get("/resumption").json()}
    assert shares == {"C": 1, "F": 0}
    assert lin.get("/imports").json()[0]["id"] == batch["id"]
    assert lin.send("post", f"/imports/{batch['id']}/undo", {"reason": "传错"}).json()["state"] == "undone"
    assert not Firm.objects.exists()


def test_refused_file_says_where(lin: Caller) -> None:
    answer = lin.upload("firm", FIRMS.replace("行业代码", "星座").encode())
    assert answer.status_code == 422
    assert [p["cell"] for p in answer.json()["problems"]] == ["D1", "F1"]


def test_pages_by_id(lin: Caller) -> None:
    batch = lin.upload("firm", FIRMS.encode()).json()
    lin.send("post", f"/imports/{batch['id']}/apply", {})
    first = lin.get("/registers/firm/rows", limit=1).json()
    second = lin.get("/registers/firm/rows", limit=1, after=first["next_after"]).json()
    assert first["rows"][0]["id"] < second["rows"][0]["id"] and second["next_after"] is None


def test_token_does_no_more_than_its_scopes_and_zhao_nothing(lin: Caller, installed_town: Town) -> None:
    row = lin.send("post", "/registers/resident/rows", {"values": LI}).json()["id"]
    reader, zhao = Caller(installed_town, "lin", ["register.read"]), Caller(installed_town, "zhao", SCOPES)
    assert reader.get(f"/registers/resident/rows/{row}").status_code == 200
    assert reader.send("post", f"/registers/resident/rows/{row}/unmask", {"fields": ["phone"], "purpose": "流调核实"}).status_code == 404
    assert reader.upload("firm", FIRMS.encode()).status_code == 404
    assert zhao.get(f"/registers/resident/rows/{row}").status_code == 404
    assert zhao.get("/registers/resident/rows").json()["rows"] == []
    assert zhao.send("post", "/registers/resident/rows", {"values": {**LI, "id_number": ""}}).status_code == 404
    assert Caller(installed_town, "chen", ["task.work"]).get("/registers").status_code == 404


def test_registers_say_what_they_take(lin: Caller) -> None:
    listed = {r["name"]: [c["field"] for c in r["columns"]] for r in lin.get("/registers").json()}
    assert len(listed) == 7 and "credit_code" in listed["firm"]
