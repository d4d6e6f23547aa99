"""Firms, a school and building sites of the demonstration town come back: one white-listed in May, more since June, some stuck.

1. In May: a firm on the white list files, is looked at, and begins.
2. On the last morning: firms file, most at work at once; one lacks papers, one fails on safety, one stands in a risk area.
3. A site with beds for all begins, one without is refused; a senior school is found fit and waits for its day.
4. Power, gate and invoices of May are brought in.
"""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q

from tongchou.core.people.models import Post, User
from tongchou.core.people.queries import actor_for, holders_at
from tongchou.core.people.rules import Actor, system_actor
from tongchou.core.places.queries import installation
from tongchou.domains.registry.models import ConstructionSite, Firm, RegisterRow, School
from tongchou.domains.resumption.actions import FullShown, Listed, keep_white_list
from tongchou.domains.resumption.actions_checks import Finding
from tongchou.domains.resumption.actions_evidence import keep_readings
from tongchou.domains.resumption.conditions import Asked, Declared, Part
from tongchou.domains.resumption.imports import ReadLine
from tongchou.domains.resumption.models import Filing
from tongchou.domains.resumption.queries import risk_areas, rulebook
from tongchou.domains.resumption.rules import AT_WORK
from tongchou.workflows import resuming

SYSTEM = system_actor("demonstration")
SINCE = date(2022, 5, 16)  # stage 1: supply chains come back
FIRMS = 8


def resumption_days(last: date, zone: ZoneInfo) -> list[tuple[datetime, Callable[[datetime], None]]]:
    """What happens when, for the calendar of the demonstration."""
    return [
        (datetime.combine(SINCE, time(10), zone), listed_in_may),
        (datetime.combine(last, time(10, 40), zone), come_back),
        (datetime.combine(last, time(9, 20), zone), bring_in_evidence),
    ]


def bring_in_evidence(at: datetime) -> None:
    """Step 4: May's power, gate and invoices of the larger firms; one in forty contradicts its filing."""
    town = installation()
    rows = list(Firm.objects.filter(staff_count__gte=15).order_by("pk").values_list("pk", "credit_code", "resumption")[:800])
    if town is None or not rows:
        return
    span = date(2022, 5, 1), date(2022, 5, 31)
    lines = []
    for n, (_, code, state) in enumerate(rows):
        luck = n * 0.618034 % 1  # spread evenly: a demonstration has no chance of its own
        seen = {"closed": "full", "resumed": "closed"}.get(state, state) if n % 40 == 7 else state
        share = {"closed": 0.05 + 0.2 * luck, "resumed": 0.4 + 0.5 * luck, "full": 1.0 + 0.2 * luck}[seen]
        base = 2_000 + 40_000 * (n * 0.414214 % 1)
        lines.append(ReadLine(n, code, "electricity", *span, round(base * share), round(base)))
        if n % 3 == 0:
            lines.append(ReadLine(n, code, "staff", *span, round(600 * max(0, share - 0.15)), 600))
        if n % 2 == 0:
            lines.append(ReadLine(n, code, "invoices", *span, round(90 * max(0, share - 0.2 * luck)), 90))
    firms = {code: pk for pk, code, _ in rows}
    keep_readings(lines=lines, firms=firms, source_name="五月用电、进厂、开票（示范）", place=town.place, by=SYSTEM, at=at)


