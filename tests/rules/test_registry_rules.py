"""Size of a firm, section of an industry, and when two rows are likely the same."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongchou.domains.registry import rules

INDICATORS = st.tuples(st.integers(0, 3_000), st.integers(0, 300_000), st.integers(0, 200_000))


@pytest.mark.parametrize(
    ("industry", "staff", "revenue", "assets", "size"),
    [
        ("39", 250, 50_000, None, "small"),  # 250 staff, 500 M yuan: no class at all when upper bounds are tested one by one
        ("39", 300, 2_000, None, "medium"),
        ("39", 299, 2_000, None, "small"),
        ("39", 1_000, 40_000, None, "large"),
        ("39", 1_000, 39_999, None, "medium"),
        ("39", 19, 40_000, None, "micro"),
        ("62", 100, 2_000, None, "medium"),
        ("51", 5, 1_000, None, "small"),
        ("52", 300, 20_000, None, "large"),
        ("5910", 20, 200, None, "small"),
        ("5920", 200, 30_000, None, "large"),
        ("01", 0, 500, None, "medium"),
        ("47", 9_999, 6_000, 5_000, "medium"),
        ("47", 9_999, 6_000, 299, "micro"),
        ("7010", 0, 1_000, 5_000, "medium"),
        ("7020", 100, 500, None, "small"),
        ("7030", 100, 0, None, "medium"),
        ("72", 100, 0, 8_000, "medium"),
        ("82", 300, 0, None, "large"),
    ],
)
def test_size_class_by_the_standard(industry: str, staff: int, revenue: int, assets: int | None, size: str) -> None:
    assert rules.size_class_of(industry, staff_count=staff, revenue_cny_10k=revenue, assets_cny_10k=assets) == size


@given(
    st.sampled_from(["01", "39", "47", "51", "52", "54", "5910", "60", "62", "63", "65", "7010", "7020", "72", "82"]),
    INDICATORS,
    INDICATORS,
)
def test_a_larger_firm_is_never_of_a_smaller_class(industry: str, one: tuple[int, int, int], more: tuple[int, int, int]) -> None:
    order = ("micro", "small", "medium", "large")

    def rank(figures: tuple[int, ...]) -> int:
        return order.index(rules.size_class_of(industry, staff_count=figures[0], revenue_cny_10k=figures[1], assets_cny_10k=figures[2]))

    assert rank(one) <= rank(tuple(a + b for a, b in zip(one, more, strict=True)))


def test_sections_agree_with_the_pack_s_list_of_industries() -> None:
    path = Path(__file__).parents[2] / "packs/xujing/industries.csv"
    rows = [row for row in csv.DictReader(path.open(encoding="utf-8")) if row["division"]]
    assert len(rows) == 97 and all(rules.section_of(row["division"]) == row["section"] for row in rows)
    assert {row["section"] for row in rows} == set(rules.SECTIONS)


@pytest.mark.parametrize("industry", ["", "5", "00", "98", "5a", "52111", "饮食"])
def test_what_is_no_industry_has_no_section(industry: str) -> None:
    assert rules.section_of(industry) is None


@pytest.mark.parametrize(
    ("name", "core"),
    [
        ("上海徐泾明珠餐饮管理有限公司", "明珠餐饮管理"), ("上海市青浦区徐泾镇明珠餐饮店", "明珠餐饮店"), ("Ｍｉｎｇ Zhu Co., Ltd.", "mingzhu"), ("有限公司", "有限公司"),
    ],
)  # fmt: skip
def test_core_of_a_firm_s_name(name: str, core: str) -> None:
    assert rules.firm_core(name) == core


PERSON = {"name": "王建国", "sex": "m", "born_on": "1980-05-06", "address": "前明路8号", "has_key": False}


@pytest.mark.parametrize(
    ("change", "is_near"),
    [
        ({}, True), ({"name": "王建帼"}, True), ({"address": ""}, True), ({"name": "王建帼", "address": "金云路99弄"}, False),
        ({"name": "王小明"}, False), ({"sex": "f"}, False), ({"id_number": "x"}, True),
    ],
)  # fmt: skip
def test_likely_the_same_person(change: dict[str, str], is_near: bool) -> None:
    assert (rules.alike_person({**PERSON, **change}, PERSON) >= 0.82) is is_near


def test_two_different_identity_numbers_are_two_people() -> None:
    assert rules.alike_person({**PERSON, "id_number": "x"}, {**PERSON, "has_key": True}) == 0


def test_chains_repeat_a_name_so_the_address_decides() -> None:
    known = {"name": "全家便利店", "address": "明珠路1号", "place_id": 1}
    assert rules.alike_site({"name": "全家便利店", "address": "明珠路1号", "place_id": 1}, known) == 1
    assert rules.alike_site({"name": "全家便利店", "address": "诸光路1588弄", "place_id": 1}, known) < 0.82


@given(st.text(max_size=20))
def test_plain_name_is_its_own_plain_name(name: str) -> None:
    assert rules.plain_name(rules.plain_name(name)) == rules.plain_name(name)
