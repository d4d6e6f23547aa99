"""Generated firms: industries by assumed shares, sizes by the national standard, and how far each is back at work on 2 June 2022."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from tongchou.core.identity import synthetic_credit_codes, synthetic_mobiles
from tongchou.core.packs.contents import IndustrySpec, PlaceSpec
from tongchou.domains.registry import generation_names as names
from tongchou.domains.registry.generation_people import Table
from tongchou.domains.registry.rules import size_class_of

# Share of firms still closed and share at full capacity on the reference day, by section or division (assumption in the spirit of the
# reopening stages: shops and offices open from 1 June, no dining in, schools and leisure shut).
_STATES: Mapping[str, tuple[float, float]] = {
    "A": (0.15, 0.40), "C": (0.18, 0.34), "D": (0.02, 0.80), "E": (0.42, 0.12), "F": (0.30, 0.18), "G": (0.16, 0.38), "H": (0.52, 0.05),
    "I": (0.12, 0.48), "J": (0.15, 0.40), "K": (0.25, 0.22), "L": (0.34, 0.16), "M": (0.22, 0.28), "N": (0.15, 0.35), "O": (0.46, 0.07),
    "P": (0.90, 0.01), "Q": (0.20, 0.40), "R": (0.82, 0.02), "S": (0.10, 0.50),
}  # fmt: skip


@dataclass(frozen=True)
class FirmParams:
    """Shape of the economy; all assumptions."""

    staff_log_mean: float = 1.7
    staff_log_sd: float = 1.25
    staff_factor: Mapping[str, float] = field(
        default_factory=lambda: {"C": 3.2, "E": 2.2, "G": 1.8, "D": 4.0, "I": 1.4, "Q": 1.8, "P": 1.8}
    )
    revenue_per_staff_cny_10k: Mapping[str, float] = field(
        default_factory=lambda: {"51": 190.0, "52": 75.0, "62": 18.0, "60": 30.0, "80": 14.0}
    )
    state_owned_share: float = 0.18
    committee_weight: float = 1.6  # firms per resident of a neighbourhood against a village


def generate_firms(
    villages: Sequence[PlaceSpec],
    industries: Sequence[IndustrySpec],
    count: int,
    on: date,
    random: np.random.Generator,
    params: FirmParams | None = None,
) -> Table:
    """`count` firms as columns. Credit codes are valid in form and of no county."""
    params = params or FirmParams()
    divisions = [industry for industry in industries if industry.division and industry.share > 0]
    shares = np.array([industry.share for industry in divisions])
    kind = random.choice(len(divisions), count, p=shares / shares.sum())
    industry = np.array([d.division for d in divisions])[kind]
    section = np.array([d.section for d in divisions])[kind]
    staff = _staff(section, random, params)
    revenue = _revenue(industry, staff, random, params)
    assets = np.round(revenue * random.lognormal(0, 0.7, count)).astype(np.int64)
    pull = np.array([v.population * (params.committee_weight if v.kind == "committee" else 1.0) for v in villages])
    place = random.choice(len(villages), count, p=pull / pull.sum())
    states, resumed_on = _states(section, on, random)
    sizes = [
        size_class_of(str(i), staff_count=int(s), revenue_cny_10k=int(r), assets_cny_10k=int(a))
        for i, s, r, a in zip(industry, staff, revenue, assets, strict=True)
    ]
    return {
        "credit_code": synthetic_credit_codes(random, count),
        "place": np.array([village.code for village in villages])[place],
        "name": _firm_names(section, random),
        "address": [_premises(villages[at], random) for at in place],
        "phone": synthetic_mobiles(random, count),
        "industry": industry,
        "section": section,
        "size_class": sizes,
        "staff_count": staff,
        "revenue_cny_10k": revenue,
        "contact_name": _contacts(count, random),
        "state_owned_premises": random.random(count) < np.where(np.isin(sizes, ["micro", "small"]), params.state_owned_share, 0.1),
        "resumption": states,
        "resumed_on": resumed_on,
    }


def _staff(section: NDArray[np.str_], random: np.random.Generator, params: FirmParams) -> NDArray[np.int64]:
    factor = np.array([params.staff_factor.get(str(letter), 1.0) for letter in section])
    drawn = random.lognormal(params.staff_log_mean, params.staff_log_sd, len(section)) * factor
    return np.asarray(np.clip(np.round(drawn), 1, 6_000), dtype=np.int64)


def _revenue(industry: NDArray[np.str_], staff: NDArray[np.int64], random: np.random.Generator, params: FirmParams) -> NDArray[np.int64]:
    each = np.array([params.revenue_per_staff_cny_10k.get(str(code), 55.0) for code in industry])
    return np.asarray(np.maximum(1, np.round(staff * each * random.lognormal(0, 0.8, len(staff)))), dtype=np.int64)


def _states(section: NDArray[np.str_], on: date, random: np.random.Generator) -> tuple[NDArray[np.str_], list[date | None]]:
    """State on the reference day, and since when: whitelists from late April, the broad reopening in the last two days."""
    closed = np.array([_STATES[str(letter)][0] for letter in section])
    full = np.array([_STATES[str(letter)][1] for letter in section])
    luck = random.random(len(section))
    states = np.where(luck < closed, "closed", np.where(luck > 1 - full, "full", "resumed"))
    early = np.isin(section, ["C", "D", "G", "Q", "S"])
    days_ago = np.where(
        random.random(len(section)) < np.where(early, 0.7, 0.25), random.integers(5, 40, len(section)), random.integers(0, 2, len(section))
    )
    days_ago = np.where(states == "full", np.maximum(days_ago, 1), days_ago)
    since: list[date] = (np.datetime64(on) - days_ago).tolist()
    return states, [None if state == "closed" else day for state, day in zip(states, since, strict=True)]


def _firm_names(section: NDArray[np.str_], random: np.random.Generator) -> list[str]:
    """Distinct invented names; a second firm of one name gets a third sign, then a number."""
    used: set[str] = set()
    made = []
    for letter in section:
        trade = random.choice(names.FIRM_TRADES[str(letter)])
        middle = random.choice(names.FIRM_MIDDLES)
        name = f"上海{random.choice(names.FIRM_HEADS)}{middle}{trade}"
        if name in used:
            name = f"上海{random.choice(names.FIRM_HEADS)}{random.choice(names.FIRM_HEADS)}{middle}{trade}"
        while name in used:
            name = f"上海{random.choice(names.FIRM_HEADS)}{middle}{random.choice(names.COMPOUND_HEADS)}{random.choice(names.FIRM_MIDDLES)}{trade}"
        used.add(name)
        made.append(name)
    return made


def _premises(village: PlaceSpec, random: np.random.Generator) -> str:
    number, room = random.integers(1, 2_400), random.integers(1, 20) * 100 + random.integers(1, 20)
    return f"{village.name.zh}{number}号{room}室"


def _contacts(count: int, random: np.random.Generator) -> list[str]:
    surnames = random.choice(list(names.SURNAMES), count)
    given = random.choice(names.MALE_GIVEN + names.FEMALE_GIVEN, count)
    return [str(s) + str(g) for s, g in zip(surnames, given, strict=True)]
