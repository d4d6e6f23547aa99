"""Reading difficulties: by office, by firm, by cause."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Q, QuerySet

from tongchou.core.audit.models import Entry
from tongchou.core.casework.events import Event
from tongchou.core.casework.models import Dossier
from tongchou.core.errors import Unseen
from tongchou.core.parameters.queries import duration_of, values_on
from tongchou.core.people.queries import within
from tongchou.core.people.rules import Actor
from tongchou.core.wording import T
from tongchou.domains.difficulties.grouping import alike_texts
from tongchou.domains.difficulties.models import Cause, Difficulty, Permit
from tongchou.domains.difficulties.rules import ALIKE_BACK, ALIKE_FARTHEST, DIFFICULTY

_NAMED = ("dossier__place", "dossier__owner_post__unit", "firm", "cause__dossier")
MOST_GROUPED = 1_500  # the latest: their distances take 9 MB
_RAISED = T("提出困难", "Difficulty raised")


def difficulties_seen(actor: Actor) -> QuerySet[Difficulty]:
    """Difficulties in the actor's places: open ones first, those raised first on top; then the closed, latest first."""
    rows = Difficulty.objects.filter(within(actor, "difficulty.read", "dossier__place__path")).select_related(*_NAMED)
    return rows.order_by(F("dossier__closed_at").desc(nulls_first=True), "dossier__opened_at", "pk")


def seen_difficulty(number: str, actor: Actor) -> Difficulty:
    """A difficulty by its number. Raises Unseen when missing or elsewhere."""
    row = Difficulty.objects.select_related(*_NAMED, "raised_by").filter(dossier__number=number).first()
    if row is None or not actor.may("difficulty.read", row.place_path):
        raise Unseen("difficulty")
    return row


@dataclass(frozen=True, slots=True)
class Load:
    """How many difficulties of one kind lie with one unit: open, late (a clock has run out), waiting for the firm's word."""

    kind: str
    unit: T | None
    open_count: int
    late_count: int
    asked_count: int


def load_by_office(actor: Actor, at: datetime) -> list[Load]:
    """Open difficulties by kind and unit, those with most late ones first. One query."""
    late = Q(dossier__deadlines__stopped_at=None, dossier__deadlines__due_at__lte=at)
    rows = (
        Difficulty.objects.filter(within(actor, "difficulty.read", "dossier__place__path"), dossier__closed_at=None)
        .values("kind", "dossier__owner_post__unit__name_zh", "dossier__owner_post__unit__name_en")
        .annotate(
            n=Count("pk", distinct=True),
            late=Count("pk", filter=late, distinct=True),
            asked=Count("pk", filter=Q(dossier__state__in=["answered", "to_check"]), distinct=True),
        )
        .order_by("-late", "-n", "kind")
    )
    found = []
    for row in rows:
        zh, en = row["dossier__owner_post__unit__name_zh"], row["dossier__owner_post__unit__name_en"]
        found.append(Load(row["kind"], T(zh, en) if zh else None, row["n"], row["late"], row["asked"]))
    return found


def open_for_firm(firm_id: int) -> list[Difficulty]:
    """A firm's difficulties that are not closed, those raised first on top. One query."""
    return open_of_firms([firm_id])


def open_counts(firms: Collection[int] | QuerySet[Any]) -> dict[int, tuple[int, int]]:
    """Firm → open difficulties that wait for the office, and those that wait for the firm's word; firms without any are left out. One query."""
    asks = Q(dossier__state__in=["answered", "to_check"])
    rows = Difficulty.objects.filter(firm__in=firms, dossier__closed_at=None).order_by().values_list("firm")
    return {firm: (waits, asked) for firm, waits, asked in rows.annotate(waits=Count("pk", filter=~asks), asked=Count("pk", filter=asks))}


def open_of_firms(firms: Collection[int]) -> list[Difficulty]:
    """Open difficulties of several firms, those raised first on top. One query."""
    rows = Difficulty.objects.filter(firm__in=firms, dossier__closed_at=None).select_related(*_NAMED)
    return list(rows.order_by("dossier__opened_at", "pk"))


def shown_to_firm(firm_id: int, at: datetime, back: timedelta) -> list[Difficulty]:
    """What a firm reads on its own page: its open difficulties, then those closed for less than `back`, latest first. One query."""
    shown = Q(dossier__closed_at=None) | Q(dossier__closed_at__gt=at - back)
    rows = Difficulty.objects.filter(shown, firm=firm_id).select_related(*_NAMED)
    return list(rows.order_by(F("dossier__closed_at").desc(nulls_first=True), "-dossier__opened_at", "-pk"))


def permits_of_firm(firm_id: int, at: datetime) -> list[Permit]:
    """A firm's permits that hold at an instant, the one that ends first on top. One query."""
    rows = Permit.objects.filter(difficulty__firm=firm_id, issued__revoked_at=None, issued__expires_at__gt=at)
    return list(rows.select_related("issued__key", "difficulty").order_by("issued__expires_at", "pk"))


