"""Books of policies, the documents behind them, and what each firm is due."""

from django.db import models
from django.db.models import F, Q

from tongchou.core.casework.models import Dossier
from tongchou.core.people.models import User
from tongchou.core.places.models import Place
from tongchou.domains.policies.rules import AWARD


class Book(models.Model):
    """All policies of a town as they were published together; the latest holds.

    `content` is what `core.packs.policies.book_of` reads, as JSON in a text: the order of its keys is that of the pages.
    """

    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField(unique=True)
    digest = models.CharField(max_length=64)
    content = models.TextField()
    published_at = models.DateTimeField()
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    @property
    def place_path(self) -> str:
        return self.place.path


class PolicyDocument(models.Model):
    """A document that came down. The dossier says how far it is: received, broken down, issued, delivered, reported."""

    dossier = models.OneToOneField(Dossier, primary_key=True, on_delete=models.PROTECT, related_name="policy_document")
    source = models.CharField(max_length=60)  # its key among the sources of a book
    doc_number = models.CharField(max_length=120, blank=True, default="")
    level = models.CharField(max_length=12)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source"], name="policy_document_source")]

    @property
    def place_path(self) -> str:
        return self.dossier.place.path


class PaymentList(models.Model):
    """Awards of one measure prepared by one person for another to approve, then paid."""

    dossier = models.OneToOneField(Dossier, primary_key=True, on_delete=models.PROTECT, related_name="payment_list")
    measure = models.CharField(max_length=60)
    book = models.ForeignKey(Book, on_delete=models.PROTECT, related_name="+")
    prepared_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(decided_by=None) | ~Q(decided_by=F("prepared_by")), name="payment_list_two_people")
        ]

    @property
    def place_path(self) -> str:
        return self.dossier.place.path


class FirmNotice(models.Model):
    """One telling of a firm: what it gets now. Its receipt is the firm's own press of a button, or a visitor's word for it."""

    firm = models.ForeignKey("registry.Firm", on_delete=models.PROTECT, related_name="policy_notices")
    book = models.ForeignKey(Book, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)
    read_by = models.ForeignKey(
        User, null=True, on_delete=models.PROTECT, related_name="+"
    )  # whoever told them in person; none: the firm itself

    class Meta:
        indexes = [models.Index(fields=["read_at"], name="firm_notice_read")]
        constraints = [models.CheckConstraint(condition=Q(read_at=None) | Q(read_at__gte=F("made_at")), name="firm_notice_read_after")]


class Award(models.Model):
    """One measure for one firm, once: however often it is matched, there is one row, and what was paid stands on it."""

    firm = models.ForeignKey("registry.Firm", on_delete=models.PROTECT, related_name="awards", db_index=False)
    measure = models.CharField(max_length=60)
    book = models.ForeignKey(Book, on_delete=models.PROTECT, related_name="+")  # by which it was last found
    state = models.CharField(max_length=10, default=AWARD.start)
    yuan = models.DecimalField(max_digits=14, decimal_places=2, null=True)  # none: the measure is no sum, or a fact is missing
    paid_yuan = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    due_at = models.DateTimeField()
    notice = models.ForeignKey(FirmNotice, null=True, on_delete=models.PROTECT, related_name="awards")
    claimed_at = models.DateTimeField(null=True, blank=True)
    payment_list = models.ForeignKey(PaymentList, null=True, on_delete=models.PROTECT, related_name="awards")
    paid_on = models.DateField(null=True, blank=True)
    reference = models.CharField(max_length=60, blank=True, default="")  # of the payment
    answer = models.CharField(max_length=300, blank=True, default="")  # why it was refused

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["firm", "measure"], name="award_once"),
            models.CheckConstraint(condition=Q(state__in=sorted(AWARD.states)), name="award_state"),
            models.CheckConstraint(condition=Q(paid_yuan__gte=0) & (Q(yuan=None) | Q(yuan__gte=0)), name="award_not_below_nothing"),
        ]
        indexes = [models.Index(fields=["measure", "state"], name="award_measure_state")]

    @property
    def place_path(self) -> str:
        return self.firm.place.path
