"""A day of visits: planned by need, taken along, told once; what is said there becomes difficulties, and the firm's word is heard."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.domains.difficulties.firms import DAY, HOUR, SYSTEM, UNDRAWN, Workshop, firm_in, workshop
from tests.fixtures_town import AT, Town
from tongchou.core.audit.models import Entry
from tongchou.core.errors import Invalid, Refusal, Unseen
from tongchou.core.parameters.models import ParameterValue
from tongchou.core.people.rules import Actor
from tongchou.core.wording import use_language
from tongchou.domains.calls.actions import Visit, generate_points, take_plan_along
from tongchou.domains.calls.models import Call, DayPlan, FirmPoint
from tongchou.domains.calls.queries import calls_seen, calls_to_firm, last_met, plan_of
from tongchou.domains.difficulties.actions import Told
from tongchou.domains.difficulties.models import Difficulty
from tongchou.workflows.calling import Reported, Word, bundle_for, needs_at, plan, report

KEY = UUID("00000000-0000-4000-8000-000000000001")
TODAY = AT.date()


@pytest.fixture
def shop(small_town: Town) -> Iterator[Workshop]:
    with use_language("en"):
        yield workshop(small_town)


def told(
    shop: Workshop,
    firm: int = 0,
    *,
    by: Actor | None = None,
    key: UUID = KEY,
    words: tuple[Told, ...] = (),
    heard: tuple[Word, ...] = (),
    draw: float = UNDRAWN,
    at: Any = AT,
    **given: Any,
) -> Reported:
    visit = Visit(**{"key": key, "firm": shop.firms[firm].pk, "called_at": at, "outcome": "met", "spoke_to": "钱会计"} | given)
    return report(visit, told=words, heard=heard, draw=lambda: draw, by=by or shop.town.wu, at=at)


def test_who_needs_a_visit_most_stands_first_with_the_reasons(shop: Workshop) -> None:
    village = shop.town.villages[0]
    shop.answered()
    told(shop, 1, at=AT)
    found = needs_at(village, AT + DAY).most
    assert [(one.firm.pk, [str(said.words) for said in one.need.reasons]) for one in found] == [
        (shop.firms[0].pk, ["never visited", "answered, ask whether solved: 1", "not back at work", "staff: 20"])
    ]
    assert {one.firm.pk for one in needs_at(shop.town.town, AT + 8 * DAY).most} == {firm.pk for firm in shop.firms}
    told(shop, 0, key=UUID(int=2), outcome="gone", spoke_to="", at=AT + DAY)
    assert [one.firm.pk for one in needs_at(village, AT + 8 * DAY).most] == [shop.firms[1].pk]


def test_a_day_is_planned_within_the_time_and_planned_again_is_replaced(shop: Workshop) -> None:
    wu, village = shop.town.wu, shop.town.villages[0]
    points = {firm.pk: (121.23 + n / 500, 31.17) for n, firm in enumerate(shop.firms)}
    assert generate_points(points=points, place=village, by=SYSTEM, at=AT) == 3
    found = plan(village, day=TODAY, limit_minutes=240, by=wu, at=AT)
    assert {stop.firm_id for stop in found.stops.all()} == {firm.pk for firm in shop.firms[:2]} and found.minutes <= 240
    again = plan(village, day=TODAY, limit_minutes=30, firms=[shop.firms[1].pk], by=wu, at=AT)
    assert plan_of(wu, TODAY) == again and DayPlan.objects.count() == 1 and [s.firm_id for s in again.stops.all()] == [shop.firms[1].pk]
    assert again.stops.get().reasons[0] == {"zh": "从未走访", "en": "never visited"}
    told(shop, 1, at=AT)
    rested = plan(village, day=TODAY + timedelta(days=1), limit_minutes=60, firms=[shop.firms[1].pk], by=wu, at=AT + HOUR)
    assert rested.stops.get().reasons == [], "whoever names a firm goes there, needed or not"
    for given, why in (
        ({"limit_minutes": 5}, "Too little time"),
        ({"day": TODAY - timedelta(days=1)}, "That day is over"),
        ({"by": SYSTEM}, "A person plans"),
    ):
        with pytest.raises(Invalid, match=why):
            plan(village, **{"day": TODAY, "limit_minutes": 240, "by": wu} | given, at=AT)
    for other, place in ((shop.town.zhao, village), (wu, shop.town.villages[1]), (shop.town.chen, village)):
        with pytest.raises(Unseen):
            plan(place, day=TODAY, limit_minutes=240, by=other, at=AT)
    ParameterValue.objects.filter(parameter__key="call.detour").delete()
    with pytest.raises(Refusal, match=r"No value .* call\.detour"):
        plan(village, day=TODAY, limit_minutes=240, by=wu, at=AT)


def test_what_is_known_goes_along_and_only_to_whose_day_it_is(shop: Workshop) -> None:
    row = shop.answered()
    found = plan(shop.town.villages[0], day=TODAY, limit_minutes=240, by=shop.town.wu, at=AT)
    firm_in(shop.town.villages[0], 9, "没排上的企业")
    body = bundle_for(found, {"passage": {"zh": "通行难", "en": "passage"}})
    first = next(stop for stop in body["stops"] if stop["firm"] == row.firm_id)
    assert [(one["number"], one["asks"], one["answer"]) for one in first["open"]] == [("KN-2022-0001", True, "通行证已批，凭码下高速")]
    assert [name for _, name in body["others"]] == ["没排上的企业"] and "phone" not in str(body)
    take_plan_along(found, firms=2, by=shop.town.wu, at=AT)
    with pytest.raises(Unseen):
        take_plan_along(found, firms=2, by=shop.town.lin, at=AT)


def test_a_visit_is_kept_once_with_all_that_was_said(shop: Workshop) -> None:
    later = AT + 5 * HOUR  # the phone was without a network until now
    words = (Told("passage", "料车下不了高速"), Told("testing", "采样点太远了"))
    first = told(shop, words=words, point=(121.23, 31.17), called_at=AT, at=later)
    assert first.is_new and len(first.raised) == 2
    rows = list(Difficulty.objects.order_by("pk"))
    assert [(r.source, r.said_at, r.raised_by_id) for r in rows] == [("visit", AT, shop.town.wu.user_id)] * 2
    assert list(first.call.raised.order_by("pk")) == rows and FirmPoint.objects.get(firm=shop.firms[0]).lat == 31.17
    again = told(shop, words=words, called_at=AT, at=later + HOUR)
    assert (again.is_new, again.raised, Call.objects.count(), Difficulty.objects.count()) == (False, first.raised, 1, 2)
    assert last_met([shop.firms[0].pk]) == {shop.firms[0].pk: AT} and Entry.objects.filter(action="call.again").count() == 1
    assert "met 钱会计" in calls_to_firm(shop.firms[0].pk)[0].words.en
    with pytest.raises(Unseen):
        told(shop, 1, at=later)
    with pytest.raises(Unseen):
        told(shop, by=shop.town.lin, at=later)


def test_the_firms_word_is_heard_on_the_spot_and_a_stale_one_loses_nothing(shop: Workshop) -> None:
    solved, moved_on, elsewhere = shop.answered(), shop.raised(kind="other"), shop.answered(shop.routed(shop.raised(shop.firms[1])))
    heard = tuple(
        Word(row.dossier.number, verdict, "原话在此") for row, verdict in ((solved, "solved"), (moved_on, "not_yet"), (elsewhere, "solved"))
    )
    found = told(shop, heard=heard)
    assert found.passed_over == (moved_on.dossier.number, elsewhere.dossier.number) and Call.objects.count() == 1
    states = [Difficulty.objects.get(pk=row.pk).dossier.state for row in (solved, moved_on, elsewhere)]
    assert states == ["solved", "reported", "answered"]
    word = solved.heard.get()
    assert (word.way, word.spoke_to, word.heard_by_id) == ("visit", "钱会计", shop.town.wu.user_id)


@pytest.mark.parametrize(
    ("given", "field"),
    [({"spoke_to": ""}, "spoke_to"), ({"outcome": "danced"}, "outcome"), ({"called_at": AT + HOUR}, "called_at"), ({"by": SYSTEM}, "by"), ({"words": (Told("weather", "下雨了出不去"),)}, "told[1].kind")],
    ids=["nobody", "outcome", "future", "machine", "kind"],
)  # fmt: skip
def test_a_visit_told_wrong_leaves_nothing(shop: Workshop, given: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        told(shop, **given)
    assert [p.field for p in refused.value.problems] == [field] and not Call.objects.exists() and not Difficulty.objects.exists()


def test_elsewhere_is_nowhere(shop: Workshop) -> None:
    for who, firm in ((shop.town.wu, 2), (shop.town.zhao, 0), (shop.town.chen, 0)):
        with pytest.raises(Unseen):
            told(shop, firm, by=who)
    told(shop)
    assert [row.key for row in calls_seen(shop.town.lin)] == [KEY] and not calls_seen(shop.town.zhao)
