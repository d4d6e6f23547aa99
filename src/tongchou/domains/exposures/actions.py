"""Asking who was exposed, only with cause: one person asks, another decides, each answer is a version that says what changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.apps import apps

from tongchou.core.audit.acting import action, record, record_access
from tongchou.core.casework.life import Opening, advance, assign, open_dossiers
from tongchou.core.casework.models import Dossier
from tongchou.core.casework.two_people import basis_problems, basis_words, incident_problems, nearest_post, require_another
from tongchou.core.errors import FieldProblem, Invalid, Stale, Unseen, in_words
from tongchou.core.importing.bulk import insert_columns
from tongchou.core.parameters.queries import value
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.wording import T
from tongchou.domains.exposures.models import Exposed, ExposureList, ExposureRequest, VenueNotice
from tongchou.domains.exposures.queries import made_from
from tongchou.domains.exposures.rules import BASES, EXPOSURE, EXPOSURE_DAYS, EXPOSURE_MINUTES, Window, changes, window_problems

_LINE = ("holder", "venue_id", "change", "generation", "first_at", "minutes", "meetings")
SEEN = ("presence",)  # what is read of each person listed: that they were there


@dataclass(frozen=True, slots=True)
class Found:
    """One person exposed: pass number, venue (register's row) where first, when, overlap in minutes, how many overlaps."""

    holder: int
    venue: int | None
    generation: int
    first_at: datetime
    minutes: int
    meetings: int


@action("exposure.ask", on=Dossier)
def ask_exposed(
    case: Dossier,
    *,
    incident: Dossier,
    basis: str,
    purpose: str,
    window: Window,
    minutes: int | None = None,
    generations: int = 1,
    by: Actor,
    at: datetime,
) -> ExposureRequest:
    """Ask for everyone whose stay overlapped a confirmed case's at the same venue. Somebody else must approve before anything is read.

    Raises Invalid when the case is not confirmed, the incident is over or elsewhere, the basis is not in force, or the window is too long.
    """
    least = int(value(EXPOSURE_MINUTES, on=at.date(), place_path=case.place_path).value)
    problems = [*_objections(case, incident, basis, at), *_misasked(case, purpose, window, minutes or least, least, generations, at)]
    if problems or by.user_id is None:
        raise Invalid([*problems, *([] if by.user_id else [FieldProblem("by", T("须由本人提出。", "A person must ask."))])])
    named = basis_words(BASES, basis, case.place_path, at)
    (head,) = open_dossiers(
        EXPOSURE,
        [
            Opening(
                T(f"同时段人员查询：{case.number}", f"People exposed to {case.number}"),
                case.place,
                nearest_post("duty_leader", case.place),
                is_exercise=case.is_exercise,
                caused_by=case,
                part_of=incident,
                reason=purpose.strip(),
                detail={"case": case.number, "incident": incident.number, "basis": basis},
            )
        ],
        by=by,
        at=at,
    )
    return ExposureRequest.objects.create(
        dossier=head,
        case=case,
        incident=incident,
        basis=basis,
        basis_zh=named.zh,
        basis_en=named.en,
        purpose=purpose.strip()[:300],
        from_at=window.from_at,
        to_at=window.to_at,
        minutes=minutes or least,
        generations=generations,
        asked_by_id=by.user_id,
    )


def _misasked(case: Dossier, purpose: str, window: Window, minutes: int, least: int, generations: int, at: datetime) -> list[FieldProblem]:
    """What is wrong with the question itself."""
    most_days = int(value(EXPOSURE_DAYS, on=at.date(), place_path=case.place_path).value)
    problems = [FieldProblem(f, said) for f, said in window_problems(window, most_days, at)]
    if minutes < least:
        problems.append(FieldProblem("minutes", T(f"不得少于 {least} 分钟。", f"Not fewer than {least} minutes.")))
    if generations not in (1, 2):
        problems.append(FieldProblem("generations", T("只能查一代或两代。", "One or two generations.")))
    if len(purpose.strip()) < 4:
        problems.append(FieldProblem("purpose", T("请写明目的（至少四个字）。", "Say what for (at least four characters).")))
    return problems


def _objections(case: Dossier, incident: Dossier, basis: str, at: datetime) -> list[FieldProblem]:
    """Why there is no cause to look, if there is none."""
    is_confirmed = case.kind == "case" and case.state == "confirmed"
    found = [] if is_confirmed else [FieldProblem("case", T("只有确诊病例才能查询。", "Only for a confirmed case."))]
    return [*found, *incident_problems(incident, case.place_path), *basis_problems(BASES, basis, case.place_path, at)]


def _require_cause(request: ExposureRequest, at: datetime) -> None:
    if problems := _objections(request.case, request.incident, request.basis, at):
        raise Invalid(problems)


@action("exposure.approve", on=ExposureRequest)
def approve_request(request: ExposureRequest, *, answer: str = "", by: Actor, at: datetime) -> ExposureRequest:
    """Approve a request of somebody else, and hand it to whoever has the case; its cause is asked about again. Raises Invalid for one's own."""
    require_another(by, request.asked_by_id)
    _require_cause(request, at)
    done = _decide(request, "approve", answer, by, at)
    if request.case.owner_post is not None:
        assign(request.dossier, request.case.owner_post, at=at, why="handed_over", reason=request.answer)
    return done


@action("exposure.approve", on=ExposureRequest)
def refuse_request(request: ExposureRequest, *, answer: str, by: Actor, at: datetime) -> ExposureRequest:
    """Refuse a request of somebody else, and say why."""
    require_another(by, request.asked_by_id)
    return _decide(request, "refuse", in_words("answer", answer), by, at)


def _decide(request: ExposureRequest, step: str, answer: str, by: Actor, at: datetime) -> ExposureRequest:
    request.decided_by_id, request.answer = by.user_id, answer.strip()[:300]
    request.save(update_fields=["decided_by", "answer"])
    advance(request.dossier, EXPOSURE, step, at=at, reason=request.answer)
    return request


@action("exposure.ask", on=ExposureRequest)
def withdraw_request(request: ExposureRequest, *, reason: str, by: Actor, at: datetime) -> ExposureRequest:
    """Take one's request back before it is decided."""
    if by.user_id != request.asked_by_id:
        raise Unseen("exposure")
    advance(request.dossier, EXPOSURE, "withdraw", at=at, reason=in_words("reason", reason))
    return request


@action("exposure.ask", on=ExposureRequest)
def end_request(request: ExposureRequest, *, reason: str, by: Actor, at: datetime) -> ExposureRequest:
    """Say that no more lists are needed."""
    advance(request.dossier, EXPOSURE, "end", at=at, reason=in_words("reason", reason))
    return request


@action("exposure.ask", on=ExposureRequest)
def correct_window(request: ExposureRequest, *, window: Window, reason: str, by: Actor, at: datetime) -> ExposureRequest:
    """Correct the span of an approved request inside what was approved or beside it by no more time; the next list says what changed.

    Raises Invalid when it would span more time than was approved: that needs a new request.
    """
    if request.dossier.state not in ("requested", "approved"):
        raise Stale(T("查询已结束。", "The request has ended."))
    _require_cause(request, at)
    longest = request.to_at - request.from_at
    found = [FieldProblem(f, said) for f, said in window_problems(window, 366, at)]
    if window.to_at - window.from_at > longest:
        found.append(FieldProblem("to_at", T("比批准的时段长，请另提申请。", "Longer than was approved: ask anew.")))
    if found:
        raise Invalid(found)
    said = in_words("reason", reason)
    before = [request.from_at.isoformat(), request.to_at.isoformat()]
    request.from_at, request.to_at = window.from_at, window.to_at
    request.save(update_fields=["from_at", "to_at"])
    record(
        "exposure.correct",
        request.dossier,
        reason=said,
        detail={"old": before, "new": [window.from_at.isoformat(), window.to_at.isoformat()]},
    )
    return request


@action("exposure.ask", on=ExposureRequest)
def keep_list(
    request: ExposureRequest, *, found: Sequence[Found], case_version: int, reason: str = "", by: Actor, at: datetime
) -> ExposureList:
    """Keep the answer as the next version, with who is new and who is no longer on it; this reading is an Access.

    Raises Stale when the request is not approved, Invalid when its cause is gone.
    """
    if request.dossier.state != "approved":
        raise Stale(T("查询尚未批准或已结束。", "The request is not approved, or has ended."))
    _require_cause(request, at)
    last = ExposureList.objects.filter(request=request).first()
    before = {p.holder: p for p in last.people.exclude(change="removed")} if last else {}
    now = {f.holder: f for f in found}
    added, removed = changes(before, now)
    row = ExposureList.objects.create(
        request=request,
        version=last.version + 1 if last else 1,
        made_at=at,
        made_from=made_from(request, case_version),
        reason=reason.strip()[:300],
        added=len(added),
        removed=len(removed),
    )
    lines = [(f.holder, f.venue, "added" if f.holder in added else "kept", f.generation, f.first_at, f.minutes, f.meetings) for f in found]
    gone = [before[holder] for holder in sorted(removed)]
    lines += [(p.holder, p.venue_id, "removed", p.generation, p.first_at, 0, 0) for p in gone]
    if lines:
        columns = dict(zip(_LINE, zip(*lines, strict=True), strict=True))
        insert_columns(Exposed, {"of_id": [row.pk] * len(lines), **columns})
    record_access(request.dossier, fields=list(SEEN), purpose=request.purpose)
    record(
        "exposure.list",
        request.dossier,
        reason=row.reason,
        detail={"version": row.version, "listed": len(now), "added": len(added), "removed": len(removed)},
    )
    return row


@action("exposure.ask", on=ExposureList)
def see_people(of: ExposureList, *, purpose: str, by: Actor, at: datetime) -> list[int]:
    """Pass numbers of a version, to look their holders up: an Access. Raises Invalid when the cause is gone."""
    _require_cause(of.request, at)
    record_access(of.request.dossier, fields=["name", "phone"], purpose=purpose)
    return list(of.people.values_list("holder", flat=True))


@action("contact.follow", place=lambda given: given["place"].path)
def see_village_people(*, of: ExposureList, place: Place, by: Actor, at: datetime) -> None:
    """Read who of one's own village is on a version, to tell them: an Access. Raises Invalid when the cause is gone."""
    _require_cause(of.request, at)
    record_access(of.request.dossier, fields=["name", "phone"], purpose="逐人告知 telling those exposed")


@action("exposure.learn", place=lambda given: given["place"].path)
def tell_own_accesses(*, place: Place, holders: Sequence[int], by: Actor, at: datetime) -> list[ExposureRequest]:
    """The requests that touched a person, asked for by that person at the counter. Every asking is an entry, found or not.

    The entry says how many, never who: the rate at which somebody asks can be seen, and nothing can be learned from the log.
    """
    rows = list(
        ExposureRequest.objects.filter(lists__people__holder__in=list(holders))
        .select_related("dossier", "asked_by", "decided_by")
        .distinct()
    )
    record("exposure.learn", place, detail={"found": len(rows)})
    return rows


@action("exposure.approve", on=ExposureRequest)
def publish_venues(
    request: ExposureRequest, *, spans: Sequence[tuple[int, datetime, datetime]], until: date, by: Actor, at: datetime
) -> list[VenueNotice]:
    """Tell everybody of venues (register's row, from, to; whole hours) where no list can name all who were there. Those told already stay.

    Raises Stale when the request is not approved, Invalid without a span or for a housing compound, which would point at homes.
    """
    if request.dossier.state != "approved":
        raise Stale(T("查询尚未批准或已结束。", "The request is not approved, or has ended."))
    homes = apps.get_model("registry", "Venue").objects.filter(pk__in=[venue for venue, _, _ in spans], venue_class="compound")
    if not spans or homes.exists():
        raise Invalid([FieldProblem("venues", T("请选择场所；居住小区不公开。", "Choose venues; housing compounds are not published."))])
    known = set(VenueNotice.objects.filter(request=request, withdrawn_at=None).values_list("venue_id", "from_at"))
    rows = VenueNotice.objects.bulk_create(
        [
            VenueNotice(request=request, venue_id=venue, from_at=from_at, to_at=to_at, published_at=at, until=until)
            for venue, from_at, to_at in spans
            if (venue, from_at) not in known
        ],
    )
    record("exposure.publish", request.dossier, detail={"venues": sorted({venue for venue, _, _ in spans}), "until": until.isoformat()})
    return rows


@action("exposure.approve", on=VenueNotice)
def withdraw_notice(notice: VenueNotice, *, reason: str, by: Actor, at: datetime) -> VenueNotice:
    """Take a public notice down, and say why."""
    if notice.withdrawn_at is not None:
        raise Stale(T("这条告知已撤下。", "This notice is taken down already."))
    notice.withdrawn_at = at
    notice.save(update_fields=["withdrawn_at"])
    record("exposure.unpublish", notice.request.dossier, reason=in_words("reason", reason), detail={"venue": notice.venue_id})
    return notice
