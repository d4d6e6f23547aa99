"""Wells and Riley beside published figures, and the departures nobody saw."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.science.exposure.oracle import chance
from tongchou.science import Cases, ExposureParams, Visits, WellsRileyParams, assume_departures, dose_rate, find_exposed, index_visits


@pytest.mark.parametrize(("quanta", "fresh_m3_per_h", "hours"), [(14, 100, 0.25), (48, 350, 0.25), (14, 1200, 3), (48, 4000, 3)])
def test_the_ventilation_that_dai_and_zhao_publish_gives_one_percent(quanta, fresh_m3_per_h, hours):
    """10.1007/s12273-020-0703-5, abstract: 100-350 m3/h per infector for 0.25 h and 1200-4000 for 3 h, rounded there to two digits."""
    params = WellsRileyParams(quanta_per_h=quanta)
    rate = dose_rate(["mechanical"], [fresh_m3_per_h / params.air_changes_per_h["mechanical"]], params)
    assert 1 - np.exp(-rate[0] * hours * 3600) == pytest.approx(0.01, rel=0.08)


@pytest.mark.parametrize("method", ["push", "sweep"])
def test_the_risk_adds_up_over_venues_and_both_ways_of_searching(method):
    rates = dose_rate(["mechanical", "poor"], [np.nan, 150.0])
    visits = Visits(np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1]), np.array([0, 600, 9000, 9000]), np.array([3600, 3600, 12_600, 10_800]))
    cases = Cases(np.array([0]), np.array([0]), np.array([86_400]))
    found = find_exposed(index_visits(visits), cases, ExposureParams(900), dose_per_s=rates, method=method)
    fresh = {"mechanical": 6.0 * 300, "poor": 0.5 * 150}
    assert found.risk[0] == pytest.approx(chance([48 * 0.3 / fresh["mechanical"] * 3000 / 3600, 48 * 0.3 / fresh["poor"] * 1800 / 3600]))
    assert np.isnan(find_exposed(index_visits(visits), cases).risk).all()


def test_a_venue_without_ventilation_and_an_unknown_class_are_refused():
    visits = Visits(np.array([0]), np.array([4]), np.array([0]), np.array([9]))
    with pytest.raises(ValueError, match="each of 5 venues"):
        find_exposed(index_visits(visits), Cases(*np.array([[0], [0], [9]])), dose_per_s=np.ones(2))
    with pytest.raises(ValueError, match="breezy is not known; known: open_air"):
        dose_rate(["breezy"])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="volume_m3"):
        dose_rate(["poor"], [0.0])
    with pytest.raises(ValueError, match="above 0"):
        WellsRileyParams(quanta_per_h=0)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 50), st.booleans()), max_size=30), st.integers(1, 30), st.sampled_from([1, 2**60])
)
def test_who_was_not_seen_leaving_left_at_the_next_entry_or_after_the_assumed_stay(rows, stay, apart):
    person, entered, missing = (np.array([r[k] for r in rows], kind) for k, kind in enumerate((np.int64, np.int64, bool)))
    left = assume_departures(person * apart, entered, entered + 77, missing, stay)
    for k, (p, a, is_missing) in enumerate(rows):
        later = [b for q, b, _ in rows if q == p and b > a]
        assert left[k] == (min([a + stay, *later]) if is_missing else a + 77)


def test_an_assumed_stay_of_nothing_is_refused():
    with pytest.raises(ValueError, match="assumed_stay_s must be 1 or more"):
        assume_departures(*np.zeros((3, 1), np.int64), np.zeros(1, bool), 0)
