"""A firm merges into another, one splits off it, it moves away or is struck off.

1. What happened is noted with its day and reason.
2. A firm that is no more ends in the register: it is counted, matched and visited no longer. Its file stays.
3. Its awards: what nobody approved lapses, what is approved and not paid goes to the successor; its own address ends.
4. The successor is matched anew. What the firm took that another was split off, that other cannot have again.
"""

from datetime import date, datetime

from django.db import transaction

from tongchou.core.people.rules import Actor
from tongchou.domains.firms.actions import end_address
from tongchou.domains.firms.actions_succession import note_succession
from tongchou.domains.firms.models import FirmAddress
from tongchou.domains.policies.actions_awards import HandedOver, hand_over_awards
from tongchou.domains.policies.queries import latest_book
from tongchou.domains.registry.actions import end_firm
from tongchou.domains.registry.models import Firm
from tongchou.workflows.entitling import MACHINE, entitle_one

NOTHING = HandedOver(0, 0, 0)


@transaction.atomic
def succeed(firm: Firm, kind: str, *, successor: Firm | None, on: date, reason: str, by: Actor, at: datetime) -> HandedOver:
    """Steps 1 to 4. `kind`: a key of SUCCESSIONS; a firm that another was split off goes on. Raises what `note_succession` raises."""
    note_succession(firm=firm, successor=successor, kind=kind, on=on, reason=reason, by=by, at=at)
    done = NOTHING
    if kind != "split":
        ended = end_firm(firm, on=on, reason=reason, by=by, at=at)
        done = hand_over_awards(firm=ended, successor=successor, by=MACHINE, at=at)
        if FirmAddress.objects.filter(firm=firm, ended_at=None).exists():
            end_address(firm=ended, reason=reason, by=by, at=at)
    if successor is not None and latest_book() is not None:
        entitle_one(successor, by=MACHINE, at=at)
    return done
