"""A token does what its owner may and its scopes say, whichever is less; and nothing once it has ended."""

from datetime import timedelta

import pytest
from django.test import Client

from tests.fixtures_town import AT, Town
from tests.interfaces.callers import EVERYTHING, Caller
from tongchou.core.people.actions import deactivate_user, end_posting, issue_token, revoke_token
from tongchou.core.people.models import Posting, Token, User
from tongchou.core.people.rules import system_actor
from tongchou.interfaces import clock

ROOT = system_actor("test")


@pytest.fixture
def town(installed_town: Town, monkeypatch: pytest.MonkeyPatch) -> Town:
    monkeypatch.setattr(clock, "now", lambda: AT)
    return installed_town


def test_a_device_that_only_reports_sees_nobodys_inbox(town: Town) -> None:
    assert Caller("wu", EVERYTHING).get("/inbox").status_code == 200
    assert Caller("wu", ["stream.report"]).get("/inbox").status_code == 404


def test_all_scopes_of_the_world_do_not_lift_a_token_above_its_owner(town: Town) -> None:
    wu = Caller("wu", EVERYTHING)
    assert wu.get("/audit/entries").status_code == 404
    assert wu.post("/posts/doctor/postings", person="wu").status_code in (403, 404)
    assert not Posting.objects.filter(user__username="wu", post__code="doctor").exists()


@pytest.mark.parametrize("ended", ["revoked", "expired", "account closed", "never issued"])
def test_a_token_that_ended_is_refused(town: Town, ended: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wu = Caller("wu")
    assert wu.get("/town").status_code == 200
    if ended == "revoked":
        revoke_token(token=Token.objects.get(), by=ROOT, at=AT)
    elif ended == "expired":
        monkeypatch.setattr(clock, "now", lambda: AT + timedelta(days=1))
    elif ended == "account closed":
        deactivate_user(user=User.objects.get(username="wu"), reason="离职 left", by=ROOT, at=AT)
    else:
        wu.client = Client(headers={"authorization": f"Bearer {wu.secret}x"})
    answer = wu.get("/town")
    assert answer.status_code == 401 and set(answer.json()["said"]) == {"zh", "en"}


def test_a_posting_that_ends_takes_the_tokens_power_with_it(town: Town) -> None:
    wu = Caller("wu")
    end_posting(posting=Posting.objects.get(user__username="wu"), by=ROOT, at=AT)
    assert wu.get("/town").status_code == 404


def test_the_day_of_last_use_is_kept_and_shown(town: Town, client: Client) -> None:
    wu = User.objects.get(username="wu")
    unused = issue_token(user=wu, name="idle", scopes=["desk.read"], expires_at=AT + timedelta(days=9), by=ROOT, at=AT)
    Caller("wu").get("/town")
    assert unused and dict(Token.objects.values_list("name", "last_used_on")) == {"idle": None, "program": AT.date()}
