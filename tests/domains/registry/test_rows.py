"""One record at a time: added, changed, seen in clear, taken out, generated; by whom, where, and what the log keeps."""

from datetime import date
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from tests.fixtures_town import AT, Town
from tongchou.core.audit.models import Entry
from tongchou.core.audit.queries import PERSONAL_READ
from tongchou.core.errors import Invalid, Refusal, Stale, Unseen
from tongchou.core.people.rules import system_actor
from tongchou.core.secrecy import blind_index
from tongchou.domains.registry.actions import add_generated, add_row, edit_row, export_register, unmask
from tongchou.domains.registry.imports import FIRMS, HOUSEHOLDS, RESIDENTS, VENUES
from tongchou.domains.registry.models import CareHome, Firm, Household, Resident, Venue
from tongchou.domains.registry.queries import (
    counts_by_place,
    places_seen,
    resumption_by_place,
    resumption_by_sector,
    resumption_total,
    row_of,
    searched,
    seen_rows,
)

LI = {
    "name": "李秀兰", "id_number": "11010519491231002X", "sex": "女", "born_on": "1949-12-31", "place_id": "310118106001",
    "phone": "+86 138-0013-8000",
}  # fmt: skip


@pytest.fixture
def li(small_town: Town) -> Any:
    return add_row(spec=RESIDENTS, given=LI, by=small_town.lin, at=AT)


def test_add_seals_numbers_and_leaves_an_entry_without_them(li: Resident) -> None:
    assert (li.phone_index, li.id_index) == (blind_index("13800138000"), blind_index("11010519491231002X"))
    entry = Entry.objects.get()
    assert (entry.action, entry.details["new"]["phone"], entry.details["new"]["sex"]) == ("register.add", "***", "f")
    with connection.cursor() as cursor:
        cursor.execute("SELECT id_number, phone FROM registry_resident")
        assert all(b"138" not in bytes(value) for value in cursor.fetchone())


def test_add_is_refused_by_post_by_place_and_for_a_known_number(small_town: Town, li: Resident) -> None:
    with pytest.raises(Unseen):
        add_row(spec=RESIDENTS, given={**LI, "id_number": ""}, by=small_town.chen, at=AT)
    with pytest.raises(Unseen):
        add_row(spec=RESIDENTS, given={**LI, "id_number": ""}, by=small_town.zhao, at=AT)
    with pytest.raises(Unseen):
        add_row(spec=RESIDENTS, given={**LI, "id_number": "", "place_id": "310118106202"}, by=small_town.wu, at=AT)
    with pytest.raises(Invalid, match="id_number"):
        add_row(spec=RESIDENTS, given=LI, by=small_town.lin, at=AT)
    assert Resident.objects.count() == 1 and Entry.objects.count() == 1


def test_edit_keeps_what_was_not_given_and_refuses_nothing_changed(small_town: Town, li: Resident) -> None:
    changed = edit_row(spec=RESIDENTS, row=li, given={"name": "李秀澜"}, version=1, reason="更正", by=small_town.wu, at=AT)
    assert (changed.phone, changed.version, changed.near_key) == ("13800138000", 2, "1949-12-31|李")
    entry = Entry.objects.last()
    assert entry is not None and (entry.reason, entry.details["old"], entry.details["new"]) == (
        "更正",
        {"name": "李秀兰"},
        {"name": "李秀澜"},
    )
    with pytest.raises(Refusal, match="没有任何改动"):
        edit_row(spec=RESIDENTS, row=li, given={"name": "李秀澜"}, version=2, by=small_town.wu, at=AT)


