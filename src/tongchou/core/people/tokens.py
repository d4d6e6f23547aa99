"""Housekeeping of interface tokens; issuing and revoking them are actions."""

from datetime import datetime

from tongchou.core.people.models import Token


def keep_last_use(token: Token, *, at: datetime) -> None:
    """Note the day a token was last used, once a day. No act of a person: no entry."""
    if token.last_used_on != at.date():
        Token.objects.filter(pk=token.pk).update(last_used_on=at.date())
