"""Line lists with the tags of the R package linelist: what a file may hold, and how cases are written out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from tongchou.core.identity import check_mobile, check_resident_id, mask_mobile, mask_resident_id
from tongchou.core.importing.checking import ImportSpec
from tongchou.core.importing.columns import CellRefused, Column, choice, day, flag, text, whole
from tongchou.core.wording import T
from tongchou.domains.tracing.models import Case, Report
from tongchou.domains.tracing.rules import DATES, LIST_TAGS, OUTCOMES, SEXES, date_problems

NAME = "line-list"
_TAG_OF = {field: tag for tag, field in LIST_TAGS.items()}
_CHECK = T("请核对两处", "Check both")


def _dates_agree(row: Mapping[str, Any]) -> Sequence[tuple[str, T, T]]:
    return [(name, said, _CHECK) for name, said in date_problems(row, date.max)]


def line_list(source: str) -> ImportSpec:
    """What a line list of one source may hold; `source` tells its ids from those of others ("hospital/17")."""
    named = source.strip()

    def reference(cell: str) -> str:
        if not named or "/" in named or len(named) + len(cell) > 79:
            raise CellRefused(
                T("来源名或编号过长，或来源含“/”", "source or id too long, or a '/' in the source"), T("请缩短", "Shorten it")
            )
        return f"{named}/{cell}"

    dates = tuple(Column(name, label, day(date(2000, 1, 1)), "2022-06-01", aliases=(_TAG_OF[name],)) for name, label in DATES.items())
    columns = (
        Column("reference", T("编号", "Case id"), reference, "17", required=True, aliases=("id", "case_id")),
        Column("name", T("姓名", "Full name"), text(120), "李示例", aliases=("name",)),
        Column(
            "id_number", T("身份证号", "Identity number"), check_resident_id, "11010519491231002X", aliases=("身份证", "证件号码"),
            is_secret=True, mask=mask_resident_id, note=T("18位；没有可不填", "18 characters; may be left empty"),
        ),
        Column("phone", T("电话", "Phone"), check_mobile, "13800138000", aliases=("手机",), is_secret=True, mask=mask_mobile),
        Column("sex", T("性别", "Sex"), choice(SEXES), "女", choices=SEXES, aliases=("gender",)),
        Column("age", T("年龄", "Age"), whole(0, 130), "52"),
        Column("occupation", T("职业", "Occupation"), text(120), "教师"),
        Column("is_hcw", T("医务人员", "Health-care worker"), flag, "否", aliases=("hcw",), note=T("是或否", "yes or no")),
        *dates,
        Column("outcome", T("转归", "Outcome"), choice(OUTCOMES), "痊愈", choices=OUTCOMES),
        Column(
            "place_id", T("村居", "Village"), text(80), "310118106001", required=True, is_place=True, aliases=("location",),
            note=T("村居名称或12位代码", "Name or code of the village"),
        ),
    )  # fmt: skip
    return ImportSpec(
        NAME, T("病例个案表", "Line list"), Report, columns,
        key="reference", near_key=lambda row: "", alike=lambda new, known: 0.0, checks=(_dates_agree,),
    )  # fmt: skip


def written_out(cases: Iterable[Case]) -> tuple[list[str], Iterator[list[object]]]:
    """Headings (the tags, and case_type) and rows of cases with no name, number or phone: what may be handed to a statistician."""

    def rows() -> Iterator[list[object]]:
        for case in cases:
            values = {"reference": case.dossier.number, "place_id": case.dossier.place.code}
            row = [values.get(field, getattr(case, field, None)) for field in LIST_TAGS.values()]
            yield [_plain(cell) for cell in (*row, case.dossier.state)]

    return [*LIST_TAGS, "case_type"], rows()


def _plain(cell: object) -> object:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    return cell.isoformat() if isinstance(cell, date) else cell
