"""The town's places: real names and codes, generated populations and outlines.

No public boundary or population of these villages exists, so both are made here from a fixed seed: a bounded Voronoi diagram
with wandering edges inside an organic border of the town's true area around its approximate centre.
"""

import math
from dataclasses import dataclass

import numpy as np

SEED = 20220602
CENTRE_LAT, CENTRE_LON = 31.1805, 121.2690  # approximate: a point of the town centre, a few hundred metres uncertain
AREA_KM2 = 38.16
RESIDENTS = 200_000
KM_PER_DEGREE = 111.32

# Code ending, Chinese name, English name, kind. From the National Bureau of Statistics' division codes, 2021 edition.
REAL = """
001|徐泾居委会|Xujing Neighbourhood|committee
004|京华居委会|Jinghua Neighbourhood|committee
002|龙阳居委会|Longyang Neighbourhood|committee
006|徐安第一社区|Xu'an No. 1 Community|committee
007|徐安第二社区|Xu'an No. 2 Community|committee
011|徐安第三社区|Xu'an No. 3 Community|committee
012|徐安第四社区|Xu'an No. 4 Community|committee
013|玉兰清苑社区|Yulan Qingyuan Community|committee
008|高泾社区|Gaojing Community|committee
003|宅东居委会|Zhaidong Neighbourhood|committee
005|蟠龙居委会|Panlong Neighbourhood|committee
014|尚鸿路社区|Shanghong Road Community|committee
015|尚泰路社区|Shangtai Road Community|committee
016|尚茂路社区|Shangmao Road Community|committee
017|仁恒西郊社区|Renheng Xijiao Community|committee
009|卫家角第一社区|Weijiajiao No. 1 Community|committee
010|卫家角第二社区|Weijiajiao No. 2 Community|committee
018|卫家角第三社区|Weijiajiao No. 3 Community|committee
202|前明村|Qianming Village|village
203|金云村|Jinyun Village|village
204|联民村|Lianmin Village|village
207|光联村|Guanglian Village|village
208|民主村|Minzhu Village|village
209|二联村|Erlian Village|village
212|金联村|Jinlian Village|village
213|迮庵村|Ze'an Village|village
214|陆家角村|Lujiajiao Village|village
"""
TOWN = "310118106"


@dataclass(frozen=True)
class Village:
    """One village or neighbourhood; coordinates in km east and north of the centre."""

    code: str
    zh: str
    en: str
    kind: str
    population: int
    x_km: float
    y_km: float
    outline: list[tuple[float, float]]
    area_lead: str
    invented: bool

    @property
    def committee(self) -> dict[str, str]:
        zh = self.zh if self.zh.endswith("居委会") else self.zh + ("民委员会" if self.kind == "village" else "居委会")
        return {"zh": zh, "en": f"{self.en} committee"}

    @property
    def lat(self) -> float:
        return CENTRE_LAT + self.y_km / KM_PER_DEGREE

    @property
    def lon(self) -> float:
        return CENTRE_LON + self.x_km / (KM_PER_DEGREE * math.cos(math.radians(CENTRE_LAT)))


def make_villages(count: int) -> list[Village]:
    """The 27 real villages, and invented ones up to `count` for the design size."""
    random = np.random.default_rng([SEED, count])
    names = [line.split("|") for line in REAL.strip().splitlines()]
    names += [[f"9{n:02d}", f"示范第{n}社区", f"Model No. {n} Community", "committee"] for n in range(1, count - len(names) + 1)]
    border = town_border(random)
    sites = _sites(random, border, count)
    order = _inner_first(sites, sum(name[3] == "committee" for name in names))
    committees = [name for name in names if name[3] == "committee"]
    villages = [name for name in names if name[3] == "village"]
    people = _populations(random, [name[3] for name in committees + villages])
    found = []
    for name, site, population in zip(committees + villages, order, people, strict=True):
        outline = wander(cell(sites, site, border), border)
        x, y = centroid(outline)
        area = "north" if y > 0.9 else "south" if y < -0.9 else "east" if x > 0 else "west"
        found.append(Village(TOWN + name[0], name[1], name[2], name[3], population, x, y, outline, area, name[0].startswith("9")))
    return sorted(found, key=lambda village: village.code)


def town_border(random: np.random.Generator) -> list[tuple[float, float]]:
    """A wavy, slightly oblong border of exactly the town's area, in km."""
    angles = np.linspace(0, 2 * math.pi, 180, endpoint=False)
    radius = 1 + 0.13 * np.cos(2 * angles)
    for k in range(3, 14):
        radius += 0.12 / k * np.cos(k * angles + random.uniform(0, 2 * math.pi))
    points = np.column_stack([radius * np.cos(angles), radius * np.sin(angles)])
    points *= math.sqrt(AREA_KM2 / abs(area_of([tuple(p) for p in points])))
    return [(float(x), float(y)) for x, y in points]


