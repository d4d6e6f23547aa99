"""A filing is answered at once: met, not met, paper missing; what the check finds; how it begins and how it is over."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tests.domains.resumption.town import (
    APRIL,
    CLASSES,
    DAY,
    JUNE_PAPERS,
    MAY,
    MAY_PAPERS,
    SCHOOL_PAPERS,
    SITE_PAPERS,
    SYSTEM,
    TODAY,
    Works,
    fresh,
    school_open,
    works_in,
)
from tests.fixtures_town import AT, Town
from tongchou.core.audit.models import Entry
from tongchou.core.casework.models import Deadline, Dossier
from tongchou.core.errors import Invalid, Stale, Unseen
from tongchou.core.outbox.models import Notice
from tongchou.core.wording import use_language
from tongchou.domains.gate.models import Entrance
from tongchou.domains.registry.models import ConstructionSite, Firm
from tongchou.domains.resumption import actions, queries
from tongchou.domains.resumption.actions_checks import Finding
from tongchou.domains.resumption.conditions import Declared, Part
from tongchou.domains.resumption.models import AbsenceAlarm, Filing, SiteCheck
from tongchou.domains.resumption.rules import absence_reached, may_work, rulebook_from
from tongchou.workflows import resuming


@pytest.fixture
def works(small_town: Town) -> Iterator[Works]:
    with use_language("en"):
        yield works_in(small_town)


def item(filing: Filing, code: str) -> Any:
    return filing.items.get(code=code)


def test_from_june_a_filing_takes_effect_at_once_and_a_missing_paper_goes_to_the_check(works: Works) -> None:
    filing = works.filed(declared={"R10": Declared(True, "房间表"), "R12": Declared(True)})
    assert (filing.dossier.number, filing.dossier.state, filing.stage, filing.began_on) == ("FG-2022-0001", "working", "stage3", TODAY)
    assert {i.code: i.answer for i in filing.items.all()} == {
        "R02": "missing", "R02S": "missing", "R10": "yes", "R11": "yes", "R12": "missing", "R14": "missing", "A01": "yes",
    }  # fmt: skip
    assert {i.code for i in queries.open_items(filing)} == {"R02", "R02S", "R12", "R14"}
    assert "show it at the on-site check" in item(filing, "R12").said.en
    firm = Firm.objects.get()
    assert (firm.resumption, firm.resumed_on) == ("resumed", TODAY)
    check = SiteCheck.objects.get()
    assert check.dossier.owner_post == works.town.posts["village-1"] and Deadline.objects.get(dossier=check.dossier).minutes == 2 * 1440
    assert Notice.objects.get(dossier=check.dossier).user_id == works.town.wu.user_id


@pytest.mark.parametrize(
    ("at", "given", "code", "words"),
    [
        (AT, {"no_code": True}, "R11", "Make a code on the Gate page"),
        (MAY, {"closed_loop": False}, "R03", "File closed-loop"),
        (APRIL, {"ground": "listed"}, "W01", "not on the white list of 2022-04-25"),
        (APRIL, {"ground": "listed", "listed": 15}, "W02", "20 people are filed, 15 are listed"),
        (AT, {"risk": "red"}, "A01", "File closed-loop, or wait"),
    ],
    ids=["code", "closed_loop", "white_list", "people", "risk_area"],
)
def test_a_veto_not_met_is_refused_with_what_why_and_what_to_do(
    works: Works, at: Any, given: dict[str, Any], code: str, words: str
) -> None:
    if given.pop("no_code", False):
        Entrance.objects.all().delete()
    if people := given.pop("listed", 0):
        days = {"from_on": date(2022, 4, 20), "to_on": date(2022, 5, 15)}
        line = actions.Listed(works.firm, people)
        actions.keep_white_list(
            kind="firm", lines=[line], batch="第二批", source="市经信委", place=works.town.town, by=works.town.fang, at=AT, **days
        )
    if grade := given.pop("risk", ""):
        works.incident(grade)
    in_may = {"ground": "building", "closed_loop": True, "declared": MAY_PAPERS} if at != AT else {}
    filing = works.filed(at=at, **{**in_may, "from_on": at.date(), **given})
    assert filing.dossier.state == "refused" and not SiteCheck.objects.exists() and Firm.objects.get().resumption == "closed"
    assert [i.code for i in queries.open_items(filing)] == [code] and words in item(filing, code).said.en
    assert item(filing, code).said.zh and code in Entry.objects.get(action="filing.refuse").reason
    assert works.filed(closed_loop=True).dossier.state == ("refused" if code == "R11" else "working"), "it may file again at once"


def test_a_code_named_on_paper_counts_if_it_hangs_in_the_same_village(works: Works) -> None:
    Entrance.objects.update(venue=works_venue_of_nobody(works))
    for paper, answer in (("V1", "yes"), ("V9", "missing")):
        filing = works.filed(declared={**JUNE_PAPERS, "R11": Declared(True, paper)})
        assert item(filing, "R11").answer == answer
        resuming.stop(filing, "end", reason="停业", by=works.town.lin, at=AT)


def works_venue_of_nobody(works: Works) -> Any:
    venue = Entrance.objects.get().venue
    venue.firm = None
    venue.save()
    return venue


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({"people": 0}, "people", "At least one"),
        ({"ground": "listed"}, "ground", "is open to: anybody outside"),
        ({"from_on": date(2022, 4, 1), "at": APRIL - 26 * DAY}, "from_on", "The first day is 2022-04-16"),
        ({"from_on": date(2022, 6, 1)}, "from_on", "between today and a year"),
        ({"beds": -1}, "beds", "cannot be"),
        ({"ends_on": date(2022, 6, 1)}, "ends_on", "ends before"),
        ({"parts": (Part("一", 3, TODAY), Part("一", 3, TODAY))}, "parts", "a name of its own"),
    ],
)
def test_what_makes_no_sense_is_named_and_nothing_is_filed(works: Works, given: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(Invalid, match=words) as refused:
        works.filed(**given)
    assert field in {p.field for p in refused.value.problems} and not Filing.objects.exists() and not Dossier.objects.exists()


def test_another_town_neither_files_nor_sees_nor_checks_and_two_are_not_live_at_once(works: Works) -> None:
    with pytest.raises(Unseen):
        works.filed(by=works.town.zhao)
    filing = works.filed()
    with pytest.raises(Stale, match="FG-2022-0001"):
        works.filed()
    with pytest.raises(Unseen):
        queries.seen_filing(filing.dossier.number, works.town.zhao)
    with pytest.raises(Unseen):
        works.checked(filing, by=works.town.zhao)
    assert not queries.filings_seen(works.town.zhao).exists() and not queries.checks_seen(works.town.zhao).exists()
    assert [f.pk for f in queries.filings_seen(works.town.wu, kind="firm", state="working")] == [filing.pk]


def test_in_may_nobody_begins_before_the_check_and_every_item_must_be_in_order(works: Works) -> None:
    filing = works.filed_in_may()
    assert filing.dossier.state == "filed" and Firm.objects.get().resumption == "closed" and filing.items.filter(to_see=False).count() == 0
    assert works.checked(filing, "R13", at=MAY).dossier.state == "correcting"
    second = SiteCheck.objects.get(dossier__closed_at=None)
    assert Deadline.objects.get(dossier=second.dossier).minutes == 3 * 1440
    assert [i.code for i in filing.items.filter(to_see=True)] == ["R13"] and item(filing, "R13").note == "已拍照"
    assert works.checked(filing, at=MAY + DAY).dossier.state == "working"
    assert (Firm.objects.get().resumption, Firm.objects.get().resumed_on) == ("resumed", MAY.date() + DAY)
    assert not SiteCheck.objects.filter(dossier__closed_at=None).exists()


def test_who_works_already_is_stopped_by_a_veto_only(works: Works) -> None:
    filing = works.filed(declared={})
    assert works.checked(filing, "R14").dossier.state == "working" and SiteCheck.objects.filter(dossier__closed_at=None).count() == 1
    assert works.checked(filing, "R14").dossier.state == "working"
    resuming.stop(filing, "end", reason="停业", by=works.town.lin, at=AT)
    again = works.filed(declared={})
    assert works.checked(again, "R02S").dossier.state == "correcting" and Firm.objects.get().resumption == "closed"
    assert works.checked(again).dossier.state == "working" and Firm.objects.get().resumption == "resumed"


def test_whoever_filed_does_not_check_and_every_item_needs_a_result(works: Works) -> None:
    filing = works.filed(by=works.town.wu)
    with pytest.raises(Invalid, match="Somebody other"):
        works.checked(filing, by=works.town.wu)
    check = SiteCheck.objects.get()
    with pytest.raises(Invalid) as refused:
        resuming.check(check, {"R02": Finding(False), "X": Finding(True)}, by=works.town.lin, at=AT)
    assert {p.field for p in refused.value.problems} == {"R02S", "X", "R02"} and check.dossier.state == "open"


def test_rules_that_ask_for_no_approval_any_more_let_who_waits_begin_once(works: Works) -> None:
    filing = works.filed_in_may()
    assert resuming.keep_filings(at=MAY + 3 * DAY) == 0 and fresh(filing).dossier.state == "filed"
    assert [resuming.keep_filings(at=AT) for _ in "12"] == [1, 0]
    now = fresh(filing)
    assert (now.dossier.state, now.stage, now.began_on) == ("working", "stage3", TODAY)
    assert {i.code for i in now.items.filter(to_see=True)} == {"R02", "R02S"}
    assert item(now, "R11").answer == item(now, "A01").answer == "yes"


def test_a_filing_for_a_later_day_begins_on_that_day(works: Works) -> None:
    filing = works.filed(from_on=TODAY + DAY, ends_on=TODAY + 2 * DAY)
    assert filing.dossier.state == "filed" and Firm.objects.get().resumption == "closed"
    assert works.checked(filing, "R02").dossier.state == "correcting"
    assert works.checked(filing).dossier.state == "filed" and Firm.objects.get().resumption == "closed"
    assert resuming.keep_filings(at=AT) == 0 and resuming.keep_filings(at=AT + DAY) == 1
    assert Firm.objects.get().resumed_on == TODAY + DAY
    assert resuming.keep_filings(at=AT + 2 * DAY) == 0 and [resuming.keep_filings(at=AT + 3 * DAY) for _ in "12"] == [1, 0]
    assert fresh(filing).dossier.state == "lapsed" and Firm.objects.get().resumption == "closed"


def test_open_work_lapses_when_its_place_becomes_a_risk_area_closed_loops_go_on(works: Works) -> None:
    filing = works.filed()
    works.incident("blue")
    works.incident("red", is_exercise=True)
    assert resuming.keep_filings(at=AT) == 0
    head = works.incident("orange")
    assert [resuming.keep_filings(at=AT) for _ in "12"] == [1, 0]
    assert fresh(filing).dossier.state == "lapsed" and head.number in Entry.objects.filter(action="filing.lapse").get().reason
    assert works.filed(closed_loop=True).dossier.state == "working" and resuming.keep_filings(at=AT) == 0
    assert SiteCheck.objects.filter(filing=filing, dossier__state="void").exists()


def test_full_capacity_is_shown_by_last_years_figure(works: Works) -> None:
    filing = works.filed()
    shown = actions.FullShown("electricity", 900.0, 1000.0, "电费单 202206")
    for wrong, words in (
        (shown, "90% of the same month"),
        (replace(shown, base=0.0), "same month last year"),
        (replace(shown, value=1e3, paper=""), "proof"),
    ):
        with pytest.raises(Invalid, match=words):
            resuming.full(filing, wrong, by=works.town.lin, at=AT)
    assert resuming.full(filing, replace(shown, value=1000.0), by=works.town.lin, at=AT).dossier.state == "full"
    assert (Firm.objects.get().resumption, fresh(filing).full_on) == ("full", TODAY)
    resuming.stop(fresh(filing), "reduce", reason="减产", by=works.town.lin, at=AT)
    assert (Firm.objects.get().resumption, fresh(filing).full_on) == ("resumed", None)
    resuming.stop(fresh(filing), "end", reason="歇业", by=works.town.lin, at=AT)
    assert (Firm.objects.get().resumption, Firm.objects.get().resumed_on) == ("closed", None)


def test_a_refused_filing_closes_no_firm_that_the_register_knows_as_open(works: Works) -> None:
    Firm.objects.update(resumption="full", resumed_on=TODAY)
    Entrance.objects.all().delete()
    assert works.filed().dossier.state == "refused" and Firm.objects.get().resumption == "full"


def test_one_firm_one_history(works: Works) -> None:
    filing = works.filed(at=AT)
    works.checked(filing, "R02", at=AT + DAY)
    told = queries.events_of_firm(works.firm.pk)
    assert [e.words.en for e in told] == ["Not passed: to be put right", "Begin", "Resumption filed"] and told[0].at == AT + DAY
    now = queries.resumption_of(works.firm.pk)
    assert now is not None and now.state.en == "To be put right" and [i.code for i in now.open_items] == ["R02"]
    assert queries.resumption_of(works.firm.pk + 1) is None and queries.events_of_firm(works.firm.pk + 1) == []


def test_a_site_counts_beds_and_quiet_rooms(works: Works) -> None:
    given: dict[str, Any] = {"kind": "site", "people": 60, "beds": 60, "declared": SITE_PAPERS}
    crowded = (Part("甲", 30, TODAY), Part("乙", 30, TODAY + DAY))
    assert works.filed(**given, quiet_beds=30, parts=crowded).dossier.state == "refused"
    said = queries.open_items(Filing.objects.get())
    assert [i.code for i in said] == ["C08"] and "60 people are in their quiet days, for 30 rooms" in said[0].said.en
    spaced = (Part("甲", 30, TODAY), Part("乙", 30, TODAY + 2 * DAY))
    assert works.filed(**{**given, "beds": 59}, quiet_beds=30, parts=spaced).dossier.state == "refused"
    filing = works.filed(**given, quiet_beds=30, parts=spaced)
    assert filing.dossier.state == "working" and ConstructionSite.objects.get().state == "working"


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (Part("高一(1)班", 40, date(2022, 6, 13), "high1"), "does not return this term"),
        (Part("初三(1)班", 40, date(2022, 6, 6), "middle4"), "returns on 2022-06-13 at the earliest"),
    ],
)
def test_a_school_brings_back_only_grades_whose_day_has_come(works: Works, part: Part, words: str) -> None:
    filing = works.filed("school", from_on=date(2022, 6, 6), people=122, parts=(*CLASSES, part), declared=SCHOOL_PAPERS)
    assert filing.dossier.state == "refused" and words in item(filing, "S01").said.en
    with pytest.raises(Invalid, match="The first day is 2022-06-06"):
        works.filed("school", from_on=TODAY, people=82, parts=CLASSES)


def test_a_class_over_the_threshold_alarms_the_duty_post_once_a_day(works: Works) -> None:
    filing = school_open(works)
    one, two = filing.parts.all()
    monday, at = date(2022, 6, 6), AT + 4 * DAY
    told = Notice.objects.filter(user_id=works.town.lin.user_id, dossier__kind="absence")
    assert resuming.count_absences(filing, monday, {one.pk: (4, 2)}, by=works.town.wu, at=at) is None
    alarm = resuming.count_absences(filing, monday, {two.pk: (3, 3)}, by=works.town.wu, at=at)
    assert alarm is not None and alarm.classes == [{"name": "高二(1)班", "ill": [0, 0, 3]}] and told.count() == 1
    assert resuming.count_absences(filing, monday, {one.pk: (4, 4)}, by=works.town.wu, at=at) is None
    assert told.count() == AbsenceAlarm.objects.count() == 1 and len(AbsenceAlarm.objects.get().classes) == 2
    # Two a day for three days running reach the other threshold.
    later = [resuming.count_absences(filing, monday + n * DAY, {one.pk: (1, 1)}, by=works.town.wu, at=at + n * DAY) for n in (1, 2, 3)]
    assert [a is not None for a in later] == [True, True, False]
    with pytest.raises(Invalid, match="Ill ≤ absent ≤ 40"):
        resuming.count_absences(filing, monday, {one.pk: (41, 1)}, by=works.town.wu, at=at)


@pytest.mark.parametrize(
    ("ill", "reached"), [([0, 0, 2], False), ([0, 0, 3], True), ([2, 2, 0], False), ([2, 2, 1], True), ([5, 0, 0], True)]
)
def test_thresholds_of_absence(ill: list[int], reached: bool) -> None:
    assert absence_reached(ill, 3, 5) is reached


@pytest.mark.parametrize(
    ("results", "has_begun", "allowed"),
    [({"a": True}, False, True), ({"a": False}, False, False), ({"a": False}, True, True), ({"v": False}, True, False), ({}, False, True)],
)
def test_who_has_begun_is_stopped_by_a_veto_alone(results: dict[str, bool], has_begun: bool, allowed: bool) -> None:
    assert may_work(results, {"v"}, has_begun=has_begun) is allowed


def test_an_alarm_is_answered_in_words(works: Works) -> None:
    from tongchou.domains.resumption.actions_schools import answer_absences

    filing = school_open(works)
    alarm = resuming.count_absences(filing, date(2022, 6, 6), {filing.parts.all()[0].pk: (3, 3)}, by=works.town.lin, at=AT + 4 * DAY)
    assert alarm is not None
    with pytest.raises(Unseen):
        answer_absences(alarm, answer="流感三例", by=works.town.wu, at=AT + 4 * DAY)
    assert answer_absences(alarm, answer="流感三例", by=works.town.chen, at=AT + 4 * DAY).dossier.state == "answered"


def test_the_same_rules_published_again_are_no_new_version(works: Works) -> None:
    row = queries.RulebookVersion.objects.get()
    assert actions.publish_rulebook(body=row.body, place=works.town.town, by=SYSTEM, at=AT).pk == row.pk
    with pytest.raises(Unseen):
        actions.publish_rulebook(body=row.body, place=works.town.town, by=works.town.lin, at=AT)
    book = rulebook_from(row.body)
    assert [s.code for s in book.stages if s.kind == "firm" and s.approval] == ["stage0", "stage1", "stage2"]
    stage2 = book.stage_on("firm", date(2022, 5, 22))
    assert stage2 is not None and "R11" not in {c.code for c in book.conditions_on(stage2, date(2022, 5, 22))}
    assert "R11" in {c.code for c in book.conditions_on(stage2, date(2022, 5, 23))}
