"""Who was at the same venue at the same time as a confirmed case: only with cause, and those listed may learn it.

1. Somebody asks: for a confirmed case of a live incident, on a legal basis in force, for a purpose (`ask_exposed`).
2. Somebody else approves (`approve_request`). Nothing has been read so far.
3. Stays are read from the scans on disk at that moment, those of the case joined by what it told in the interview.
4. Everyone whose stay overlapped long enough, one or two generations, becomes the next version of the list: an Access.
5. Villages are told how many of theirs are new on it, and how many no longer are.
6. A corrected case or span makes the list anew. The person who comes with an identity card learns which requests touched them.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import or_
from zoneinfo import ZoneInfo

import numpy as np
from django.db import transaction
from django.db.models import Q, QuerySet

from tongchou.core.errors import FieldProblem, Invalid
from tongchou.core.identity import check_resident_id
from tongchou.core.outbox.queue import Telling, notify
from tongchou.core.parameters.queries import value
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.places.queries import installation
from tongchou.core.secrecy import blind_index
from tongchou.core.wording import T
from tongchou.domains.exposures.actions import Found, keep_list, see_people, see_village_people, tell_own_accesses
from tongchou.domains.exposures.models import ExposureList, ExposureRequest
from tongchou.domains.exposures.queries import is_out_of_date, latest_list
from tongchou.domains.exposures.rules import ADVICE, K_ANONYMITY, LONGEST_STAY, few
from tongchou.domains.gate.models import Holder
from tongchou.domains.gate.queries import stays_between
from tongchou.domains.gate.stays import Stays
from tongchou.domains.registry.models import Venue
from tongchou.domains.tracing.models import Case, Visit
from tongchou.science import Cases, ExposureParams, Visits, find_exposed, index_visits
from tongchou.workflows.exposed_text import exposed_notice, released_notice
from tongchou.workflows.following import secretaries_of

NOBODY = 0  # pass numbers begin at 1: stands for a case without a pass


def make_list(request: ExposureRequest, *, reason: str = "", by: Actor, at: datetime) -> ExposureList:
    """Steps 3 to 5: the next version of an approved request's list, from the scans on disk now. Raises Stale, Invalid, Unseen."""
    case = Case.objects.select_related("dossier__place").get(pk=request.case_id)
    stays = _stays(case, request)
    with transaction.atomic():
        # 4; the action asks for the cause once more, and nothing is kept without it
        row = keep_list(request, found=_exposed(stays, request), case_version=case.version, reason=reason, by=by, at=at)
        # 5
        _tell_villages(row, at)
    return row


def _stays(case: Case, request: ExposureRequest) -> Stays:
    """Everyone's stays in the span; the case's own carry the number NOBODY, scanned or told."""
    longest = value(LONGEST_STAY, on=request.from_at.date(), place_path=case.place_path).value
    in_seconds = {kind: minutes * 60 for kind, minutes in longest.items()}
    found = stays_between(request.from_at, request.to_at, in_seconds, in_seconds.get("other", 3600))
    own = holders_of(case.id_index, case.phone_index if case.id_index is None else None)
    told = Visit.objects.filter(case=case, venue__isnull=False, from_at__lt=request.to_at, to_at__gt=request.from_at)
    extra = [(NOBODY, v.venue_id, int(v.from_at.timestamp()), int(v.to_at.timestamp())) for v in told]
    rows = np.array(extra, dtype=np.int64).reshape(-1, 4)
    holder = np.where(np.isin(found.holder, own), NOBODY, found.holder)
    joined = [np.r_[column, rows[:, n]] for n, column in enumerate((holder, *found[1:]))]
    # The case is asked about only inside the span that was approved.
    first, last = int(request.from_at.timestamp()), int(request.to_at.timestamp())
    return Stays(joined[0], joined[1], np.maximum(joined[2], first), np.minimum(joined[3], last))


