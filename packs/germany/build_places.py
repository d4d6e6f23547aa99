"""Places and sentinels of the German pack: the states that the data covers, and one sentinel per data source and state."""

from dataclasses import dataclass


@dataclass(frozen=True)
class State:
    """A state by its official key (AGS); the name under which each source files it; population as the hospital data states it."""

    code: str
    zh: str
    en: str
    name: str
    population: int
    lat: float
    lon: float
    survey: str  # GrippeWeb region, "" where that region is not in the data

    @property
    def gp_name(self) -> str:
        return self.name.replace("ü", "ue")


COUNTRY = "00"
STATES = (
    State("01", "石勒苏益格-荷尔斯泰因州", "Schleswig-Holstein", "Schleswig-Holstein", 2_953_270, 54.2, 9.7, "north"),
    State("02", "汉堡", "Hamburg", "Hamburg", 1_892_122, 53.55, 10.0, "north"),
    State("03", "下萨克森州", "Lower Saxony", "Niedersachsen", 8_140_242, 52.8, 9.1, "north"),
    State("04", "不来梅", "Bremen", "Bremen", 684_864, 53.1, 8.8, "north"),
    State("05", "北莱茵-威斯特法伦州", "North Rhine-Westphalia", "Nordrhein-Westfalen", 18_139_116, 51.5, 7.5, "middle"),
    State("06", "黑森州", "Hesse", "Hessen", 6_391_360, 50.6, 9.0, "middle"),
    State("08", "巴登-符腾堡州", "Baden-Württemberg", "Baden-Württemberg", 11_280_257, 48.6, 9.0, "south"),
    State("09", "巴伐利亚州", "Bavaria", "Bayern", 13_369_393, 49.0, 11.5, "south"),
    State("11", "柏林", "Berlin", "Berlin", 3_755_251, 52.5, 13.4, ""),
    State("12", "勃兰登堡州", "Brandenburg", "Brandenburg", 2_573_135, 52.4, 13.2, ""),
    State("13", "梅克伦堡-前波美拉尼亚州", "Mecklenburg-Western Pomerania", "Mecklenburg-Vorpommern", 1_628_378, 53.7, 12.5, ""),
    State("15", "萨克森-安哈尔特州", "Saxony-Anhalt", "Sachsen-Anhalt", 2_186_643, 52.0, 11.7, ""),
)
REGIONS = {"north": ("西北部", "North-west"), "middle": ("中西部", "Mid-west"), "south": ("南部", "South")}
NATIONAL_POPULATION = 84_358_845

