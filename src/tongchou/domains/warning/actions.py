"""Everything that changes what the watch has said: keep a morning, propose, renew, acknowledge, confirm, dismiss, judge."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from tongchou.core.audit.acting import action, record
from tongchou.core.casework.life import Opening, advance, open_dossiers
from tongchou.core.errors import FieldProblem, Invalid, Stale
from tongchou.core.outbox.queue import Telling, notify
from tongchou.core.parameters.queries import values_on
from tongchou.core.people.models import Post
from tongchou.core.people.queries import holders_at
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.runs.models import Run
from tongchou.core.wording import T
from tongchou.domains.warning.models import Alarm, AlarmShare, AlarmVerdict, PlaceEvidence, Signal
from tongchou.domains.warning.queries import known_alarms, raw_grades
from tongchou.domains.warning.rules import ACKNOWLEDGE, ALARM, DECIDE, GRADES, alarm_title, clocks_of, grade_to_show, next_move, rank

_BATCH = 500
_SIGNAL_FIELDS = (
    "as_known_at", "observed_on", "observed", "expected", "lower", "upper", "statistic", "threshold", "p", "basis", "pooled", "method", "version", "run",
)  # fmt: skip
_EVIDENCE_FIELDS = ("as_known_at", "log_evidence", "threshold", "probability", "grade", "run")


@dataclass(frozen=True, slots=True)
class Share:
    """One kind of stream in a finding; `stream_id` is its loudest stream where the rise is."""

    kind: str
    stream_id: int | None
    share: float
    statistic: float
    threshold: float | None


@dataclass(frozen=True, slots=True)
class Finding:
    """A rise above the threshold: where, of what, how bad, how sure, how fast, carried by which streams, and what comes next."""

    place: Place
    area: Place
    target: str
    target_name: T
    day: date
    as_known_at: datetime
    grade: str
    raised_by: str
    log_evidence: float
    threshold: float
    probability: float
    prior_onsets_per_year: float
    growth_per_day: float | None
    growth_low: float | None
    growth_high: float | None
    expected: tuple[dict[str, Any], ...]
    shares: tuple[Share, ...]
    run: Run
    places: tuple[dict[str, Any], ...] = ()
    is_exercise: bool = False


@action("alarm.propose")
def keep_morning(*, area: Place, run: Run, signals: Sequence[Signal], evidence: Sequence[PlaceEvidence], by: Actor, at: datetime) -> Run:
    """Keep what one morning said about one area: the run, a signal per stream, the evidence per place. A later reading replaces the day's."""
    run.save()
    for signal in signals:
        signal.run = run
    for row in evidence:
        row.run = run
    Signal.objects.bulk_create(
        signals, batch_size=_BATCH, update_conflicts=True, unique_fields=["stream", "day"], update_fields=_SIGNAL_FIELDS
    )
    PlaceEvidence.objects.bulk_create(
        evidence, batch_size=_BATCH, update_conflicts=True, unique_fields=["place", "target", "day"], update_fields=_EVIDENCE_FIELDS
    )
    detail = {"run": run.pk, "input": run.input_digest, "signals": len(signals), "places": len(evidence)}
    record("watch.screen", run, place_path=area.path, detail=detail)
    return run


@action("alarm.propose")
def propose_alarm(*, finding: Finding, repeat_days: int, by: Actor, at: datetime) -> Alarm:
    """Open an alarm at the duty post of its place, start its clocks and tell the person on duty. Raises Stale when this rise already has one."""
    # The area's row is the lock under which "not twice" is decided.
    area = Place.objects.select_for_update().get(pk=finding.area.pk)
    move, known = next_move(
        known_alarms(area, finding.target, finding.day),
        place_path=finding.place.path,
        target=finding.target,
        grade=finding.grade,
        day=finding.day,
        repeat_days=repeat_days,
    )
    if move != "propose":
        number = Alarm.objects.select_related("dossier").get(pk=known.alarm_id).dossier.number if known else ""
        raise Stale(T(f"这次上升已有预警 {number}。", f"This rise already has alarm {number}."))
    post = _duty_post(finding.place)
    opening = Opening(
        title=alarm_title(finding.target_name, finding.place.name),
        place=finding.place,
        owner_post=post,
        grade=finding.grade,
        is_exercise=finding.is_exercise,
        clocks=clocks_of(finding.grade, ALARM.start, _limits(finding.place, at)),
        detail={"grade": finding.grade, "run": finding.run.pk, "log_evidence": round(finding.log_evidence, 3), "day": finding.day},
    )
    dossier = open_dossiers(ALARM, [opening], by=by, at=at)[0]
    alarm = Alarm.objects.create(
        dossier=dossier,
        area=finding.area,
        target=finding.target,
        target_zh=finding.target_name.zh,
        target_en=finding.target_name.en,
        day=finding.day,
        last_seen_on=finding.day,
        **_measures(finding),
    )
    _keep_shares(alarm, finding)
    _tell(alarm, post, T(f"新预警 {dossier.number}：{dossier.title_zh}", f"New alarm {dossier.number}: {dossier.title_en}"), at)
    return alarm


