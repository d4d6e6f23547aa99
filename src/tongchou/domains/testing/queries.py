"""Reading rounds: progress, the missing list, tubes and boxes, turn-around, positives, who is due, sites for everybody."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet

from tongchou.core.errors import Unseen
from tongchou.core.people.queries import within
from tongchou.core.people.rules import Actor
from tongchou.core.wording import T
from tongchou.domains.testing.models import Account, Box, CheckOff, RollEntry, Round, Site, Tube
from tongchou.domains.testing.rules import REASONS, Share, Turnaround


def rounds_seen(actor: Actor) -> QuerySet[Round]:
    """Rounds in the actor's places or around them, open ones first. One query."""
    own = actor.scopes("testing.read")
    around = Q(dossier__place__path__in={path[: n + 1] for path in own for n, sign in enumerate(path) if sign == "/"})
    rows = Round.objects.filter(within(actor, "testing.read", "dossier__place__path") | around)
    return rows.select_related("dossier__place", "dossier__owner_post", "retests").order_by(
        F("dossier__closed_at").desc(nulls_first=True), "-dossier__opened_at", "-pk"
    )


def is_seen(actor: Actor, path: str) -> bool:
    """Whether `rounds_seen` shows this actor a round in the place at `path`."""
    return any(path.startswith(scope) or scope.startswith(path) for scope in actor.scopes("testing.read"))


def seen_round(number: str, actor: Actor) -> Round:
    """A round by its number: whoever has a place in it may see it. Raises Unseen when missing or elsewhere."""
    for row in rounds_seen(actor).filter(dossier__number=number):
        return row
    raise Unseen("round")


def sites_seen(actor: Actor) -> QuerySet[Site]:
    """Sampling sites of the actor's places. One query."""
    return Site.objects.filter(within(actor, "testing.read", "place__path")).select_related("place").order_by("closed_at", "code")


def seen_site(code: str, actor: Actor) -> Site:
    """A site by its code. Raises Unseen."""
    for row in sites_seen(actor).filter(code=code):
        return row
    raise Unseen("site")


def shares_by_place(testing_round: Round) -> dict[int, Share]:
    """Place id → how far the round is there. Three queries over indexes alone."""
    return _shares([testing_round.pk], "place_id")


def shares_by_round(rounds: Iterable[Round]) -> dict[int, Share]:
    """Round id → how far it is, all places together. Three queries over indexes alone, however many rounds."""
    return _shares([r.pk for r in rounds], "round_id")


def _shares(rounds: Sequence[int], by: str) -> dict[int, Share]:
    def counted(model: type[RollEntry] | type[CheckOff]) -> dict[int, int]:
        return dict(model._default_manager.filter(round__in=rounds).order_by().values_list(by).annotate(n=Count("pk")))

    people, sampled = counted(RollEntry), counted(CheckOff)
    said: dict[int, dict[str, int]] = {}
    standing = Account.objects.filter(round__in=rounds, replaced_at=None).order_by()
    for key, reason, n in standing.values_list(by, "reason").annotate(n=Count("pk")):
        outcome = REASONS[reason][0]
        counts = said.setdefault(key, {})
        counts[outcome] = counts.get(outcome, 0) + n
    return {key: Share(n, sampled.get(key, 0), **said.get(key, {})) for key, n in people.items()}


def together(shares: Iterable[Share]) -> Share:
    """Several villages as one. No query."""
    listed = list(shares)
    return Share(*(sum(getattr(s, name) for s in listed) for name in ("people", "sampled", "excused", "away", "handed_on")))


def missing(testing_round: Round) -> QuerySet[RollEntry]:
    """Those on the roll who are neither sampled nor accounted for, by village and household. One query."""
    sampled = CheckOff.objects.filter(round=OuterRef("round"), person=OuterRef("person"))
    said = Account.objects.filter(round=OuterRef("round"), person=OuterRef("person"), replaced_at=None)
    rows = RollEntry.objects.filter(~Exists(sampled), ~Exists(said), round=testing_round)
    return rows.order_by("place_id", "household_id", "person_id")


def missing_count(testing_round: Round) -> int:
    """How many are neither sampled nor accounted for. Three queries."""
    return together(shares_by_place(testing_round).values()).missing


def accounts_standing(testing_round: Round) -> QuerySet[Account]:
    """Who is excused, away or handed on now, latest first."""
    return Account.objects.filter(round=testing_round, replaced_at=None).select_related("place", "to_post", "by").order_by("-at", "-pk")


@dataclass(frozen=True, slots=True)
class Tubes:
    """The tubes of a round by where they are."""

    all: int
    at_site: int
    under_way: int
    at_laboratory: int
    resulted: int
    positive: int


