"""The town's base registers (底数): households, residents, firms, venues, schools, care homes, construction sites."""

from django.db import models
from django.db.models import F, Q

from tongchou.core.importing.models import ImportedRow
from tongchou.core.places.models import Place
from tongchou.core.secrecy import SealedTextField
from tongchou.domains.registry.rules import (
    RESIDENCES,
    RESUMPTIONS,
    SCHOOL_STAGES,
    SEXES,
    SITE_STATES,
    SIZE_CLASSES,
    VENUE_CLASSES,
)


def _one_of(field: str, words: object, name: str) -> models.CheckConstraint:
    return models.CheckConstraint(condition=Q(**{f"{field}__in": sorted(words)}), name=name)  # type: ignore[call-overload]


class RegisterRow(ImportedRow):
    """What every register has: where, what it is called, how to reach it. `near_key` brings likely duplicates together."""

    # No index of its own: the registers counted by village have one that begins with the place.
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=120, db_index=True)
    near_key = models.CharField(max_length=120, db_index=True)
    address = models.CharField(max_length=200, blank=True, default="")
    phone = SealedTextField(null=True, blank=True)
    phone_index = models.BinaryField(null=True, blank=True, max_length=16, db_index=True)
    is_generated = models.BooleanField(default=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name

    @property
    def place_path(self) -> str:
        return self.place.path


class Household(RegisterRow):
    """People who live and eat together; `name` is the head's."""

    code = models.CharField(max_length=32, unique=True)
    is_collective = models.BooleanField(default=False)  # dormitory

    class Meta:
        indexes = [models.Index(fields=["place"], name="household_place")]


class Resident(RegisterRow):
    """One person. The identity number is sealed; equality search goes through its blind index."""

    household = models.ForeignKey(Household, null=True, blank=True, on_delete=models.PROTECT, related_name="members")
    id_number = SealedTextField(null=True, blank=True)
    id_index = models.BinaryField(null=True, blank=True, max_length=16, unique=True)
    sex = models.CharField(max_length=1)
    born_on = models.DateField()
    residence = models.CharField(max_length=8, default="local")

    class Meta:
        constraints = [
            _one_of("sex", SEXES, "resident_sex"),
            _one_of("residence", RESIDENCES, "resident_residence"),
            models.CheckConstraint(
                condition=Q(id_number=None, id_index=None) | Q(id_number__isnull=False, id_index__isnull=False), name="resident_id_indexed"
            ),
        ]
        indexes = [models.Index(fields=["place", "born_on"], name="resident_place_born")]


class Firm(RegisterRow):
    """A firm or self-employed trader. `revenue_cny_10k` is yearly, in 10,000 yuan, as the size standard counts; `size_class` follows from it."""

    credit_code = models.CharField(max_length=18, unique=True)
    industry = models.CharField(max_length=4)  # GB/T 4754 division, group or class: two to four digits
    section = models.CharField(max_length=1)  # its section letter: the sector of the desk
    size_class = models.CharField(max_length=6)
    staff_count = models.PositiveIntegerField(default=0)
    revenue_cny_10k = models.PositiveBigIntegerField(default=0)
    assets_cny_10k = models.PositiveBigIntegerField(null=True, blank=True)
    contact_name = models.CharField(max_length=60, blank=True, default="")
    state_owned_premises = models.BooleanField(default=False)
    resumption = models.CharField(max_length=8, default="closed")
    resumed_on = models.DateField(null=True, blank=True)
    ended_on = models.DateField(null=True, blank=True)  # merged into another, moved away or struck off: counted and matched no more

    class Meta:
        constraints = [
            _one_of("size_class", SIZE_CLASSES, "firm_size_class"),
            _one_of("resumption", RESUMPTIONS, "firm_resumption"),
        ]
        indexes = [
            # The desk counts states by sector and by village from these alone.
            models.Index(fields=["section", "resumption", "staff_count"], name="firm_section_state"),
            models.Index(fields=["place", "resumption"], name="firm_place_state"),
        ]


class Venue(RegisterRow):
    """A place people enter, with its venue code."""

    code = models.CharField(max_length=32, unique=True)
    venue_class = models.CharField(max_length=16)
    firm = models.ForeignKey(Firm, null=True, blank=True, on_delete=models.PROTECT, related_name="venues")
    capacity = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [_one_of("venue_class", VENUE_CLASSES, "venue_class")]
        indexes = [models.Index(fields=["place", "venue_class"], name="venue_place_class")]


class School(RegisterRow):
    """A school or kindergarten."""

    code = models.CharField(max_length=32, unique=True)
    stage = models.CharField(max_length=12)
    pupil_count = models.PositiveIntegerField(default=0)
    staff_count = models.PositiveIntegerField(default=0)
    is_open = models.BooleanField(default=False)

    class Meta:
        constraints = [_one_of("stage", SCHOOL_STAGES, "school_stage")]


class CareHome(RegisterRow):
    """A home for the aged."""

    code = models.CharField(max_length=32, unique=True)
    bed_count = models.PositiveIntegerField(default=0)
    resident_count = models.PositiveIntegerField(default=0)
    staff_count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(resident_count__lte=F("bed_count") * 2), name="care_home_not_overfull")]


class ConstructionSite(RegisterRow):
    """A building site and how far its work has begun again."""

    code = models.CharField(max_length=32, unique=True)
    builder = models.CharField(max_length=120, blank=True, default="")
    is_major = models.BooleanField(default=False)
    worker_count = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=8, default="stopped")

    class Meta:
        constraints = [_one_of("state", SITE_STATES, "site_state")]
