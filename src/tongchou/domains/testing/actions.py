"""Sampling sites; rounds planned, started, wound up and closed; key workers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.apps import apps

from tongchou.core.audit.acting import action, record
from tongchou.core.casework.life import Opening, advance, open_dossiers
from tongchou.core.casework.models import Dossier
from tongchou.core.errors import FieldProblem, Invalid, Stale, Unseen, in_words
from tongchou.core.parameters.queries import duration
from tongchou.core.people.models import Post
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.wording import T
from tongchou.domains.testing import roll
from tongchou.domains.testing.models import KeyWorker, Round, Site, Tube
from tongchou.domains.testing.queries import missing_count
from tongchou.domains.testing.rules import GROUPS, KINDS, RETEST_WITHIN, ROUND, ROUND_WITHIN, TUBE_SIZES, hours_problems

_BATCH = 500
_CLOCKS = {"area": ROUND_WITHIN, "list": ROUND_WITHIN, "retest": RETEST_WITHIN}
_CODE = 40


@dataclass(frozen=True, slots=True)
class SiteSpec:
    """What is written about a sampling site; fields as in `Site`."""

    name: T
    address: T
    point: tuple[float, float] | None
    hours: Sequence[Mapping[str, Any]]
    booths: int
    staff: int
    per_booth_hour: int = 120


@action("testing.run", place=lambda given: given["place"].path)
def open_site(*, code: str, spec: SiteSpec, place: Place, sentinel: int | None = None, by: Actor, at: datetime) -> Site:
    """Set up a sampling site; `sentinel` is the row number of the testing sentinel whose streams it feeds. Raises Invalid."""
    problems = _site_problems(spec)
    if not 1 <= len(code.strip()) <= _CODE or Site.objects.filter(code=code.strip()).exists():
        problems.append(FieldProblem("code", T(f"编号“{code}”为空、太长或已被使用", f"Code '{code}' is empty, too long or taken")))
    if problems:
        raise Invalid(problems)
    row = Site(code=code.strip(), place=place, sentinel_id=sentinel)
    _write(row, spec)
    row.save()
    record("site.open", row, detail={"code": row.code, "booths": row.booths})
    return row


@action("testing.run", on=Site)
def edit_site(site: Site, *, spec: SiteSpec, reason: str, by: Actor, at: datetime) -> Site:
    """Change what is written about a site, with the reason. Raises Invalid."""
    said = in_words("reason", reason)
    if problems := _site_problems(spec):
        raise Invalid(problems)
    before = {"hours": site.hours, "booths": site.booths, "staff": site.staff}
    _write(site, spec)
    site.save()
    record("site.edit", site, reason=said, detail={"before": before, "hours": list(spec.hours), "booths": site.booths, "staff": site.staff})
    return site


@action("testing.run", on=Site)
def close_site(site: Site, *, closed: bool, reason: str, by: Actor, at: datetime) -> Site:
    """Close a site, or let it work again. Raises Stale when it is so already."""
    said = in_words("reason", reason)
    if closed == (site.closed_at is not None):
        raise Stale(T("该采样点的状态已是如此。", "The site is already in that state."))
    site.closed_at = at if closed else None
    site.save(update_fields=["closed_at"])
    record("site.close" if closed else "site.reopen", site, reason=said)
    return site


@action("testing.sample", on=Site)
def report_queue(site: Site, *, queue: int, by: Actor, at: datetime) -> Site:
    """Say how many people stand in the queue now; the public page works the waiting time out of it."""
    if not 0 <= queue <= 5000:
        raise Invalid([FieldProblem("queue", T("排队人数应为0至5000。", "A queue is 0 to 5000 people."))])
    site.queue, site.queue_at = queue, at
    site.save(update_fields=["queue", "queue_at"])
    record("site.queue", site, detail={"queue": queue})
    return site


@action("testing.run", place=lambda given: given["place"].path)
def plan_round(
    *,
    title: T,
    place: Place,
    kind: str = "area",
    pool_size: int = 10,
    owner: Post | None = None,
    retests: Tube | None = None,
    cause: Dossier | None = None,
    is_exercise: bool = False,
    by: Actor,
    at: datetime,
) -> Round:
    """Plan a round of testing in a place. A whole-area round draws its roll from the register when it starts; the others take people by list."""
    problems = [] if title.zh.strip() else [FieldProblem("title", T("请填写名称。", "Give it a name."))]
    if kind not in KINDS:
        problems.append(FieldProblem("kind", T("没有这类轮次。", "There is no such kind of round.")))
    if pool_size not in TUBE_SIZES:
        problems.append(FieldProblem("pool_size", T("混采规格为1、5、10或20。", "A pool holds 1, 5, 10 or 20.")))
    if problems:
        raise Invalid(problems)
    opening = Opening(title, place, owner, is_exercise=is_exercise, caused_by=cause, detail={"kind": kind, "pool_size": pool_size})
    (dossier,) = open_dossiers(ROUND, [opening], by=by, at=at)
    return Round.objects.create(dossier=dossier, kind=kind, pool_size=pool_size, retests=retests)


@action("testing.sample")
def add_people(*, testing_round: Round, people: Sequence[int], by: Actor, at: datetime) -> int:
    """Put people (row numbers of the register) on the roll of a round that is not over; who is there already stays. Gives how many are new."""
    if testing_round.dossier.closed_at is not None:
        raise Stale(T(f"{testing_round.dossier.number} 已结束。", f"{testing_round.dossier.number} is over."))
    found = apps.get_model("registry", "Resident").objects.select_related("place")
    paths: list[str] = []
    for start in range(0, len(wanted := sorted(set(people))), _BATCH):
        paths += found.filter(pk__in=wanted[start : start + _BATCH]).values_list("place__path", flat=True)
    if len(paths) != len(wanted) or not all(by.may("testing.sample", path) for path in set(paths)):
        raise Unseen("resident")
    added = roll.draw_people(testing_round.pk, wanted)
    record("round.add_people", testing_round, detail={"asked": len(wanted), "new": added})
    return added


@action("testing.run", on=Round)
def start_round(testing_round: Round, *, by: Actor, at: datetime) -> Round:
    """Begin sampling: draw the roll of a whole area from the register, start the clock. Raises Invalid when nobody is on the roll."""
    dossier, key = testing_round.dossier, _CLOCKS[testing_round.kind]
    if testing_round.kind == "area":
        roll.draw_area(testing_round.pk, dossier.place.path)
    people = testing_round.roll.count()
    if people == 0:
        said = T(
            "名册上没有人：请先导入居民，或把名单加入本轮。", "Nobody is on the roll: bring the residents in, or add a list to the round."
        )
        raise Invalid([FieldProblem("roll", said)])
    minutes = _minutes(key, at, dossier.place.path)
    advance(dossier, ROUND, "start", at=at, detail={"people": people}, clocks=((key, minutes),))
    return testing_round


@action("testing.run", on=Round)
def wind_up_round(testing_round: Round, *, reason: str = "", by: Actor, at: datetime) -> Round:
    """Turn to accounting for whoever is left; sampling goes on."""
    advance(testing_round.dossier, ROUND, "wind_up", at=at, reason=reason, detail={"missing": missing_count(testing_round)})
    return testing_round


@action("testing.run", on=Round)
def resume_round(testing_round: Round, *, reason: str, by: Actor, at: datetime) -> Round:
    """Go back to sampling, with the reason."""
    advance(testing_round.dossier, ROUND, "resume", at=at, reason=in_words("reason", reason))
    return testing_round


@action("testing.run", on=Round)
def close_round(testing_round: Round, *, by: Actor, at: datetime) -> Round:
    """End a round in which every person is accounted for. Raises Invalid naming how many are not."""
    ROUND.step("close", testing_round.dossier.state)
    if left := missing_count(testing_round):
        said = T(
            f"还有 {left} 人没有着落，请在漏检名单逐人采样或写明去向。",
            f"{left} people are not accounted for: sample them, or say on the missing list where they are.",
        )
        raise Invalid([FieldProblem("roll", said)])
    advance(testing_round.dossier, ROUND, "close", at=at)
    return testing_round


@action("testing.run", on=Round)
def cancel_round(testing_round: Round, *, reason: str, by: Actor, at: datetime) -> Round:
    """Give up a round that has not begun, with the reason."""
    advance(testing_round.dossier, ROUND, "cancel", at=at, reason=in_words("reason", reason))
    return testing_round


@action("testing.run", place=lambda given: given["place"].path)
def enlist_key_workers(
    *, people: Mapping[int, str], place: Place, from_on: date, units: Mapping[int, str] | None = None, by: Actor, at: datetime
) -> int:
    """Note that people (row numbers of the register → group, → where they work) need regular testing as key workers. Who is noted already stays.

    Gives how many are new.
    """
    if unknown := sorted({group for group in people.values() if group not in GROUPS or group == "resident"}):
        raise Invalid([FieldProblem("group", T(f"没有人群 {'、'.join(unknown)}", f"no such group: {', '.join(unknown)}"))])
    found = dict(apps.get_model("registry", "Resident").objects.filter(pk__in=people).values_list("pk", "place__path"))
    if len(found) != len(people) or not all(by.may("testing.run", path) for path in set(found.values())):
        raise Unseen("resident")
    known = set(KeyWorker.objects.filter(person__in=people, to_on=None).values_list("person_id", "group"))
    work = units or {}
    rows = [
        KeyWorker(person_id=who, group=group, unit=work.get(who, ""), from_on=from_on)
        for who, group in people.items()
        if (who, group) not in known
    ]
    KeyWorker.objects.bulk_create(rows, batch_size=_BATCH)
    record("testing.key_workers", place, detail={"asked": len(people), "new": len(rows), "groups": sorted(set(people.values()))})
    return len(rows)


def _minutes(key: str, at: datetime, path: str) -> int:
    return round(duration(key, on=at.date(), place_path=path).total_seconds() / 60)


def _write(row: Site, spec: SiteSpec) -> None:
    row.name_zh, row.name_en = spec.name.zh.strip(), spec.name.en.strip() or spec.name.zh.strip()
    row.address_zh, row.address_en = spec.address.zh, spec.address.en or spec.address.zh
    row.point, row.hours = list(spec.point) if spec.point else None, [dict(h) for h in spec.hours]
    row.booths, row.staff, row.per_booth_hour = spec.booths, spec.staff, spec.per_booth_hour


def _site_problems(spec: SiteSpec) -> list[FieldProblem]:
    problems = [FieldProblem("hours", said) for said in hours_problems(spec.hours)]
    if not 1 <= len(spec.name.zh.strip()) <= 60 or len(spec.name.en) > 80:
        problems.append(FieldProblem("name", T("名称为1至60字", "A name has 1 to 60 signs")))
    if len(spec.address.zh) > 120 or len(spec.address.en) > 160:
        problems.append(FieldProblem("address", T("地址太长", "The address is too long")))
    for field, value, most in (("booths", spec.booths, 200), ("per_booth_hour", spec.per_booth_hour, 1000)):
        if not 1 <= value <= most:
            problems.append(FieldProblem(field, T(f"应为1至{most}", f"must be 1 to {most}")))
    if not 0 <= spec.staff <= 2000:
        problems.append(FieldProblem("staff", T("应为0至2000", "must be 0 to 2000")))
    if spec.point is not None and not (-180 <= spec.point[0] <= 180 and -90 <= spec.point[1] <= 90):
        problems.append(FieldProblem("point", T("经度 -180 至 180，纬度 -90 至 90", "longitude -180 to 180, latitude -90 to 90")))
    return problems
