"""Freshness in the database, the matrix, the blind spots, and series as they were known."""

import itertools
from datetime import date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.domains.sentinels.conftest import Matrix, sentinel, stream
from tests.fixtures_town import AT
from tongchou.core.parameters.models import Parameter, ParameterValue
from tongchou.domains.sentinels.coverage import blind_spots, matrix_at
from tongchou.domains.sentinels.models import Observation, Sentinel, Stream
from tongchou.domains.sentinels.queries import (
    freshness_at,
    observations_as_known,
    reporting_sentinels,
    stream_curve,
    turned_silent,
)

TODAY = date(2022, 6, 2)


def told(of: Stream, day: date, value: float = 1, at: datetime = AT) -> None:
    Observation.objects.create(stream=of, day=day, reported_at=at, value=value)


def everyone_reports(matrix: Matrix) -> None:
    for of in (matrix.fever, matrix.tested, matrix.buyers):
        told(of, TODAY)


def test_freshness_tells_each_stream_apart(matrix: Matrix) -> None:
    told(matrix.fever, TODAY)
    told(matrix.tested, TODAY - timedelta(days=1))
    states = {found.stream.code: found.freshness.state for found in freshness_at(AT, matrix.town.town.path)}
    assert states == {"clinic-1-fever": "fresh", "clinic-1-tested": "due", "pharmacy-2-buyers": "silent"}


def test_office_s_parameters_change_the_patience(matrix: Matrix) -> None:
    told(matrix.buyers, TODAY - timedelta(days=2))
    assert {f.stream.code: f.freshness.state for f in freshness_at(AT)}["pharmacy-2-buyers"] == "late"
    parameter = Parameter.objects.create(key="stream.silent_factor", unit="intervals", name_zh="x", name_en="x")
    ParameterValue.objects.create(parameter=parameter, value=1, valid_from=TODAY, source_zh="x", source_en="x", confidence="low")
    assert {f.stream.code: f.freshness.state for f in freshness_at(AT)}["pharmacy-2-buyers"] == "silent"


def test_stream_that_spoke_long_ago_keeps_its_last_day(matrix: Matrix) -> None:
    told(matrix.buyers, date(2022, 1, 5), at=AT - timedelta(days=140))
    found = {f.stream.code: f.freshness for f in freshness_at(AT)}["pharmacy-2-buyers"]
    assert (found.state, found.last_day) == ("silent", date(2022, 1, 5))


def test_turning_silent_is_told_once(matrix: Matrix) -> None:
    everyone_reports(matrix)
    moments = [AT + timedelta(hours=h) for h in range(0, 24 * 5, 6)]
    turned = [found.stream.code for a, b in itertools.pairwise(moments) for found in turned_silent(a, b)]
    assert sorted(turned) == ["clinic-1-fever", "clinic-1-tested", "pharmacy-2-buyers"]


def test_matrix_counts_live_sentinels_and_the_share_they_see(matrix: Matrix) -> None:
    everyone_reports(matrix)
    found = matrix_at(AT, matrix.town.town.path)
    first, second, third = matrix.town.villages
    cell = found.cells[first.pk]["monitoring"]
    assert (cell.live, cell.worst) == (2, "fresh")
    assert cell.share == pytest.approx(1 - 0.5 * 0.9)
    assert found.cells[third.pk]["monitoring"].live == 0
    assert found.share(second) == pytest.approx(0.3)


def test_blind_spots_are_residents_nobody_sees(matrix: Matrix) -> None:
    everyone_reports(matrix)
    spots = blind_spots(matrix_at(AT, matrix.town.town.path))
    first, second, third = matrix.town.villages
    assert [(v.place, v.unseen, v.is_blind) for v in spots.villages] == [(third, 4000, True), (second, 2800, False), (first, 1800, False)]
    assert spots.unseen == 8600 and spots.unseen_by_kind["monitoring"] == 8600 and spots.unseen_by_kind["testing"] == 12000


def test_silent_sentinel_does_not_cover_and_is_named_as_remedy(matrix: Matrix) -> None:
    told(matrix.fever, TODAY)
    told(matrix.tested, TODAY)
    spots = {v.place: v for v in blind_spots(matrix_at(AT, matrix.town.town.path)).villages}
    second = spots[matrix.town.villages[1]]
    assert (second.unseen, second.is_blind) == (4000, True)
    assert [(r.sentinel.code, r.share_after) for r in second.remedies] == [("pharmacy-2", pytest.approx(0.3))]


