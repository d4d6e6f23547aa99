"""What the worker does by itself, and how often. Every duty may be kept twice, by two workers or after a restart: nothing changes the second time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from tongchou.core.audit.actions import seal_day
from tongchou.core.audit.models import DailyRoot
from tongchou.core.casework.models import Deadline
from tongchou.core.outbox.queue import Draft, post_all
from tongchou.core.parameters.queries import duration, values_on
from tongchou.core.passes.actions import rotate_key
from tongchou.core.passes.models import IssuerKey
from tongchou.core.people.rules import system_actor
from tongchou.core.places.queries import installation
from tongchou.domains.difficulties.rules import PROMISE_WITHIN, PROMISED
from tongchou.domains.exposures.rules import APPROVE_WITHIN
from tongchou.domains.footfall.rules import K_ANONYMITY, RELEASE_AFTER
from tongchou.domains.gate.actions_counts import count_scans, forget_scans
from tongchou.domains.gate.queries_doors import scans_to_count, scans_to_forget
from tongchou.domains.gate.scan_log import empty_write_ahead_log
from tongchou.domains.response.rules import DUE
from tongchou.domains.resumption.rules import ANSWER_WITHIN, CHECK_WITHIN, CORRECT_WITHIN, RISK_GRADES
from tongchou.domains.sentinels.queries import turned_silent
from tongchou.domains.suspensions.rules import APPROVE_WITHIN as SUSPEND_WITHIN
from tongchou.domains.tracing.rules import CEILING, CORE_WITHIN, FIRST_WITHIN, FULL_WITHIN
from tongchou.domains.visits.scan_columns import ScanColumns
from tongchou.interfaces.chance import random_holder, random_seed
from tongchou.interfaces.jobs.bulk_posters import forget_posters
from tongchou.workflows.activation import escalate_overdue
from tongchou.workflows.approving import keep_approvals
from tongchou.workflows.early_warning import MORNING, mornings
from tongchou.workflows.following import release_due
from tongchou.workflows.passing import MACHINE, register_everybody
from tongchou.workflows.releasing import release_days
from tongchou.workflows.resuming import keep_filings
from tongchou.workflows.supervising import keep_projects
from tongchou.workflows.suspending import keep_suspensions
from tongchou.workflows.testing_streams import feed_last_days

log = structlog.get_logger("tongchou.work")
WORKER = system_actor("worker")
SILENCE_BACK = timedelta(days=1)
REMIND_BEFORE, KEEP_SCANS, AFTER_REFUSAL = "task.remind_before", "gate.keep_scans_for", "gate.entry_after_refusal_within"
FORGET_ROUNDS = 20  # of ten thousand scans: more than ten minutes bring
HOLDERS_AT_ONCE = 5_000  # a whole town within a quarter of an hour, and nobody waits for it
REMINDED = (
    DUE,
    CORE_WITHIN,
    FIRST_WITHIN,
    FULL_WITHIN,
    APPROVE_WITHIN,
    SUSPEND_WITHIN,
    CHECK_WITHIN,
    CORRECT_WITHIN,
    ANSWER_WITHIN,
    PROMISE_WITHIN,
    PROMISED,
)


@dataclass(frozen=True, slots=True)
class Duty:
    """A periodic duty: `keep` is called every so often and decides itself whether anything is due."""

    name: str
    every: timedelta
    keep: Callable[[datetime], None]


def escalate(at: datetime) -> None:
    """Pass what is overdue to the next post up."""
    escalate_overdue(by=WORKER, at=at)


def screen_this_morning(at: datetime) -> None:
    """One message per morning once it has come; its key, the day, keeps it from being read twice, and it stays until every area is read."""
    town = installation()
    if town is None:
        return
    zone = ZoneInfo(town.zone)
    day = at.astimezone(zone).date()
    morning = datetime.combine(day, MORNING, zone)
    if at >= morning and mornings(day, day, town.step_days):
        post_all([Draft("watch.morning", day.isoformat(), {"day": day.isoformat(), "as_known_at": morning.isoformat()})], at=at)


def release_contacts(at: datetime) -> None:
    """Release contacts whose days are over by the town's calendar, and tell who must know."""
    town = installation()
    if town is not None and CEILING in values_on([CEILING], at.date(), town.place.path):
        release_due(by=WORKER, at=at.astimezone(ZoneInfo(town.zone)))


def seal_yesterday(at: datetime) -> None:
    """Once the town's day is over, keep the Merkle root of its log."""
    town = installation()
    if town is None:
        return
    yesterday = at.astimezone(ZoneInfo(town.zone)).date() - timedelta(days=1)
    if not DailyRoot.objects.filter(day=yesterday).exists():
        seal_day(day=yesterday, by=WORKER, at=at)


def remind_in_time(at: datetime) -> None:
    """One message per task, part of a case's form or request that falls due soon (`task.remind_before`); its key, the clock, keeps it from being told twice."""
    town = installation()
    if town is None or REMIND_BEFORE not in values_on([REMIND_BEFORE], at.date(), town.place.path):
        return
    soon = at + duration(REMIND_BEFORE, on=at.date(), place_path=town.place.path)
    clocks = Deadline.objects.filter(stopped_at=None, key__in=REMINDED, due_at__gt=at, due_at__lte=soon).values_list("pk", flat=True)
    post_all([Draft("task.remind", str(pk), {"deadline": pk}) for pk in clocks], at=at)


