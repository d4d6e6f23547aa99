"""Posts decide; time decides who holds them; a token never exceeds either."""

from datetime import timedelta

import pytest

from tests.fixtures_town import AT, Town
from tongchou.core.audit.models import Entry
from tongchou.core.errors import Invalid, Stale, Unseen
from tongchou.core.people.actions import add_user, deactivate_user, end_posting, issue_token, post_user, revoke_token
from tongchou.core.people.models import Posting, Token, User
from tongchou.core.people.queries import actor_for, actor_for_token, holders_at
from tongchou.core.people.rules import system_actor
from tongchou.core.wording import T

ROOT = system_actor("test")


def test_capability_holds_in_the_post_place_and_below_only(small_town: Town) -> None:
    village = small_town.villages[0].path
    assert small_town.lin.may("alarm.confirm", village)
    assert not small_town.zhao.may("alarm.confirm", village)
    assert small_town.wu.may("stream.report", village)
    assert not small_town.wu.may("stream.report", small_town.villages[1].path)
    assert not small_town.wu.may("alarm.confirm", village)


def test_a_posting_that_ended_gives_nothing(small_town: Town) -> None:
    posting = Posting.objects.get(user__username="lin")
    end_posting(posting=posting, by=ROOT, at=AT)
    lin = User.objects.get(username="lin")
    assert not actor_for(lin, AT + timedelta(seconds=1)).granted
    assert actor_for(lin, AT - timedelta(days=1)).may("alarm.confirm")
    with pytest.raises(Stale):
        end_posting(posting=posting, by=ROOT, at=AT)


def test_deputy_serves_only_while_there_is_no_holder(small_town: Town) -> None:
    post, chen, lin = small_town.posts["duty-officer"], User.objects.get(username="chen"), User.objects.get(username="lin")
    post_user(user=chen, post=post, from_at=AT, deputy_for=lin, by=ROOT, at=AT)
    assert holders_at([post], AT)[post.pk] == lin
    deactivate_user(user=lin, reason="调离", by=ROOT, at=AT + timedelta(hours=1))
    assert holders_at([post], AT + timedelta(hours=2))[post.pk] == chen


def test_token_narrows_and_ends(small_town: Town) -> None:
    chen = User.objects.get(username="chen")
    secret = issue_token(user=chen, name="发热门诊终端", scopes=["stream.report"], expires_at=AT + timedelta(days=30), by=ROOT, at=AT)
    actor = actor_for_token(secret, AT + timedelta(days=1))
    assert actor.may("stream.report", small_town.villages[0].path) and not actor.may("alarm.acknowledge")
    for wrong, when in ((secret + "x", AT), (secret, AT + timedelta(days=31))):
        with pytest.raises(Unseen):
            actor_for_token(wrong, when)
    revoke_token(token=Token.objects.get(), by=ROOT, at=AT)
    with pytest.raises(Unseen):
        actor_for_token(secret, AT + timedelta(days=1))
    assert secret not in "".join(Entry.objects.values_list("detail", flat=True))


def test_token_scope_beyond_the_post_gives_nothing(small_town: Town) -> None:
    wu = User.objects.get(username="wu")
    secret = issue_token(user=wu, name="x", scopes=["alarm.confirm"], expires_at=AT + timedelta(days=1), by=ROOT, at=AT)
    assert not actor_for_token(secret, AT).may("alarm.confirm")


def test_problems_are_named_together(small_town: Town) -> None:
    with pytest.raises(Invalid) as refused:
        add_user(username="lin", name=T("林", "Lin"), password="123", by=ROOT, at=AT)
    assert {p.field for p in refused.value.problems} == {"username", "password"}
    weak = next(p.said for p in refused.value.problems if p.field == "password")
    assert weak.en == "Password too weak: at least 8 characters, too common, not digits alone."
    assert weak.zh == "密码太弱：至少 8 个字符、太常见、不能全是数字。"
    with pytest.raises(Unseen):
        add_user(username="new", name=T("新", "New"), by=small_town.lin, at=AT)
