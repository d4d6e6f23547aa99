"""What the demonstration town shows of visits to firms: a village secretary's two days, one made, one half made.

1. Where firms are found is generated around the point of their village, as nobody has measured it.
2. The day before, the secretary visits firms of the village; some tell what hinders them, one is not there.
3. On the last day a round is planned, and half of it is made.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from functools import partial
from hashlib import sha256
from uuid import UUID
from zoneinfo import ZoneInfo

from tongchou.core.packs.contents import Pack
from tongchou.core.people.models import Post
from tongchou.core.people.queries import actor_for, holders_at
from tongchou.core.people.rules import Actor, system_actor
from tongchou.core.places.models import Place
from tongchou.core.places.queries import installation
from tongchou.domains.calls.actions import Visit, generate_points
from tongchou.domains.calls.queries import plan_of
from tongchou.domains.calls.rules import WEIGHTS
from tongchou.domains.difficulties.actions import Told
from tongchou.domains.registry.models import Firm
from tongchou.workflows.calling import plan, report

Event = tuple[datetime, Callable[[datetime], None]]
SYSTEM, SPREAD_DEG = system_actor("demonstration"), 0.006  # about 600 m around the village's point
LIMIT_MINUTES, STAY = 240, timedelta(minutes=32)
SAID: tuple[tuple[Told, ...], ...] = (
    (Told("testing", "采样点排队要一个多小时，工人午休来不及"),),
    (),
    (Told("passage", "送货车进小区要登记半天，能不能备案一次管用"), Told("operation", "四五月没开张，房租压得喘不过气")),
    (),
    (Told("policy", "听说有纾困贷款贴息，不知道找谁办"),),
    (Told("testing", "采样点中午人太多，工人排队来不及吃饭"),),
    (Told("operation", "房东不肯减房租，两个月没有收入"),),
    (),
    (Told("approval", "食品许可证到期了，换证窗口约不上"),),
    (Told("passage", "快递进小区每次都要登记，能不能备案"),),
    (Told("other", "园区宽带断了三天，报修没人来"),),
)


def calling_days(pack: Pack, last: date, zone: ZoneInfo) -> Iterator[Event]:
    """What happens when, for a pack that weighs the need of a visit; nothing for another."""
    if all(spec.key != WEIGHTS for spec in pack.parameters):
        return

    def on(before: int, hour: int, minute: int = 0) -> datetime:
        return datetime.combine(last - timedelta(days=before), time(hour, minute), zone)

    yield on(2, 9), lay_points
    yield on(1, 8, 30), _plan
    yield on(1, 13, 10), partial(_walk, 1.0)
    yield on(0, 8, 20), _plan
    yield on(0, 11, 40), partial(_walk, 0.5)


def lay_points(at: datetime) -> None:
    """Generated points for every firm whose village has one."""
    town = installation()
    if town is None:
        return
    firms = Firm.objects.select_related("place").only("pk", "credit_code", "place__point").order_by("pk")
    points = {firm.pk: _near(firm.place.point, firm.credit_code) for firm in firms.iterator(chunk_size=2000) if firm.place.point}
    generate_points(points=points, place=town.place, by=SYSTEM, at=at)


def _near(point: list[float], code: str) -> tuple[float, float]:
    drawn = sha256(f"demo point {code}".encode()).digest()
    east, north = (int.from_bytes(drawn[n : n + 4]) / 2**31 - 1 for n in (0, 4))
    return round(point[0] + SPREAD_DEG * east, 6), round(point[1] + SPREAD_DEG * north, 6)


def _secretary(at: datetime) -> tuple[Actor, Place] | None:
    """The secretary with the fewest posts: somebody's own village, not one that an area's lead looks after as well."""
    posts = {post.pk: post for post in Post.objects.filter(kind="village_secretary").select_related("place").order_by("code")}
    holders = holders_at(posts.values(), at)
    held = Counter(user.pk for user in holders.values())
    first = min(holders, key=lambda pk: (held[holders[pk].pk], posts[pk].code), default=None)
    return (actor_for(holders[first], at), posts[first].place) if first is not None else None


def _plan(at: datetime) -> None:
    if (found := _secretary(at)) is not None:
        by, place = found
        plan(place, day=at.date(), limit_minutes=LIMIT_MINUTES, by=by, at=at)


def _walk(share: float, at: datetime) -> None:
    """Visits of the plan's first stops, told one after the other up to now."""
    found = _secretary(at)
    made = plan_of(found[0], at.date()) if found else None
    if found is None or made is None:
        return
    stops = list(made.stops.select_related("firm"))
    stops = stops[: max(1, round(len(stops) * share))]
    for n, stop in enumerate(stops):
        key = UUID(bytes=sha256(f"demo call {made.day} {stop.firm.credit_code}".encode()).digest()[:16])
        is_absent = n == 3
        spoke_to = "" if is_absent else stop.firm.contact_name or "门卫老赵"
        visit = Visit(key, stop.firm_id, at - STAY * (len(stops) - n), "absent" if is_absent else "met", spoke_to)
        report(visit, told=() if is_absent else SAID[(n + 5 * made.day.day) % len(SAID)], draw=lambda: 0.99, by=found[0], at=at)
