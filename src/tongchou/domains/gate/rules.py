"""Who may enter, decided from what was shown, the rule in force and the time; and that no rule asks for more than was ordered from above. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from tongchou.core.casework.machine import objection_machine
from tongchou.core.passes.status_lists import is_set
from tongchou.core.passes.tokens import BadPass, Pass
from tongchou.core.passes.verdicts import Verdict
from tongchou.core.wording import T

DeviceKind = Literal["scanner", "screen"]  # a screen shows the venue code of the half minute
VERDICT_WORDS = {"admit": T("放行", "Admit"), "notice": T("放行并提示", "Admit with notice"), "refuse": T("不予进入", "Refuse")}
WAYS = ("in", "out")  # kept as 0, 1
FLAGS = {"clock": 1, "implausible_time": 2, "late": 4, "differs": 8, "by_card": 16}
ALL = "all"
CLOCK_TOLERANCE_S = 300  # a phone's clock is within this; assumption
NOTICE_BEFORE_HOURS = 6  # told in time that the test runs out; assumption
ELSEWHERE_S = 120  # nobody walks from one venue to another and in within this; assumption

_RENEW = T("请打开“我的通行码”刷新，或请工作人员用身份证登记。", "Open your pass again, or let the staff register your identity card.")
_RESCAN = T("请重扫一次；仍不行请用身份证登记。", "Scan once more; if it fails again, register with the identity card.")
_TEST = T("请先到最近的采样点采样，凭采样记录再来。", "Please be sampled at the nearest site first and come back with the record.")
_OFFICE = T("请联系所在村居；认为有误可当场申诉。", "Call your village or neighbourhood; if you think this is wrong, appeal here and now.")
# Why, and until when, is between the person and the office: a door is told no more than that it is so.
_OWN_PAGE = T("请打开“我的通行码”，看原因、到哪天、怎样申诉；没有手机请问所在村居，也可当场申诉。", "Open your own pass: it says why, until when and how to object. Without a phone, ask your village, or appeal here and now.")  # fmt: skip

# Every reason: its words at the door, and what to do now. Kept by its place in this table: append, never reorder.
REASONS: Mapping[str, tuple[T, T | None]] = {
    "ok": (T("可以进入", "You may enter"), None),
    "test_expiring": (T("核酸即将过期", "Your test runs out soon"), T("今天可就近采样。", "You can be sampled nearby today.")),
    "no_test": (T("没有核酸记录", "No test on record"), _TEST),
    "test_too_old": (T("核酸已过时限", "The test is too old"), _TEST),
    "future_test": (T("核酸时间在将来", "The test lies in the future"), _OFFICE),
    "expired": (T("通行码已过期", "The pass has expired"), _RENEW),
    "not_yet_valid": (T("通行码尚未生效", "The pass is not valid yet"), _RENEW),
    "revoked": (T("通行码已作废", "The pass was revoked"), _OFFICE),
    "suspended": (T("通行码已暂停使用", "The pass is suspended"), _OWN_PAGE),
    "forged": (T("签名不符，不是真码", "The signature does not match: not a genuine pass"), _RENEW),
    "unknown_key": (T("不认识签发方", "Signed by somebody unknown here"), _RENEW),
    "other_town": (T("外地通行码，本地未互认", "A pass of another town, not recognised here"), T("请用身份证登记进入。", "Register with the identity card.")),
    "malformed": (T("通行码不完整", "The pass is damaged"), _RESCAN),
    "oversized": (T("内容过长，不是通行码", "Too long to be a pass"), _RESCAN),
    "not_a_pass": (T("这不是通行码", "This is not a pass"), _RESCAN),
    "wrong_kind": (T("不是入场通行码", "Not a pass for entry"), _RENEW),
    "unknown_person": (T("身份证号不在登记中", "This identity number is not registered"), T("请登记姓名和电话。", "Register name and phone.")),
    "seen_elsewhere": (T("此码刚在别处使用", "This pass was just used elsewhere"), T("请核对本人。", "Check that it is this person's own.")),
    "cannot_check": (T("断网，身份证暂无法核验", "Offline: the identity card cannot be checked now"), T("已登记，联网后核验。", "Recorded; checked when the network is back.")),
    "out_of_date": (T("本机规则已过期，不能核验", "This scanner's rules are too old to check by"), T("请连网更新；急事请登记姓名和电话。", "Connect it to the network; if urgent, write down name and phone.")),
}  # fmt: skip
REASON_CODES = tuple(REASONS)


@dataclass(frozen=True, slots=True)
class EntryRule:
    """What a class of venue asks for between two days (`to_on`: first day on which it no longer holds).

    `test_hours`: how old a negative test may be; None asks for none. `may_refuse` False: whoever lacks it is let in and told
    (medical care is never refused). The same fields make a ceiling: the most that was ordered from above.
    """

    venue_classes: tuple[str, ...]  # or ("all",)
    from_on: date
    to_on: date | None
    test_hours: int | None
    may_refuse: bool
    source: T
    confidence: str = "high"
    takes_permits: bool = False  # a vehicle's permit opens this door too; whoever sits in it shows their own pass

    def covers(self, venue_class: str, day: date) -> bool:
        return (
            (ALL in self.venue_classes or venue_class in self.venue_classes)
            and self.from_on <= day
            and (self.to_on is None or day < self.to_on)
        )


FREE = EntryRule((ALL,), date.min, None, None, False, T("没有规则：自由进入", "no rule: enter freely"), takes_permits=True)


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer at the door: a verdict and the code of its reason."""

    verdict: Verdict
    reason: str

    @property
    def words(self) -> T:
        return REASONS[self.reason][0]

    @property
    def remedy(self) -> T | None:
        return REASONS[self.reason][1]


