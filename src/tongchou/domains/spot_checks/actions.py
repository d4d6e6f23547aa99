"""Checks planned, announced, drawn, closed or given up."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps

from tongchou.core.audit.acting import action
from tongchou.core.casework.life import Opening, advance, open_dossiers
from tongchou.core.errors import FieldProblem, Invalid, Stale, in_words
from tongchou.core.people.models import Post
from tongchou.core.people.rules import Actor, system_actor
from tongchou.core.places.models import Place
from tongchou.core.runs.actions import keep_run
from tongchou.core.runs.models import Run
from tongchou.core.wording import T
from tongchou.domains.spot_checks.framing import FrameMade, pack, place_of, science_frame, unpack
from tongchou.domains.spot_checks.models import FrameFile, SpotCheck, Stratum, Unit
from tongchou.domains.spot_checks.queries import design_of, open_units, outcome_now
from tongchou.domains.spot_checks.rules import KINDS, POOL_SIZES, SPOT_CHECK
from tongchou.science import design_digest, draw_sample, frame_digest, seed_commitment

BEACON_WITHIN = timedelta(days=7)
VERSION = "1"
_BATCH, _BEACON = 400, 200
_MACHINE = system_actor("spot_checks")


@dataclass(frozen=True, slots=True)
class Part:
    """One stratum as it is planned: how many to draw and to hold in reserve, and the place it belongs to."""

    name: str
    place: Place
    size: int
    reserve: int


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """What is planned. `wanted_prevalence`: the share to be found; `wanted_chance`: how surely, None where a number was asked for."""

    title: T
    place: Place
    kind: str
    by_risk: bool
    pool_size: int
    wanted_prevalence: float
    wanted_chance: float | None
    sensitivity: float
    rest_days: int = 0


@action("spot_check.run", place=lambda given: given["spec"].place.path)
def plan_check(
    *, spec: CheckSpec, frame: FrameMade, parts: Sequence[Part], secret: str, owner: Post | None = None, by: Actor, at: datetime
) -> SpotCheck:
    """Plan a check over a frame. `secret`: the office's half of the seed, 16 signs or more that nobody can guess. Raises Invalid."""
    problems = _spec_problems(spec) + _part_problems(frame, parts)
    if problems:
        raise Invalid(problems)
    size = sum(part.size for part in parts)
    detail: dict[str, object] = {"kind": spec.kind, "size": size, "people": sum(frame.people.values()), "resting": frame.resting}
    (dossier,) = open_dossiers(SPOT_CHECK, [Opening(spec.title, spec.place, owner, detail=detail)], by=by, at=at)
    names = ("kind", "by_risk", "pool_size", "wanted_prevalence", "wanted_chance", "sensitivity", "rest_days")
    check = SpotCheck.objects.create(
        dossier=dossier, secret=secret, secret_digest=seed_commitment(secret), resting=frame.resting, **{n: getattr(spec, n) for n in names}
    )
    units = frame.units()
    Stratum.objects.bulk_create(
        [
            Stratum(check_of=check, name=p.name, place=p.place, people=frame.people[p.name], units=units[p.name], size=p.size, reserve=p.reserve)
            for p in parts
        ],
        batch_size=_BATCH,
    )  # fmt: skip
    FrameFile.objects.create(check_of=check, content=pack(frame))
    return check


@action("spot_check.run", on=SpotCheck)
def announce_check(check: SpotCheck, *, beacon: str, beacon_at: datetime, by: Actor, at: datetime) -> SpotCheck:
    """Publish the three digests, and name the public value of a later hour that will be the other half of the seed. Raises Invalid."""
    problems = []
    if not 4 <= len(beacon.strip()) <= _BEACON:
        said = T("请写明用哪一个公开数（谁公布、哪一期），4至200字。", "Name the public value (whose, of which day), 4 to 200 signs.")
        problems.append(FieldProblem("beacon", said))
    if not at < beacon_at <= at + BEACON_WITHIN:
        said = T("公开数的公布时间应在现在之后、七天之内。", "The public value must come later than now and within seven days.")
        problems.append(FieldProblem("beacon_at", said))
    if problems:
        raise Invalid(problems)
    SPOT_CHECK.step("announce", check.dossier.state)
    check.frame_digest = frame_digest(science_frame(unpack(check.frame.content)))
    check.design_digest = design_digest(design_of(check))
    check.beacon, check.beacon_at, check.announced_at = beacon.strip(), beacon_at, at
    check.save(update_fields=["frame_digest", "design_digest", "beacon", "beacon_at", "announced_at"])
    digests = {"frame": check.frame_digest, "design": check.design_digest, "secret": check.secret_digest}
    advance(check.dossier, SPOT_CHECK, "announce", at=at, detail={**digests, "beacon": check.beacon})
    return check


