"""What a person may do on the page of a case: read from a form, done by an action, said in a line."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tongchou.core.errors import FieldProblem, Invalid
from tongchou.core.places.models import Place
from tongchou.core.places.queries import places_below
from tongchou.core.wording import T
from tongchou.domains.exposures.actions import ask_exposed
from tongchou.domains.exposures.rules import Window
from tongchou.domains.registry.models import Venue
from tongchou.domains.tracing import actions, actions_contacts
from tongchou.domains.tracing.models import Case, ChainLink, Contact, Sample
from tongchou.domains.tracing.queries import seen_case
from tongchou.domains.tracing.rules import DATES
from tongchou.interfaces.web.page import Asked
from tongchou.workflows.exposing import remake_lists


def read_day(field: str, text: str) -> date | None:
    """A day of a form; none when left empty. Raises Invalid."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Invalid([FieldProblem(field, T("写成 2022-06-02。", "Write 2022-06-02."))]) from None


def read_instant(request: Asked, field: str) -> datetime:
    """An instant of a form, in the town's zone. Raises Invalid."""
    try:
        return datetime.fromisoformat(request.POST.get(field, "")).replace(tzinfo=ZoneInfo(request.town.zone))
    except ValueError:
        raise Invalid([FieldProblem(field, T("请填写日期和时间。", "Give day and time."))]) from None


def read_whole(field: str, text: str) -> int | None:
    """A whole number of a form; none when left empty. Raises Invalid."""
    if text.strip() and not text.strip().isdecimal():
        raise Invalid([FieldProblem(field, T("只填数字。", "Digits only."))])
    return int(text) if text.strip() else None


def case_facts(request: Asked) -> dict[str, Any]:
    """The fields of a case that the form sent."""
    given = request.POST
    facts: dict[str, Any] = {
        name: given[name] for name in ("name", "id_number", "phone", "sex", "occupation", "address", "outcome") if name in given
    }
    facts |= {name: read_day(name, given[name]) for name in DATES if name in given}
    if "age" in given:
        facts["age"] = read_whole("age", given["age"])
    if "form" in given:  # a box left empty is not sent at all
        facts |= {name: given.get(name) == "1" for name in ("has_symptoms", "has_known_contact", "is_hcw")}
    return facts


def village_of(request: Asked, needs: str) -> Place:
    """The village chosen, among those the actor answers for. Raises Invalid."""
    code = request.POST.get("place", "")
    for place in places_below(request.town.place.path):
        if place.code == code and request.actor.may(needs, place.path):
            return place
    raise Invalid([FieldProblem("place", T("请选择村居。", "Choose the village."))])


def _venue(request: Asked) -> int | None:
    code = request.POST.get("venue", "").strip()
    if not code:
        return None
    found = Venue.objects.filter(code=code, place__path__startswith=request.town.place.path).values_list("pk", flat=True).first()
    if found is None:
        raise Invalid([FieldProblem("venue", T("没有这个场所码编号。", "No venue has this code."))])
    return found


def _correct(case: Case, request: Asked, who: dict[str, Any]) -> None:
    reason, version = request.POST.get("reason", ""), read_whole("version", request.POST.get("version", "")) or 0
    facts = case_facts(request)
    # Names and numbers are shown masked: an empty field means that they stay.
    facts = {name: value for name, value in facts.items() if value or name not in ("name", "id_number", "phone")}
    fresh = actions.correct_case(case, given=facts, version=version, reason=reason, **who)
    if request.actor.may("exposure.ask", case.place_path):
        remake_lists(fresh, reason=reason, **who)


def _contact(case: Case, request: Asked, who: dict[str, Any]) -> None:
    given = request.POST
    last = read_day("last_contact_on", given.get("last_contact_on", ""))
    if last is None:
        raise Invalid([FieldProblem("last_contact_on", T("请填写最后接触日。", "Give the day of the last contact."))])
    actions_contacts.add_contact(
        case, person={name: given.get(name, "") for name in ("name", "id_number", "phone")}, place=village_of(request, "case.work"),
        kind=given.get("kind", ""), setting=given.get("setting", ""), last_contact_on=last, days=read_whole("days", given.get("days", "")),
        address=given.get("address", ""), **who,
    )  # fmt: skip


