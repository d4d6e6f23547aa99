"""The generated registers: right shares, valid numbers, right sums, and the same from the same seed."""

from collections import Counter
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from tests import packs_once
from tongchou.core.identity import SYNTHETIC_DIVISION, check_credit_code, check_mobile, check_resident_id
from tongchou.core.packs.contents import Pack
from tongchou.domains.registry import rules
from tongchou.domains.registry.generation import GeneratedRegisters, chunks, generate_registers
from tongchou.domains.registry.generation_sites import generate_venues

ON = date(2022, 6, 2)


@pytest.fixture(scope="module")
def pack() -> Pack:
    return packs_once.pack("xujing")


@pytest.fixture(scope="module")
def town(pack: Pack) -> GeneratedRegisters:
    return generate_registers(pack, ON)


def small(pack: Pack) -> Pack:
    """The same town with a fiftieth of its people, for tests that generate more than once."""
    assert pack.identity.generated is not None
    size = replace(pack.identity.generated, firms=200, venues=60)
    places = tuple(replace(place, population=place.population // 50) for place in pack.places)
    return replace(pack, places=places, identity=replace(pack.identity, generated=size))


def ages(town: GeneratedRegisters) -> np.ndarray:
    born = np.array(town.residents["born_on"], dtype="datetime64[D]")
    years = 2022 - (born.astype("datetime64[Y]").astype(int) + 1970)
    had_birthday = (born - born.astype("datetime64[Y]")).astype(int) <= (np.datetime64(ON) - np.datetime64("2022-01-01")).astype(int)
    return years - ~had_birthday


def test_each_village_has_exactly_its_people(pack: Pack, town: GeneratedRegisters) -> None:
    counted = Counter(np.asarray(town.residents["place"]).tolist())
    assert counted == {village.code: village.population for village in pack.villages}
    assert sum(counted.values()) == 200_000 and len(town.firms["name"]) == 10_000 and len(town.venues["name"]) == 3_000


def test_ages_follow_the_census(town: GeneratedRegisters) -> None:
    age = ages(town)
    shares = [((age >= low) & (age <= high)).mean() for low, high in ((0, 14), (15, 59), (60, 200), (65, 200))]
    assert shares == pytest.approx([0.089, 0.745, 0.166, 0.116], abs=0.002)
    assert age.min() == 0 and 90 < age.max() <= 100


def test_households_have_an_adult_head_and_two_point_two_members(town: GeneratedRegisters) -> None:
    members, collective = Counter(np.asarray(town.residents["household"]).tolist()), np.asarray(town.households["is_collective"])
    sizes = np.array([members[code] for code in np.asarray(town.households["code"]).tolist()])
    assert (sizes >= 1).all() and sizes[~collective].mean() == pytest.approx(2.20, abs=0.03)
    assert sizes[collective].sum() / 200_000 == pytest.approx(0.102, abs=0.002)
    heads = np.unique(np.asarray(town.residents["household"]), return_index=True)[1]
    assert (ages(town)[heads] >= 19).all()
    assert (np.asarray(town.residents["name"])[heads] == np.asarray(town.households["name"])).all()


def test_numbers_are_valid_distinct_and_nobodys(town: GeneratedRegisters) -> None:
    ids = town.residents["id_number"]
    assert len(set(ids)) == 200_000
    for row in range(0, 200_000, 997):
        number = check_resident_id(ids[row], on=ON)
        assert number[6:14] == str(town.residents["born_on"][row]).replace("-", "")
        assert (int(number[16]) % 2 == 1) == (town.residents["sex"][row] == "m") and number.startswith(SYNTHETIC_DIVISION)
    codes = town.firms["credit_code"]
    assert len(set(codes)) == 10_000 and all(check_credit_code(code) == code for code in codes[:300])
    phones = [phone for phone in town.residents["phone"] if phone]
    assert len(set(phones)) == len(phones) and all(check_mobile(phone) == phone for phone in phones[:300])
    assert 0.8 < len(phones) / 200_000 < 0.95


def test_sexes_and_origins_follow_the_census(town: GeneratedRegisters) -> None:
    assert (np.asarray(town.residents["sex"]) == "m").mean() == pytest.approx(0.546, abs=0.002)
    assert 0.55 < (np.asarray(town.residents["residence"]) == "other").mean() < 0.65


def test_words_are_those_the_registers_know(town: GeneratedRegisters) -> None:
    known = (
        (town.residents["sex"], rules.SEXES), (town.residents["residence"], rules.RESIDENCES), (town.firms["size_class"], rules.SIZE_CLASSES),
        (town.firms["resumption"], rules.RESUMPTIONS), (town.venues["venue_class"], rules.VENUE_CLASSES), (town.schools["stage"], rules.SCHOOL_STAGES),
        (town.construction_sites["state"], rules.SITE_STATES),
    )  # fmt: skip
    for values, words in known:
        assert set(map(str, values)) <= set(words)
    assert all(rules.section_of(str(i)) == s for i, s in zip(town.firms["industry"][:500], town.firms["section"][:500], strict=True))


def test_firms_are_back_at_work_as_in_early_june(town: GeneratedRegisters) -> None:
    section, state = np.asarray(town.firms["section"]), np.asarray(town.firms["resumption"])
    closed = {letter: (state[section == letter] == "closed").mean() for letter in "CFHIP"}
    assert closed["C"] < closed["F"] < closed["H"] < closed["P"] and closed["I"] < 0.2
    since = town.firms["resumed_on"]
    assert all((day is None) == (now == "closed") for day, now in zip(since, state, strict=True))
    assert all(date(2022, 4, 20) <= day <= ON for day in since if day is not None)
    sizes = Counter(town.firms["size_class"])
    assert sizes["micro"] > sizes["small"] > sizes["medium"] > sizes["large"] > 0
    assert len(set(town.firms["name"])) == 10_000


def test_venues_belong_to_firms_of_their_village(town: GeneratedRegisters) -> None:
    firm_place = dict(zip(town.firms["credit_code"], np.asarray(town.firms["place"]).tolist(), strict=True))
    owned = [(code, place) for code, place in zip(town.venues["firm"], town.venues["place"], strict=True) if code is not None]
    assert len(owned) > 2_000 and all(firm_place[code] == place for code, place in owned)
    assert len(set(town.venues["code"])) == 3_000


def test_columns_of_a_table_are_equally_long(town: GeneratedRegisters) -> None:
    for name, table in town.tables().items():
        assert len({len(values) for values in table.values()}) == 1, name


def test_chunks_hold_plain_values_and_every_row(town: GeneratedRegisters) -> None:
    parts = list(chunks(town.households, 50_000))
    assert sum(len(part["code"]) for part in parts) == len(town.households["code"])
    assert {type(part["is_collective"][0]) for part in parts} == {bool} and type(parts[0]["code"][0]) is str
    kinds = {type(value) for table in town.tables().values() for values in table.values() for value in values[:50]}
    assert kinds <= {str, int, bool, date, type(None)}


def test_the_same_seed_gives_the_same_town(pack: Pack) -> None:
    little = small(pack)
    first = generate_registers(little, ON)
    assert generate_registers(little, ON).digest() == first.digest()
    assert generate_registers(little, ON, seed=1).digest() != first.digest()


def test_more_firms_leave_the_people_as_they_were(pack: Pack) -> None:
    little = small(pack)
    assert little.identity.generated is not None
    more = replace(little, identity=replace(little.identity, generated=replace(little.identity.generated, firms=260)))
    assert generate_registers(more, ON).residents["id_number"] == generate_registers(little, ON).residents["id_number"]


def test_a_pack_that_is_to_be_imported_is_refused(pack: Pack) -> None:
    with pytest.raises(ValueError, match="to be imported"):
        generate_registers(replace(pack, identity=replace(pack.identity, generated=None)), ON)


def test_venues_without_fitting_firms_stand_alone(pack: Pack) -> None:
    none = {"industry": np.array([], dtype=str), "place": np.array([], dtype=str), "credit_code": []}
    assert set(generate_venues(pack.villages, none, 40, np.random.default_rng(1))["firm"]) == {None}