@action("alarm.propose", on=Alarm)
def renew_alarm(alarm: Alarm, *, finding: Finding, fall_after: int, by: Actor, at: datetime) -> Alarm:
    """The same rise seen again: newest evidence, last day seen; a worse grade at once, with fresh clocks; a lesser one after `fall_after` mornings."""
    if finding.day < alarm.last_seen_on:
        raise Stale(T("已有更新的研判。", "A later morning has already been read."))
    dossier, before = alarm.dossier, alarm.dossier.grade
    mornings = raw_grades(alarm, finding.day) or [before]
    grade = grade_to_show([*mornings, finding.grade], fall_after)
    if grade == before:
        record("alarm.seen", dossier, detail={"day": finding.day, "run": finding.run.pk, "log_evidence": round(finding.log_evidence, 3)})
    else:
        dossier.grade = grade
        dossier.save(update_fields=["grade"])
        _tell_of_grade(alarm, {"before": before, "grade": grade, "run": finding.run.pk}, at)
    alarm.last_seen_on = finding.day
    for name, value in _measures(finding).items():
        setattr(alarm, name, value)
    alarm.save()
    _keep_shares(alarm, finding)
    return alarm


def _tell_of_grade(alarm: Alarm, change: dict[str, object], at: datetime) -> None:
    """A worse grade starts the clocks anew and is told; a lesser one is only recorded: whoever had little time keeps it."""
    dossier = alarm.dossier
    if rank(dossier.grade) < rank(str(change["before"])):
        record("alarm.downgrade", dossier, detail=change)
        return
    if dossier.closed_at is None:
        clocks = clocks_of(dossier.grade, dossier.state, _limits(dossier.place, at))
        advance(dossier, ALARM, "upgrade", at=at, detail=change, clocks=clocks)
    else:
        record("alarm.upgrade", dossier, detail=change)
    told = T(f"预警 {dossier.number} 升级：{dossier.title_zh}", f"Alarm {dossier.number} upgraded: {dossier.title_en}")
    _tell(alarm, dossier.owner_post, told, at)


@action("alarm.acknowledge", on=Alarm)
def acknowledge_alarm(alarm: Alarm, *, by: Actor, at: datetime, reason: str = "") -> Alarm:
    """Say that somebody is looking at it; stops the first clock. Raises Stale when another was first."""
    advance(alarm.dossier, ALARM, "acknowledge", at=at, reason=reason.strip())
    return alarm


@action("alarm.confirm", on=Alarm)
def confirm_alarm(alarm: Alarm, *, reason: str, by: Actor, at: datetime) -> Alarm:
    """Decide that the alarm is real; its verdict is "true" until an incident's end says otherwise. Raises Stale, Invalid without a reason."""
    return _decide(alarm, "confirm", "true", reason, at)


@action("alarm.dismiss", on=Alarm)
def dismiss_alarm(alarm: Alarm, *, reason: str, verdict: str = "false", by: Actor, at: datetime) -> Alarm:
    """Decide that it is none (verdict "false"), or that nothing can be found out ("unclear"). Raises Stale, Invalid without a reason."""
    if verdict not in ("false", "unclear"):
        raise Invalid([FieldProblem("verdict", T("排除时结论应为误报或不明。", "A dismissed alarm is false or unclear."))])
    return _decide(alarm, "dismiss", verdict, reason, at)


