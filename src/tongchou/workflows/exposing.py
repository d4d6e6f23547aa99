"""Who was at the same venue at the same time as a confirmed case: only with cause, and those listed may learn it.

1. Somebody asks: for a confirmed case of a live incident, on a legal basis in force, for a purpose (`ask_exposed`).
2. Somebody else approves (`approve_request`). Nothing has been read so far.
3. Stays where the case was are read from the scans on disk at that moment, those of the case joined by what it told in the interview.
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
from numpy.typing import NDArray

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
from tongchou.domains.exposures.rules import ADVICE, LONGEST_STAY
from tongchou.domains.gate.models import Holder
from tongchou.domains.tracing.models import Case, Visit
from tongchou.domains.visits.queries import StayReader
from tongchou.domains.visits.rules import Stays, Whole
from tongchou.science import Cases, ExposureParams, Exposures, Visits, find_exposed, index_visits
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
    """Stays in the span at every venue where somebody may have met the case, or with two generations, whoever met it.

    The case's own carry the number NOBODY, scanned or told. Pairing scans into stays and meeting both happen within a venue, so nothing
    elsewhere is read.
    """
    longest = value(LONGEST_STAY, on=request.from_at.date(), place_path=case.place_path).value
    in_seconds = {kind: minutes * 60 for kind, minutes in longest.items()}
    first, last = int(request.from_at.timestamp()), int(request.to_at.timestamp())
    reader = StayReader.over(first, last, in_seconds, in_seconds.get("other", 3600))
    own = np.array(holders_of(case.id_index, case.phone_index if case.id_index is None else None), dtype=np.int64)
    told = _told(case, request)
    found = _joined(reader.at_venues(np.union1d(reader.of_holders(own).venue, told.venue)), own, told, first, last)
    if request.generations > 1:
        met = np.array([f.holder for f in _exposed(found, request, generations=1)], dtype=np.int64)
        venues = np.union1d(found.venue, reader.of_holders(met).venue)
        found = _joined(reader.at_venues(venues), own, told, first, last)
    return found


def _told(case: Case, request: ExposureRequest) -> Stays:
    visits = Visit.objects.filter(case=case, venue__isnull=False, from_at__lt=request.to_at, to_at__gt=request.from_at)
    rows = [(NOBODY, v.venue_id, int(v.from_at.timestamp()), int(v.to_at.timestamp())) for v in visits]
    return Stays(*np.array(rows, dtype=np.int64).reshape(-1, 4).T)


def _joined(scanned: Stays, own: Whole, told: Stays, first: int, last: int) -> Stays:
    """Scanned and told stays, the case's under NOBODY; the case is asked about only inside the span that was approved."""
    holder = np.where(np.isin(scanned.holder, own), NOBODY, scanned.holder)
    columns = [np.r_[column, more] for column, more in zip((holder, *scanned[1:]), told, strict=True)]
    return Stays(columns[0], columns[1], np.maximum(columns[2], first), np.minimum(columns[3], last))


def holders_of(id_index: bytes | memoryview | None, phone_index: bytes | memoryview | None = None) -> list[int]:
    """Pass numbers of a person, by identity number; by phone where there is no number. None known: an empty list."""
    ways = [Q(id_index=id_index), Q(resident__id_index=id_index)] if id_index else []
    ways += [Q(phone_index=phone_index), Q(resident__phone_index=phone_index)] if phone_index else []
    return list(Holder.objects.filter(reduce(or_, ways)).values_list("number", flat=True)) if ways else []


def _exposed(stays: Stays, request: ExposureRequest, generations: int | None = None) -> list[Found]:
    """Step 4: everyone who met the case, and with two generations whoever met them afterwards."""
    people, person = np.unique(np.r_[NOBODY, stays.holder], return_inverse=True)
    venues, venue = np.unique(stays.venue, return_inverse=True)
    visits = Visits(person[1:], venue, stays.entered_s, stays.left_s)
    from_s, to_s = int(request.from_at.timestamp()), int(request.to_at.timestamp())
    cases = Cases(np.array([person[0]]), np.array([from_s]), np.array([to_s]))
    found = find_exposed(index_visits(visits), cases, ExposureParams(request.minutes * 60, generations or request.generations))
    where = venues[_first_venue(found, visits, person[0])]
    rows = [
        Found(holder, place, generation, datetime.fromtimestamp(first_s, UTC), shared_s // 60, meetings)
        for holder, place, generation, first_s, shared_s, meetings in zip(
            *(c.tolist() for c in (people[found.person], where, found.generation, found.first_at, found.shared_s, found.contacts)),
            strict=True,
        )
    ]
    return sorted(rows, key=lambda f: (f.generation, -f.minutes, f.holder))


def _first_venue(found: Exposures, visits: Visits, case: int) -> Whole:
    """(found,) venue codes: where each was when the first meeting began. Who was at two venues at once: the one first entered where somebody met them."""
    if not len(found):
        return np.empty(0, np.int64)
    listed = np.full(int(visits.person.max()) + 1, -1)
    listed[found.person] = np.arange(len(found))
    of = listed[visits.person]
    at_s = found.first_at[of]
    rows = np.flatnonzero((of >= 0) & (visits.entered_at <= at_s) & (visits.left_at > at_s))
    rows = rows[np.lexsort((visits.entered_at[rows], of[rows]))]
    is_first = np.isin(visits.person, found.person[found.generation == 1])
    met = np.where(
        found.generation[of[rows]] == 1,
        _somebody_at(visits, visits.person == case, visits.venue[rows], at_s[rows]),
        _somebody_at(visits, is_first, visits.venue[rows], at_s[rows]),
    )
    _, first = np.unique(of[rows[met]], return_index=True)
    return visits.venue[rows[met]][first]


def _somebody_at(visits: Visits, who: NDArray[np.bool_], venue: Whole, at_s: Whole) -> NDArray[np.bool_]:
    """Whether any of these stays covers an instant at a venue: more have entered there by then than left."""
    entered, left = (np.sort((visits.venue[who] << 32) + column[who]) for column in (visits.entered_at, visits.left_at))
    asked = (venue << 32) + at_s  # instants fit into 32 bits until 2106
    return np.searchsorted(entered, asked, "right") > np.searchsorted(left, asked, "right")


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
