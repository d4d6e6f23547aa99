"""Counting the log by door and day, and what the counts say is odd."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.domains.gate.door import door  # noqa: F401
from tests.fixtures_town import AT, Town
from tongchou.core.audit.models import Entry
from tongchou.core.errors import Invalid, Unseen
from tongchou.core.parameters.actions import set_parameter
from tongchou.core.parameters.models import ParameterValue
from tongchou.core.people.rules import Actor, system_actor
from tongchou.core.wording import T
from tongchou.domains.footfall.models import DoorFigure, Release
from tongchou.domains.gate.actions import edit_entrance, revoke_device
from tongchou.domains.gate.actions_counts import count_scans
from tongchou.domains.gate.models import CountedScans, Device, DoorDay, Entrance, Scan
from tongchou.domains.gate.queries_doors import count_doors, door_days, doors_for, limits_on, oddities_of, scans_to_count, seen_door
from tongchou.domains.gate.rules import FLAGS, NO_LIMITS, ODDITIES
from tongchou.domains.gate.scan_log import Row, append

pytestmark = pytest.mark.django_db(databases="__all__")
ZONE, BY = ZoneInfo("Asia/Shanghai"), system_actor("test")
TODAY = AT.astimezone(ZONE).date()
ADMIT, REFUSE = 0, 2


def scanned(device: Device, seq: int, at: datetime, verdict: int = ADMIT, told: int | None = None, way: int = 0, flags: int = 0) -> None:
    at_s, entrance = int(at.timestamp()), device.entrance
    append(
        [Row(device.pk, seq, entrance.pk, entrance.venue_id, 7, at_s, at_s, way, verdict, 0, verdict if told is None else told, flags, seq)]
    )


def given(device: Device, on: date, mark: str, entries: int | None) -> None:
    release = Release.objects.create(on=on, k=10, entries=None, released_at=AT)
    DoorFigure.objects.create(release=release, entrance=device.entrance, mark=mark, entries=entries)


def counted() -> dict[date, tuple[int, int, int]]:
    count_scans(zone=ZONE, by=BY, at=AT)
    return {row.on: (row.admitted, row.refused, row.let_in) for row in DoorDay.objects.all()}


def test_each_scan_is_counted_once_on_its_day_in_the_town(door: Device) -> None:  # noqa: F811
    assert counted() == {TODAY: (1, 1, 0)}  # of the fixture
    midnight = datetime.combine(TODAY, datetime.min.time(), ZONE)
    scanned(door, 10, midnight - timedelta(seconds=1))
    scanned(door, 11, midnight)
    scanned(door, 12, midnight + timedelta(hours=1), REFUSE)
    scanned(door, 13, midnight, way=1)
    scanned(door, 14, midnight, REFUSE, told=ADMIT)
    scanned(door, 15, midnight, REFUSE, told=ADMIT, flags=FLAGS["by_card"])
    expected = {TODAY: (2, 3, 1), TODAY - timedelta(days=1): (1, 0, 0)}
    assert scans_to_count() and counted() == expected
    assert not scans_to_count() and counted() == expected
    assert CountedScans.objects.get().upto == Scan.objects.latest("pk").pk
    assert not any(
        entry.detail != "{}" for entry in Entry.objects.filter(action="gate.count")
    )  # nor does the log say how many came in a minute


def test_a_scan_of_an_entrance_that_is_gone_holds_nothing_up(door: Device) -> None:  # noqa: F811
    append([Row(door.pk, 99, 10**6, 1, None, int(AT.timestamp()), int(AT.timestamp()), 0, 0, 0, 0, 0, 1)])
    assert counted() == {TODAY: (1, 1, 0)}


def test_what_is_odd_of_a_door(door: Device, small_town: Town) -> None:  # noqa: F811
    at, who = AT.astimezone(ZONE), small_town.lin

    def odd(at: datetime = at) -> list[str]:
        limits = limits_on(at.date(), "/")
        (found,) = doors_for(who, at=at, limits=limits)
        named = oddities_of(found)
        assert {name for name in ODDITIES if doors_for(who, at=at, limits=limits, odd=name).exists()} == set(named)
        assert {name for name, n in count_doors(who, at, limits).odd.items() if n} == set(named)
        return named

    assert odd() == [] and odd(at + timedelta(hours=25)) == ["silent"]  # enrolled just now
    counted()
    assert odd() == [] and odd(at + timedelta(hours=23, minutes=54)) == [] and odd(at + timedelta(hours=25)) == ["silent"]
    scanned(door, 20, AT, REFUSE, told=ADMIT)
    counted()
    assert odd() == ["let_in"]
    edit_entrance(door.entrance, keeper="", expected_daily=41, by=who, at=AT)
    given(door, TODAY - timedelta(days=1), "shown", 20)
    assert odd() == ["let_in"]  # the scanner was not there all that day
    Device.objects.update(enrolled_at=AT - timedelta(days=2))
    assert odd() == ["let_in", "few"]
    given(door, TODAY, "shown", 21)
    assert odd() == ["let_in"]
    revoke_device(door, reason="遗失", by=who, at=AT)
    assert odd() == ["let_in", "no_scanner"]
    assert door_days(door.entrance, TODAY)[0].let_in == 1


@pytest.mark.parametrize(("mark", "expected", "is_few"), [("small", 18, False), ("small", 19, True), ("withheld", 1_000, False)])
def test_trying_footfalls_tells_no_more_than_what_was_given(door: Device, small_town: Town, mark: str, expected: int, is_few: bool) -> None:  # noqa: F811
    Device.objects.update(enrolled_at=AT - timedelta(days=4))
    given(door, TODAY, mark, None)
    edit_entrance(door.entrance, keeper="", expected_daily=expected, by=small_town.lin, at=AT)
    (row,) = doors_for(small_town.lin, at=AT.astimezone(ZONE), limits=limits_on(TODAY, "/"))
    assert ("few" in oddities_of(row)) is is_few


def test_the_limits_are_those_of_the_day_and_a_town_without_them_finds_nothing_odd(door: Device, small_town: Town) -> None:  # noqa: F811
    later = AT.astimezone(ZONE) + timedelta(hours=25)
    set_parameter(
        key="gate.silent_after", value=30, valid_from=later.date(), source=T("会议纪要", "minutes"), by=system_actor("test"), at=AT
    )
    assert (limits_on(TODAY, "/").silent_after, limits_on(later.date(), "/").silent_after) == (timedelta(hours=24), timedelta(hours=30))
    (row,) = doors_for(small_town.lin, at=later, limits=limits_on(later.date(), "/"))
    assert oddities_of(row) == []
    ParameterValue.objects.all().delete()
    assert limits_on(TODAY, "/") == NO_LIMITS
    (row,) = doors_for(small_town.lin, at=later + timedelta(days=9), limits=NO_LIMITS)
    assert oddities_of(row) == []


def test_a_door_elsewhere_is_not_seen(door: Device, small_town: Town) -> None:  # noqa: F811
    at, code = AT.astimezone(ZONE), Entrance.objects.get().code
    assert seen_door(code, small_town.wu, at).code == code  # the secretary of that village
    with pytest.raises(Unseen):
        seen_door(code, small_town.zhao, at)
    assert count_doors(small_town.zhao, at, NO_LIMITS).doors == 0


def test_an_absurd_footfall_is_refused(door: Device, small_town: Town) -> None:  # noqa: F811
    with pytest.raises(Invalid):
        edit_entrance(door.entrance, keeper="张", expected_daily=10**7, by=small_town.lin, at=AT)
    with pytest.raises(Unseen):
        edit_entrance(door.entrance, keeper="张", expected_daily=1, by=_stranger(small_town), at=AT)


def _stranger(town: Town) -> Actor:
    return town.zhao
