"""A case's life: opened, investigated with its clocks, classified, corrected, closed; its samples, visits and links."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.apps import apps

from tongchou.core.audit.acting import action, record, record_access
from tongchou.core.casework.life import Opening, advance, open_dossiers
from tongchou.core.errors import FieldProblem, Invalid, Stale, in_words
from tongchou.core.identity import mask_name
from tongchou.core.parameters.queries import value
from tongchou.core.people.models import Post
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.wording import T
from tongchou.domains.tracing.models import Case, ChainLink, Contact, Sample, Visit
from tongchou.domains.tracing.queries import known_facts
from tongchou.domains.tracing.reading import CASE_FIELDS, SECRETS, logged, read_case
from tongchou.domains.tracing.rules import CASE, DEFINITION, EVIDENCE_KINDS, FACTS, METHODS, PARTS, RESULTS, lacking


@action("case.work", place=lambda given: given["place"].path)
def open_case(
    *,
    facts: Mapping[str, Any],
    place: Place,
    incident_id: int | None = None,
    is_exercise: bool = False,
    reason: str = "",
    by: Actor,
    at: datetime,
) -> Case:
    """Open the investigation of a case: the clocks of the form start. `facts` by field of `reading.CASE_FIELDS`. Raises Invalid."""
    read = read_case(facts, {}, at.date())
    (dossier,) = open_dossiers(
        CASE,
        [
            Opening(
                _title(read["name"], place),
                place,
                _own_post(by),
                is_exercise=is_exercise,
                reason=reason,
                detail=logged({name: read[name] for name in CASE_FIELDS if read[name] not in (None, "", False)}),
            )
        ],
        by=by,
        at=at,
    )
    return Case.objects.create(dossier=dossier, incident_id=incident_id, **read)


def _own_post(by: Actor) -> Post | None:
    """The post somebody holds in their own right, else the one they stand in for: the case is theirs."""
    held = sorted(by.posts, key=lambda h: (h.as_deputy, h.code))
    return Post.objects.filter(code=held[0].code).first() if held else None


def _title(name: str, place: Place) -> T:
    """A dossier's title is read by many: the name is masked in it."""
    return T(f"{place.name_zh}病例 {mask_name(name)}", f"Case {mask_name(name)}, {place.name_en}")


@action("case.work", on=Case)
def correct_case(case: Case, *, given: Mapping[str, Any], version: int, reason: str, by: Actor, at: datetime) -> Case:
    """Set what was wrong or missing. The entry holds old and new; lists made from the case see by `version` that they are out of date.

    Raises Stale when another was first or nothing changes, Invalid without a reason or for wrong fields.
    """
    _require_open(case)
    if case.version != version:
        raise Stale(
            T("这个病例刚被别人改过。", "Somebody else changed this case just now."), T("请刷新后重改。", "Reload and change it again.")
        )
    known = {name: getattr(case, name) for name in CASE_FIELDS}
    read = read_case(given, known, at.date())
    changed = {name: read[name] for name in CASE_FIELDS if read[name] != known[name]}
    if not changed:
        raise Stale(T("没有任何改动。", "Nothing was changed."))
    said = in_words("reason", reason)
    for name, found in read.items():
        setattr(case, name, found)
    case.version += 1
    case.save()
    if "name" in changed:
        head, title = case.dossier, _title(case.name, case.dossier.place)
        head.title_zh, head.title_en = title.zh, title.en
        head.save(update_fields=["title_zh", "title_en"])
    record(
        "case.correct",
        case.dossier,
        reason=said,
        detail={"old": logged({name: known[name] for name in changed}), "new": logged(changed), "version": case.version},
    )
    return case


@action("case.work", on=Case)
def classify_case(case: Case, *, to: str, reason: str = "", by: Actor, at: datetime) -> Case:
    """Call the case suspected, probable or confirmed. Raises Invalid, naming what is lacking, when the definition in force asks for more."""
    definition = value(DEFINITION, on=at.date(), place_path=case.place_path).value
    if to not in definition:
        raise Invalid([FieldProblem("to", T("没有这个分类。", "No such class."))])
    known = known_facts(case)
    if missing := lacking(known, definition[to]):
        zh, en = "、".join(m.zh for m in missing), ", ".join(m.en for m in missing)
        raise Invalid([FieldProblem("to", T(f"病例定义还要求：{zh}。", f"The case definition still asks for: {en}."))])
    advance(case.dossier, CASE, f"call_{to}", at=at, reason=reason, detail={"facts": sorted(known & set(FACTS))})
    return case


@action("case.work", on=Case)
def discard_case(case: Case, *, reason: str, by: Actor, at: datetime) -> Case:
    """Say that it is none, and why; the clocks stop."""
    advance(case.dossier, CASE, "discard", at=at, reason=in_words("reason", reason))
    return case


@action("case.work", on=Case)
def hand_in(case: Case, *, part: str, text: str, by: Actor, at: datetime) -> Case:
    """Hand in a part of the investigation form (`rules.PARTS`); its clock stops. A later hand-in of the same part replaces it, the log keeps both."""
    if part not in PARTS:
        raise Invalid([FieldProblem("part", T("没有这个部分。", "No such part of the form."))])
    field, said = PARTS[part][0], in_words("text", text, 4)
    setattr(case, field, said)
    case.save(update_fields=[field])
    advance(case.dossier, CASE, f"hand_in_{part}", at=at, detail={"characters": len(said)})
    return case