@action("alarm.confirm", on=Alarm)
def give_verdict(alarm: Alarm, *, verdict: str, reason: str, by: Actor, at: datetime) -> Alarm:
    """The last word on a decided alarm, for instance when its incident closes. Raises Stale before the decision."""
    if alarm.dossier.closed_at is None:
        raise Stale(T("请先确认或排除这条预警。", "Confirm or dismiss this alarm first."))
    if verdict not in ("true", "false", "unclear"):
        raise Invalid([FieldProblem("verdict", T("结论应为属实、误报或不明。", "The verdict is true, false or unclear."))])
    _require(reason)
    before, alarm.verdict, alarm.verdict_reason = alarm.verdict, verdict, reason.strip()
    alarm.save(update_fields=["verdict", "verdict_reason"])
    _log_verdict(alarm, at)
    record("alarm.verdict", alarm.dossier, reason=reason.strip(), detail={"before": before, "verdict": verdict})
    return alarm


def _decide(alarm: Alarm, step: str, verdict: str, reason: str, at: datetime) -> Alarm:
    _require(reason)
    advance(alarm.dossier, ALARM, step, at=at, reason=reason.strip(), detail={"verdict": verdict})
    alarm.verdict, alarm.verdict_reason, alarm.decided_on = verdict, reason.strip(), at.date()
    alarm.save(update_fields=["verdict", "verdict_reason", "decided_on"])
    _log_verdict(alarm, at)
    return alarm


def _log_verdict(alarm: Alarm, at: datetime) -> None:
    """Keep the verdict beside those before it. The alarm may still grow; what it was first judged as stays."""
    first = AlarmVerdict.objects.filter(alarm=alarm).first()
    grade, shares = (
        (first.grade, first.shares) if first else (alarm.dossier.grade or GRADES[0], {s.kind: s.share for s in alarm.shares.all()})
    )
    AlarmVerdict.objects.create(alarm=alarm, at=at, verdict=alarm.verdict, grade=grade, shares=shares)


def _require(reason: str) -> None:
    if len(reason.strip()) < 2:
        raise Invalid([FieldProblem("reason", T("请写明理由。", "Give the reason."))])


def _measures(finding: Finding) -> dict[str, Any]:
    return {
        "as_known_at": finding.as_known_at,
        "raised_by": finding.raised_by,
        "log_evidence": finding.log_evidence,
        "threshold": finding.threshold,
        "probability": finding.probability,
        "prior_onsets_per_year": finding.prior_onsets_per_year,
        "growth_per_day": finding.growth_per_day,
        "growth_low": finding.growth_low,
        "growth_high": finding.growth_high,
        "expected": list(finding.expected),
        "places": list(finding.places),
        "run": finding.run,
    }


def _keep_shares(alarm: Alarm, finding: Finding) -> None:
    AlarmShare.objects.filter(alarm=alarm).delete()
    AlarmShare.objects.bulk_create(
        AlarmShare(alarm=alarm, kind=s.kind, stream_id=s.stream_id, share=s.share, statistic=s.statistic, threshold=s.threshold)
        for s in finding.shares
    )


def _limits(place: Place, at: datetime) -> dict[str, Any]:
    found = values_on([ACKNOWLEDGE, DECIDE], at.date(), place.path)
    missing = [key for key in (ACKNOWLEDGE, DECIDE) if key not in found]
    if missing:
        raise Invalid(
            [FieldProblem(key, T("参数没有取值，请在“参数”页补录。", "This parameter has no value; enter one on the Parameters page.")) for key in missing]
        )  # fmt: skip
    return {key: value.value for key, value in found.items()}


def _duty_post(place: Place) -> Post | None:
    """The duty officer's post of the place, or of the nearest place above it."""
    codes = [code for code in place.path.split("/") if code]
    posts = Post.objects.filter(kind="duty_officer", place__code__in=codes).select_related("place", "reports_to")
    return max((p for p in posts if place.path.startswith(p.place.path)), key=lambda p: (len(p.place.path), -p.pk), default=None)


def _tell(alarm: Alarm, post: Post | None, text: T, at: datetime) -> None:
    """A notice to whoever is on duty in the post and in the one above it."""
    if post is None:
        return
    posts = [p for p in (post, post.reports_to) if p is not None]
    users = {user.pk: user for user in holders_at(posts, at).values()}
    notify([Telling(user, text, alarm.dossier) for user in users.values()], at=at, is_exercise=alarm.dossier.is_exercise)