SILENT_AFTER, FEW_SHARE = "gate.silent_after", "gate.few_share"
ODDITIES = ("silent", "let_in", "after_refusal", "few", "no_scanner")


@dataclass(frozen=True, slots=True)
class Limits:
    """From which values on a door counts as odd: no scan for so long; a figure below this share of the expected footfall. None: never."""

    silent_after: timedelta | None
    few_share: float | None


NO_LIMITS = Limits(None, None)


def rule_for(rules: Iterable[EntryRule], venue_class: str, day: date) -> EntryRule:
    """The rule in force: one that names the class before one for all, then the latest; FREE when none covers it."""
    covering = [rule for rule in rules if rule.covers(venue_class, day)]
    return max(covering, key=lambda rule: (ALL not in rule.venue_classes, rule.from_on), default=FREE)


def decide(
    shown: Pass | BadPass | None, rule: EntryRule, *, town: str, at_s: int, revoked: Mapping[int, bytes], suspended: Mapping[int, bytes]
) -> Decision:
    """The decision on what was shown at an instant (seconds since 1970 UTC), with the status lists at hand. None: the card of nobody known.

    The scanner decides the same offline, in `gate/decide.js`; `tests/data/gate/decisions.json` holds both to it.
    """
    if shown is None:
        reason = "unknown_person"
    else:
        reason = _fault(shown, town) if isinstance(shown, BadPass) else _first_objection(shown, rule, town, at_s, revoked, suspended)
    if reason in {"ok", "test_expiring"}:
        return Decision("admit" if reason == "ok" else "notice", reason)
    return Decision("refuse" if rule.may_refuse else "notice", reason)


def _fault(bad: BadPass, town: str) -> str:
    return "other_town" if bad.claims_issuer not in {"", town} else bad.fault


def _first_objection(
    shown: Pass, rule: EntryRule, town: str, at_s: int, revoked: Mapping[int, bytes], suspended: Mapping[int, bytes]
) -> str:
    is_permit = shown.kind == "passage"
    if is_permit and not rule.takes_permits:
        return "wrong_kind"
    if shown.issuer == town and is_set(revoked, shown.status_index):
        return "revoked"
    if shown.issuer == town and is_set(suspended, shown.status_index):
        return "suspended"
    if shown.issued_at > at_s + CLOCK_TOLERANCE_S:
        return "not_yet_valid"
    if shown.expires_at <= at_s:
        return "expired"
    return "ok" if is_permit or rule.test_hours is None else _test_objection(shown.facts.get("sampled_at"), rule.test_hours, at_s)


def _test_objection(sampled_at: int | None, test_hours: int, at_s: int) -> str:
    if sampled_at is None:
        return "no_test"
    if sampled_at > at_s + CLOCK_TOLERANCE_S:
        return "future_test"
    left_s = sampled_at + test_hours * 3600 - at_s
    return "test_too_old" if left_s < 0 else "test_expiring" if left_s < min(NOTICE_BEFORE_HOURS, test_hours / 4) * 3600 else "ok"


def piling_on(rules: Sequence[EntryRule], ceilings: Sequence[EntryRule], venue_classes: Sequence[str]) -> list[T]:
    """Where a rule asks for more than was ordered from above on that day, in words; empty when it nowhere does.

    Checked for every class on every day on which a rule or a ceiling begins: between these days nothing changes.
    """
    found: list[T] = []
    days = sorted({r.from_on for r in (*rules, *ceilings)} | {r.to_on for r in (*rules, *ceilings) if r.to_on})
    for day in days:
        for venue_class in venue_classes:
            rule, ceiling = rule_for(rules, venue_class, day), rule_for(ceilings, venue_class, day)
            if rule is FREE:
                continue
            where = T(f"{day} 起 {venue_class}", f"{venue_class} from {day}")
            if rule.test_hours is not None and (ceiling.test_hours is None or rule.test_hours < ceiling.test_hours):
                most = T(f"{ceiling.test_hours}小时", f"{ceiling.test_hours} h") if ceiling.test_hours else T("不查核酸", "no test")
                found.append(
                    T(
                        f"{where.zh}：要求{rule.test_hours}小时核酸，上级规定为{most.zh}",
                        f"{where.en}: asks for {rule.test_hours} h, ordered was {most.en}",
                    )
                )
            if rule.may_refuse and not ceiling.may_refuse:
                found.append(T(f"{where.zh}：上级未允许拒绝进入", f"{where.en}: refusing entry was not ordered"))
    return found


APPEAL = objection_machine("appeal", T("门岗申诉", "Gate appeal"), "MS", "gate.appeal_within")
