"""What the demonstration town shows of testing: sites at work, a round that closed the day before, one that is running with a pool called back.

1. Every sampling site of the matrix is set up; none feeds its sentinel, whose streams the story already tells. Key workers are noted.
2. The day before, a round in one village: sampled, packed, received, negative; whoever was not sampled is accounted for; closed.
3. On the last day, a round in another village is under way: most are sampled, the first box is back, one pool positive.
4. In the first village people get their passes (`demonstration_passes`).
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from tongchou.core.packs.contents import Pack, SentinelSpec
from tongchou.core.people.models import Post
from tongchou.core.people.queries import actor_for, holders_at
from tongchou.core.people.rules import Actor
from tongchou.core.places.queries import place_by_code
from tongchou.core.wording import T
from tongchou.domains.registry.models import Resident
from tongchou.domains.testing.actions import (
    SiteSpec,
    close_round,
    enlist_key_workers,
    open_site,
    plan_round,
    report_queue,
    start_round,
    wind_up_round,
)
from tongchou.domains.testing.actions_check_off import Sampled, check_off
from tongchou.domains.testing.actions_laboratory import Finding, pack_box, receive_box
from tongchou.domains.testing.actions_sampling import account_for
from tongchou.domains.testing.models import Box, Round, Site, Tube
from tongchou.domains.testing.queries import missing
from tongchou.workflows.demonstration_passes import ask_to_suspend, give_passes, suspend_somebody
from tongchou.workflows.testing_rounds import take_results

Event = tuple[datetime, Callable[[datetime], None]]
LEADER, LABORATORY = "testing-leader", "区疾控中心实验室"
ALL_DAY = [{"weekdays": [1, 2, 3, 4, 5, 6, 7], "from": "07:00", "to": "21:00"}]
POOL, NEAR_DEG = 10, 0.003


def testing_days(pack: Pack, last: date, zone: ZoneInfo) -> Iterator[Event]:
    """What happens when, for a pack with sampling sites and a head of testing; nothing for another."""
    sites = [s for s in pack.sentinels if s.setting == "sampling_site"]
    if len(sites) < 2 or all(post.code != LEADER for post in pack.posts):
        return
    people = {p.code: p.population for p in pack.places}
    troubled = {o.place for o in pack.story.outbreaks} if pack.story else set()
    closed, running = sorted((s for s in sites if s.place not in troubled), key=lambda s: (people.get(s.place, 0), s.code))[:2]
    before = last - timedelta(days=1)

    def on(day: date, hour: int, minute: int = 0) -> datetime:
        return datetime.combine(day, time(hour, minute), zone)

    first, second = _Show(closed, before), _Show(running, last)
    yield on(before, 7), partial(_open_sites, sites)
    yield on(before, 7, 10), partial(_note_key_workers, closed.place)
    yield on(before, 7, 30), first.begin
    for hour in range(8, 12):
        yield on(before, hour), partial(first.sample, (hour - 7) / 4)
    yield on(before, 12, 20), first.pack
    yield on(before, 13, 5), first.receive
    yield on(before, 16, 30), partial(first.result, 0)
    yield on(before, 17), first.close
    yield on(last, 8), second.begin
    for hour, share in ((9, 0.3), (11, 0.5)):
        yield on(last, hour, 30), partial(second.sample, share)
    yield on(last, 12, 10), second.pack
    yield on(last, 12, 50), second.receive
    yield on(last, 16, 40), partial(second.result, 1)
    yield on(last, 17, 30), partial(second.sample, 0.8)
    yield on(last, 17, 45), partial(give_passes, closed.place)
    yield on(last, 17, 55), suspend_somebody
    yield on(last, 18, 40), ask_to_suspend
    yield on(last, 18, 50), _say_queues


def _batched(rows: list[Any], size: int) -> Iterator[list[Any]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _leader(at: datetime) -> Actor:
    post = Post.objects.get(code=LEADER)
    return actor_for(holders_at([post], at)[post.pk], at)


def _open_sites(specs: list[SentinelSpec], at: datetime) -> None:
    by = _leader(at)
    for n, spec in enumerate(specs):
        place = place_by_code(spec.place)
        point = (place.point[0] + NEAR_DEG * (n % 3 - 1), place.point[1] + NEAR_DEG * (n % 2)) if place.point else None
        written = SiteSpec(
            name=spec.name, address=T(f"{place.name_zh}活动中心", f"{place.name_en} activity centre"), point=point, hours=ALL_DAY, booths=1 + n % 3,
            staff=3 * (1 + n % 3),
        )  # fmt: skip
        open_site(code=f"CY{n + 1:02d}", spec=written, place=place, by=by, at=at)


def _note_key_workers(code: str, at: datetime) -> None:
    """Thirty people of one village with an occupation that asks for testing every second day."""
    place, groups = place_by_code(code), ("courier", "market", "transport")
    people = Resident.objects.filter(place=place, born_on__year__range=(1975, 1999)).order_by("pk").values_list("pk", flat=True)[:30]
    if people:
        given = {who: groups[n % len(groups)] for n, who in enumerate(people)}
        enlist_key_workers(people=given, place=place, from_on=at.date(), by=_leader(at), at=at)


def _say_queues(at: datetime) -> None:
    for n, site in enumerate(Site.objects.select_related("place").order_by("code")):
        report_queue(site, queue=(7 * n) % 60, by=_leader(at), at=at)


class _Show:
    """One round in the village of a site."""

    def __init__(self, spec: SentinelSpec, day: date) -> None:
        self.spec, self.day, self.number, self.tubes = spec, day, "", 0

    def _round(self) -> Round | None:
        return Round.objects.select_related("dossier__place").filter(dossier__number=self.number).first()

    def begin(self, at: datetime) -> None:
        place = place_by_code(self.spec.place)
        by, post = _leader(at), Post.objects.get(code=LEADER)
        if not _has_residents(place.path):
            return
        title = T(f"{place.name_zh}{self.day.month}月{self.day.day}日核酸", f"{place.name_en}, {self.day.day} {self.day:%B}")
        shown = plan_round(title=title, place=place, pool_size=POOL, owner=post, by=by, at=at)
        start_round(shown, by=by, at=at)
        self.number = shown.dossier.number

    def sample(self, share: float, at: datetime) -> None:
        """Check off until this share of the roll is done, twenty households a delivery."""
        shown = self._round()
        if shown is None:
            return
        wanted = round(shown.roll.count() * min(share, 0.97)) - shown.check_offs.count()
        waiting = list(missing(shown).values_list("person_id", flat=True)[: max(wanted, 0)])
        site, by = Site.objects.select_related("place").get(place=shown.dossier.place), _leader(at)
        rows = []
        for people in _batched(waiting, POOL):
            self.tubes += 1
            rows += [Sampled(who, f"{site.code}{self.day:%m%d}{self.tubes:04d}") for who in people]
        for some in _batched(rows, 1000):
            check_off(testing_round=shown, site=site, sampled=some, by=by, at=at)

    def pack(self, at: datetime) -> None:
        shown = self._round()
        if shown is not None:
            pack_box(testing_round=shown, site=Site.objects.get(place=shown.dossier.place), laboratory=LABORATORY, by=_leader(at), at=at)

    def receive(self, at: datetime) -> None:
        for box in Box.objects.filter(round=self._round(), received_at=None):
            receive_box(box, holder="收样员", tube_count=box.tubes.count(), by=_leader(at), at=at)

    def result(self, positive: int, at: datetime) -> None:
        """Every received tube negative, the first `positive` of them positive."""
        tubes = Tube.objects.filter(round=self._round(), box__received_at__isnull=False, resulted_at=None).order_by("code")
        findings = [Finding(t.code, "positive" if n < positive else "negative", at) for n, t in enumerate(tubes)]
        if findings:
            take_results(findings, source="demonstration", by=_leader(at), at=at)

    def close(self, at: datetime) -> None:
        shown, by = self._round(), _leader(at)
        if shown is None:
            return
        wind_up_round(shown, by=by, at=at)
        left = list(missing(shown).values_list("person_id", flat=True))
        third = len(left) // 3 + 1
        post = Post.objects.get(code=LEADER)
        for reason, some in (("out_of_town", left[:third]), ("infant", left[third : 2 * third]), ("no_answer", left[2 * third :])):
            if some:
                account_for(testing_round=shown, people=some, reason=reason, to_post=post if reason == "no_answer" else None, by=by, at=at)
        close_round(shown, by=by, at=at)


def _has_residents(path: str) -> bool:
    return Resident.objects.filter(place__path__startswith=path).exists()
