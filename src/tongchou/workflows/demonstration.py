"""A demonstration town lives through its weeks, by the same actions as a real one and on the clock of those days.

1. Reports arrive in the order in which they became known, a few times a day.
2. Every day the town is screened; alarms are proposed, never more.
3. Officers decide on an alarm after a while: the story knows what was behind it, so a false one is dismissed.
4. Groups accept, prove and finish their tasks; those the story leaves undone go overdue and climb. Tracers investigate.
5. On the last two days people are tested (`demonstration_testing`), spot checks are drawn (`demonstration_spot_checks`), firms tell what hinders them
   (`demonstration_difficulties`), come back (`demonstration_resumption`), are visited (`demonstration_calls`) and learn what they
   are due (`demonstration_policies`); projects are supervised (`demonstration_projects`);
   for a month offices work on approvals (`demonstration_approvals`).
6. What happens in the last hours is left to the person who tries the town.
"""

import struct
import zlib
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import partial
from heapq import heappop, heappush
from itertools import count

import numpy as np
from django.db.models import Q

from tongchou.core.casework.models import Assignment
from tongchou.core.errors import FieldProblem, Invalid, Refusal
from tongchou.core.packs.contents import Pack, StorySpec
from tongchou.core.people.models import Post, User
from tongchou.core.people.queries import actor_for, holders_at, post_by_code
from tongchou.core.people.rules import Actor, system_actor
from tongchou.core.wording import T
from tongchou.domains.response.actions import close_incident, propose_closing, report_incident
from tongchou.domains.response.actions_tasks import accept_task, approve_task, cancel_task, finish_task, prove_task, start_task
from tongchou.domains.response.models import Incident, Task
from tongchou.domains.sentinels.actions import report_observations
from tongchou.domains.sentinels.generation import GeneratedObservations
from tongchou.domains.sentinels.models import Observation
from tongchou.domains.sentinels.reports import Report
from tongchou.domains.tracing.models import Case
from tongchou.domains.warning.actions import acknowledge_alarm, dismiss_alarm
from tongchou.domains.warning.models import Alarm
from tongchou.workflows.activation import confirm, escalate_overdue
from tongchou.workflows.demonstration_approvals import approval_days
from tongchou.workflows.demonstration_calls import calling_days
from tongchou.workflows.demonstration_difficulties import difficulty_days
from tongchou.workflows.demonstration_gate import enrol_doors, scan_at_doors
from tongchou.workflows.demonstration_policies import policy_days
from tongchou.workflows.demonstration_projects import project_days
from tongchou.workflows.demonstration_resumption import resumption_days
from tongchou.workflows.demonstration_spot_checks import spot_check_days
from tongchou.workflows.demonstration_testing import testing_days
from tongchou.workflows.demonstration_tracing import Tracers, investigate, release
from tongchou.workflows.early_warning import screen_morning
from tongchou.workflows.promise import keep_judgement

Progress = Callable[[float, T], None]

INTAKE_AT = (time(10, 30), time(18, 15), time(21, 30))
ESCALATION_EVERY = timedelta(hours=1)
RELEASED_AT, DOORS_AT = time(0, 20), time(9, 10)
ACKNOWLEDGED_AFTER, DECIDED_AFTER, REPORTED_AFTER = timedelta(minutes=12), timedelta(minutes=50), timedelta(minutes=80)
ACCEPTED_AFTER, FINISHED_AT_SHARE = timedelta(minutes=6), 0.7
SEEN_INFECTIONS, SEEN_DAYS = 5, 21  # this many in three weeks: whoever looks closely finds an outbreak
TRACED_AFTER = timedelta(minutes=90)
CLOSED_AFTER = timedelta(days=14, hours=2)
CHECKED = T("已逐户核实，未见关联病例", "checked on the spot; no linked cases found")


def live_through(
    pack: Pack, history: GeneratedObservations, *, from_at: datetime, to_at: datetime, screen_at: time, progress: Progress
) -> None:
    """Bring an installed town from `from_at` to `to_at`. Raises Refusal for a pack without a story."""
    if pack.story is None:
        raise Refusal(T("此资料包没有故事，无法演示。", "This pack has no story to live through."))
    _Life(pack, pack.story, history, from_at, to_at, screen_at, progress).run()