def holders_of(id_index: bytes | memoryview | None, phone_index: bytes | memoryview | None = None) -> list[int]:
    """Pass numbers of a person, by identity number; by phone where there is no number. None known: an empty list."""
    ways = [Q(id_index=id_index), Q(resident__id_index=id_index)] if id_index else []
    ways += [Q(phone_index=phone_index), Q(resident__phone_index=phone_index)] if phone_index else []
    return list(Holder.objects.filter(reduce(or_, ways)).values_list("number", flat=True)) if ways else []


def _exposed(stays: Stays, request: ExposureRequest) -> list[Found]:
    """Step 4: everyone who met the case, and with two generations whoever met them afterwards."""
    people, person = np.unique(np.r_[NOBODY, stays.holder], return_inverse=True)
    venues, venue = np.unique(stays.venue, return_inverse=True)
    visits = Visits(person[1:], venue, stays.entered_s, stays.left_s)
    from_s, to_s = int(request.from_at.timestamp()), int(request.to_at.timestamp())
    cases = Cases(np.array([person[0]]), np.array([from_s]), np.array([to_s]))
    found = find_exposed(index_visits(visits), cases, ExposureParams(request.minutes * 60, request.generations))
    order = np.lexsort((stays.entered_s, visits.person))
    lows, highs = (np.searchsorted(visits.person[order], found.person, side) for side in ("left", "right"))
    rows = []
    for n, code in enumerate(found.person.tolist()):
        own = order[lows[n] : highs[n]]
        # Who was at two venues at once is listed at the one first entered.
        there = own[(stays.entered_s[own] <= found.first_at[n]) & (stays.left_s[own] > found.first_at[n])][0]
        where = int(venues[venue[there]])
        first_at = datetime.fromtimestamp(int(found.first_at[n]), UTC)
        rows.append(
            Found(int(people[code]), where, int(found.generation[n]), first_at, int(found.shared_s[n]) // 60, int(found.contacts[n]))
        )
    return sorted(rows, key=lambda f: (f.generation, -f.minutes, f.holder))


def _tell_villages(row: ExposureList, at: datetime) -> None:
    by_holder = dict(row.people.values_list("holder", "change"))
    counted: Counter[tuple[int, str]] = Counter()
    for number, place_id in Holder.objects.filter(number__in=by_holder).values_list("number", "place_id"):
        counted[place_id, by_holder[number]] += 1
    places = {p.pk: p for p in Place.objects.filter(pk__in={place for place, _ in counted})}
    head = row.request.dossier
    tellings = []
    for place_id, user in secretaries_of(list(places.values()), at).items():
        added, removed = counted[place_id, "added"], counted[place_id, "removed"]
        if added:
            tellings.append(
                Telling(
                    user, T(f"{head.number}：本村居新增 {added} 人需告知", f"{head.number}: {added} of your village are to be told"), head
                )
            )
        if removed:
            tellings.append(Telling(user, T(f"{head.number}：本村居 {removed} 人移出名单，请告知不用再做什么", f"{head.number}: {removed} of your village are off the list; tell them they need do nothing"), head))  # fmt: skip
    notify(tellings, at=at, is_exercise=head.is_exercise)


def remake_lists(case: Case, *, reason: str, by: Actor, at: datetime) -> list[ExposureList]:
    """Step 6: after a correction, a new version of every list made from the case that is still approved and has cause."""
    rows = ExposureRequest.objects.filter(case_id=case.pk, dossier__state="approved", incident__closed_at=None).order_by("pk")
    made = []
    for request in rows:
        if is_out_of_date(request, latest_list(request), case.version):
            made.append(make_list(request, reason=reason, by=by, at=at))
    return made


@dataclass(frozen=True, slots=True)
class Listed:
    """Somebody on a version of a list, with who they are and what they are told."""

    holder: int
    name: str
    phone: str
    place: Place
    change: str
    generation: int
    minutes: int
    notice: T


def people_on(row: ExposureList, *, purpose: str, by: Actor, at: datetime) -> list[Listed]:
    """Names, phones and the words for everyone on a version: an Access with a purpose.

    Raises Invalid without a purpose or when the cause is gone, Unseen elsewhere.
    """
    numbers = see_people(row, purpose=purpose, by=by, at=at)
    return _listed(row, Holder.objects.filter(number__in=numbers), at)


def people_to_tell(row: ExposureList, *, place: Place, by: Actor, at: datetime) -> list[Listed]:
    """The same for the people of one village on a version, for whoever follows contacts there: an Access whose purpose is the telling."""
    see_village_people(of=row, place=place, by=by, at=at)
    return _listed(row, Holder.objects.filter(number__in=row.people.values("holder"), place=place), at)


def _listed(row: ExposureList, holders: QuerySet[Holder], at: datetime) -> list[Listed]:
    request, zone = row.request, ZoneInfo(_zone())
    advice = value(ADVICE, on=at.date(), place_path=request.place_path).value
    known = {h.number: h for h in holders.select_related("place", "resident")}
    found = []
    for p in row.people.filter(holder__in=list(known)).select_related("venue"):
        who = known[p.holder]
        venue = T(p.venue.name, p.venue.name) if p.venue else T("某场所", "a venue")
        number, told_at = request.dossier.number, row.made_at.astimezone(zone)
        words = exposed_notice(venue=venue, first_at=p.first_at.astimezone(zone), told_at=told_at, advice=advice, number=number)
        words = released_notice(number=number) if p.change == "removed" else words
        name, phone = (who.resident.name, who.resident.phone) if who.resident else (who.name, who.phone)
        found.append(Listed(p.holder, name, phone or "", who.place, p.change, p.generation, p.minutes, words))
    return found


def _zone() -> str:
    town = installation()
    return town.zone if town else "UTC"


def own_accesses(*, id_number: str, place: Place, by: Actor, at: datetime) -> list[ExposureRequest]:
    """Step 6: which requests touched the person who shows this identity card; unknown and untouched are the same answer, and each asking is an entry."""
    try:
        index = blind_index(check_resident_id(id_number))
    except Exception as wrong:
        raise Invalid([FieldProblem("id_number", T("请核对身份证号。", "Check the identity number."))]) from wrong
    return tell_own_accesses(place=place, holders=holders_of(index), by=by, at=at)


@dataclass(frozen=True, slots=True)
class VenueCount:
    """How many people a venue had in a span; None: fewer than k."""

    venue: Venue
    people: int | None


def venue_counts(from_at: datetime, to_at: datetime, *, place: Place, at: datetime) -> list[VenueCount]:
    """People by venue of a town in a span, largest first; counts below k are hidden, so that nobody is found in them."""
    k = int(value(K_ANONYMITY, on=at.date(), place_path=place.path).value)
    stays = stays_between(from_at, to_at, {}, 1)
    pairs = np.unique(np.stack([stays.venue, stays.holder]), axis=1)
    venues, people = np.unique(pairs[0], return_counts=True)
    counted = dict(zip(venues.tolist(), people.tolist(), strict=True))
    rows = Venue.objects.filter(place__path__startswith=place.path, pk__in=counted).select_related("place")
    found = [VenueCount(venue, few(counted[venue.pk], k)) for venue in rows]
    return sorted(found, key=lambda c: (-(c.people or 0), c.venue.code))


def case_spans(request: ExposureRequest) -> list[tuple[int, datetime, datetime]]:
    """Venues and whole hours in which the case was there: what may be told to everybody. Nothing before a list was made."""
    if latest_list(request) is None:
        return []
    stays = _stays(Case.objects.select_related("dossier__place").get(pk=request.case_id), request)
    own: Sequence[int] = np.flatnonzero(stays.holder == NOBODY).tolist()
    hour, zone = timedelta(hours=1), UTC
    spans = set()
    for n in own:
        begins, ends = (datetime.fromtimestamp(int(column[n]), zone) for column in (stays.entered_s, stays.left_s))
        first = begins.replace(minute=0, second=0)
        last = ends.replace(minute=0, second=0)
        spans.add((int(stays.venue[n]), first, last if last == ends else last + hour))
    return sorted(spans)