def tubes_of(testing_round: Round) -> Tubes:
    """How many tubes are where. One query."""
    return Tubes(**Tube.objects.filter(round=testing_round).aggregate(
        all=Count("pk"), at_site=Count("pk", filter=Q(box=None)), under_way=Count("pk", filter=Q(box__isnull=False, box__received_at=None)),
        at_laboratory=Count("pk", filter=Q(box__received_at__isnull=False, resulted_at=None)),
        resulted=Count("pk", filter=Q(resulted_at__isnull=False)), positive=Count("pk", filter=Q(result="positive")),
    ))  # fmt: skip


def turnaround(testing_round: Round) -> list[Turnaround]:
    """Medians and 90 % of the four stretches from the first sample in a tube to its first result. One query."""
    rows = Tube.objects.filter(round=testing_round, filled__gt=0).order_by()
    instants = rows.values_list("opened_at", "box__packed_at", "box__received_at", "resulted_at")
    table = np.array([[at.timestamp() if at else np.nan for at in row] for row in instants]).reshape(-1, 4) / 60
    spans = (
        (T("采样到装箱", "sample to packing"), 0, 1), (T("装箱到实验室", "packing to laboratory"), 1, 2),
        (T("实验室到结果", "laboratory to result"), 2, 3), (T("采样到结果", "sample to result"), 0, 3),
    )  # fmt: skip
    found = []
    for name, first, last in spans:
        took = (table[:, last] - table[:, first])[np.isfinite(table[:, last] - table[:, first])]
        both = np.quantile(took, [0.5, 0.9]).tolist() if len(took) else [None, None]
        found.append(Turnaround(name, len(took), *both))
    return found


def boxes_seen(actor: Actor) -> QuerySet[Box]:
    """Boxes of the actor's places, those under way first, with the number of tubes. One query."""
    rows = Box.objects.filter(within(actor, "testing.read", "site__place__path"))
    return (
        rows.select_related("site__place", "round__dossier")
        .annotate(tube_count=Count("tubes"))
        .order_by(F("received_at").desc(nulls_first=True), "-packed_at", "-pk")
    )


def people_in(tube: Tube) -> list[int]:
    """Row numbers of the people in a tube, as sampled."""
    return list(CheckOff.objects.filter(tube=tube).order_by("pk").values_list("person_id", flat=True))


@dataclass(frozen=True, slots=True)
class Positive:
    """A positive tube: of one person a fact for the case investigation, of a pool a reason to call back."""

    tube: str
    size: int
    people: tuple[int, ...]
    sampled_at: datetime
    reported_at: datetime
    round: str  # number

    @property
    def is_single(self) -> bool:
        return len(self.people) == 1


def positive_results(path: str, since: datetime, until: datetime) -> list[Positive]:
    """Tubes below a place whose standing result is positive and came in a stretch of time, oldest first. Two queries.

    For case investigation: `is_single` ones name a person (row number of the register).
    """
    rows = Tube.objects.filter(result="positive", site__place__path__startswith=path, results__value="positive")
    rows = rows.annotate(told_at=Max("results__reported_at", filter=Q(results__value="positive"))).filter(
        told_at__gt=since, told_at__lte=until
    )
    tubes = {t.pk: t for t in rows.select_related("round__dossier").order_by("told_at", "pk")}
    inside: dict[int, list[tuple[int, datetime]]] = {}
    for tube, person, at in CheckOff.objects.filter(tube__in=tubes).order_by("pk").values_list("tube_id", "person_id", "at"):
        inside.setdefault(tube, []).append((person, at))
    return [
        Positive(
            t.code, t.size, tuple(who for who, _ in inside[pk]), min(at for _, at in inside[pk]), t.told_at, t.round.dossier.number
        )
        for pk, t in tubes.items()
        if pk in inside
    ]  # fmt: skip


def negative_people(tubes: Sequence[int]) -> dict[int, datetime]:
    """Person → latest sampling instant, over negative tubes (row numbers). For what a pass may say. One query."""
    rows = CheckOff.objects.filter(tube__in=tubes, tube__result="negative", round__dossier__is_exercise=False)
    return dict(rows.order_by("at").values_list("person_id", "at"))


def corrected_people(tubes: Sequence[int]) -> set[int]:
    """People in those of these tubes that were once reported negative and stand so no more. One query."""
    rows = CheckOff.objects.filter(tube__in=tubes, tube__results__value="negative", round__dossier__is_exercise=False).exclude(
        tube__result="negative"
    )
    return set(rows.order_by().values_list("person_id", flat=True))


def latest_negatives(people: Sequence[int]) -> dict[int, datetime]:
    """Person → instant of the latest sample whose tube stands negative, however long ago; nobody without one. One query."""
    rows = CheckOff.objects.filter(person__in=people, tube__result="negative", round__dossier__is_exercise=False).order_by()
    return dict(rows.values_list("person_id").annotate(last=Max("at")))


def open_sites() -> QuerySet[Site]:
    """Every site that is not closed, for the public page: nothing personal in it. One query."""
    return Site.objects.filter(closed_at=None).select_related("place").order_by("code")
