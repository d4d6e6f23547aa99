"""Who is overdue for regular testing: the database's answer is that of the rule asked for one person after the other; names and numbers are logged."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta

import pytest

from tests.domains.testing.samplers import Scene, parameter, scene
from tests.fixtures_town import AT, Town
from tongchou.core.audit.models import Access
from tongchou.core.audit.queries import accesses_to
from tongchou.core.errors import Unseen
from tongchou.core.parameters.models import ParameterValue
from tongchou.domains.testing.actions import enlist_key_workers
from tongchou.domains.testing.actions_sampling import account_for
from tongchou.domains.testing.models import KeyWorker
from tongchou.domains.testing.rules import LASTING, next_due
from tongchou.workflows.regular_testing import Overdue, VillageCount, number_of_overdue, overdue_below, overdue_seen, people_to_chase

RULE = {"resident": 72, "courier": 48, "cold_chain": 24}
DAY = timedelta(days=1)


def ruled(town: Town, since: date = date(2022, 5, 1)) -> Scene:
    made = scene(town)
    parameter("testing.regular_every", "hours", RULE)
    ParameterValue.objects.filter(parameter__key="testing.regular_every").update(valid_from=since)
    return made


def enlist(made: Scene, people: dict[int, str], unit: str = "", since: date = date(2022, 5, 1)) -> None:
    numbers = {made.people[n].pk: group for n, group in people.items()}
    enlist_key_workers(people=numbers, units=dict.fromkeys(numbers, unit), place=made.town.town, from_on=since, by=made.town.gao, at=AT)


def below(made: Scene, at: datetime) -> Overdue:
    found = overdue_below(made.town.town.path, at)
    assert found is not None
    return found


def numbers(made: Scene, found: Overdue) -> list[int]:
    late = set(found.people().values_list("pk", flat=True))
    return [n for n, person in enumerate(made.people) if person.pk in late]


def expected(
    made: Scene, at: datetime, since: date, sampled: dict[int, datetime], groups: dict[int, str], from_on: date, said: dict[int, str]
) -> list[int]:
    """One person after the other by `next_due`, which the domain's own tests hold."""
    late = []
    for n in range(len(made.people)):
        for group, began in (("resident", since), *(((groups[n], max(since, from_on)),) if n in groups else ())):
            start = datetime.combine(began, time.min, UTC)
            due = next_due([group], last_sampled_at=sampled.get(n), since=start, every_hours=RULE)
            holds = n in said and (said[n] in LASTING or at - timedelta(hours=RULE[group]) < AT)
            if due is not None and due.at <= at and at >= start and not holds:
                late.append(n)
                break
    return late


@pytest.mark.parametrize("since", [date(2022, 5, 1), date(2022, 6, 2), date(2022, 6, 4)])
def test_database_answers_as_the_rule_does_for_one_after_the_other(small_town: Town, since: date) -> None:
    made = ruled(small_town, since)
    groups, from_on = {0: "courier", 1: "cold_chain", 3: "cold_chain"}, date(2022, 6, 1)
    enlist(made, groups, since=from_on)
    for n in (0, 1, 2):
        made.sample([n], "TUBE0001")
    said = {4: "infant", 5: "out_of_town"}
    for n, reason in said.items():
        account_for(testing_round=made.round, people=[made.people[n].pk], reason=reason, by=small_town.gao, at=AT)
    for hours in (0, 13, 23, 25, 47, 49, 71, 73, 200):
        at, sampled = AT + timedelta(hours=hours), dict.fromkeys((0, 1, 2), AT)
        if at.date() < since:
            assert overdue_below(small_town.town.path, at) is None
            continue
        found = below(made, at)
        wanted = expected(made, at, since, sampled, groups, from_on, said)
        assert (hours, numbers(made, found)) == (hours, wanted)
        counted = Counter(made.people[n].place_id for n in wanted)
        assert {place: c.people for place, c in found.by_village().items()} == dict(counted)
        assert sum(c.never for c in found.by_village().values()) == sum(n not in sampled for n in wanted)
        assert {row.person.pk for row in found.details(list(found.people()))} == {made.people[n].pk for n in wanted}


def test_units_are_counted_and_read_alone(small_town: Town) -> None:
    made = ruled(small_town)
    enlist(made, {0: "courier", 1: "courier"}, "顺风速递")
    enlist(made, {2: "cold_chain"})
    found = below(made, AT)
    assert [(c.group, c.unit, c.people) for c in found.by_unit()] == [("courier", "顺风速递", 2), ("cold_chain", "", 1)]
    assert set(found.of_unit("courier", "顺风速递")) == set(made.people[:2]) and not found.of_unit("courier", "别处").exists()
    assert found.by_village()[small_town.villages[0].pk] == VillageCount(5, 5)
    KeyWorker.objects.update(to_on=AT.date())
    assert below(made, AT).by_unit() == []


def test_drill_is_no_sample_and_no_rule_asks_nothing(small_town: Town) -> None:
    made = ruled(small_town)
    made.sample([0], "TUBE0001")
    made.round.dossier.is_exercise = True
    made.round.dossier.save(update_fields=["is_exercise"])
    assert numbers(made, below(made, AT)) == list(range(6))
    ParameterValue.objects.filter(parameter__key="testing.regular_every").delete()
    assert overdue_below(small_town.town.path, AT) is None and overdue_seen(small_town.wu, AT) == []


def test_reading_names_and_calling_are_logged_and_ones_own_place_alone(small_town: Town) -> None:
    made = ruled(small_town)
    (own,) = overdue_seen(small_town.wu, AT)
    assert set(own.people()) == set(made.people[:5])  # the sixth lives in another village
    rows = people_to_chase(own, own.people(), by=small_town.wu, at=AT)
    assert {(row.due.group, row.last_sampled_at, row.said) for row in rows} == {("resident", None, None)}
    assert number_of_overdue(made.people[0].pk, by=small_town.wu, at=AT) == "19900123450"
    read = [(a.subject_kind, a.details["fields"], a.reason) for a in Access.objects.filter(action="person.read").order_by("seq")]
    assert sorted(kind for kind, _, _ in read) == ["household", "household", "resident"] and read[-1][1] == ["phone"]
    assert {reason for _, _, reason in read} == {"常态化核酸催采 chasing overdue regular tests"}
    assert made.people[0].household is not None
    assert accesses_to(made.people[0].household).count() == 1 == accesses_to(made.people[0]).count()
    made.sample([0], "TUBE0001")
    for person, by in ((0, small_town.wu), (5, small_town.wu), (1, small_town.zhao)):  # sampled by now; not Wu's; of another town
        with pytest.raises(Unseen):
            number_of_overdue(made.people[person].pk, by=by, at=AT)
    with pytest.raises(Unseen):
        people_to_chase(own, own.people(), by=small_town.zhao, at=AT)


def test_rule_for_residents_alone_needs_no_key_worker(small_town: Town) -> None:
    made = ruled(small_town)
    ParameterValue.objects.filter(parameter__key="testing.regular_every").update(value={"resident": 72})
    enlist(made, {0: "courier"})
    found = below(made, AT)
    assert numbers(made, found) == list(range(6)) and found.by_unit() == [] and len(found.details(list(found.people()))) == 6
    ParameterValue.objects.filter(parameter__key="testing.regular_every").update(value={"courier": 48})
    found = below(made, AT)
    assert numbers(made, found) == [0] and found.by_village() == {small_town.villages[0].pk: VillageCount(1, 1)}
