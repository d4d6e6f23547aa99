"""A difficulty goes to a unit within a day, is promised and answered; only the firm says that it is solved."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from tests.domains.difficulties.firms import DAY, DRAWN, HOUR, PAGE, WORDS, Workshop
from tests.fixtures_town import AT
from tongchou.core.audit.models import Entry
from tongchou.core.casework.actions import escalate
from tongchou.core.casework.models import Deadline
from tongchou.core.casework.queries import overdue_at
from tongchou.core.errors import Invalid, Stale, Unseen
from tongchou.core.outbox.models import Notice
from tongchou.core.people.rules import system_actor
from tongchou.domains.difficulties.actions import (
    Told,
    answer_difficulty,
    promise_difficulty,
    raise_difficulties,
    route_difficulty,
)
from tongchou.domains.difficulties.models import Difficulty, FirmWord
from tongchou.domains.difficulties.queries import difficulties_seen, events_of_firm, load_by_office, open_for_firm, seen_difficulty
from tongchou.domains.difficulties.rules import DIFFICULTY, PROMISED, NotYours

WORKER = system_actor("worker")


def clocks(row: Difficulty) -> dict[str, int]:
    return dict(Deadline.objects.filter(dossier=row.dossier, stopped_at=None).values_list("key", "minutes"))


def test_only_one_step_leads_to_solved_and_only_the_firms_word_takes_it() -> None:
    """A table: whatever a unit or the office may do, it never ends in "solved"."""
    into = [step for step in DIFFICULTY.steps if step.target == "solved"]
    assert [step.name for step in into] == ["solve"] and {step.needs for step in into} == {"difficulty.hear"}
    assert {s.target for s in DIFFICULTY.steps if s.needs in {"difficulty.work", "difficulty.route"}} == {"routed", "promised", "answered"}


def test_it_goes_to_the_duty_post_with_a_day_to_route_it(shop: Workshop) -> None:
    row = shop.raised()
    head = row.dossier
    assert (head.number, head.state, head.owner_post) == ("KN-2022-0001", "reported", shop.town.posts["duty-officer"])
    assert clocks(row) == {"difficulty.route_within": 24 * 60} and (row.words, row.raised_by_id) == (WORDS, shop.town.lin.user_id)
    assert Notice.objects.get(dossier=head).user_id == shop.town.lin.user_id
    assert open_for_firm(row.firm_id) == [row]


def test_a_clock_that_runs_out_climbs_by_the_existing_escalation(shop: Workshop) -> None:
    row = shop.raised()
    assert not overdue_at(AT + 23 * HOUR)
    late = AT + 24 * HOUR
    assert [d.dossier_id for d in overdue_at(late)] == [row.pk]
    escalate(row.dossier, by=WORKER, at=late)
    row.refresh_from_db()
    assert row.dossier.owner_post == shop.town.posts["duty-leader"] and [
        (n.late_count, n.open_count) for n in load_by_office(shop.town.lin, late)
    ] == [(1, 1)]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"told": []}, "told"), ({"told": [Told("passage", WORDS)] * 21}, "told"), ({"told": [Told("weather", WORDS)]}, "told[1].kind"),
        ({"told": [Told("passage", WORDS), Told("testing", " ")]}, "told[2].words"), ({"source": "rumour"}, "source"), ({"said_at": AT + HOUR}, "said_at"),
    ],
    ids=["none", "many", "kind", "words", "source", "future"],
)  # fmt: skip
def test_what_is_not_told_right_is_not_written_down(shop: Workshop, given: dict[str, Any], field: str) -> None:
    firm = shop.firms[0]
    right = {"firm": firm.pk, "name": firm.name, "place": firm.place, "told": [Told("passage", WORDS)], "source": "visit", "said_at": AT}
    with pytest.raises(Invalid) as refused:
        raise_difficulties(**right | given, by=shop.town.lin, at=AT)
    assert [p.field for p in refused.value.problems] == [field] and not Difficulty.objects.exists()


def test_another_town_and_another_village_see_nothing_and_do_nothing(shop: Workshop) -> None:
    elsewhere, row = shop.raised(shop.firms[2]), shop.raised()
    assert list(difficulties_seen(shop.town.wu)) == [row] and not difficulties_seen(shop.town.zhao)
    assert seen_difficulty(row.dossier.number, shop.town.wu) == row
    with pytest.raises(Unseen):
        seen_difficulty(elsewhere.dossier.number, shop.town.wu)
    for other in (shop.town.zhao, shop.town.chen):
        with pytest.raises(Unseen):
            shop.raised(by=other)
        with pytest.raises(Unseen):
            route_difficulty(row, post=shop.town.posts["trace-leader"], by=other, at=AT)
    with pytest.raises(Unseen):
        shop.says(elsewhere)


def test_routed_promised_and_answered_by_the_post_that_has_it_and_by_nobody_else(shop: Workshop) -> None:
    row = shop.routed()
    assert (
        clocks(row) == {"difficulty.promise_within": 24 * 60}
        and Notice.objects.filter(dossier=row.dossier, user_id=shop.town.gao.user_id).exists()
    )
    with pytest.raises(NotYours, match="Tracing group leader"):
        promise_difficulty(row, promised_at=AT + DAY, words="明天办好通行证", by=shop.town.lin, at=AT)
    row = promise_difficulty(row, promised_at=AT + DAY, words="明天办好通行证", by=shop.town.gao, at=AT)
    assert clocks(row) == {PROMISED: 24 * 60} and row.dossier.state == "promised"
    row = promise_difficulty(row, promised_at=AT + 2 * DAY, words="证要区里盖章，后天", by=shop.town.gao, at=AT + HOUR)
    assert clocks(row) == {PROMISED: 47 * 60}
    row = shop.answered(row, at=AT + DAY)
    assert clocks(row) == {"difficulty.confirm_within": 3 * 24 * 60} and row.dossier.closed_at is None
    assert Notice.objects.filter(dossier=row.dossier, user_id=shop.town.wu.user_id, text_en__contains="ask the firm").exists()
    with pytest.raises(Stale):
        answer_difficulty(row, outcome="done", answer="再答一次", by=shop.town.gao, at=AT + DAY)


@pytest.mark.parametrize("days", [0, 16])
def test_a_promise_lies_ahead_and_not_too_far(shop: Workshop, days: int) -> None:
    row = shop.routed()
    with pytest.raises(Invalid) as refused:
        promise_difficulty(row, promised_at=AT + days * DAY, words="会办好的", by=shop.town.gao, at=AT)
    assert [p.field for p in refused.value.problems] == ["promised_at"]


def test_to_move_it_on_takes_a_reason_and_a_post_of_the_place(shop: Workshop) -> None:
    row, posts = shop.routed(), shop.town.posts
    with pytest.raises(Invalid, match="in words"):
        route_difficulty(row, post=posts["doctor"], by=shop.town.lin, at=AT)
    for code in ("elsewhere-officer", "village-1"):
        with pytest.raises(Invalid, match="does not answer"):
            route_difficulty(shop.raised(shop.firms[2]), post=posts[code], reason="转给他们", by=shop.town.lin, at=AT)
    row = route_difficulty(row, post=posts["doctor"], kind="testing", reason="其实是核酸的事", by=shop.town.lin, at=AT + HOUR)
    assert (row.kind, row.dossier.owner_post) == ("testing", posts["doctor"]) and clocks(row) == {"difficulty.promise_within": 24 * 60}


def test_an_answer_closes_nothing_the_firm_does(shop: Workshop) -> None:
    row = shop.answered()
    word = shop.says(row, way="page")
    row.refresh_from_db()
    assert (row.dossier.state, row.dossier.closed_at, word.heard_by_id) == ("solved", AT, None) and not clocks(row)
    assert not open_for_firm(row.firm_id)


def test_by_telephone_it_is_written_whom_one_spoke_to_and_when(shop: Workshop) -> None:
    row = shop.answered()
    for given, field in (
        ({"spoke_to": " "}, "spoke_to"),
        ({"spoken_at": AT + HOUR}, "spoken_at"),
        ({"spoken_at": AT - DAY}, "spoken_at"),
        ({"way": "rumour"}, "way"),
    ):
        with pytest.raises(Invalid) as refused:
            shop.says(row, **given)
        assert [p.field for p in refused.value.problems] == [field]
    with pytest.raises(Invalid, match="Only the firm"):
        shop.says(row, way="page", by=shop.town.lin)
    assert not FirmWord.objects.exists()
    word = shop.says(row)
    row.refresh_from_db()
    assert row.dossier.state == "solved" and (word.spoke_to, word.heard_by_id) == ("钱会计", shop.town.wu.user_id)
    with pytest.raises(IntegrityError), transaction.atomic():
        FirmWord.objects.update(spoke_to="")


def test_drawn_it_stays_open_until_another_person_has_called_back(shop: Workshop) -> None:
    row = shop.answered()
    shop.says(row, draw=DRAWN)
    row.refresh_from_db()
    assert row.dossier.state == "to_check" and row.dossier.closed_at is None and clocks(row) == {"difficulty.call_back_within": 2 * 24 * 60}
    with pytest.raises(Invalid, match="Somebody other"):
        shop.says(row)
    back = shop.says(row, by=shop.town.lin, draw=DRAWN)
    row.refresh_from_db()
    assert row.dossier.state == "solved" and back.is_call_back


def test_called_back_and_not_solved_it_goes_back_to_the_unit(shop: Workshop) -> None:
    row = shop.answered()
    shop.says(row, draw=DRAWN)
    shop.says(row, "not_yet", by=shop.town.lin)
    row.refresh_from_db()
    assert (row.dossier.state, row.dossier.owner_post) == (
        "routed",
        shop.town.posts["trace-leader"],
    ) and "difficulty.promise_within" in clocks(row)
    assert Notice.objects.filter(user_id=shop.town.gao.user_id, text_en__contains="not solved yet").exists()


def test_what_climbed_while_the_firm_was_asked_goes_back_to_the_unit(shop: Workshop) -> None:
    row = shop.answered()
    escalate(row.dossier, by=WORKER, at=AT + 3 * DAY)
    row.refresh_from_db()
    assert row.dossier.owner_post == shop.town.posts["duty-leader"]
    shop.says(row, "not_yet", at=AT + 4 * DAY)
    row.refresh_from_db()
    assert row.dossier.owner_post == shop.town.posts["trace-leader"]


def test_the_share_called_back_is_the_parameters(shop: Workshop) -> None:
    states = []
    for draw in (0.19, 0.2):
        row = shop.answered()
        shop.says(row, draw=draw)
        row.refresh_from_db()
        states.append(row.dossier.state)
    assert states == ["to_check", "solved"]


def test_it_is_reopened_freely_with_the_firms_words(shop: Workshop) -> None:
    solved, withdrawn = shop.answered(), shop.raised(kind="other")
    shop.says(solved)
    shop.says(withdrawn, "withdrawn")
    with pytest.raises(Invalid, match="what the firm says"):
        shop.says(solved, "again", words="", at=AT + 30 * DAY)
    for row, state, clock in ((solved, "routed", "difficulty.promise_within"), (withdrawn, "reported", "difficulty.route_within")):
        shop.says(row, "again", way="page", at=AT + 30 * DAY)
        row.refresh_from_db()
        assert row.dossier.state == state and row.dossier.closed_at is None and list(clocks(row)) == [clock]


def test_not_solved_is_no_answer_before_there_is_one(shop: Workshop) -> None:
    with pytest.raises(Stale):
        shop.says(shop.routed(), "not_yet")


def test_what_was_said_before_the_answer_does_not_send_it_back(shop: Workshop) -> None:
    """As when a phone without a network brings a visit of the morning, and the unit answered at noon."""
    row = shop.answered(shop.routed(), at=AT + 2 * HOUR)
    with pytest.raises(Stale, match="ask the firm once more"):
        shop.says(row, "not_yet", way="visit", spoken_at=AT + HOUR, at=AT + 3 * HOUR)
    shop.says(row, "solved", way="visit", spoken_at=AT + HOUR, at=AT + 3 * HOUR)
    row.refresh_from_db()
    assert row.dossier.state == "solved"


def test_the_firm_itself_raises_them_and_not_without_end(shop: Workshop) -> None:
    for _ in range(20):
        row = shop.raised(by=PAGE)
    assert row.raised_by_id is None and row.source == "firm"
    with pytest.raises(Stale, match="Many are open"):
        shop.raised(by=PAGE)


def test_what_happened_to_a_firm_is_told_from_the_log(shop: Workshop) -> None:
    row = shop.answered()
    shop.says(row, "not_yet")
    events = events_of_firm(row.firm_id)
    assert [e.words.en.split(":")[0] for e in events] == ["Not solved, says the firm", "Answer", "Route", "Difficulty raised"]
    assert "车还是没进来" in events[0].words.zh and {e.dossier.pk for e in events} == {row.pk} and events_of_firm(shop.firms[1].pk) == []
    assert Entry.objects.filter(action="difficulty.deny").exists()
