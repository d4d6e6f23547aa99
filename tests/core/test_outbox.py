"""The outbox: written with its cause, claimed by one worker, tried again, dead in the end, never lost; notices and drills."""

from datetime import timedelta

import pytest
from django.db import transaction

from tests.fixtures_town import AT, Town
from tongchou.core.errors import Refusal, Stale, Unseen
from tongchou.core.outbox.actions import retry_message
from tongchou.core.outbox.models import Message, Notice
from tongchou.core.outbox.queue import LEASE, MAX_ATTEMPTS, Telling, claim, mark_read, notify, post, work_once
from tongchou.core.people.models import User
from tongchou.core.people.rules import system_actor
from tongchou.core.wording import T

HELLO = T("您有新任务", "You have a new task")


def _fail(message: Message, at: object) -> None:
    raise ConnectionError("no route to host")


def test_message_disappears_with_the_transaction_that_caused_it(db: None) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        post("mail", "a", {}, at=AT)
        raise ZeroDivisionError
    assert not Message.objects.exists()


def test_second_message_with_the_same_key_is_ignored(db: None) -> None:
    post("mail", "a", {"to": "x"}, at=AT)
    post("mail", "a", {"to": "y"}, at=AT)
    assert Message.objects.get().payload == {"to": "x"}


def test_one_worker_holds_a_message_until_its_lease_ends(db: None) -> None:
    post("mail", "a", {}, at=AT)
    assert claim("w1", AT, ["mail"]) is not None
    assert claim("w2", AT + LEASE - timedelta(seconds=1), ["mail"]) is None
    again = claim("w2", AT + LEASE, ["mail"])
    assert again is not None and (again.worker, again.attempts) == ("w2", 2)


def test_clock_set_back_keeps_no_message_waiting_for_the_wrong_day(db: None) -> None:
    wrong = AT + timedelta(days=2)
    post("mail", "written ahead", {}, at=wrong)
    post("mail", "held ahead", {}, at=AT)
    assert (held := claim("w1", wrong, ["mail"])) is not None and held.key == "held ahead"
    taken = [claim("w2", AT + timedelta(minutes=1), ["mail"]) for _ in range(3)]
    assert {m.key for m in taken if m} == {"written ahead", "held ahead"} and taken[2] is None


def test_worker_that_comes_back_late_does_not_undo_the_other(db: None) -> None:
    post("mail", "a", {}, at=AT)

    def slow(message: Message, at: object) -> str:
        claim("w2", AT + LEASE, ["mail"])
        return "sent"

    work_once("w1", AT, {"mail": slow})
    row = Message.objects.get()
    assert (row.worker, row.done_at) == ("w2", None)


def test_failure_is_put_off_with_growing_delay_then_dead_and_can_be_retried(db: None) -> None:
    post("mail", "a", {}, at=AT)
    now, delays = AT, []
    for _ in range(MAX_ATTEMPTS):
        assert work_once("w", now, {"mail": _fail}) is not None
        row = Message.objects.get()
        delays.append((row.due_at - now).total_seconds())
        now = row.due_at
    assert delays == [15, 60, 240, 960, 3840, 15360]
    assert row.dead_at is not None and row.error == "ConnectionError: no route to host"
    assert work_once("w", now + timedelta(days=1), {"mail": _fail}) is None
    with pytest.raises(Unseen):
        retry_message(row, by=_nobody(), at=now)
    retry_message(row, by=system_actor("test"), at=now)
    with pytest.raises(Stale):
        retry_message(row, by=system_actor("test"), at=now)
    assert work_once("w", now, {"mail": lambda m, at: "sent"}) is not None
    assert Message.objects.get().outcome == "sent"


def _nobody() -> object:
    from tongchou.core.people.rules import Actor

    return Actor(user_id=None, label="nobody")


def test_message_that_takes_every_worker_down_ends_dead(db: None) -> None:
    post("mail", "a", {}, at=AT)
    now = AT
    for _ in range(MAX_ATTEMPTS):
        assert claim("w", now, ["mail"]) is not None
        now += LEASE
    assert claim("w", now, ["mail"]) is None
    assert Message.objects.get().dead_at == now


def test_people_are_told_in_the_pages_and_once_by_mail(small_town: Town) -> None:
    lin, wu = User.objects.get(username="lin"), User.objects.get(username="wu")
    User.objects.filter(pk=wu.pk).update(email="")
    wu.refresh_from_db()
    notify([Telling(lin, HELLO), Telling(lin, HELLO), Telling(wu, HELLO)], at=AT)
    assert Notice.objects.count() == 3
    letter = Message.objects.get()
    assert letter.payload["to"] == "lin@example.org" and len(letter.payload["lines"]) == 2
    assert mark_read(lin.pk, at=AT) == 2 and mark_read(lin.pk, at=AT) == 0


def test_a_drill_never_uses_a_real_channel(small_town: Town) -> None:
    with pytest.raises(Refusal, match="演练"):
        post("mail", "a", {}, at=AT, is_exercise=True)
    notify([Telling(User.objects.get(username="lin"), HELLO)], at=AT, is_exercise=True)
    assert Notice.objects.count() == 1 and not Message.objects.exists()
