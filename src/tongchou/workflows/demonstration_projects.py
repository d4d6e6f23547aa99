"""What the demonstration town shows of projects: a dozen in the four batches, all generated, and how they are supervised.

1. They are taken in with their plans; what was reached and invested so far is told.
2. The lights open slips; one is answered and closed, one is sent back, one waits to be checked.
3. Two of them are held up: by land, and by something else.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tongchou.core.packs.contents import Pack
from tongchou.core.people.models import Post
from tongchou.core.people.queries import actor_for, holders_at
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.places.queries import installation, leaf_places
from tongchou.domains.projects.actions import Proposed, Spent, open_project, reach_milestone, report_spending
from tongchou.domains.projects.actions_issues import Raised, raise_issue
from tongchou.domains.projects.actions_slips import answer_slip, close_slip, return_slip
from tongchou.domains.projects.models import Issue, Project, Slip
from tongchou.domains.projects.queries import has_book
from tongchou.domains.registry.models import Firm
from tongchou.workflows.supervising import keep_projects

Event = tuple[datetime, Callable[[datetime], None]]
OFFICER, LEADER = "duty-officer", "duty-leader"
# Name, sector, owned by a firm, planned start and finish (months from now), months from now each was reached, plan of this year
# (10,000 yuan; as much next year while it lasts), share of the year's plan invested in each month so far. All of it invented.
STORY: tuple[tuple[str, str, bool, int, int, dict[str, int], int, tuple[int, ...]], ...] = (
    ("徐泾数字贸易港二期", "digital", True, -3, 18, {"signed": -8, "land": -6}, 24_000, (0, 0, 0, 0)),
    ("蟠龙河沿岸整治", "works", False, -14, 3, {"signed": -16, "started": -14, "topped": -2}, 5_200, (9, 8, 9, 8)),
    ("医疗器械研发中心", "health", True, -5, 14, {"signed": -9, "land": -7, "filed": -6, "permit": -5, "started": -5}, 18_000, (6, 4, 0, 0)),
    ("会展配套商务楼", "commerce", True, -1, 20, {"signed": -5, "land": -3, "filed": -2}, 12_000, (0, 0, 0, 0)),
    ("工业互联网平台总部", "digital", True, 3, 24, {"signed": -2}, 9_000, ()),
    ("智能装备生产线改造", "manufacturing", True, -10, 1, {"signed": -13, "started": -10, "topped": -1}, 6_400, (14, 15, 2, 1)),
    ("社区卫生服务中心迁建", "housing", False, -4, 10, {"signed": -7, "started": -4}, 7_800, (9, 9, 8, 9)),
    ("冷链分拨中心", "commerce", True, -20, -1, {"signed": -24, "started": -20, "finished": -1}, 3_000, (22, 24, 27, 27)),
    ("人才公寓一期", "housing", False, -26, -4, {"signed": -30, "started": -26, "topped": -12, "finished": -4, "producing": -3}, 1_200, (60, 40, 0, 0)),
    ("生物试剂厂房扩建", "health", True, 5, 20, {}, 4_500, ()),
    ("明珠路雨污分流", "works", False, 4, 9, {}, 2_600, ()),
    ("跨境电商体验街区", "commerce", True, 6, 18, {}, 8_000, ()),
)  # fmt: skip


def project_days(pack: Pack, last: date, zone: ZoneInfo) -> Iterator[Event]:
    """What happens when, for a pack with a book of projects; nothing for another."""
    if pack.projects is None:
        return

    def on(back: int, hour: int, minute: int = 0) -> datetime:
        return datetime.combine(last - timedelta(days=back), time(hour, minute), zone)

    yield on(3, 9, 10), _take_in
    yield on(3, 16), _supervise
    yield on(2, 15, 30), _answer
    yield on(1, 10, 15), _check
    yield on(1, 11), _hold_up


def live_them_all(at: datetime) -> None:
    """All of it at one instant, for a town whose days are not lived through; nothing where it was told before."""
    if has_book() and not Project.objects.exists():
        for happen in (_take_in, _supervise, _answer, _check, _hold_up):
            happen(at)


def _hand(code: str, at: datetime) -> Actor | None:
    post = Post.objects.filter(code=code).first()
    user = holders_at([post], at).get(post.pk) if post else None
    return actor_for(user, at) if user else None


def _month(at: datetime, offset: int) -> date:
    months = at.year * 12 + at.month - 1 + offset
    return date(months // 12, months % 12 + 1, 15)


def _take_in(at: datetime) -> None:
    town, by = installation(), _hand(OFFICER, at)
    post = Post.objects.filter(code="planning-officer").first()
    if town is None or by is None or post is None:
        return
    places, firms = leaf_places(town.place.path), list(Firm.objects.order_by("-revenue_cny_10k", "pk")[: len(STORY)])
    lines: list[Spent] = []
    for n, told in enumerate(STORY):
        row = _take_one_in(told, places[n * 3 % len(places)], post, firms[n].pk if told[2] and n < len(firms) else None, by, at)
        reported = [(_month(at, back - 4), share) for back, share in enumerate(told[7]) if _month(at, back - 4).year == at.year]
        lines += [Spent(row.dossier.number, month, told[6] * share // 100) for month, share in reported]
        lines += [Spent(row.dossier.number, _month(at, back), 0) for back in range(1 - at.month, -4) if told[7]]
    report_spending(lines=lines, by=by, at=at)


def _take_one_in(told: tuple[str, str, bool, int, int, dict[str, int], int, tuple[int, ...]], place: Place, post: Post, firm: int | None, by: Actor, at: datetime) -> Project:  # fmt: skip
    name, sector, _, start, finish, reached, plan, _ = told
    years = {at.year: plan} | ({at.year + 1: plan} if _month(at, finish).year > at.year else {})
    planned = {"signed": _month(at, start - 2), "started": _month(at, start), "finished": _month(at, finish)}
    proposed = Proposed(
        name, place, post, sector, firm=firm, land=f"{place.name_zh}规划地块（示例）", plan=years, milestones=planned, is_generated=True
    )  # fmt: skip
    row = open_project(proposed=proposed, by=by, at=at)
    for code, back in reached.items():
        reach_milestone(row, code=code, done_on=_month(at, back), note="演示数据：现场核实", by=by, at=at)
    return row


def _supervise(at: datetime) -> None:
    keep_projects(at=at)


def _slips(at: datetime) -> Iterator[tuple[Slip, Actor]]:
    for slip in Slip.objects.select_related("dossier__place", "dossier__owner_post").order_by("pk"):
        by = _hand(slip.dossier.owner_post.code, at) if slip.dossier.owner_post else None
        if by is not None:
            yield slip, by


def _answer(at: datetime) -> None:
    for n, (slip, by) in enumerate(_slips(at)):
        if n < 3:
            answer_slip(slip, answer="已约业主和施工方碰头，本周内排出进场计划", by=by, at=at)


def _check(at: datetime) -> None:
    by = _hand(LEADER, at)
    answered = [slip for slip, _ in _slips(at) if slip.dossier.state == "answered"]
    if by is not None and len(answered) > 1:
        close_slip(answered[0], words="计划已排，现场见人", by=by, at=at)
        return_slip(answered[1], reason="现场没有动静，请重新答复", by=by, at=at)


def _hold_up(at: datetime) -> None:
    by = _hand(OFFICER, at)
    rows = list(Project.objects.select_related("dossier__place", "dossier__owner_post").order_by("pk")[:4])
    if by is None or Issue.objects.exists():
        return
    for row, about, words in zip(
        rows[::3], ("land", "other"), ("地块上还有一处临时仓库没搬走", "总包单位工人没有返沪，缺四十人"), strict=False
    ):
        if row.dossier.owner_post is not None:
            raise_issue(row, raised=Raised(about, words, row.dossier.owner_post, at + timedelta(days=10)), by=by, at=at)
