"""What the demonstration town shows of firms' difficulties: some solved, says the firm; some promised, late, called back, or not solved after all.

1. Two days before, firms tell what hinders them; the duty officer routes it to units.
2. Units promise and answer; one promises nothing and is late.
3. Firms say whether it is solved: on their page, by telephone; one is drawn to be called back, one says "not yet".
4. Several have one cause: the duty officer confirms it.
5. On the last day new ones come in, which nobody has routed yet; one lorry gets a permit.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from tongchou.core.packs.contents import Pack
from tongchou.core.parameters.queries import values_on
from tongchou.core.passes.models import IssuerKey
from tongchou.core.people.models import Post
from tongchou.core.people.queries import actor_for, holders_at, post_by_code
from tongchou.core.people.rules import Actor, system_actor
from tongchou.core.places.queries import installation
from tongchou.domains.difficulties.actions import (
    Told,
    answer_difficulty,
    open_cause,
    promise_difficulty,
    raise_difficulties,
    route_difficulty,
)
from tongchou.domains.difficulties.actions_hearing import Heard, hear_firm
from tongchou.domains.difficulties.actions_permits import PermitSpec
from tongchou.domains.difficulties.models import Difficulty
from tongchou.domains.difficulties.rules import KINDS
from tongchou.domains.registry.models import Firm
from tongchou.workflows.solving import permit

Event = tuple[datetime, Callable[[datetime], None]]
OFFICER, PAGE = "duty-officer", system_actor("firm page")
NOT_DRAWN, DRAWN = 0.99, 0.0
# Kind, what the firm says, how far it has come by the demonstration's now.
STORY: tuple[tuple[str, str, str], ...] = (
    ("passage", "外省送原料的货车在高速口被劝返，仓库只够用三天", "cause"),
    ("passage", "浙江来的料车下不了高速，说是没有省际通行证", "cause"),
    ("passage", "跨省货车司机没有通行证，到道口就让掉头", "cause"),
    ("passage", "客户在江苏，我们的送货车出去了怕回不来", "promised"),
    ("passage", "早晚高峰进厂的小路还封着，员工要绕四公里", "solved"),
    ("testing", "夜班工人下班时采样点都关了，第二天进不了厂", "solved"),
    ("testing", "结果出得慢，超过24小时才有，工人在门口干等", "answered"),
    ("testing", "厂里三百多人想请采样队上门，一直约不上", "not_yet"),
    ("operation", "三个月没有收入，房租还要照付，能不能减免", "answered"),
    ("operation", "贷款下个月到期，银行说要先还再贷，周转不开", "late"),
    ("operation", "工人回老家了，招不到人，两条线只开一条", "promised"),
    ("policy", "说小规模纳税人可以免增值税，我们去问说系统里没有", "solved"),
    ("policy", "稳岗补贴别家都收到了，我们没有短信也没到账", "to_check"),
    ("approval", "消防验收排队排到下个月，装修好了不能开门", "late"),
    ("other", "厂门口的路灯坏了，夜班工人反映不安全", "withdrawn"),
    ("passage", "冷链车到道口要等核酸，等两个小时货就化了", "reported"),
    ("testing", "采样点离园区三公里，午休来回赶不上", "reported"),
    ("operation", "外卖平台抽成高，堂食又不能开，撑不了几天", "reported"),
)
ANSWERS = {
    "passage": "已与道口对接，凭镇里开的通行证放行",
    "testing": "园区东门增设采样点，晚上九点前都开",
    "operation": "已转国资和银行对接，房租按政策减免",
    "policy": "已核对，您符合条件，本周内办结",
    "approval": "已协调提前验收",
    "other": "已报修",
}


def difficulty_days(pack: Pack, last: date, zone: ZoneInfo) -> Iterator[Event]:
    """What happens when, for a pack that has kinds of difficulty; nothing for another."""
    if all(spec.key != KINDS for spec in pack.parameters):
        return
    early = [n for n, one in enumerate(STORY) if one[2] != "reported"]
    fresh = [n for n, one in enumerate(STORY) if one[2] == "reported"]

    def on(before: int, hour: int, minute: int = 0) -> datetime:
        return datetime.combine(last - timedelta(days=before), time(hour, minute), zone)

    yield on(2, 9, 40), partial(_raise, early)
    yield on(2, 14, 20), _route
    yield on(2, 16, 10), _promise
    yield on(1, 10, 30), _answer
    yield on(1, 15, 5), _hear
    yield on(0, 9, 15), _share_a_cause
    yield on(0, 16, 45), partial(_raise, fresh)
    yield on(0, 18, 10), _permit


def live_them_all(at: datetime) -> None:
    """All of it at one instant, for a town whose days are not lived through; nothing where it was told before."""
    if Difficulty.objects.exists() or KINDS not in values_on([KINDS], at.date()):
        return
    _raise(list(range(len(STORY))), at)
    for happen in (_route, _promise, _answer, _hear, _share_a_cause, _permit):
        happen(at)


def _firms() -> list[Firm]:
    """Firms that tell: two of each village, the largest first, in turn."""
    of_village: dict[int, list[Firm]] = {}
    for firm in Firm.objects.select_related("place").filter(staff_count__gte=8).order_by("-staff_count", "pk")[:600]:
        of_village.setdefault(firm.place_id, []).append(firm)
    return [some[n] for n in (0, 1, 2) for some in of_village.values() if len(some) > n][: len(STORY)]


def _hand(code: str, at: datetime) -> Actor | None:
    post = Post.objects.filter(code=code).first()
    user = holders_at([post], at).get(post.pk) if post else None
    return actor_for(user, at) if user else None


def _raise(which: list[int], at: datetime) -> None:
    firms, by = _firms(), _hand(OFFICER, at)
    for n in which:
        if by is None or n >= len(firms):
            return
        firm, (kind, words, _) = firms[n], STORY[n]
        raise_difficulties(
            firm=firm.pk, name=firm.name, place=firm.place, told=[Told(kind, words)], source="hotline", said_at=at, by=by, at=at
        )


def _told(*fates: str) -> Iterator[tuple[Difficulty, str]]:
    for row in Difficulty.objects.select_related("dossier__place", "dossier__owner_post").order_by("pk"):
        fate = next((fate for _, words, fate in STORY if words == row.words), "")
        if fate in fates:
            yield row, fate


def _route(at: datetime) -> None:
    by = _hand(OFFICER, at)
    town = installation()
    if by is None or town is None:
        return
    kinds = values_on([KINDS], at.date(), town.place.path)[KINDS].value
    for row, _ in _told("cause", "promised", "solved", "answered", "not_yet", "late", "to_check"):
        route_difficulty(row, post=post_by_code(kinds[row.kind]["post"]), by=by, at=at)


def _in_hand(row: Difficulty, at: datetime) -> Actor | None:
    return _hand(row.dossier.owner_post.code, at) if row.dossier.owner_post else None


def _promise(at: datetime) -> None:
    for row, _ in _told("promised", "solved", "not_yet"):
        if by := _in_hand(row, at):
            promise_difficulty(row, promised_at=at + timedelta(days=3), words="已在对接，三天内给您准信", by=by, at=at)


def _permit(at: datetime) -> None:
    """A permit for the lorry of whoever was promised one, once the town has a key to sign it with."""
    by, drawn = _hand(OFFICER, at), 77_000_000_000_077
    for row, _ in _told("promised"):
        if row.kind == "passage" and by is not None and IssuerKey.objects.exists() and not row.permits.exists():
            spec = PermitSpec("沪A·D1234", "13800000000", "送货到客户", "沪苏道口往返", at + timedelta(days=3))
            permit(row, spec, chance=lambda: drawn, by=by, at=at)


def _answer(at: datetime) -> None:
    for row, _ in _told("solved", "answered", "not_yet", "to_check"):
        if by := _in_hand(row, at):
            answer_difficulty(row, outcome="done", answer=ANSWERS[row.kind], by=by, at=at)


def _hear(at: datetime) -> None:
    by = _hand(OFFICER, at)
    for n, (row, fate) in enumerate(_told("solved", "not_yet", "to_check", "withdrawn")):
        if fate == "solved" and n % 2 == 0:
            hear_firm(row, heard=Heard("solved", "page", at), draw=NOT_DRAWN, by=PAGE, at=at)
        elif by is not None:
            verdict, words = {"not_yet": ("not_yet", "来了一次，只采了一半人"), "withdrawn": ("withdrawn", "我们自己修好了")}.get(
                fate, ("solved", "")
            )
            heard = Heard(verdict, "phone", at, words, "厂长老陆")
            hear_firm(row, heard=heard, draw=DRAWN if fate == "to_check" else NOT_DRAWN, by=by, at=at)


def _share_a_cause(at: datetime) -> None:
    by, town = _hand(OFFICER, at), installation()
    numbers = [row.dossier.number for row, _ in _told("cause")]
    if by is not None and town is not None and len(numbers) > 1:
        post = post_by_code("transfer-leader")
        open_cause(of=numbers, words="省际货车没有通行证，高速道口劝返", post=post, place=town.place, by=by, at=at)