STREAM_KINDS = """\
# One row per kind of stream. Growth models: the level is estimated from each stream's own past, so no sensitivity is assumed.
stream_kinds:
  hospitalised_7d:
    indicator: {zh: 新冠住院病例（7日合计，首次公布值）, en: "COVID-19 patients admitted, 7-day sum as first published"}
    unit: {zh: 例, en: patients}
    value_kind: count
    targets: [covid19]
    step_days: 1
    period_days: 7
    expected_delay_days: 0
    direction: higher
    specific: true
    weight: 1.0
    model: {form: multiplicative, basis: "level and noise estimated from the stream's own past"}
  icu_admissions:
    indicator: {zh: 新冠重症新入院, en: new intensive-care admissions with COVID-19}
    unit: {zh: 例, en: patients}
    value_kind: count
    targets: [covid19]
    step_days: 1
    period_days: 1
    expected_delay_days: 1
    direction: higher
    specific: true
    weight: 1.0
    model: {form: multiplicative, basis: "level and noise estimated from the stream's own past"}
  gp_60plus:
    indicator: {zh: 60岁以上急性呼吸道疾病门诊率, en: "GP consultations for acute respiratory illness, age 60 and over"}
    unit: {zh: 每10万人每周, en: per 100 000 per week}
    value_kind: rate
    targets: [covid19]
    expected_delay_days: 4
    direction: higher
    specific: false
    weight: 0.25
    model: {form: multiplicative, basis: "level and noise estimated from the stream's own past"}
  gp_5to14:
    indicator: {zh: 5至14岁急性呼吸道疾病门诊率, en: "GP consultations for acute respiratory illness, age 5 to 14"}
    unit: {zh: 每10万人每周, en: per 100 000 per week}
    value_kind: rate
    targets: [influenza]
    expected_delay_days: 4
    direction: higher
    specific: false
    weight: 0.25
    model: {form: multiplicative, basis: "level and noise estimated from the stream's own past"}
  survey_are:
    indicator: {zh: 居民自报急性呼吸道疾病率, en: acute respiratory illness reported by citizens}
    unit: {zh: 每10万人每周, en: per 100 000 per week}
    value_kind: rate
    targets: [covid19]
    expected_delay_days: 4
    direction: higher
    specific: false
    weight: 0.25
    model: {form: multiplicative, basis: "level and noise estimated from the stream's own past"}
  survey_ili:
    indicator: {zh: 居民自报流感样疾病率, en: influenza-like illness reported by citizens}
    unit: {zh: 每10万人每周, en: per 100 000 per week}
    value_kind: rate
    targets: [influenza]
    expected_delay_days: 4
    direction: higher
    specific: false
    weight: 0.25
    model: {form: multiplicative, basis: "level and noise estimated from the stream's own past"}
  influenza_under60:
    indicator: {zh: 60岁以下流感报告病例, en: "notified influenza, under 60"}
    unit: {zh: 例, en: cases}
    value_kind: count
    targets: [influenza]
    expected_delay_days: 4
    direction: higher
    specific: true
    weight: 1.0
    model: {form: multiplicative, basis: "level and noise estimated from the stream's own past"}
  influenza_60plus:
    indicator: {zh: 60岁以上流感报告病例, en: "notified influenza, 60 and over"}
    unit: {zh: 例, en: cases}
    value_kind: count
    targets: [influenza]
    expected_delay_days: 4
    direction: higher
    specific: true
    weight: 1.0
    model: {form: multiplicative, basis: "level and noise estimated from the stream's own past"}
  wastewater_sarscov2:
    indicator: {zh: 污水新冠病毒载量, en: SARS-CoV-2 in wastewater}
    unit: {zh: 拷贝/升, en: gene copies/l}
    value_kind: concentration
    targets: [covid19]
    expected_delay_days: 7
    direction: higher
    specific: true
    weight: 1.0
    model: {form: multiplicative, basis: "level and noise estimated from the stream's own past"}
  wastewater_influenza:
    indicator: {zh: 污水甲型流感病毒载量, en: influenza A in wastewater}
    unit: {zh: 拷贝/升, en: gene copies/l}
    value_kind: concentration
    targets: [influenza]
    expected_delay_days: 7
    direction: higher
    specific: true
    weight: 1.0
    model: {form: multiplicative, basis: "level and noise estimated from the stream's own past"}
  emergency_ari:
    indicator: {zh: 每家急诊科急性呼吸道感染人次, en: "acute respiratory infections per emergency department"}
    unit: {zh: 人次/家/日, en: visits per department and day}
    value_kind: rate
    targets: [covid19]
    step_days: 1
    period_days: 1
    expected_delay_days: 6
    direction: higher
    specific: false
    weight: 0.25
    model: {form: multiplicative, basis: "level and noise estimated from the stream's own past"}
  emergency_ili:
    indicator: {zh: 每家急诊科流感样疾病人次, en: "influenza-like illness per emergency department"}
    unit: {zh: 人次/家/日, en: visits per department and day}
    value_kind: rate
    targets: [influenza]
    step_days: 1
    period_days: 1
    expected_delay_days: 6
    direction: higher
    specific: false
    weight: 0.25
    model: {form: multiplicative, basis: "level and noise estimated from the stream's own past"}
"""
DAILY, SUNDAY, WEDNESDAY = [1, 2, 3, 4, 5, 6, 7], [7], [3]
OPERATORS = {
    "hospital": ("医院（法定报告）", "hospitals (statutory reporting)"),
    "intensive_care": ("重症登记处", "intensive-care register"),
    "clinic": ("全科诊所哨点", "sentinel GP practices"),
    "notification": ("地方卫生局", "local health offices"),
    "survey": ("居民自愿填报", "volunteers among citizens"),
    "wastewater": ("污水监测网", "wastewater surveillance network"),
    "emergency_department": ("急诊监测网", "emergency-department network"),
}


