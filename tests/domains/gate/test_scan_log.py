"""The log of scans: each once, together on disk or not at all."""

import pytest
from django.conf import settings
from django.db import DatabaseError, transaction

from tongchou.domains.gate.models import Scan
from tongchou.domains.gate.scan_log import Row, append

pytestmark = pytest.mark.django_db(databases="__all__")


def row(device: int, seq: int, digest: int = 1) -> Row:
    return Row(device, seq, 11, 101, 2**53 - 1, 1_654_167_600, 1_654_167_600, 0, 0, 0, 0, 0, digest)


def test_every_column_comes_back_as_it_was_given() -> None:
    given = Row(1, 2**53 - 1, 3, 4, None, 5, 6, 1, 2, 19, 2, 31, -(2**63))
    assert append([given]) == set()
    assert Scan.objects.values_list(*Row._fields).get() == given


def test_the_same_again_changes_nothing_and_clashes_with_nothing() -> None:
    rows = [row(1, 1), row(1, 2), row(2, 1)]
    assert append(rows) == set() and append(rows) == set() and append([*rows, row(2, 2)]) == set()
    assert Scan.objects.count() == 4


def test_the_same_number_with_other_contents_clashes_and_the_first_stays() -> None:
    append([row(1, 1, digest=1), row(2, 1, digest=1)])
    assert append([row(1, 1, digest=9), row(2, 1, digest=1), row(1, 2, digest=9)]) == {(1, 1)}
    assert sorted(Scan.objects.values_list("device", "seq", "digest")) == [(1, 1, 1), (1, 2, 9), (2, 1, 1)]


def test_twice_in_one_group_is_once() -> None:
    assert append([row(1, 1), row(1, 1)]) == set()
    assert append([row(1, 2, digest=1), row(1, 2, digest=2)]) == {(1, 2)}
    assert Scan.objects.count() == 2


@pytest.mark.parametrize("count", [1, 255, 256, 257, 1000])
def test_groups_of_every_size_are_whole(count: int) -> None:
    append([row(7, 3)])
    assert append([row(7, seq) for seq in range(1, count + 1)]) == set()
    assert Scan.objects.count() == max(count, 3) if count >= 3 else 2


@pytest.mark.parametrize("count", [2, 600])
def test_a_row_that_cannot_be_kept_leaves_none_of_its_group(count: int) -> None:
    rows = [*(row(1, seq) for seq in range(1, count)), row(1, count)._replace(venue=None)]  # type: ignore[arg-type]
    with pytest.raises(DatabaseError), transaction.atomic(using=settings.SCANS_DATABASE):
        append(rows)
    assert Scan.objects.count() == 0
