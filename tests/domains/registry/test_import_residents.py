"""A file of residents: preview, apply, undo, and who and what stops each of them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection

from tests.fixtures_town import AT, Town
from tongchou.core.audit.models import Entry
from tongchou.core.errors import Invalid, Refusal, Stale, Unseen
from tongchou.core.importing import actions as importing
from tongchou.core.importing.actions import apply_import, discard_import, preview_import, take_wrong_rows, undo_import
from tongchou.core.importing.models import ImportBatch, ImportChunk
from tongchou.core.importing.tables import FileRefused
from tongchou.domains.registry.actions import edit_row
from tongchou.domains.registry.imports import FIRMS, HOUSEHOLDS, RESIDENTS
from tongchou.domains.registry.models import Household, Resident

HEAD = "姓名,身份证号,性别,出生日期,村居,地址,电话"
LI = "李秀兰,11010519491231002X,女,1949-12-31,徐泾居委会,明珠路1弄3号201,13800138000"
WANG = "王建国,,男,1980-05-06,前明村,前明路8号,13900139000"


def preview(town: Town, *lines: str, head: str = HEAD, by: Any = None, spec: Any = RESIDENTS) -> ImportBatch:
    content = "\n".join([head, *lines]).encode()
    return preview_import(spec=spec, content=content, file_name="居民.csv", place=town.town, by=by or town.lin, at=AT)


def apply(batch: ImportBatch, town: Town, **choices: Any) -> ImportBatch:
    return apply_import(batch, spec=choices.pop("spec", RESIDENTS), by=choices.pop("by", town.lin), at=AT, **choices)


def test_preview_changes_no_register_and_apply_writes_what_was_previewed(small_town: Town) -> None:
    batch = preview(small_town, LI, WANG)
    assert (batch.row_count, batch.bad_row_count, batch.problem_count) == (2, 0, 0)
    assert not Resident.objects.exists()
    apply(batch, small_town)
    li = Resident.objects.get(name="李秀兰")
    assert (li.id_number, li.phone, li.place, li.batch_id) == ("11010519491231002X", "13800138000", small_town.villages[0], batch.pk)
    assert (li.near_key, li.version, li.residence) == ("1949-12-31|李", 1, "local")
    assert [e.action for e in Entry.objects.all()] == ["import.preview", "import.apply"]
    assert Entry.objects.last().details == {"added": 2, "updated": 0, "skipped": 0, "left_out": 0}  # type: ignore[union-attr]


def test_no_number_lies_in_clear_anywhere(small_town: Town) -> None:
    apply(preview(small_town, LI, WANG), small_town)
    preview(small_town, LI.replace("002X", "0021"), LI)
    with connection.cursor() as cursor:
        for table in ("registry_resident", "importing_importbatch", "importing_importchunk", "audit_entry"):
            cursor.execute(f"SELECT * FROM {table}")
            for row in cursor.fetchall():
                said = b" ".join(v if isinstance(v, bytes) else str(v).encode() for v in row if v is not None)
                assert b"11010519491231" not in said and b"13800138000" not in said


@pytest.mark.parametrize(
    ("line", "cell", "said"),
    [
        ("李秀兰,11010519491231002Y,女,1949-12-31,徐泾居委会,,", "B2", "17位数字"),
        ("李秀兰,110105194912310021,女,1949-12-31,徐泾居委会,,", "B2", "校验码"),
        ("李秀兰,11010519491231002X,男,1949-12-31,徐泾居委会,,", "C2", "身份证号"),
        ("李秀兰,11010519491231002X,女,1950-12-31,徐泾居委会,,", "D2", "1949-12-31"),
        ("李秀兰,,女,1949-02-30,徐泾居委会,,", "D2", "有效日期"),
        ("李秀兰,,女,,徐泾居委会,,", "D2", "必填"),
        (",,女,1949-12-31,徐泾居委会,,", "A2", "必填"),
        ("李秀兰,,x,1949-12-31,徐泾居委会,,", "C2", "可选项"),
        ("李秀兰,,女,1949-12-31,华新镇,,", "E2", "名单"),
        ("李秀兰,,女,1949-12-31,徐泾居委会,,12345", "G2", "手机号"),
        ("李秀兰,,女,1949-12-31,徐泾居委会,", "G2", "只有 6 列"),
    ],
)
def test_each_wrong_cell_is_named_with_what_to_do(small_town: Town, line: str, cell: str, said: str) -> None:
    batch = preview(small_town, line, WANG)
    assert [p["cell"] for p in batch.problems] == [cell]
    assert said in batch.problems[0]["what"]["zh"] and batch.problems[0]["remedy"]["zh"] and batch.problems[0]["what"]["en"]
    assert (batch.row_count, batch.bad_row_count) == (2, 1)


def test_secret_cells_are_masked_in_problems(small_town: Town) -> None:
    batch = preview(small_town, LI.replace("002X", "0021"))
    assert batch.problems[0]["value"] == "110*************21"


def test_wrong_rows_stop_everything_unless_left_out(small_town: Town) -> None:
    batch = preview(small_town, LI, WANG.replace("1980", "abcd"))
    with pytest.raises(Refusal, match="1 行有错"):
        apply(batch, small_town)
    assert not Resident.objects.exists()
    assert apply(batch, small_town, leaves_bad_out=True).added_count == 1


def test_same_number_twice_in_a_file_names_the_first(small_town: Town) -> None:
    batch = preview(small_town, LI, WANG, LI)
    assert [(p["cell"], p["what"]["zh"]) for p in batch.problems] == [("B4", "与第 2 行重复")]


@pytest.mark.parametrize(
    ("head", "cell", "said"),
    [
        (HEAD + ",电话", "H1", "重复"),
        (HEAD + ",星座", "H1", "不认识"),
        (HEAD.replace("姓名", "名字呢"), "A1", "不认识"),
        (HEAD.replace(",出生日期", ",备注"), "H1", "缺少“出生日期”"),
    ],
)
def test_headings_missing_double_unknown(small_town: Town, head: str, cell: str, said: str) -> None:
    with pytest.raises(FileRefused) as refused:
        preview(small_town, LI + ",", head=head)
    assert said in {p.cell: p.what.zh for p in refused.value.problems}[cell]
    assert not ImportBatch.objects.exists()


def test_known_number_is_skipped_or_updated(small_town: Town) -> None:
    apply(preview(small_town, LI), small_town)
    moved = LI.replace("明珠路1弄3号201", "前明路9号").replace("徐泾居委会", "金云村").replace("13800138000", "")
    batch = preview(small_town, moved)
    assert (batch.known_row_count, batch.near_row_count) == (1, 0)
    assert apply(batch, small_town).skipped_count == 1
    batch = apply(preview(small_town, moved), small_town, same="update")
    li = Resident.objects.get()
    assert (li.address, li.place, li.version, li.phone) == ("前明路9号", small_town.villages[2], 2, "13800138000")
    assert (batch.added_count, batch.updated_count) == (0, 1)


def test_likely_duplicate_waits_for_a_choice(small_town: Town) -> None:
    apply(preview(small_town, WANG), small_town)
    typo = WANG.replace("王建国", "王建帼")
    batch = preview(small_town, typo)
    assert batch.near_row_count == 1
    assert {k: batch.near[0][k] for k in ("row", "name", "known_name")} == {"row": 2, "name": "王建帼", "known_name": "王建国"}
    assert apply(batch, small_town).skipped_count == 1
    apply(preview(small_town, typo), small_town, near="skip", chosen={2: "update"})
    assert [r.name for r in Resident.objects.all()] == ["王建帼"]
    apply(preview(small_town, WANG), small_town, near="add")
    assert Resident.objects.count() == 2


def test_undo_takes_the_whole_batch_back(small_town: Town) -> None:
    first = apply(preview(small_town, LI), small_town)
    second = apply(preview(small_town, LI.replace("201", "909"), WANG), small_town, same="update")
    undo_import(second, spec=RESIDENTS, reason="文件传错", by=small_town.lin, at=AT)
    li = Resident.objects.get()
    assert (li.address, li.id_number, li.phone) == ("明珠路1弄3号201", "11010519491231002X", "13800138000")
    assert not ImportChunk.objects.exists()
    undo_import(first, spec=RESIDENTS, reason="也传错", by=small_town.lin, at=AT)
    assert not Resident.objects.exists()


def test_undo_refuses_when_somebody_changed_a_row_since(small_town: Town) -> None:
    batch = apply(preview(small_town, LI, WANG), small_town)
    row = Resident.objects.get(name="王建国")
    edit_row(spec=RESIDENTS, row=row, given={"address": "新址"}, version=1, by=small_town.lin, at=AT)
    with pytest.raises(Stale, match="王建国"):
        undo_import(batch, spec=RESIDENTS, reason="x", by=small_town.lin, at=AT)
    assert Resident.objects.count() == 2


def test_undo_refuses_when_others_point_to_the_rows(small_town: Town) -> None:
    households = apply(preview(small_town, "H1,李秀兰,徐泾居委会", head="户号,户主,村居", spec=HOUSEHOLDS), small_town, spec=HOUSEHOLDS)
    apply(preview(small_town, LI + ",H1", head=HEAD + ",户号"), small_town)
    assert Resident.objects.get().household == Household.objects.get()
    with pytest.raises(Stale, match="引用"):
        undo_import(households, spec=HOUSEHOLDS, reason="x", by=small_town.lin, at=AT)


def test_register_that_moved_on_since_the_preview_stops_the_import(small_town: Town) -> None:
    early, late = preview(small_town, WANG, LI), preview(small_town, LI)
    apply(late, small_town)
    with pytest.raises(Stale, match="没有导入"):
        apply(early, small_town)
    assert Resident.objects.count() == 1
    early.refresh_from_db()
    assert early.state == "previewed"


@pytest.mark.parametrize("fault", [OperationalError("database or disk is full"), OperationalError("server closed the connection")])
def test_full_disk_or_lost_database_leaves_nothing_half_done(
    small_town: Town, monkeypatch: pytest.MonkeyPatch, fault: OperationalError
) -> None:
    apply(preview(small_town, LI), small_town)
    batch = preview(small_town, LI.replace("201", "909"), WANG)
    plain: Callable[..., int] = importing.update_rows

    def fail(*args: Any, **given: Any) -> int:
        plain(*args, **given)
        raise fault

    monkeypatch.setattr(importing, "update_rows", fail)
    with pytest.raises(OperationalError):
        apply(batch, small_town, same="update")
    assert [(r.name, r.version, r.address) for r in Resident.objects.all()] == [("李秀兰", 1, "明珠路1弄3号201")]
    monkeypatch.undo()
    assert apply(batch, small_town, same="update").updated_count == 1


def test_each_step_only_from_its_state(small_town: Town) -> None:
    batch = apply(preview(small_town, LI), small_town)
    with pytest.raises(Stale, match="已导入"):
        apply(batch, small_town)
    with pytest.raises(Stale):
        discard_import(batch, by=small_town.lin, at=AT)
    other = discard_import(preview(small_town, WANG), by=small_town.lin, at=AT)
    with pytest.raises(Stale, match="已放弃"):
        undo_import(other, spec=RESIDENTS, reason="x", by=small_town.lin, at=AT)


def test_refused_by_post_and_by_place(small_town: Town) -> None:
    batch = preview(small_town, LI)
    for actor in (small_town.chen, small_town.wu, small_town.zhao):
        with pytest.raises(Unseen):
            preview(small_town, WANG, by=actor)
        with pytest.raises(Unseen):
            apply(batch, small_town, by=actor)
    assert not Resident.objects.exists()


def test_wrong_rows_go_only_to_the_one_who_sent_them(small_town: Town) -> None:
    batch = preview(small_town, LI.replace("1949-12-31", "x"))
    found = take_wrong_rows(batch, by=small_town.lin, at=AT)
    assert found["rows"][0][1][1] == "11010519491231002X" and found["problems"][0]["cell"] == "D2"
    with pytest.raises(Unseen):
        take_wrong_rows(batch, by=small_town.zhao, at=AT)
    assert Entry.objects.last().action == "import.wrong_rows"  # type: ignore[union-attr]


def test_firms_get_their_section_and_size(small_town: Town) -> None:
    head = "企业名称,统一社会信用代码,村居,行业代码,从业人数,年营业收入（万元）,复工状态"
    lines = ("上海示例制造有限公司,91110000600037341L,前明村,39,250,50000,已达产", "上海示例商贸,91310115ma1k3btp2b,前明村,5211,3,20,")
    apply(preview(small_town, *lines, head=head, spec=FIRMS), small_town, spec=FIRMS)
    rows = {f.credit_code: (f.section, f.size_class, f.resumption) for f in FIRMS.model.objects.all()}  # type: ignore[attr-defined]
    assert rows == {"91110000600037341L": ("C", "small", "full"), "91310115MA1K3BTP2B": ("F", "micro", "closed")}


def test_template_example_row_is_left_out(small_town: Town) -> None:
    from tongchou.core.importing.files import template_workbook

    batch = preview_import(
        spec=RESIDENTS, content=template_workbook(RESIDENTS), file_name="t.xlsx", place=small_town.town, by=small_town.lin, at=AT
    )
    assert (batch.row_count, batch.problem_count) == (0, 0)


def test_unmask_needs_a_purpose(small_town: Town) -> None:
    from tongchou.domains.registry.actions import unmask

    apply(preview(small_town, LI), small_town)
    with pytest.raises(Invalid):
        unmask(spec=RESIDENTS, row=Resident.objects.get(), fields=["phone"], purpose="", by=small_town.lin, at=AT)
