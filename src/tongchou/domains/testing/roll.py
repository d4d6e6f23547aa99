"""Rolls and check-offs many at a time, below the ORM's pace per row. Called by actions, inside their transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.apps import apps
from django.db import connection
from django.db.models import Exists, OuterRef, Subquery

from tongchou.core.importing.bulk import insert_columns
from tongchou.core.places.queries import places_below
from tongchou.domains.testing.models import Account, CheckOff, RollEntry

_BATCH = 400


class Row(NamedTuple):
    """One check-off to be written."""

    person: int
    place: int
    tube: int
    at: datetime
    way: int


def draw_area(round_id: int, path: str) -> int:
    """Put everybody the register knows below a place on the roll, in one statement; who is there already stays. Gives how many are new."""
    return _draw(round_id, "place_id", list(places_below(path).values_list("pk", flat=True)))


def draw_people(round_id: int, people: Sequence[int]) -> int:
    """Put these residents on the roll; who is there already stays. Gives how many are new."""
    return _draw(round_id, "id", people)


def _draw(round_id: int, column: str, values: Sequence[int]) -> int:
    quote = connection.ops.quote_name
    residents, roll = (quote(model._meta.db_table) for model in (apps.get_model("registry", "Resident"), RollEntry))
    added = 0
    with connection.cursor() as cursor:
        for start in range(0, len(values), _BATCH):
            some = list(values[start : start + _BATCH])
            # `WHERE` also tells SQLite that ON CONFLICT belongs to the insert and not to a join.
            cursor.execute(
                f"INSERT INTO {roll} (round_id, person_id, household_id, place_id) SELECT %s, id, household_id, place_id FROM {residents} "
                f"WHERE {quote(column)} IN ({', '.join(['%s'] * len(some))}) ON CONFLICT (round_id, person_id) DO NOTHING",
                [round_id, *some],
            )
            added += cursor.rowcount
    return added


class Standing(NamedTuple):
    """Where somebody on the roll stands: village, tube if sampled, whether something is said of them."""

    place: int
    tube: int | None
    is_accounted: bool


def standing_of(round_id: int, people: Sequence[int]) -> dict[int, Standing]:
    """Person → where they stand, for those of `people` who are on the roll. One query for 400."""
    sampled = CheckOff.objects.filter(round=round_id, person=OuterRef("person")).values("tube_id")
    said = Account.objects.filter(round=round_id, person=OuterRef("person"), replaced_at=None)
    found: dict[int, Standing] = {}
    for start in range(0, len(people), _BATCH):
        rows = RollEntry.objects.filter(round=round_id, person__in=people[start : start + _BATCH]).order_by()
        for person, *rest in rows.annotate(tube=Subquery(sampled), said=Exists(said)).values_list("person_id", "place_id", "tube", "said"):
            found[person] = Standing(*rest)
    return found


def write_check_offs(round_id: int, by: int | None, rows: Sequence[Row]) -> None:
    """Insert check-offs by one statement prepared once. Raises IntegrityError when another transaction was first with one of them."""
    people, places, tubes, instants, ways = (list(column) for column in zip(*rows, strict=True))
    count = len(rows)
    insert_columns(
        CheckOff,
        {
            "round_id": [round_id] * count, "person_id": people, "place_id": places, "tube_id": tubes, "at": instants, "by_id": [by] * count,
            "way": ways,
        },
    )  # fmt: skip
