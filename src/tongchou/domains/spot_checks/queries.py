"""Reading checks: how far they are, whom a crew takes, what they say, and what is published of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Q, QuerySet

from tongchou.core.errors import Unseen
from tongchou.core.people.queries import within
from tongchou.core.people.rules import Actor
from tongchou.domains.spot_checks.framing import CAP, FLOOR, HOUSEHOLD_CAP, HOUSEHOLD_FLOOR, unit_code, unpack
from tongchou.domains.spot_checks.models import SpotCheck, Stratum, Tube, Unit
from tongchou.domains.spot_checks.rules import OPEN_STATES, RESULTED, FirstDraw, Outcome, outcome_of
from tongchou.science import StratumDesign


def checks_seen(actor: Actor) -> QuerySet[SpotCheck]:
    """Checks in the actor's places or around them, open ones first. One query."""
    around = [scope[: n + 1] for scope in actor.scopes("spot_check.read") for n, sign in enumerate(scope) if sign == "/"]
    where = within(actor, "spot_check.read", "dossier__place__path") | Q(dossier__place__path__in=around)
    rows = SpotCheck.objects.filter(where).select_related("dossier__place", "dossier__owner_post").defer("secret")
    return rows.order_by(F("dossier__closed_at").desc(nulls_first=True), "-dossier__opened_at", "-pk")


def seen_check(number: str, actor: Actor) -> SpotCheck:
    """A check by its number: whoever has a place in it may see it. Raises Unseen when missing or elsewhere."""
    for row in checks_seen(actor).filter(dossier__number=number):
        return row
    raise Unseen("spot check")


def design_of(check: SpotCheck) -> list[StratumDesign]:
    """The design as it is digested and published. Households stand in the frame with their weight, which is never cut."""
    is_households = check.kind == "people"
    floor, cap = (HOUSEHOLD_FLOOR, HOUSEHOLD_CAP) if is_households else (FLOOR, CAP)
    return [StratumDesign(s.name, s.size, s.reserve, is_households or check.by_risk, floor, cap) for s in check.strata.all()]


def open_units(check: SpotCheck) -> QuerySet[Unit]:
    """Units that were called up and have neither a result nor a reason."""
    return Unit.objects.filter(check_of=check, state__in=OPEN_STATES)


def crew_units(check: SpotCheck, actor: Actor) -> QuerySet[Unit]:
    """Whom the actor may take, in the order of the draw: called up, of their places. One query."""
    rows = Unit.objects.filter(within(actor, "spot_check.take", "place__path"), check_of=check).exclude(state="reserve")
    related = ("place", "stratum", "person", "household", "venue", "tube", "pool", "stands_for")
    return rows.select_related(*related).defer("person__id_number", "person__phone", "household__phone", "venue__phone")


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a stratum is: its people, first drawn, and units called up by state; `spare`: left of the reserve."""

    stratum: Stratum
    waiting: int = 0
    taken: int = 0
    negative: int = 0
    positive: int = 0
    not_taken: int = 0
    reserve: int = 0

    @property
    def done(self) -> int:
        return self.negative + self.positive + self.not_taken

    @property
    def called(self) -> int:
        return self.done + self.waiting + self.taken


def standings(check: SpotCheck) -> list[Standing]:
    """Each stratum's standing, in the order of their names. Two queries."""
    counts: dict[int, dict[str, int]] = {}
    for stratum, state, n in Unit.objects.filter(check_of=check).order_by().values_list("stratum_id", "state").annotate(n=Count("pk")):
        counts.setdefault(stratum, {})[state] = n
    return [Standing(s, **counts.get(s.pk, {})) for s in check.strata.select_related("place")]


def progress_of(checks: list[SpotCheck]) -> dict[int, tuple[int, int]]:
    """Check → units with a result or a reason, and units called up. One query."""
    rows = Unit.objects.filter(check_of__in=[c.pk for c in checks]).exclude(state="reserve").order_by().values_list("check_of_id")
    return {
        pk: (done, called) for pk, done, called in rows.annotate(done=Count("pk", filter=~Q(state__in=OPEN_STATES)), called=Count("pk"))
    }


