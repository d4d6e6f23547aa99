"""What the demonstration town shows of approvals: a month of applications worked by offices twice a day, by the same actions.

1. Firms apply; the window accepts, or tells once what is missing (one applicant has not answered yet).
2. Twice a working day every post finishes what it has worked on long enough and begins the oldest that waits; market supervision is short of hands.
3. One clock stands while a kitchen is put right, one application is refused, one permit is renewed by silence, one post is delegated for a week.
4. On the last day one comes in that nobody has looked at.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta, tzinfo
from functools import partial
from hashlib import sha256
from zoneinfo import ZoneInfo

from tongchou.core.packs.contents import Pack
from tongchou.core.people.models import Post
from tongchou.core.people.queries import actor_for, holders_at
from tongchou.core.people.rules import Actor
from tongchou.core.places.queries import installation
from tongchou.domains.approvals.actions import (
    Applying,
    accept_application,
    ask_corrections,
    correct_application,
    give_page,
    open_application,
    refuse_application,
)
from tongchou.domains.approvals.actions_cover import delegate_post
from tongchou.domains.approvals.actions_steps import finish_step, start_step, stop_clock
from tongchou.domains.approvals.life import PaperGiven, calendar_at, missing_papers, spec_of
from tongchou.domains.approvals.models import Application, ApplicationStep, Procedure
from tongchou.domains.approvals.queries import live_steps_below
from tongchou.domains.registry.models import Firm
from tongchou.workflows.approving import keep_approvals

Event = tuple[datetime, Callable[[datetime], None]]
APPLICANT_TOKEN = sha256(b"demo applicant page").hexdigest()  # of the page of the applicant who has papers to bring
WINDOW, HEAD = "service-window", "service-leader"
TURNS = (time(10, 0), time(15, 30))
# How many half days a post works on a step, in turn; and how many steps it has in work at once.
WORK = {"service-window": (1, 1, 1, 2), "market-officer": (1, 2, 1, 3), "planning-officer": (2, 3, 2), "order-officer": (1, 2, 2)}
# Days before the last, procedure, what becomes of it (none: the offices work on it).
STORY: tuple[tuple[int, str, str], ...] = (
    (29, "APR-FOOD", ""), (28, "APR-CANCEL", ""), (27, "APR-FOOD-RENEW", ""), (26, "APR-BUILD-LOW", ""), (24, "APR-FOOD", "refused"), (23, "APR-FOOD", "corrected"),
    (21, "APR-OUTDOOR", ""), (20, "APR-FOOD", ""), (17, "APR-FOOD-RENEW", "silence"), (15, "APR-CANCEL", ""), (14, "APR-FOOD", "stopped"), (10, "APR-OUTDOOR", ""),
    (9, "APR-FOOD-RENEW", ""), (8, "APR-FOOD", ""), (6, "APR-BUILD-LOW", ""), (3, "APR-FOOD", "asked"), (2, "APR-OUTDOOR", ""), (0, "APR-FOOD", "new"),
)  # fmt: skip


def approval_days(pack: Pack, last: date, zone: ZoneInfo) -> Iterator[Event]:
    """What happens when; nothing in a pack without procedures."""
    if pack.procedures:
        yield from _days(last, zone)


def _days(last: date, zone: tzinfo | None) -> Iterator[Event]:
    for back in range(STORY[0][0], -1, -1):
        day = last - timedelta(days=back)
        for n, (ago, code, fate) in enumerate(STORY):
            if ago == back:
                yield datetime.combine(day, time(9, 20), zone), partial(_apply, n, code, fate)
        if back == 7:
            yield datetime.combine(day, time(9, 30), zone), _delegate
        for at in TURNS:
            yield datetime.combine(day, at, zone), _work


def live_them_all(until: datetime, *, days: int = 40) -> None:
    """The last days of it at once, for a town that has not lived."""
    for at, happen in sorted(_days(until.date(), until.tzinfo), key=lambda event: event[0]):
        if until - timedelta(days=days) <= at <= until:
            happen(at)


def _holder(post: str, at: datetime) -> Actor | None:
    row = Post.objects.filter(code=post).first()
    users = holders_at([row], at) if row else {}
    return actor_for(next(iter(users.values())), at) if users else None


def _apply(n: int, code: str, fate: str, at: datetime) -> None:
    by, town = _holder(WINDOW, at), installation()
    procedure = Procedure.objects.filter(code=code).order_by("-version").first()
    firms = Firm.objects.filter(section__in=["H", "F"], is_generated=True).select_related("place").order_by("pk")
    if by is None or town is None or procedure is None or not (firm := firms[n // 2 : n // 2 + 1].first()):
        return
    ends = at.date() + timedelta(days=12 if fate == "silence" else 40) if code == "APR-FOOD-RENEW" else None
    row = open_application(applying=Applying(procedure, firm.place, firm, permit_ends_on=ends), by=by, at=at)
    spec = spec_of(row)
    missing = missing_papers(row, spec)
    brought = [PaperGiven(paper, "窗口已核对原件") for paper in missing]
    if fate == "new":
        return
    if fate in {"asked", "corrected"} and missing:
        ask_corrections(row, papers=missing, words="请补齐所列材料，拍照上传或带到窗口都可以", by=by, at=at + timedelta(minutes=20))
        if fate == "asked":
            give_page(row, token=APPLICANT_TOKEN, by=by, at=at + timedelta(minutes=25))
            return
        correct_application(row, papers=brought, by=by, at=at + timedelta(hours=3))
        return
    accept_application(row, papers=brought, by=by, at=at + timedelta(minutes=15))


def _work(at: datetime) -> None:
    """One half day of every office."""
    town = installation()
    if town is None or not calendar_at(town.place.path, at).is_working(at.date()):
        return
    keep_approvals(at=at)
    _turn_fates(at)
    live = list(live_steps_below(town.place.path).order_by("dossier__opened_at", "pk"))
    for post in WORK:
        mine = [step for step in live if step.post.code == post]
        by = _holder(post, at) if mine else None
        if by is not None:
            _office(post, mine, by, at)


def _office(post: str, steps: list[ApplicationStep], by: Actor, at: datetime) -> None:
    busy = 0
    for step in steps:
        if step.dossier.state == "working" and step.started_at is not None:
            takes = WORK[post][step.pk % len(WORK[post])]
            if _half_days(step, at) < takes:
                busy += 1
            else:
                finish_step(step, finding="符合条件", by=by, at=at)
    for step in steps:
        if (
            step.dossier.state == "open"
            and (post, _fate(step.application)) != ("market-officer", "silence")
            and busy < 1 + (post == WINDOW)
        ):
            start_step(step, by=by, at=at + timedelta(minutes=5))
            busy += 1


def _half_days(step: ApplicationStep, at: datetime) -> int:
    assert step.started_at is not None
    return round(2 * calendar_at(step.place_path, at).worked_days(step.started_at, at))


def _fate(row: Application) -> str:
    """What the story has for an application: those it tells of are numbered in its order."""
    order = int(row.dossier.number.rsplit("-", 1)[1]) - 1
    return STORY[order][2] if order < len(STORY) else ""


def _turn_fates(at: datetime) -> None:
    for row in Application.objects.filter(dossier__state="under_way", accepted_at__lt=at - timedelta(days=4)).select_related(
        "dossier__place"
    ):
        fate, by = _fate(row), None
        if fate == "refused" and (by := _holder(HEAD, at)):
            refuse_application(row, ground="conditions", words="加工区紧邻公共厕所，不符合选址要求；另选场所后可随时再申请", by=by, at=at)
        elif fate == "stopped" and not row.clock_stops.exists() and (by := _holder("market-officer", at)):
            stop_clock(
                row,
                reason="rectification",
                words="后厨未设独立洗手池，请整改后告诉我们，随时来看",
                until_at=at + timedelta(days=24),
                by=by,
                at=at,
            )


def _delegate(at: datetime) -> None:
    posts, by = (
        {post.code: post for post in Post.objects.filter(code__in=["planning-officer", "order-officer"]).select_related("place")},
        _holder(HEAD, at),
    )
    if by is not None and len(posts) == 2:
        delegate_post(
            from_post=posts["planning-officer"], to_post=posts["order-officer"], from_at=at, to_at=at + timedelta(days=9), reason="到区里集中会审", by=by, at=at
        )  # fmt: skip