class _Life:
    """A calendar of things that happen, worked off in the order of time."""

    def __init__(
        self,
        pack: Pack,
        story: StorySpec,
        history: GeneratedObservations,
        from_at: datetime,
        to_at: datetime,
        screen_at: time,
        progress: Progress,
    ) -> None:
        self.pack, self.story, self.history, self.progress = pack, story, history, progress
        self.from_at, self.to_at, self.zone = from_at, to_at, pack.identity.zone
        self.calendar: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self.order = count()
        self.reported = int(np.searchsorted(history.reported_at, _second(from_at), side="right"))
        self._plan_days(screen_at)

    def run(self) -> None:
        """Work the calendar off; things planned beyond the end never happen."""
        whole = (self.to_at - self.from_at).total_seconds()
        while self.calendar and self.calendar[0][0] <= self.to_at:
            at, _, happen = heappop(self.calendar)
            happen(at)
            local = at.astimezone(self.zone)
            self.progress((at - self.from_at).total_seconds() / whole, T(f"{local.month}月{local.day}日", f"{local:%d %b}"))

    def _plan(self, at: datetime, happen: Callable[[datetime], None]) -> None:
        heappush(self.calendar, (at, next(self.order), happen))

    def _plan_days(self, screen_at: time) -> None:
        day, last = self.from_at.astimezone(self.zone).date(), self.to_at.astimezone(self.zone).date()
        while day <= last:
            for moment in INTAKE_AT:
                self._plan_from(day, moment, self._report)
            self._plan_from(day, screen_at, self._screen)
            self._plan_from(day, RELEASED_AT, release)
            day += timedelta(days=1)
        self._plan_from(last, screen_at, self._judge)
        self._plan_from(last - timedelta(days=2), DOORS_AT, enrol_doors)
        self._plan(self.to_at, partial(scan_at_doors, self.zone))
        for at, happen in (
            *testing_days(self.pack, last, self.zone),
            *spot_check_days(self.pack, last, self.zone),
            *difficulty_days(self.pack, last, self.zone),
            *resumption_days(last, self.zone),
            *calling_days(self.pack, last, self.zone),
            *policy_days(self.pack, last, self.zone),
            *project_days(self.pack, last, self.zone),
            *approval_days(self.pack, last, self.zone),
        ):
            if at > self.from_at:
                self._plan(at, happen)
        at = self.from_at + ESCALATION_EVERY
        while at <= self.to_at:
            self._plan(at, self._escalate)
            at += ESCALATION_EVERY

    def _plan_from(self, day: date, moment: time, happen: Callable[[datetime], None]) -> None:
        at = datetime.combine(day, moment, self.zone)
        if at > self.from_at:
            self._plan(at, happen)

    def _escalate(self, at: datetime) -> None:
        escalate_overdue(by=system_actor("worker"), at=at)

    # 1
    def _report(self, at: datetime) -> None:
        upto = int(np.searchsorted(self.history.reported_at, _second(at), side="right"))
        rows = range(self.reported, upto)
        self.reported = upto
        if not rows:
            return
        known = self._known(min(self.history.day[n].astype(object) for n in rows))
        latest: dict[tuple[str, date], Report] = {}
        for n in rows:
            stream, day = str(self.history.stream[n]), self.history.day[n].astype(object)
            corrects = (stream, day) in known
            reason = "核对原始登记后更正" if corrects else ""
            latest[stream, day] = Report(stream, day, float(self.history.value[n]), correction=corrects, reason=reason)
        self._send(list(latest.values()), at)

    def _known(self, since: date) -> set[tuple[str, date]]:
        return set(Observation.objects.filter(day__gte=since).values_list("stream__code", "day"))

    def _send(self, reports: list[Report], at: datetime) -> None:
        """As a clerk would: what the system finds unusual is looked at and sent again as confirmed."""
        by = self._holder("data_clerk", at)
        try:
            report_observations(reports=reports, source="demonstration", by=by, at=at)
        except Invalid as refused:
            unusual = {_row(p) for p in refused.problems}
            again = [
                Report(r.stream, r.day, r.value, correction=r.correction, confirmed=True, reason=r.reason or "已向上报单位核实")
                if n in unusual
                else r
                for n, r in enumerate(reports, start=1)
            ]
            report_observations(reports=again, source="demonstration", by=by, at=at)

    # 2
    def _screen(self, at: datetime) -> None:
        seen = screen_morning(at.astimezone(self.zone).date(), at, by=system_actor("early_warning"), at=at)
        for alarm in seen.proposed:
            self._plan(at + ACKNOWLEDGED_AFTER, partial(self._acknowledge, alarm.pk))
            self._plan(at + DECIDED_AFTER, partial(self._decide, alarm.pk))

    def _judge(self, at: datetime) -> None:
        keep_judgement(at.astimezone(self.zone).date(), at, by=system_actor("early_warning"), at=at)

    # 3
    def _acknowledge(self, alarm_id: int, at: datetime) -> None:
        acknowledge_alarm(Alarm.objects.get(pk=alarm_id), by=self._holder("duty_officer", at), at=at, reason="已通知卫生院和居村核实")

    def _decide(self, alarm_id: int, at: datetime) -> None:
        alarm = Alarm.objects.select_related("dossier__place").get(pk=alarm_id)
        place, leader = alarm.dossier.place, self._holder("duty_leader", at)
        if not self._is_outbreak(place.code, at):
            cause = next((c.note for c in self.story.other_causes if c.place == place.code), CHECKED)
            dismiss_alarm(alarm, reason=cause.zh, by=leader, at=at)
            return
        plan = self.pack.plans[0]
        left_undone = {code for o in self.story.outbreaks if o.place == place.code for code in o.left_undone}
        incident = confirm(alarm, plan_code=plan.code, reason="卫生院复核：多个哨点同向上升，现场已见关联病例", by=leader, at=at)
        self._plan(at + REPORTED_AFTER, partial(self._tell_district, incident))
        self._plan(at + TRACED_AFTER, partial(self._trace, incident, not left_undone))
        for spec in plan.tasks:
            due = timedelta(minutes=spec.due_minutes)
            self._plan(at + min(ACCEPTED_AFTER, due / 2), partial(self._accept, incident, spec.code))
            if spec.code not in left_undone:
                self._plan(at + due * FINISHED_AT_SHARE, partial(self._finish, incident, spec.code))
        if not left_undone:
            self._plan(at + CLOSED_AFTER, partial(self._close, incident))

    def _trace(self, incident: Incident, is_over: bool, at: datetime) -> None:
        """One investigation from beginning to end is enough to be shown, beside those under way."""
        if is_over and Case.objects.exists():
            return
        posts = Post.objects.filter(Q(kind="village_secretary", place=incident.dossier.place) | Q(code="trace-leader"))
        held = {post.kind: post.pk for post in posts}
        users = holders_at(posts, at)
        tracer, secretary = (users.get(held.get(kind, 0)) for kind in ("group_leader", "village_secretary"))
        if tracer is not None and secretary is not None:
            hands = Tracers(actor_for(tracer, at), actor_for(secretary, at), self._holder("duty_leader", at))
            investigate(incident, hands, self._plan, is_over=is_over, at=at.astimezone(self.zone))

    def _tell_district(self, incident: Incident, at: datetime) -> None:
        report_incident(incident, receipt="区疫情防控办已收", by=self._holder("duty_officer", at), at=at)

    def _is_outbreak(self, place_code: str, at: datetime) -> bool:
        last = (at.astimezone(self.zone).date() - self.story.first_day).days
        recent = self.history.infections[:, max(0, last - SEEN_DAYS) : last]
        if place_code in self.history.villages:
            recent = recent[self.history.villages.index(place_code)]
        return int(recent.sum()) >= SEEN_INFECTIONS

    # 4
    def _accept(self, incident: Incident, code: str, at: datetime) -> None:
        task, by = self._task_and_hand(incident, code, at)
        if by is not None:
            accept_task(task, by=by, at=at)

    def _finish(self, incident: Incident, code: str, at: datetime) -> None:
        task, by = self._task_and_hand(incident, code, at)
        if by is None:
            return
        start_task(task, by=by, at=at)
        for n, proof in enumerate(task.proofs):
            is_photo = proof["kind"] == "photo"
            content = picture(task.pk + n) if is_photo else page(task.dossier.number)
            prove_task(task, content=content, name=f"{proof['zh']}.{'png' if is_photo else 'pdf'}", note=proof["zh"], by=by, at=at)
        for other in self._approvers(task, by, at):
            approve_task(task, by=other, at=at)
        finish_task(task, note="按预案完成", by=by, at=at)
        if task.repeat_minutes:
            self._plan(at + timedelta(minutes=task.repeat_minutes) * FINISHED_AT_SHARE, partial(self._finish, incident, code))

    def _task_and_hand(self, incident: Incident, code: str, at: datetime) -> tuple[Task, Actor | None]:
        """The open task of this code (a repeating one has several in its life), and whoever has it in hand; nobody when there is none."""
        task = Task.objects.select_related("dossier__place").filter(incident=incident, plan_task=code).order_by("-pk")[0]
        hand = Assignment.objects.select_related("user").filter(dossier_id=task.pk, to_at=None, dossier__closed_at=None).first()
        return task, actor_for(hand.user, at) if hand and hand.user else None

    def _close(self, incident: Incident, at: datetime) -> None:
        """The outbreak is over: the repeating review ends, the lessons are written down."""
        leader = self._holder("duty_leader", at)
        propose_closing(incident, reason="连续七天无新增，复盘完成", by=leader, at=at)
        for task in Task.objects.filter(incident=incident, dossier__closed_at=None):
            cancel_task(task, reason="事件结束，不再评估", by=leader, at=at)
        close_incident(incident, review="发现及时；送检环节慢两小时，已与实验室约定夜间送检", by=leader, at=at)

    def _approvers(self, task: Task, doer: Actor, at: datetime) -> list[Actor]:
        others = (actor_for(user, at) for user in User.objects.filter(is_fictional=True).order_by("pk"))
        able = [a for a in others if a.user_id != doer.user_id and a.may("incident.work", task.place_path)]
        return able[: task.approvals_needed]

    def _holder(self, post_kind: str, at: datetime) -> Actor:
        """Whoever is on duty in the first post of a kind that somebody holds."""
        for spec in self.pack.posts:
            if spec.kind == post_kind and spec.place == self.pack.identity.place:
                post = post_by_code(spec.code)
                holder = holders_at([post], at).get(post.pk)
                if holder is not None:
                    return actor_for(holder, at)
        raise Refusal(T(f"没有在岗的{post_kind}", f"nobody holds a post of kind {post_kind}"))


def _second(at: datetime) -> np.datetime64:
    return np.datetime64(int(at.timestamp()), "s")


def _row(problem: FieldProblem) -> int:
    """The number in "rows[12].value"."""
    return int(problem.field.partition("[")[2].partition("]")[0])


def picture(seed: int) -> bytes:
    """A small PNG that stands for a photograph: bands of colour, plainly not one."""
    width, height = 320, 200
    shades = np.random.default_rng(seed).integers(90, 210, size=(5, 3), dtype=np.uint8)
    pixels = np.repeat(np.repeat(shades[:, None, :], width, axis=1), height // 5, axis=0)
    raw = b"".join(b"\x00" + row.tobytes() for row in pixels)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


def page(number: str) -> bytes:
    """A one-page PDF with a dossier's number on it."""
    text = f"BT /F1 18 Tf 72 760 Td (Demonstration document for {number}) Tj ET".encode()
    parts = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(text), text),
    ]
    body, offsets = b"%PDF-1.4\n", []
    for n, part in enumerate(parts, start=1):
        offsets.append(len(body))
        body += b"%d 0 obj%s\nendobj\n" % (n, part)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return body + b"xref\n0 5\n0000000000 65535 f \n" + table + b"trailer<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(body)
