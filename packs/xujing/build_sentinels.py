"""The sentinel matrix of the demonstration town: five kinds, spread unevenly, so that the blind-spot page has something true to show."""

import math
from dataclasses import dataclass

import numpy as np
from build_places import SEED, TOWN, Village

BLIND = ("213", "214", "208")  # little or nothing here
HEALTH_CENTRE = {"zh": "徐泾镇社区卫生服务中心", "en": "Xujing community health centre"}

# kind of stream: expected background per resident of the catchment and day (assumption, science note 2.1 split over settings)
BACKGROUND = {
    "testing_positive": 6e-6,
    "testing_sampled": 0.2,
    "scanner_abnormal": 5e-4,
    "spot_positive": 1.5e-6,
    "fever_visits": 1.6e-4,
    "clinic_respiratory": 4e-4,
    "pharmacy_fever_buyers": 6e-4,
    "school_sick": 6e-4,
    "care_fever": 2.5e-4,
    "emergency_fever": 1.2e-4,
    "case_reports": 3e-6,
}
WASTEWATER_COPIES_PER_LITRE = 900.0
# Kinds of stream that stand beside the one that is judged, for people to read; a share has no background of its own.
BESIDE = {"sampling_site": ("testing_sampled", "testing_positive_rate")}


def make_sentinels(villages: list[Village]) -> list[dict[str, object]]:
    """All sentinels as plain data for sentinels.yaml, in the order of their codes."""
    random = np.random.default_rng([SEED, 7, len(villages)])
    found: list[dict[str, object]] = []
    for village in villages:
        found.extend(_village_sentinels(village, villages, random))
    found.extend(_town_sentinels(villages))
    return sorted(found, key=lambda sentinel: str(sentinel["id"]))


@dataclass(frozen=True)
class Setup:
    """How one kind of village sentinel is spread: chance of a village having it, and whom it sees (own, nearest, second nearest)."""

    kind: str
    setting: str
    stream: str
    zh: str
    en: str
    chance: float
    shares: tuple[float, ...]
    days: list[int]
    operator: dict[str, str] | None = None
    always_in: tuple[str, ...] = ("010", "011", "014")


DAILY, WEEKDAYS = [1, 2, 3, 4, 5, 6, 7], [1, 2, 3, 4, 5]
SETUPS = (
    Setup("testing", "sampling_site", "testing_positive", "核酸采样点", "sampling site", 0.8, (0.85, 0.1), DAILY),
    Setup("electronic", "venue_scanner", "scanner_abnormal", "场所码和数字哨兵", "venue codes and scanners", 0.72, (0.7, 0.08), DAILY),
    Setup("spot_check", "spot_round", "spot_positive", "抽检点", "spot-check round", 0.38, (0.6,), [2, 5], None, ("010", "011")),
    Setup("monitoring", "clinic", "clinic_respiratory", "卫生服务站", "health station", 0.3, (0.7, 0.15, 0.1), DAILY[:6], HEALTH_CENTRE),
    Setup("monitoring", "pharmacy", "pharmacy_fever_buyers", "药店", "pharmacy", 0.52, (0.55, 0.1), DAILY,
          {"zh": "药店经营者", "en": "pharmacy operator"}, ("010", "011", "014", "208")),
    Setup("monitoring", "school_absence", "school_sick", "学校因病缺课", "school absence", 0.34, (0.6, 0.25, 0.15), WEEKDAYS,
          {"zh": "学校", "en": "school"}),
    Setup("monitoring", "care_home", "care_fever", "养老院", "care home", 0.12, (0.3, 0.1), DAILY,
          {"zh": "养老机构", "en": "care home"}, ("010",)),
)  # fmt: skip
NOT_LIVE = {("016", "spot_round"): "suspended", ("015", "care_home"): "planned", ("018", "venue_scanner"): "suspended"}


def _village_sentinels(village: Village, villages: list[Village], random: np.random.Generator) -> list[dict[str, object]]:
    short = village.code[-3:]
    luck = random.uniform(size=len(SETUPS))
    seen = [village, *nearest(village, villages, 2)]
    committee = village.committee
    found = []
    for setup, drawn in zip(SETUPS, luck, strict=True):
        if short in setup.always_in or (short not in BLIND and drawn < setup.chance):
            found.append(
                _sentinel(
                    setup,
                    code=f"{short}-{setup.setting.replace('_', '-')}",
                    place=village.code,
                    name={"zh": village.zh + setup.zh, "en": f"{village.en} {setup.en}"},
                    shares={v.code: share for v, share in zip(seen, setup.shares, strict=False)},
                    operator=setup.operator or committee,
                    contact="doctor" if setup.setting == "clinic" else f"{village.code}-secretary",
                    state=NOT_LIVE.get((short, setup.setting), "live"),
                    villages=villages,
                )
            )
    return found


