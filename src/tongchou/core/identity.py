"""Numbers that identify firms and people: checked, written in one way, masked, and made up validly where a town is generated."""

import re
import unicodedata
from datetime import date
from operator import mul

import numpy as np
from numpy.typing import NDArray

from tongchou.core.errors import Refusal
from tongchou.core.wording import T

_CREDIT_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100-2015: no I, O, S, V, Z
_CREDIT_WEIGHTS = np.array([pow(3, place, 31) for place in range(17)])
_ORGANISATION_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2])  # GB 11714-1997
_RESIDENT_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])  # GB 11643-1999
_RESIDENT_CHECK = "10X98765432"
_PROVINCE_RANGES = ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 83), (91, 91))
_PROVINCES = frozenset(str(code) for first, last in _PROVINCE_RANGES for code in range(first, last + 1))

# Division 310199 is assigned to no county: a generated number is valid in form and plainly nobody's.
SYNTHETIC_DIVISION = "310199"


class IdentityProblem(Refusal):
    """A number that cannot be what it claims to be; `said` tells what is wrong, `remedy` what to do."""

    status = 422


def _plain(text: str) -> str:
    return re.sub(r"[\s\-‐-―]", "", unicodedata.normalize("NFKC", text)).upper()


def check_credit_code(text: str) -> str:
    """The unified social credit code (GB 32100-2015) in capitals without spaces. Raises IdentityProblem.

    The organisation code inside (places 9-17) must pass its own check of GB 11714 as well.
    """
    code = _plain(text)
    remedy = T("请对照营业执照重新填写", "Copy it again from the business licence")
    if len(code) != 18:
        raise IdentityProblem(
            T(f"统一社会信用代码应为18位，现为{len(code)}位", f"a credit code has 18 characters, this one {len(code)}"), remedy
        )
    for place, letter in enumerate(code, 1):
        if letter not in _CREDIT_LETTERS:
            said = T(
                f"第{place}位“{letter}”不允许（不用 I O S V Z）", f"character {place} '{letter}' is not allowed (I O S V Z are never used)"
            )
            raise IdentityProblem(said, remedy)
    if code[16] != organisation_check(code[8:16]):
        said = T("第17位（组织机构代码校验位）不符", "character 17, the check of the organisation code inside, does not match")
        raise IdentityProblem(said, remedy)
    if code[17] != credit_check(code[:17]):
        raise IdentityProblem(T("第18位校验码不符", "character 18, the check character, does not match"), remedy)
    return code


def organisation_check(body: str) -> str:
    """The check character of an organisation code's eight characters (GB 11714-1997)."""
    values = np.array([int(letter, 36) for letter in body])
    return "0123456789X0"[11 - int((values * _ORGANISATION_WEIGHTS).sum()) % 11]


def credit_check(body: str) -> str:
    """The check character of a credit code's first seventeen characters (GB 32100-2015, mod 31)."""
    values = np.array([_CREDIT_LETTERS.index(letter) for letter in body])
    return _CREDIT_LETTERS[-int((values * _CREDIT_WEIGHTS).sum()) % 31]


def check_resident_id(text: str, on: date | None = None) -> str:
    """The 18-character resident identity number (GB 11643-1999). Raises IdentityProblem; `on` refuses birthdays after that day."""
    number = _plain(text)
    remedy = T("请对照身份证重新填写", "Copy it again from the identity card")
    if not re.fullmatch(r"[0-9]{17}[0-9X]", number):
        said = T(
            f"身份证号应为17位数字加1位数字或X，现为{len(number)}位",
            f"an identity number has 17 digits and a digit or X; this has {len(number)} characters",
        )
        raise IdentityProblem(said, remedy)
    if number[:2] not in _PROVINCES:
        raise IdentityProblem(T(f"前两位 {number[:2]} 不是省级代码", f"the first two digits {number[:2]} are no province"), remedy)
    try:
        born_on = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        raise IdentityProblem(T(f"出生日期 {number[6:14]} 不存在", f"the birthday {number[6:14]} does not exist"), remedy) from None
    if born_on.year < 1880 or (on is not None and born_on > on):
        raise IdentityProblem(T(f"出生日期 {born_on} 不合理", f"the birthday {born_on} cannot be"), remedy)
    if number[17] != resident_check(number[:17]):
        raise IdentityProblem(T("第18位校验码不符", "digit 18, the check digit, does not match"), remedy)
    return number


