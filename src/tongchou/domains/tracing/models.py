"""Cases with what sources said of them, contacts under follow-up, samples, visits, links of the chain."""

from django.db import models
from django.db.models import F, Q

from tongchou.core.casework.models import Dossier
from tongchou.core.importing.models import ImportedRow
from tongchou.core.people.models import User
from tongchou.core.places.models import Place
from tongchou.core.secrecy import SealedTextField
from tongchou.core.wording import T
from tongchou.domains.tracing.rules import EVIDENCE_KINDS, METHODS, RESULTS

_WORD, _CODE = 120, 24


class Person(models.Model):
    """Who somebody is. Identity number and phone are sealed; equality search goes through their blind indexes."""

    name = models.CharField(max_length=_WORD)
    id_number = SealedTextField(null=True)
    id_index = models.BinaryField(null=True, max_length=16, db_index=True)
    phone = SealedTextField(null=True)
    phone_index = models.BinaryField(null=True, max_length=16, db_index=True)

    class Meta:
        abstract = True


class LineListed(Person):
    """What a line list says of a case, named as in the R package linelist (`line_lists.TAGS` has the tags)."""

    sex = models.CharField(max_length=1, blank=True, default="")
    age = models.PositiveSmallIntegerField(null=True)
    occupation = models.CharField(max_length=_WORD, blank=True, default="")
    is_hcw = models.BooleanField(null=True)
    onset_on = models.DateField(null=True)
    reported_on = models.DateField(null=True)
    admitted_on = models.DateField(null=True)
    discharged_on = models.DateField(null=True)
    outcome_on = models.DateField(null=True)
    died_on = models.DateField(null=True)
    outcome = models.CharField(max_length=_CODE, blank=True, default="")

    class Meta:
        abstract = True


class Case(LineListed):
    """One case under investigation. State, number, place, owner and clocks are the dossier's."""

    dossier = models.OneToOneField(Dossier, primary_key=True, on_delete=models.PROTECT, related_name="case")
    incident = models.ForeignKey("response.Incident", null=True, on_delete=models.PROTECT, related_name="cases")
    has_symptoms = models.BooleanField(default=False)
    # From whom the person may have it is a link of the chain; this says only that some source was found.
    has_known_contact = models.BooleanField(default=False)
    address = models.CharField(max_length=200, blank=True, default="")
    core_facts = models.TextField(blank=True, default="")  # the three parts of the investigation form, as handed in
    first_report = models.TextField(blank=True, default="")
    full_report = models.TextField(blank=True, default="")
    version = models.PositiveIntegerField(default=1)  # moves with every correction; lists made from it keep it

    @property
    def place_path(self) -> str:
        return self.dossier.place.path


class Report(LineListed, ImportedRow):
    """What one source said of a case: a row of a line list. Kept beside the case it belongs to, never merged away."""

    reference = models.CharField(max_length=80, unique=True)  # source and its own id: "hospital/17"
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+")
    near_key = models.CharField(max_length=_WORD, blank=True, default="")
    case = models.ForeignKey(Case, null=True, on_delete=models.PROTECT, related_name="reports")
    not_cases = models.JSONField(default=list)  # numbers of cases a person has said this is not

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["place"], name="report_place")]

    @property
    def place_path(self) -> str:
        return self.place.path


class Sample(models.Model):
    """One specimen of a case or a contact and what the laboratory said."""

    case = models.ForeignKey(Case, null=True, on_delete=models.PROTECT, related_name="samples")
    contact = models.ForeignKey("Contact", null=True, on_delete=models.PROTECT, related_name="samples")
    method = models.CharField(max_length=_CODE)
    taken_at = models.DateTimeField()
    result = models.CharField(max_length=_CODE, default="pending")
    resulted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["taken_at", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(method__in=sorted(METHODS), result__in=sorted(RESULTS)), name="sample_words"),
            models.CheckConstraint(
                condition=Q(case=None, contact__isnull=False) | Q(contact=None, case__isnull=False), name="sample_of_one"
            ),
            models.CheckConstraint(condition=Q(resulted_at=None) | Q(resulted_at__gte=F("taken_at")), name="sample_result_after"),
        ]

    @property
    def place_path(self) -> str:
        return self.case.place_path if self.case else self.contact.place_path  # type: ignore[union-attr]

    @property
    def method_word(self) -> T:
        return METHODS[self.method]

    @property
    def result_word(self) -> T:
        return RESULTS[self.result]


class Visit(models.Model):
    """Where a case was between two instants, as told in the interview."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="visits")
    venue = models.ForeignKey("registry.Venue", null=True, on_delete=models.PROTECT, related_name="+")
    where = models.CharField(max_length=200)
    from_at = models.DateTimeField()
    to_at = models.DateTimeField()

    class Meta:
        ordering = ["from_at", "pk"]
        constraints = [models.CheckConstraint(condition=Q(to_at__gt=F("from_at")), name="visit_ends_after_start")]

    @property
    def place_path(self) -> str:
        return self.case.place_path


class Contact(Person):
    """Somebody who met a case and is followed up for some days by their village, never beyond the ceiling in force."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="contacts")
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=_CODE)  # a key of the parameter trace.contact_days
    setting = models.CharField(max_length=_CODE)
    address = models.CharField(max_length=200, blank=True, default="")
    last_contact_on = models.DateField()
    days = models.PositiveSmallIntegerField()  # as set; what counts is never more than the ceiling of the day
    added_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_why = models.CharField(max_length=_CODE, blank=True, default="")  # released, became_case, by_mistake
    became = models.ForeignKey(Case, null=True, on_delete=models.PROTECT, related_name="was_contact")

    class Meta:
        ordering = ["place_id", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["case", "id_index"], condition=Q(id_index__isnull=False), name="contact_once"),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_why="") | Q(ended_at__isnull=False) & ~Q(ended_why=""), name="contact_end_said"
            ),
            models.CheckConstraint(condition=Q(setting__in=sorted(EVIDENCE_KINDS)), name="contact_setting"),
        ]
        indexes = [models.Index(fields=["place"], condition=Q(ended_at=None), name="contact_followed")]

    @property
    def place_path(self) -> str:
        return self.place.path


class CheckUp(models.Model):
    """One day of a contact's follow-up, written by whoever asked."""

    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="checks")
    day = models.DateField()
    temperature_c = models.DecimalField(max_digits=3, decimal_places=1, null=True)
    symptoms = models.CharField(max_length=200, blank=True, default="")
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["day"]
        constraints = [models.UniqueConstraint(fields=["contact", "day"], name="check_once_a_day")]


class ChainLink(models.Model):
    """Who had it from whom, by which evidence, as a person recorded it. A link found wrong is withdrawn, not erased."""

    infector = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="links_to")
    infectee = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="links_from")
    evidence = models.CharField(max_length=_CODE)
    strength = models.FloatField()  # 0 to 1: how sure whoever recorded it is
    note = models.CharField(max_length=300, blank=True, default="")
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(infector=F("infectee")), name="chain_two_people"),
            models.CheckConstraint(condition=Q(strength__gt=0, strength__lte=1), name="chain_strength"),
            models.CheckConstraint(condition=Q(evidence__in=sorted(EVIDENCE_KINDS)), name="chain_evidence"),
            models.UniqueConstraint(
                fields=["infector", "infectee", "evidence"], condition=Q(withdrawn_at=None), name="chain_evidence_once"
            ),
        ]

    @property
    def place_path(self) -> str:
        return self.infectee.place_path
