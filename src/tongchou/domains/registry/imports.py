"""What the seven registers take from files, forms and the programming interface."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from tongchou.core.identity import check_credit_code, check_mobile, check_resident_id, mask_mobile, mask_resident_id
from tongchou.core.importing.checking import ImportSpec
from tongchou.core.importing.columns import CellRefused, Column, choice, code, day, flag, text, whole
from tongchou.core.wording import T
from tongchou.domains.registry import models, rules

PLACE = Column(
    "place_id", T("村居", "Village"), text(80), "310118106001", required=True, is_place=True,
    aliases=("村居代码", "居委", "村", "village code", "place"), note=T("村居名称或12位代码", "Name or code of the village"),
)  # fmt: skip
ADDRESS = Column("address", T("地址", "Address"), text(200), "", aliases=("详细地址", "住址"))
PHONE = Column(
    "phone", T("电话", "Phone"), check_mobile, "13800138000", aliases=("手机", "手机号", "联系电话", "mobile"), is_secret=True, mask=mask_mobile,
    note=T("大陆手机号", "Mainland mobile number"),
)  # fmt: skip


def _parse_landline_or_mobile(cell: str) -> str:
    plain = cell.replace(" ", "").replace("－", "-")
    landline = plain.replace("-", "")
    if landline.isdigit() and (7 <= len(landline) <= 8 or (landline.startswith("0") and 10 <= len(landline) <= 12)):
        return landline
    return check_mobile(cell)


OFFICE_PHONE = Column(
    "phone", T("联系电话", "Phone"), _parse_landline_or_mobile, "021-59761234", aliases=("电话", "手机", "mobile"), is_secret=True,
    mask=mask_mobile, note=T("手机或带区号的座机", "Mobile, or landline with area code"),
)  # fmt: skip


def _code(zh: str, en: str, example: str) -> Column:
    parse = code(r"[A-Za-z0-9][A-Za-z0-9_.-]{1,31}", T("2到32位字母、数字、横线", "2 to 32 letters, digits or dashes"))
    return Column("code", T(zh, en), parse, example, required=True, aliases=("编号", "编码", "代码"))


def _named(zh: str, en: str, example: str) -> Column:
    return Column("name", T(zh, en), text(120), example, required=True, aliases=("名称", "name"))


def _one_of(field: str, zh: str, en: str, words: Mapping[str, T], example: str, *, required: bool = False) -> Column:
    note = T("可填：" + "、".join(w.zh for w in words.values()), "One of: " + ", ".join(w.en for w in words.values()))
    return Column(field, T(zh, en), choice(words), example, required=required, choices=words, note=note)


def _count(field: str, zh: str, en: str, example: str, *aliases: str) -> Column:
    return Column(field, T(zh, en), whole(), example, aliases=aliases)


def _yes_no(field: str, zh: str, en: str) -> Column:
    return Column(field, T(zh, en), flag, "否", note=T("是或否", "yes or no"))


def _industry(cell: str) -> str:
    if rules.section_of(cell) is None:
        raise CellRefused(
            T("不是国民经济行业代码（GB/T 4754，2到4位数字）", "not an industry code of GB/T 4754 (two to four digits)"),
            T("请查行业代码，如餐饮业 62", "Look it up; catering is 62"),
        )
    return cell


def _id_agrees(row: Mapping[str, Any]) -> Sequence[tuple[str, T, T]]:
    """Birthday and sex stand in the identity number too."""
    number, told = row.get("id_number"), []
    if number:
        born_on = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
        if row["born_on"] != born_on:
            told.append(
                ("born_on", T(f"与身份证号中的 {born_on} 不一致", f"the identity number says {born_on}"), T("请核对两处", "Check both"))
            )
        if row["sex"] != ("m" if int(number[16]) % 2 else "f"):
            told.append(("sex", T("与身份证号不一致", "the identity number says otherwise"), T("请核对两处", "Check both")))
    return told


def _resumption_agrees(row: Mapping[str, Any]) -> Sequence[tuple[str, T, T]]:
    if row.get("resumed_on") and row.get("resumption") == "closed":
        return [
            ("resumed_on", T("未复工却有复工日期", "a closed firm has a day of resumption"), T("改状态或删去日期", "Change one of the two"))
        ]
    return []


def firm_class(row: Mapping[str, Any]) -> dict[str, Any]:
    """Section and size class, which follow from industry and figures."""
    return {
        "section": rules.section_of(row["industry"]),
        "size_class": rules.size_class_of(
            row["industry"],
            staff_count=row.get("staff_count") or 0,
            revenue_cny_10k=row.get("revenue_cny_10k") or 0,
            assets_cny_10k=row.get("assets_cny_10k"),
        ),
    }


HOUSEHOLDS = ImportSpec(
    "household", T("户", "Households"), models.Household,
    (
        _code("户号", "Household no.", "H000001"), _named("户主", "Head", "李示例"), PLACE, ADDRESS, PHONE,
        _yes_no("is_collective", "集体户", "Dormitory"),
    ),
    key="code", near_key=rules.near_site, alike=rules.alike_site,
)  # fmt: skip

RESIDENTS = ImportSpec(
    "resident", T("居民", "Residents"), models.Resident,
    (
        _named("姓名", "Full name", "李示例"),
        Column(
            "id_number", T("身份证号", "Identity number"), check_resident_id, "11010519491231002X", aliases=("身份证", "公民身份号码", "证件号码"),
            is_secret=True, mask=mask_resident_id, note=T("18位；没有可不填", "18 characters; may be left empty"),
        ),
        _one_of("sex", "性别", "Sex", rules.SEXES, "女", required=True),
        Column("born_on", T("出生日期", "Birthday"), day(), "1949-12-31", required=True, aliases=("生日", "出生年月日")),
        PLACE, ADDRESS, PHONE,
        Column("household_id", T("户号", "Household no."), text(32), "", reads=("registry.Household", "code")),
        _one_of("residence", "户籍", "Registration", rules.RESIDENCES, "本市户籍"),
    ),
    key="id_number", near_key=rules.near_person, alike=rules.alike_person, checks=(_id_agrees,),
)  # fmt: skip

FIRMS = ImportSpec(
    "firm", T("企业", "Firms"), models.Firm,
    (
        _named("企业名称", "Firm", "上海示例商贸有限公司"),
        Column("credit_code", T("统一社会信用代码", "Credit code"), check_credit_code, "91310115MA1K3BTP2B", required=True, aliases=("信用代码",)),
        PLACE, Column("address", T("经营地址", "Premises"), text(200), "", aliases=("地址", "住所")),
        Column("industry", T("行业代码", "Industry code"), _industry, "52", required=True, aliases=("行业",), note=T("GB/T 4754，2到4位数字", "GB/T 4754, two to four digits")),
        _count("staff_count", "从业人数", "Staff", "12", "员工数", "employees"),
        _count("revenue_cny_10k", "年营业收入（万元）", "Yearly revenue (10,000 yuan)", "600", "营业收入"),
        _count("assets_cny_10k", "资产总额（万元）", "Assets (10,000 yuan)", "", "资产"),
        Column("contact_name", T("联系人", "Contact"), text(60), "李示例"), OFFICE_PHONE,
        _yes_no("state_owned_premises", "租用国有房屋", "State-owned premises"),
        _one_of("resumption", "复工状态", "State of work", rules.RESUMPTIONS, "已复工"),
        Column("resumed_on", T("复工日期", "Resumed on"), day(date(2020, 1, 1)), "2022-06-01"),
    ),
    key="credit_code", near_key=rules.near_firm, alike=rules.alike_firm, derive=firm_class, checks=(_resumption_agrees,),
)  # fmt: skip

VENUES = ImportSpec(
    "venue", T("场所", "Venues"), models.Venue,
    (
        _code("场所码编号", "Venue code no.", "V000001"), _named("场所名称", "Venue", "示例便利店"),
        _one_of("venue_class", "类别", "Class", rules.VENUE_CLASSES, "商铺", required=True), PLACE, ADDRESS,
        Column("firm_id", T("经营企业信用代码", "Operator's credit code"), text(18), "", reads=("registry.Firm", "credit_code")),
        _count("capacity", "可容人数", "Capacity", "20"), OFFICE_PHONE,
    ),
    key="code", near_key=rules.near_site, alike=rules.alike_site,
)  # fmt: skip

SCHOOLS = ImportSpec(
    "school", T("学校", "Schools"), models.School,
    (
        _code("学校编号", "School no.", "S001"), _named("学校名称", "School", "示例小学"),
        _one_of("stage", "学段", "Stage", rules.SCHOOL_STAGES, "小学", required=True), PLACE, ADDRESS,
        _count("pupil_count", "学生数", "Pupils", "600"), _count("staff_count", "教职工数", "Staff", "45"), OFFICE_PHONE,
        _yes_no("is_open", "已复学", "Open"),
    ),
    key="code", near_key=rules.near_site, alike=rules.alike_site,
)  # fmt: skip


def _not_overfull(row: Mapping[str, Any]) -> Sequence[tuple[str, T, T]]:
    if (row.get("resident_count") or 0) > 2 * (row.get("bed_count") or 0):
        return [("resident_count", T("在住人数超过床位两倍", "more than twice as many residents as beds"), T("请核对两处", "Check both"))]
    return []


CARE_HOMES = ImportSpec(
    "care-home", T("养老机构", "Care homes"), models.CareHome,
    (
        _code("机构编号", "Care home no.", "C001"), _named("机构名称", "Care home", "示例养老院"), PLACE, ADDRESS,
        _count("bed_count", "床位数", "Beds", "120"), _count("resident_count", "在住人数", "Living there", "98"),
        _count("staff_count", "职工数", "Staff", "40"), OFFICE_PHONE,
    ),
    key="code", near_key=rules.near_site, alike=rules.alike_site, checks=(_not_overfull,),
)  # fmt: skip

SITES = ImportSpec(
    "site", T("建筑工地", "Construction sites"), models.ConstructionSite,
    (
        _code("工地编号", "Site no.", "G001"), _named("工地名称", "Site", "示例项目一期"), PLACE, ADDRESS,
        Column("builder", T("施工单位", "Builder"), text(120), "示例建设集团"), _yes_no("is_major", "重大项目", "Major project"),
        _count("worker_count", "工人数", "Workers", "80"), _one_of("state", "状态", "State", rules.SITE_STATES, "停工", required=True), OFFICE_PHONE,
    ),
    key="code", near_key=rules.near_site, alike=rules.alike_site,
)  # fmt: skip

SPECS: Mapping[str, ImportSpec] = {s.name: s for s in (HOUSEHOLDS, RESIDENTS, FIRMS, VENUES, SCHOOLS, CARE_HOMES, SITES)}
