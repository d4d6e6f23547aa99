"""What the words of the registers may be, how large a firm is, and when two rows are likely the same."""

import re
import unicodedata
from collections.abc import Mapping
from difflib import SequenceMatcher

from tongchou.core.wording import T

SEXES = {"m": T("男", "male"), "f": T("女", "female")}
RESIDENCES = {
    "local": T("本市户籍", "registered here"),
    "other": T("外省市户籍", "registered elsewhere"),
    "abroad": T("境外", "from abroad"),
}
SIZE_CLASSES = {"large": T("大型", "large"), "medium": T("中型", "medium"), "small": T("小型", "small"), "micro": T("微型", "micro")}
RESUMPTIONS = {"closed": T("未复工", "closed"), "resumed": T("已复工", "resumed"), "full": T("已达产", "at full capacity")}
SCHOOL_STAGES = {
    "kindergarten": T("幼儿园", "kindergarten"), "primary": T("小学", "primary school"), "middle": T("初中", "middle school"),
    "nine_year": T("九年一贯制", "nine-year school"), "high": T("高中", "high school"), "college": T("高校", "college"),
}  # fmt: skip
SITE_STATES = {"stopped": T("停工", "stopped"), "working": T("已复工", "working"), "finished": T("已竣工", "finished")}
VENUE_CLASSES = {
    "shop": T("商铺", "shop"), "supermarket": T("超市卖场", "supermarket"), "market": T("农贸市场", "food market"),
    "catering": T("餐饮", "restaurant"), "hotel": T("宾馆酒店", "hotel"), "pharmacy": T("药店", "pharmacy"), "clinic": T("医疗机构", "clinic"),
    "school": T("学校", "school"), "care_home": T("养老机构", "care home"), "office": T("楼宇办公", "office building"),
    "factory": T("厂房园区", "factory"), "site": T("工地", "building site"), "transport": T("交通场站", "transport"),
    "leisure": T("文体娱乐", "leisure"), "public": T("公共服务", "public service"), "compound": T("居住小区", "housing compound"),
    "other": T("其他", "other"),
}  # fmt: skip

# GB/T 4754-2017: last division of each section, in order.
_SECTION_ENDS = (
    (5, "A"), (12, "B"), (43, "C"), (46, "D"), (50, "E"), (52, "F"), (60, "G"), (62, "H"), (65, "I"), (69, "J"), (70, "K"), (72, "L"),
    (75, "M"), (79, "N"), (82, "O"), (83, "P"), (85, "Q"), (90, "R"), (96, "S"), (97, "T"),
)  # fmt: skip
SECTIONS = {
    "A": T("农、林、牧、渔业", "Agriculture"), "B": T("采矿业", "Mining"), "C": T("制造业", "Manufacturing"),
    "D": T("电力、热力、燃气及水生产和供应业", "Utilities"), "E": T("建筑业", "Construction"), "F": T("批发和零售业", "Wholesale and retail"),
    "G": T("交通运输、仓储和邮政业", "Transport, storage and post"), "H": T("住宿和餐饮业", "Accommodation and catering"),
    "I": T("信息传输、软件和信息技术服务业", "Information and software"), "J": T("金融业", "Finance"), "K": T("房地产业", "Real estate"),
    "L": T("租赁和商务服务业", "Leasing and business services"), "M": T("科学研究和技术服务业", "Research and technical services"),
    "N": T("水利、环境和公共设施管理业", "Water, environment and public facilities"),
    "O": T("居民服务、修理和其他服务业", "Resident services and repair"), "P": T("教育", "Education"), "Q": T("卫生和社会工作", "Health and social work"),
    "R": T("文化、体育和娱乐业", "Culture, sports and entertainment"),
    "S": T("公共管理、社会保障和社会组织", "Public administration"), "T": T("国际组织", "International organisations"),
}  # fmt: skip

# 国统字〔2017〕213号: per kind of industry (code prefixes), per indicator, the least value of small, medium and large.
# Staff in persons, revenue and assets in 10,000 yuan. Section letters stand for all their divisions.
_LEAST = Mapping[str, tuple[int, int, int]]
SIZE_STANDARD: tuple[tuple[tuple[str, ...], _LEAST], ...] = (
    (("A",), {"revenue": (50, 500, 20000)}),
    (("B", "C", "D"), {"staff": (20, 300, 1000), "revenue": (300, 2000, 40000)}),
    (("E",), {"revenue": (300, 6000, 80000), "assets": (300, 5000, 80000)}),
    (("51",), {"staff": (5, 20, 200), "revenue": (1000, 5000, 40000)}),
    (("52",), {"staff": (10, 50, 300), "revenue": (100, 500, 20000)}),
    (("591", "54", "55", "56", "57", "58"), {"staff": (20, 300, 1000), "revenue": (200, 3000, 30000)}),
    (("59",), {"staff": (20, 100, 200), "revenue": (100, 1000, 30000)}),
    (("60",), {"staff": (20, 300, 1000), "revenue": (100, 2000, 30000)}),
    (("61", "62"), {"staff": (10, 100, 300), "revenue": (100, 2000, 10000)}),
    (("63", "64"), {"staff": (10, 100, 2000), "revenue": (100, 1000, 100000)}),
    (("65",), {"staff": (10, 100, 300), "revenue": (50, 1000, 10000)}),
    (("7010",), {"revenue": (100, 1000, 200000), "assets": (2000, 5000, 10000)}),
    (("7020",), {"staff": (100, 300, 1000), "revenue": (500, 1000, 5000)}),
    (("71", "72"), {"staff": (10, 100, 300), "assets": (100, 8000, 120000)}),
)
_OTHERS: _LEAST = {"staff": (10, 100, 300)}


