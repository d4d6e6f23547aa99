"""Rolls and check-offs many at a time, below the ORM's pace per row. Called by actions, inside their transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from django.apps import apps
from django.db import connection
from django.db.models import Exists, OuterRef, Subquery

from tongchou.core.importing.bulk import insert_columns
from tongchou.core.places.queries import places_below
from tongchou.domains.testing.models import Account, CheckOff, RollEntry, Tube

_BATCH = 400


class Row(NamedTuple):
    """One check-off to be written, by row numbers: of the round, the person, their village, the tube and the user."""

    round: int
    person: int
    place: int
    tube: int
    at: datetime
    by: int | None
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


def fill_tubes(counts: Mapping[int, int]) -> int:
    """Count people (tube row number → how many) into tubes that still lie at the site and have room, in one statement. Gives how many tubes took them."""
    table, filled, pairs = connection.ops.quote_name(Tube._meta.db_table), 0, list(counts.items())
    with connection.cursor() as cursor:
        for start in range(0, len(pairs), _BATCH):
            some = pairs[start : start + _BATCH]
            # The columns of VALUES are called column1, column2 by both databases.
            cursor.execute(
                f"UPDATE {table} SET filled = filled + added.column2 FROM (VALUES {', '.join(['(%s, %s)'] * len(some))}) AS added "
                f"WHERE {table}.id = added.column1 AND box_id IS NULL AND filled + added.column2 <= size",
                [number for pair in some for number in pair],
            )
            filled += cursor.rowcount
    return filled


def write_check_offs(rows: Sequence[Row]) -> None:
    """Insert check-offs by one statement prepared once. Raises IntegrityError when another transaction was first with one of them."""
    if rows:
        names = ("round_id", "person_id", "place_id", "tube_id", "at", "by_id", "way")
        insert_columns(CheckOff, dict(zip(names, zip(*rows, strict=True), strict=True)))


def replace_accounts(round_id: int, people: Sequence[int], at: datetime) -> int:
    """What was said of these people holds no more. Gives of how many something was said."""
    count = 0
    for start in range(0, len(people), _BATCH):
        standing = Account.objects.filter(round=round_id, person__in=people[start : start + _BATCH], replaced_at=None)
        count += standing.update(replaced_at=at)
    return count
