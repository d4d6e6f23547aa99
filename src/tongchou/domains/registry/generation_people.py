"""Generated households and residents: shares of ages, sizes of households, names, valid numbers that are nobody's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from tongchou.core.identity import synthetic_mobiles, synthetic_resident_ids
from tongchou.core.packs.contents import PlaceSpec
from tongchou.domains.registry import generation_names as names

Column = NDArray[np.generic] | list[str] | list[str | None] | list[date | None]
Table = dict[str, Column]
_BANDS = ((0, 14), (15, 59), (60, 64), (65, 99))


@dataclass(frozen=True)
class PeopleParams:
    """Shape of the population. Shares without a source are assumptions."""

    band_shares: tuple[float, ...] = (0.089, 0.745, 0.050, 0.116)  # 0-14, 15-59, 60-64, 65+: Qingpu census 2020, bulletin no. 1
    collective_share: float = 0.102  # residents of collective households: same bulletin
    household_sizes: tuple[float, ...] = (0.30, 0.36, 0.22, 0.08, 0.04)  # of 1 to 5 people, mean 2.20: same bulletin's mean
    male_share: float = 0.546  # same bulletin
    other_province_share: float = 0.57  # same bulletin
    phone_share: float = 0.95  # of residents aged 12 or more: assumption
    dormitory_beds: int = 6  # assumption
    compound_residents: int = 1_600  # assumption


@dataclass(frozen=True, slots=True)
class _Slots:
    """One row per resident: whose household, which seat in it (0 = head), and whether it is a dormitory."""

    household: NDArray[np.int64]
    seat: NDArray[np.int64]
    size: NDArray[np.int64]
    collective: NDArray[np.bool_]
    village: NDArray[np.int64]


def generate_people(
    villages: Sequence[PlaceSpec], on: date, random: np.random.Generator, params: PeopleParams | None = None
) -> tuple[Table, Table]:
    """Households and residents of all villages as columns; each village gets exactly its population."""
    params = params or PeopleParams()
    slots = _make_slots(np.array([village.population for village in villages]), random, params)
    ages = _assign_ages(slots, random, params)
    is_male = _assign_sex(slots, random, params)
    born_on = np.datetime64(on) - ((ages + random.uniform(0.004, 0.996, len(ages))) * 365.2425).astype(int)
    people_names = _assign_names(slots, ages, is_male, random)
    addresses = _assign_addresses(villages, slots, random, params)
    phones: NDArray[np.object_] = np.array(synthetic_mobiles(random, len(ages)), dtype=object)
    phones[(ages < 12) | (random.random(len(ages)) >= params.phone_share)] = None
    codes = np.array([village.code for village in villages])
    numbers = np.arange(slots.household.max() + 1) + 1
    heads = np.flatnonzero(slots.seat == 0)
    household_codes = np.char.add("H", np.char.zfill(numbers.astype(str), 6))
    other = (random.random(len(numbers)) < params.other_province_share)[slots.household] | slots.collective
    households: Table = {
        "code": household_codes,
        "place": codes[slots.village[heads]],
        "name": people_names[heads],
        "address": addresses[heads],
        "phone": phones[heads].tolist(),
        "is_collective": slots.collective[heads],
    }
    residents: Table = {
        "household": household_codes[slots.household],
        "place": codes[slots.village],
        "name": people_names,
        "address": addresses,
        "phone": phones.tolist(),
        "id_number": synthetic_resident_ids(born_on, is_male),
        "sex": np.where(is_male, "m", "f"),
        "born_on": born_on,
        "residence": np.where(other, "other", "local"),
    }
    return households, residents


def _make_slots(people: NDArray[np.int64], random: np.random.Generator, params: PeopleParams) -> _Slots:
    parts: list[NDArray[np.int64]] = []
    shares = np.array(params.household_sizes) / np.sum(params.household_sizes)
    for village, population in enumerate(people):
        dormitory = int(population * params.collective_share)
        sizes = _sizes_summing_to(int(population) - dormitory, random, shares)
        beds = np.full(dormitory // params.dormitory_beds, params.dormitory_beds)
        if dormitory % params.dormitory_beds:
            beds = np.append(beds, dormitory % params.dormitory_beds)
        both = np.concatenate([sizes, beds])
        parts.append(np.stack([both, np.arange(len(both)) >= len(sizes), np.full(len(both), village)]))
    size, collective, village_of = np.concatenate(parts, axis=1)
    household = np.repeat(np.arange(len(size)), size)
    starts = np.cumsum(size) - size
    seat = np.arange(len(household)) - np.repeat(starts, size)
    return _Slots(household, seat, size[household], collective[household].astype(bool), village_of[household])


def _sizes_summing_to(people: int, random: np.random.Generator, shares: NDArray[np.float64]) -> NDArray[np.int64]:
    sizes = random.choice(len(shares), size=people, p=shares) + 1
    last = int(np.searchsorted(np.cumsum(sizes), people))
    sizes = sizes[: last + 1]
    sizes[-1] -= sizes.sum() - people
    return sizes[sizes > 0]


def _assign_ages(slots: _Slots, random: np.random.Generator, params: PeopleParams) -> NDArray[np.int64]:
    """Exact numbers in each age band: children never head or live alone, the old live mostly alone or in couples."""
    count = len(slots.seat)
    wanted = np.floor(np.array(params.band_shares) * count).astype(int)
    wanted[1] += count - wanted.sum()
    family = ~slots.collective
    ages = np.full(count, -1, dtype=np.int64)

    def take(band: int, candidates: NDArray[np.int64], weights: NDArray[np.float64]) -> None:
        order = np.argsort(-np.log(random.random(len(candidates))) / weights, kind="stable")
        chosen = candidates[order[: wanted[band]]]
        low, high = _BANDS[band]
        span = (
            random.integers(low, high + 1, len(chosen))
            if band != 3
            else np.minimum(99, 65 + random.gamma(1.6, 5.0, len(chosen))).astype(int)
        )
        ages[chosen] = span

    child_seats = np.flatnonzero(family & (slots.seat >= 1) & ((slots.seat >= 2) | (slots.size == 2)))
    take(0, child_seats, np.where(slots.seat[child_seats] >= 2, 1.0, 0.05))
    for band in (3, 2):
        free = np.flatnonzero(family & (ages < 0))
        by_household = random.random(slots.household.max() + 1)[slots.household[free]]  # couples grow old together
        take(band, free, np.where(slots.size[free] <= 2, 1.0, 0.12) * np.where(by_household < 0.3, 12.0, 1.0))
    rest = np.flatnonzero(ages < 0)
    grown = np.where(random.random(len(rest)) < 0.7, random.normal(34, 8, len(rest)), random.normal(47, 9, len(rest)))
    low = np.where(slots.seat[rest] == 0, 19, 15)
    ages[rest] = np.clip(grown, low, 59).astype(int)
    return ages


def _assign_sex(slots: _Slots, random: np.random.Generator, params: PeopleParams) -> NDArray[np.bool_]:
    """Second seats of families are mostly of the other sex than the head; the whole keeps the male share."""
    is_male = random.random(len(slots.seat)) < params.male_share
    second = np.flatnonzero((slots.seat == 1) & ~slots.collective & (random.random(len(slots.seat)) < 0.9))
    is_male[second] = ~is_male[second - 1]
    surplus = int(is_male.sum() - round(params.male_share * len(is_male)))
    free = np.flatnonzero(((slots.seat >= 2) | slots.collective | (slots.size == 1)) & (is_male == (surplus > 0)))
    is_male[random.choice(free, min(abs(surplus), len(free)), replace=False)] = surplus < 0
    return is_male


def _assign_names(slots: _Slots, ages: NDArray[np.int64], is_male: NDArray[np.bool_], random: np.random.Generator) -> NDArray[np.str_]:
    """Children bear the family name of the head."""
    weights = np.array(list(names.SURNAMES.values()), dtype=float)
    surnames = np.array(list(names.SURNAMES))[random.choice(len(weights), len(ages), p=weights / weights.sum())]
    heads = np.arange(len(ages)) - slots.seat
    surnames = np.where((ages < 25) & ~slots.collective, surnames[heads], surnames)
    first = np.where(is_male, random.choice(names.MALE_GIVEN, len(ages)), random.choice(names.FEMALE_GIVEN, len(ages)))
    second = random.choice(names.SECOND_GIVEN, len(ages))
    return np.char.add(np.char.add(surnames, second), first)


def _assign_addresses(villages: Sequence[PlaceSpec], slots: _Slots, random: np.random.Generator, params: PeopleParams) -> NDArray[np.str_]:
    """Compound, building and room in neighbourhoods; hamlet and house number in villages; one address per household."""
    household_count = int(slots.household.max()) + 1
    heads = np.flatnonzero(slots.seat == 0)
    village_of, dormitory = slots.village[heads], slots.collective[heads]
    texts = np.empty(household_count, dtype="<U40")
    for index, village in enumerate(villages):
        own = np.flatnonzero(village_of == index)
        flats = ~dormitory[own]
        compounds = compound_names(village, max(2, village.population // params.compound_residents), random)
        which = np.sort(random.integers(0, len(compounds), len(own)))
        if village.kind == "village":
            body = np.char.add(compounds[which], np.char.add(random.integers(1, 260, len(own)).astype(str), "号"))
        else:
            building = np.char.add(random.integers(1, 46, len(own)).astype(str), "号")
            room = random.integers(1, 12, len(own)) * 100 + random.integers(1, 7, len(own))
            body = np.char.add(np.char.add(compounds[which], building), np.char.add(room.astype(str), "室"))
        rooms = np.char.add(random.integers(1, 30, len(own)).astype(str), "号宿舍")
        texts[own] = np.where(flats, body, np.char.add(f"{village.name.zh}职工公寓", rooms))
    return texts[slots.household]


def compound_names(village: PlaceSpec, count: int, random: np.random.Generator) -> NDArray[np.str_]:
    """Distinct names of housing compounds, or of hamlets where the place is a village."""
    if village.kind == "village":
        made = [f"{s}家{t}" for s in list(names.SURNAMES)[:50] for t in names.HAMLET_TAILS]
    else:
        made = [a + b + c for a in names.COMPOUND_HEADS for b in names.COMPOUND_MIDDLES for c in names.COMPOUND_TAILS]
    return np.array([made[index] for index in random.choice(len(made), count, replace=False)])
