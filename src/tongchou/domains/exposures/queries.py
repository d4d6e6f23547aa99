"""Reading requests for exposed people, their lists, and what everybody is told."""

from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import F, QuerySet

from tongchou.core.audit.models import Entry
from tongchou.core.errors import Unseen
from tongchou.core.people.queries import within
from tongchou.core.people.rules import Actor
from tongchou.domains.exposures.models import ExposureList, ExposureRequest, VenueNotice

TELL_WITHIN = timedelta(days=3)


def requests_seen(actor: Actor) -> QuerySet[ExposureRequest]:
    """Requests for exposed people in the actor's places, those that wait for a decision first."""
    where = within(actor, "exposure.ask", "dossier__place__path") | within(actor, "exposure.approve", "dossier__place__path")
    rows = ExposureRequest.objects.filter(where).select_related("dossier__place", "case", "asked_by", "decided_by")
    return rows.order_by(F("dossier__closed_at").desc(nulls_first=True), "-dossier__opened_at", "-pk")


def seen_request(number: str, actor: Actor) -> ExposureRequest:
    """A request by its number. Raises Unseen when missing or elsewhere."""
    rows = ExposureRequest.objects.select_related("dossier__place", "case__place", "asked_by", "decided_by", "incident")
    row = rows.filter(dossier__number=number).first()
    if row is None or not (actor.may("exposure.ask", row.place_path) or actor.may("exposure.approve", row.place_path)):
        raise Unseen("exposure")
    return row


def made_from(request: ExposureRequest, case_version: int) -> dict[str, Any]:
    """What a list is made from: the span, the least overlap, the case as corrected so far (its `version`)."""
    return {
        "from_at": request.from_at.isoformat(),
        "to_at": request.to_at.isoformat(),
        "minutes": request.minutes,
        "generations": request.generations,
        "case_version": case_version,
    }


def latest_list(request: ExposureRequest) -> ExposureList | None:
    """The latest version of the answer."""
    return ExposureList.objects.filter(request=request).first()


def is_out_of_date(request: ExposureRequest, row: ExposureList | None, case_version: int) -> bool:
    """True when the case or the span was corrected after the list was made."""
    return row is not None and row.made_from != made_from(request, case_version)


def lists_to_tell(at: datetime) -> list[ExposureList]:
    """The latest version of each list that is still in use and was made in the last days: whose people are to be told."""
    rows = ExposureList.objects.filter(request__dossier__state="approved", made_at__gte=at - TELL_WITHIN).select_related("request__dossier")
    latest: dict[int, ExposureList] = {}
    for row in rows.order_by("version"):
        latest[row.request_id] = row
    return list(latest.values())


def notices_shown(on: date) -> QuerySet[VenueNotice]:
    """What everybody is told on a day: venues and spans, latest first; nothing of any person, and nothing of drills."""
    rows = VenueNotice.objects.filter(withdrawn_at=None, until__gte=on, request__dossier__is_exercise=False)
    return rows.select_related("venue", "venue__place")


def asked_lately(since: datetime, label: str) -> int:
    """How often somebody asked for accesses to a person since an instant: what shows that a counter is being used to try numbers."""
    return Entry.objects.filter(action="exposure.learn", actor_label=label, at__gte=since).count()
