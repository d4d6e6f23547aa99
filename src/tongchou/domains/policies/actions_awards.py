"""Awards: kept as the matching finds them, told to firms, claimed, listed, approved by a second person, paid once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import F

from tongchou.core.audit.acting import action, record
from tongchou.core.casework.life import Opening, advance, open_dossiers
from tongchou.core.casework.two_people import nearest_post, require_another
from tongchou.core.errors import FieldProblem, Invalid, Refusal, Stale, in_words
from tongchou.core.importing.bulk import insert_columns
from tongchou.core.importing.matching import blocks
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.wording import T
from tongchou.domains.policies.models import Award, Book, FirmNotice, PaymentList
from tongchou.domains.policies.rules import AWARD, PAYMENT_LIST, found_again

Found = Mapping[tuple[int, str], Decimal | None]  # (firm, measure) → yuan, None: no sum or not known


@dataclass(frozen=True, slots=True)
class Kept:
    """What keeping the matching changed: awards new, lapsed, due again, with another sum."""

    new: int
    lapsed: int
    revived: int
    changed: int


@action("policy.work", place=lambda given: given["place"].path)
def keep_awards(*, found: Found, firms: Sequence[int], book: Book, place: Place, by: Actor, at: datetime) -> Kept:
    """Make the awards of these firms what a matching found; of all firms below a place or of one. A second time changes nothing.

    What is on a list, approved or paid stays with its sum, but for a difference that becomes due (`found_again`).
    """
    moves: dict[str, list[int]] = {"lapse": [], "revive": []}
    sums: list[Award] = []
    known = set()
    for some in blocks(firms):
        for award in Award.objects.filter(firm__in=some).only("firm_id", "measure", "state", "yuan", "paid_yuan").order_by("pk"):
            key = (award.firm_id, award.measure)
            known.add(key)
            yuan = found.get(key)
            if step := found_again(award.state, key in found, yuan, award.paid_yuan):
                moves[step].append(award.pk)
            if key in found and yuan != award.yuan and (step == "revive" or award.state in ("due", "claimed")):
                award.yuan, award.book = yuan, book
                sums.append(award)
    for step, pks in moves.items():
        for some in blocks(pks):
            # A difference that becomes due is news: the firm is told again.
            again = {"notice": None, "payment_list": None, "due_at": at} if step == "revive" else {}
            Award.objects.filter(pk__in=some).update(state=AWARD.step(step, "lapsed" if step == "revive" else "due").target, **again)
    Award.objects.bulk_update(sums, ["yuan", "book"], batch_size=500)
    fresh = [(firm, measure, yuan) for (firm, measure), yuan in found.items() if (firm, measure) not in known]
    if fresh:
        owners, measures, yuan_of = zip(*fresh, strict=True)
        same = {"book_id": book.pk, "state": AWARD.start, "paid_yuan": Decimal(0), "due_at": at}
        columns = {"firm_id": owners, "measure": measures, "yuan": yuan_of, **{name: [value] * len(fresh) for name, value in same.items()}}
        insert_columns(Award, columns)
    kept = Kept(len(fresh), len(moves["lapse"]), len(moves["revive"]), len(sums))
    counts = {"new": kept.new, "lapsed": kept.lapsed, "revived": kept.revived, "changed": kept.changed}
    record("award.keep", book, place_path=place.path, detail={"firms": len(firms), **counts})
    return kept


@action("policy.work", place=lambda given: given["place"].path)
def tell_firms(*, book: Book, place: Place, by: Actor, at: datetime) -> int:
    """One notice for each firm below a place to which something is due that it was not told of. Gives how many firms."""
    untold = Award.objects.filter(state="due", notice=None, firm__place__path__startswith=place.path)
    firms = sorted(set(untold.values_list("firm_id", flat=True)))
    same = {"book_id": book.pk, "made_at": at}
    if firms:
        insert_columns(FirmNotice, {"firm_id": firms, **{name: [value] * len(firms) for name, value in same.items()}})
    for some in blocks(firms):
        fresh = dict(FirmNotice.objects.filter(firm__in=some, made_at=at).values_list("firm_id", "pk"))
        mine = list(untold.filter(firm__in=some).only("pk", "firm_id"))
        for award in mine:
            award.notice_id = fresh[award.firm_id]
        Award.objects.bulk_update(mine, ["notice"], batch_size=500)
    record("award.tell", book, place_path=place.path, detail={"firms": len(firms)})
    return len(firms)


@action("register.write", place=lambda given: given["firm"].place_path)
def note_receipt(*, firm: Any, by: Actor, at: datetime) -> int:
    """The firm says it has read its notices; `by` a person: whoever told it face to face. Raises Stale when all were read."""
    read = FirmNotice.objects.filter(firm=firm, read_at=None, made_at__lte=at).update(read_at=at, read_by=by.user_id)
    if not read:
        raise Stale(T("没有未读通知。", "Every notice has been read."))
    record("award.receipt", firm, detail={"notices": read, "in_person": by.user_id is not None})
    return read


@action("policy.work", on=Award)
def claim_award(row: Award, *, by: Actor, at: datetime) -> Award:
    """The firm wants it. Raises Stale when it is not due."""
    _move([row.pk], "claim", row.state, claimed_at=at)
    record("award.claim", row, detail={"measure": row.measure, "firm": row.firm_id})
    return Award.objects.get(pk=row.pk)


@action("policy.work", place=lambda given: given["place"].path)
def prepare_list(
    *, measure: str, is_sum: bool, title: T, excluded_by: Sequence[str], place: Place, book: Book, by: Actor, at: datetime
) -> PaymentList:
    """Put every award of a measure that waits on one list for somebody else to approve: claimed, or due without application, with a known sum;
    of a measure that is no sum, what was claimed.

    `excluded_by`: measures that may not be combined with it; who has one of them on a list, approved or fulfilled is left out. Raises Refusal for nobody.
    """
    waiting = Award.objects.filter(measure=measure, firm__place__path__startswith=place.path)
    waiting = waiting.filter(state__in=["due", "claimed"], yuan__gt=F("paid_yuan")) if is_sum else waiting.filter(state="claimed")
    having = Award.objects.filter(measure__in=excluded_by, state__in=["listed", "approved", "paid"]).values("firm")
    pks = list(waiting.exclude(firm__in=having).order_by("pk").values_list("pk", flat=True))
    if not pks:
        raise Refusal(
            T("没有可列入清单的企业。", "No firm waits for this measure."),
            T("金额不明的先补齐情况。", "Where the sum is not known, ask first."),
        )
    opening = Opening(title, place, nearest_post("duty_leader", place), detail={"measure": measure, "awards": len(pks)})
    (head,) = open_dossiers(PAYMENT_LIST, [opening], by=by, at=at)
    row = PaymentList.objects.create(dossier=head, measure=measure, book=book, prepared_by_id=by.user_id)
    for some in blocks(pks):
        Award.objects.filter(pk__in=some, state__in=["due", "claimed"]).update(state="listed", payment_list=row)
    return row


@action("policy.approve", on=PaymentList)
def approve_list(row: PaymentList, *, by: Actor, at: datetime) -> PaymentList:
    """Approve a list that somebody else prepared."""
    require_another(by, row.prepared_by_id)
    _decide(row, "approve", "", by, at)
    Award.objects.filter(payment_list=row, state="listed").update(state="approved")
    return row


@action("policy.approve", on=PaymentList)
def refuse_list(row: PaymentList, *, reason: str, by: Actor, at: datetime) -> PaymentList:
    """Send a list back; its awards wait as they did before."""
    require_another(by, row.prepared_by_id)
    _decide(row, "refuse", in_words("reason", reason, 4), by, at)
    waiting = Award.objects.filter(payment_list=row, state="listed")
    waiting.filter(claimed_at=None).update(state="due", payment_list=None)
    waiting.update(state="claimed", payment_list=None)
    return row


def _decide(row: PaymentList, step: str, reason: str, by: Actor, at: datetime) -> None:
    row.decided_by_id = by.user_id
    row.save(update_fields=["decided_by"])
    count = Award.objects.filter(payment_list=row).count()
    advance(row.dossier, PAYMENT_LIST, step, at=at, reason=reason, detail={"awards": count})


@action("policy.approve", on=Award)
def refuse_award(row: Award, *, reason: str, by: Actor, at: datetime) -> Award:
    """Refuse one firm what it claimed, with a reason that it reads."""
    _move([row.pk], "refuse", row.state, answer=in_words("reason", reason, 4)[:300], payment_list=None)
    record("award.refuse", row, reason=reason, detail={"measure": row.measure, "firm": row.firm_id})
    return Award.objects.get(pk=row.pk)


@action("policy.work", on=PaymentList)
def pay_awards(row: PaymentList, *, paid: Mapping[int, str], on: date, by: Actor, at: datetime) -> int:
    """Note that awards of an approved list were paid: award → the payment's reference. The last one closes the list. Gives how many.

    Raises Invalid for a day ahead, an award that is not on the list or was paid before: then nothing is noted.
    """
    if on > at.date():
        raise Invalid([FieldProblem("on", T("拨付日期不能在将来。", "The day of payment lies in the future."))])
    awards = {a.pk: a for a in Award.objects.select_for_update().filter(payment_list=row, state="approved", pk__in=list(paid))}
    if not paid or set(paid) - set(awards):
        n = len(set(paid) - set(awards))
        said = T(
            f"有 {n} 笔不在待拨付之列（不在清单上，或已拨付过）。", f"{n} are not waiting for payment: not on the list, or paid before."
        )
        raise Invalid([FieldProblem("paid", said)])
    for award in awards.values():
        award.state, award.paid_on, award.reference = "paid", on, paid[award.pk][:60]
        award.paid_yuan = award.yuan or award.paid_yuan
    Award.objects.bulk_update(awards.values(), ["state", "paid_on", "reference", "paid_yuan"], batch_size=500)
    record("award.pay", row.dossier, detail={"awards": len(awards), "on": on.isoformat()})
    if not Award.objects.filter(payment_list=row).exclude(state="paid").exists():
        advance(row.dossier, PAYMENT_LIST, "pay", at=at)
    return len(awards)


def _move(pks: Sequence[int], step: str, state: str, **values: Any) -> None:
    """Take a step if the state is still the one read. Raises Stale when it is not allowed or somebody was first."""
    target = AWARD.step(step, state).target
    if not Award.objects.filter(pk__in=pks, state=state).update(state=target, **values):
        raise Stale(T("刚被他人处理。", "Somebody else was first."))


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What became of the awards of a firm that is no more: passed on with what is still to be paid, lapsed, left to a person."""

    passed_on: int
    lapsed: int
    left: int


@action("policy.work", place=lambda given: given["firm"].place_path)
def hand_over_awards(*, firm: Any, successor: Any | None, by: Actor, at: datetime) -> HandedOver:
    """Awards of a firm that ends. What nobody has approved lapses: a successor is matched by what it is itself. What is approved and not paid goes
    to the successor, unless that has the same measure (nobody is paid twice): then, and without a successor, it is left to a person. What was paid stays.
    """
    rows = Award.objects.filter(firm=firm)
    lapsed = rows.filter(state__in=["due", "claimed", "listed"]).update(state="lapsed", payment_list=None)
    waiting = rows.filter(state="approved")
    having = set(Award.objects.filter(firm=successor).values_list("measure", flat=True)) if successor else set()
    passed_on = waiting.exclude(measure__in=having).update(firm=successor) if successor else 0
    left = waiting.count()
    counts = {"passed_on": passed_on, "lapsed": lapsed, "left": left}
    record("award.hand_over", firm, detail={**counts, "successor": successor.pk if successor else None})
    return HandedOver(passed_on, lapsed, left)
