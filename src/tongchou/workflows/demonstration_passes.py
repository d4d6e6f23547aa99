"""What the demonstration town shows of passes: a signing key, households whose phones carry elders and children, a visitor.

Its chance is made up from fixed texts: a demonstration has none of its own, and its people are not real.
"""

from datetime import datetime, timedelta
from hashlib import sha256
from itertools import count

from django.db.models import Count

from tongchou.core.passes.actions import rotate_key
from tongchou.core.passes.models import IssuerKey
from tongchou.core.passes.tokens import HIGHEST_HOLDER
from tongchou.core.people.rules import system_actor
from tongchou.core.places.queries import installation, place_by_code
from tongchou.domains.gate.actions import register_visitor
from tongchou.domains.gate.actions_passes import carry_passes, give_link
from tongchou.domains.gate.models import Holder
from tongchou.domains.registry.models import Household
from tongchou.workflows.passing import Chance, holders_of, passes_of

SYSTEM, HOMES, TRUSTED_FOR = system_actor("demonstration"), 6, timedelta(days=30)


def give_passes(village: str, at: datetime) -> None:
    """Links for six households of a village, each on one phone, and a visitor's pass."""
    town, place, chance = installation(), place_by_code(village), _chance()
    if town is None:
        return
    if not IssuerKey.objects.filter(issuer=town.place.code).exists():
        rotate_key(town=town.place, seed=_made_up("key"), trusted_for=TRUSTED_FOR, by=SYSTEM, at=at)
    homes = (
        Household.objects.filter(place=place, is_collective=False).annotate(n=Count("members")).filter(n__gte=2, n__lte=5).order_by("pk")
    )
    for home in homes[:HOMES]:
        people = list(home.members.order_by("born_on", "pk").values_list("pk", flat=True))
        numbers = holders_of(people, chance, by=SYSTEM, at=at)
        rows = {h.number: h for h in Holder.objects.select_related("place").filter(number__in=numbers.values())}
        carrier = rows[numbers[people[len(people) // 2]]]
        carry_passes(carrier, of=set(rows) - {carrier.number}, by=SYSTEM, at=at)
        give_link(carrier, token=_made_up(f"link {home.code}").hex(), by=SYSTEM, at=at)
        passes_of(list(rows.values()), town.place, by=SYSTEM, at=at)
    visitor = register_visitor(number=chance(), name="访客甲", phone="13800000000", id_number="", place=place, by=SYSTEM, at=at)
    passes_of([visitor], town.place, by=SYSTEM, at=at)


def _chance() -> Chance:
    drawn = count()
    return lambda: int.from_bytes(_made_up(f"holder {next(drawn)}")[:8]) % HIGHEST_HOLDER + 1


def _made_up(what: str) -> bytes:
    return sha256(f"demo pass {what}".encode()).digest()
