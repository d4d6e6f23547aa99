"""Testing joined with the registers and passes.

1. Somebody at a site is recognised by pass, identity number, phone or household number; who is in no register is put into it.
2. A phone number on the missing list is shown for one call, and the log says so.
3. Results come in. A positive pool calls back its people at once: a retest round of single tubes, with a clock, and notices to its people's villages.
   A person found positive alone is told to the duty officers; `testing.queries.positive_results` hands it to the case investigation.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import DatabaseError, transaction
from django.db.models import Q

from tongchou.core.errors import FieldProblem, Invalid, Refusal, Unseen
from tongchou.core.identity import check_mobile, check_resident_id
from tongchou.core.outbox.queue import Draft, Telling, notify, post_all
from tongchou.core.passes.queries import trusted_keys
from tongchou.core.passes.tokens import PREFIX, BadPass, read_pass
from tongchou.core.people.models import Post
from tongchou.core.people.queries import holders_at
from tongchou.core.people.rules import Actor, system_actor
from tongchou.core.places.models import Place
from tongchou.core.secrecy import blind_index
from tongchou.core.wording import T
from tongchou.domains.gate.models import Holder
from tongchou.domains.registry.actions import add_row, unmask
from tongchou.domains.registry.imports import RESIDENTS
from tongchou.domains.registry.models import Resident
from tongchou.domains.testing.actions import add_people, plan_round, start_round
from tongchou.domains.testing.actions_check_off import CheckedOff, Delivery, Sampled, check_off, check_off_together
from tongchou.domains.testing.actions_laboratory import Finding, keep_results
from tongchou.domains.testing.imports import Listed
from tongchou.domains.testing.models import Result, RollEntry, Round, Site, Tube
from tongchou.domains.testing.queries import people_in
from tongchou.domains.testing.roll import standing_of

MACHINE = system_actor("testing")
RESULTS_IN = "testing.results"  # a topic: tubes whose results came or changed
CALLED = T("漏检联系", "call to a missing person")
_BATCH = 400
_TUBES_TOLD = 2_000  # in one message: 20,000 people in pools of ten are done well within its lease


@dataclass(frozen=True, slots=True)
class Recognised:
    """Who a text at a site may mean: the people themselves, and in which way of `testing.rules.WAYS` they were recognised."""

    people: tuple[int, ...]
    way: str


def recognise(text: str, at: datetime) -> Recognised:
    """The residents meant by a pass, an identity number, a mobile number or a household number. Raises Unseen for nobody, BadPass's words for a bad pass."""
    text = text.strip()
    if text.startswith(PREFIX):
        return Recognised(_behind_pass(text, at), "pass")
    for check, field in ((check_resident_id, "id_index"), (check_mobile, "phone_index")):
        try:
            number = check(text)
        except Refusal:
            continue
        return Recognised(_residents(Q(**{field: blind_index(number)})), "id_number")
    return Recognised(_residents(Q(household__code=text.upper())), "household")


def _behind_pass(text: str, at: datetime) -> tuple[int, ...]:
    try:
        said = read_pass(text, trusted_keys(at))
    except BadPass as bad:
        raise Refusal(
            T("这不是本地可核验的通行码。", "This pass cannot be verified here."), T("请改用身份证或户号登记。", "Use the identity card or household number.")
        ) from bad  # fmt: skip
    who = Holder.objects.filter(number=said.holder, resident__isnull=False).values_list("resident_id", flat=True).first()
    if who is None:
        raise Unseen("resident")
    return (int(who),)


def _residents(where: Q) -> tuple[int, ...]:
    found = tuple(Resident.objects.filter(where).order_by("pk").values_list("pk", flat=True)[:60])
    if not found:
        raise Unseen("resident")
    return found


def listed_people(rows: Sequence[Listed]) -> dict[int, Listed]:
    """Resident → row, for a list by identity number. Raises Invalid naming every row whose number is in no register (never the number)."""
    index_of = {blind_index(row.id_number): row for row in rows}
    found: dict[bytes, int] = {}
    for start in range(0, len(keys := list(index_of)), _BATCH):
        known = Resident.objects.filter(id_index__in=keys[start : start + _BATCH]).values_list("id_index", "pk")
        found |= {bytes(index): pk for index, pk in known if index is not None}
    if lost := [row for index, row in index_of.items() if index not in found]:
        raise Invalid([FieldProblem(f"rows[{r.row}].id_number", T("底数里没有这个人", "in no register")) for r in lost])
    return {found[index]: row for index, row in index_of.items()}


@transaction.atomic
def register_newcomer(
    testing_round: Round, *, name: str, id_number: str, phone: str, place: Place, household: str = "", by: Actor, at: datetime
) -> int:
    """Put somebody who is in no register into it and on the roll; sex and birthday follow from the identity number. Gives the row number."""
    number = check_resident_id(id_number, at.date())
    born_on = f"{number[6:10]}-{number[10:12]}-{number[12:14]}"
    given = {
        "name": name, "id_number": number, "sex": "m" if int(number[16]) % 2 else "f", "born_on": born_on, "place_id": place.code, "phone": phone,
        "household_id": household, "residence": "other",
    }  # fmt: skip
    row = add_row(spec=RESIDENTS, given=given, by=by, at=at)
    add_people(testing_round=testing_round, people=[row.pk], by=by, at=at)
    return int(row.pk)


