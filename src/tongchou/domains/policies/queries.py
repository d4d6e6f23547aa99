"""Reading policies: the book that holds, documents, awards by measure and by firm."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from django.db.models import Count, F, Q, QuerySet, Sum

from tongchou.core.errors import Unseen
from tongchou.core.packs.policies import PolicyBook, book_of
from tongchou.core.people.queries import within
from tongchou.core.people.rules import Actor
from tongchou.domains.policies.models import Award, Book, FirmNotice, PaymentList, PolicyDocument


def latest_book(at: datetime | None = None) -> Book | None:
    """The book that holds, or held at an instant; without its content, which `read_again` brings. One query."""
    rows = Book.objects.defer("content").order_by("-version")
    return (rows if at is None else rows.filter(published_at__lte=at)).first()


def read_again(book: Book) -> PolicyBook:
    """A book's policies and fields, read once in a process."""
    return _read(book.pk, book.digest)


@lru_cache(maxsize=4)
def _read(pk: int, digest: str) -> PolicyBook:
    return book_of(json.loads(Book.objects.get(pk=pk, digest=digest).content))


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of one measure: firms and yuan. `told`: firms with a notice; `read`: those that said they read it."""

    measure: str
    due: int
    yuan: Decimal
    without_sum: int
    told: int
    read: int
    claimed: int
    listed: int
    approved: int
    paid: int
    paid_yuan: Decimal

    @property
    def wan(self) -> float:
        """The sum in 10,000 yuan."""
        return float(self.yuan) / 10_000


_STANDS = ~Q(state="lapsed")


def tallies(path: str) -> dict[str, Tally]:
    """Measure → what became of it below a place. One query."""
    rows = Award.objects.filter(_STANDS, firm__place__path__startswith=path).order_by("measure").values("measure")
    counted = rows.annotate(
        due=Count("pk"), total=Sum("yuan"), without_sum=Count("pk", filter=Q(yuan=None)), told=Count("notice"),
        read=Count("pk", filter=Q(notice__read_at__isnull=False)), claimed=Count("pk", filter=Q(state="claimed")),
        listed=Count("pk", filter=Q(state="listed")), approved=Count("pk", filter=Q(state="approved")), paid=Count("pk", filter=Q(state="paid")),
        paid_total=Sum("paid_yuan"),
    )  # fmt: skip
    return {
        row["measure"]: Tally(
            row["measure"], row["due"], row["total"] or Decimal(0), row["without_sum"], row["told"], row["read"], row["claimed"], row["listed"],
            row["approved"], row["paid"], row["paid_total"] or Decimal(0),
        )
        for row in counted
    }  # fmt: skip


def reach_by(field: str, path: str, measure: str | None = None) -> list[tuple[str, int, int]]:
    """(value of a field of the firm, firms due something, firms that read of it) below a place, of one measure or any. One query."""
    rows = Award.objects.filter(_STANDS, firm__place__path__startswith=path)
    rows = rows if measure is None else rows.filter(measure=measure)
    counted = rows.order_by().values(key=F(f"firm__{field}")).annotate(
        due=Count("firm", distinct=True), reached=Count("firm", distinct=True, filter=Q(notice__read_at__isnull=False))
    )  # fmt: skip
    return sorted((str(row["key"]), row["due"], row["reached"]) for row in counted)


def awards_of(firm: int) -> dict[str, Award]:
    """Measure → the award of a firm. One query."""
    rows = Award.objects.filter(firm=firm).select_related("notice", "payment_list__dossier").order_by("measure")
    return {row.measure: row for row in rows}


def taken_by(firms: Collection[int]) -> list[tuple[int, str]]:
    """(firm, measure) of what these firms have on a list, approved or fulfilled. One query."""
    rows = Award.objects.filter(firm__in=list(firms), state__in=["listed", "approved", "paid"]).order_by("pk")
    return list(rows.values_list("firm_id", "measure"))


def awards_seen(measure: str, actor: Actor) -> QuerySet[Award]:
    """Awards of one measure in the actor's places: the largest sums first."""
    where = within(actor, "policy.read", "firm__place__path")
    rows = Award.objects.filter(where, _STANDS, measure=measure).select_related("firm__place", "notice", "payment_list__dossier")
    return rows.order_by(F("yuan").desc(nulls_last=True), "pk")


def seen_award(pk: int, actor: Actor) -> Award:
    """One award. Raises Unseen when missing or elsewhere."""
    row = Award.objects.select_related("firm__place").filter(pk=pk).first()
    if row is None or not actor.may("policy.read", row.place_path):
        raise Unseen("award")
    return row


def notices_of(firm: int) -> list[FirmNotice]:
    """Notices of a firm, newest first. One query."""
    return list(FirmNotice.objects.filter(firm=firm).select_related("read_by").order_by("-made_at", "-pk"))


def unreached(actor: Actor, before: datetime) -> QuerySet[FirmNotice]:
    """First notices made before an instant that nobody has read, of firms that have read none; oldest first."""
    where = within(actor, "policy.read", "firm__place__path")
    readers = FirmNotice.objects.filter(read_at__isnull=False).values("firm")
    rows = FirmNotice.objects.filter(where, read_at=None, made_at__lt=before).exclude(firm__in=readers).select_related("firm__place")
    return rows.annotate(awards_due=Count("awards"), yuan_due=Sum("awards__yuan")).order_by(F("yuan_due").desc(nulls_last=True), "pk")


def documents_seen(actor: Actor) -> QuerySet[PolicyDocument]:
    """Documents in the actor's places, those under way first."""
    rows = PolicyDocument.objects.filter(within(actor, "policy.read", "dossier__place__path")).select_related("dossier__place")
    return rows.order_by(F("dossier__closed_at").desc(nulls_first=True), "-dossier__opened_at", "-pk")


def seen_document(number: str, actor: Actor) -> PolicyDocument:
    """A document by its number. Raises Unseen when missing or elsewhere."""
    row = PolicyDocument.objects.select_related("dossier__place", "dossier__owner_post").filter(dossier__number=number).first()
    if row is None or not actor.may("policy.read", row.place_path):
        raise Unseen("document")
    return row


def lists_seen(actor: Actor) -> QuerySet[PaymentList]:
    """Payment lists in the actor's places: waiting first, then the latest."""
    rows = PaymentList.objects.filter(within(actor, "policy.read", "dossier__place__path"))
    counted = rows.annotate(awards_on=Count("awards"), total=Sum("awards__yuan"), paid_on=Count("awards", filter=Q(awards__state="paid")))
    return counted.select_related("dossier__place", "prepared_by", "decided_by").order_by(
        F("dossier__closed_at").desc(nulls_first=True), "-pk"
    )


def seen_list(number: str, actor: Actor) -> PaymentList:
    """A payment list by its number. Raises Unseen when missing or elsewhere."""
    row = (
        PaymentList.objects.select_related("dossier__place", "dossier__owner_post", "prepared_by", "decided_by")
        .filter(dossier__number=number)
        .first()
    )
    if row is None or not actor.may("policy.read", row.place_path):
        raise Unseen("payment list")
    return row


def untold_firms(measures: Collection[str], path: str) -> int:
    """Firms below a place that are due one of these measures and have no notice of it. One query."""
    rows = Award.objects.filter(_STANDS, measure__in=measures, notice=None, firm__place__path__startswith=path)
    return rows.values("firm").distinct().count()