AREAS = {"north": "北片", "south": "南片", "east": "东片", "west": "西片"}
FEVER_CLINIC = Setup("monitoring", "fever_clinic", "fever_visits", "", "", 1, (), DAILY)
EMERGENCY = Setup("monitoring", "emergency_department", "emergency_fever", "", "", 1, (), DAILY)
CASE_DESK = Setup("case_investigation", "case_desk", "case_reports", "", "", 1, (), DAILY)
WASTEWATER = Setup("monitoring", "wastewater", "wastewater_load", "", "", 1, (), [1, 4])


def _town_sentinels(villages: list[Village]) -> list[dict[str, object]]:
    """Fever clinic, emergency department, and for each part of the town a case desk and (but in the west) wastewater."""
    centre = min(villages, key=lambda v: math.hypot(v.x_km, v.y_km))
    distance = {v.code: math.dist((v.x_km, v.y_km), (centre.x_km, centre.y_km)) for v in villages}
    near_clinic = {v.code: round(max(0.1, 0.75 - 0.14 * distance[v.code]), 2) for v in villages if distance[v.code] < 3.2}
    name = {"zh": "镇社区卫生服务中心发热门诊", "en": "Health centre fever clinic"}
    hospital = {"zh": "区医院急诊（徐泾方向）", "en": "District hospital emergency department (Xujing side)"}
    found = [
        _sentinel(FEVER_CLINIC, "fever-clinic", centre.code, name, near_clinic, HEALTH_CENTRE, "doctor", "live", villages),
        _sentinel(EMERGENCY, "emergency", TOWN, hospital, {v.code: 0.15 for v in villages}, {"zh": "区级医院", "en": "district hospital"},
                  "doctor", "live", villages),
    ]  # fmt: skip
    for area, zh in AREAS.items():
        inside = [v for v in villages if v.area_lead == area]
        x, y = np.mean([v.x_km for v in inside]), np.mean([v.y_km for v in inside])
        middle = min(inside, key=lambda v: math.dist((v.x_km, v.y_km), (x, y))).code
        desk, plant = {"zh": f"{zh}流调协查点", "en": f"Case desk {area}"}, {"zh": f"{zh}污水泵站", "en": f"Wastewater station {area}"}
        sees = {v.code: 0.95 for v in inside}
        found.append(_sentinel(CASE_DESK, f"case-desk-{area}", middle, desk, sees, HEALTH_CENTRE, "trace-leader", "live", villages))
        if area != "west":
            water, sewered = {"zh": "区水务部门", "en": "district water authority"}, {v.code: 0.8 for v in inside}
            found.append(_sentinel(WASTEWATER, f"wastewater-{area}", middle, plant, sewered, water, "clerk", "live", villages))
    return found


def nearest(village: Village, villages: list[Village], count: int) -> list[Village]:
    others = [other for other in villages if other.code != village.code]
    return sorted(others, key=lambda other: math.dist((village.x_km, village.y_km), (other.x_km, other.y_km)))[:count]


def _sentinel(
    setup: Setup,
    code: str,
    place: str,
    name: dict[str, str],
    shares: dict[str, float],
    operator: dict[str, str],
    contact: str,
    state: str,
    villages: list[Village],
) -> dict[str, object]:
    people = {village.code: village.population for village in villages}
    seen = sum(people[village] * share for village, share in shares.items())
    level = WASTEWATER_COPIES_PER_LITRE if setup.setting == "wastewater" else seen * BACKGROUND[setup.stream]
    return {
        "id": code,
        "kind": setup.kind,
        "setting": setup.setting,
        "name": name,
        "place": place,
        "catchment": shares,
        "operator": operator,
        "contact": contact,
        "days": setup.days,
        "state": state,
        "generated": True,
        "streams": [
            {"id": f"{code}-s", "kind": setup.stream, "background_per_day": float(f"{level:.3g}")},
            *(
                {
                    "id": f"{code}-{kind.rpartition('_')[2]}",
                    "kind": kind,
                    "background_per_day": float(f"{seen * BACKGROUND.get(kind, 0):.3g}"),
                }
                for kind in BESIDE.get(setup.setting, ())
            ),
        ],
    }
