"""Who was let in at a venue that had just refused them, and where a door is not to blame."""

from datetime import datetime, timedelta
from itertools import permutations
from zoneinfo import ZoneInfo

import pytest

from tests.domains.gate.door import door  # noqa: F401
from tests.fixtures_town import AT, Town
from tongchou.core.people.rules import system_actor
from tongchou.domains.gate.actions_appeals import decide_appeal, open_appeal
from tongchou.domains.gate.actions_counts import count_scans
from tongchou.domains.gate.models import Device, DoorDay
from tongchou.domains.gate.queries_doors import count_doors, doors_for, entries_after_refusal, oddities_of
from tongchou.domains.gate.refusals import Objected, entered_after_refusal
from tongchou.domains.gate.rules import CLOCK_TOLERANCE_S, FLAGS, NO_LIMITS, REASON_CODES
from tongchou.domains.gate.scan_log import Row, append

ZONE, BY, HALF_HOUR = ZoneInfo("Asia/Shanghai"), system_actor("test"), 1800
ADMIT, NOTICE, REFUSE = 0, 1, 2
OLD, LOST, BARRED = (REASON_CODES.index(code) for code in ("test_too_old", "revoked", "suspended"))


def scan(
    at_s: int, told: int, *, device: int = 1, seq: int | None = None, holder: int = 7, venue: int = 5, reason: int = OLD, flags: int = 0
) -> Objected:
    return Objected(at_s * 100 + device, holder, venue, 50 + device, device, at_s if seq is None else seq, at_s, told, reason, flags)  # fmt: skip


REFUSED_AT_0 = scan(0, REFUSE)


@pytest.mark.parametrize(
    ("later", "entries"),
    [
        ([scan(600, ADMIT)], 1),
        ([scan(600, NOTICE)], 1),
        ([scan(HALF_HOUR, ADMIT)], 1),
        ([scan(HALF_HOUR + 1, ADMIT)], 0),
        ([scan(600, REFUSE)], 0),
        ([scan(600, ADMIT, holder=8)], 0),
        ([scan(600, ADMIT, venue=6)], 0),
        ([scan(600, ADMIT), scan(620, ADMIT)], 1),  # scanned twice, entered once
        ([scan(100, REFUSE), scan(600, ADMIT)], 1),
        ([scan(600, ADMIT), scan(700, REFUSE), scan(800, ADMIT)], 2),
        ([scan(600, ADMIT, device=2)], 1),  # another door of the venue
        ([scan(CLOCK_TOLERANCE_S, ADMIT, device=2)], 0),  # two clocks: perhaps it was before
        ([scan(CLOCK_TOLERANCE_S + 1, ADMIT, device=2)], 1),
        ([scan(600, ADMIT), scan(900, ADMIT, device=2)], 2),  # two doors let them in
        ([scan(-60, ADMIT, seq=9)], 1),  # the device's clock was set back: its numbers say the order
        ([scan(60, ADMIT, seq=-1)], 0),
        ([scan(600, ADMIT, flags=FLAGS["implausible_time"])], 0),
        ([scan(600, ADMIT, flags=FLAGS["late"])], 1),
        ([scan(600, ADMIT, flags=FLAGS["late"], reason=BARRED)], 0),  # suspended perhaps after the scan
        ([scan(600, ADMIT, reason=BARRED)], 1),
        ([scan(600, NOTICE, flags=FLAGS["by_card"])], 1),  # the card of somebody whose test was too old a moment ago
    ],
)
def test_what_counts_as_an_entry_after_a_refusal(later: list[Objected], entries: int) -> None:
    assert len(entered_after_refusal([REFUSED_AT_0, *later], HALF_HOUR)) == entries


def test_a_card_after_a_lost_pass_is_what_the_door_asks_for() -> None:
    lost, card = scan(0, REFUSE, reason=LOST), scan(60, NOTICE, flags=FLAGS["by_card"])
    assert entered_after_refusal([lost, card], HALF_HOUR) == []
    assert entered_after_refusal([lost, scan(60, ADMIT, reason=LOST)], HALF_HOUR) != []


@pytest.fixture
def log(door: Device) -> Device:  # noqa: F811
    count_scans(zone=ZONE, by=BY, at=AT)  # the two of the fixture
    return door


def scanned(device: Device, seq: int, at: datetime, told: int, verdict: int = REFUSE, way: int = 0) -> None:
    at_s, entrance = int(at.timestamp()), device.entrance
    append([Row(device.pk, seq, entrance.pk, entrance.venue_id, 7, at_s, at_s, way, verdict, OLD, told, 0, seq)])


def counted() -> int:
    count_scans(zone=ZONE, after_refusal=timedelta(seconds=HALF_HOUR), by=BY, at=AT)
    return DoorDay.objects.get().after_refusal


@pytest.mark.django_db(databases="__all__")
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_whatever_comes_late_the_count_is_that_of_the_whole_log(log: Device, order: tuple[int, ...]) -> None:
    scans = [(10, AT, REFUSE), (11, AT + timedelta(minutes=5), ADMIT), (12, AT + timedelta(minutes=6), ADMIT)]
    for n in order:
        scanned(log, *scans[n])
        counted()
    assert counted() == counted() == 1
    row = DoorDay.objects.get()
    assert (row.admitted, row.refused, row.let_in) == (1, 2, 2)


@pytest.mark.django_db(databases="__all__")
def test_one_whom_the_house_admits_now_has_brought_something_new(log: Device) -> None:
    scanned(log, 10, AT, REFUSE)
    scanned(log, 11, AT + timedelta(minutes=5), ADMIT, verdict=ADMIT)
    scanned(log, 12, AT + timedelta(hours=1), REFUSE, verdict=ADMIT)  # for a wrong reason: a key unknown to the device
    scanned(log, 13, AT + timedelta(hours=1, minutes=5), ADMIT, verdict=ADMIT)
    scanned(log, 14, AT + timedelta(minutes=6), ADMIT, way=1)  # going out
    assert counted() == 0


@pytest.mark.django_db(databases="__all__")
@pytest.mark.parametrize(("is_upheld", "entries"), [(True, 0), (False, 1)])
def test_a_refusal_found_wrong_on_appeal_blames_nobody(log: Device, small_town: Town, is_upheld: bool, entries: int) -> None:
    scanned(log, 10, AT, REFUSE)
    appeal = open_appeal(log, seq=10, words="昨天采过样", phone="", by=BY, at=AT)
    decide_appeal(appeal, upheld=is_upheld, answer="已核实采样记录", by=small_town.lin, at=AT)
    scanned(log, 11, AT + timedelta(minutes=5), ADMIT)
    assert counted() == entries


@pytest.mark.django_db(databases="__all__")
def test_the_door_is_odd_and_an_inspection_finds_it(log: Device, small_town: Town) -> None:
    at, day = AT.astimezone(ZONE), AT.astimezone(ZONE).date()
    scanned(log, 10, AT, REFUSE)
    scanned(log, 11, AT + timedelta(minutes=5), ADMIT)
    assert counted() == 1
    (found,) = doors_for(small_town.lin, at=at, odd="after_refusal")
    assert oddities_of(found) == ["let_in", "after_refusal"] and count_doors(small_town.lin, at, NO_LIMITS).odd["after_refusal"] == 1
    path, village = small_town.town.path, log.entrance.place.path
    assert entries_after_refusal([path], day, day) == entries_after_refusal([village], day, day) == [("CS1", "CS1", day, 1)]
    assert entries_after_refusal([], day, day) == entries_after_refusal([path], day + timedelta(days=1), day + timedelta(days=9)) == []
