"""From a confirmed case to the people who were there with it: read from scans, told in words, made anew when corrected, learnt by those listed."""

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from tests.domains.exposures.venues import holder, scan, stay, venue
from tests.domains.tracing.investigations import DAY, HOUR, ID_LI, ID_WANG, confirmed, incident_in, with_parameters
from tests.fixtures_town import AT, Town
from tongchou.core.audit.models import Entry
from tongchou.core.audit.queries import accesses
from tongchou.core.errors import Invalid, Stale, Unseen
from tongchou.core.outbox.models import Notice
from tongchou.core.wording import use_language
from tongchou.domains.exposures.actions import approve_request, ask_exposed, correct_window, end_request
from tongchou.domains.exposures.models import ExposureRequest
from tongchou.domains.exposures.queries import asked_lately
from tongchou.domains.exposures.rules import Window
from tongchou.domains.tracing.actions import add_visit, correct_case
from tongchou.domains.tracing.models import Case
from tongchou.domains.visits.queries import StayReader
from tongchou.workflows import exposing
from tongchou.workflows.exposing import case_spans, make_list, own_accesses, people_on, people_to_tell, remake_lists

MINUTE = timedelta(minutes=1)
NOON = int((AT - DAY).timestamp())  # a day before the question
LI, WANG, ZHAO, SUN, QIAN = 1, 2, 3, 4, 5


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    with use_language("en"):
        yield


@pytest.fixture
def town(installed_town: Town) -> Town:
    """Li is the case. Wang was at the market with her for 30 minutes, Zhao for 5; Sun met Wang afterwards; Qian was there the day before."""
    small_town = with_parameters(installed_town)
    holder(small_town, LI, "李秀兰", id_number=ID_LI)
    holder(small_town, WANG, "王建国", id_number=ID_WANG, phone="13900139000")
    for number, name in ((ZHAO, "赵一"), (SUN, "孙二"), (QIAN, "钱三")):
        holder(small_town, number, name, village=1)
    market, canteen = venue(small_town, "V1", "明珠菜场", "market"), venue(small_town, "V2", "前明食堂", "catering")
    stay(LI, market, NOON, NOON + 3600)
    stay(WANG, market, NOON + 1800, NOON + 3600)
    stay(ZHAO, market, NOON + 3300, NOON + 7200)
    stay(QIAN, market, NOON - 86_400, NOON - 80_000)
    stay(WANG, canteen, NOON + 5000, NOON + 8000)
    stay(SUN, canteen, NOON + 6000, NOON + 9000)
    return small_town


def venues() -> tuple[int, int]:
    from tongchou.domains.registry.models import Venue

    market, canteen = Venue.objects.order_by("code").values_list("pk", flat=True)
    return market, canteen


def approved(town: Town, case: Case | None = None, **given: Any) -> ExposureRequest:
    case = case or confirmed(town)
    words: dict[str, Any] = {"basis": "law-12", "purpose": "查找同时段人员", "window": Window(AT - 36 * HOUR, AT)}
    request = ask_exposed(case.dossier, incident=incident_in(town).dossier, **{**words, **given}, by=town.gao, at=AT)
    return approve_request(request, by=town.fang, at=AT)


def listed(row: Any) -> dict[int, tuple[int, int, str]]:
    return {p.holder: (p.generation, p.minutes, p.change) for p in row.people.all()}


def test_those_who_were_there_long_enough_are_listed_and_nobody_else(town: Town) -> None:
    row = make_list(approved(town), by=town.gao, at=AT)
    assert listed(row) == {WANG: (1, 30, "added")}
    (person,) = row.people.all()
    assert (person.venue_id, int(person.first_at.timestamp()), person.meetings) == (venues()[0], NOON + 1800, 1)


def test_the_second_generation_met_the_first_after_it_was_exposed(town: Town) -> None:
    row = make_list(approved(town, generations=2), by=town.gao, at=AT)
    assert listed(row) == {WANG: (1, 30, "added"), SUN: (2, 33, "added")}


