"""What solves some difficulties at once: a permit to pass, checked at doors like any pass; a sampling site near the firm.

1. A permit: the plate or name becomes a holder, the town signs a pass of kind "passage" with an end, and the permit is kept beside it (`permit`).
2. Doors whose rule takes permits admit it, offline too; taken back (`take_back`), it is in the status lists within a minute.
3. Driver and firm show it from the firm's own page (`shown_permits`), or on paper.
4. A sampling site is set up at the firm for some hours of the day (`sample_at`), and stands on everybody's list of sites.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from tongchou.core.errors import Refusal, Unseen
from tongchou.core.passes.actions import Application, issue_passes, revoke_pass
from tongchou.core.passes.models import IssuedPass
from tongchou.core.passes.queries import text_again
from tongchou.core.people.rules import Actor, system_actor
from tongchou.core.places.queries import installation
from tongchou.core.wording import T
from tongchou.domains.calls.queries import points_of
from tongchou.domains.difficulties.actions_permits import PermitSpec, drop_permit, keep_permit, note_sampling
from tongchou.domains.difficulties.models import Difficulty, Permit
from tongchou.domains.difficulties.queries import permits_of_firm
from tongchou.domains.gate.actions import register_visitor
from tongchou.domains.testing.actions import SiteSpec, open_site
from tongchou.domains.testing.models import Site

MACHINE, KIND = system_actor("solving"), "passage"
_LEAST = timedelta(seconds=1)
EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]


@transaction.atomic
def permit(row: Difficulty, spec: PermitSpec, *, chance: Callable[[], int], by: Actor, at: datetime) -> Permit:
    """Step 1. Raises what `keep_permit` raises, Invalid for a wrong mobile, Refusal while the town has no signing key."""
    town = installation()
    if town is None:
        raise Refusal(T("尚未建立本镇。", "No town is installed."))
    if not by.may("permit.issue", row.place_path):
        raise Unseen("difficulty")
    place = row.dossier.place
    name = spec.subject.strip() or "?"
    holder = register_visitor(number=chance(), name=name, phone=spec.phone, id_number="", place=place, by=MACHINE, at=at)
    # An end that is no end is refused below, with everything else that is wrong.
    applied = Application(holder.number, {}, max(spec.until_at - at, _LEAST), place, KIND)
    issue_passes(issuer=town.place, applications=[applied], by=MACHINE, at=at)
    issued = IssuedPass.objects.filter(holder=holder.number).latest("pk")
    return keep_permit(row, spec=spec, holder=holder.number, issued=issued, by=by, at=at)


@transaction.atomic
def take_back(row: Permit, *, reason: str, by: Actor, at: datetime) -> Permit:
    """Step 2. Raises Stale when it was already, Invalid without a reason."""
    drop_permit(row, reason=reason, by=by, at=at)
    revoke_pass(row.issued, reason=reason, by=MACHINE, at=at)
    return row


@dataclass(frozen=True, slots=True)
class ShownPermit:
    """A permit with the content of its QR code; none when the key that signed it is gone and it must be issued anew."""

    permit: Permit
    text: str | None


def shown_permit(row: Permit) -> ShownPermit:
    """A permit as it is shown. No query."""
    return ShownPermit(row, text_again(row.issued, {}))


def shown_permits(firm_id: int, at: datetime) -> Sequence[ShownPermit]:
    """Step 3: a firm's permits that hold. One query."""
    return [shown_permit(row) for row in permits_of_firm(firm_id, at)]


@transaction.atomic
def sample_at(row: Difficulty, *, begins: str, ends: str, booths: int, staff: int, by: Actor, at: datetime) -> Site:
    """Step 4: a site at the firm of a difficulty, every day between two times ("16:00"). Raises what `open_site` raises; Unseen without the right."""
    firm = row.firm
    spec = SiteSpec(
        name=T(f"{firm.name[:40]}采样点", f"Sampling site at {firm.name[:40]}"),
        address=T(firm.address or firm.place.name_zh, firm.address or firm.place.name_en),
        point=points_of([firm.pk]).get(firm.pk),
        hours=[{"weekdays": EVERY_DAY, "from": begins, "to": ends}],
        booths=booths,
        staff=staff,
    )
    site = open_site(code=row.dossier.number, spec=spec, place=row.dossier.place, by=by, at=at)
    note_sampling(row, site=site.code, words=f"{begins}–{ends}", by=by, at=at)
    return site
