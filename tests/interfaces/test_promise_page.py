"""The promise on the desk, beside the alarms, on its own page and for programs: the same figures, refused to another town."""

from datetime import date, timedelta

import pytest
from django.test import Client

from tests.fixtures_town import Town
from tests.workflows.test_early_warning import DAY, SYSTEM, _at, watched  # noqa: F401
from tongchou.core.people.actions import issue_token
from tongchou.core.people.models import User
from tongchou.domains.sentinels.models import Observation
from tongchou.interfaces import clock
from tongchou.workflows.early_warning import screen_range
from tongchou.workflows.promise import keep_judgement

MOST_QUERIES = 25


@pytest.fixture
def today(monkeypatch: pytest.MonkeyPatch) -> date:
    day = DAY - timedelta(days=10)
    monkeypatch.setattr(clock, "now", lambda: _at(day, 12))
    return day


@pytest.fixture
def doubted(watched: Town, today: date) -> Town:  # noqa: F811
    """A clinic fell silent three weeks ago."""
    Observation.objects.filter(stream__code="clinic-2-s", day__gt=today - timedelta(days=22)).delete()
    list(screen_range(today - timedelta(days=50), today, by=SYSTEM))
    keep_judgement(today, _at(today), by=SYSTEM, at=_at(today))
    return watched


def _signed_in(name: str, language: str = "zh") -> Client:
    client = Client()
    client.force_login(User.objects.get(username=name), backend="django.contrib.auth.backends.ModelBackend")
    client.cookies["lang"] = language
    return client


def test_the_same_line_stands_on_the_desk_beside_the_alarms_and_on_its_page(doubted: Town, django_assert_max_num_queries) -> None:
    client = _signed_in("lin")
    for address in ("/", "/alarms/", "/promise/"):
        with django_assert_max_num_queries(MOST_QUERIES):
            shown = client.get(address).content.decode()
        for words in (
            "承诺每年至多 1 次误报",
            "近 365 天 0 次",
            "51 天的记录能证明的上限 21.5 次/年",
            "承诺存疑",
            "金云村的发热阳性",
            "停止上报",
        ):
            assert words in shown, (address, words)
    page = client.get("/promise/").content.decode()
    assert "报警线" in page and "×1.0" in page
    assert "Minzhu" not in page and "no report since" in _signed_in("lin", "en").get("/promise/").content.decode()


def test_before_there_are_mornings_the_page_says_so(watched: Town, today: date) -> None:  # noqa: F811
    page = _signed_in("lin").get("/promise/").content.decode()
    assert "尚未检验" in page and "满 28 个早晨后开始检验" in page and "上限" not in page


def test_another_town_finds_nothing(doubted: Town) -> None:
    assert _signed_in("zhao").get("/promise/").status_code == 404


def test_a_program_reads_the_same(doubted: Town, today: date) -> None:
    def told(name: str) -> Client:
        user, at = User.objects.get(username=name), _at(today)
        secret = issue_token(user=user, name="t", scopes=("alarm.read",), expires_at=at + timedelta(days=1), by=SYSTEM, at=at)
        return Client(headers={"Authorization": f"Bearer {secret}"})

    found = told("lin").get("/api/v1/promise").json()
    assert (found["promised_per_year"], found["false"], found["is_trusted"]) == (1.0, 0, False)
    assert "停止上报" in found["doubts"][0]["zh"]
    (sites,) = (m for m in found["monitors"] if m["monitor"] == "sites")
    assert (sites["places"], sites["log_evidence"]) == ([doubted.villages[2].code], None)
    assert told("zhao").get("/api/v1/promise").status_code == 404
