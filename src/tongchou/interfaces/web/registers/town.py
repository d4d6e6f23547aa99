"""The seven registers of a town."""

from collections.abc import Mapping

from tongchou.core.importing.columns import Column, choice
from tongchou.core.wording import T
from tongchou.domains.registry import imports, models
from tongchou.domains.registry.rules import SECTIONS, SIZE_CLASSES
from tongchou.interfaces.web.registers.register import Register

REGISTERS: Mapping[str, Register] = {
    register.slug: register
    for register in (
        Register(
            models.Household,
            columns=("code", "name", "place_id", "address", "phone"),
            form=("code", "name", "place_id", "address", "phone", "is_collective"),
            import_spec=imports.HOUSEHOLDS,
        ),
        Register(
            models.Resident,
            columns=("name", "id_number", "sex", "born_on", "place_id", "address", "phone"),
            form=("name", "id_number", "sex", "born_on", "place_id", "address", "phone", "household_id", "residence"),
            import_spec=imports.RESIDENTS,
        ),
        Register(
            models.Firm,
            columns=("name", "credit_code", "place_id", "industry", "staff_count", "resumption"),
            form=(
                "name", "credit_code", "place_id", "address", "industry", "staff_count", "revenue_cny_10k", "assets_cny_10k", "contact_name",
                "phone", "state_owned_premises", "resumption", "resumed_on",
            ),
            import_spec=imports.FIRMS,
            derived=(
                Column("section", T("行业门类", "Sector"), choice(SECTIONS), "C", choices=SECTIONS),
                Column("size_class", T("规模", "Size"), choice(SIZE_CLASSES), "small", choices=SIZE_CLASSES),
            ),
        ),
        Register(
            models.Venue,
            columns=("code", "name", "venue_class", "place_id", "address", "capacity"),
            form=("code", "name", "venue_class", "place_id", "address", "firm_id", "capacity", "phone"),
            import_spec=imports.VENUES,
        ),
        Register(
            models.School,
            columns=("code", "name", "stage", "place_id", "pupil_count", "staff_count", "is_open"),
            form=("code", "name", "stage", "place_id", "address", "pupil_count", "staff_count", "phone", "is_open"),
            import_spec=imports.SCHOOLS,
        ),
        Register(
            models.CareHome,
            columns=("code", "name", "place_id", "bed_count", "resident_count", "staff_count"),
            form=("code", "name", "place_id", "address", "bed_count", "resident_count", "staff_count", "phone"),
            import_spec=imports.CARE_HOMES,
        ),
        Register(
            models.ConstructionSite,
            columns=("code", "name", "builder", "place_id", "is_major", "worker_count", "state"),
            form=("code", "name", "place_id", "address", "builder", "is_major", "worker_count", "state", "phone"),
            import_spec=imports.SITES,
        ),
    )
}  # fmt: skip
