"""Drafts of warning for programs: taking one is recorded, nothing is sent."""

from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from tongchou.core.errors import Unseen
from tongchou.core.places.queries import installation
from tongchou.domains.warning.queries import seen_alarm
from tongchou.interfaces.api.wording import Pair, both, pair
from tongchou.workflows.drafting import drafts_for, take

router = Router(tags=["warning"])


class DraftOut(Schema):
    """一份预警文稿 One draft of warning."""

    kind: str = Field(description=both("advice、notice 或 recommendation", "advice, notice or recommendation"))
    title: Pair
    addressee: Pair
    signer: Pair = Field(description=both("由谁审签：本系统只拟稿", "who must sign: this system only drafts"))
    text: Pair


@router.post(
    "/alarms/{number}/drafts/{kind}", response=DraftOut, summary=both("取用一份预警文稿（留痕）", "take a draft of warning (recorded)")
)
def take_draft(request: HttpRequest, number: str, kind: str) -> Any:
    """The draft of this kind, if it is proper to the alarm's grade."""
    by, at, town = request.auth, request.at, installation()  # type: ignore[attr-defined]
    alarm = seen_alarm(number, by)
    found = drafts_for(alarm, town.place, by, at.astimezone(ZoneInfo(town.zone)).date()) if town else None
    if found is None or kind not in found.kinds:
        raise Unseen("draft")
    draft = take(alarm, found, kind, "api", by=by, at=at)
    said = {"title": pair(draft.title), "addressee": pair(draft.addressee), "signer": pair(draft.signer)}
    return {"kind": kind, "text": {"zh": draft.text("zh"), "en": draft.text("en")}, **said}
