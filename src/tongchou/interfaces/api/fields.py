"""Kinds of field that several operations take, with the bounds a database can keep."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from django.db.models import QuerySet
from ninja import Query
from pydantic import AfterValidator, AwareDatetime, Field
from pydantic_core import PydanticCustomError

from tongchou.interfaces.api.wording import both

_YEARS = range(1900, 2201)


def _in_utc(instant: datetime) -> datetime:
    # PostgreSQL takes no offset above 16 hours, Python any below 24; and no calendar is needed beyond these years.
    if instant.year not in _YEARS:
        raise PydanticCustomError("instant_range", "years {first} to {last}", {"first": _YEARS[0], "last": _YEARS[-1]})
    return instant.astimezone(UTC)


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
RowNumber = Annotated[int, Field(ge=1, le=2**63 - 1)]
Limit = Annotated[int, Query(ge=1, le=500, description=both("至多几行", "rows at most"))]
Offset = Annotated[int, Query(ge=0, le=2**31, description=both("跳过几行", "rows to pass over"))]


def page_of(rows: QuerySet[Any], shape: Callable[[Any], Any], limit: int, offset: int) -> dict[str, Any]:
    """Some rows of a list, and how many there are in all: two queries however long the list."""
    return {"items": [shape(row) for row in rows[offset : offset + limit]], "count": rows.count()}
