"""Giving a dead letter another life."""

from datetime import datetime

from tongchou.core.audit.acting import action, record
from tongchou.core.errors import Stale
from tongchou.core.outbox.models import Message
from tongchou.core.people.rules import Actor
from tongchou.core.wording import T


@action("outbox.retry", on=Message)
def retry_message(message: Message, *, by: Actor, at: datetime) -> Message:
    """Put a dead message back in the queue with fresh tries. Raises Stale when it is not dead."""
    if message.dead_at is None:
        raise Stale(T("这条消息不在死信中。", "This message is not a dead letter."))
    message.dead_at, message.attempts, message.due_at = None, 0, at
    message.save(update_fields=["dead_at", "attempts", "due_at"])
    record("outbox.retry", message, detail={"topic": message.topic, "key": message.key, "error": message.error})
    return message
