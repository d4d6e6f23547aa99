"""The demonstration's last evenings: one outbreak rings on the evening before, so that its tasks can be overdue, and one on the evening itself."""

from datetime import date, time

import pytest

from tests import packs_once
from tongchou.domains.warning.watching import parameters_from, read_area
from tongchou.workflows import replay

EVENING, FROM, TO = time(18, 30), date(2022, 5, 31), date(2022, 6, 2)
ROOM = 1.5  # what one false alarm in the story and the verdicts on it may raise the alarm line by, and again as much


def test_the_lodgings_ring_on_the_last_but_one_evening_and_the_new_rise_on_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "MORNING", EVENING)
    pack = packs_once.pack("xujing")
    assert pack.story is not None
    before, waiting = (next(o.place for o in pack.story.outbreaks if o.code == code) for code in ("lodgings", "new-rise"))
    past = replay.reread(pack, FROM, TO)
    paths = {spot.code: spot.path for spot in past.areas[0].parts}
    over: dict[date, dict[str, float]] = {}
    for day, block in past.mornings:
        params = parameters_from(replay._values_on(pack, day), 1)
        told = (paths[before],) if day == TO else ()
        reading = read_area(past.areas[0], "covid19", past.streams, block, day, params, without=told)
        assert reading is not None
        over[day] = {p.place: p.log_evidence - reading.assessment.threshold for p in reading.assessment.places if p.place is not None}
    eve = date(2022, 6, 1)
    assert over[FROM][paths[before]] < 0 and over[eve][paths[before]] > ROOM
    assert over[eve][paths[waiting]] < 0 and over[TO][paths[waiting]] > ROOM
