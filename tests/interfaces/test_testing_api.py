"""The programming interface of testing, from a planned round to its end."""

import json
import re
import shlex
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.domains.testing.samplers import parameter, people_of
from tests.fixtures_town import AT, Town
from tests.interfaces.callers import Caller
from tests.interfaces.test_fhir import report
from tongchou.domains.registry.models import Resident
from tongchou.interfaces import clock

PAGE = (Path(__file__).parents[2] / "docs/how-to/testing.md").read_text("utf-8")
HOURS = [{"weekdays": [1, 2, 3, 4, 5, 6, 7], "opens": "07:00", "closes": "21:00"}]
SITE: dict[str, Any] = {
    "code": "S1", "name": {"zh": "徐泾采样点", "en": "Xujing site"}, "address": {"zh": "明珠路1号", "en": "1 Mingzhu Road"},
    "place": "310118106001", "point": [121.27, 31.19], "hours": HOURS, "booths": 2, "staff": 6,
}  # fmt: skip


@pytest.fixture
def people(installed_town: Town, monkeypatch: pytest.MonkeyPatch) -> list[Resident]:
    monkeypatch.setattr(clock, "now", lambda: AT)
    parameter("testing.area_round_within", "hour", 24)
    parameter("testing.retest_within", "hour", 6)
    return people_of(installed_town)


def test_round_runs_from_plan_to_end_through_the_interface(people: list[Resident]) -> None:
    gao, wu, chen = Caller("gao"), Caller("wu"), Caller("chen")
    assert gao.post("/testing/sites", **SITE).status_code == 200
    planned = gao.post(
        "/testing/rounds", title={"zh": "全员", "en": "All"}, place="310118106", pool_size=5, owner_post="trace-leader"
    ).json()
    number = planned["number"]
    assert gao.post(f"/testing/rounds/{number}/steps/start", reason="").json()["state"] == "open"
    rows = [{"person": p.pk, "tube": "TUBE0001"} for p in people[:4]]
    done = wu.post(f"/testing/rounds/{number}/check-offs", site="S1", sampled=rows).json()
    assert done == {"new": 4, "known": {}, "room": {"TUBE0001": 1}}
    assert wu.post(f"/testing/rounds/{number}/check-offs", site="S1", sampled=rows).json()["new"] == 0
    # Wu sees his own village alone.
    assert [row["person"] for row in wu.get(f"/testing/rounds/{number}/missing").json()["items"]] == [people[4].pk]
    assert gao.get(f"/testing/rounds/{number}/missing").json()["count"] == 2
    assert wu.post(f"/testing/rounds/{number}/calls", person=people[4].pk).json() == {"phone": "19900123454"}
    assert wu.post(f"/testing/rounds/{number}/accounts", people=[people[4].pk], reason="hospital").json() == {"new": 1}
    box = wu.post("/testing/boxes", round=number, site="S1", laboratory="区实验室").json()
    assert wu.post(f"/testing/boxes/{box['number']}/carry", holder="司机", tube_count=1).status_code == 200
    assert chen.post(f"/testing/boxes/{box['number']}/receive", holder="收样", tube_count=0).status_code == 422
    assert chen.post(f"/testing/boxes/{box['number']}/receive", holder="收样", tube_count=1).json()["received_at"] is not None
    at = (AT + timedelta(minutes=5)).isoformat()
    results = chen.post("/testing/results", results=[{"tube": "TUBE0001", "value": "positive", "tested_at": at}]).json()
    assert results == {"new": 1, "retests": ["HS-2022-0002"], "single_positives": []}
    detail = gao.get(f"/testing/rounds/{number}").json()
    assert detail["total"] == {"place": None, "people": 6, "sampled": 4, "excused": 0, "away": 1, "handed_on": 0, "missing": 1}
    assert detail["tubes"]["positive"] == 1 and detail["turnaround"][3]["median_min"] == 0
    gao.post(f"/testing/rounds/{number}/steps/wind-up", reason="")
    assert gao.post(f"/testing/rounds/{number}/steps/close", reason="").status_code == 422
    gao.post(f"/testing/rounds/{number}/accounts", people=[people[5].pk], reason="moved", to_post="duty-officer")
    assert gao.post(f"/testing/rounds/{number}/steps/close", reason="").json()["state"] == "closed"
    assert [r["number"] for r in gao.get("/testing/rounds").json()["items"]] == ["HS-2022-0002", number]
    positives = chen.get(
        "/testing/positives", since=(AT - timedelta(days=1)).isoformat(), until=(AT + timedelta(days=1)).isoformat()
    ).json()
    assert [(p["tube"], p["people"], p["is_single"]) for p in positives] == [("TUBE0001", 4, False)]


