"""Generated venues, schools, care homes and construction sites."""

from collections.abc import Mapping, Sequence

import numpy as np

from tongchou.core.identity import synthetic_mobiles
from tongchou.core.packs.contents import PlaceSpec
from tongchou.domains.registry import generation_names as names
from tongchou.domains.registry.generation_people import Table

# Venue class: share of all venues, Chinese word, typical capacity, industries whose firms run such venues. Shares are assumptions.
_VENUES: Mapping[str, tuple[float, str, int, tuple[str, ...]]] = {
    "shop": (0.30, "商铺", 30, ("52", "51")), "supermarket": (0.03, "超市", 300, ("52",)), "market": (0.006, "菜市场", 500, ("52",)),
    "catering": (0.20, "餐厅", 60, ("62",)), "hotel": (0.02, "酒店", 150, ("61", "62")), "pharmacy": (0.03, "药店", 20, ("52",)),
    "clinic": (0.015, "门诊部", 60, ("84",)), "office": (0.11, "商务楼", 600, ("72", "70", "65")), "factory": (0.06, "厂区", 300, ("33", "34", "35")),
    "transport": (0.015, "物流站", 80, ("54", "59", "60")), "leisure": (0.04, "文体场所", 100, ("90", "89", "88")),
    "public": (0.024, "服务中心", 120, ()), "compound": (0.12, "小区大门", 0, ()), "other": (0.03, "服务点", 40, ("80", "81")),
}  # fmt: skip
_SCHOOLS = {"kindergarten": (14, 260), "primary": (7, 1_000), "middle": (4, 900), "nine_year": (3, 1_500), "high": (1, 1_400)}
_STAGE_WORDS = {"kindergarten": "幼儿园", "primary": "小学", "middle": "中学", "nine_year": "实验学校", "high": "高级中学"}


def generate_venues(villages: Sequence[PlaceSpec], firms: Table, count: int, random: np.random.Generator) -> Table:
    """`count` venues; most classes belong to a firm of a fitting industry, in that firm's village."""
    classes = list(_VENUES)
    shares = np.array([_VENUES[name][0] for name in classes])
    kinds = [classes[index] for index in random.choice(len(classes), count, p=shares / shares.sum())]
    industry, firm_place = np.asarray(firms["industry"]), np.asarray(firms["place"])
    open_firms = {name: np.flatnonzero(np.isin(industry, _VENUES[name][3])) for name in classes}
    for firm_rows in open_firms.values():
        random.shuffle(firm_rows)
    taken = dict.fromkeys(classes, 0)
    codes, village_names = [village.code for village in villages], {village.code: village.name.zh for village in villages}
    people = np.array([village.population for village in villages])
    table: dict[str, list[object]] = {name: [] for name in ("code", "place", "name", "address", "phone", "venue_class", "firm", "capacity")}
    phones = synthetic_mobiles(random, count)
    for number, kind in enumerate(kinds, 1):
        rows = open_firms[kind]
        firm = int(rows[taken[kind] % len(rows)]) if len(rows) and taken[kind] < 3 * len(rows) else None
        taken[kind] += 1
        place = str(firm_place[firm]) if firm is not None else codes[random.choice(len(codes), p=people / people.sum())]
        word, typical = _VENUES[kind][1], _VENUES[kind][2]
        brand = str(random.choice(names.FIRM_HEADS)) + str(random.choice(names.FIRM_MIDDLES))
        row = (
            f"XJ{number:05d}", place, f"{village_names[place]}{brand}{word}（{number:04d}）", f"{village_names[place]}{random.integers(1, 2400)}号",
            phones[number - 1], kind, None if firm is None else firms["credit_code"][firm], int(typical * random.lognormal(0, 0.4)),
        )  # fmt: skip
        for name, value in zip(table, row, strict=True):
            table[name].append(value)
    return table  # type: ignore[return-value]


def generate_schools(villages: Sequence[PlaceSpec], random: np.random.Generator) -> Table:
    """Schools and kindergartens, all still closed: the first pupils returned on 6 June 2022."""
    rows = []
    for stage, (count, pupils) in _SCHOOLS.items():
        for village in _spread(villages, count, random):
            own = int(pupils * random.lognormal(0, 0.25))
            rows.append((stage, village, own, max(8, own // 13)))
    return {
        "code": [f"S{number:03d}" for number in range(1, len(rows) + 1)],
        "place": [village.code for _, village, _, _ in rows],
        "name": _distinct([f"{village.name.zh}{_STAGE_WORDS[stage]}" for stage, village, _, _ in rows]),
        "address": [f"{village.name.zh}{random.integers(1, 900)}号" for _, village, _, _ in rows],
        "phone": list(synthetic_mobiles(random, len(rows))),
        "stage": [stage for stage, _, _, _ in rows],
        "pupil_count": np.array([pupils for _, _, pupils, _ in rows]),
        "staff_count": np.array([staff for _, _, _, staff in rows]),
        "is_open": np.zeros(len(rows), dtype=bool),
    }


def generate_care_homes(villages: Sequence[PlaceSpec], random: np.random.Generator, count: int = 9) -> Table:
    """Homes for the aged, most of their beds taken."""
    chosen = _spread(villages, count, random)
    beds = np.maximum(30, np.round(random.normal(140, 45, count))).astype(int)
    taken = np.round(beds * random.uniform(0.6, 0.97, count)).astype(int)
    return {
        "code": [f"C{number:03d}" for number in range(1, count + 1)],
        "place": [village.code for village in chosen],
        "name": _distinct([f"{village.name.zh}养老院" for village in chosen]),
        "address": [f"{village.name.zh}{random.integers(1, 900)}号" for village in chosen],
        "phone": list(synthetic_mobiles(random, count)),
        "bed_count": beds,
        "resident_count": taken,
        "staff_count": np.maximum(6, taken // 4),
    }


def generate_construction_sites(villages: Sequence[PlaceSpec], random: np.random.Generator, count: int = 42) -> Table:
    """Building sites; major ones were the first allowed to work again."""
    chosen = _spread(villages, count, random)
    is_major = random.random(count) < 0.25
    state = np.where(random.random(count) < np.where(is_major, 0.75, 0.3), "working", "stopped")
    brand = [str(a) + str(b) for a, b in zip(random.choice(names.FIRM_HEADS, count), random.choice(names.FIRM_MIDDLES, count), strict=True)]
    return {
        "code": [f"G{number:03d}" for number in range(1, count + 1)],
        "place": [village.code for village in chosen],
        "name": _distinct([f"{village.name.zh}{word}项目工地" for village, word in zip(chosen, brand, strict=True)]),
        "address": [f"{village.name.zh}{random.integers(1, 900)}号" for village in chosen],
        "phone": list(synthetic_mobiles(random, count)),
        "builder": [f"上海{word}建设工程有限公司" for word in brand],
        "is_major": is_major,
        "worker_count": np.maximum(8, np.round(random.lognormal(4.0, 0.7, count) * np.where(is_major, 3, 1))).astype(int),
        "state": state,
    }


def _spread(villages: Sequence[PlaceSpec], count: int, random: np.random.Generator) -> list[PlaceSpec]:
    people = np.array([village.population for village in villages], dtype=float)
    return [villages[index] for index in random.choice(len(villages), count, p=people / people.sum())]


def _distinct(made: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    found = []
    for name in made:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name}（{seen[name]}）")
    return found
