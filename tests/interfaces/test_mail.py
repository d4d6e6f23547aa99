"""Letters leave through a real SMTP server; without one the message says so."""

import email
from collections.abc import Iterator
from email.message import Message as Letter
from email.policy import default

import pytest
from aiosmtpd.controller import Controller
from django.conf import LazySettings

from tests.fixtures_town import AT, Town
from tests.interfaces.ports import free_port
from tongchou.core.outbox.models import Message
from tongchou.core.outbox.queue import Telling, notify, work_once
from tongchou.core.people.models import User
from tongchou.core.wording import T
from tongchou.interfaces.jobs.handlers import HANDLERS


class Postbox:
    """Keeps what a mail server was given; refuses the first `refusals` letters."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.refusals = 0

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
        if self.refusals:
            self.refusals -= 1
            return "451 try again later"
        self.letters.append(email.message_from_bytes(envelope.content, policy=default))  # type: ignore[attr-defined]
        return "250 taken"


@pytest.fixture
def postbox(settings: LazySettings) -> Iterator[Postbox]:
    box, port = Postbox(), free_port()
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    yield box
    server.stop()


def _tell_lin() -> None:
    lin = User.objects.get(username="lin")
    told = [T("新任务 RW-2022-0001 先行管控", "New task RW-2022-0001 Hold the place"), T("新任务二", "New task two")]
    notify([Telling(lin, text) for text in told], at=AT)


def test_letter_arrives_in_both_languages(small_town: Town, postbox: Postbox) -> None:
    _tell_lin()
    assert work_once("w", AT, HANDLERS) is not None
    (letter,) = postbox.letters
    text = letter.get_content()  # type: ignore[attr-defined]
    assert letter["To"] == "lin@example.org" and "RW-2022-0001" in letter["Subject"] and "(+1)" in letter["Subject"]
    assert "先行管控" in text and "Hold the place" in text and "New task two" in text
    assert Message.objects.get().outcome == "sent"


def test_second_try_carries_the_same_message_id(small_town: Town, postbox: Postbox) -> None:
    _tell_lin()
    work_once("w", AT, HANDLERS)
    Message.objects.update(done_at=None, due_at=AT)
    work_once("w", AT, HANDLERS)
    first, second = (letter["Message-ID"] for letter in postbox.letters)
    assert first == second


def test_server_that_refuses_is_asked_again_later(small_town: Town, postbox: Postbox) -> None:
    postbox.refusals = 1
    _tell_lin()
    work_once("w", AT, HANDLERS)
    row = Message.objects.get()
    assert row.done_at is None and "451" in row.error and not postbox.letters
    work_once("w", row.due_at, HANDLERS)
    assert len(postbox.letters) == 1


def test_without_a_mail_server_the_message_says_so(small_town: Town, settings: LazySettings) -> None:
    settings.EMAIL_HOST = ""
    _tell_lin()
    work_once("w", AT, HANDLERS)
    row = Message.objects.get()
    assert row.done_at == AT and row.dead_at is None and row.outcome == "no_mail_server"
