"""What the demonstration town shows of passes: a signing key, households whose phones carry elders and children, a visitor, two suspensions.

Its chance is made up from fixed texts: a demonstration has none of its own, and its people are not real.
"""

from datetime import datetime, timedelta
from hashlib import sha256
from itertools import count

from django.db.models import Count

from tongchou.core.passes.actions import rotate_key
from tongchou.core.passes.models import IssuerKey
from tongchou.core.passes.tokens import HIGHEST_HOLDER
from tongchou.core.people.models import Post
from tongchou.core.people.queries import actor_for, holders_at
from tongchou.core.people.rules import Actor, system_actor
from tongchou.core.places.queries import installation, place_by_code
from tongchou.domains.gate.actions import register_visitor
from tongchou.domains.gate.actions_passes import carry_passes, give_link
from tongchou.domains.gate.models import Holder
from tongchou.domains.registry.models import Household, Resident
from tongchou.domains.response.models import Incident
from tongchou.domains.suspensions.actions import Grounds
from tongchou.domains.suspensions.models import Suspension
from tongchou.workflows.passing import Chance, holders_of, passes_of
from tongchou.workflows.suspending import approve, ask, protest

SYSTEM, HOMES, TRUSTED_FOR = system_actor("demonstration"), 6, timedelta(days=30)
# Reason, words for the person, days.
SUSPENDED = (
    ("contact", "您与一位确诊者同桌用餐，请居家观察，每天有人联系您。", 7),
    ("recall", "您所在的混管为阳性，请等待上门单采。", 1),
)


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


def suspend_somebody(at: datetime) -> None:
    """A contact where an incident is open: asked for, approved, and the person objects."""
    if (asked := _ask(0, at)) is not None:
        row, leader = asked
        approve(row, answer="同意，到期即恢复", by=leader, at=at + timedelta(minutes=2))
        protest(row, words="我那天没有去过食堂，请核对", phone="", by=SYSTEM, at=at + timedelta(minutes=4))


def ask_to_suspend(at: datetime) -> None:
    """Another, for whom somebody has asked and nobody has decided."""
    _ask(1, at)


def _ask(which: int, at: datetime) -> tuple[Suspension, Actor] | None:
    """The request about one of SUSPENDED, and who may approve it; None where no incident is open or nobody is on duty."""
    posts = {post.kind: post for post in Post.objects.filter(kind__in=("duty_officer", "duty_leader")).order_by("-code")}
    on_duty = holders_at(posts.values(), at)
    hands = {kind: actor_for(on_duty[post.pk], at) for kind, post in posts.items() if post.pk in on_duty}
    incident = Incident.objects.filter(dossier__closed_at=None, dossier__is_exercise=False).order_by("-pk").first()
    cause, words, days = SUSPENDED[which]
    if incident is None or len(hands) < len(posts) or Suspension.objects.filter(cause=cause).exists():
        return None
    near = Resident.objects.filter(place__path__startswith=incident.place_path, household__isnull=False).order_by("-pk")
    (number,) = holders_of([near[which].pk], _chance(cause), by=SYSTEM, at=at).values()
    holder = Holder.objects.select_related("place").get(pk=number)
    grounds = Grounds(incident.dossier, cause, words, "law-39", at + timedelta(days=days))
    return ask(holder, grounds, by=hands["duty_officer"], at=at), hands["duty_leader"]


def _chance(what: str = "holder") -> Chance:
    drawn = count()
    return lambda: int.from_bytes(_made_up(f"{what} {next(drawn)}")[:8]) % HIGHEST_HOLDER + 1


def _made_up(what: str) -> bytes:
    return sha256(f"demo pass {what}".encode()).digest()
