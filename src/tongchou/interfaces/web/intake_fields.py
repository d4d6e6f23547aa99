"""What each setting of a sentinel is asked for: one table, from which every intake form is drawn and new sentinels get their streams."""

from collections.abc import Mapping
from dataclasses import dataclass

from tongchou.core.wording import T


@dataclass(frozen=True, slots=True)
class IntakeField:
    """One figure of a form. `is_read_by_detection`: evidence of a rise; the others are kept beside it for people to read."""

    kind: str
    indicator: T
    unit: T
    ask: T
    value_kind: str = "count"
    is_read_by_detection: bool = False


SETTINGS: Mapping[str, T] = {
    "fever_clinic": T("发热门诊", "Fever clinic"),
    "clinic": T("诊所、社区卫生服务站", "Clinic"),
    "pharmacy": T("药店", "Pharmacy"),
    "school_absence": T("学校、幼儿园", "School or kindergarten"),
    "care_home": T("养老机构", "Care home"),
    "wastewater": T("污水监测点", "Wastewater site"),
    "emergency_department": T("医院急诊", "Emergency department"),
    "sampling_site": T("核酸采样点", "Sampling site"),
    "venue_scanner": T("场所码、数字哨兵", "Venue codes and scanners"),
    "spot_round": T("抽检轮次", "Spot-check round"),
    "case_desk": T("流调组", "Case desk"),
    "hospital": T("医院住院", "Hospital admissions"),
    "intensive_care": T("重症监护", "Intensive care"),
    "survey": T("居民症状调查", "Symptom survey"),
    "notification": T("法定报告", "Statutory notification"),
}

VISITS, PERSONS, PUPILS = T("人次", "visits"), T("人", "persons"), T("人", "pupils")

INTAKE: Mapping[str, tuple[IntakeField, ...]] = {
    "fever_clinic": (
        IntakeField("fever_visits", T("发热门诊就诊人次", "fever-clinic visits"), VISITS,
                    T("今天发热门诊挂号就诊多少人次", "Visits registered at the fever clinic that day"), is_read_by_detection=True),
        IntakeField("fever_sampled", T("发热患者采样人数", "fever patients sampled"), PERSONS, T("其中采样检测多少人", "How many of them were sampled")),
        IntakeField("fever_positive", T("发热患者阳性人数", "fever patients positive"), PERSONS,
                    T("其中检测阳性多少人；结果未出先不填", "How many were positive; leave empty until results are in")),
    ),
    "clinic": (
        IntakeField("clinic_respiratory", T("呼吸道症状就诊人次", "visits for respiratory symptoms"), VISITS,
                    T("咳嗽、咽痛、发热等就诊多少人次", "Visits for cough, sore throat or fever"), is_read_by_detection=True),
        IntakeField("clinic_visits", T("门诊总人次", "visits in all"), VISITS, T("当日全部门诊人次，作分母", "All visits of the day, the denominator")),
    ),
    "pharmacy": (
        IntakeField("pharmacy_fever_buyers", T("四类药品购买登记人数", "registered buyers of four drug classes"), PERSONS,
                    T("退热、止咳、抗病毒、抗菌药登记购买多少人", "Buyers of fever, cough, antiviral and antibacterial drugs"), is_read_by_detection=True),
        IntakeField("pharmacy_antigen_boxes", T("抗原试剂售出盒数", "antigen tests sold"), T("盒", "boxes"), T("售出抗原试剂多少盒", "Boxes of antigen tests sold")),
    ),
    "school_absence": (
        IntakeField("school_sick", T("学生因病缺课人数（含线上课）", "pupils absent sick (online classes included)"), PUPILS,
                    T("晨检、午检后因病缺课多少人；线上课也算", "Absent sick after the checks; online classes count"), is_read_by_detection=True),
        IntakeField("school_fever", T("学生发热人数", "pupils with fever"), PUPILS, T("其中发热多少人", "How many of them had fever")),
        IntakeField("school_staff_sick", T("教职工因病缺勤人数", "staff absent sick"), PERSONS, T("教职工因病缺勤多少人", "Staff absent sick")),
    ),
    "care_home": (
        IntakeField("care_fever", T("养老机构发热人数", "care-home residents with fever"), PERSONS,
                    T("住养老人体温 37.3℃ 及以上多少人", "Residents with 37.3 °C or more"), is_read_by_detection=True),
        IntakeField("care_staff_fever", T("护理人员发热人数", "care staff with fever"), PERSONS, T("护理、后勤人员发热多少人", "Care and house staff with fever")),
        IntakeField("care_antigen_positive", T("抗原阳性人数", "antigen positives"), PERSONS, T("抗原检测阳性多少人", "Positive antigen tests")),
    ),
    "wastewater": (
        IntakeField("wastewater_load", T("污水病毒载量", "viral load in wastewater"), T("拷贝/升", "gene copies/l"),
                    T("实验室报告的浓度；未检出填 0", "The laboratory's concentration; 0 when none was found"), "concentration", True),
        IntakeField("wastewater_flow", T("污水日流量", "wastewater flow"), T("立方米/日", "m³/day"), T("采样当日流量，用于折算", "Flow on the day of sampling"), "rate"),
    ),
    "emergency_department": (
        IntakeField("emergency_fever", T("急诊发热人次", "emergency visits with fever"), VISITS,
                    T("急诊预检体温 37.3℃ 及以上多少人次", "Visits with 37.3 °C or more at triage"), is_read_by_detection=True),
        IntakeField("emergency_respiratory", T("急诊呼吸困难人次", "emergency visits short of breath"), VISITS,
                    T("以呼吸困难就诊多少人次", "Visits for shortness of breath")),
        IntakeField("emergency_admitted", T("急诊收治住院人数", "admitted from emergency"), PERSONS, T("由急诊收入院多少人", "Admitted to a ward from emergency")),
    ),
}  # fmt: skip
ASKS: Mapping[str, T] = {field.kind: field.ask for fields in INTAKE.values() for field in fields}
# A figure no alarm reads: no target, no weight, and no model of how infections show in it.
NOT_READ = {
    "targets": [],
    "weight": 0.0,
    "model": {"form": "additive", "basis": "kept for people to read; no alarm uses it", "events_per_infection": 0.0},
}
