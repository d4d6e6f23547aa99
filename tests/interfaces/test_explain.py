"""Why an alarm was raised: kept figures put into words, and the same from page, interface and command."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest

from tests.domains.response.plans import published
from tests.domains.warning.conftest import alarm, finding, propose  # noqa: F401 - fixtures
from tests.fixtures_town import AT, Town
from tests.interfaces.callers import Caller
from tests.interfaces.test_alarm_pages import MOST_QUERIES, _signed_in
from tests.workflows.test_early_warning import DAY, RISE, SYSTEM, _at, watched  # noqa: F401 - a fixture
from tongchou.domains.sentinels.models import Observation, Stream
from tongchou.domains.warning.actions import Finding, Share, dismiss_alarm, give_verdict, propose_alarm
from tongchou.domains.warning.models import Alarm
from tongchou.domains.warning.queries import find_alarm
from tongchou.interfaces import clock
from tongchou.workflows.early_warning import screen_morning, screen_range
from tongchou.workflows.explaining import explain
from tongchou.workflows.explanation import Explanation

Program = Callable[..., tuple[int, str, str]]


@pytest.fixture
def raised(watched: Town, monkeypatch: pytest.MonkeyPatch) -> Alarm:  # noqa: F811
    """The alarm of the second village, after four mornings of its rise."""
    monkeypatch.setattr(clock, "now", lambda: AT + timedelta(minutes=5))
    published(watched)
    for days in (3, 2, 1, 0):
        day = DAY - timedelta(days=days)
        screen_morning(day, _at(day), by=SYSTEM, at=_at(day))
    return Alarm.objects.get()


def _told(found: Alarm, *, again: bool = False) -> Explanation:
    fresh = find_alarm(found.dossier.number)
    assert fresh is not None
    return explain(fresh, again=again)


def test_streams_tell_day_by_day_what_was_seen_and_why_so_much_was_expected(raised: Alarm) -> None:
    (story,) = _told(raised).streams
    assert [d.day for d in story.days] == [DAY - timedelta(days=n) for n in (4, 3, 2, 1)]
    assert [d.observed for d in story.days] == list(RISE[-4:])
    assert all(
        d.lower is not None and d.expected is not None and d.upper is not None and d.lower <= d.expected <= d.upper for d in story.days
    )
    assert [d.statistic for d in story.days] == sorted(d.statistic for d in story.days)
    assert story.gist is not None and story.gist.en.startswith("9 cases on 1 Jun, ")
    assert story.why_expected is not None and story.why_expected.en.startswith("usual level 0.")
    assert "low counts" in story.method_said.en and story.days_summed == 1 and story.is_over_its_line


def test_gist_place_prior_cost_and_rule_are_said(watched: Town, raised: Alarm) -> None:  # noqa: F811
    told = _told(raised)
    assert "COVID-19 may be spreading in Qianming: probability >99%" in told.gist.en
    assert f"{sum(RISE[-4:])} cases in the two weeks to 1 Jun" in told.gist.en
    assert told.candidates[0].name == watched.villages[1].name and told.candidates[0].share > 0.5
    assert not told.candidates[0].is_whole
    assert (
        told.listed_said is not None
        and told.listed_said.en == "To be treated as rising (of such lists at most 10% is wrong on average): Qianming"
    )
    assert told.prior.en == "1.0 onsets a year (stated 1.0; 0 confirmed in 0.0 years of watching)"
    assert told.rule.en.startswith("all streams together: evidence") and "406 times" in told.rule.en
    assert told.line.en.startswith("promised: 1 false a year, one in 365 days; 90% of it")
    assert told.cost.said.en == "alarm 1 of its kind here in 365 days; false so far: 0 (promised: at most 1 a year)"
    assert [h[0] for h in told.ahead[0].horizons] == [7, 14]


def test_a_rise_that_has_gone_quiet_is_told_over_the_five_weeks_its_evidence_looks_back_on(watched: Town, raised: Alarm) -> None:  # noqa: F811
    stream = Stream.objects.get(code="clinic-1-s")
    for n in range(15):
        day = DAY + timedelta(days=n)
        Observation.objects.create(stream=stream, day=day, reported_at=_at(day, 20), value=0.0, source="test")
    list(screen_range(DAY + timedelta(days=1), DAY + timedelta(days=15), by=SYSTEM))
    assert f"{sum(RISE[-4:])} cases in the five weeks to 16 Jun" in _told(raised).gist.en


def test_the_computation_page_says_what_verdicts_had_taught(raised: Alarm) -> None:
    shown = _signed_in("lin").get(f"/alarms/{raised.dossier.number}/run?again=1").content.decode()
    assert "由结论学到的" in shown and "当时已有 0 条结论" in shown and "重算一致" in shown


def test_an_alarm_of_one_stream_alone_names_it_and_its_line(raised: Alarm) -> None:
    Alarm.objects.update(raised_by="stream")
    assert _told(raised).rule.en.startswith("one stream alone, Fever positives: evidence ")


def test_page_interface_and_command_say_the_same(raised: Alarm, tongchou: Program, django_assert_max_num_queries) -> None:
    number, told = raised.dossier.number, _told(raised, again=True)
    assert told.again is not None and told.again.is_same
    record = json.loads(json.dumps(told.record(), default=str))
    code, printed, _ = tongchou("explain", number.lower(), "--json")
    assert code == 0 and json.loads(printed) == record
    answer = Caller("lin").get(f"/alarms/{number}/explanation", again=True).json()
    for name in ("gist", "rule", "line", "prior", "ppv", "ppv_said", "cost", "streams", "candidates", "ahead", "learnt", "is_same_again"):
        assert answer[name] == record[name] if name != "ppv" else answer[name].items() <= record[name].items()
    client = _signed_in("lin")
    with django_assert_max_num_queries(MOST_QUERIES):
        shown = unescape(client.get(f"/alarms/{number}").content.decode())
    code, plain, _ = tongchou("explain", number)
    assert code == 0 and "Recomputed: same input digest" in plain
    story = told.streams[0]
    for said in (
        told.gist,
        told.rule,
        told.line,
        told.prior,
        told.ppv_said,
        told.cost.said,
        told.listed_said,
        story.gist,
        story.why_expected,
        story.method_said,
    ):
        assert said is not None and said.zh in shown and said.zh in plain and said.en in plain
    assert told.candidates[0].name.zh in shown and told.candidates[0].name.zh in plain


def test_the_cost_counts_alarms_of_the_same_kind_and_the_false_ones(
    small_town: Town,
    propose: Callable[..., Alarm],  # noqa: F811
    finding: Finding,  # noqa: F811
) -> None:
    first = propose()
    dismiss_alarm(first, reason="集中送检", by=small_town.lin, at=AT + timedelta(hours=1))
    other, drill = propose(target="influenza"), propose(place=small_town.villages[1], is_exercise=True)
    second, late = propose(day=DAY + timedelta(days=100)), propose(day=DAY + timedelta(days=365))
    costs = [(_told(a).cost.nth, _told(a).cost.false) for a in (first, other, drill, second, late)]
    assert costs == [(1, 1), (1, 0), (1, 0), (2, 1), (2, 0)]
    give_verdict(first, verdict="unclear", reason="复核", by=small_town.lin, at=AT + timedelta(hours=2))
    assert _told(second).cost.false == 0


def test_an_alarm_of_which_little_is_kept_is_still_explained(alarm: Alarm) -> None:  # noqa: F811
    told = _told(alarm, again=True)
    assert (told.streams, told.candidates, told.ahead, told.again) == ((), (), (), None)
    assert told.gist.en == "COVID-19 may be spreading in Xujing: probability 90%, doubling in about 5 days."
    assert told.cost.said.en == "alarm 1 of its kind here in 365 days; false so far: 0"
    json.dumps(told.record(), default=str)


def test_a_places_own_outlook_comes_before_the_areas(watched: Town, finding: Finding) -> None:  # noqa: F811
    stream = Stream.objects.get(code="clinic-0-s")
    rows = [
        {"kind": stream.kind, "place": place, "horizon_days": 7, "median": m, "lower": 0.0, "upper": 9.0}
        for place, m in ((None, 5.0), ("/x/", 2.0))
    ]
    shares = (Share(stream.kind, stream.pk, 1.0, 9.0, None),)
    made = propose_alarm(finding=replace(finding, expected=tuple(rows), shares=shares), repeat_days=7, by=SYSTEM, at=AT)
    (ahead,) = _told(made).ahead
    assert (ahead.is_local, ahead.horizons) == (True, ((7, 2.0, 0.0, 9.0),))


def test_who_may_not_see_the_alarm_gets_no_explanation_and_an_unknown_number_is_told(raised: Alarm, tongchou: Program) -> None:
    assert Caller("zhao").get(f"/alarms/{raised.dossier.number}/explanation").status_code == 404
    code, out, err = tongchou("explain", "YJ-2022-0999")
    assert (code, out, err.count("\n")) == (1, "", 1) and "YJ-2022-0999" in err and "没有编号" in err
