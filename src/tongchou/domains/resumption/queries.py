"""Reading filings, checks, white lists, classes and absences."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from tongchou.core.audit.models import Entry
from tongchou.core.casework.events import Event
from tongchou.core.casework.models import Dossier
from tongchou.core.errors import Unseen
from tongchou.core.people.queries import within
from tongchou.core.people.rules import Actor
from tongchou.core.wording import T
from tongchou.domains.resumption.conditions import Asked, Declared, Part
from tongchou.domains.resumption.models import Absence, AbsenceAlarm, Filing, Item, Listing, Reading, RulebookVersion, SiteCheck
from tongchou.domains.resumption.rules import AT_WORK, FILING, KINDS, Rulebook, rulebook_from

READ = "resumption.read"


def rulebook() -> Rulebook:
    """Who may work again, when, on which conditions, as last published; empty while nothing was. One query."""
    latest = RulebookVersion.objects.first()
    return rulebook_from(latest.body) if latest else Rulebook((), (), {})


def listed_people(kind: str, pk: int, day: date) -> int | None:
    """How many a firm or site may bring back by the white lists of a day (0: no number); None: it is on none. One query."""
    rows = (
        Listing.objects.filter(Q(to_on=None) | Q(to_on__gte=day), from_on__lte=day, **{kind: pk})
        if kind != "school"
        else Listing.objects.none()
    )
    found = list(rows.values_list("people", flat=True))
    return (0 if 0 in found else max(found)) if found else None


def risk_areas(grades: Sequence[str]) -> list[Dossier]:
    """Open incidents of these grades, no drills: their places and everything below are risk areas. One query."""
    rows = Dossier.objects.filter(kind="incident", closed_at=None, is_exercise=False, grade__in=list(grades)).select_related("place")
    return list(rows)


def asked_of(filing: Filing) -> Asked:
    """A filing as it was asked. Two queries."""
    declared = {i.code: Declared(bool(i.is_declared), i.paper) for i in filing.items.all() if i.is_declared is not None}
    parts = tuple(Part(p.name, p.people, p.returns_on, p.grade) for p in filing.parts.all())
    return Asked(
        filing.kind, filing.ground, filing.from_on, filing.people, filing.closed_loop, filing.ends_on, filing.beds, filing.quiet_beds, parts, declared
    )  # fmt: skip


def _filings() -> QuerySet[Filing]:
    return Filing.objects.select_related("dossier__place", "firm", "school", "site", "filed_by")


def filings_seen(actor: Actor, *, kind: str = "", state: str = "") -> QuerySet[Filing]:
    """Filings in the actor's places, the open first, then the latest."""
    rows = _filings().filter(within(actor, READ, "dossier__place__path"))
    if kind:
        rows = rows.filter(**{f"{kind}__isnull": False})
    if state:
        rows = rows.filter(dossier__state=state)
    return rows.order_by(F("dossier__closed_at").desc(nulls_first=True), "-dossier__opened_at", "-pk")


def seen_filing(number: str, actor: Actor) -> Filing:
    """A filing by its number. Raises Unseen when missing or elsewhere."""
    row = _filings().filter(dossier__number=number).first()
    if row is None or not actor.may(READ, row.place_path):
        raise Unseen("filing")
    return row


def checks_seen(actor: Actor) -> QuerySet[SiteCheck]:
    """On-site checks that wait in the actor's places, the oldest first."""
    rows = SiteCheck.objects.filter(within(actor, READ, "dossier__place__path"), dossier__closed_at=None)
    return rows.select_related("dossier__place", "dossier__owner_post", "filing__firm", "filing__school", "filing__site").order_by("pk")


def seen_check(number: str, actor: Actor) -> SiteCheck:
    """An on-site check by its number. Raises Unseen when missing or elsewhere."""
    rows = SiteCheck.objects.select_related(
        "dossier__place", "filing__dossier", "filing__firm", "filing__school", "filing__site", "seen_by"
    )
    row = rows.filter(dossier__number=number).first()
    if row is None or not actor.may(READ, row.place_path):
        raise Unseen("site_check")
    return row


def seen_alarm(number: str, actor: Actor) -> AbsenceAlarm:
    """An alarm about absences by its number. Raises Unseen when missing or elsewhere."""
    row = AbsenceAlarm.objects.select_related("dossier__place", "school").filter(dossier__number=number).first()
    if row is None or not actor.may(READ, row.place_path):
        raise Unseen("absence_alarm")
    return row


def live_filing(kind: str, pk: int) -> Filing | None:
    """The filing of a firm, school or site that is not over. One query."""
    return _filings().filter(is_live=True, **{f"{kind}_id": pk}).first()


def stuck_since(firms: Collection[int] | QuerySet[Any]) -> dict[int, datetime]:
    """Firm → when the filing was made that still waits for the on-site check, or is to be put right; firms without one are left out. One query."""
    waits = Q(dossier__state="filed", cleared_at=None) | Q(dossier__state="correcting")
    return dict(Filing.objects.filter(waits, firm__in=firms, is_live=True).values_list("firm", "dossier__opened_at"))


def over_on(day: date) -> list[Filing]:
    """Live filings whose last day lies before a day. One query."""
    return list(_filings().filter(is_live=True, ends_on__lt=day).order_by("pk"))


def due_on(day: date) -> list[Filing]:
    """Filings with nothing in their way whose day has come. One query."""
    return list(_filings().filter(dossier__state="filed", cleared_at__isnull=False, from_on__lte=day).order_by("pk"))