def area_of(polygon: list[tuple[float, float]]) -> float:
    x, y = np.array(polygon).T
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def centroid(polygon: list[tuple[float, float]]) -> tuple[float, float]:
    x, y = np.array(polygon).T
    cross = x * np.roll(y, -1) - np.roll(x, -1) * y
    six = 3 * cross.sum()
    return float(((x + np.roll(x, -1)) * cross).sum() / six), float(((y + np.roll(y, -1)) * cross).sum() / six)


def _sites(random: np.random.Generator, border: list[tuple[float, float]], count: int) -> np.ndarray:
    # Denser towards the middle, then two rounds of Lloyd: cells of like but not equal size.
    angles, radii = random.uniform(0, 2 * math.pi, count), 2.9 * random.uniform(0.02, 1, count) ** 0.62
    sites = np.column_stack([1.1 * radii * np.cos(angles), 0.95 * radii * np.sin(angles)])
    for _ in range(3):
        sites = np.array([centroid(cell(sites, index, border)) for index in range(count)])
    return sites


def _inner_first(sites: np.ndarray, inner: int) -> list[int]:
    """Indices of sites: the inner ones walked around the centre, then the outer ones, so that kindred names lie side by side."""
    by_distance = np.argsort(np.hypot(sites[:, 0], sites[:, 1]), kind="stable")
    rings = by_distance[:inner], by_distance[inner:]
    return [int(index) for ring in rings for index in sorted(ring, key=lambda i: math.atan2(sites[i][1], sites[i][0]))]


def cell(sites: np.ndarray, index: int, border: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The Voronoi cell of one site, cut to the border."""
    polygon = border
    for other in range(len(sites)):
        if other != index:
            middle, normal = (sites[index] + sites[other]) / 2, sites[other] - sites[index]
            polygon = _clip(polygon, middle, normal)
    return polygon


def _clip(polygon: list[tuple[float, float]], point: np.ndarray, normal: np.ndarray) -> list[tuple[float, float]]:
    kept: list[tuple[float, float]] = []
    side = [(x - point[0]) * normal[0] + (y - point[1]) * normal[1] for x, y in polygon]
    for at, (here, there) in enumerate(zip(polygon, polygon[1:] + polygon[:1], strict=True)):
        a, b = side[at], side[(at + 1) % len(polygon)]
        if a <= 0:
            kept.append(here)
        if (a < 0 < b) or (b < 0 < a):
            share = a / (a - b)
            kept.append((here[0] + share * (there[0] - here[0]), here[1] + share * (there[1] - here[1])))
    return kept


def wander(polygon: list[tuple[float, float]], border: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Let inner edges wander like lanes and streams do; both neighbours of an edge get the same walk, the border stays."""
    on_border = {(round(x, 6), round(y, 6)) for x, y in border}
    walked: list[tuple[float, float]] = []
    for here, there in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        walked.append(here)
        ends = tuple((round(x, 6), round(y, 6)) for x, y in (here, there))
        length = math.dist(here, there)
        if length < 0.15 or ends[0] in on_border or ends[1] in on_border:
            continue
        first, last = sorted(ends)
        random = np.random.default_rng([int(abs(value) * 1e6) for value in (*first, *last)])
        steps = max(2, round(length / 0.12))
        bend = np.cumsum(random.normal(0, 1, steps + 1))
        bend = (bend - bend[0]) - (bend[-1] - bend[0]) * np.linspace(0, 1, steps + 1)
        bend *= 0.035 * length / max(1e-9, float(np.abs(bend).max()))
        across = ((first[1] - last[1]) / length, (last[0] - first[0]) / length)
        inner = [
            (first[0] + t * (last[0] - first[0]) + bend[k] * across[0], first[1] + t * (last[1] - first[1]) + bend[k] * across[1])
            for k, t in enumerate(np.linspace(0, 1, steps + 1))
            if 0 < k < steps
        ]
        walked.extend(inner if ends[0] == first else inner[::-1])
    return walked


def _populations(random: np.random.Generator, kinds: list[str]) -> list[int]:
    weights = np.array([8_700.0 if kind == "committee" else 4_900.0 for kind in kinds]) * random.lognormal(0, 0.28, len(kinds))
    people = np.floor(weights / weights.sum() * RESIDENTS).astype(int)
    people[0] += RESIDENTS - people.sum()
    return [int(number) for number in people]