def outcome_now(check: SpotCheck) -> Outcome:
    """What the check says with the results there are. Four queries."""
    first = [
        FirstDraw(stratum, chance * share, {"positive": 1, "negative": 0}.get(state))
        for stratum, chance, share, state in Unit.objects.filter(check_of=check, is_reserve=False).values_list(
            "stratum__name", "chance", "share", "state"
        )
    ]  # fmt: skip
    tested = Unit.objects.filter(check_of=check, state__in=RESULTED).aggregate(
        n=Count("pk"), positive=Count("pk", filter=Q(state="positive"))
    )
    people = dict(check.strata.values_list("name", "people"))
    unresolved = Unit.objects.filter(check_of=check, pool__value="positive").exclude(state__in=RESULTED).count()
    return outcome_of(
        first, people, tested=tested["n"], positive=tested["positive"], wanted_prevalence=check.wanted_prevalence, sensitivity=check.sensitivity,
        unresolved=unresolved,
    )  # fmt: skip


def outcome_kept(check: SpotCheck) -> Outcome | None:
    """What a closed check said."""
    return Outcome(**check.outcome) if check.outcome else None


@dataclass(frozen=True, slots=True)
class Pools:
    """Pools of full size with a result, and how many of them positive."""

    pools: int
    positive: int


def pools_of(check: SpotCheck) -> Pools:
    """The pools of a pooled check that are full and have their result. One query."""
    full = Tube.objects.filter(check_of=check, size__gt=1, filled=F("size"), value__in=RESULTED)
    counted = full.aggregate(n=Count("pk"), positive=Count("pk", filter=Q(value="positive")))
    return Pools(counted["n"], counted["positive"])


def resting_households(days: int, at: datetime) -> set[int]:
    """Households of which somebody was taken in a spot check within so many days. One query."""
    since = at - timedelta(days=days)
    rows = Unit.objects.filter(household__isnull=False, taken_at__gt=since, taken_at__lte=at, household__is_collective=False)
    return set(rows.values_list("household_id", flat=True))


def published_checks() -> QuerySet[SpotCheck]:
    """Announced checks, for everybody: latest first. No exercise, nothing personal. One query."""
    rows = SpotCheck.objects.filter(announced_at__isnull=False, dossier__is_exercise=False).select_related("dossier__place")
    return rows.order_by("-announced_at", "-pk")


def published_check(number: str, *, drawn: bool = False) -> SpotCheck:
    """An announced (and drawn) check by its number. Raises Unseen."""
    for row in published_checks().filter(dossier__number=number, **({"drawn_at__isnull": False} if drawn else {})):
        return row
    raise Unseen("spot check")


def frame_rows(check: SpotCheck) -> Iterator[tuple[str, str, float, float]]:
    """The frame as it is published: pseudonym, stratum, weight, and the share of the one who stands for a household. One query."""
    kept = unpack(check.frame.content)
    return (
        (unit_code(n), stratum, risk, share) for n, (stratum, risk, share) in enumerate(zip(kept.strata, kept.risk, kept.share, strict=True))
    )  # fmt: skip


def design_text(check: SpotCheck) -> str:
    """The design as a file of `tongchou draw`."""
    lines = ["strata:"]
    for d in sorted(design_of(check), key=lambda d: d.name):
        by_risk = str(d.by_risk).lower()
        lines.append(f'  "{d.name}": {{size: {d.size}, reserve: {d.reserve}, by_risk: {by_risk}, floor: {d.floor}, cap: {d.cap}}}')
    return "\n".join(lines) + "\n"


def reasons_of(check: SpotCheck) -> dict[str, int]:
    """Reason → units not taken for it. One query."""
    rows: Any = Unit.objects.filter(check_of=check, state="not_taken").order_by().values_list("reason").annotate(n=Count("pk"))
    return dict(rows)


def draw_rows(check: SpotCheck) -> Iterator[dict[str, str]]:
    """The draw as it is published, in the columns and the order of `tongchou draw`. One query."""
    rows = Unit.objects.filter(check_of=check).order_by("stratum__name", "is_reserve", "order")
    for stratum, is_reserve, order, code, chance, is_certain in rows.values_list(
        "stratum__name", "is_reserve", "order", "code", "chance", "is_certain"
    ):
        yield {
            "stratum": stratum, "role": "reserve" if is_reserve else "sample", "order": str(order), "unit": code, "probability": repr(chance),
            "is_certain": str(int(is_certain)),
        }  # fmt: skip