def test_edit_is_refused_by_post_by_place_stale_and_wrong(small_town: Town, li: Resident) -> None:
    def edit(by: Any, version: int = 1, **given: str) -> None:
        edit_row(spec=RESIDENTS, row=li, given=given, version=version, by=by, at=AT)

    for actor in (small_town.chen, small_town.zhao):
        with pytest.raises(Unseen):
            edit(actor, name="x")
    with pytest.raises(Unseen):
        edit(small_town.wu, place_id="310118106202")
    with pytest.raises(Stale, match="别人改过"):
        edit(small_town.lin, version=0, name="x")
    with pytest.raises(Invalid, match="born_on"):
        edit(small_town.lin, born_on="1950-01-01")
    with pytest.raises(Invalid, match="sex"):
        edit(small_town.lin, sex="")
    li.refresh_from_db()
    assert (li.name, li.version, Entry.objects.count()) == ("李秀兰", 1, 1)


def test_unmask_leaves_an_access_and_is_refused_by_post_by_place_and_without_purpose(small_town: Town, li: Resident) -> None:
    assert unmask(spec=RESIDENTS, row=li, fields=["phone"], purpose="流调电话", by=small_town.chen, at=AT) == {"phone": "13800138000"}
    access = Entry.objects.get(action=PERSONAL_READ)
    assert (access.reason, access.details, access.actor_label) == ("流调电话", {"fields": ["phone"]}, "chen")
    with pytest.raises(Unseen):
        unmask(spec=RESIDENTS, row=li, fields=["phone"], purpose="流调电话", by=small_town.zhao, at=AT)
    with pytest.raises(Invalid):
        unmask(spec=RESIDENTS, row=li, fields=["phone"], purpose="  看 ", by=small_town.chen, at=AT)
    with pytest.raises(Invalid):
        unmask(spec=RESIDENTS, row=li, fields=["name"], purpose="流调电话", by=small_town.chen, at=AT)
    assert Entry.objects.filter(action=PERSONAL_READ).count() == 1


def test_export_is_noted_and_refused_by_post_and_by_place(small_town: Town) -> None:
    asked: dict[str, Any] = {"spec": RESIDENTS, "place": small_town.town, "row_count": 3, "filters": {"sex": "f"}, "at": AT}
    export_register(**asked, by=small_town.lin)
    assert Entry.objects.get().details == {"register": "resident", "rows": 3, "filters": {"sex": "f"}}
    for actor in (small_town.wu, small_town.zhao):
        with pytest.raises(Unseen):
            export_register(**asked, by=actor)


def _generate(town: Town, register: str, by: Any = None, **columns: list[Any]) -> int:
    return add_generated(register=register, columns=columns, place=town.town, by=by or system_actor("init"), at=AT)


def test_generated_rows_are_marked_sealed_and_one_entry(small_town: Town) -> None:
    places = [place.code for place in small_town.villages[:2]]
    _generate(small_town, "household", code=["H1", "H2"], place=places, name=["李", "王"], phone=["13800138000", "13900139000"])
    _generate(
        small_town, "resident", household=["H1", "H2"], place=places, name=["李秀兰", "王强"], id_number=["11010519491231002X", None],
        phone=["13800138000", None], sex=["f", "m"], born_on=[date(1949, 12, 31), date(1980, 5, 6)],
    )  # fmt: skip
    _generate(
        small_town, "firm", credit_code=["91110000600037341L"], place=places[:1], name=["甲"], industry=["39"], staff_count=[250],
        revenue_cny_10k=[50_000], resumption=["resumed"],
    )  # fmt: skip
    _generate(
        small_town, "venue", code=["V1", "V2"], place=places, name=["店", "门"], venue_class=["shop", "compound"],
        firm=["91110000600037341L", None],
    )  # fmt: skip
    li, firm = Resident.objects.get(name="李秀兰"), Firm.objects.get()
    assert (li.is_generated, li.phone, li.household, li.residence) == (True, "13800138000", Household.objects.get(code="H1"), "local")
    assert (firm.section, firm.size_class, Venue.objects.get(code="V1").firm) == ("C", "small", firm)
    assert [e.details["rows"] for e in Entry.objects.all()] == [2, 2, 1, 2]
    with pytest.raises(Unseen):
        _generate(small_town, "household", by=small_town.zhao, code=["H9"], place=places[:1], name=["x"])