def _of_case(rows: Any, case: Case, pk: str) -> Any:
    found = rows.filter(pk=pk).first() if pk.isdecimal() else None
    if found is None:
        raise Invalid([FieldProblem("row", T("请从页面上选择。", "Choose one from the page."))])
    return found


def _result(case: Case, request: Asked, who: dict[str, Any]) -> None:
    sample = _of_case(Sample.objects.filter(case=case), case, request.POST.get("sample", ""))
    actions.add_result(sample, result=request.POST.get("result", ""), **who)


def _link(case: Case, request: Asked, who: dict[str, Any]) -> None:
    infector = seen_case(request.POST.get("infector", ""), request.actor)
    strength = (read_whole("strength", request.POST.get("strength", "")) or 0) / 100
    actions.link_cases(
        case, infector=infector, evidence=request.POST.get("evidence", ""), strength=strength, note=request.POST.get("note", ""), **who
    )


def _withdraw(case: Case, request: Asked, who: dict[str, Any]) -> None:
    link = _of_case(ChainLink.objects.filter(infectee=case), case, request.POST.get("link", ""))
    actions.withdraw_link(link, reason=request.POST.get("reason", ""), **who)


def _end_contact(case: Case, request: Asked, who: dict[str, Any]) -> None:
    contact = _of_case(Contact.objects.filter(case=case), case, request.POST.get("contact", ""))
    became = request.POST.get("became", "").strip()
    why = "became_case" if became else "by_mistake"
    target = seen_case(became, request.actor) if became else None
    actions_contacts.end_contact(contact, why=why, became=target, reason=request.POST.get("reason", ""), **who)


def _ask(case: Case, request: Asked, who: dict[str, Any]) -> None:
    if case.incident is None:
        raise Invalid([FieldProblem("incident", T("此病例未归入事件，不能查询。", "This case belongs to no incident: no query."))])
    given = request.POST
    ask_exposed(
        case.dossier, incident=case.incident.dossier, basis=given.get("basis", ""), purpose=given.get("purpose", ""),
        window=Window(read_instant(request, "from_at"), read_instant(request, "to_at")), minutes=read_whole("minutes", given.get("minutes", "")),
        generations=2 if given.get("generations") == "2" else 1, **who,
    )  # fmt: skip


Step = Callable[[Case, Asked, dict[str, Any]], object]
# Step in the address → what it does, what is said afterwards.
STEPS: Mapping[str, tuple[Step, T]] = {
    "correct": (_correct, T("已更正。", "Corrected.")),
    "hand-in": (lambda c, r, who: actions.hand_in(c, part=r.POST.get("part", ""), text=r.POST.get("text", ""), **who), T("已提交。", "Handed in.")),
    "classify": (lambda c, r, who: actions.classify_case(c, to=r.POST.get("to", ""), reason=r.POST.get("reason", ""), **who), T("已判定。", "Classified.")),
    "discard": (lambda c, r, who: actions.discard_case(c, reason=r.POST.get("reason", ""), **who), T("已排除。", "Discarded.")),
    "close": (lambda c, r, who: actions.close_case(c, reason=r.POST.get("reason", ""), **who), T("已结案。", "Closed.")),
    "sample": (lambda c, r, who: actions.add_sample(case=c, method=r.POST.get("method", ""), taken_at=read_instant(r, "taken_at"), **who), T("已记录采样。", "Sample noted.")),
    "result": (_result, T("已记录结果。", "Result noted.")),
    "visit": (lambda c, r, who: actions.add_visit(c, where=r.POST.get("where", ""), venue_id=_venue(r), from_at=read_instant(r, "from_at"), to_at=read_instant(r, "to_at"), **who), T("已记录到访。", "Visit noted.")),
    "link": (_link, T("已记录传播关系。", "Link recorded.")),
    "withdraw-link": (_withdraw, T("已撤回。", "Withdrawn.")),
    "contact": (_contact, T("已列入随访。", "Put under follow-up.")),
    "end-contact": (_end_contact, T("已结束随访。", "Follow-up ended.")),
    "ask-exposed": (_ask, T("已提交，等待另一人批准。", "Sent; somebody else must approve.")),
}  # fmt: skip