def section_of(industry: str) -> str | None:
    """The GB/T 4754-2017 section letter of a division, group or class code; None when there is no such division."""
    if not re.fullmatch(r"[0-9]{2,4}", industry) or industry.startswith("00"):
        return None
    return next((letter for last, letter in _SECTION_ENDS if int(industry[:2]) <= last), None)


def size_class_of(industry: str, *, staff_count: int, revenue_cny_10k: int, assets_cny_10k: int | None = None) -> str:
    """large, medium, small or micro by 国统字〔2017〕213号: a class only if EVERY known indicator of the industry reaches it, else the next below.

    An unknown indicator (None) is left out. Testing upper bounds one by one would leave a firm of 250 staff and 500 M yuan in no class.
    """
    section = section_of(industry)
    least = next((table for prefixes, table in SIZE_STANDARD if section in prefixes or industry.startswith(prefixes)), _OTHERS)
    known = {"staff": staff_count, "revenue": revenue_cny_10k, "assets": assets_cny_10k}
    reached = [sum(value >= bound for bound in least[name]) for name in least if (value := known[name]) is not None]
    return ("micro", "small", "medium", "large")[min(reached, default=0)]


_FORMS = re.compile(r"(股份有限公司|有限责任公司|有限公司|分公司|合伙企业|个体工商户|(?:普通合伙)|(?:有限合伙)|company|co|ltd|inc)$")
_TOWN_WORDS = re.compile(r"^(上海市?|青浦区?|徐泾镇?)+")
_SIGNS = re.compile(r"[\s\W_]+")


def plain_name(name: str) -> str:
    """A name reduced to what tells it apart: one width, lower case, no signs."""
    return _SIGNS.sub("", unicodedata.normalize("NFKC", name)).lower()


def firm_core(name: str) -> str:
    """A firm's name without place words in front and legal forms behind; the whole name if nothing would be left."""
    plain = plain_name(name)
    core, before = _TOWN_WORDS.sub("", plain), None
    while core != before:
        core, before = _FORMS.sub("", core), core
    return core or plain


def near_person(row: Mapping[str, object]) -> str:
    """Blocking key of a resident: birthday and family name, so that a mistyped given name still meets."""
    return f"{row['born_on']}|{plain_name(str(row['name']))[:1]}"


def near_firm(row: Mapping[str, object]) -> str:
    """Blocking key of a firm: the first four signs of the core of its name."""
    return firm_core(str(row["name"]))[:4]


def near_site(row: Mapping[str, object]) -> str:
    """Blocking key of whatever stands somewhere: its name without signs."""
    return plain_name(str(row["name"]))[:40]


def alike_person(new: Mapping[str, object], known: Mapping[str, object]) -> float:
    """How likely two residents of one birthday and family name are the same, 0 to 1: name, sex, address. Two different identity numbers: 0."""
    if new.get("sex") and new["sex"] != known["sex"]:
        return 0.0
    if new.get("id_number") and known.get("has_key"):
        return 0.0
    # Birthday, family name and sex agree already; what is left to weigh is the given name and where they live.
    name = _ratio(str(new["name"]), str(known["name"]))
    if not new.get("address") or not known.get("address"):
        return 0.5 + 0.4 * name
    return 0.5 + 0.3 * name + 0.2 * _ratio(str(new["address"]), str(known["address"]))


def alike_firm(new: Mapping[str, object], known: Mapping[str, object]) -> float:
    """How likely two firms are the same, 0 to 1: the core of the name, weighed down by a different address."""
    name = _ratio(firm_core(str(new["name"])), firm_core(str(known["name"])))
    if not new.get("address") or not known.get("address"):
        return name * 0.95
    return 0.8 * name + 0.2 * _ratio(str(new["address"]), str(known["address"]))


def alike_site(new: Mapping[str, object], known: Mapping[str, object]) -> float:
    """How likely two venues of one name are the same, 0 to 1: chains repeat a name, so the address decides."""
    if not new.get("address") or not known.get("address"):
        return 0.85 if new.get("place_id") == known.get("place_id") else 0.5
    return 0.4 + 0.6 * _ratio(str(new["address"]), str(known["address"]))


def _ratio(a: str, b: str) -> float:
    return 1.0 if a == b else SequenceMatcher(None, plain_name(a), plain_name(b), autojunk=False).ratio()
