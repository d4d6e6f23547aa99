"""What programs send and receive about testing."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field

from tongchou.interfaces.api.fields import Instant, RowNumber
from tongchou.interfaces.api.response import DossierOut
from tongchou.interfaces.api.wording import Pair, both

MOST_ROWS = 4000


class RoundOut(DossierOut):
    """A round of testing."""

    round_kind: Literal["area", "list", "retest"]
    pool_size: int
    retests: str | None = Field(description=both("复核哪支混管", "the positive pool it retests"))


class RoundPage(Schema):
    """Some of the rounds, and how many there are."""

    items: list[RoundOut]
    count: int


class ProgressOut(Schema):
    """How far a village, or all of them, is."""

    place: str | None
    people: int
    sampled: int
    excused: int
    away: int
    handed_on: int
    missing: int


class TurnaroundOut(Schema):
    """One stretch of the way from sample to result, in minutes."""

    name: Pair
    tubes: int
    median_min: float | None
    p90_min: float | None


class RoundDetail(RoundOut):
    """A round with its progress by village, tubes and turn-around."""

    total: ProgressOut
    places: list[ProgressOut]
    tubes: dict[str, int]
    turnaround: list[TurnaroundOut]


class RoundIn(Schema):
    """A round to be planned."""

    title: Pair
    place: str
    kind: Literal["area", "list"] = "area"
    pool_size: int = 10
    owner_post: str | None = None


class PeopleIn(Schema):
    """People by their row numbers in the register."""

    people: list[RowNumber] = Field(min_length=1, max_length=MOST_ROWS)


class NewOut(Schema):
    """几人、几条 How many were new."""

    new: int


class SampledIn(Schema):
    """One person sampled into a tube: by row number of the register, or by the text of a pass, an identity or a mobile number."""

    person: Annotated[int, RowNumber] | None = None
    text: str | None = Field(
        None,
        max_length=512,
        description=both("通行码、身份证号或手机号，代替 person", "pass, identity or mobile number, instead of person"),
    )
    tube: str = Field(min_length=4, max_length=32)
    way: Literal["pass", "id_number", "list", "household"] = "list"
    sampled_at: Instant | None = None


class DeliveryIn(Schema):
    """Check-offs gathered at one site; sending the same again changes nothing. With an `id` that holds even when the round is over."""

    id: UUID | None = Field(None, description=both("由发送方生成，凭此只登记一次", "made by the sender: recorded once"))
    add: bool = Field(False, description=both("不在名册的人先加入名册", "put who is not on the roll on it first"))
    site: str
    tube_size: int | None = None
    sampled: list[SampledIn] = Field(min_length=1, max_length=MOST_ROWS)


class DeliveryOut(Schema):
    """What became of a delivery: `known` is person → tube of those checked off before, `room` what each tube still takes."""

    new: int
    known: dict[str, str]
    room: dict[str, int]


class MissingOut(Schema):
    """Somebody who is not accounted for yet."""

    person: int
    household: int | None
    place: str


class MissingPage(Schema):
    """Some of the missing, and how many there are."""

    items: list[MissingOut]
    count: int


class AccountIn(PeopleIn):
    """Why people are not sampled; a missing person is handed on to a post."""

    reason: str
    note: str = Field("", max_length=200)
    to_post: str | None = None


class PersonIn(Schema):
    """One person by row number of the register."""

    person: RowNumber


class PhoneOut(Schema):
    """A number for one call; the log says who asked for it."""

    phone: str


class HoursOut(Schema):
    """Opening hours on ISO weekdays (Monday = 1)."""

    weekdays: list[int]
    opens: str
    closes: str


class SiteOut(Schema):
    """A sampling site with its queue."""

    code: str
    name: Pair
    address: Pair
    place: str
    point: list[float] | None
    hours: list[HoursOut]
    booths: int
    staff: int
    per_booth_hour: int
    queue: int | None
    queue_at: datetime | None
    wait_min: int | None
    closed_at: datetime | None


class SiteIn(Schema):
    """A site to be set up, or changed with the reason."""

    code: str = Field(min_length=1, max_length=40)
    name: Pair
    address: Pair
    place: str
    point: tuple[float, float] | None = None
    hours: list[HoursOut]
    booths: int = Field(1, ge=0, le=1000)
    staff: int = Field(2, ge=0, le=10000)
    per_booth_hour: int = Field(120, ge=0, le=10000)
    reason: str = ""


class QueueIn(Schema):
    """How many people stand in the queue."""

    queue: int = Field(ge=0, le=2**31 - 1)


class BoxOut(Schema):
    """Tubes on their way to a laboratory."""

    number: str
    round: str
    site: str
    laboratory: str
    tube_count: int
    packed_at: datetime
    received_at: datetime | None


class BoxPage(Schema):
    """Some of the boxes, and how many there are."""

    items: list[BoxOut]
    count: int


class BoxIn(Schema):
    """Tubes to be packed; without `tubes` all that the site has of the round."""

    round: str
    site: str
    laboratory: str = Field(max_length=80)
    tubes: list[str] | None = Field(None, max_length=MOST_ROWS)


class TakeOverIn(Schema):
    """Who takes a box over, counted."""

    holder: str = Field(max_length=80)
    tube_count: int = Field(ge=0, le=2**31 - 1)
    note: str = Field("", max_length=200)


class FindingIn(Schema):
    """What the laboratory says of a tube. `reason` where it said something else before."""

    tube: str = Field(max_length=32)
    value: Literal["negative", "positive", "unclear"]
    tested_at: Instant
    reason: str = Field("", max_length=200)


class ResultsIn(Schema):
    """Results to be kept, all or none."""

    results: list[FindingIn] = Field(min_length=1, max_length=MOST_ROWS)


class ResultsOut(Schema):
    """What a delivery of results did: new ones, retest rounds opened for positive pools, persons found positive alone."""

    new: int
    retests: list[str]
    single_positives: list[str]


class PositiveOut(Schema):
    """A positive tube; of one person it is a fact for the case investigation."""

    tube: str
    round: str
    size: int
    people: int
    is_single: bool
    sampled_at: datetime
    reported_at: datetime


class KeyWorkerIn(Schema):
    """One person and the group that asks for regular testing."""

    person: RowNumber
    group: str = Field(max_length=24)
    unit: str = Field("", max_length=80, description=both("工作单位", "where they work"))


class KeyWorkersIn(Schema):
    """Key workers to be noted, from a day on (none: today)."""

    people: list[KeyWorkerIn] = Field(min_length=1, max_length=MOST_ROWS)
    from_on: date | None = None


class DueOut(Schema):
    """A key worker and when they are next due."""

    person: int
    group: str
    due_at: datetime


class VillageOverdueOut(Schema):
    """How many of a village are overdue, and how many of them were never sampled."""

    place: str
    people: int
    never: int


class UnitOverdueOut(Schema):
    """How many key workers of a unit are overdue; the unit is empty where the list named none."""

    group: str
    unit: str
    people: int


class OverdueOut(Schema):
    """Who is overdue for regular testing now, by numbers alone."""

    villages: list[VillageOverdueOut]
    units: list[UnitOverdueOut]


class ChaseIn(Schema):
    """Whose names are read, to chase them: of a place, or with `group` of one unit of key workers in it."""

    place: str
    group: str | None = Field(None, max_length=24)
    unit: str = Field("", max_length=80)


class LateOut(Schema):
    """Somebody who is overdue; `said` is what was last said of why they are not sampled."""

    person: int
    name: str
    household: str | None
    place: str
    group: str
    due_at: datetime
    last_sampled_at: datetime | None
    said: str | None


class LatePage(Schema):
    """Some of those overdue, and how many there are."""

    items: list[LateOut]
    count: int
