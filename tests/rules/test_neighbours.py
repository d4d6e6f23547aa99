"""What an area's neighbours see: every specific kind it has itself, pooled by residents, as one history from outside."""

from datetime import date, timedelta

import numpy as np
import pytest

from tongchou.domains.warning.watching import Area, Block, Spot, Watched, areas_of, histories_of, read_area
from tongchou.science.detection.model import DetectionParams, History

FIRST, WEEKS = date(2023, 1, 2), 60
DAY = FIRST + timedelta(days=7 * WEEKS - 1)
COUNTRY = Spot("00", "/00/", "country", 100.0)
STATES = tuple(Spot(code, f"/00/{code}/", "state", size) for code, size in (("a", 10.0), ("b", 30.0), ("c", 60.0)))


def _stream(code: str, kind: str, place: str, weight: float = 1.0, value_kind: str = "count") -> Watched:
    return Watched(code, kind, place, ("flu",), value_kind, 7, 7, "higher", weight, {"form": "multiplicative"})


STREAMS = (
    *(_stream(f"{s.code}-cases", "cases", s.path) for s in STATES),
    *(_stream(f"{s.code}-positive", "positive", s.path, value_kind="rate") for s in STATES),
    *(_stream(f"{s.code}-visits", "visits", s.path, weight=0.25, value_kind="rate") for s in STATES),
    _stream("sewage", "sewage", COUNTRY.path, value_kind="concentration"),
    _stream("b-beds", "beds", STATES[1].path),
)


def _block(**rows: list[float] | np.ndarray) -> Block:
    values = np.full((len(STREAMS), 7 * WEEKS), np.nan)
    for n, stream in enumerate(STREAMS):
        weekly = rows.get(stream.code.replace("-", "_"))
        if weekly is not None:
            values[n, 6::7] = weekly
    return Block(tuple(s.code for s in STREAMS), FIRST, values)


def _outside(area: Area, block: Block) -> dict[str, tuple[History, tuple[str, ...]]]:
    return {h.stream: (h, codes) for h, codes in histories_of(area, STREAMS, block, 7) if h.outside}


def test_every_part_of_a_country_has_the_others_as_neighbours() -> None:
    areas = areas_of(COUNTRY, STATES)
    assert [[n.code for n in a.neighbours] for a in areas] == [["b", "c"], ["a", "c"], ["a", "b"]]
    assert areas_of(Spot("t", "/t/", "town", 5.0), STATES)[0].neighbours == ()


def test_counts_are_added_over_those_who_report_and_exposure_follows_their_residents() -> None:
    late = np.full(WEEKS, 20.0)
    late[:10] = np.nan
    block = _block(a_cases=np.full(WEEKS, 5.0), b_cases=np.full(WEEKS, 8.0), c_cases=late)
    history, codes = _outside(areas_of(COUNTRY, STATES)[0], block)["outside:cases"]
    assert codes == ("b-cases", "c-cases") and history.place is None
    assert history.values[-1] == 28 and history.values[0] == 8
    assert history.offsets is not None
    assert history.offsets[0] / history.offsets[-1] == pytest.approx(30 / 90)


def test_rates_are_means_by_residents() -> None:
    block = _block(a_positive=np.ones(WEEKS), b_positive=np.full(WEEKS, 0.1), c_positive=np.full(WEEKS, 0.4))
    history, _ = _outside(areas_of(COUNTRY, STATES)[0], block)["outside:positive"]
    assert history.values[-1] == pytest.approx((0.1 * 30 + 0.4 * 60) / 90) and history.offsets is None


def test_only_specific_kinds_that_the_area_has_itself_come_from_outside() -> None:
    every = {s.code.replace("-", "_"): np.full(WEEKS, 4.0) for s in STREAMS}
    assert set(_outside(areas_of(COUNTRY, STATES)[0], _block(**every))) == {"outside:cases", "outside:positive"}


def test_a_reading_lists_outside_last_and_its_digest_hears_the_neighbours() -> None:
    area, params = areas_of(COUNTRY, STATES)[0], DetectionParams.weekly()
    rows = {f"{s.code}_cases": np.full(WEEKS, 9.0) for s in STATES}
    reading = read_area(area, "flu", STREAMS, _block(**rows), DAY, params)
    assert reading is not None
    assert [s.outside for s in reading.scores] == [False, True]
    assert reading.members == (("a-cases",), ("b-cases", "c-cases"))
    changed = read_area(area, "flu", STREAMS, _block(**{**rows, "c_cases": np.full(WEEKS, 10.0)}), DAY, params)
    assert changed is not None and changed.digest != reading.digest
