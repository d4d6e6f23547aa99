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

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Numbers = Callable[[str], Floats]  # a field of all firms as numbers, a flag as 0 or 1; NaN: not known
DAYS_A_MONTH, MONTHS_A_YEAR = 30, 12
_EACH = {"per_person": "insured_staff", "per_hire": "hires", "per_person_day": "person_days"}


@dataclass(frozen=True, slots=True, eq=False)
class Worth:
    """yuan: (firms,), NaN where the measure gives no sum or a fact is missing; needs: the fields that the sum is made of."""

    yuan: Floats
    needs: tuple[str, ...]


def field_of(base: str) -> str:
    """The field that holds a base written in words: `hall rent` → `hall_rent`."""
    return re.sub(r"\W+", "_", base.strip().lower()).strip("_")


def worth_of(benefit: Mapping[str, Any], firms: int, numbers: Numbers) -> Worth:
    """What a benefit is worth to each of so many firms. A missing fact gives no sum, never a smaller one."""
    parts = _factors(benefit)
    if parts is None:
        return Worth(np.full(firms, np.nan), ())
    needs, factor = parts
    yuan = np.full(firms, factor)
    if benefit["type"] == "rent_waiver":
        yuan *= _months(benefit, firms, numbers)
    for name in needs:
        column = numbers(name)
        yuan = yuan * (np.minimum(column, MONTHS_A_YEAR) / MONTHS_A_YEAR if name == "lease_months" else column)
    cap = benefit.get("cap")
    return Worth(np.round(np.minimum(yuan, float(cap)) if isinstance(cap, int | float) else yuan, 2), tuple(needs))


def is_sum(benefit: Mapping[str, Any]) -> bool:
    """Whether a benefit is a sum that can be reckoned here."""
    return _factors(benefit) is not None


def fields_asked(benefit: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields that the worth of a benefit rests on."""
    parts = _factors(benefit)
    return (*(parts[0] if parts else ()), *benefit.get("plus", {}).get("when_any", ()))


def _factors(benefit: Mapping[str, Any]) -> tuple[list[str], float] | None:
    """Fields to multiply and the number to multiply them with; None where the benefit is no sum."""
    kind = benefit["type"]
    if kind == "rent_waiver":
        return ["monthly_rent", *(["lease_months"] if "prorate_by_lease_months" in benefit else [])], 1.0
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


def _months(benefit: Mapping[str, Any], firms: int, numbers: Numbers) -> Floats:
    """Months free of rent; a flag that is not known adds none."""
    more, months = benefit.get("plus", {}), np.full(firms, float(benefit["months"]))
    if more:
        months += more["months"] * np.any([numbers(flag) == 1 for flag in more["when_any"]], axis=0)
    found: Floats = np.minimum(months, benefit.get("max_months", np.inf))
    return found


def _grant(benefit: Mapping[str, Any]) -> tuple[list[str], float] | None:
    if isinstance(benefit.get("amount"), int | float):
        return [], float(benefit["amount"])
    for key, name in _EACH.items():
        if isinstance(benefit.get(key), int | float):
            return [field_of(benefit["base"]) if key == "per_person" and "base" in benefit else name], float(benefit[key])
    if isinstance(benefit.get("per_m2_day"), int | float):
        return ["floor_area_m2"], float(benefit["per_m2_day"]) * DAYS_A_MONTH * benefit.get("months", 1)
    return None
