"""Adding, editing, opening and closing sentinels; what a pack brings."""

from datetime import UTC, date, datetime

import numpy as np
import pytest

from tests.domains.sentinels.conftest import DAILY, Matrix
from tests.fixtures_town import AT
from tongchou.core.audit.models import Entry
from tongchou.core.errors import Invalid, Stale, Unseen
from tongchou.core.packs.contents import Catchment, SentinelSpec, StreamModel, StreamSpec
from tongchou.core.people.rules import Actor, system_actor
from tongchou.core.wording import T
from tongchou.domains.sentinels.actions import add_sentinel, add_stream, change_sentinel_state, edit_sentinel
from tongchou.domains.sentinels.actions_history import keep_history, lay_sentinels
from tongchou.domains.sentinels.models import Observation, Sentinel, Stream
from tongchou.domains.sentinels.queries import observations_as_known

NEW = {
    "code": "school-1", "kind": "monitoring", "setting": "school_absence", "name": T("一小", "First Primary"), "operator": T("学校", "School"),
    "schedule": {"weekdays": [1, 2, 3, 4, 5], "due": "10:00"}, "valid_from": date(2022, 6, 1),
}  # fmt: skip


def test_duty_officer_adds_a_sentinel(matrix: Matrix) -> None:
    village = matrix.town.villages[2]
    row = add_sentinel(**NEW, place=village, catchment={village: 0.4}, by=matrix.town.lin, at=AT)
    assert row.state == "planned" and row.catchments.get().share == 0.4
    assert Entry.objects.get().action == "sentinel.add"
    add_stream(row, code="school-1-sick", kind="school_sick", indicator=T("缺课", "absent"), unit=T("人", "pupils"), value_kind="count", by=matrix.town.lin, at=AT)  # fmt: skip
    assert row.streams.get().weight == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"code": "clinic-1"}, "code"), ({"code": " "}, "code"), ({"kind": "rumour"}, "kind"), ({"state": "closed"}, "state"),
        ({"schedule": {"weekdays": [8]}}, "schedule"), ({"schedule": {"weekdays": [1], "due": "late"}}, "schedule"), ({"name": T("", "x")}, "name"),
    ],
)  # fmt: skip
def test_wrong_sentinel_is_refused(matrix: Matrix, change: dict[str, object], field: str) -> None:
    village = matrix.town.villages[2]
    with pytest.raises(Invalid) as told:
        add_sentinel(**{**NEW, **change}, place=village, catchment={village: 0.4}, by=matrix.town.lin, at=AT)  # type: ignore[arg-type]
    assert [p.field for p in told.value.problems] == [field]
    assert Sentinel.objects.count() == 2


def test_share_outside_zero_to_one_is_refused(matrix: Matrix) -> None:
    village = matrix.town.villages[2]
    for shares in ({}, {village: 0.0}, {village: 1.1}):
        with pytest.raises(Invalid):
            add_sentinel(**NEW, place=village, catchment=shares, by=matrix.town.lin, at=AT)


def test_only_who_may_write_sentinels_there_adds_one(matrix: Matrix) -> None:
    village = matrix.town.villages[2]
    for actor in (matrix.town.chen, matrix.town.zhao):
        with pytest.raises(Unseen):
            add_sentinel(**NEW, place=village, catchment={village: 0.4}, by=actor, at=AT)


def test_edit_needs_a_reason_and_keeps_the_before(matrix: Matrix) -> None:
    first, second, _ = matrix.town.villages
    given = {"name": T("新名", "New"), "operator": T("中心", "Centre"), "schedule": DAILY, "catchment": {second: 0.2}}
    with pytest.raises(Invalid):
        edit_sentinel(matrix.clinic, **given, reason=" ", by=matrix.town.lin, at=AT)
    with pytest.raises(Unseen):
        edit_sentinel(matrix.clinic, **given, reason="更名", by=matrix.town.zhao, at=AT)
    edit_sentinel(matrix.clinic, **given, reason="更名", by=matrix.town.lin, at=AT)
    assert Sentinel.objects.get(pk=matrix.clinic.pk).name_zh == "新名"
    assert [c.place for c in matrix.clinic.catchments.all()] == [second]
    assert first.code in str(Entry.objects.get().detail)


