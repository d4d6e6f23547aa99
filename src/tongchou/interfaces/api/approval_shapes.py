"""What programs send and get of approvals."""

from datetime import date, datetime
from typing import Any

from ninja import Schema
from pydantic import Field

from tongchou.interfaces.api.fields import Instant, RowNumber


class ProcedureOut(Schema):
    """一个审批事项 A procedure: its steps, and its limits in working days with how far they can be relied on."""

    code: str
    version: int
    name: str
    statutory_days: float | None
    promised_days: float | None
    confidence: dict[str, str]
    steps: list[dict[str, Any]]
    papers: list[str]
    stops: list[str]
    grounds: list[str]


class PaperIn(Schema):
    """一份材料：代码、核对说明、出具日期 A paper: its code, what was seen of it, its own date. Files are sent on the pages."""

    code: str = Field(max_length=60)
    note: str = Field("", max_length=300)
    issued_on: date | None = None


class ApplicationIn(Schema):
    """申请什么、谁申请 What is applied for, by which firm (row number), or by whom where it is not in the registers."""

    procedure: str = Field(max_length=60)
    firm: RowNumber | None = None
    applicant: str = Field("", max_length=120)
    permit_ends_on: date | None = None
    papers: list[PaperIn] = Field(default=[], max_length=50)


class StepOut(Schema):
    """一个环节 A step that has opened."""

    number: str
    code: str
    state: str
    post: str
    held_by: str | None
    due_at: datetime


class AttachedOut(Schema):
    """一份材料和它的来历 A paper and where it was first given."""

    code: str
    given_at: datetime
    first_for: str
    holds_until: date | None


class ApplicationOut(Schema):
    """一件申请 An application."""

    number: str
    procedure: str
    state: str
    firm: int | None
    applicant: str
    place: str
    accepted_at: datetime | None
    promised_at: datetime | None
    statutory_at: datetime | None
    words: str
    ground: str
    missing: list[str]
    steps: list[StepOut]
    papers: list[AttachedOut]


class ApplicationsOut(Schema):
    """若干申请 Some of them, and how many in all."""

    items: list[ApplicationOut]
    count: int


class PapersIn(Schema):
    """带来的材料 Papers brought."""

    papers: list[PaperIn] = Field(default=[], max_length=50)


class AskIn(Schema):
    """要补哪些（一次说全） Everything that is missing, and words for the applicant."""

    papers: list[str] = Field(max_length=50)
    words: str = Field(max_length=500)


class ApprovalWordsIn(Schema):
    """说明 In words."""

    words: str = Field(max_length=500)


class RefuseIn(Schema):
    """法定理由和说明 The legal ground, and words for the applicant."""

    ground: str = Field(max_length=40)
    words: str = Field(max_length=500)


class StopIn(Schema):
    """暂停的原因和结束时间 Why the clock stops, and until when."""

    reason: str = Field(max_length=40)
    words: str = Field(max_length=300)
    until_at: Instant


class FinishIn(Schema):
    """办理意见 What was found."""

    finding: str = Field("", max_length=300)


class ApplicantPageOut(Schema):
    """只出现一次的链接 The address, told once."""

    address: str


class DelegationIn(Schema):
    """谁的环节交给谁、多久 Whose steps go to whom, and how long."""

    from_post: str = Field(max_length=60)
    to_post: str = Field(max_length=60)
    from_at: Instant
    to_at: Instant
    reason: str = Field(max_length=200)


class DelegationOut(Schema):
    """一项委托 A delegation."""

    id: int
    from_post: str
    to_post: str
    from_at: datetime
    to_at: datetime
    reason: str


class LossOut(Schema):
    """一个环节的时间 Where time went in one step, in working days."""

    procedure: str
    code: str
    post: str
    count: int
    waiting_days: float
    working_days: float
    paused_days: float
    over_share: float
    lost_days: float


class KeptOut(Schema):
    """一个事项守时的情况 How a procedure keeps its limits."""

    code: str
    count: int
    mean_days: float | None
    over_promised: float | None
    over_statutory: float | None


class TimesOut(Schema):
    """时间耗在哪 Where time is lost."""

    steps: list[LossOut]
    procedures: list[KeptOut]


class WhatIfOut(Schema):
    """改动能省几天 What a change would save: mean working days of an application, with a 95 % interval; loads of posts after it."""

    before_days: float
    after_days: float
    saved_days: float
    low: float
    high: float
    loads: dict[str, float]
    assumed: list[str]
