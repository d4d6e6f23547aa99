"""Reading investigations: cases, their chain, the follow-up of a village, duplicates among reports."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import reduce
from operator import or_

from django.db.models import Count, F, Q, QuerySet

from tongchou.core.errors import Unseen
from tongchou.core.parameters.queries import values_on
from tongchou.core.people.queries import within
from tongchou.core.people.rules import Actor
from tongchou.domains.tracing.models import Case, ChainLink, CheckUp, Contact, Report, Sample
from tongchou.domains.tracing.rules import CEILING, PROBABLE_FROM, Likeness, alike, days_followed, facts_known, last_day, missed_days


def known_facts(case: Case) -> frozenset[str]:
    """What the case definition may ask about, as known now."""
    results = Sample.objects.filter(case=case).values_list("result", flat=True)
    return facts_known(has_symptoms=case.has_symptoms, has_known_contact=case.has_known_contact, results=results)


def cases_seen(actor: Actor) -> QuerySet[Case]:
    """Cases in the actor's places, open ones first, newest first, with how many contacts are followed."""
    return (
        Case.objects.filter(within(actor, "case.read", "dossier__place__path"))
        .select_related("dossier__place", "dossier__owner_post")
        .annotate(followed=Count("contacts", filter=Q(contacts__ended_at=None)))
        .order_by(F("dossier__closed_at").desc(nulls_first=True), "-dossier__opened_at", "-pk")
    )


def seen_case(number: str, actor: Actor) -> Case:
    """A case by its number. Raises Unseen when missing or elsewhere."""
    row = (
        Case.objects.select_related("dossier__place", "dossier__owner_post", "incident__dossier__place")
        .filter(dossier__number=number)
        .first()
    )
    if row is None or not actor.may("case.read", row.place_path):
        raise Unseen("case")
    return row


def links_among(cases: Iterable[Case]) -> list[ChainLink]:
    """The links that stand between cases, oldest first."""
    ids = [case.pk for case in cases]
    rows = ChainLink.objects.filter(infectee__in=ids, infector__in=ids, withdrawn_at=None)
    return list(rows.select_related("infector__dossier", "infectee__dossier", "by"))


@dataclass(slots=True)
class FollowUp:
    """A contact on a village's list: the days that count (never above the ceiling), what was asked, which days nobody asked."""

    contact: Contact
    days: int
    last_day: date
    checks: dict[date, CheckUp] = field(default_factory=dict)
    missed: list[date] = field(default_factory=list)
    today: CheckUp | None = None

    @property
    def is_cut(self) -> bool:
        """True when the ceiling in force allows fewer days than were set."""
        return self.days < self.contact.days


def follow_ups(rows: Iterable[Contact], today: date) -> list[FollowUp]:
    """Contacts with their days, checks and gaps; whoever has not been asked today comes first. Two queries and one a place."""
    listed = list(rows)
    checks: dict[int, dict[date, CheckUp]] = defaultdict(dict)
    for check in CheckUp.objects.filter(contact__in=[c.pk for c in listed]).select_related("by"):
        checks[check.contact_id][check.day] = check
    ceilings: dict[str, Mapping[str, int]] = {}
    found = []
    for contact in listed:
        path = contact.place.path
        if path not in ceilings:
            ceilings[path] = values_on([CEILING], today, path)[CEILING].value
        days, mine = days_followed(contact.days, contact.kind, ceilings[path]), checks[contact.pk]
        until = min(today, contact.ended_at.date()) if contact.ended_at else today
        missed = missed_days(contact.last_contact_on, contact.added_at.date(), days, until, mine)
        found.append(FollowUp(contact, days, last_day(contact.last_contact_on, days), mine, missed, mine.get(today)))
    return sorted(found, key=lambda f: (f.today is not None, -len(f.missed), f.contact.place_id, f.contact.pk))


def contacts_followed(actor: Actor) -> QuerySet[Contact]:
    """People under follow-up in the actor's places."""
    rows = Contact.objects.filter(within(actor, "contact.follow", "place__path"), ended_at=None)
    return rows.select_related("place", "case__dossier")


def seen_contact(pk: int, actor: Actor) -> Contact:
    """A contact in the actor's places. Raises Unseen when missing or elsewhere."""
    row = Contact.objects.select_related("place", "case__dossier__place").filter(pk=pk).first()
    if row is None or not (actor.may("contact.follow", row.place_path) or actor.may("case.read", row.case.place_path)):
        raise Unseen("contact")
    return row


def due_for_release(today: date) -> list[Contact]:
    """Contacts whose last day as set may have passed; the action asks the ceiling once more. Cheap: the days of the shortest kind bound it."""
    rows = Contact.objects.filter(ended_at=None, last_contact_on__lt=today - timedelta(days=1)).select_related(
        "place", "case__dossier__owner_post"
    )
    return [f.contact for f in follow_ups(rows, today) if f.last_day < today]


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A case that a report may be about."""

    case: Case
    likeness: Likeness


_COMPARED = ("id_index", "phone_index", "name", "onset_on", "sex")


def suspicions_among(reports: Sequence[Report]) -> dict[int, list[Suspicion]]:
    """Report id → cases of its town that may be the same person: same identity number, else alike from `rules.PROBABLE_FROM`; surest first. One query."""
    towns = {r.pk: (r.place.parent or r.place).path for r in reports}
    below = reduce(or_, (Q(dossier__place__path__startswith=path) for path in set(towns.values())), Q(pk__in=[]))
    cases = [(c, {name: getattr(c, name) for name in _COMPARED}) for c in Case.objects.filter(below).select_related("dossier__place")]
    found: dict[int, list[Suspicion]] = {}
    for report in reports:
        mine = {name: getattr(report, name) for name in _COMPARED}
        near = [
            Suspicion(case, alike(mine, known))
            for case, known in cases
            if case.dossier.place.path.startswith(towns[report.pk]) and case.dossier.number not in report.not_cases
        ]
        kept = [s for s in near if s.likeness.is_exact or s.likeness.score >= PROBABLE_FROM]
        found[report.pk] = sorted(kept, key=lambda s: (-s.likeness.is_exact, -s.likeness.score, s.case.pk))
    return found


def open_reports(actor: Actor) -> QuerySet[Report]:
    """Reports nobody has yet put to a case, in the actor's places."""
    rows = Report.objects.filter(within(actor, "case.read", "place__path"), case=None)
    return rows.select_related("place__parent", "batch").order_by("pk")


def seen_report(pk: int, actor: Actor) -> Report:
    """A report in the actor's places. Raises Unseen when missing or elsewhere."""
    row = Report.objects.select_related("place__parent", "case__dossier").filter(pk=pk).first()
    if row is None or not actor.may("case.read", row.place_path):
        raise Unseen("report")
    return row
