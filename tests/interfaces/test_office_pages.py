"""Pages of the office: parameters, people, audit, outbox, sign-in. Both languages, by the right post only."""

from datetime import date

import pytest
from django.conf import LazySettings
from django.test import Client

from tests.fixtures_town import AT, Town
from tongchou.core.audit.models import Entry
from tongchou.core.outbox.models import Message
from tongchou.core.outbox.queue import post
from tongchou.core.parameters.queries import value
from tongchou.core.people.models import Post, Posting, Token, User
from tongchou.interfaces import clock


@pytest.fixture
def browser(installed_town: Town, client: Client, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(clock, "now", lambda: AT)
    client.force_login(User.objects.get(username="fang"), backend="django.contrib.auth.backends.ModelBackend")
    return client


def _administrator(town: Town, client: Client) -> Client:
    """Fang also holds an administrator's post."""
    seat = Post.objects.create(
        code="admin", kind="administrator", unit=town.posts["duty-leader"].unit, place=town.town, name_zh="管理员", name_en="Administrator"
    )
    Posting.objects.create(user=User.objects.get(username="fang"), post=seat, from_at=AT.replace(month=1))
    return client


@pytest.mark.parametrize(
    "address", ["/parameters/", "/parameters/alarm.decide_within", "/people/", "/people/chen", "/audit/", "/audit/accesses", "/outbox/"]
)
@pytest.mark.parametrize(("lang", "word"), [("zh", "退出"), ("en", "Sign out")])
def test_page_opens_in_both_languages_within_its_query_budget(
    browser: Client, address: str, lang: str, word: str, django_assert_max_num_queries: object
) -> None:
    browser.cookies["lang"] = lang
    with django_assert_max_num_queries(25):  # type: ignore[operator]
        answer = browser.get(address)
    assert answer.status_code == 200
    assert word in answer.content.decode()


def test_parameter_is_changed_from_a_day_on_with_a_source(browser: Client) -> None:
    given = {"value": "45", "valid_from": "2022-06-03", "source_zh": "值班会议纪要 6月2日", "source_en": ""}
    assert browser.post("/parameters/alarm.decide_within", given).status_code == 302
    assert value("alarm.decide_within", on=date(2022, 6, 3), place_path="/310118/310118106/").value == 45
    assert value("alarm.decide_within", on=date(2022, 6, 2), place_path="/310118/310118106/").value == 120
    assert Entry.objects.get().action == "parameter.set"


def test_wrong_value_is_shown_where_one_stands_and_nothing_changes(browser: Client) -> None:
    given = {"value": "soon", "valid_from": "2022-06-03", "source_zh": "x", "source_en": ""}
    answer = browser.post(
        "/parameters/alarm.decide_within", given, headers={"referer": "http://testserver/parameters/alarm.decide_within"}, follow=True
    )
    assert "不小于零" in answer.content.decode()
    assert not Entry.objects.exists()


def test_zhao_of_another_town_sees_no_log(browser: Client) -> None:
    browser.force_login(User.objects.get(username="zhao"), backend="django.contrib.auth.backends.ModelBackend")
    assert browser.get("/audit/").status_code == 404
    assert browser.get("/parameters/no.such").status_code == 404


def test_token_is_shown_once(browser: Client, installed_town: Town) -> None:
    _administrator(installed_town, browser)
    answer = browser.post("/people/chen", {"do": "token", "name": "门诊终端", "scopes": ["stream.report"]})
    assert "tc_" in answer.content.decode()
    assert "tc_" not in browser.get("/people/chen").content.decode()
    browser.post("/people/chen", {"do": "revoke", "token": Token.objects.get().pk})
    assert Token.objects.get().revoked_at == AT


def test_dead_letter_is_seen_and_retried(browser: Client, installed_town: Town) -> None:
    _administrator(installed_town, browser)
    post("mail", "k1", {}, at=AT)
    Message.objects.update(dead_at=AT, attempts=6, error="ConnectionRefusedError: 111")
    assert "ConnectionRefusedError" in browser.get("/outbox/").content.decode()
    browser.post("/outbox/", {"message": Message.objects.get().pk})
    assert Message.objects.get().dead_at is None


def test_signing_in_lists_fictional_accounts_only_in_a_demo(client: Client, installed_town: Town) -> None:
    User.objects.filter(username="lin").update(is_fictional=True)
    page = client.get("/login").content.decode()
    assert "tongchou-demo" in page and "lin" in page and "zhao" not in page
    assert client.post("/login", {"username": "lin", "password": "correct horse"}).status_code == 302
    assert client.get("/audit/").status_code == 404


def test_eight_wrong_passwords_lock_the_account_for_now(client: Client, installed_town: Town, settings: LazySettings) -> None:
    settings.AXES_ENABLED = True
    answers = [client.post("/login", {"username": "lin", "password": "wrong"}).status_code for _ in range(9)]
    assert answers[0] == 200 and answers[-1] == 429


def test_whoever_holds_no_post_now_is_told_so(browser: Client) -> None:
    Posting.objects.filter(user__username="fang").update(to_at=AT)
    answer = browser.get("/")
    assert answer.status_code == 403
    assert "没有在任岗位" in answer.content.decode() and "管理员" in answer.content.decode()
