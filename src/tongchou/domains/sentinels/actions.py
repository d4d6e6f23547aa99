"""Changing the matrix and taking in reports. A report is never overwritten: a correction is a later row with its reason."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from hashlib import sha256
from itertools import groupby
from typing import Any

from tongchou.core.audit.acting import action, record
from tongchou.core.errors import FieldProblem, Invalid, Stale
from tongchou.core.people.models import Post
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.wording import T
from tongchou.domains.sentinels import rules
from tongchou.domains.sentinels.models import Catchment, Observation, Sentinel, Stream
from tongchou.domains.sentinels.queries import zone_of_town
from tongchou.domains.sentinels.reports import Judged, Report, judge

_OBSERVATION_BATCH = 2_000


@action("sentinel.write", place=lambda given: given["place"].path)
def add_sentinel(
    *,
    code: str,
    kind: str,
    setting: str,
    name: T,
    place: Place,
    catchment: Mapping[Place, float],
    operator: T,
    schedule: Mapping[str, object],
    valid_from: date,
    contact_post: Post | None = None,
    contact: str = "",
    state: str = "planned",
    is_generated: bool = False,
    by: Actor,
    at: datetime,
) -> Sentinel:
    """Put a sentinel into the matrix. Raises Invalid for a taken code, an unknown kind, a share outside 0–1 or a wrong schedule."""
    problems = _sentinel_problems(name, catchment, schedule)
    if not code.strip() or Sentinel.objects.filter(code=code).exists():
        problems.append(FieldProblem("code", T(f"编号“{code}”为空或已被使用", f"Code '{code}' is empty or taken")))
    if kind not in Sentinel.KINDS:
        problems.append(FieldProblem("kind", T(f"没有“{kind}”这类哨点", f"There is no kind '{kind}'")))
    if state not in ("planned", "live"):
        problems.append(FieldProblem("state", T("新哨点只能是拟设或启用", "A new sentinel is planned or live")))
    if problems:
        raise Invalid(problems)
    row = Sentinel.objects.create(
        code=code, kind=kind, setting=setting, name_zh=name.zh, name_en=name.en or name.zh, place=place, operator_zh=operator.zh,
        operator_en=operator.en or operator.zh, contact_post=contact_post, contact=contact, schedule=dict(schedule), state=state,
        is_generated=is_generated, valid_from=valid_from,
    )  # fmt: skip
    _keep_catchment(row, catchment)
    shares = {p.code: share for p, share in catchment.items()}
    record("sentinel.add", row, detail={"code": code, "kind": kind, "setting": setting, "catchment": shares})
    return row


@action("sentinel.write", on=Sentinel)
def edit_sentinel(
    sentinel: Sentinel,
    *,
    name: T,
    catchment: Mapping[Place, float],
    operator: T,
    schedule: Mapping[str, object],
    contact_post: Post | None = None,
    contact: str = "",
    reason: str,
    by: Actor,
    at: datetime,
) -> Sentinel:
    """Change what is written about a sentinel, with the reason. Its code, kind and place stay: those make it another sentinel."""
    problems = _sentinel_problems(name, catchment, schedule) + _reason_problems(reason)
    if problems:
        raise Invalid(problems)
    before = {c.place.code: c.share for c in sentinel.catchments.select_related("place")}
    after = {p.code: share for p, share in catchment.items()}
    detail = {"before": {"name": sentinel.name_zh, "schedule": sentinel.schedule, "catchment": before}, "catchment": after}
    sentinel.name_zh, sentinel.name_en = name.zh, name.en or name.zh
    sentinel.operator_zh, sentinel.operator_en = operator.zh, operator.en or operator.zh
    sentinel.schedule, sentinel.contact_post, sentinel.contact = dict(schedule), contact_post, contact
    sentinel.save()
    _keep_catchment(sentinel, catchment)
    record("sentinel.edit", sentinel, reason=reason.strip(), detail={**detail, "name": name.zh, "schedule": dict(schedule)})
    return sentinel


@action("sentinel.write", on=Sentinel)
def change_sentinel_state(sentinel: Sentinel, *, state: str, reason: str, by: Actor, at: datetime) -> Sentinel:
    """Open, suspend or close a sentinel, with the reason. Raises Stale when its present state does not lead there."""
    if problems := _reason_problems(reason):
        raise Invalid(problems)
    if state not in rules.STATE_CHANGES[sentinel.state]:
        now, then = rules.STATE_NAMES[sentinel.state], rules.STATE_NAMES.get(state, T(state, state))
        raise Stale(
            T(f"哨点 {sentinel.code} 现为“{now.zh}”，不能改为“{then.zh}”。", f"Sentinel {sentinel.code} is {now.en} and cannot become {then.en}."),
            T("请刷新页面后再试。", "Reload the page and try again."),
        )  # fmt: skip
    before, sentinel.state = sentinel.state, state
    sentinel.save(update_fields=["state"])
    record("sentinel.state", sentinel, reason=reason.strip(), detail={"before": before, "after": state})
    return sentinel


@action("sentinel.write", on=Sentinel)
def add_stream(
    sentinel: Sentinel, *, code: str, kind: str, indicator: T, unit: T, value_kind: str, by: Actor, at: datetime, **more: Any
) -> Stream:
    """Let a sentinel report one more indicator; `more` are further fields of `Stream`. Raises Invalid for a taken code."""
    if not code.strip() or Stream.objects.filter(code=code).exists():
        raise Invalid([FieldProblem("code", T(f"编号“{code}”为空或已被使用", f"Code '{code}' is empty or taken"))])
    row = Stream.objects.create(
        sentinel=sentinel, code=code, kind=kind, indicator_zh=indicator.zh, indicator_en=indicator.en, unit_zh=unit.zh, unit_en=unit.en,
        value_kind=value_kind, **more,
    )  # fmt: skip
    record("stream.add", row, detail={"code": code, "sentinel": sentinel.code, "kind": kind})
    return row


@action("stream.report", on=Sentinel)
def report_day(sentinel: Sentinel, *, reports: Sequence[Report], source: str = "form", by: Actor, at: datetime) -> list[Judged]:
    """Keep what one sentinel reports. Saying the same again changes nothing. Raises Invalid naming every wrong field; then nothing is kept."""
    streams = {s.code: s for s in Stream.objects.filter(sentinel=sentinel).select_related("sentinel__place")}
    return _take_in(reports, streams, source, by, at)


@action("stream.report")
def report_observations(*, reports: Sequence[Report], source: str, by: Actor, at: datetime) -> list[Judged]:
    """Keep a batch of reports of many sentinels: all of it, or, with every wrong row named (Invalid), none. The same again changes nothing."""
    codes = {report.stream for report in reports}
    owners = Stream.objects.filter(code__in=codes).values_list("sentinel_id", flat=True)
    # Locked in one order: two batches about the same sentinels wait for each other and see each other's values.
    list(Sentinel.objects.select_for_update().filter(pk__in=list(owners)).order_by("pk").values_list("pk"))
    streams = {s.code: s for s in Stream.objects.filter(code__in=codes).select_related("sentinel__place")}
    return _take_in(reports, streams, source, by, at)


def _take_in(reports: Sequence[Report], streams: Mapping[str, Stream], source: str, by: Actor, at: datetime) -> list[Judged]:
    judged, problems = judge(reports, streams, by, at, zone_of_town())
    if not reports:
        problems.append(FieldProblem("rows", T("没有任何数据，请至少填一项", "Nothing reported; give at least one value")))
    if problems:
        raise Invalid(problems)
    kept = {(found.stream.pk, found.day): found for found in judged if found.outcome != "same"}
    rows = [
        Observation(stream=f.stream, day=f.day, reported_at=at, value=f.value, by_id=by.user_id, source=source, reason=f.reason)
        for f in kept.values()
    ]
    saved = Observation.objects.bulk_create(rows, batch_size=_OBSERVATION_BATCH)
    _record_reports(judged, saved, source)
    return judged


def _record_reports(judged: Sequence[Judged], saved: Sequence[Observation], source: str) -> None:
    """One entry per sentinel with counts and a digest of what it said; about the first kept value, or the sentinel if all was known."""
    first_kept: dict[int, Observation] = {}
    for row in saved:
        first_kept.setdefault(row.stream.sentinel_id, row)
    for owner, group in groupby(sorted(judged, key=lambda j: j.stream.sentinel_id), key=lambda j: j.stream.sentinel_id):
        rows = list(group)
        said = "\n".join(f"{j.stream.code},{j.day},{j.value!r}" for j in rows)
        counts = {name: sum(j.outcome == name for j in rows) for name in ("new", "corrected", "same")}
        days = sorted({j.day for j in rows})
        record(
            "observation.report",
            first_kept.get(owner, rows[0].stream.sentinel),
            reason="；".join(dict.fromkeys(j.reason for j in rows if j.reason))[:300],
            detail={
                "sentinel": rows[0].stream.sentinel.code, "source": source, "first_day": days[0], "last_day": days[-1],
                "sha256": sha256(said.encode()).hexdigest(), **counts,
            },
        )  # fmt: skip


def _keep_catchment(sentinel: Sentinel, catchment: Mapping[Place, float]) -> None:
    sentinel.catchments.exclude(place__in=list(catchment)).delete()
    for place, share in catchment.items():
        Catchment.objects.update_or_create(sentinel=sentinel, place=place, defaults={"share": share})


def _reason_problems(reason: str) -> list[FieldProblem]:
    return [] if reason.strip() else [FieldProblem("reason", T("请写明原因", "Give the reason"))]


def _sentinel_problems(name: T, catchment: Mapping[Place, float], schedule: Mapping[str, object]) -> list[FieldProblem]:
    problems = []
    if not name.zh.strip():
        problems.append(FieldProblem("name", T("请填写名称", "Give the name")))
    if not catchment or any(not 0 < share <= 1 for share in catchment.values()):
        problems.append(FieldProblem("catchment", T("每个覆盖比例须大于 0、不超过 1", "Every share must be above 0 and at most 1")))
    try:
        rules.schedule_of(schedule)
    except ValueError:
        problems.append(
            FieldProblem("schedule", T("上报日须为周一至周日（1–7），时间如 18:00", "Days are 1–7 (Monday = 1), time like 18:00"))
        )
    return problems