def test_state_follows_its_table(matrix: Matrix) -> None:
    change_sentinel_state(matrix.clinic, state="suspended", reason="装修", by=matrix.town.lin, at=AT)
    with pytest.raises(Stale):
        change_sentinel_state(matrix.clinic, state="suspended", reason="装修", by=matrix.town.lin, at=AT)
    change_sentinel_state(matrix.clinic, state="closed", reason="撤并", by=matrix.town.lin, at=AT)
    with pytest.raises(Stale):
        change_sentinel_state(matrix.clinic, state="live", reason="误操作", by=matrix.town.lin, at=AT)
    with pytest.raises(Unseen):
        change_sentinel_state(matrix.clinic, state="live", reason="误操作", by=matrix.town.zhao, at=AT)
    assert Entry.objects.filter(action="sentinel.state").count() == 2


def spec(place: str, share: float = 0.5) -> SentinelSpec:
    model = StreamModel("additive", "assumption")
    stream = StreamSpec(
        "p-1-s",
        "fever_visits",
        T("发热", "fever"),
        T("人次", "visits"),
        "count",
        ("covid19",),
        1,
        1,
        0.0,
        "higher",
        False,
        0.25,
        5000.0,
        model,
    )
    return SentinelSpec(
        "p-1", "monitoring", "fever_clinic", T("门诊", "Clinic"), place, (Catchment(place, share),), T("中心", "Centre"), "doctor", (1, 2), "live", True,
        (stream,),
    )  # fmt: skip


def test_pack_is_laid_down_and_laid_down_again(matrix: Matrix) -> None:
    town = matrix.town
    village, places = town.villages[0], {p.code: p for p in (town.town, *town.villages)}
    for share in (0.5, 0.6):
        lay_sentinels(
            specs=[spec(village.code, share)], places=places, posts=town.posts, root=town.town, valid_from=date(2020, 6, 1),
            by=system_actor("installation"), at=AT,
        )  # fmt: skip
        Sentinel.objects.filter(code="p-1").update(state="suspended")
    row = Sentinel.objects.get(code="p-1")
    assert row.contact_post == town.posts["doctor"] and row.catchments.get().share == 0.6
    assert row.state == "suspended"
    assert Stream.objects.get(code="p-1-s").model["basis"] == "assumption"


def keep(matrix: Matrix, by: Actor | None = None) -> int:
    rows = [
        ("clinic-1-fever", date(2022, 5, 1), datetime(2022, 5, 1, 10, tzinfo=UTC), 1.0, "generated"),
        ("clinic-1-fever", date(2022, 5, 2), datetime(2022, 5, 3, 10, tzinfo=UTC), 2.0, "generated"),
    ]
    return keep_history(rows=rows, source="pack:test", root=matrix.town.town, by=by or system_actor("installation"), at=AT)


def test_past_is_kept_once_and_known_from_its_own_instants(matrix: Matrix) -> None:
    keep(matrix)
    keep(matrix)
    assert Observation.objects.count() == 2
    days = date(2022, 5, 1), date(2022, 5, 2)
    early = observations_as_known([matrix.fever.pk], *days, datetime(2022, 5, 2, tzinfo=UTC)).values[0]
    assert early[0] == 1 and np.isnan(early[1])
    assert observations_as_known([matrix.fever.pk], *days, AT).values[0].tolist() == [1, 2]
    assert Observation.objects.order_by("day")[1].reported_at == datetime(2022, 5, 3, 10, tzinfo=UTC)


def test_past_and_matrix_of_this_town_are_not_zhao_s(matrix: Matrix) -> None:
    with pytest.raises(Unseen):
        keep(matrix, matrix.town.zhao)
    with pytest.raises(Unseen):
        lay_sentinels(specs=[], places={}, posts={}, root=matrix.town.town, valid_from=date(2020, 6, 1), by=matrix.town.zhao, at=AT)
    assert not Observation.objects.exists() and not Entry.objects.exists()
