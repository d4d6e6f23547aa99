"""What the tracers of the demonstration town do: one investigation from the first case to the release of the contacts, one still under way.

1. Cases are opened, sampled, confirmed; the parts of the form are handed in; who had it from whom is recorded.
2. Contacts are listed and asked every day, on some days forgotten; they are released when their days are over, and the cases closed.
3. Of the outbreak under way, people who were at the same venue are asked for by one person, approved by another, and listed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import partial
from typing import Any

import numpy as np
from django.db.models import QuerySet

from tongchou.core.people.rules import Actor, system_actor
from tongchou.core.places.models import Place
from tongchou.domains.exposures.actions import approve_request, ask_exposed
from tongchou.domains.exposures.rules import Window
from tongchou.domains.gate.actions import EntranceSpec, open_entrances, register_residents
from tongchou.domains.gate.scan_log import Row, append
from tongchou.domains.registry.models import Resident, Venue
from tongchou.domains.response.models import Incident
from tongchou.domains.tracing.actions import add_result, add_sample, add_visit, classify_case, close_case, hand_in, link_cases, open_case
from tongchou.domains.tracing.actions_contacts import add_contact, check_contact
from tongchou.domains.tracing.models import Case, Contact
from tongchou.workflows.exposing import make_list
from tongchou.workflows.following import release_due

Plan = Callable[[datetime, Callable[[datetime], None]], None]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ASKED_AT = time(18, 0)
# Days of onset before the alarm was confirmed, and (infectee, infector, evidence, strength).
FINISHED = (
    (-9, -6, -4, -2, -3, -1),
    ((1, 0, "household", 0.9), (2, 0, "meal", 0.7), (3, 1, "work", 0.6), (4, 2, "venue", 0.5), (5, 2, "household", 0.9)),
)
UNDER_WAY = ((-3, -1), ((1, 0, "meal", 0.7),))
FORMS = {
    "core": "发病前三天在村内活动，与家人同住；去过农贸市场和村食堂。",
    "first": "同住家人和同桌聚餐者已列入随访；场所已消毒。",
    "full": "传播链清楚，未见外溢；建议按期解除随访。",
}
CONTACTS, FORGOTTEN_EVERY, GUESTS = 3, 13, 14


@dataclass(frozen=True, slots=True)
class Tracers:
    """Who investigates, who follows up in the village, who approves."""

    tracer: Actor
    secretary: Actor
    leader: Actor


def investigate(incident: Incident, hands: Tracers, plan: Plan, *, is_over: bool, at: datetime) -> list[Case]:
    """Steps 1 to 3 of one incident from `at` on; nothing where no register is kept."""
    place = incident.dossier.place
    onsets, links = FINISHED if is_over else UNDER_WAY
    people = _near(Resident.objects.filter(born_on__lt=at.date() - 18 * 365 * DAY), place, len(onsets) + CONTACTS + GUESTS)
    if len(people) < len(onsets) + CONTACTS + GUESTS:
        return []
    cases = [_case(person, n, incident, hands, at) for person, n in zip(people, onsets, strict=False)]
    for infectee, infector, evidence, strength in links:
        link_cases(cases[infectee], infector=cases[infector], evidence=evidence, strength=strength, by=hands.tracer, at=at)
    for part, after in (("core", HOUR), ("first", 3 * HOUR), ("full", 20 * HOUR))[: 3 if is_over else 2]:
        for case in cases:
            plan(at + after, partial(_hand_in, case, part, hands.tracer))
    contacts = [_contact(person, cases[0], place, hands.tracer, at) for person in people[len(onsets) : len(onsets) + CONTACTS]]
    _plan_asking(contacts, hands.secretary, plan, at)
    if is_over:
        plan(at + contacts[0].days * DAY + 2 * DAY, partial(_close, cases, hands.tracer))
    else:
        _look_for_exposed(cases[0], people[-GUESTS:], people[0], incident, hands, plan, at)
    return cases


def _near(rows: QuerySet[Any], place: Place, how_many: int) -> list[Any]:
    """Rows of the place first, then of the town around it."""
    around = rows.filter(place__path__startswith=(place.parent or place).path).exclude(place=place)
    own = list(rows.filter(place=place).order_by("pk")[:how_many])
    return own + list(around.order_by("pk")[: how_many - len(own)])


def _case(person: Resident, onset: int, incident: Incident, hands: Tracers, at: datetime) -> Case:
    facts = {
        "name": person.name, "id_number": person.id_number, "phone": person.phone, "sex": person.sex, "age": at.year - person.born_on.year,
        "onset_on": at.date() + onset * DAY, "reported_on": at.date(), "has_symptoms": True, "address": person.address,
    }  # fmt: skip
    case = open_case(facts=facts, place=incident.dossier.place, incident_id=incident.pk, by=hands.tracer, at=at)
    sample = add_sample(case=case, method="pcr", taken_at=at - 5 * HOUR, by=hands.tracer, at=at)
    add_result(sample, result="positive", by=hands.tracer, at=at)
    return classify_case(case, to="confirmed", reason="核酸阳性", by=hands.tracer, at=at)


def _hand_in(case: Case, part: str, by: Actor, at: datetime) -> None:
    hand_in(case, part=part, text=FORMS[part], by=by, at=at)


def _contact(person: Resident, case: Case, place: Place, by: Actor, at: datetime) -> Contact:
    who = {"name": person.name, "id_number": person.id_number or "", "phone": person.phone or ""}
    return add_contact(
        case, person=who, place=place, kind="close", setting="meal", last_contact_on=at.date() - DAY, address=person.address, by=by, at=at
    )


def _plan_asking(contacts: Sequence[Contact], by: Actor, plan: Plan, at: datetime) -> None:
    """Every evening, some forgotten: nobody's follow-up is without a gap."""
    for day in range(contacts[0].days):
        evening = datetime.combine(at.date() + day * DAY, ASKED_AT, at.tzinfo)
        for n, contact in enumerate(contacts):
            if evening > at and (day * len(contacts) + n + 1) % FORGOTTEN_EVERY:
                plan(evening + n * timedelta(minutes=4), partial(_ask, contact, 36.3 + (day + n) % 5 / 10, by))