@action("case.work", on=Case)
def close_case(case: Case, *, reason: str, by: Actor, at: datetime) -> Case:
    """End the investigation. Raises Invalid while contacts are still followed up."""
    left = Contact.objects.filter(case=case, ended_at=None).count()
    if left:
        raise Invalid([FieldProblem("contacts", T(f"还有 {left} 名接触者在随访。", f"{left} contacts are still followed up."))])
    advance(case.dossier, CASE, "close", at=at, reason=in_words("reason", reason))
    return case


@action("case.read", on=Case)
def see_case(case: Case, *, purpose: str, by: Actor, at: datetime) -> dict[str, str]:
    """Name and numbers of a case in clear, once, for a purpose the log keeps: an Access."""
    record_access(case.dossier, fields=list(SECRETS), purpose=purpose)
    return {name: getattr(case, name) or "" for name in SECRETS}


@action("case.work", place=lambda given: (given["case"] or given["contact"]).place_path)
def add_sample(
    *, case: Case | None = None, contact: Contact | None = None, method: str, taken_at: datetime, by: Actor, at: datetime
) -> Sample:
    """Note that somebody was sampled; the result comes later."""
    if method not in METHODS or taken_at > at:
        wrong, said = (
            ("method", T("没有这种方法。", "No such method."))
            if method not in METHODS
            else ("taken_at", T("采样在将来。", "In the future."))
        )
        raise Invalid([FieldProblem(wrong, said)])
    row = Sample.objects.create(case=case, contact=contact, method=method, taken_at=taken_at)
    record("sample.take", row, detail={"method": method, "of": row.pk})
    return row


@action("case.work", on=Sample)
def add_result(sample: Sample, *, result: str, by: Actor, at: datetime) -> Sample:
    """Write what the laboratory said. Raises Stale when a result stands already, Invalid for one that is none."""
    if result not in RESULTS or result == "pending":
        raise Invalid([FieldProblem("result", T("请选择结果。", "Choose a result."))])
    if sample.result != "pending":
        raise Stale(T("已有结果；复检请另采一份。", "It has a result; for another one take another sample."))
    sample.result, sample.resulted_at = result, at
    sample.save(update_fields=["result", "resulted_at"])
    record("sample.result", sample, detail={"result": result})
    return sample


@action("case.work", on=Case)
def add_visit(case: Case, *, where: str, venue_id: int | None = None, from_at: datetime, to_at: datetime, by: Actor, at: datetime) -> Visit:
    """Note where a case was, as told in the interview."""
    if to_at <= from_at or from_at > at:
        raise Invalid([FieldProblem("to_at", T("请核对起止时间。", "Check when it began and ended."))])
    if venue_id is not None and not apps.get_model("registry", "Venue").objects.filter(pk=venue_id).exists():
        raise Invalid([FieldProblem("venue", T("登记册里没有这个场所。", "No such venue in the register."))])
    row = Visit.objects.create(case=case, where=in_words("where", where)[:200], venue_id=venue_id, from_at=from_at, to_at=to_at)
    record("visit.add", case.dossier, detail={"visit": row.pk, "from": from_at.isoformat(), "to": to_at.isoformat()})
    return row


@action("case.work", on=Case)
def link_cases(infectee: Case, *, infector: Case, evidence: str, strength: float, note: str = "", by: Actor, at: datetime) -> ChainLink:
    """Record who had it from whom, by which evidence and how surely. Raises Invalid, Stale when that evidence is recorded already."""
    problems = []
    if infector.pk == infectee.pk or not by.may("case.read", infector.place_path):
        problems.append(FieldProblem("infector", T("请选择另一个病例。", "Choose another case.")))
    if evidence not in EVIDENCE_KINDS:
        problems.append(FieldProblem("evidence", T("请选择依据。", "Choose the evidence.")))
    if not 0 < strength <= 1:
        problems.append(FieldProblem("strength", T("把握应大于 0、不超过 1。", "Strength is above 0 and at most 1.")))
    if problems:
        raise Invalid(problems)
    if ChainLink.objects.filter(infector=infector, infectee=infectee, evidence=evidence, withdrawn_at=None).exists():
        raise Stale(T("这条依据已记录。", "This evidence is recorded already."))
    row = ChainLink.objects.create(
        infector=infector, infectee=infectee, evidence=evidence, strength=strength, note=note.strip()[:300], by_id=by.user_id, at=at
    )
    record("chain.link", infectee.dossier, detail={"from": infector.dossier.number, "evidence": evidence, "strength": strength})
    return row


@action("case.work", on=ChainLink)
def withdraw_link(link: ChainLink, *, reason: str, by: Actor, at: datetime) -> ChainLink:
    """Take a link back; it stays in the log. Raises Stale the second time."""
    if link.withdrawn_at is not None:
        raise Stale(T("这条联系已撤回。", "This link is withdrawn already."))
    link.withdrawn_at = at
    link.save(update_fields=["withdrawn_at"])
    record(
        "chain.withdraw",
        link.infectee.dossier,
        reason=in_words("reason", reason),
        detail={"from": link.infector.dossier.number, "evidence": link.evidence},
    )
    return link


def _require_open(case: Case) -> None:
    if case.dossier.closed_at is not None:
        raise Stale(T(f"{case.dossier.number} 已结案，不能再改。", f"{case.dossier.number} is closed and cannot be changed."))
