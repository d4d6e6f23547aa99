"""What the worker does with each topic. Handlers are idempotent by the message's key."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from django.db import transaction

from tongchou.core.casework.models import Assignment, Deadline
from tongchou.core.outbox.models import Message
from tongchou.core.outbox.queue import Handler, Telling, notify, settle
from tongchou.core.outbox.rules import may_leave
from tongchou.core.people.queries import holders_at
from tongchou.core.people.rules import system_actor
from tongchou.core.runs.models import Run
from tongchou.core.wording import T
from tongchou.domains.sentinels.models import Stream
from tongchou.interfaces.adapters.channel import Parcel
from tongchou.interfaces.adapters.mail import Mail
from tongchou.interfaces.chance import random_holder
from tongchou.interfaces.jobs.bulk_posters import TOPIC as POSTERS
from tongchou.interfaces.jobs.bulk_posters import make_posters
from tongchou.workflows.early_warning import FUNCTION, screen_morning
from tongchou.workflows.nowcasting import keep_nowcasts
from tongchou.workflows.passing import MACHINE, hand_on_results
from tongchou.workflows.promise import keep_judgement
from tongchou.workflows.testing_rounds import RESULTS_IN

MAIL = Mail()
WATCH = system_actor("worker")
GREETING = T("统筹提醒", "Tongchou notice")
FOOT = T("请打开“我的待办”处理。", "Open your inbox to act on it.")


def send_mail(message: Message, at: datetime) -> str:
    """One letter in both languages with everything one person was told at once."""
    if not may_leave(message.topic, message.is_exercise):
        raise ValueError("a drill may not send mail")
    if not MAIL.is_configured():
        return "no_mail_server"
    lines = [T(**line) for line in message.payload["lines"]]
    more = f" (+{len(lines) - 1})" if len(lines) > 1 else ""
    body = "\n\n".join(f"{greeting}\n{text}\n{foot}" for greeting, text, foot in (
        (GREETING.zh, "\n".join(f"- {line.zh}" for line in lines), FOOT.zh),
        (GREETING.en, "\n".join(f"- {line.en}" for line in lines), FOOT.en),
    ))  # fmt: skip
    subject = f"{lines[0].zh[:60]}{more} | {lines[0].en[:80]}".replace("\n", " ")
    MAIL.send(Parcel(f"{message.topic}:{message.key}", message.payload["to"], subject, body))
    return "sent"


def tell_of_silent_stream(message: Message, at: datetime) -> None:
    """A notice to whoever is on duty in the post that answers for the stream."""
    stream = Stream.objects.select_related("sentinel__contact_post").get(pk=message.payload["stream"])
    post = stream.sentinel.contact_post
    if post is None:
        return
    text = T(
        f"数据失联：{stream.sentinel.name_zh}“{stream.indicator_zh}”久未上报",
        f"Silent: {stream.sentinel.name_en}, {stream.indicator_en} has not reported for long",
    )
    _tell_once(message, [Telling(user, text) for user in holders_at([post], at).values()], at)


def remind_of_task(message: Message, at: datetime) -> None:
    """A notice to the person who has a task in hand that falls due soon; nothing once it is closed."""
    clock = Deadline.objects.select_related("dossier").filter(pk=message.payload["deadline"], stopped_at=None).first()
    hand = Assignment.objects.filter(dossier=clock.dossier, to_at=None).select_related("user").first() if clock else None
    if clock is None or hand is None or hand.user is None:
        return
    head = clock.dossier
    text = T(f"即将到期：{head.number} {head.title_zh}", f"Due soon: {head.number} {head.title_en}")
    _tell_once(message, [Telling(hand.user, text, head)], at, is_exercise=head.is_exercise)


def _tell_once(message: Message, tellings: Sequence[Telling], at: datetime, *, is_exercise: bool = False) -> None:
    """Notices and the message's end in one transaction: a worker killed in between would tell everybody a second time."""
    with transaction.atomic():
        if settle(message, at):
            notify(tellings, at=at, is_exercise=is_exercise)


def read_morning(message: Message, at: datetime) -> None:
    """Read a morning as it was known at its hour, from where a killed worker left it; a day read with later knowledge is left alone."""
    day, as_known_at = date.fromisoformat(message.payload["day"]), datetime.fromisoformat(message.payload["as_known_at"])
    if not Run.objects.filter(function=FUNCTION, as_known_at__gt=as_known_at).exists():
        screen_morning(day, as_known_at, by=WATCH, at=at)
        keep_nowcasts(as_known_at, by=WATCH, at=at)
        keep_judgement(day, as_known_at, by=WATCH, at=at)


def hand_results_to_passes(message: Message, at: datetime) -> None:
    """What came from the laboratory to whoever holds a pass."""
    hand_on_results(message.payload["tubes"], random_holder, by=MACHINE, at=at)


HANDLERS: Mapping[str, Handler] = {
    "mail": send_mail,
    "task.remind": remind_of_task,
    "stream.silent": tell_of_silent_stream,
    "watch.morning": read_morning,
    RESULTS_IN: hand_results_to_passes,
    POSTERS: make_posters,
}
