"""The log: one action, one transaction, at least one entry, an unbroken chain."""

from datetime import date, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from tests.fixtures_town import AT, Town
from tongchou.core.audit.acting import action, record, record_access
from tongchou.core.audit.actions import seal_day
from tongchou.core.audit.models import ChainHead, Entry
from tongchou.core.audit.queries import accesses, verify_chain
from tongchou.core.errors import Invalid, Unseen
from tongchou.core.parameters.actions import set_parameter
from tongchou.core.people.rules import Actor, system_actor
from tongchou.core.places.models import Place
from tongchou.core.wording import T


@pytest.fixture
def three_entries(small_town: Town) -> Town:
    for minutes in (31, 32, 33):
        set_parameter(
            key="alarm.acknowledge_within",
            value=minutes,
            valid_from=date(2022, 6, 2),
            source=T("值班会议", "Duty meeting"),
            place=small_town.town,
            by=small_town.fang,
            at=AT,
        )
    return small_town


def test_chain_holds_after_real_acts(three_entries: Town) -> None:
    proof = verify_chain()
    assert (proof.entries, proof.problems) == (3, ())
    assert Entry.objects.get(seq=2).details["value"] == 32


def _tamper(sql: str) -> None:
    """Change the log behind the application's back, as somebody with the database password could: guard first taken off."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("DROP TRIGGER audit_entry_no_update")
            cursor.execute("DROP TRIGGER audit_entry_no_delete")
        else:
            cursor.execute("DROP TRIGGER audit_entry_append_only ON audit_entry")
        cursor.execute(sql)


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("UPDATE audit_entry SET detail = '{}' WHERE seq = 2", "entry 2"),
        ("UPDATE audit_entry SET reason = 'x' WHERE seq = 1", "entry 1"),
        ("DELETE FROM audit_entry WHERE seq = 2", "entry 2: missing"),
        ("DELETE FROM audit_entry WHERE seq = 3", "cut off the end"),
    ],
)
def test_tampering_is_found(three_entries: Town, sql: str, told: str) -> None:
    _tamper(sql)
    assert any(told in problem for problem in verify_chain().problems)


def test_rewriting_the_whole_chain_is_found_by_a_sealed_day(three_entries: Town) -> None:
    seal_day(day=AT.date(), by=system_actor("worker"), at=AT)
    _tamper("UPDATE audit_entry SET digest = '" + "ab" * 32 + "' WHERE seq = 3")
    assert any("sealed on 2022-06-02" in problem for problem in verify_chain().problems)


@pytest.mark.parametrize("sql", ["UPDATE audit_entry SET reason = 'x'", "DELETE FROM audit_entry"])
def test_database_refuses_to_change_the_log(three_entries: Town, sql: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_officer_of_another_town_sees_nothing_and_leaves_nothing(small_town: Town) -> None:
    with pytest.raises(Unseen):
        set_parameter(
            key="alarm.acknowledge_within",
            value=1,
            valid_from=date(2022, 6, 2),
            source=T("无", "none"),
            place=small_town.town,
            by=small_town.zhao,
            at=AT,
        )
    assert Entry.objects.count() == 0


def test_failed_work_leaves_neither_change_nor_entry(small_town: Town) -> None:
    @action("place.write", on=Place)
    def rename_then_fail(place: Place, *, by: Actor, at: object) -> None:
        place.name_zh = "改名"
        place.save()
        record("place.rename", place, place_path=place.path)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        rename_then_fail(small_town.town, by=system_actor("test"), at=AT)
    small_town.town.refresh_from_db()
    assert small_town.town.name_zh == "徐泾镇"
    assert Entry.objects.count() == 0 and ChainHead.objects.get(pk=1).seq == 0


def test_action_without_an_entry_is_rolled_back(small_town: Town) -> None:
    @action("place.write", place=lambda given: "/")
    def quiet(*, by: Actor, at: object) -> None:
        Place.objects.filter(pk=small_town.town.pk).update(name_zh="悄悄")

    with pytest.raises(RuntimeError, match="at least one entry"):
        quiet(by=system_actor("test"), at=AT)
    small_town.town.refresh_from_db()
    assert small_town.town.name_zh == "徐泾镇"


def test_inner_action_joins_the_outer_and_keeps_the_order(small_town: Town) -> None:
    @action("parameter.write", place=lambda given: "/")
    def both(*, by: Actor, at: object) -> None:
        record("outer.begin", small_town.town, place_path="/")
        set_parameter(
            key="alarm.acknowledge_within",
            value=5,
            valid_from=date(2022, 6, 1),
            source=T("测试", "test"),
            by=by,
            at=AT,
        )

    both(by=system_actor("test"), at=AT)
    assert list(Entry.objects.values_list("action", flat=True)) == ["outer.begin", "parameter.set"]
    assert verify_chain().problems == ()


def test_reading_personal_data_needs_a_purpose_and_is_kept(small_town: Town) -> None:
    @action("desk.read", place=lambda given: "/310118/310118106/")
    def look(*, purpose: str, by: Actor, at: object) -> None:
        record_access(_Person(small_town.town), fields=["phone"], purpose=purpose)  # type: ignore[arg-type]

    with pytest.raises(Invalid):
        look(purpose=" ", by=small_town.lin, at=AT)
    look(purpose="核对密接电话", by=small_town.lin, at=AT + timedelta(minutes=1))
    seen = accesses().get()
    assert (seen.reason, seen.actor_label, seen.details["fields"]) == ("核对密接电话", "lin", ["phone"])


class _Person:
    """Stands for a resident: something with a primary key and a place."""

    def __init__(self, place: Place) -> None:
        self.pk, self._meta, self.place_path = place.pk, place._meta, place.path