def _ask(contact: Contact, temperature_c: float, by: Actor, at: datetime) -> None:
    if Contact.objects.filter(pk=contact.pk, ended_at=None).exists():
        check_contact(contact, day=at.date(), temperature_c=temperature_c, by=by, at=at)


def release(at: datetime) -> None:
    """As the worker does every day."""
    release_due(by=system_actor("worker"), at=at)


def _close(cases: Sequence[Case], by: Actor, at: datetime) -> None:
    for case in cases:
        if not Contact.objects.filter(case=case, ended_at=None).exists():
            close_case(case, reason="调查完毕，随访已解除", by=by, at=at)


def _look_for_exposed(
    case: Case, guests: Sequence[Resident], who: Resident, incident: Incident, hands: Tracers, plan: Plan, at: datetime
) -> None:
    """Step 3: the case and some others were at one venue two days ago; one other venue kept nobody."""
    venues = _near(Venue.objects.exclude(venue_class="compound"), incident.dossier.place, 1)
    if not venues:
        return
    (venue,) = venues
    system = system_actor("demonstration")
    (door,) = open_entrances(specs=[EntranceSpec(venue.pk)], by=system, at=at)
    random = np.random.default_rng(venue.pk)
    numbers = {
        person.pk: int(number)
        for person, number in zip((who, *guests), random.choice(2**40, len(guests) + 1, replace=False) + 1, strict=True)
    }
    register_residents(numbers=numbers, by=system, at=at)
    noon = int((at - 2 * DAY).timestamp()) // 3600 * 3600
    arrivals = [noon, *(noon + random.integers(-1800, 4200, len(guests))).tolist()]
    rows = []
    for n, (number, second) in enumerate(zip(numbers.values(), arrivals, strict=True)):
        for way, moment in ((0, second), (1, second + 2400)):
            seq = 2 * n + way + 1
            rows.append(Row(-door.pk, seq, door.pk, venue.pk, number, moment, moment, way, 0, 0, 0, 0, seq))
    append(rows)
    from_at = at - 2 * DAY
    add_visit(case, where=venue.name, venue_id=venue.pk, from_at=from_at, to_at=from_at + HOUR, by=hands.tracer, at=at)
    request = ask_exposed(
        case.dossier, incident=incident.dossier, basis="law-12", purpose="查找与确诊病例同时段在场的人", window=Window(at - 3 * DAY, at),
        by=hands.tracer, at=at,
    )  # fmt: skip

    def decide(then: datetime) -> None:
        approve_request(request, answer="同意，仅限此时段", by=hands.leader, at=then)
        make_list(request, by=hands.tracer, at=then + timedelta(minutes=1))

    plan(at + HOUR / 2, decide)