def waiting_since_other_rules(day: date) -> list[Filing]:
    """Filings that wait for approval though the rules of a day ask for none of their kind any more. Two queries."""
    book = rulebook()
    rows = list(_filings().filter(dossier__state="filed", cleared_at=None).order_by("pk"))
    stages = [book.stage_on(row.kind, max(day, row.from_on)) for row in rows]
    return [row for row, stage in zip(rows, stages, strict=True) if stage is not None and not stage.approval]


def open_to_all(place_path: str) -> list[Filing]:
    """Live filings without a closed loop in a place and below: what a risk area ends. One query."""
    return list(_filings().filter(is_live=True, closed_loop=False, dossier__place__path__startswith=place_path).order_by("pk"))


_OPENED = T("复工备案", "Resumption filed")
_WORDS: Mapping[str, T] = {f"filing.{step.name}": step.label for step in FILING.steps} | {"filing.open": _OPENED}


def events_of_firm(firm_id: int) -> list[Event]:
    """What happened with a firm's filings, the latest first. Two queries."""
    heads = {str(row.dossier_id): row.dossier for row in Filing.objects.filter(firm=firm_id).select_related("dossier")}
    rows = Entry.objects.filter(subject_kind="dossier", subject_id__in=list(heads), action__in=list(_WORDS)).order_by("-seq")
    return [Event(row.at, _WORDS[row.action], heads[row.subject_id]) for row in rows]


@dataclass(frozen=True, slots=True)
class FirmResumption:
    """Where a firm stands: its live filing, else its last one (none: it never filed), and which conditions are still to be seen or put right."""

    filing: Filing
    state: T
    open_items: tuple[Item, ...]


def resumption_of(firm_id: int) -> FirmResumption | None:
    """Where a firm stands; None when it never filed. Two queries."""
    row = _filings().filter(firm=firm_id).order_by("-is_live", "-pk").first()
    if row is None:
        return None
    return FirmResumption(row, FILING.states[row.dossier.state], tuple(open_items(row)))


def open_items(filing: Filing) -> list[Item]:
    """What stands in the way of a filing, or must still be seen: what was refused first. One query."""
    if filing.dossier.state == "refused":
        return [i for i in filing.items.all() if i.is_veto and i.answer == "no"]
    return [i for i in filing.items.all() if i.to_see] if filing.is_live else []


def absences_before(part_ids: Sequence[int], on: date, since: date) -> dict[int, dict[date, Absence]]:
    """Part id → day → absence, between two days. One query."""
    found: dict[int, dict[date, Absence]] = {}
    for row in Absence.objects.filter(part__in=part_ids, on__gte=since, on__lte=on):
        found.setdefault(row.part_id, {})[row.on] = row
    return found


def filing_counts(actor: Actor) -> list[dict[str, Any]]:
    """Filings in the actor's places by state and kind, in the order of their life. One query."""
    rows = Filing.objects.filter(within(actor, READ, "dossier__place__path")).order_by().values("dossier__state")
    counted = rows.annotate(**{kind: Count(kind) for kind in KINDS})
    known: dict[str, dict[str, Any]] = {row["dossier__state"]: dict(row) for row in counted}
    return [{"state": s, "name": name, **{k: known[s][k] for k in KINDS}} for s, name in FILING.states.items() if s in known]


def white_list_on(day: date, path: str) -> list[Listing]:
    """Who of a place and below is on a white list of a day. One query."""
    held = Q(to_on=None) | Q(to_on__gte=day)
    here = Q(firm__place__path__startswith=path) | Q(site__place__path__startswith=path)
    return list(Listing.objects.filter(held, here, from_on__lte=day).select_related("firm__place", "site__place").order_by("batch", "pk"))


def latest_readings(day: date, within_days: int) -> dict[str, dict[int, float]]:
    """Source → firm id → its last reading over its base, of those whose span ended in the days up to a day. One query."""
    rows = Reading.objects.filter(to_on__lte=day, to_on__gt=day - timedelta(days=within_days)).order_by("to_on", "from_on")
    found: dict[str, dict[int, float]] = {}
    for source, firm_id, value, base in rows.values_list("source", "firm_id", "value", "base"):
        found.setdefault(source, {})[firm_id] = value / base
    return found


def stuck_filings() -> list[Filing]:
    """Filings that stand still: refused with none live since, to be put right, or waiting for their on-site check; the oldest first. Two queries."""
    live = Filing.objects.filter(is_live=True)
    waits = Q(dossier__state="correcting") | Q(dossier__state="filed", cleared_at=None)
    refused = Q(dossier__state="refused")
    for kind in KINDS:
        again = live.filter(**{kind: OuterRef(kind)})
        later = Filing.objects.filter(**{kind: OuterRef(kind)}, pk__gt=OuterRef("pk"))
        refused &= ~Q(Exists(again)) & ~Q(Exists(later))
    return list(_filings().filter(waits | refused).prefetch_related("items").order_by("dossier__opened_at", "pk"))


def full_days() -> list[tuple[date, date | None]]:
    """Of each firm that began by a filing and is at work: the day it began, and that on which it reached full capacity. One query."""
    rows = Filing.objects.filter(firm__isnull=False, began_on__isnull=False, dossier__state__in=AT_WORK)
    return [(row.began_on, row.full_on) for row in rows if row.began_on is not None]


def stops_since(day: date) -> list[datetime]:
    """When firms at work by a filing stopped or had to stop, since a day. One query."""
    heads = Filing.objects.filter(firm__isnull=False, began_on__isnull=False).values_list("dossier_id", flat=True)
    rows = Entry.objects.filter(action__in=["filing.end", "filing.lapse", "filing.correct"], at__date__gte=day, subject_kind="dossier")
    wanted = {str(pk) for pk in heads}
    return [at for at, pk in rows.values_list("at", "subject_id") if pk in wanted]
