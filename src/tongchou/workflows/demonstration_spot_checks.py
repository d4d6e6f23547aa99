"""What the demonstration town shows of spot checks: residents checked and closed the day before, food markets and other venues being checked today.

1. Three days before the end a check of residents is announced, drawn in the evening, taken over the next two days, closed: nothing found.
2. On the last day venues are being checked, weighted by risk: half are taken, some were shut and others stand in.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from functools import partial
from hashlib import sha256
from zoneinfo import ZoneInfo

from tongchou.core.packs.contents import Pack
from tongchou.core.people.models import Post
from tongchou.core.people.queries import actor_for, holders_at
from tongchou.core.people.rules import Actor
from tongchou.core.places.queries import place_by_code
from tongchou.core.wording import T
from tongchou.domains.registry.models import Resident, Venue
from tongchou.domains.spot_checks.actions import announce_check, close_check, draw_check
from tongchou.domains.spot_checks.actions_taking import Finding, miss_units, take_units
from tongchou.domains.spot_checks.models import SpotCheck, Tube, Unit
from tongchou.workflows.spot_checking import Wish, plan, take_results

Event = tuple[datetime, Callable[[datetime], None]]
LEADER = "testing-leader"
BEACON, BEACON_VALUE = "当日股指收盘点位（演示值） a stock index at its close (demonstration value)", "3141.59"
POOL, REASONS = 10, ("absent", "refused", "absent", "moved")


def spot_check_days(pack: Pack, last: date, zone: ZoneInfo) -> Iterator[Event]:
    """What happens when, for a pack with a head of testing; nothing for another."""
    if all(post.code != LEADER for post in pack.posts):
        return
    announced, taken, closed = (last - timedelta(days=back) for back in (3, 2, 1))

    def on(day: date, hour: int, minute: int = 0) -> datetime:
        return datetime.combine(day, time(hour, minute), zone)

    residents, venues = _Show("people", POOL), _Show("venues", 1)
    yield on(announced, 10), partial(residents.announce, on(announced, 15, 30), pack.identity.place)
    yield on(announced, 16), residents.draw
    yield on(taken, 10), partial(residents.take, 0.6)
    yield on(taken, 17), residents.result
    yield on(closed, 10), partial(residents.take, 1.0)
    yield on(closed, 16), residents.result
    yield on(closed, 16, 40), residents.close
    yield on(closed, 10, 30), partial(venues.announce, on(closed, 15, 30), pack.identity.place)
    yield on(closed, 16, 10), venues.draw
    yield on(last, 11), partial(venues.take, 0.5)
    yield on(last, 17), venues.result


class _Show:
    """One check; `secret` is fixed, as the demonstration is made again the same."""

    def __init__(self, kind: str, pool_size: int) -> None:
        self.kind, self.pool_size, self.number, self.tubes = kind, pool_size, "", 0
        self.secret = sha256(f"demonstration {kind}".encode()).hexdigest()[:32]

    def _check(self) -> SpotCheck | None:
        return SpotCheck.objects.filter(dossier__number=self.number).first()

    def announce(self, beacon_at: datetime, place: str, at: datetime) -> None:
        by, post, town = _leader(at), Post.objects.get(code=LEADER), place_by_code(place)
        people, shops = Resident.objects.count(), Venue.objects.count()
        if people < 2000 or shops < 60:
            return
        wish = Wish(T("全镇居民抽检", "Spot check of residents"), town, "people", 0.005, size=400, pool_size=POOL)
        if self.kind == "venues":
            wish = Wish(T("重点场所环境抽检", "Environment of venues"), town, "venues", 0.02, size=60, by_village=False, by_risk=True)
        check = plan(wish, secret=self.secret, owner=post, by=by, at=at)
        announce_check(check, beacon=BEACON, beacon_at=beacon_at, by=by, at=at)
        self.number = check.dossier.number

    def draw(self, at: datetime) -> None:
        if (check := self._check()) is not None:
            draw_check(check, beacon_value=BEACON_VALUE, by=_leader(at), at=at)

    def take(self, share: float, at: datetime) -> None:
        """Take this share of those still to be taken; one in twenty cannot be, and the next of the reserve is taken for them."""
        if (check := self._check()) is None:
            return
        codes = self._waiting(check)
        codes = codes[: round(len(codes) * share)]
        for n, code in enumerate(codes[::20]):
            reason = REASONS[n % len(REASONS)] if self.kind == "people" else "closed"
            miss_units(check=check, units=[code], reason=reason, by=_leader(at), at=at)
        left = [code for n, code in enumerate(codes) if n % 20]
        if share == 1:
            left = self._waiting(check)
        for start in range(0, len(left), self.pool_size):
            self._fill(check, left[start : start + self.pool_size], at)

    def _waiting(self, check: SpotCheck) -> list[str]:
        return list(Unit.objects.filter(check_of=check, state="waiting").order_by("place__path", "order").values_list("code", flat=True))

    def _fill(self, check: SpotCheck, codes: Sequence[str], at: datetime) -> None:
        self.tubes += 1
        take_units(check=check, units=codes, tube=f"CJ{check.dossier.number[-2:]}{self.tubes:04d}", by=_leader(at), at=at)

    def result(self, at: datetime) -> None:
        """Everything taken so far is negative; of venues the last third is still in the laboratory."""
        if (check := self._check()) is None:
            return
        codes = list(Tube.objects.filter(check_of=check, value="").order_by("pk").values_list("code", flat=True))
        if self.kind == "venues":
            codes = codes[: len(codes) * 2 // 3]
        if codes:
            take_results(check, [Finding(code, "negative") for code in codes], source="demonstration", by=_leader(at), at=at)

    def close(self, at: datetime) -> None:
        if (check := self._check()) is not None:
            close_check(check, by=_leader(at), at=at)


def _leader(at: datetime) -> Actor:
    post = Post.objects.get(code=LEADER)
    return actor_for(holders_at([post], at)[post.pk], at)
