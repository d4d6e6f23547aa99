"""From a result to a pass in a hand: at once, once, taken back when corrected; and what an address shows."""

from collections.abc import Callable
from datetime import timedelta
from itertools import count

import pytest

from tests.domains.testing.samplers import Scene, parameter, scene
from tests.fixtures_town import AT, Town
from tests.workflows.test_testing_rounds import LATER, resulted
from tongchou.core.errors import Refusal, Unseen
from tongchou.core.outbox.models import Message
from tongchou.core.passes.actions import resume_passes, revoke_pass, rotate_key, suspend_passes
from tongchou.core.passes.models import IssuedPass
from tongchou.core.passes.queries import trusted_keys
from tongchou.core.passes.tokens import read_pass
from tongchou.domains.gate.actions_passes import carry_passes, give_link
from tongchou.domains.gate.models import Holder
from tongchou.domains.testing.actions_laboratory import Finding
from tongchou.domains.testing.models import Tube
from tongchou.workflows.passing import (
    MACHINE,
    VALID_FOR,
    hand_on_results,
    holders_of,
    passes_of,
    people_behind,
    register_everybody,
    report_lost,
)
from tongchou.workflows.testing_rounds import RESULTS_IN, take_results


@pytest.fixture
def chance() -> Callable[[], int]:
    numbers = count(1)
    return lambda: next(numbers)


@pytest.fixture
def sampled(small_town: Town) -> Scene:
    """Three people in tube T1 and two in T2; a key to sign passes and how long these hold."""
    made = scene(small_town)
    made.sample([0, 1, 2], "TUBE1")
    made.sample([3, 4], "TUBE2", at=AT + timedelta(minutes=5))
    parameter(VALID_FOR, "hour", 48)
    rotate_key(town=small_town.town, seed=b"\1" * 32, trusted_for=timedelta(days=9), by=MACHINE, at=AT)
    return made


def told(made: Scene, chance: Callable[[], int]) -> list[int]:
    """Every message of the laboratory handed on; how many holders each changed."""
    return [
        hand_on_results(m.payload["tubes"], chance, by=MACHINE, at=LATER) for m in Message.objects.filter(topic=RESULTS_IN).order_by("pk")
    ]


def facts(made: Scene) -> list[int | None]:
    """Minutes after AT of everybody's latest negative sample, in the order of the people; None: nothing is known."""
    known = dict(Holder.objects.values_list("resident_id", "sampled_at"))
    days = [known.get(person.pk) for person in made.people]
    return [None if day is None else round((day - AT).total_seconds() / 60) for day in days]


def test_negative_results_reach_their_holders_once(sampled: Scene, chance: Callable[[], int]) -> None:
    resulted(sampled, TUBE1="negative", TUBE2="positive")
    assert told(sampled, chance) == [3] and facts(sampled) == [0, 0, 0, None, None, None]
    assert told(sampled, chance) == [0]


def test_a_drill_says_nothing_of_anybody(sampled: Scene, chance: Callable[[], int]) -> None:
    head = sampled.round.dossier
    head.is_exercise = True
    head.save()
    resulted(sampled, TUBE1="negative", TUBE2="negative")
    assert told(sampled, chance) == [0] and facts(sampled) == [None] * 6


def test_a_corrected_result_is_taken_back_with_the_passes_that_say_it(sampled: Scene, chance: Callable[[], int]) -> None:
    resulted(sampled, TUBE1="negative", TUBE2="negative")
    told(sampled, chance)
    holders = list(Holder.objects.select_related("place").order_by("resident_id"))
    shown = passes_of(holders, sampled.town.town, by=MACHINE, at=LATER)
    later = LATER + timedelta(hours=1)
    take_results([Finding("TUBE1", "positive", later, "重测")], source="test", by=sampled.town.chen, at=later)
    assert hand_on_results([Tube.objects.get(code="TUBE1").pk], chance, by=MACHINE, at=later) == 3
    assert facts(sampled) == [None, None, None, 5, 5, None]
    revoked = set(IssuedPass.objects.exclude(revoked_at=None).values_list("holder", flat=True))
    assert revoked == {s.holder.number for s in shown[:3]}


