"""A day's entries from the log to what is given: whose they were, on which day, and only once."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.domains.gate.door import door  # noqa: F401
from tests.fixtures_town import AT, SINCE, Town
from tongchou.core.parameters.models import Parameter, ParameterValue
from tongchou.core.people.rules import system_actor
from tongchou.core.places.models import Installation
from tongchou.core.places.queries import installation
from tongchou.domains.footfall.models import ClassFigure, DoorFigure, Release
from tongchou.domains.gate.actions import EntranceSpec, open_entrances
from tongchou.domains.gate.actions_counts import count_scans
from tongchou.domains.gate.models import Device, Entrance
from tongchou.domains.gate.scan_log import Row, append
from tongchou.domains.registry.models import Venue
from tongchou.workflows.releasing import release_days

pytestmark = pytest.mark.django_db(databases="__all__")
ZONE, BY, NOON, OUT, REFUSE = ZoneInfo("Asia/Shanghai"), system_actor("test"), timedelta(hours=12), 1, 2
NOW = AT.astimezone(ZONE)
DAY = NOW.date() - timedelta(days=1)
MIDNIGHT = datetime(DAY.year, DAY.month, DAY.day, tzinfo=ZONE)


@pytest.fixture
def town(door: Device, installed_town: Town) -> Installation:  # noqa: F811
    for key, value, unit in (("trace.k_anonymity", 10, "persons"), ("footfall.release_after", 6, "hour")):
        parameter = Parameter.objects.create(key=key, unit=unit, name_zh=key, name_en=key)
        ParameterValue.objects.create(
            parameter=parameter, value=value, valid_from=SINCE, source_zh="测试", source_en="test", confidence="low"
        )
    found = installation()
    assert found is not None
    return found


def come(entrance: Entrance, at: datetime, holders: list[int | None], *, told: int = 0, way: int = 0) -> None:
    """One scan each at an instant, by devices of no row: the log names them by number alone."""
    at_s, first = int(at.timestamp()), at.toordinal() * 10**6 + at.hour * 10**4 + told * 1000 + way * 5000
    append(
        [
            Row(10**6 + entrance.pk, first + n, entrance.pk, entrance.venue_id, who, at_s, at_s, way, told, 0, told, 0, n)
            for n, who in enumerate(holders)
        ]
    )


def released(town: Installation, at: datetime = NOW) -> list[date]:
    count_scans(zone=ZONE, by=BY, at=at)
    return [release.on for release in release_days(town, by=BY, at=at)]


def test_a_day_is_that_of_the_town_and_is_given_once(town: Installation) -> None:
    door_of = Entrance.objects.get()
    come(door_of, MIDNIGHT, list(range(1, 13)))
    come(door_of, MIDNIGHT - timedelta(seconds=1), list(range(1, 15)))
    come(door_of, MIDNIGHT + timedelta(days=1), list(range(1, 16)))
    assert released(town, MIDNIGHT + timedelta(days=1, hours=5)) == [DAY - timedelta(days=1)]
    assert released(town) == [DAY] and released(town) == []
    assert dict(Release.objects.values_list("on", "entries")) == {DAY: 12, DAY - timedelta(days=1): 14}
    come(door_of, MIDNIGHT + NOON, list(range(20, 60)))  # delivered late
    assert released(town) == [] and Release.objects.get(on=DAY).entries == 12
    assert set(ClassFigure.objects.filter(entries__isnull=False).values_list("venue_class", "hour", "entries")) == {
        ("market", None, 12),
        ("market", None, 14),
    }


def test_people_not_scans_decide_and_who_names_nobody_is_somebody(town: Installation) -> None:
    door_of = Entrance.objects.get()
    come(door_of, MIDNIGHT + NOON, [1, 2, 3] * 20)
    assert released(town) == [DAY] and Release.objects.get().entries is None
    (figure,) = DoorFigure.objects.all()
    assert (figure.mark, figure.entries) == ("small", None)
    come(door_of, MIDNIGHT + timedelta(days=1, hours=1), [None] * 10)
    assert released(town, NOW + timedelta(days=1)) == [DAY + timedelta(days=1)]
    # With the one of the fixture, who was let in that day too.
    assert Release.objects.first().entries == 11


def test_who_goes_out_or_is_turned_away_has_not_entered(town: Installation) -> None:
    door_of = Entrance.objects.get()
    come(door_of, MIDNIGHT + NOON, list(range(1, 21)))
    come(door_of, MIDNIGHT + NOON, list(range(1, 31)), way=OUT)
    come(door_of, MIDNIGHT + NOON, list(range(1, 13)), told=REFUSE)
    released(town)
    (figure,) = DoorFigure.objects.all()
    assert (figure.entries, figure.refused, figure.let_in, figure.after_refusal) == (20, 12, 0, 0)


def test_a_quiet_door_is_not_found_from_its_class(town: Installation) -> None:
    quiet, third = open_entrances(specs=[EntranceSpec(Venue.objects.get().pk) for _ in range(2)], by=BY, at=AT)
    loud = Entrance.objects.order_by("code").first()
    come(loud, MIDNIGHT + NOON, list(range(1, 41)))
    come(quiet, MIDNIGHT + NOON, [1, 2])
    come(third, MIDNIGHT + NOON, list(range(1, 51)))
    released(town)
    assert dict(DoorFigure.objects.values_list("entrance__code", "entries")) == {loud.code: 40, quiet.code: None, third.code: None}
    assert Release.objects.get().entries == 92  # 92 - 40 is 52: the two others together
