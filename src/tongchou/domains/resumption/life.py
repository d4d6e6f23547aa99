"""What happens with a filing on its way: somebody is sent to look, it begins, it is over. Building blocks for actions, to be called inside one."""

from datetime import datetime, timedelta

from tongchou.core.audit.acting import record
from tongchou.core.casework.life import Opening, advance, open_dossiers
from tongchou.core.casework.models import Dossier
from tongchou.core.casework.two_people import nearest_post
from tongchou.core.parameters.queries import duration
from tongchou.core.people.rules import Actor
from tongchou.core.wording import T
from tongchou.domains.resumption.models import Filing, SiteCheck
from tongchou.domains.resumption.rules import FILING, SITE_CHECK


def open_check(filing: Filing, within: str, before: Dossier | None = None, *, by: Actor, at: datetime) -> SiteCheck:
    """Send the village to look before the clock `within` runs out. `before`: the check that was not passed."""
    place, name = filing.dossier.place, filing.subject.name
    post = nearest_post("village_secretary", place) or nearest_post("duty_officer", place)
    minutes = round(duration(within, on=at.date(), place_path=place.path) / timedelta(minutes=1))
    title = T(f"现场核查：{name}", f"On-site check: {name}")
    opening = Opening(title, place, post, caused_by=before or filing.dossier, clocks=((within, minutes),))
    (head,) = open_dossiers(SITE_CHECK, [opening], by=by, at=at)
    return SiteCheck.objects.create(dossier=head, filing=filing)


def clear(filing: Filing, *, at: datetime) -> None:
    """Nothing stands in the way any more: begin, or wait for the day."""
    filing.cleared_at = at
    filing.save(update_fields=["cleared_at"])
    record("filing.cleared", filing.dossier, detail={"from": filing.from_on})
    if filing.from_on <= at.date():
        begin(filing, at=at)
    elif filing.dossier.state == "correcting":
        advance(filing.dossier, FILING, "clear", at=at)


def begin(filing: Filing, *, at: datetime) -> None:
    """At work from the day filed, or from today if that is past; after a stop, again."""
    filing.began_on = filing.began_on or at.date()
    filing.save(update_fields=["began_on"])
    advance(filing.dossier, FILING, "resume" if filing.dossier.state == "correcting" else "begin", at=at, detail={"on": filing.began_on})


def stop(filing: Filing, *, at: datetime, reason: str) -> None:
    """Not passed: to be put right before anybody works."""
    filing.cleared_at = filing.full_on = None
    filing.save(update_fields=["cleared_at", "full_on"])
    advance(filing.dossier, FILING, "correct", at=at, reason=reason)


def close(filing: Filing, step: str, *, by: Actor, at: datetime, reason: str) -> None:
    """End a filing by a final step; checks that wait are no longer needed."""
    filing.is_live = False
    filing.save(update_fields=["is_live"])
    for check in filing.checks.filter(dossier__closed_at=None).select_related("dossier__place"):
        advance(check.dossier, SITE_CHECK, "drop", at=at, reason=filing.dossier.number)
    advance(filing.dossier, FILING, step, at=at, reason=reason)