def tell_of_silence(at: datetime) -> None:
    """One message per stream that fell silent since yesterday; its key, the last day heard of, keeps it from being told twice."""
    town = installation()
    if town is None:
        return
    post_all(
        [
            Draft("stream.silent", f"{found.stream.code}@{found.freshness.last_day}", {"stream": found.stream.pk})
            for found in turned_silent(at - SILENCE_BACK, at, town.place.path)
        ],
        at=at,
    )


def feed_testing(at: datetime) -> None:
    """Yesterday's counts of the sampling sites, and what late results changed in the days before, to the streams of their sentinels."""
    town = installation()
    if town is not None:
        feed_last_days(at, ZoneInfo(town.zone), by=WORKER)


def count_doors(at: datetime) -> None:
    """Count what the doors have scanned since the last time; entries after a refusal where the town says how soon is too soon."""
    town = installation()
    if town is None or not scans_to_count():
        return
    zone = ZoneInfo(town.zone)
    given = AFTER_REFUSAL in values_on([AFTER_REFUSAL], at.date(), town.place.path)
    within = duration(AFTER_REFUSAL, on=at.date(), place_path=town.place.path) if given else None
    count_scans(zone=zone, after_refusal=within, by=WORKER, at=at)


def release_footfall(at: datetime) -> None:
    """Give the counts of the days that have been over long enough, where the town says after how long and about how many people at least."""
    town = installation()
    if town is not None and len(values_on([K_ANONYMITY, RELEASE_AFTER], at.date(), town.place.path)) == 2:
        release_days(town, by=WORKER, at=at.astimezone(ZoneInfo(town.zone)))


def register_holders(at: datetime) -> None:
    """Residents who have no pass number yet get one, so that a card reader at a door knows them too."""
    if installation() is not None:
        register_everybody(random_holder, at_most=HOLDERS_AT_ONCE, by=MACHINE, at=at)


def make_first_key(at: datetime) -> None:
    """A town's first signing key, so that passes can be given from the first day; later ones are made by people (`rotate_key`)."""
    town = installation()
    if town is not None and not IssuerKey.objects.filter(issuer=town.place.code).exists():
        rotate_key(town=town.place, seed=random_seed(), trusted_for=timedelta(0), by=MACHINE, at=at)


def end_suspensions(at: datetime) -> None:
    """Close suspensions whose end has come. The passes hold from that instant on even if nobody is here to do it."""
    if installation() is not None:
        keep_suspensions(at=at)


def follow_filings(at: datetime) -> None:
    """Let filings of resumption begin, or lapse, when their day has come or their place has become a risk area."""
    town = installation()
    if town is not None and RISK_GRADES in values_on([RISK_GRADES], at.date(), town.place.path):
        keep_filings(at=at.astimezone(ZoneInfo(town.zone)))


def keep_terms(at: datetime) -> None:
    """What silence does to applications, stops of the clock that end, steps for whoever stands in."""
    if installation() is not None:
        keep_approvals(at=at)


def supervise_projects(at: datetime) -> None:
    """Slips for lights that are on, and a colour more for slips that nobody answered in time."""
    town = installation()
    if town is not None:
        keep_projects(at=at.astimezone(ZoneInfo(town.zone)))


def lay_out_scans(at: datetime) -> None:
    """Bring the columns of the log of scans up to date, so that who was where is found at once."""
    if installation() is not None:
        ScanColumns().bring_up_to_date()


def forget_old_scans(at: datetime) -> None:
    """Delete scans older than `gate.keep_scans_for`, from the log and from its columns; a town whose pack does not say keeps them."""
    town = installation()
    if town is None or KEEP_SCANS not in values_on([KEEP_SCANS], at.date(), town.place.path):
        return
    before = at - duration(KEEP_SCANS, on=at.date(), place_path=town.place.path)
    if not scans_to_forget(before):
        return
    for _ in range(FORGET_ROUNDS):
        if not forget_scans(before=before, by=WORKER, at=at):
            break
    if not empty_write_ahead_log():
        log.warning("forget.log_not_emptied", remedy="tried again with the next deletion; tongchou check retention shows what is left")
    ScanColumns().forget_before(int(before.timestamp()))


def forget_old_posters(at: datetime) -> None:
    """Delete the posters made for somebody a day ago."""
    forget_posters(at)


DUTIES: tuple[Duty, ...] = (
    Duty("escalate", timedelta(seconds=20), escalate),
    Duty("remind", timedelta(minutes=1), remind_in_time),
    Duty("screen", timedelta(minutes=1), screen_this_morning),
    Duty("silence", timedelta(minutes=10), tell_of_silence),
    Duty("testing", timedelta(minutes=10), feed_testing),
    Duty("doors", timedelta(minutes=1), count_doors),
    Duty("footfall", timedelta(minutes=10), release_footfall),
    Duty("visits", timedelta(minutes=1), lay_out_scans),
    Duty("forget", timedelta(minutes=10), forget_old_scans),
    Duty("posters", timedelta(minutes=10), forget_old_posters),
    Duty("release", timedelta(minutes=10), release_contacts),
    Duty("suspensions", timedelta(minutes=1), end_suspensions),
    Duty("filings", timedelta(minutes=1), follow_filings),
    Duty("approvals", timedelta(minutes=1), keep_terms),
    Duty("projects", timedelta(minutes=1), supervise_projects),
    Duty("holders", timedelta(seconds=20), register_holders),
    Duty("key", timedelta(minutes=1), make_first_key),
    Duty("seal", timedelta(minutes=5), seal_yesterday),
)
