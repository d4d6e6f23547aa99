"""Planning a day of visits to firms, taking it along, keeping what was found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from tongchou.core.audit.acting import action, record
from tongchou.core.errors import FieldProblem, Invalid, Unseen
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.wording import T
from tongchou.domains.calls.models import Call, DayPlan, FirmPoint, Stop
from tongchou.domains.calls.routing import Point
from tongchou.domains.calls.rules import Need, visit_problems


@dataclass(frozen=True, slots=True)
class Chosen:
    """A firm (row number) on the way: minutes to it from the one before, and why."""

    firm: int
    way_minutes: float
    need: Need


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit as told: `called_at` by the phone's clock, `point` where it was measured at the door."""

    key: UUID
    firm: int
    called_at: datetime
    outcome: str
    spoke_to: str = ""
    words: str = ""
    point: Point | None = None


@action("call.make", place=lambda given: given["place"].path)
def plan_day(*, day: date, place: Place, stops: Sequence[Chosen], limit_minutes: int, minutes: float, by: Actor, at: datetime) -> DayPlan:
    """Keep whom one means to visit on a day, in order; what one had planned for it is replaced. Raises Invalid for nobody or a day that is over."""
    problems = []
    if not stops:
        problems.append(FieldProblem("stops", T("时间太短，一家也排不进。", "Too little time for a single firm.")))
    if day < at.date():
        problems.append(FieldProblem("day", T("这一天已经过去。", "That day is over.")))
    if problems:
        raise Invalid(problems)
    visitor = _visitor(by)
    replaced, _ = DayPlan.objects.filter(visitor_id=visitor, day=day).delete()
    plan = DayPlan.objects.create(visitor_id=visitor, day=day, place=place, limit_minutes=limit_minutes, minutes=round(minutes), made_at=at)
    Stop.objects.bulk_create(
        Stop(
            plan=plan,
            firm_id=one.firm,
            turn=turn,
            way_minutes=round(one.way_minutes, 1),
            points=one.need.points,
            reasons=[{"zh": said.words.zh, "en": said.words.en} for said in one.need.reasons],
        )
        for turn, one in enumerate(stops, start=1)
    )
    record("call.plan", plan, detail={"day": day.isoformat(), "firms": [one.firm for one in stops], "replaces": bool(replaced)})
    return plan


@action("call.make", on=DayPlan)
def take_plan_along(plan: DayPlan, *, firms: int, by: Actor, at: datetime) -> None:
    """Note that a phone took a day's plan along with what is known of its firms. Raises Unseen for somebody else's plan."""
    if plan.visitor_id != by.user_id:
        raise Unseen("plan")
    record("call.take_along", plan, detail={"day": plan.day.isoformat(), "firms": firms})


@action("call.make", place=lambda given: given["place"].path)
def keep_call(*, visit: Visit, place: Place, by: Actor, at: datetime) -> tuple[Call, bool]:
    """Keep a visit to a firm of a place; sent again it is the one there is, and nothing changes. Gives it, and whether it is new.

    Where the phone measured the door, the firm is found there from now on. Raises Invalid for a visit told wrong, Unseen for another's key.
    """
    problems = visit_problems(visit.outcome, visit.spoke_to, visit.called_at, at)
    if problems and not Call.objects.filter(pk=visit.key).exists():
        raise Invalid(problems)
    told = {
        "firm_id": visit.firm,
        "visitor_id": _visitor(by),
        "called_at": visit.called_at,
        "received_at": at,
        "outcome": visit.outcome,
        "spoke_to": visit.spoke_to.strip()[:60],
        "words": visit.words.strip()[:500],
    }
    # Of two deliveries at once the database lets one be first; the other finds it there.
    row, is_new = Call.objects.get_or_create(key=visit.key, defaults=told)
    if not is_new:
        if row.visitor_id != by.user_id or row.firm_id != visit.firm:
            raise Unseen("call")
        record("call.again", row, place_path=place.path)
        return row, False
    if visit.point is not None:
        _place(visit.firm, visit.point, visit.called_at)
    record("call.keep", row, place_path=place.path, detail={"firm": visit.firm, "outcome": visit.outcome})
    return row, True


@action("call.make", place=lambda given: given["place"].path)
def note_raised(*, call: Call, difficulties: Sequence[int], place: Place, by: Actor, at: datetime) -> None:
    """Note which difficulties (row numbers) were said on a visit."""
    call.raised.add(*difficulties)
    record("call.raised", call, place_path=place.path, detail={"difficulties": list(difficulties)})


def _visitor(by: Actor) -> int:
    """Who goes. Raises Invalid for the machine."""
    if by.user_id is None:
        raise Invalid([FieldProblem("by", T("须由本人计划和登记。", "A person plans their day and tells it."))])
    return by.user_id


def _place(firm: int, point: Point, at: datetime) -> None:
    given = {"lon": point[0], "lat": point[1], "measured_at": at, "is_generated": False}
    FirmPoint.objects.update_or_create(firm_id=firm, defaults=given)


@action("call.make", place=lambda given: given["place"].path)
def generate_points(*, points: Mapping[int, Point], place: Place, by: Actor, at: datetime) -> int:
    """Lay generated points for firms (row numbers) that have none; gives how many."""
    known = set(FirmPoint.objects.filter(firm__in=points).values_list("firm_id", flat=True))
    rows = [
        FirmPoint(firm_id=firm, lon=p[0], lat=p[1], measured_at=at, is_generated=True) for firm, p in points.items() if firm not in known
    ]
    FirmPoint.objects.bulk_create(rows, batch_size=500)
    record("call.points", place, detail={"firms": len(rows)})
    return len(rows)