def test_who_is_registered_later_brings_the_test_they_had(sampled: Scene, chance: Callable[[], int]) -> None:
    resulted(sampled, TUBE1="negative", TUBE2="negative")
    numbers = holders_of([sampled.people[0].pk], chance, by=sampled.town.wu, at=LATER)
    assert Holder.objects.get(pk=numbers[sampled.people[0].pk]).sampled_at == AT
    assert register_everybody(chance, at_most=3, by=MACHINE, at=LATER) == 3
    assert [register_everybody(chance, at_most=9, by=MACHINE, at=LATER) for _ in "12"] == [2, 0]
    assert facts(sampled) == [0, 0, 0, 5, 5, None]
    with pytest.raises(Unseen):
        holders_of([sampled.people[5].pk + 1000], chance, by=MACHINE, at=LATER)


def test_the_same_pass_is_shown_until_a_fact_changes_or_half_its_time_is_over(sampled: Scene, chance: Callable[[], int]) -> None:
    town = sampled.town.town
    number = holders_of([sampled.people[0].pk], chance, by=MACHINE, at=AT)[sampled.people[0].pk]

    def shown(hours: float) -> str | None:
        holder = Holder.objects.select_related("place").get(pk=number)
        return passes_of([holder], town, by=MACHINE, at=AT + timedelta(hours=hours))[0].text

    first = shown(0.001)
    assert first and shown(2) == first and dict(read_pass(first, trusted_keys(AT)).facts) == {}
    resulted(sampled, TUBE1="negative", TUBE2="negative")
    told(sampled, chance)
    second = shown(5)
    assert second and dict(read_pass(second, trusted_keys(AT)).facts) == {"sampled_at": int(AT.timestamp())}
    assert second != first and shown(28) == second and shown(30) != second and IssuedPass.objects.count() == 3


def test_nothing_but_its_end_ends_a_suspension_and_a_lost_pass_is_followed_by_another(sampled: Scene, chance: Callable[[], int]) -> None:
    number = holders_of([sampled.people[0].pk], chance, by=MACHINE, at=AT)[sampled.people[0].pk]
    holder = Holder.objects.select_related("place").get(pk=number)
    (first,) = passes_of([holder], sampled.town.town, by=MACHINE, at=AT)
    who = {"holder": number, "place": holder.place, "reason": "TX-2022-0001", "by": MACHINE, "at": AT}
    suspend_passes(issuer=sampled.town.town, until_at=AT + timedelta(days=10), **who)
    for days in (0, 1, 9):
        (held,) = passes_of([holder], sampled.town.town, by=MACHINE, at=AT + timedelta(days=days))
        assert held.text is None
    revoke_pass(first.issued, reason="检测结果更正", by=sampled.town.lin, at=AT)
    assert report_lost(holder, by=sampled.town.wu, at=AT) == 0
    assert passes_of([holder], sampled.town.town, by=MACHINE, at=AT)[0].text is None
    resume_passes(**who)
    (second,) = passes_of([holder], sampled.town.town, by=MACHINE, at=AT)
    assert second.text and second.issued.pk > first.issued.pk
    assert report_lost(holder, by=sampled.town.wu, at=AT) == 1
    assert passes_of([holder], sampled.town.town, by=MACHINE, at=AT)[0].issued.pk > second.issued.pk


def test_without_a_key_no_pass_is_promised(small_town: Town, chance: Callable[[], int]) -> None:
    made = scene(small_town)
    parameter(VALID_FOR, "hour", 48)
    holders_of([made.people[0].pk], chance, by=MACHINE, at=AT)
    with pytest.raises(Refusal, match="密钥"):
        passes_of(list(Holder.objects.select_related("place")), small_town.town, by=MACHINE, at=AT)


def test_an_address_shows_its_holder_and_those_carried(sampled: Scene, chance: Callable[[], int]) -> None:
    numbers = holders_of([p.pk for p in sampled.people[:3]], chance, by=MACHINE, at=AT)
    first, second, third = (Holder.objects.get(pk=numbers[p.pk]) for p in sampled.people[:3])
    give_link(first, token="t" * 43, by=sampled.town.wu, at=AT)
    carry_passes(first, of={second.number, third.number}, by=sampled.town.wu, at=AT)
    assert [h.number for h in people_behind("t" * 43)] == [first.number, second.number, third.number]
    for wrong in ("", "t" * 42, "T" * 43, str(first.number)):
        with pytest.raises(Unseen):
            people_behind(wrong)