def as_written(n: int, caller: Caller, there: str, here: str) -> Any:
    """Send what the n-th curl of the how-to sends, as `caller`, with `here` in its body for what stands `there`."""
    words = shlex.split(re.findall(r"^curl (?:.*\\\n)*.*", PAGE, re.M)[n].replace("\\\n", " "))
    assert words[1:3] == ["-X", "POST"] and "Authorization: Bearer TOKEN" in words
    kind = next(word for word in words if word.startswith("Content-Type")).split(": ")[1]
    body = words[words.index("-d") + 1]
    assert there in body
    return caller.client.post(urlsplit(words[3]).path, body.replace(there, here), content_type=kind)


def test_how_to_lines_for_programs_work_and_a_wrong_element_is_named(people: list[Resident]) -> None:
    gao, wu, chen = Caller("gao"), Caller("wu"), Caller("chen")
    gao.post("/testing/sites", **SITE)
    number = gao.post("/testing/rounds", title={"zh": "全员", "en": "All"}, place="310118106").json()["number"]
    gao.post(f"/testing/rounds/{number}/steps/start", reason="")
    person = '"person": 1,', f'"person": {people[0].pk},'
    assert [as_written(0, wu, *person).json()["new"] for _ in range(2)] == [1, 0]
    box = wu.post("/testing/boxes", round=number, site="S1", laboratory="区实验室").json()
    chen.post(f"/testing/boxes/{box['number']}/receive", holder="收样", tube_count=1)
    at = (AT + timedelta(minutes=5)).isoformat()
    wrong = chen.post("/testing/results/fhir", **report(code="77"))
    assert wrong.status_code == 422
    assert [p["field"] for p in wrong.json()["problems"]] == ["DiagnosticReport.contained[1].valueCodeableConcept.coding"]
    found = json.dumps(report(code="260373001", effectiveDateTime=at))
    assert as_written(1, chen, "@report.json", found).json() == {"new": 1, "retests": [], "single_positives": ["TUBE0001"]}


def test_site_is_changed_with_a_reason_and_its_queue_said(people: list[Resident]) -> None:
    gao, wu = Caller("gao"), Caller("wu")
    gao.post("/testing/sites", **SITE)
    assert gao.post("/testing/sites", **SITE | {"booths": 4}).status_code == 422
    assert gao.post("/testing/sites", **SITE | {"booths": 4, "reason": "扩容"}).json()["booths"] == 4
    assert wu.post("/testing/sites/S1/queue", queue=48).json()["wait_min"] == 6
    assert [s["code"] for s in wu.get("/testing/sites").json()] == ["S1"] and Caller("zhao").get("/testing/sites").status_code == 404


def test_people_elsewhere_and_narrow_tokens_are_refused(people: list[Resident]) -> None:
    gao, zhao = Caller("gao"), Caller("zhao")
    gao.post("/testing/sites", **SITE)
    number = gao.post("/testing/rounds", title={"zh": "名单", "en": "List"}, place="310118106", kind="list").json()["number"]
    assert zhao.get(f"/testing/rounds/{number}").status_code == 404
    assert zhao.post(f"/testing/rounds/{number}/people", people=[people[0].pk]).status_code == 404
    assert Caller("gao", ["testing.read"]).post(f"/testing/rounds/{number}/people", people=[people[0].pk]).status_code == 404
    assert gao.post(f"/testing/rounds/{number}/people", people=[people[0].pk]).json() == {"new": 1}
    assert gao.post(f"/testing/rounds/{number}/people", people=[0]).status_code == 422
    assert gao.post("/testing/boxes/BX00x/carry", holder="x", tube_count=1).status_code == 404
