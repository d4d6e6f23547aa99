"""Identity numbers against published codes, an independent implementation, and their own invariants."""

import csv
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric, uscc

from tongchou.core import identity
from tongchou.core.identity import IdentityProblem, check_credit_code, check_mobile, check_resident_id
from tongchou.core.wording import use_language


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with use_language("en"):
        yield


VECTORS = list(csv.DictReader((Path(__file__).parent.parent / "data" / "china_codes" / "uscc_vectors.csv").open(encoding="utf-8")))


def accepts(check, text: str) -> bool:
    try:
        check(text)
    except IdentityProblem as problem:
        assert problem.said.zh and problem.said.en and problem.remedy is not None
        return False
    return True


@pytest.mark.parametrize("code", ["91110000600037341L", "9144030071526726XG", "91310115MA1K3BTP2B", "91420684MA4927PJ7B"])
def test_real_credit_codes_pass(code: str) -> None:
    assert check_credit_code(code) == code


def test_a_wrong_check_character_is_refused() -> None:
    assert not accepts(check_credit_code, "91350100M000100Y4Z")


def test_a_public_institutions_code_passes() -> None:
    # The project's first brief lists this one as invalid; both checks hold, and python-stdnum agrees that it is valid.
    assert uscc.is_valid("121200004013590816") and accepts(check_credit_code, "121200004013590816")


def test_all_247_vectors_agree() -> None:
    assert len(VECTORS) == 247
    assert [row["code"] for row in VECTORS if accepts(check_credit_code, row["code"]) != (row["valid"] == "1")] == []


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(IdentityProblem, match="18 characters, this one 17"):
        check_credit_code("9111000060003734L")
    with pytest.raises(IdentityProblem, match="character 9 'O'"):
        check_credit_code("91110000O00037341L")
    with pytest.raises(IdentityProblem, match="character 17"):
        body = "91350211M00013FA2"
        check_credit_code(body + identity.credit_check(body))
    with pytest.raises(IdentityProblem, match="character 18"):
        check_credit_code("91350100M000100Y4A")
    with pytest.raises(IdentityProblem, match="20210230 does not exist"):
        check_resident_id("11010520210230002X")
    with pytest.raises(IdentityProblem, match="check digit"):
        check_resident_id("11010519491231002Y".replace("Y", "1"))
    with pytest.raises(IdentityProblem, match="no province"):
        check_resident_id("99010519491231002X")


def test_other_ways_of_writing_the_same_number() -> None:
    assert check_credit_code(" 9111 0000-6000 3734 1l ") == "91110000600037341L"
    assert check_resident_id("１１０１０５１９４９１２３１００２x") == "11010519491231002X"
    assert {check_mobile(text) for text in ("13800138000", "+86 138-0013-8000", "0086 13800138000", "8613800138000")} == {"13800138000"}


@given(st.text(alphabet="0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=17, max_size=17), st.data())
def test_credit_check_is_that_of_the_oracle(body: str, data: st.DataObject) -> None:
    assert identity.credit_check(body) == uscc.calc_check_digit(body)


@given(st.dates(date(1900, 1, 1), date(2022, 6, 2)), st.integers(0, 999))
def test_resident_check_is_that_of_the_oracle(born_on: date, sequence: int) -> None:
    number = f"310101{born_on:%Y%m%d}{sequence:03d}"
    number += ric.calc_check_digit(number + "0")
    assert check_resident_id(number, on=date(2022, 6, 2)) == number


@given(st.integers(0, 17), st.sampled_from("0123456789"))
def test_one_wrong_digit_is_always_found(place: int, digit: str) -> None:
    right = "110105194912310021"[:17] + identity.resident_check("11010519491231002")
    wrong = right[:place] + digit + right[place + 1 :]
    assert wrong == right or not accepts(check_resident_id, wrong)


@pytest.mark.parametrize("text", ["", "110", "12800138000", "1380013800", "138001380000", "+1 13800138000", "一三八"])
def test_other_numbers_are_no_mobiles(text: str) -> None:
    assert not accepts(check_mobile, text)


def test_a_birthday_to_come_is_refused() -> None:
    number = "31010120230101001"
    number += identity.resident_check(number)
    assert accepts(check_resident_id, number)
    with pytest.raises(IdentityProblem, match="2023-01-01 cannot be"):
        check_resident_id(number, on=date(2022, 6, 2))


def test_masks_show_little() -> None:
    assert identity.mask_resident_id("310101199001011234") == "310*************34"
    assert identity.mask_mobile("13812345678") == "138****5678"
    assert identity.mask_name("林晓岚") == "林**"
    assert identity.mask_resident_id("1234") == "****"


def test_made_numbers_are_valid_distinct_and_plainly_nobodys() -> None:
    random = np.random.default_rng(5)
    born_on = np.datetime64("1930-01-01") + random.integers(0, 33_000, 5_000)
    is_male = random.random(5_000) < 0.5
    numbers = identity.synthetic_resident_ids(born_on, is_male)
    assert len(set(numbers)) == 5_000 and all(check_resident_id(n) == n for n in numbers)
    assert all(n[6:14] == str(d).replace("-", "") and int(n[16]) % 2 == m for n, d, m in zip(numbers, born_on, is_male, strict=True))
    codes = identity.synthetic_credit_codes(random, 500)
    assert len(set(codes)) == 500 and all(check_credit_code(c) == c and uscc.is_valid(c) for c in codes)
    mobiles = identity.synthetic_mobiles(random, 500)
    assert len(set(mobiles)) == 500 and all(check_mobile(m) == m for m in mobiles)
    assert {n[:6] for n in numbers} == {c[2:8] for c in codes} == {identity.SYNTHETIC_DIVISION}
    with pytest.raises(KeyError):  # the oracle knows every real county; for this one it finds no name
        ric.get_birth_place(numbers[0])


def test_too_many_birthdays_on_one_day_are_refused() -> None:
    with pytest.raises(ValueError, match="share a birthday"):
        identity.synthetic_resident_ids(np.full(501, np.datetime64("1990-01-01")), np.ones(501, dtype=bool))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("11010519491231002X", "110*************2X"),
        ("王 440524188001010014 13800138000", "王 440*************14 138******00"),
        ("8613800138000", "861********00"),
        ("91110000600037341L", "91110000600037341L"),
        ("明珠路1弄3号201", "明珠路1弄3号201"),
        ("2022-06-02", "2022-06-02"),
    ],
)
def test_numbers_inside_a_text_are_masked_and_nothing_else(text: str, shown: str) -> None:
    assert identity.mask_numbers(text) == shown