def listed_in_may(at: datetime) -> None:
    """Step 1."""
    town, firm = (
        installation(),
        Firm.objects.select_related("place").filter(section="C", resumption="closed").order_by("-staff_count").first(),
    )
    if town is None or firm is None:
        return
    leader, people = _on_duty("duty_leader", at), max(1, firm.staff_count // 2)
    days = {"from_on": at.date(), "to_on": date(2022, 5, 31)}
    line = Listed(firm, people)
    keep_white_list(kind="firm", lines=[line], batch="第三批", source="区经委（示范）", place=town.place, by=leader, at=at, **days)
    filing = _file("firm", firm, at, ground="listed", closed_loop=True, people=people)
    _check(filing, at + timedelta(hours=20))


def come_back(at: datetime) -> None:
    """Steps 2 and 3."""
    risky = tuple(incident.place.path for incident in risk_areas(["red", "orange"]))
    with_code = Q(venues=None) | Q(venues__entrances__isnull=False)
    closed = Firm.objects.select_related("place").filter(with_code, resumption="closed").order_by("pk").distinct()
    chosen = sorted(closed[:200], key=lambda firm: firm.place.path.startswith(risky))[:FIRMS]
    filed = [
        _file(
            "firm",
            firm,
            at,
            lacking=("R12", "R14")[: n % 3],
            people=max(1, firm.staff_count),
            closed_loop=firm.place.path.startswith(risky),
        )
        for n, firm in enumerate(chosen)
    ]
    for n, filing in enumerate(f for f in filed[:5] if f.dossier.state in AT_WORK):
        _check(filing, at + timedelta(minutes=30), wrong={1: "R14", 2: "R02S"}.get(n))
    if filed and filed[0].dossier.state == "working":
        shown = FullShown("electricity", 12_800, 12_100, "电费单（示范）")
        resuming.full(Filing.objects.get(pk=filed[0].pk), shown, by=SYSTEM, at=at + timedelta(hours=1))
    if stuck := next((firm for firm in closed if firm.place.path.startswith(risky)), None):
        _file("firm", stuck, at, people=max(1, stuck.staff_count))
    for n, site in enumerate(ConstructionSite.objects.select_related("place").filter(state="stopped").order_by("pk")[:2]):
        batches = [Part(f"第{k + 1}批", site.worker_count // 2 or 1, at.date() + timedelta(days=2 * k)) for k in range(2)]
        people = sum(part.people for part in batches)
        _file("site", site, at, people=people, beds=people - 10 * n, quiet_beds=batches[0].people, parts=tuple(batches), closed_loop=True)
    if school := School.objects.select_related("place").filter(stage="high").order_by("pk").first():
        classes = [(f"高{word}({n})班", grade) for word, grade in (("三", "high3"), ("二", "high2")) for n in range(1, 6)]
        day = date(2022, 6, 6)
        parts = tuple(Part(name, 42, day, grade) for name, grade in classes)
        filing = _file("school", school, at, from_on=day, people=42 * len(parts), parts=parts, closed_loop=True)
        _check(filing, at + timedelta(hours=2))


def _file(kind: str, row: RegisterRow, at: datetime, *, lacking: tuple[str, ...] = (), **given: Any) -> Filing:
    """A filing with every paper but those lacking; whoever is on duty types it in."""
    book, on = rulebook(), given.get("from_on", at.date())
    stage = book.stage_on(kind, on)
    conditions = book.conditions_on(stage, on) if stage else ()
    papers = {c.code: Declared(True, "附件（示范）") for c in conditions if c.check in ("paper", "closed_loop") and c.code not in lacking}
    plain: dict[str, Any] = {"ground": "everyone", "from_on": on, "closed_loop": False, "declared": papers}
    return resuming.file(row, Asked(kind, **{**plain, **given}), signed_by="示例负责人", by=_on_duty("duty_officer", at), at=at)


def _check(filing: Filing, at: datetime, wrong: str | None = None) -> None:
    """Somebody of the town looks: everything in order but what is named."""
    waiting = filing.checks.filter(dossier__closed_at=None).first()
    if waiting is None:
        return
    codes = filing.items.filter(to_see=True).values_list("code", flat=True)
    findings = {code: Finding(code != wrong, "三日内补齐并复查" if code == wrong else "") for code in codes}
    resuming.check(waiting, findings, by=_on_duty("group_leader", at), at=at)


def _on_duty(kind: str, at: datetime) -> Actor:
    """Who holds the first post of a kind that somebody holds."""
    posts = list(Post.objects.filter(kind=kind).order_by("pk"))
    held = holders_at(posts, at)
    user: User | None = next((held[post.pk] for post in posts if post.pk in held), None)
    return actor_for(user, at) if user else SYSTEM
