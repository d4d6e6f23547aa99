"""Many crews in one transaction: each all or none, each with its own entry, a bad one alone refused."""

from datetime import timedelta
from uuid import UUID

import pytest

from tests.domains.testing.samplers import Scene, scene
from tests.fixtures_town import AT, Town
from tongchou.core.audit.queries import history_of, verify_chain
from tongchou.core.errors import Invalid, Refusal, Stale, Unseen
from tongchou.core.people.rules import Actor, system_actor
from tongchou.domains.testing import roll
from tongchou.domains.testing.actions import close_round, wind_up_round
from tongchou.domains.testing.actions_check_off import CheckedOff, Delivery, Sampled, check_off_together
from tongchou.domains.testing.actions_laboratory import pack_box
from tongchou.domains.testing.actions_sampling import account_for
from tongchou.domains.testing.models import CheckOff, Receipt, Tube
from tongchou.workflows.testing_rounds import keep_deliveries

GATHERER = system_actor("test")


def delivery(made: Scene, people: list[int], tube: str, by: Actor | None = None) -> Delivery:
    return Delivery(made.round, made.site, [Sampled(made.people[n].pk, tube) for n in people], by or made.town.wu)


def news(told: list[CheckedOff | Refusal]) -> list[int | str]:
    return [one.new if isinstance(one, CheckedOff) else type(one).__name__ for one in told]


def test_each_sees_those_before_it_and_each_entry_is_its_own_crews(small_town: Town) -> None:
    made = scene(small_town)
    told = check_off_together(
        deliveries=[
            delivery(made, [0, 1], "TUBE0001"),
            delivery(made, [0, 2], "TUBE0002", small_town.gao),  # 0 has just been sampled
            delivery(made, [3, 4, 5], "TUBE0001"),
            delivery(made, [0, 1], "TUBE0001"),  # the same again
        ],
        by=GATHERER,
        at=AT,
    )
    assert news(told) == [2, 1, 3, 0]
    second, last = told[1], told[3]
    assert isinstance(second, CheckedOff) and second.known == {made.people[0].pk: "TUBE0001"} and second.room == {"TUBE0002": 4}
    assert isinstance(last, CheckedOff) and set(last.known.values()) == {"TUBE0001"}
    assert dict(Tube.objects.values_list("code", "filled")) == {"TUBE0001": 5, "TUBE0002": 1}
    assert dict(CheckOff.objects.values_list("person_id", "by__username"))[made.people[2].pk] == "gao"
    entries = [e for e in history_of(made.site) if e.action == "round.check_off"]
    assert [(e.actor_label, e.details["new"]) for e in entries] == [("wu", 2), ("gao", 1), ("wu", 3), ("wu", 0)]
    assert verify_chain().problems == ()


def test_bad_one_is_refused_alone(small_town: Town) -> None:
    made = scene(small_town)
    told = check_off_together(
        deliveries=[
            delivery(made, [0, 1, 2], "TUBE0001"),
            delivery(made, [3, 4, 5], "TUBE0001"),  # takes two more
            delivery(made, [3], "管"),
            Delivery(made.round, made.site, [Sampled(987_654, "TUBE0003")], small_town.wu),
            delivery(made, [3], "TUBE0003", small_town.zhao),  # of another town
            delivery(made, [3, 4], "TUBE0001"),
        ],
        by=GATHERER,
        at=AT,
    )
    assert news(told) == [3, "Invalid", "Invalid", "Invalid", "Unseen", 2]
    assert "takes 2 more" in told[1].args[0]  # type: ignore[union-attr]
    assert dict(Tube.objects.values_list("code", "filled")) == {"TUBE0001": 5} and CheckOff.objects.count() == 5


def test_none_that_can_be_kept_leaves_nothing(small_town: Town) -> None:
    made = scene(small_town)
    with pytest.raises(Unseen):
        check_off_together(deliveries=[delivery(made, [0], "TUBE0001", small_town.zhao)] * 2, by=GATHERER, at=AT)
    assert news(keep_deliveries([delivery(made, [0], "TUBE0001", small_town.zhao)] * 2, at=AT)) == ["Unseen"] * 2  # type: ignore[arg-type]
    assert not CheckOff.objects.exists()


def test_group_that_somebody_beside_it_overtook_is_kept_one_by_one(small_town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    made, fill, calls = scene(small_town), roll.fill_tubes, []
    made.sample([0], "TUBE0001")

    def overtaken(counts: dict[int, int]) -> int:
        calls.append(counts)
        return -1 if len(calls) == 1 else fill(counts)

    monkeypatch.setattr(roll, "fill_tubes", overtaken)
    given = [delivery(made, [1], "TUBE0001"), delivery(made, [2, 3], "TUBE0001"), delivery(made, [4], "TUBE0002")]
    with pytest.raises(Stale):
        check_off_together(deliveries=given, by=GATHERER, at=AT)
    assert CheckOff.objects.count() == 1
    calls.clear()
    assert news(keep_deliveries(given, at=AT)) == [1, 2, 1]  # type: ignore[arg-type]
    assert dict(Tube.objects.values_list("code", "filled")) == {"TUBE0001": 4, "TUBE0002": 1}


def test_delivery_with_an_id_is_kept_once_and_known_even_when_tube_and_round_are_gone(small_town: Town) -> None:
    made, key = scene(small_town), UUID(int=7)
    early = AT - timedelta(hours=5)
    sent = Delivery(
        made.round, made.site, [Sampled(made.people[n].pk, "TUBE0001", sampled_at=early) for n in (0, 1)], small_town.wu, id=key
    )
    assert news(check_off_together(deliveries=[sent, sent], by=GATHERER, at=AT)) == [2, 0]
    assert Tube.objects.get().opened_at == early  # what comes late was taken before it came
    box = pack_box(testing_round=made.round, site=made.site, laboratory="区实验室", by=small_town.wu, at=AT)
    late = Delivery(made.round, made.site, [Sampled(made.people[2].pk, "TUBE0001")], small_town.wu, id=UUID(int=8))
    sent_again, refused = keep_deliveries([sent, late], at=AT)
    assert isinstance(sent_again, CheckedOff) and sent_again.new == 0
    assert isinstance(refused, Invalid) and "packed already" in refused.problems[0].said.en
    wind_up_round(made.round, by=small_town.gao, at=AT)
    account_for(testing_round=made.round, people=[p.pk for p in made.people[2:]], reason="infant", by=small_town.gao, at=AT)
    close_round(made.round, by=small_town.gao, at=AT)
    assert [type(one).__name__ for one in keep_deliveries([sent, late], at=AT)] == ["CheckedOff", "Stale"]
    assert list(Receipt.objects.values_list("pk", flat=True)) == [key] and box.tubes.get().filled == 2 == CheckOff.objects.count()
    assert [e.details["id"] for e in history_of(made.site) if e.action == "round.check_off" and e.details["new"]] == [str(key)]