@pytest.mark.parametrize("generations", [1, 2])
@pytest.mark.parametrize("seed", range(4))
def test_reading_only_where_it_matters_lists_the_same_people_as_reading_everything(
    town: Town, seed: int, generations: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = Random(seed)
    doors = [venue(town, f"W{n}", f"场所{n}", rng.choice(["market", "shop", "catering"])) for n in range(9)]
    for who in range(20, 50):
        holder(town, who, f"人{who}")
    for _ in range(250):
        who, at = rng.choice([LI, *range(20, 50)]), NOON + rng.randrange(-90_000, 80_000)
        scan(who, rng.choice(doors), at, way=rng.random() < 0.4, verdict=2 * (rng.random() < 0.1))
    request = approved(town, generations=generations)
    near = exposing._exposed(exposing._stays(Case.objects.get(), request), request)
    monkeypatch.setattr(StayReader, "at_venues", lambda self, venues: self.all())
    assert near == exposing._exposed(exposing._stays(Case.objects.get(), request), request)
    assert len({found.generation for found in near}) == generations


def test_whoever_was_refused_at_the_door_was_not_there(town: Town) -> None:
    holder(town, 9, "周九")
    scan(9, venues()[0], NOON + 600, verdict=2)
    assert 9 not in listed(make_list(approved(town), by=town.gao, at=AT))


def test_a_scan_just_written_is_in_the_next_answer(town: Town) -> None:
    request = approved(town)
    make_list(request, by=town.gao, at=AT)
    holder(town, 9, "周九")
    stay(9, venues()[0], NOON, NOON + 3000)
    again = make_list(request, by=town.gao, at=AT + MINUTE)
    assert listed(again) == {WANG: (1, 30, "kept"), 9: (1, 50, "added")}
    assert (again.version, again.added, again.removed) == (2, 1, 0)


def test_what_the_case_told_counts_beside_its_scans(town: Town) -> None:
    case = confirmed(town, id_number="", phone="")
    assert listed(make_list(approved(town, case), by=town.gao, at=AT)) == {}
    told = AT - DAY
    add_visit(case, where="前明食堂", venue_id=venues()[1], from_at=told + 90 * MINUTE, to_at=told + 130 * MINUTE, by=town.gao, at=AT)
    assert set(listed(make_list(ExposureRequest.objects.get(), by=town.gao, at=AT))) == {WANG, SUN}


def test_nothing_is_read_before_a_second_person_approves_or_after_the_end(town: Town) -> None:
    request = ask_exposed(
        confirmed(town).dossier, incident=incident_in(town).dossier, basis="law-12", purpose="查找同时段人员",
        window=Window(AT - DAY, AT), by=town.gao, at=AT,
    )  # fmt: skip
    with pytest.raises(Stale):
        make_list(request, by=town.gao, at=AT)
    request = approve_request(request, by=town.fang, at=AT)
    end_request(request, reason="已处置完毕", by=town.gao, at=AT)
    with pytest.raises(Stale):
        make_list(request, by=town.gao, at=AT)
    for stranger in (town.wu, town.zhao):
        with pytest.raises(Unseen):
            make_list(request, by=stranger, at=AT)
    assert not accesses().exists()


def test_a_wrong_date_then_corrected_makes_the_list_anew_and_says_so(town: Town) -> None:
    case = confirmed(town)
    wrong = Window(AT - 60 * HOUR, AT - 40 * HOUR)  # the day before: Qian's
    stay(LI, venues()[0], NOON - 86_400, NOON - 80_000)
    request = approved(town, case, window=wrong)
    assert set(listed(make_list(request, by=town.gao, at=AT))) == {QIAN}
    Notice.objects.all().delete()
    correct_window(request, window=Window(AT - 30 * HOUR, AT - 20 * HOUR), reason="日期填错一天", by=town.gao, at=AT)
    (row,) = remake_lists(case, reason="日期填错一天", by=town.gao, at=AT)
    assert listed(row) == {WANG: (1, 30, "added"), QIAN: (1, 0, "removed")}
    assert (row.version, row.reason, row.added, row.removed) == (2, "日期填错一天", 1, 1)
    # Wang's village has a secretary, Qian's has none: nobody else is told.
    assert [n.text.en for n in Notice.objects.all()] == [f"{request.dossier.number}: 1 of your village are to be told"]
    told = {p.name: p for p in people_on(row, purpose="逐人告知", by=town.gao, at=AT)}
    assert "no longer on the list" in told["钱三"].notice.en and "no longer" not in told["王建国"].notice.en
    assert remake_lists(case, reason="再来", by=town.gao, at=AT) == []


def test_a_corrected_person_makes_the_list_anew_too(town: Town) -> None:
    case = confirmed(town, id_number=ID_WANG)
    request = approved(town, case)
    assert set(listed(make_list(request, by=town.gao, at=AT))) == {LI, SUN}
    correct_case(case, given={"id_number": ID_LI}, version=case.version, reason="身份证号录错", by=town.gao, at=AT)
    case.refresh_from_db()
    (row,) = remake_lists(case, reason="身份证号录错", by=town.gao, at=AT)
    assert {h: c for h, (_, _, c) in listed(row).items()} == {WANG: "added", LI: "removed", SUN: "removed"}


def test_names_are_an_access_with_a_purpose_and_the_words_are_plain(town: Town) -> None:
    row = make_list(approved(town), by=town.gao, at=AT)
    with pytest.raises(Invalid, match="purpose"):
        people_on(row, purpose="", by=town.gao, at=AT)
    (wang,) = people_on(row, purpose="电话告知", by=town.gao, at=AT)
    assert (wang.name, wang.phone, wang.place) == ("王建国", "13900139000", town.villages[0])
    assert "明珠菜场" in wang.notice.zh and "6月3日19:00前" in wang.notice.zh and "12320" in wang.notice.zh
    assert "李" not in wang.notice.zh
    assert [a.reason for a in accesses()] == ["电话告知", "查找同时段人员"]


def test_a_village_sees_its_own_people_only_to_tell_them(town: Town) -> None:
    row = make_list(approved(town, generations=2), by=town.gao, at=AT)
    (wang,) = people_to_tell(row, place=town.villages[0], by=town.wu, at=AT)
    assert wang.name == "王建国"
    with pytest.raises(Unseen):
        people_to_tell(row, place=town.villages[1], by=town.wu, at=AT)
    assert next((a.actor_label, a.reason[:4]) for a in accesses()) == ("wu", "逐人告知")


def test_whoever_was_listed_learns_which_request_and_why_and_everybody_else_gets_the_same_nothing(town: Town) -> None:
    request = approved(town)
    make_list(request, by=town.gao, at=AT)
    (found,) = own_accesses(id_number=ID_WANG, place=town.town, by=town.lin, at=AT)
    assert (found, found.purpose, found.asked_by.username, found.decided_by.username) == (request, "查找同时段人员", "gao", "fang")
    for nobody in (ID_LI, "11010519700101002X"):
        assert own_accesses(id_number=nobody, place=town.town, by=town.lin, at=AT) == []
    with pytest.raises(Invalid):
        own_accesses(id_number="123", place=town.town, by=town.lin, at=AT)
    assert asked_lately(AT - HOUR, "lin") == 3
    said = " ".join(e.detail for e in Entry.objects.filter(action="exposure.learn"))
    assert ID_WANG not in said and "李" not in said


def test_trying_numbers_shows_in_the_log_and_gains_nothing(town: Town) -> None:
    make_list(approved(town), by=town.gao, at=AT)
    from tongchou.core.identity import resident_check

    for n in range(20):
        body = f"1101051970010{n % 9 + 1}{n:03d}"
        assert own_accesses(id_number=body + resident_check(body), place=town.town, by=town.lin, at=AT) == []
    assert asked_lately(AT - HOUR, "lin") == 20
    with pytest.raises(Unseen):
        own_accesses(id_number=ID_WANG, place=town.town, by=town.wu, at=AT)


def test_what_may_be_told_to_everybody_is_venues_and_whole_hours(town: Town) -> None:
    request = approved(town)
    assert case_spans(request) == []
    make_list(request, by=town.gao, at=AT)
    assert case_spans(request) == [(venues()[0], AT - DAY, AT - DAY + HOUR)]