@pytest.mark.parametrize(("state", "unseen"), [("planned", 4000), ("suspended", 4000), ("closed", 4000), ("live", 2800)])
def test_only_live_sentinels_cover(matrix: Matrix, state: str, unseen: int) -> None:
    everyone_reports(matrix)
    Sentinel.objects.filter(pk=matrix.pharmacy.pk).update(state=state)
    spots = {v.place: v for v in blind_spots(matrix_at(AT, matrix.town.town.path)).villages}
    assert spots[matrix.town.villages[1]].unseen == unseen


def test_case_desk_opens_no_eye_on_residents_nobody_else_sees(matrix: Matrix) -> None:
    desk = sentinel("desk", "case_investigation", "case_desk", matrix.town.town, {matrix.town.town: 0.95})
    told(stream("desk-cases", desk, "case_reports"), TODAY)
    found = matrix_at(AT, matrix.town.town.path)
    third = matrix.town.villages[2]
    assert found.cells[third.pk]["case_investigation"].live == 1
    assert found.share(third) == 0


def test_town_wide_catchment_covers_every_village(matrix: Matrix) -> None:
    plant = sentinel("plant", "monitoring", "wastewater", matrix.town.town, {matrix.town.town: 0.9})
    told(stream("plant-load", plant, "wastewater_load", value_kind="concentration", plausible_max=None), TODAY)
    found = matrix_at(AT, matrix.town.villages[2].path)
    assert [p.code for p in found.places] == [matrix.town.villages[2].code]
    assert found.share(matrix.town.villages[2]) == pytest.approx(0.9)


def test_matrix_of_many_sentinels_takes_few_queries(matrix: Matrix, django_assert_max_num_queries: object) -> None:
    for k in range(30):
        village = matrix.town.villages[k % 3]
        stream(f"s-{k}-x", sentinel(f"s-{k}", "testing", "sampling_site", village, {village: 0.1}), "testing_positive")
    with django_assert_max_num_queries(9):  # type: ignore[operator]
        blind_spots(matrix_at(AT, matrix.town.town.path))


def test_curve_shows_what_was_known_and_every_correction(matrix: Matrix) -> None:
    for hours, value in ((0, 5), (1, 6), (2, 4)):
        told(matrix.fever, TODAY, value, AT + timedelta(hours=hours))
    curve = stream_curve(matrix.fever, TODAY - timedelta(days=1), TODAY, AT + timedelta(hours=1))
    assert curve.values == [None, 6]
    assert [(a.value, b.value) for a, b in curve.corrections] == [(5, 6)]
    assert curve.reports == 2


def test_own_sentinels_come_first_and_others_places_not_at_all(matrix: Matrix) -> None:
    Sentinel.objects.filter(pk=matrix.pharmacy.pk).update(contact_post=matrix.town.posts["doctor"])
    assert [s.code for s in reporting_sentinels(matrix.town.chen)] == ["pharmacy-2", "clinic-1"]
    assert [s.code for s in reporting_sentinels(matrix.town.wu)] == ["clinic-1"]
    assert list(reporting_sentinels(matrix.town.zhao)) == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6), st.integers(0, 50)), max_size=25, unique_by=lambda r: r[:2]),
    st.integers(-1, 7),
)
def test_block_equals_the_plain_reading(matrix: Matrix, rows: list[tuple[int, int, int]], known_hours: int) -> None:
    first, as_known_at = date(2022, 5, 1), AT + timedelta(hours=known_hours)
    Observation.objects.all().delete()
    for day, hour, value in rows:
        told(matrix.fever, first + timedelta(days=day), value, AT + timedelta(hours=hour))
    block = observations_as_known([matrix.buyers.pk, matrix.fever.pk], first, first + timedelta(days=4), as_known_at)
    for day in range(5):
        known = [(hour, value) for d, hour, value in rows if d == day and hour <= known_hours]
        expected = max(known)[1] if known else np.nan
        assert block.values[1, day] == pytest.approx(expected, nan_ok=True)
    assert np.isnan(block.values[0]).all()
