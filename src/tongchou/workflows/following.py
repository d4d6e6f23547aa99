"""The follow-up of contacts ends by itself.

1. Contacts whose last day has passed, by the ceiling in force today, are released.
2. Their villages are told, so that somebody tells them.
3. The person who has the case in hand is told.
"""

from collections import Counter
from datetime import datetime

from django.db import transaction

from tongchou.core.casework.models import Assignment
from tongchou.core.outbox.queue import Telling, notify
from tongchou.core.people.models import Post, User
from tongchou.core.people.queries import holders_at
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.wording import T
from tongchou.domains.tracing.actions_contacts import release_contacts
from tongchou.domains.tracing.models import Contact
from tongchou.domains.tracing.queries import due_for_release

VILLAGE_POST = "village_secretary"


def release_due(*, by: Actor, at: datetime) -> list[Contact]:
    """Release everybody whose days are over, and tell who must know. `at` in the town's zone: a day ends there. A second run changes nothing."""
    due = due_for_release(at.date())
    if not due:
        return []
    with transaction.atomic():
        # 1
        freed = release_contacts(contacts=due, by=by, at=at)
        # 2
        _tell_villages(freed, at)
        # 3
        _tell_investigators(freed, at)
    return freed


def _tell_villages(freed: list[Contact], at: datetime) -> None:
    places = {c.place_id: c.place for c in freed}
    counted = Counter(c.place_id for c in freed)
    for place_id, user in secretaries_of(list(places.values()), at).items():
        n = counted[place_id]
        text = T(
            f"{places[place_id].name_zh}：{n} 人今天解除随访，请告知本人",
            f"{places[place_id].name_en}: follow-up of {n} ended today; please tell them",
        )
        notify([Telling(user, text)], at=at)


def _tell_investigators(freed: list[Contact], at: datetime) -> None:
    cases = {c.case_id: c.case for c in freed}
    hands = Assignment.objects.filter(dossier__in=list(cases), to_at=None).exclude(user=None).select_related("user", "dossier")
    counted = Counter(c.case_id for c in freed)
    notify(
        [
            Telling(
                hand.user,
                T(
                    f"{hand.dossier.number}：{counted[hand.dossier_id]} 名接触者解除随访",
                    f"{hand.dossier.number}: {counted[hand.dossier_id]} contacts released",
                ),
                hand.dossier,
            )
            for hand in hands
            if hand.user is not None
        ],
        at=at,
    )


def secretaries_of(places: list[Place], at: datetime) -> dict[int, User]:
    """Place id → whoever is on duty as secretary of that village; villages without one are left out."""
    posts = {p.pk: p for p in Post.objects.filter(kind=VILLAGE_POST, place__in=places)}
    return {posts[post_id].place_id: user for post_id, user in holders_at(posts.values(), at).items()}
