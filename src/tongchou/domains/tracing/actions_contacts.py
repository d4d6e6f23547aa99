"""Contacts: added, asked every day, called, released when the last day has passed; never beyond the ceiling in force."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from tongchou.core.audit.acting import action, record, record_access
from tongchou.core.errors import FieldProblem, Invalid, Stale, in_words
from tongchou.core.parameters.queries import value
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.wording import T
from tongchou.domains.tracing.models import Case, CheckUp, Contact
from tongchou.domains.tracing.reading import read_person
from tongchou.domains.tracing.rules import CEILING, DAYS, ENDINGS, EVIDENCE_KINDS, FEVER_C, days_followed, last_day

_COLDEST, _HOTTEST = 34.0, 43.0


@action("case.work", on=Case)
def add_contact(
    case: Case,
    *,
    person: Mapping[str, str],
    place: Place,
    kind: str,
    setting: str,
    last_contact_on: date,
    days: int | None = None,
    address: str = "",
    by: Actor,
    at: datetime,
) -> Contact:
    """Put somebody under follow-up. `person`: name, id_number, phone; `days`: as the parameter says when left out.

    Raises Invalid for more days than ordered from above, for a kind not ordered on that day, and for wrong fields; Stale when known already.
    """
    read, problems = read_person(person.get("name", ""), person.get("id_number", ""), person.get("phone", ""))
    ceiling = value(CEILING, on=at.date(), place_path=place.path).value
    ours = value(DAYS, on=at.date(), place_path=place.path).value
    if kind not in ceiling or kind not in ours:
        problems.append(FieldProblem("kind", T("今天没有规定随访这一类。", "Nothing ordered today has this kind followed up.")))
    else:
        days = ours[kind] if days is None else days
        if not 1 <= days <= ceiling[kind]:
            said = T(f"上级规定最多 {ceiling[kind]} 天，不得加码。", f"Ordered from above: at most {ceiling[kind]} days, never more.")
            problems.append(FieldProblem("days", said))
    if setting not in EVIDENCE_KINDS:
        problems.append(FieldProblem("setting", T("请选择怎样接触的。", "Choose how they met.")))
    if last_contact_on > at.date():
        problems.append(FieldProblem("last_contact_on", T("日期在将来。", "Lies in the future.")))
    if problems:
        raise Invalid(problems)
    if read["id_index"] and Contact.objects.filter(case=case, id_index=read["id_index"]).exists():
        raise Stale(T("此人已在这个病例的接触者名单里。", "This person is among the contacts of this case already."))
    row = Contact.objects.create(
        case=case,
        place=place,
        kind=kind,
        setting=setting,
        address=address.strip()[:200],
        last_contact_on=last_contact_on,
        days=days or 0,
        added_at=at,
        **read,
    )
    record("contact.add", row, detail={"contact": row.pk, "case": case.dossier.number, "kind": kind, "days": row.days})
    return row


@action("contact.follow", on=Contact)
def check_contact(
    contact: Contact, *, day: date, temperature_c: float | None = None, symptoms: str = "", by: Actor, at: datetime
) -> CheckUp:
    """Write what a contact said on a day. The same day again replaces it, the log keeps both. Raises Invalid, Stale when follow-up has ended."""
    _require_followed(contact)
    problems = []
    if temperature_c is not None and not _COLDEST <= temperature_c <= _HOTTEST:
        problems.append(FieldProblem("temperature_c", T("体温应在 34 到 43 度之间。", "Temperature is between 34 and 43 °C.")))
    if not contact.last_contact_on <= day <= at.date():
        problems.append(FieldProblem("day", T("请填随访期内、不晚于今天的日期。", "A day of the follow-up, not after today.")))
    if problems:
        raise Invalid(problems)
    row, _ = CheckUp.objects.update_or_create(
        contact=contact,
        day=day,
        defaults={"temperature_c": temperature_c, "symptoms": symptoms.strip()[:200], "by_id": by.user_id, "at": at},
    )
    fever = temperature_c is not None and temperature_c >= FEVER_C
    record("contact.check", contact, detail={"day": day.isoformat(), "fever": fever, "symptoms": bool(row.symptoms)})
    return row


@action("contact.follow", on=Contact)
def call_contact(contact: Contact, *, by: Actor, at: datetime) -> str:
    """The phone number of a contact under follow-up, to call them: an Access whose purpose is the call."""
    _require_followed(contact)
    if not contact.phone:
        raise Invalid([FieldProblem("phone", T("没有登记电话，请上门。", "No phone on record: please visit."))])
    record_access(contact, fields=["phone"], purpose="随访通话 follow-up call")
    return str(contact.phone)


@action("case.work", on=Contact)
def end_contact(contact: Contact, *, why: str, reason: str, became: Case | None = None, by: Actor, at: datetime) -> Contact:
    """End a follow-up early: listed by mistake, or the contact became a case."""
    _require_followed(contact)
    if why not in ENDINGS or why == "released" or (why == "became_case") != (became is not None):
        raise Invalid([FieldProblem("why", T("请选择原因。", "Choose why."))])
    contact.ended_at, contact.ended_why, contact.became = at, why, became
    contact.save(update_fields=["ended_at", "ended_why", "became"])
    record(
        "contact.end", contact, reason=in_words("reason", reason), detail={"why": why, "became": became.dossier.number if became else None}
    )
    return contact


@action("contact.follow")
def release_contacts(*, contacts: Sequence[Contact], by: Actor, at: datetime) -> list[Contact]:
    """Release those whose last day has passed by the ceiling in force today; the others stay. Gives back the released."""
    ceilings: dict[str, Any] = {}
    freed = []
    for row in (
        Contact.objects.select_for_update(of=("self",)).select_related("place").filter(pk__in=[c.pk for c in contacts], ended_at=None)
    ):
        path = row.place.path
        if not by.may("contact.follow", path):
            continue
        if path not in ceilings:
            ceilings[path] = value(CEILING, on=at.date(), place_path=path).value
        if last_day(row.last_contact_on, days_followed(row.days, row.kind, ceilings[path])) < at.date():
            row.ended_at, row.ended_why = at, "released"
            freed.append(row)
            record("contact.release", row, detail={"contact": row.pk, "days": days_followed(row.days, row.kind, ceilings[path])})
    Contact.objects.bulk_update(freed, ["ended_at", "ended_why"], batch_size=500)
    if not freed:
        record("contact.release", contacts[0], detail={"released": 0})
    return freed


def _require_followed(contact: Contact) -> None:
    if contact.ended_at is not None:
        word = ENDINGS[contact.ended_why]
        raise Stale(T(f"随访已结束：{word.zh}。", f"Follow-up has ended: {word.en}."))
