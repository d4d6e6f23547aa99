"""What programs send and get about policies."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from ninja import Schema
from pydantic import Field

from tongchou.interfaces.api.wording import Pair

State = Literal["due", "claimed", "listed", "approved", "paid", "refused", "lapsed"]


class BookOut(Schema):
    """现行政策库 The book that holds: fields and policies as they were written."""

    version: int
    published_at: datetime
    content: dict[str, Any]


class BookIn(Schema):
    """整部政策库 A whole book, as GET gives it."""

    content: dict[str, Any]
    reason: str = Field("", max_length=300)


class MeasureOut(Schema):
    """一项政策到哪一步 What became of one measure: firms, yuan."""

    measure: str
    name: Pair
    delivery: str
    due: int
    yuan: Decimal
    without_sum: int
    told: int
    read: int
    claimed: int
    listed: int
    approved: int
    paid: int
    paid_yuan: Decimal


class MeasureNeedOut(Schema):
    """一项政策要多少钱 One measure over all firms: firms and yuan."""

    yes: int
    unknown: int
    no: int
    yuan: float
    possible_yuan: float
    without_sum: int


class OutlookOut(Schema):
    """要多少钱、先问什么 What the policies take, and which fact settles most pairs of firm and measure."""

    at: datetime
    firms: int
    needs: dict[str, MeasureNeedOut]
    asked: dict[str, int]


class EntitledOut(Schema):
    """匹配结果 What matching the town did."""

    firms: int
    new: int
    lapsed: int
    revived: int
    changed: int
    told: int


class AwardOut(Schema):
    """一家企业的一项应享政策 One measure for one firm."""

    id: int
    firm: int
    credit_code: str
    measure: str
    state: State
    yuan: Decimal | None
    paid_yuan: Decimal
    paid_on: date | None
    reference: str
    told: bool
    read: bool
    list: str | None


class AwardPage(Schema):
    """一页 A page of them, and how many in all."""

    items: list[AwardOut]
    count: int


class LackOut(Schema):
    """差什么 A condition not met, or not known to be."""

    field: str
    asked: Pair
    now: Pair
    is_unknown: bool


class OfferOut(Schema):
    """一项政策对这家企业意味着什么 What one measure means to a firm."""

    measure: str
    name: Pair
    answer: Literal["yes", "unknown", "no"]
    yuan: Decimal | None
    gives: Pair
    how: Pair
    source: Pair
    reasons: list[Pair]
    lacks: list[LackOut]
    cheapest_change: list[LackOut]
    instead: str | None
    state: State | None


class FactOut(Schema):
    """掌握的一项情况 One thing known of a firm."""

    field: str
    label: Pair
    value: str
    source: Pair
    known_on: date | None


class FirmPoliciesOut(Schema):
    """一家企业的应享政策 What a firm gets, could get, does not get; which facts to ask first."""

    total_yuan: Decimal
    paid_yuan: Decimal
    offers: list[OfferOut]
    ask: list[str]
    facts: list[FactOut]


class FactsIn(Schema):
    """要记录的情况 Facts by field, in words; an empty one ends what was known."""

    facts: dict[str, str] = Field(min_length=1, max_length=80)
    note: str = Field("", max_length=120)


class ClaimIn(Schema):
    """申请哪一项 The measure to claim."""

    measure: str = Field(max_length=60)


class AddressOut(Schema):
    """企业自己的页面 The address of a firm's own page."""

    address: str


class SuccessionIn(Schema):
    """合并、分立、迁出、注销 What became of a firm; `successor`: credit code, with merged and split."""

    kind: Literal["merged", "split", "moved", "struck_off"]
    successor: str = Field("", max_length=18)
    on: date
    reason: str = Field(max_length=300)


class HandedOverOut(Schema):
    """政策承继结果 What became of its awards."""

    passed_on: int
    lapsed: int
    left: int


class PremisesIn(Schema):
    """另一处场所 A further place of a firm, by the village's code."""

    place: str = Field(max_length=20)
    address: str = Field(max_length=200)


class PremisesOut(Schema):
    """另一处场所 A further place of a firm."""

    id: int
    place: str
    address: str
    from_on: date
    to_on: date | None


class ListOut(Schema):
    """兑现清单 A list to fulfil."""

    number: str
    measure: str
    state: str
    awards: int
    yuan: Decimal
    prepared_by: str
    decided_by: str | None


class PaymentsIn(Schema):
    """兑现登记 Awards (ids) with the reference of each payment."""

    paid: dict[int, str] = Field(min_length=1, max_length=20_000)
    on: date


class DocumentIn(Schema):
    """收到的文件 A document that came down; `source`: its key in policies.yaml."""

    source: str = Field(max_length=60)
    title: str = Field(max_length=200)
    doc_number: str = Field("", max_length=120)
    level: Literal["national", "city", "district", "town"]


class DocumentOut(Schema):
    """一份文件 A document and how far it is."""

    number: str
    source: str
    title: Pair
    doc_number: str
    level: str
    state: str


class DocumentPage(Schema):
    """一页 A page of them, and how many in all."""

    items: list[DocumentOut]
    count: int


class UnreachedOut(Schema):
    """没看到通知的企业 A firm that has read no notice."""

    firm: int
    name: str
    due: int
    yuan: Decimal | None
    told_at: datetime


class UnreachedPage(Schema):
    """一页 A page of them, and how many in all."""

    items: list[UnreachedOut]
    count: int
