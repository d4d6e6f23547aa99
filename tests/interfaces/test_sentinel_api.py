"""Reporting and reading over the programming interface: tokens, scopes, batches that are kept whole, the past as it was known."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from tests.domains.sentinels.conftest import Matrix, matrix  # noqa: F401 - a fixture
from tests.fixtures_town import AT
from tongchou.core.people.actions import issue_token
from tongchou.core.people.models import User
from tongchou.core.people.rules import system_actor
from tongchou.domains.sentinels.models import Observation, Sentinel
from tongchou.interfaces import clock

Ask = Callable[..., tuple[int, Any]]
ALL = ("stream.report", "sentinel.read", "sentinel.write")


@pytest.fixture
def ask(matrix: Matrix, client: Client, monkeypatch: pytest.MonkeyPatch) -> Ask:  # noqa: F811
    """ask("POST", "/observations", {...}, who="chen", scopes=(…)) → status, body."""
    monkeypatch.setattr(clock, "now", lambda: AT)

    def send(method: str, address: str, body: object = None, who: str = "lin", scopes: tuple[str, ...] = ALL) -> tuple[int, Any]:
        secret = issue_token(
            user=User.objects.get(username=who), name="t", scopes=scopes, expires_at=AT + timedelta(days=1), by=system_actor("test"), at=AT
        )
        answer = client.generic(method, f"/api/v1{address}", data=json.dumps(body) if body is not None else "",
                                content_type="application/json", headers={"Authorization": f"Bearer {secret}"})  # fmt: skip
        return answer.status_code, answer.json() if answer.content else None

    return send


def rows(*values: object, **more: object) -> dict[str, Any]:
    return {"rows": [{"stream": "clinic-1-fever", "day": f"2022-06-0{n}", "value": v, **more} for n, v in enumerate(values, start=1)]}


def test_batch_is_kept_and_may_be_repeated(ask: Ask) -> None:
    assert [r["outcome"] for r in ask("POST", "/observations", rows(4, 0))[1]["rows"]] == ["new", "new"]
    status, body = ask("POST", "/observations", rows(4, 0))
    assert status == 200 and [r["outcome"] for r in body["rows"]] == ["same", "same"]
    assert [(o.value, o.source) for o in Observation.objects.order_by("day")] == [(4, "api"), (0, "api")]


@pytest.mark.parametrize("value", [-1, "seven", None, True, 1.5, [3], {"n": 3}])
def test_wrong_row_is_named_and_nothing_is_kept(ask: Ask, value: object) -> None:
    status, body = ask("POST", "/observations", rows(4, value))
    assert status == 422 and [p["field"] for p in body["problems"]] == ["rows[2].value"]
    assert body["problems"][0]["zh"] and body["problems"][0]["en"]
    assert not Observation.objects.exists()


def test_row_without_a_value_is_refused(ask: Ask) -> None:
    assert ask("POST", "/observations", {"rows": [{"stream": "clinic-1-fever", "day": "2022-06-01"}]})[0] == 422
    assert ask("POST", "/observations", {"rows": []})[0] == 422
    assert ask("POST", "/observations", {"rows": rows(1)["rows"] * 5001})[0] == 422


def test_correction_says_so_and_why(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    ask("POST", "/observations", rows(4))
    monkeypatch.setattr(clock, "now", lambda: AT + timedelta(hours=1))
    assert ask("POST", "/observations", rows(5))[1]["problems"][0]["field"] == "rows[1].correction"
    assert ask("POST", "/observations", rows(5, correction=True, reason="late slip"))[1]["rows"][0]["outcome"] == "corrected"
    series = "/streams/clinic-1-fever/observations?first_day=2022-06-01&last_day=2022-06-02"
    now, then = (ask("GET", series + q)[1] for q in ("", "&as_known_at=2022-06-02T11:30:00Z"))
    assert [d["value"] for d in now["days"]] == [5, None] and now["corrections"] == 1
    assert [d["value"] for d in then["days"]] == [4, None] and then["corrections"] == 0


def test_clock_ahead_is_refused(ask: Ask) -> None:
    assert ask("POST", "/observations", rows(1, sent_at="2022-06-02T20:00:00+08:00"))[1]["problems"][0]["field"] == "rows[1].sent_at"


def test_token_without_the_scope_cannot_report(ask: Ask) -> None:
    assert ask("POST", "/observations", rows(1), scopes=("sentinel.read",))[0] == 404
    assert not Observation.objects.exists()


def test_zhao_of_another_town_finds_nothing(ask: Ask) -> None:
    assert ask("POST", "/observations", rows(1), who="zhao")[0] == 422
    for address in ("/sentinels/clinic-1", "/streams/clinic-1-fever/observations", "/matrix"):
        assert ask("GET", address, who="zhao")[0] == 404
    assert ask("GET", "/streams", who="zhao") == (200, [])
    assert ask("GET", "/sentinels", who="zhao")[1]["items"] == []
    assert ask("POST", "/sentinels/clinic-1/state", {"state": "suspended", "reason": "x"}, who="zhao")[0] == 404


def test_span_of_days_is_bounded(ask: Ask) -> None:
    for span in ("first_day=2022-06-02&last_day=2022-06-01", "first_day=2000-01-01"):
        assert ask("GET", f"/streams/clinic-1-fever/observations?{span}")[0] == 422
    assert ask("GET", "/streams/clinic-1-fever/observations?as_known_at=2022-06-01T10:00:00")[0] == 422


def test_matrix_and_streams_are_read(ask: Ask) -> None:
    ask("POST", "/observations", rows(4, 0))
    body = ask("GET", "/matrix")[1]
    assert len(body["cells"]) == 15 and sum(v["unseen"] for v in body["blind_spots"]) == 10_000
    found = {s["code"]: s["freshness"] for s in ask("GET", "/streams?sentinel=clinic-1")[1]}
    assert found == {"clinic-1-fever": "fresh", "clinic-1-tested": "silent"}


def test_sentinel_is_added_edited_and_opened(ask: Ask) -> None:
    written: dict[str, Any] = {
        "name": {"zh": "二小", "en": "School"}, "operator": {"zh": "学校", "en": "School"}, "catchment": {"310118106203": 0.4},
        "schedule": {"weekdays": [1, 2, 3, 4, 5], "due": "10:00"}, "contact_post": "doctor",
    }  # fmt: skip
    new = {
        **written,
        "code": "school-9",
        "kind": "monitoring",
        "setting": "school_absence",
        "place": "310118106203",
        "valid_from": "2022-06-01",
    }
    assert ask("POST", "/sentinels", new, scopes=("sentinel.read",))[0] == 404
    status, body = ask("POST", "/sentinels", new)
    assert status == 201 and body["state"] == "planned" and body["contact_post"] == "doctor"
    assert ask("PUT", "/sentinels/school-9", {**written, "catchment": {"310118106203": 2}, "reason": "x"})[0] == 422
    assert ask("PUT", "/sentinels/school-9", {**written, "catchment": {"nowhere": 0.5}, "reason": "x"})[0] == 422
    assert ask("PUT", "/sentinels/school-9", {**written, "catchment": {"310118106203": 0.5}, "reason": "x"})[1]["catchment"] == {
        "310118106203": 0.5
    }
    assert ask("POST", "/sentinels/school-9/state", {"state": "live", "reason": "ready"})[1]["state"] == "live"
    assert ask("POST", "/sentinels/school-9/state", {"state": "live", "reason": "ready"})[0] == 409
    assert Sentinel.objects.get(code="school-9").contact_post is not None