def seen_permit(number: int, actor: Actor) -> Permit:
    """A permit by the row number of its pass. Raises Unseen when missing or elsewhere."""
    rows = Permit.objects.select_related("issued__key", "difficulty__dossier__place", "difficulty__firm", "issued_by")
    row = rows.filter(pk=number).first()
    if row is None or not actor.may("difficulty.read", row.place_path):
        raise Unseen("permit")
    return row


def events_of_firm(firm_id: int) -> list[Event]:
    """What happened to a firm's difficulties, latest first: raised, routed, promised, answered, and what the firm said. Two queries."""
    heads = {str(row.pk): row.dossier for row in Difficulty.objects.filter(firm=firm_id).select_related("dossier__place")}
    words = {"difficulty.open": _RAISED, **{f"difficulty.{step.name}": step.label for step in DIFFICULTY.steps}}
    entries = Entry.objects.filter(subject_kind="dossier", subject_id__in=list(heads), action__in=list(words)).order_by("-seq")
    return [Event(e.at, _said(words[e.action], heads[e.subject_id], e.reason), heads[e.subject_id]) for e in entries]


def _said(what: T, head: Dossier, reason: str) -> T:
    said = T(f"{what.zh}：{head.title_zh}", f"{what.en}: {head.title_en}")
    return T(f"{said.zh}（{reason}）", f"{said.en} ({reason})") if reason else said


def causes_seen(actor: Actor) -> QuerySet[Cause]:
    """Causes in the actor's places with how many difficulties (`n`) and how many still open (`waiting`); open ones first."""
    rows = Cause.objects.filter(within(actor, "difficulty.read", "dossier__place__path")).select_related("dossier__owner_post__unit")
    counted = rows.annotate(n=Count("difficulties"), waiting=Count("difficulties", filter=Q(difficulties__dossier__closed_at=None)))
    return counted.order_by(F("dossier__closed_at").desc(nulls_first=True), "-dossier__opened_at")


def seen_cause(number: str, actor: Actor) -> Cause:
    """A cause by its number. Raises Unseen when missing or elsewhere."""
    row = Cause.objects.select_related("dossier__place", "dossier__owner_post__unit").filter(dossier__number=number).first()
    if row is None or not actor.may("difficulty.read", row.place_path):
        raise Unseen("cause")
    return row


@dataclass(frozen=True, slots=True)
class Repeated:
    """Difficulties of several firms that say the same in other words: perhaps one cause. `words`: of the one in their middle."""

    rows: tuple[Difficulty, ...]
    firm_count: int
    kind: str
    words: str


def _loose(actor: Actor, since: datetime) -> list[Difficulty]:
    """The latest difficulties since an instant that belong to no cause and were not withdrawn, those said first on top. One query."""
    where = within(actor, "difficulty.route", "dossier__place__path")
    rows = Difficulty.objects.filter(where, cause=None, said_at__gte=since).exclude(dossier__state="withdrawn").select_related(*_NAMED)
    return list(rows.order_by("-said_at", "-pk")[:MOST_GROUPED])[::-1]


def alike_to(cause: Cause, actor: Actor, at: datetime) -> list[Difficulty]:
    """Late difficulties that belong to no cause and say the same as one of this cause: perhaps part of it. A machine proposes. Three queries."""
    given = values_on([ALIKE_FARTHEST, ALIKE_BACK], at.date(), cause.place_path)
    if len(given) < 2:
        return []
    members = list(cause.difficulties.values_list("words", flat=True))
    loose = _loose(actor, at - duration_of(given[ALIKE_BACK]))
    groups = alike_texts([*members, *(row.words for row in loose)], float(given[ALIKE_FARTHEST].value))
    return [loose[n - len(members)] for group in groups if group.members[0] < len(members) for n in group.members if n >= len(members)]


def repeated_causes(actor: Actor, town_path: str, at: datetime) -> list[Repeated]:
    """What may have one cause among late difficulties that belong to none yet, those of most firms first. A machine proposes. Two queries.

    None where the town's parameters do not say how alike texts must be and how far back to look.
    """
    given = values_on([ALIKE_FARTHEST, ALIKE_BACK], at.date(), town_path)
    if len(given) < 2:
        return []
    farthest, latest = float(given[ALIKE_FARTHEST].value), _loose(actor, at - duration_of(given[ALIKE_BACK]))
    found = []
    for group in alike_texts([row.words for row in latest], farthest):
        members = tuple(latest[n] for n in group.members)
        firms = {row.firm_id for row in members}
        if len(firms) > 1:
            kind = Counter(row.kind for row in members).most_common(1)[0][0]
            found.append(Repeated(members, len(firms), kind, latest[group.middle].words))
    return sorted(found, key=lambda one: (-one.firm_count, one.rows[0].pk))
