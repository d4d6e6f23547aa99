"""Spot checks on the pages and by program: a whole check by hand, the public files checked with the command, Zhao sees nothing."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from typer.testing import CliRunner

from tests.domains.spot_checks.checks import BEACON, VALUE, drawn, lay_numbers, people, waiting
from tests.fixtures_town import AT, Town
from tests.interfaces.callers import Caller
from tongchou.core.people.models import User
from tongchou.domains.registry.models import Resident
from tongchou.domains.spot_checks.models import SpotCheck, Unit
from tongchou.interfaces import clock
from tongchou.interfaces.cli.drawing import app

CHECK, PUBLIC = "/spot-checks/CJ-2022-0001", "/public/spot-checks/CJ-2022-0001"


@pytest.fixture
def town(installed_town: Town, monkeypatch: pytest.MonkeyPatch) -> Town:
    monkeypatch.setattr(clock, "now", lambda: AT)
    lay_numbers()
    people(installed_town)
    return installed_town


def _as(username: str) -> Client:
    client = Client()
    client.force_login(User.objects.get(username=username), backend="django.contrib.auth.backends.ModelBackend")
    client.cookies["lang"] = "en"
    return client


def _said(answer: Any) -> str:
    return " ".join(str(m) for m in answer.context["messages"])


PLAN = {"title": "居民抽检", "kind": "people", "place": "310118106", "size": "12", "prevalence": "5", "chance": "95", "pool_size": "5"}


def test_whole_check_is_done_on_the_pages(town: Town, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    gao, wu, chen = _as("gao"), _as("wu"), _as("chen")
    assert gao.post("/spot-checks/plan", PLAN)["Location"] == CHECK
    assert "Announce" in gao.get(CHECK).content.decode() and Client().get(PUBLIC).status_code == 404
    gao.post(f"{CHECK}/announce", {"beacon": BEACON, "beacon_at": "2022-06-02T20:00"})
    assert "Draw when the public value is out" in gao.get(CHECK).content.decode()
    announced = Client().get(PUBLIC).content.decode()
    check = SpotCheck.objects.get()
    assert check.frame_digest in announced and check.secret not in announced and check.secret_digest in announced
    assert Client().get(f"{PUBLIC}/frame.csv").status_code == 404
    monkeypatch.setattr(clock, "now", lambda: AT + timedelta(hours=2))
    gao.post(f"{CHECK}/draw", {"beacon_value": VALUE})
    _check_with_the_command(tmp_path)
    own = waiting(check, town.wu)
    listed = wu.get(f"{CHECK}/crew").content.decode()
    assert all(u.code in listed for u in own) and str(Resident.objects.get(pk=own[0].person_id)) in listed
    took = wu.post(f"{CHECK}/crew/take", {"unit": [u.code for u in own[:3]], "tube": "POOL0001"}, follow=True)
    assert _said(took) == "Noted; tube POOL0001 takes 2 more." and 'value="POOL0001"' in took.content.decode()
    missed = wu.post(f"{CHECK}/crew/miss", {"unit": own[3].code, "reason": "absent"}, follow=True)
    assert "1 of the reserve" in _said(missed)
    file = SimpleUploadedFile("r.csv", "管码,结果\nPOOL0001,阴性\n".encode())
    assert _said(chen.post(f"{CHECK}/results", {"file": file}, follow=True)) == "1 new; called back: 0, positive alone: 0."
    wrong = chen.post(f"{CHECK}/results", {"file": SimpleUploadedFile("r.csv", "管码,结果\nPOOL0001,好\n".encode())})
    assert wrong.status_code == 422 and "nothing was kept" in wrong.content.decode()
    assert "have neither a result nor a reason" in gao.get(CHECK).content.decode()
    gao.post(f"{CHECK}/rest")
    assert "Closed" in _said(gao.post(f"{CHECK}/close", follow=True))
    for page in (gao.get(CHECK), Client().get(PUBLIC), Client().get("/public/spot-checks"), gao.get("/spot-checks/")):
        assert "Nothing found in 3 people" in page.content.decode() or "检测 3 人" in page.content.decode()


def _check_with_the_command(folder: Path) -> None:
    """What a resident does: three files and one line from the public page."""
    for name in ("frame.csv", "design.yaml", "draw.csv"):
        answer = Client().get(f"{PUBLIC}/{name}")
        content = answer.content
        assert "居民" not in content.decode()
        (folder / name).write_bytes(content)
    command = Client().get(PUBLIC).context["command"].split()[3:]
    told = CliRunner().invoke(
        app,
        ["verify", *(str(folder / word) if "." in word and "=" not in word and "'" not in word else word.strip("'") for word in command)],
    )
    assert told.exit_code == 0, told.output


def test_list_and_results_of_another_town_or_post_are_not_there(town: Town) -> None:
    drawn(town)
    for path in (CHECK, f"{CHECK}/crew", f"{CHECK}/results"):
        assert _as("zhao").get(path).status_code == 404
    assert _as("wu").get(f"{CHECK}/results").status_code == 404
    assert _as("wu").post(f"{CHECK}/close").status_code == 404 and "CJ-2022" not in _as("zhao").get("/spot-checks/").content.decode()


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"size": "many"}, "whole number"), ({"prevalence": "-1"}, "percentage"), ({"chance": "x"}, "percentage"), ({"kind": "goods"}, "file"),
        ({"size": "9999"}, "cannot be drawn"), ({"title": " "}, "name"), ({"pool_size": "7"}, "pool"),
    ],
)  # fmt: skip
def test_plan_that_does_not_fit_is_refused_with_what_to_do(town: Town, changes: dict[str, str], word: str) -> None:
    said = _said(_as("gao").post("/spot-checks/plan", PLAN | changes, follow=True, headers={"referer": "/spot-checks/"}))
    assert word in said and not SpotCheck.objects.exists()


def test_whole_check_is_done_by_program(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    gao, wu, chen = Caller("gao"), Caller("wu"), Caller("chen")
    made = gao.post("/spot-checks", title={"zh": "抽检", "en": "Check"}, place="310118106", size=12, prevalence=0.05).json()
    number = made["number"]
    assert made["secret_digest"] and not made["frame_digest"]
    assert gao.post(f"/spot-checks/{number}/steps/announce", beacon=BEACON).status_code == 422
    at = (AT + timedelta(hours=1)).isoformat()
    assert gao.post(f"/spot-checks/{number}/steps/announce", beacon=BEACON, beacon_at=at).json()["state"] == "announced"
    assert gao.post(f"/spot-checks/{number}/steps/draw", beacon_value=VALUE).status_code == 409
    monkeypatch.setattr(clock, "now", lambda: AT + timedelta(hours=2))
    assert gao.post(f"/spot-checks/{number}/steps/draw", beacon_value=VALUE).json()["state"] == "taking"
    own = [u["code"] for u in wu.get(f"/spot-checks/{number}/units").json()["items"]]
    assert wu.post(f"/spot-checks/{number}/taken", units=own[:1], tube="TUBE0001").json() == {"tube": "TUBE0001", "room": 0}
    assert len(wu.post(f"/spot-checks/{number}/not-taken", units=own[1:2], reason="refused").json()["stand_ins"]) == 1
    found = chen.post(f"/spot-checks/{number}/results", results=[{"tube": "TUBE0001", "value": "positive"}]).json()
    assert found == {"new": 1, "called_back": [], "positive": own[:1]}
    rest = list(Unit.objects.filter(state="waiting").values_list("code", flat=True))
    gao.post(f"/spot-checks/{number}/not-taken", units=rest, reason="not_reached")
    assert gao.post(f"/spot-checks/{number}/steps/close").json()["state"] == "closed"
    outcome = gao.get(f"/spot-checks/{number}").json()["outcome"]
    assert (outcome["tested"], outcome["positive"], outcome["answered"], outcome["drawn"]) == (1, 1, 1, 12)
    assert gao.get("/spot-checks").json()["count"] == 1 and Caller("zhao").get(f"/spot-checks/{number}").status_code == 404


def test_goods_are_planned_by_program_and_a_name_twice_is_refused(town: Town) -> None:
    goods = [{"lot": f"冻虾{n}", "stratum": "冻品", "risk": 1 + n % 3} for n in range(20)]
    given: dict[str, Any] = {
        "title": {"zh": "冷链", "en": "Cold chain"},
        "place": "310118106",
        "subject": "goods",
        "size": 5,
        "by_risk": True,
    }
    assert Caller("gao").post("/spot-checks", **given, goods=goods + goods[:1]).status_code == 422
    assert Caller("gao").post("/spot-checks", **given, goods=goods).json()["subject"] == "goods"
