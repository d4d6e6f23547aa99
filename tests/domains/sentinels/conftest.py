"""Two sentinels of the small town: a fever clinic that reports every evening, and a pharmacy of the second village."""

from dataclasses import dataclass
from datetime import date

import pytest

from tests.fixtures_town import Town
from tongchou.domains.sentinels.models import Catchment, Sentinel, Stream

DAILY = {"weekdays": [1, 2, 3, 4, 5, 6, 7], "due": "18:00"}


@dataclass(frozen=True)
class Matrix:
    """The town with its clinic and pharmacy."""

    town: Town
    clinic: Sentinel
    fever: Stream
    tested: Stream
    pharmacy: Sentinel
    buyers: Stream


def sentinel(code: str, kind: str, setting: str, place: object, shares: dict[object, float], **more: object) -> Sentinel:
    row = Sentinel.objects.create(
        code=code, kind=kind, setting=setting, name_zh=f"{code} 哨点", name_en=code, place=place, operator_zh="中心", operator_en="Centre",
        **{"schedule": DAILY, "valid_from": date(2022, 1, 1), **more},
    )  # fmt: skip
    for seen, share in shares.items():
        Catchment.objects.create(sentinel=row, place=seen, share=share)
    return row


def stream(code: str, of: Sentinel, kind: str, **more: object) -> Stream:
    return Stream.objects.create(
        code=code, sentinel=of, kind=kind, indicator_zh=f"{kind} 指标", indicator_en=kind, unit_zh="人次", unit_en="visits",
        **{"value_kind": "count", "plausible_max": 500.0, **more},
    )  # fmt: skip


@pytest.fixture
def matrix(installed_town: Town) -> Matrix:
    first, second, _ = installed_town.villages
    clinic = sentinel("clinic-1", "monitoring", "fever_clinic", first, {first: 0.5})
    pharmacy = sentinel("pharmacy-2", "monitoring", "pharmacy", second, {second: 0.3, first: 0.1})
    return Matrix(
        installed_town,
        clinic,
        stream("clinic-1-fever", clinic, "fever_visits"),
        stream("clinic-1-tested", clinic, "fever_tested"),
        pharmacy,
        stream("pharmacy-2-buyers", pharmacy, "pharmacy_fever_buyers"),
    )
