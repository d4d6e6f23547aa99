"""A person's passes are suspended, by two people, until an end; the person learns of it and may object.

1. Somebody asks: for a holder of a pass number, on account of an open incident, until an end (`ask`). Nothing is suspended yet.
2. Somebody else approves: every pass of the holder is suspended until the latest end that is in force (`approve`). Their village is told.
3. The end comes by itself: from that instant on the passes hold. The worker closes the dossier and tidies up (`keep_suspensions`).
4. One person may lift it before, with a reason (`lift`). What else is in force about the same holder stays.
5. The person reads why and until when on their own page, and objects there; an objection upheld lifts the suspension (`answer`).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from tongchou.core.errors import Refusal, Stale
from tongchou.core.outbox.queue import Telling, notify, tell_post
from tongchou.core.passes.actions import resume_passes, suspend_passes
from tongchou.core.passes.models import IssuedPass
from tongchou.core.people.models import User
from tongchou.core.people.rules import Actor, system_actor
from tongchou.core.places.queries import installation
from tongchou.core.wording import T
from tongchou.domains.gate.models import Appeal, Holder, Scan
from tongchou.domains.suspensions.actions import (
    Grounds,
    approve_suspension,
    ask_suspension,
    end_suspension,
    lift_suspension,
)
from tongchou.domains.suspensions.actions_objections import answer_objection, object_to
from tongchou.domains.suspensions.models import Objection, Suspension
from tongchou.domains.suspensions.queries import concerning, in_force, over_at
from tongchou.workflows.following import secretaries_of

MACHINE = system_actor("suspending")
NONE = "no suspension in force"
SHOWN_AFTER = timedelta(days=30)  # how long the person still reads of it on their page


@transaction.atomic
def ask(holder: Holder, grounds: Grounds, *, by: Actor, at: datetime) -> Suspension:
    """Step 1. Raises what `ask_suspension` raises; whoever has to decide is told."""
    row = ask_suspension(holder=holder.number, place=holder.place, grounds=grounds, by=by, at=at)
    head = row.dossier
    text = T(f"{head.number}：有一件暂停通行码的申请待批", f"{head.number}: a suspension waits for approval")
    tell_post(head.owner_post, text, head, at=at)
    return row


@transaction.atomic
def approve(row: Suspension, *, answer: str = "", by: Actor, at: datetime) -> Suspension:
    """Step 2. Raises what `approve_suspension` raises, and Refusal while the town has no signing key."""
    done = approve_suspension(row, answer=answer, by=by, at=at)
    _settle(done.holder_id, at)
    _tell(done, T("本村居一人通行码暂停使用，请告知本人原因、期限和申诉办法", "the pass of one of your village is suspended; tell them why, until when and how to object"), at)  # fmt: skip
    return done


@transaction.atomic
def lift(row: Suspension, *, reason: str, by: Actor, at: datetime) -> Suspension:
    """Step 4."""
    done = lift_suspension(row, reason=reason, by=by, at=at)
    _settle(done.holder_id, at)
    _tell(done, T("本村居一人的暂停已提前解除，请告知本人", "a suspension in your village is lifted; tell the person"), at)
    return done


def keep_suspensions(*, at: datetime) -> int:
    """Step 3: close what is over; and suspend what a pass given at the very moment of an approval escaped. Gives how many it closed.

    A second run changes nothing.
    """
    closed = sum(_end(row, at) for row in over_at(at))
    bound = list(Suspension.objects.filter(dossier__state="in_force", ends_at__gt=at).values_list("holder_id", flat=True))
    loose = IssuedPass.objects.filter(holder__in=bound, revoked_at=None, expires_at__gt=at, suspended_at=None)
    for holder in sorted(set(loose.values_list("holder", flat=True))):
        _settle(holder, at)
    return closed


def _end(row: Suspension, at: datetime) -> bool:
    """False when somebody was first."""
    try:
        with transaction.atomic():
            done = end_suspension(row, by=MACHINE, at=at)
            if done.dossier.state == "ended":
                _settle(done.holder_id, at)
                _tell(
                    done,
                    T("本村居一人的暂停已到期，通行码恢复使用，请告知本人", "a suspension in your village has ended; tell the person"),
                    at,
                )
    except Stale:
        return False
    return True


def _settle(holder: int, at: datetime) -> None:
    """Make a holder's passes what the suspensions in force say: suspended until the latest end, or not at all."""
    town, place = installation(), Holder.objects.select_related("place").get(pk=holder).place
    standing = in_force([holder], at)
    if not standing:
        resume_passes(holder=holder, place=place, reason=NONE, by=MACHINE, at=at)
        return
    if town is None:
        raise Refusal(T("尚未建立本镇。", "No town is installed."))
    last = standing[-1]
    number = last.dossier.number
    suspend_passes(holder=holder, issuer=town.place, place=place, until_at=last.ends_at, reason=number, by=MACHINE, at=at)


def _tell(row: Suspension, said: T, at: datetime) -> None:
    """A notice to the secretary of the holder's village, who reaches those without a phone, and to whoever asked."""
    head, place = row.dossier, row.dossier.place
    users: dict[int, User] = {user.pk: user for user in (*secretaries_of([place], at).values(), row.asked_by)}
    notify([Telling(user, T(f"{head.number}：{said.zh}", f"{head.number}: {said.en}")) for user in users.values()], at=at)


def restrictions_of(people: Sequence[Holder], at: datetime) -> dict[int, list[Suspension]]:
    """Holder number → what they read of suspensions on their own page: those that bind, and those over lately. One query."""
    found: dict[int, list[Suspension]] = {}
    for row in concerning([holder.number for holder in people], at, SHOWN_AFTER):
        found.setdefault(row.holder_id, []).append(row)
    return found


@transaction.atomic
def protest(row: Suspension, *, words: str, phone: str = "", by: Actor, at: datetime) -> Objection:
    """Step 5: an objection, and whoever is on duty is told."""
    found = object_to(row, words=words, phone=phone, by=by, at=at)
    head = found.dossier
    if head.opened_at == at:
        text = T(f"新申诉 {head.number}：{head.title_zh}", f"New objection {head.number}: {head.title_en}")
        tell_post(head.owner_post, text, head, at=at)
    return found


@transaction.atomic
def answer(row: Objection, *, upheld: bool, said: str, by: Actor, at: datetime) -> Objection:
    """Step 5: the answer; upheld, the suspension is lifted if it is still in force."""
    done = answer_objection(row, upheld=upheld, answer=said, by=by, at=at)
    suspension = done.suspension
    if upheld and suspension.dossier.state == "in_force":
        lift(suspension, reason=f"{done.dossier.number} {said.strip()}", by=by, at=at)
    return done


def behind_appeal(appeal: Appeal, at: datetime) -> list[Suspension]:
    """The suspensions in force of whoever objected to a refusal at a door; none once the log has forgotten the scan. Two queries."""
    scan = Scan.objects.filter(device=appeal.device_id, seq=appeal.seq).first()
    return in_force([scan.holder], at) if scan is not None and scan.holder is not None else []