def number_to_call(testing_round: Round, person: int, *, by: Actor, at: datetime) -> str:
    """The phone of somebody on a round's roll, for one call; the log says who asked and why. Raises Unseen, or Refusal when none is known."""
    entry = RollEntry.objects.filter(round=testing_round, person=person).select_related("person__place").first()
    if entry is None:
        raise Unseen("resident")
    number = testing_round.dossier.number
    phone = unmask(spec=RESIDENTS, row=entry.person, fields=["phone"], purpose=f"{number} {CALLED.zh} {CALLED.en}", by=by, at=at)["phone"]
    if not phone:
        raise Refusal(
            T("底数里没有电话。", "The register has no phone."),
            T("请上门核实后在底数补录。", "Call at the door, then add it to the register."),
        )
    return phone


@dataclass(frozen=True, slots=True)
class Taken:
    """What a delivery of results did."""

    new: tuple[Result, ...]
    called_back: tuple[Round, ...]
    single_positives: tuple[Tube, ...]


@transaction.atomic
def take_results(findings: Sequence[Finding], *, source: str, by: Actor, at: datetime) -> Taken:
    """Keep results and answer the positives, in one transaction. The same again changes nothing."""
    rows = keep_results(findings=findings, source=source, by=by, at=at)
    if rows:
        parts = (rows[start : start + _TUBES_TOLD] for start in range(0, len(rows), _TUBES_TOLD))
        post_all([Draft(RESULTS_IN, f"{part[0].pk}", {"tubes": [row.tube_id for row in part]}) for part in parts], at=at)
    positive = [row.tube for row in rows if row.value == "positive"]
    called, singles = [], []
    for tube in positive:
        people = people_in(tube)
        if len(people) > 1:
            if not Round.objects.filter(retests=tube).exists():
                called.append(_call_back(tube, people, at))
        else:
            singles.append(tube)
            _tell_of_positive(tube, at)
    return Taken(tuple(rows), tuple(called), tuple(singles))


def _call_back(tube: Tube, people: Sequence[int], at: datetime) -> Round:
    """A retest of everybody in a positive pool, begun at once."""
    head, place = tube.round.dossier, tube.site.place
    title = T(f"混管阳性复核 {tube.code}（{len(people)}人）", f"Retest of positive pool {tube.code} ({len(people)} people)")
    retest = plan_round(
        title=title, place=place, kind="retest", pool_size=1, owner=head.owner_post, retests=tube, cause=head, is_exercise=head.is_exercise,
        by=MACHINE, at=at,
    )  # fmt: skip
    add_people(testing_round=retest, people=people, by=MACHINE, at=at)
    start_round(retest, by=MACHINE, at=at)
    by_village = Counter(retest.roll.values_list("place_id", flat=True))
    posts = list(Post.objects.filter(kind="village_secretary", place__in=by_village))
    text = {
        place_id: T(f"混管阳性：{n} 人须立即召回单采复核", f"Positive pool: call back {n} people now, sample each alone")
        for place_id, n in by_village.items()
    }
    tellings = [(post, text[post.place_id]) for post in posts]
    if head.owner_post is not None:
        tellings.append((head.owner_post, title))
    _tell(tellings, retest, at)
    return retest


def _tell_of_positive(tube: Tube, at: datetime) -> None:
    """A person found positive alone: the head of testing and the town's duty officers know at once; the notice names nobody."""
    head = tube.round.dossier
    text = T(
        f"单采阳性：{tube.site.name_zh} 管 {tube.code}，请启动流调",
        f"Positive alone: {tube.site.name_en}, tube {tube.code}; begin the investigation",
    )
    towns = [path for path in tube.place_path.split("/") if path]
    posts = list(Post.objects.filter(kind__in=("duty_officer", "duty_leader"), place__code__in=towns, place__valid_to=None))
    posts += [head.owner_post] if head.owner_post is not None and head.owner_post not in posts else []
    _tell([(post, text) for post in posts], tube.round, at)


def _tell(tellings: Sequence[tuple[Post, T]], about: Round, at: datetime) -> None:
    holders = holders_at([post for post, _ in tellings], at)
    once = {(holders[post.pk].pk, text): Telling(holders[post.pk], text, about.dossier) for post, text in tellings if post.pk in holders}
    notify(list(once.values()), at=at, is_exercise=about.dossier.is_exercise)


@transaction.atomic
def sample_here(
    testing_round: Round, site: Site, sampled: Sequence[Sampled], *, tube_size: int | None = None, by: Actor, at: datetime
) -> CheckedOff:
    """Check people off at a site; whoever is not on the roll yet, and is the actor's, is put on it first."""
    known = standing_of(testing_round.pk, [s.person for s in sampled])
    if strangers := [s.person for s in sampled if s.person not in known]:
        add_people(testing_round=testing_round, people=strangers, by=by, at=at)
    return check_off(testing_round=testing_round, site=site, sampled=sampled, tube_size=tube_size, by=by, at=at)


def keep_deliveries(deliveries: Sequence[Delivery], *, at: datetime) -> list[CheckedOff | Refusal | DatabaseError]:
    """Check off what many crews deliver in one transaction; if they cannot be kept together, each in one of its own. Says of each what became of it.

    Whatever is told, everything told as checked off is on disk; nothing of the others is kept.
    """
    if len(deliveries) > 1:
        try:
            return [*check_off_together(deliveries=deliveries, by=MACHINE, at=at)]
        except (Refusal, DatabaseError):
            pass  # one of them, or a transaction beside: found out one by one
    return [_keep_delivery(delivery, at) for delivery in deliveries]


def _keep_delivery(one: Delivery, at: datetime) -> CheckedOff | Refusal | DatabaseError:
    try:
        return check_off(testing_round=one.round, site=one.site, sampled=one.sampled, tube_size=one.tube_size, key=one.id, by=one.by, at=at)
    except (Refusal, DatabaseError) as error:
        return error