def make_sentinels() -> list[dict[str, object]]:
    """All sentinels as plain data: five sources per state, the survey per region, wastewater and emergency departments nationally."""
    found = []
    for state in STATES:
        own = {state.code: 1.0}
        names = {"zh": state.zh, "en": state.en}
        rows: list[tuple[str, str, list[int], str, str, str, list[tuple[str, str]]]] = [
            ("monitoring", "hospital", DAILY, "hosp", "新冠住院", "COVID-19 admissions", [("hosp", "hospitalised_7d")]),
            ("monitoring", "intensive_care", DAILY, "icu", "重症监护", "intensive care", [("icu", "icu_admissions")]),
            ("monitoring", "clinic", SUNDAY, "gp", "全科门诊", "GP practices", [("gp-60plus", "gp_60plus"), ("gp-5to14", "gp_5to14")]),
            ("case_investigation", "notification", SUNDAY, "flu", "流感报告", "influenza notifications",
             [("flu-under60", "influenza_under60"), ("flu-60plus", "influenza_60plus")]),
        ]  # fmt: skip
        for kind, setting, days, short, zh, en, streams in rows:
            codes = [(f"{state.code}-{code}", stream) for code, stream in streams]
            title = {"zh": names["zh"] + zh, "en": f"{names['en']} {en}"}
            found.append(_sentinel(f"{state.code}-{short}", kind, setting, title, state.code, own, days, codes))
    for region, (zh, en) in REGIONS.items():
        sees = {state.code: 1.0 for state in STATES if state.survey == region}
        codes = [(f"survey-{region}-are", "survey_are"), (f"survey-{region}-ili", "survey_ili")]
        title = {"zh": f"{zh}居民健康填报", "en": f"{en} citizens' survey"}
        found.append(_sentinel(f"survey-{region}", "monitoring", "survey", title, COUNTRY, sees, SUNDAY, codes))
    everywhere = {state.code: 1.0 for state in STATES}
    water = [("wastewater-sarscov2", "wastewater_sarscov2"), ("wastewater-influenza-a", "wastewater_influenza")]
    title = {"zh": "全国污水监测", "en": "National wastewater"}
    found.append(_sentinel("wastewater", "monitoring", "wastewater", title, COUNTRY, everywhere, WEDNESDAY, water))
    visits = [("emergency-ari", "emergency_ari"), ("emergency-ili", "emergency_ili")]
    title = {"zh": "全国急诊监测", "en": "National emergency departments"}
    found.append(_sentinel("emergency", "monitoring", "emergency_department", title, COUNTRY, everywhere, DAILY, visits))
    return found


def _sentinel(
    code: str,
    kind: str,
    setting: str,
    name: dict[str, str],
    place: str,
    sees: dict[str, float],
    days: list[int],
    streams: list[tuple[str, str]],
) -> dict[str, object]:
    zh, en = OPERATORS[setting]
    return {
        "id": code,
        "kind": kind,
        "setting": setting,
        "name": name,
        "place": place,
        "catchment": sees,
        "operator": {"zh": zh, "en": en},
        "contact": "clerk",
        "days": days,
        "state": "live",
        "generated": False,
        "streams": [{"id": stream, "kind": kind_of} for stream, kind_of in streams],
    }