def test_database_refuses_what_may_never_be(small_town: Town, li: Resident) -> None:
    for model, wrong in (
        (Resident, {"sex": "x"}), (Resident, {"id_index": None}), (Firm, {"resumption": "soon"}), (CareHome, {"resident_count": 300}),
    ):  # fmt: skip
        if model is Firm:
            _generate(
                small_town,
                "firm",
                credit_code=["91110000600037341L"],
                place=["310118106001"],
                name=["甲"],
                industry=["39"],
                resumption=["full"],
            )
        if model is CareHome:
            _generate(small_town, "care-home", code=["C1"], place=["310118106001"], name=["院"], bed_count=[100], resident_count=[90])
        with pytest.raises(IntegrityError), transaction.atomic():
            model.objects.update(**wrong)


def test_resumption_is_counted_by_sector_and_by_village_in_few_queries(small_town: Town, django_assert_max_num_queries: Any) -> None:
    places = [place.code for place in small_town.villages]
    _generate(
        small_town, "firm", credit_code=[f"C{n}" for n in range(6)], place=places * 2, name=list("甲乙丙丁戊己"), industry=["39", "39", "39", "62", "62", "52"],
        staff_count=[10, 20, 30, 1, 2, 3], resumption=["closed", "resumed", "full", "closed", "closed", "full"],
    )  # fmt: skip
    path = small_town.town.path
    with django_assert_max_num_queries(2):
        sectors = {s.key: s for s in resumption_by_sector(path)}
    assert (sectors["C"].firm_count, sectors["C"].resumed_count, sectors["C"].full_count, sectors["C"].resumed_staff_count) == (3, 2, 1, 50)
    assert (sectors["H"].resumed_share, sectors["F"].full_share) == (0, 1)
    villages = {s.key: s.resumed_count for s in resumption_by_place(path)}
    assert villages == {str(p.pk): n for p, n in zip(small_town.villages, (0, 1, 2), strict=True)}
    total = resumption_total(sectors.values())
    assert (total.firm_count, total.resumed_share, resumption_total([]).resumed_share) == (6, 0.5, None)


def test_lists_show_only_places_one_may_see(small_town: Town, li: Resident) -> None:
    def seen(actor: Any) -> list[int]:
        return [place.pk for place in places_seen(actor, small_town.town.path)]

    assert len(seen(small_town.lin)) == 4 and seen(small_town.wu) == [small_town.villages[0].pk] and seen(small_town.zhao) == []
    assert [r.pk for r in seen_rows(RESIDENTS, seen(small_town.lin))] == [li.pk]
    assert not seen_rows(RESIDENTS, seen(small_town.zhao)).exists()
    assert row_of(RESIDENTS, li.pk, seen(small_town.zhao)) is None
    assert counts_by_place(RESIDENTS, seen(small_town.lin)) == {small_town.villages[0].pk: 1}


@pytest.mark.parametrize("words", ["李", "李秀", "11010519491231002x", "138 0013 8000", ""])
def test_search_finds_by_start_of_name_or_whole_number(small_town: Town, li: Resident, words: str) -> None:
    rows = seen_rows(RESIDENTS, [place.pk for place in small_town.villages])
    assert [r.pk for r in searched(rows, RESIDENTS, words)] == [li.pk]
    assert not searched(rows, RESIDENTS, "秀").exists() and not searched(rows, RESIDENTS, "1101051949").exists()


@pytest.mark.parametrize(("spec", "words"), [(FIRMS, "91110000600037341l"), (HOUSEHOLDS, "h1"), (VENUES, "V1")])
def test_search_by_code(small_town: Town, spec: Any, words: str) -> None:
    places = ["310118106001"]
    _generate(small_town, "firm", credit_code=["91110000600037341L"], place=places, name=["甲"], industry=["39"])
    _generate(small_town, "household", code=["H1"], place=places, name=["李"])
    _generate(small_town, "venue", code=["V1"], place=places, name=["店"], venue_class=["shop"])
    rows = seen_rows(spec, [place.pk for place in small_town.villages])
    assert searched(rows, spec, words).count() == 1 and not searched(rows, spec, "X9").exists()