@action("spot_check.run", on=SpotCheck)
def draw_check(check: SpotCheck, *, beacon_value: str, by: Actor, at: datetime) -> SpotCheck:
    """Draw, once the public value is known. Raises Invalid for no value, Stale before its hour."""
    value = beacon_value.strip()
    if not 1 <= len(value) <= _BEACON:
        raise Invalid([FieldProblem("beacon_value", T("请照公布的样子填写公开数。", "Write the public value as it was published."))])
    SPOT_CHECK.step("draw", check.dossier.state)
    if check.beacon_at is None or at < check.beacon_at:
        raise Stale(T("公开数的公布时间还没到。", "The hour of the public value has not come yet."), T("到时再抽。", "Draw then."))
    check.beacon_value, check.drawn_at = value, at
    kept, design = unpack(check.frame.content), design_of(check)
    frame = science_frame(kept)
    if (frame_digest(frame), design_digest(design)) != (check.frame_digest, check.design_digest):
        raise RuntimeError(f"{check.dossier.number}: frame or design is not the announced one; restore the database from a backup")
    found = draw_sample(frame, design, check.seed)
    check.save(update_fields=["beacon_value", "drawn_at"])
    strata = {s.name: s for s in check.strata.select_related("place")}
    certain = set(found.certain)
    subjects = _subjects(check.kind, [kept.subjects[place_of(u.unit)] for u in found.units])
    rows = []
    for one in found.units:
        where = place_of(one.unit)
        stratum = strata[one.stratum]
        told = subjects.get(kept.subjects[where]) or {"place_id": stratum.place_id, "lot": str(kept.subjects[where])}
        rows.append(
            Unit(
                check_of=check, stratum=stratum, code=one.unit, is_reserve=one.is_reserve, order=one.order, chance=one.probability, share=kept.share[where],
                is_certain=one.unit in certain, state="reserve" if one.is_reserve else "waiting", **told,
            )
        )  # fmt: skip
    Unit.objects.bulk_create(rows, batch_size=_BATCH)
    drawn = sum(not u.is_reserve for u in found.units)
    advance(check.dossier, SPOT_CHECK, "draw", at=at, detail={"beacon_value": value, "drawn": drawn, "reserve": len(rows) - drawn})
    _keep(check, "draw_sample", {"design": check.design_digest}, {"drawn": drawn}, at)
    return check


def _subjects(kind: str, wanted: Sequence[int | str]) -> dict[int | str, dict[str, Any]]:
    """Subject → columns of its unit. Who has left the register meanwhile is not among them."""
    if kind == "goods":
        return {}
    model = apps.get_model("registry", "Resident" if kind == "people" else "Venue")
    found: dict[int | str, dict[str, Any]] = {}
    for start in range(0, len(wanted), _BATCH):
        rows = model._default_manager.filter(pk__in=wanted[start : start + _BATCH])
        if kind == "people":
            found |= {
                pk: {"person_id": pk, "place_id": at, "household_id": home}
                for pk, at, home in rows.values_list("pk", "place_id", "household_id")
            }
        else:
            found |= {pk: {"venue_id": pk, "place_id": at} for pk, at in rows.values_list("pk", "place_id")}
    return found  # fmt: skip


@action("spot_check.run", on=SpotCheck)
def close_check(check: SpotCheck, *, by: Actor, at: datetime) -> SpotCheck:
    """Close a check in which every unit has its result or its reason, and keep what it says. Raises Invalid naming how many have neither."""
    SPOT_CHECK.step("close", check.dossier.state)
    if left := open_units(check).count():
        said = T(
            f"还有 {left} 个样本没有结果也没有原因，请补录或写明未采。",
            f"{left} units have neither a result nor a reason: enter them, or say why they were not taken.",
        )
        raise Invalid([FieldProblem("units", said)])
    outcome = outcome_now(check)
    check.outcome = asdict(outcome)
    check.save(update_fields=["outcome"])
    advance(check.dossier, SPOT_CHECK, "close", at=at, detail={n: getattr(outcome, n) for n in ("drawn", "answered", "tested", "positive")})
    _keep(check, "prevalence", {"sensitivity": check.sensitivity, "wanted_prevalence": check.wanted_prevalence}, check.outcome, at)
    return check


@action("spot_check.run", on=SpotCheck)
def cancel_check(check: SpotCheck, *, reason: str, by: Actor, at: datetime) -> SpotCheck:
    """Give a check up, with the reason; what was announced and drawn stays published."""
    advance(check.dossier, SPOT_CHECK, "cancel", at=at, reason=in_words("reason", reason))
    return check


def _keep(check: SpotCheck, function: str, parameters: Mapping[str, object], result: Mapping[str, object], at: datetime) -> None:
    run = Run(
        function=f"tongchou.science.{function}", version=VERSION, parameters=dict(parameters), seed=check.dossier.number,
        input_digest=check.frame_digest, as_known_at=at, recorded_at=at, result=dict(result),
    )  # fmt: skip
    keep_run(run=run, entry="spot_check.compute", place_path=check.place_path, by=_MACHINE, at=at)


def _spec_problems(spec: CheckSpec) -> list[FieldProblem]:
    problems = [] if 1 <= len(spec.title.zh.strip()) <= 200 else [FieldProblem("title", T("请填写名称。", "Give it a name."))]
    if spec.kind not in KINDS:
        problems.append(FieldProblem("kind", T("没有这类抽检。", "There is no such kind of check.")))
    if spec.pool_size not in POOL_SIZES:
        problems.append(FieldProblem("pool_size", T("混采规格为1、5、10或20。", "A pool holds 1, 5, 10 or 20.")))
    if not 0.00001 <= spec.wanted_prevalence <= 0.5:
        problems.append(FieldProblem("prevalence", T("要发现的阳性率应为 0.001% 至 50%。", "The share to be found is 0.001 % to 50 %.")))
    return problems


def _part_problems(frame: FrameMade, parts: Sequence[Part]) -> list[FieldProblem]:
    units = frame.units()
    if not units or {p.name for p in parts} != set(units) or len(parts) != len(units):
        return [FieldProblem("strata", T("每一层要有，且只有一个抽样数。", "Each stratum of the frame needs one size, and no other."))]
    return [
        FieldProblem(f"strata.{p.name}", T(f"这一层只有 {units[p.name]} 个单元", f"this stratum has {units[p.name]} units"))
        for p in parts
        if p.size < 1 or p.reserve < 0 or p.size + p.reserve > units[p.name]
    ]