def resident_check(body: str) -> str:
    """The check digit of an identity number's first seventeen digits (GB 11643-1999, ISO 7064 mod 11-2)."""
    # Plain integers: for one number an array costs eight times as much, and imports check every row.
    return _RESIDENT_CHECK[sum(map(mul, map(int, body), _RESIDENT_WEIGHTS.tolist())) % 11]


def check_mobile(text: str) -> str:
    """A mainland mobile number as eleven digits; +86 or 0086 before it is dropped. Raises IdentityProblem."""
    number = re.sub(r"^(\+86|0086|86(?=1[3-9][0-9]{9}$))", "", _plain(text))
    if not re.fullmatch(r"1[3-9][0-9]{9}", number):
        raise IdentityProblem(
            T("不是大陆手机号：应为1开头的11位数字，第二位3至9", "not a mainland mobile number: eleven digits, first 1, second 3 to 9"),
            T("请核对号码", "Check the number"),
        )
    return number


def mask_resident_id(number: str) -> str:
    """First three and last two characters only: 310*************4X."""
    return number[:3] + "*" * max(0, len(number) - 5) + number[-2:] if len(number) > 5 else "*" * len(number)


def mask_mobile(number: str) -> str:
    """138****5678."""
    return f"{number[:3]}****{number[-4:]}" if len(number) == 11 else "*" * len(number)


def mask_name(name: str) -> str:
    """The family name and stars."""
    return name[:1] + "*" * max(0, len(name) - 1)


_NUMBER_IN_TEXT = re.compile(r"(?<![0-9A-Za-z])(?:[1-9][0-9]{5}(?:18|19|20)[0-9]{9}[0-9Xx]|(?:\+?86)?1[3-9][0-9]{9})(?![0-9A-Za-z])")


def mask_numbers(text: str) -> str:
    """A text with every identity number or mobile number in it masked: in a row shifted by a comma they stand anywhere."""
    return _NUMBER_IN_TEXT.sub(lambda found: f"{found[0][:3]}{'*' * (len(found[0]) - 5)}{found[0][-2:]}", text)


def synthetic_resident_ids(born_on: NDArray[np.datetime64], is_male: NDArray[np.bool_]) -> list[str]:
    """Valid, distinct identity numbers of division 310199 for given birthdays; odd sequence numbers are men, even ones women.

    Raises ValueError when more than 500 people of one sex share a birthday, since the sequence has three digits.
    """
    days = born_on.astype("datetime64[D]")
    key = days.astype(np.int64) * 2 + is_male
    order = np.argsort(key, kind="stable")
    starts = np.r_[True, key[order][1:] != key[order][:-1]]
    rank = np.arange(len(key)) - np.maximum.accumulate(np.where(starts, np.arange(len(key)), 0))
    sequence = np.empty(len(key), dtype=np.int64)
    sequence[order] = rank * 2 + is_male[order]
    if len(sequence) and sequence.max() > 999:
        raise ValueError("more than 500 people of one sex share a birthday; no sequence number is left")
    stamps = np.char.replace(days.astype(str), "-", "")
    bodies = np.char.add(np.char.add(SYNTHETIC_DIVISION, stamps), np.char.zfill(sequence.astype(str), 3))
    check = np.array(list(_RESIDENT_CHECK))[(_digits(bodies, 17) * _RESIDENT_WEIGHTS).sum(axis=1) % 11]
    return [str(number) for number in np.char.add(bodies, check)]


def synthetic_mobiles(random: np.random.Generator, count: int) -> list[str]:
    """Distinct numbers of valid form, 19900 and six digits. China reserves no range for fiction: never dial or text them."""
    return [f"19900{number:06d}" for number in random.choice(1_000_000, size=count, replace=False)]


def synthetic_credit_codes(random: np.random.Generator, count: int) -> list[str]:
    """Valid, distinct credit codes of division 310199 with organisation codes that begin with MX."""
    drawn = random.choice(31**4 * 100, size=count, replace=False)
    values = np.stack([drawn // 100 // 31**power % 31 for power in (3, 2, 1, 0)] + [drawn % 100 // 10, drawn % 10], axis=1)
    letters = np.array(list(_CREDIT_LETTERS))[values]
    codes = []
    for row in letters:
        organisation = "MX" + "".join(row)
        body = f"91{SYNTHETIC_DIVISION}{organisation}{organisation_check(organisation)}"
        codes.append(body + credit_check(body))
    return codes


def _digits(numbers: NDArray[np.str_], width: int) -> NDArray[np.int64]:
    """A matrix of the digits of equally long numbers."""
    return numbers.astype(f"<U{width}").view("<U1").reshape(len(numbers), width).astype(np.int64)
