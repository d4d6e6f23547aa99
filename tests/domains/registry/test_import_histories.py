"""What may happen to rows between a file and its undoing: edited, updated by a later file, put back, brought in again."""

import threading
from typing import Any

import pytest
from django.db import close_old_connections, connections

from tests.crashes import Killed, killed_before
from tests.domains.registry.test_import_residents import LI, WANG, apply, preview
from tests.fixtures_town import AT, Town
from tongchou.core.audit.models import Entry
from tongchou.core.audit.queries import verify_chain
from tongchou.core.errors import Refusal, Stale
from tongchou.core.importing.actions import undo_import
from tongchou.core.importing.models import ImportBatch, ImportChunk
from tongchou.domains.registry.actions import edit_row
from tongchou.domains.registry.imports import FIRMS, RESIDENTS
from tongchou.domains.registry.models import Firm, Resident

FIRM_HEAD = "企业名称,统一社会信用代码,村居,行业代码,复工状态"
FIRM = "上海示例制造,91110000600037341L,前明村,39,"


def undo(batch: ImportBatch, town: Town, spec: Any = RESIDENTS) -> ImportBatch:
    return undo_import(batch, spec=spec, reason="传错了", by=town.lin, at=AT)


def firms(town: Town, *lines: str, **choices: Any) -> ImportBatch:
    return apply(preview(town, *lines, head=FIRM_HEAD, spec=FIRMS), town, spec=FIRMS, **choices)


def edit(row: Any, town: Town, spec: Any, **given: str) -> None:
    edit_row(spec=spec, row=row, given=given, version=type(row).objects.get(pk=row.pk).version, by=town.lin, at=AT)


def test_same_file_again_adds_nothing_and_its_undoing_takes_nothing_away(small_town: Town) -> None:
    first = apply(preview(small_town, LI, WANG), small_town)
    before = list(Resident.objects.order_by("pk").values())
    again = apply(preview(small_town, LI, WANG), small_town)
    assert (again.added_count, again.skipped_count) == (0, 2)
    undo(again, small_town)
    assert list(Resident.objects.order_by("pk").values()) == before
    assert undo(first, small_town).state == "undone" and not Resident.objects.exists()


def test_firm_changed_by_hand_after_its_file_stops_the_undoing_even_when_put_back(small_town: Town) -> None:
    batch = firms(small_town, FIRM)
    firm = Firm.objects.get()
    edit(firm, small_town, FIRMS, resumption="resumed")
    with pytest.raises(Stale, match="上海示例制造"):
        undo(batch, small_town, FIRMS)
    edit(firm, small_town, FIRMS, resumption="closed")
    with pytest.raises(Stale):
        undo(batch, small_town, FIRMS)
    assert Firm.objects.get().resumption == "closed" and ImportBatch.objects.get().state == "applied"


def test_files_are_undone_latest_first_and_each_gives_back_what_stood_there(small_town: Town) -> None:
    states: list[Any] = []
    batches: list[ImportBatch] = []
    for state in ("closed", "resumed", "full"):
        batches.append(firms(small_town, FIRM + state, same="update"))
        states.append(Firm.objects.values("resumption", "version", "name", "place").get())
    for early in batches[:2]:
        with pytest.raises(Stale):
            undo(early, small_town, FIRMS)
    for batch, left in zip(reversed(batches), [states[1], states[0], None], strict=True):
        undo(batch, small_town, FIRMS)
        assert Firm.objects.values("resumption", "version", "name", "place").first() == left
    assert not ImportChunk.objects.exists() and verify_chain().problems == ()


def test_import_and_undo_killed_before_any_statement_are_whole_or_not_at_all(small_town: Town) -> None:
    def world() -> tuple[Any, ...]:
        rows = Resident.objects.order_by("name").values_list("name", "version", "address")
        return (*rows, *ImportBatch.objects.order_by("pk").values_list("state", "added_count"), Entry.objects.count())

    apply(preview(small_town, LI), small_town)
    waiting = preview(small_town, LI.replace("201", "202"), WANG)

    def work() -> None:
        apply(ImportBatch.objects.get(pk=waiting.pk), small_town, same="update")

    def back() -> None:
        undo(ImportBatch.objects.get(pk=waiting.pk), small_town)

    for step in (work, back):
        before, number, killed = world(), 1, 0
        while True:
            try:
                with killed_before(number):
                    step()
                break
            except Killed:
                assert world() == before and verify_chain().problems == ()
                number, killed = number + 1, killed + 1
        assert killed > 4 and world() != before
    assert [(r.name, r.address) for r in Resident.objects.all()] == [("李秀兰", "明珠路1弄3号201")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("step", ["apply", "undo"])
def test_of_two_who_press_the_button_at_once_one_wins(small_town: Town, step: str) -> None:
    batch = preview(small_town, LI, WANG)
    if step == "undo":
        apply(batch, small_town)
    outcomes: list[str] = []
    gate = threading.Barrier(2)

    def press(by: Any) -> None:
        try:
            gate.wait()
            mine = ImportBatch.objects.get(pk=batch.pk)
            if step == "apply":
                apply(mine, small_town, by=by)
            else:
                undo_import(mine, spec=RESIDENTS, reason="传错了", by=by, at=AT)
            outcomes.append("done")
        except Refusal as refused:
            outcomes.append(type(refused).__name__)
        finally:
            connections.close_all()

    close_old_connections()
    people = [threading.Thread(target=press, args=(small_town.lin,)) for _ in range(2)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert sorted(outcomes) == ["Stale", "done"]
    assert Resident.objects.count() == (2 if step == "apply" else 0) and verify_chain().problems == ()
