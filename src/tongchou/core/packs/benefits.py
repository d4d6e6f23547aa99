"""What a measure is worth to one firm in yuan, from its benefit as written and the firm's own numbers; with its cap.

| type | amount | fields it needs |
|---|---|---|
| rent_waiver | monthly rent × months; `plus` months when one of its flags holds; × lease_months / 12 where prorated | monthly_rent, lease_months |
| grant | amount; or per person, hire, person-day; or per m² and day for months of 30 days | insured_staff (or its base), hires, person_days, floor_area_m2 |
| refund, subsidy, interest_subsidy | rate or share × base | the base, its words joined by _ |
| bill_cut | rate × bills | utility_bills |

A deferral, a rate cut or a service has no amount here; nor has a benefit whose number is set elsewhere.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Facts = Callable[[str], float | None]  # a firm's number by the name of a field, a flag as 0 or 1; None: not known
DAYS_A_MONTH, MONTHS_A_YEAR = 30, 12
_EACH = {"per_person": "insured_staff", "per_hire": "hires", "per_person_day": "person_days"}


@dataclass(frozen=True, slots=True)
class Amount:
    """Yuan; None where the measure gives no sum, or a fact is missing: then its name."""

    yuan: float | None
    missing: tuple[str, ...] = ()


def field_of(base: str) -> str:
    """The field that holds a base written in words: `hall rent` → `hall_rent`."""
    return re.sub(r"\W+", "_", base.strip().lower()).strip("_")


def amount_of(benefit: Mapping[str, Any], facts: Facts) -> Amount:
    """What a benefit is worth. A missing fact gives no amount, never a smaller one."""
    parts = _factors(benefit, facts)
    if parts is None:
        return Amount(None)
    needed, factor = parts
    values = {name: facts(name) for name in needed}
    missing = tuple(name for name, value in values.items() if value is None)
    if missing:
        return Amount(None, missing)
    yuan = factor
    for name, value in values.items():
        assert value is not None
        yuan *= min(value, MONTHS_A_YEAR) / MONTHS_A_YEAR if name == "lease_months" else value
    cap = benefit.get("cap")
    return Amount(round(min(yuan, float(cap)) if isinstance(cap, int | float) else yuan, 2))


def _factors(benefit: Mapping[str, Any], facts: Facts) -> tuple[list[str], float] | None:
    """Fields to multiply and the number to multiply them with; None where the benefit is no sum."""
    kind = benefit["type"]
    if kind == "rent_waiver":
        return ["monthly_rent", *(["lease_months"] if "prorate_by_lease_months" in benefit else [])], _months(benefit, facts)
    if kind == "grant":
        return _grant(benefit)
    rate = benefit.get("rate", benefit.get("share"))
    if not isinstance(rate, int | float):
        return None
    if kind == "bill_cut":
        return ["utility_bills"], float(rate)
    if kind in ("refund", "subsidy", "interest_subsidy") and isinstance(benefit.get("base"), str):
        return [field_of(benefit["base"])], float(rate)
    return None


def _months(benefit: Mapping[str, Any], facts: Facts) -> float:
    more = benefit.get("plus", {})
    months = benefit["months"] + (more["months"] if any(facts(flag) for flag in more.get("when_any", ())) else 0)
    return float(min(months, benefit.get("max_months", months)))


def _grant(benefit: Mapping[str, Any]) -> tuple[list[str], float] | None:
    if isinstance(benefit.get("amount"), int | float):
        return [], float(benefit["amount"])
    for key, name in _EACH.items():
        if isinstance(benefit.get(key), int | float):
            return [field_of(benefit["base"]) if key == "per_person" and "base" in benefit else name], float(benefit[key])
    if isinstance(benefit.get("per_m2_day"), int | float):
        return ["floor_area_m2"], float(benefit["per_m2_day"]) * DAYS_A_MONTH * benefit.get("months", 1)
    return None
