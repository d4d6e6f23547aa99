"""A book is published, a document goes from received to reported; each step once, in order, with its clock."""

from datetime import timedelta

import pytest

from tests.domains.policies.offices import BOOK, Office, book_from
from tests.fixtures_town import AT
from tongchou.core.casework.models import Deadline
from tongchou.core.errors import Invalid, Refusal, Stale, Unseen
from tongchou.core.packs.problems import PackInvalid
from tongchou.core.wording import T
from tongchou.domains.policies.actions import Received, break_down, issue_document, publish_book, receive_document, report_document
from tongchou.domains.policies.models import Book, PolicyDocument
from tongchou.domains.policies.queries import latest_book, read_again
from tongchou.workflows.entitling import deliver

GIVEN = Received("act", T("稳企若干措施", "Steadying firms"), "某府〔2022〕1号", "city")


def received(desk: Office) -> PolicyDocument:
    return receive_document(given=GIVEN, place=desk.town.town, by=desk.town.lin, at=AT)


def test_from_received_to_reported_and_the_clocks_come_from_the_log(desk: Office) -> None:
    row, lin = received(desk), desk.town.lin
    hour = timedelta(hours=1)
    break_down(row, by=lin, at=AT + hour)
    with pytest.raises(Stale, match="allowed now"):
        break_down(PolicyDocument.objects.get(), by=lin, at=AT + hour)
    issue_document(PolicyDocument.objects.get(), to="各村居", by=lin, at=AT + 2 * hour)
    desk.entitled()
    deliver(PolicyDocument.objects.get(), by=lin, at=AT + 80 * hour)
    done = report_document(PolicyDocument.objects.get(), words="三家企业全部告知", by=lin, at=AT + 81 * hour)
    assert done.dossier.state == "reported" and done.dossier.closed_at == AT + 81 * hour
    clocks = {d.key.split(".")[1]: (d.stopped_at, d.stopped_at and d.stopped_at > d.due_at) for d in Deadline.objects.all()}
    assert clocks == {
        "break_down_within": (AT + hour, False), "issue_within": (AT + 2 * hour, False), "deliver_within": (AT + 80 * hour, True),
        "report_within": (AT + 81 * hour, False),
    }  # fmt: skip


def test_it_is_not_delivered_before_every_firm_it_is_for_was_told(desk: Office) -> None:
    from tongchou.domains.policies.actions_awards import keep_awards
    from tongchou.workflows.entitling import found_of, match_firms, read_firms

    row, lin = received(desk), desk.town.lin
    issue_document(break_down(row, by=lin, at=AT), to="各村居", by=lin, at=AT)
    firms = read_firms(desk.town.town.path, read_again(desk.book).fields)
    keep_awards(
        found=found_of(firms, match_firms(firms, desk.book, AT.date())),
        firms=firms.pks,
        book=desk.book,
        place=desk.town.town,
        by=lin,
        at=AT,
    )
    with pytest.raises(Refusal, match="3 firms that are due something have not been told"):
        deliver(PolicyDocument.objects.get(), by=lin, at=AT)


def test_a_document_without_a_measure_in_the_book_is_not_broken_down(desk: Office) -> None:
    given = Received("other", T("另一份文件", "Another"), "", "city")
    row = receive_document(given=given, place=desk.town.town, by=desk.town.lin, at=AT)
    with pytest.raises(Refusal, match="no measure with the source other"):
        break_down(row, by=desk.town.lin, at=AT)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Received("act", T("短", "short"), "", "city"), "at least four"),
        (Received("a b", T("稳企若干措施", ""), "", "city"), "letters, digits"),
        (Received("act", T("稳企若干措施", ""), "", "county"), "Choose its level"),
    ],
)
def test_what_is_missing_is_named(desk: Office, given: Received, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        receive_document(given=given, place=desk.town.town, by=desk.town.lin, at=AT)
    assert not PolicyDocument.objects.exists()


def test_a_document_is_taken_in_once_and_by_the_office(desk: Office) -> None:
    received(desk)
    with pytest.raises(Invalid, match="taken in before"):
        received(desk)
    for who in (desk.town.wu, desk.town.zhao):
        with pytest.raises(Unseen):
            receive_document(given=GIVEN, place=desk.town.town, by=who, at=AT)


def test_the_latest_book_holds_and_a_wrong_one_is_refused_whole(desk: Office) -> None:
    with pytest.raises(Stale, match="holds already"):
        desk.publish()
    wrong = book_from(desk.folder).content
    wrong = {**wrong, "policies": {**wrong["policies"], "measures": [{**wrong["policies"]["measures"][0], "criteria": {"size": ["huge"]}}]}}
    with pytest.raises(PackInvalid, match="never is huge"):
        publish_book(content=wrong, place=desk.town.town, by=desk.town.lin, at=AT)
    for who in (desk.town.wu, desk.town.zhao):
        with pytest.raises(Unseen):
            publish_book(content=wrong, place=desk.town.town, by=who, at=AT)
    desk.publish(BOOK.replace("per_person: 500", "per_person: 800"))
    book = latest_book()
    assert book is not None and (book.version, Book.objects.count()) == (2, 2)
    assert read_again(book).measures.measures[0].benefit["per_person"] == 800
