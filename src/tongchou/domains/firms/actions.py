"""Recording what is known of firms, and giving a firm its own address. `firm` is a row of the register with its place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db.models import Max

from tongchou.core.audit.acting import action, record
from tongchou.core.errors import FieldProblem, Invalid, Refusal, Stale, in_words
from tongchou.core.importing.bulk import insert_columns
from tongchou.core.importing.matching import blocks
from tongchou.core.packs.fields import BadFact, Fields
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.secrecy import token_digest
from tongchou.core.wording import T
from tongchou.domains.firms.models import FirmAddress, FirmFact
from tongchou.domains.firms.rules import address_token


@dataclass(frozen=True, slots=True)
class Origin:
    """Where facts come from: a key of rules.SOURCES, in words, and the day on which it was so."""

    source: str
    known_on: date
    note: str = ""


@action("register.write", place=lambda given: given["firm"].place_path)
def record_facts(*, firm: Any, given: Mapping[str, str], fields: Fields, origin: Origin, by: Actor, at: datetime) -> dict[str, str]:
    """Record facts of one firm in words as people write them; an empty one ends what was known. Gives those that changed.

    Raises Invalid naming every field that there is not, that follows from the register, or that cannot take its value; Refusal when nothing changes.
    """
    read = _read(given, fields)
    if origin.known_on > at.date():
        raise Invalid([FieldProblem("known_on", T("日期不能在将来。", "The day lies in the future."))])
    stands = dict(FirmFact.objects.filter(firm=firm, field__in=read, ended_at=None).values_list("field", "value"))
    changed = {name: value for name, value in read.items() if value != stands.get(name, "")}
    if not changed:
        raise Refusal(T("没有任何改动。", "Nothing was changed."), T("改一项再保存。", "Change a field, then save."))
    FirmFact.objects.filter(firm=firm, field__in=changed, ended_at=None).update(ended_at=at)
    FirmFact.objects.bulk_create(
        [
            FirmFact(
                firm=firm, field=name, value=value, source=origin.source, note=origin.note[:120], known_on=origin.known_on, recorded_at=at,
                by_id=by.user_id,
            )
            for name, value in changed.items()
            if value
        ]
    )  # fmt: skip
    old = {name: stands[name] for name in changed if name in stands}
    record("firm.facts", firm, reason=origin.note, detail={"source": origin.source, "old": old, "new": changed})
    return changed


def _read(given: Mapping[str, str], fields: Fields) -> dict[str, str]:
    read, problems = {}, []
    for name, text in given.items():
        field = fields.get(name)
        if field is None:
            problems.append(FieldProblem(name, T("没有这个字段。", "There is no such field.")))
        elif field.register:
            problems.append(FieldProblem(name, T("请在企业登记中修改。", "It follows from the register; change it there.")))
        else:
            try:
                read[name] = field.read(text) if text.strip() else ""
            except BadFact as bad:
                said = T(f"{field.label.zh}：{bad.said.zh}，收到“{text[:40]}”。", f"{field.label.en}: {bad.said.en}; got '{text[:40]}'.")
                problems.append(FieldProblem(name, said))
    if problems:
        raise Invalid(problems)
    return read


@action("register.write", place=lambda given: given["place"].path)
def record_many(*, rows: Sequence[tuple[int, str, str]], origin: Origin, place: Place, by: Actor, at: datetime) -> int:
    """Record facts of many firms below a place at once: (firm, field, value as the field keeps it). Gives how many are new; one entry for all.

    Raises Invalid for a firm elsewhere. A fact given twice in `rows`: the last counts.
    """
    wanted = {(firm, field): value for firm, field, value in rows}
    firms = FirmFact._meta.get_field("firm").related_model._default_manager
    below = set(firms.filter(place__path__startswith=place.path).values_list("pk", flat=True))
    if strangers := {firm for firm, _ in wanted} - below:
        raise Invalid([FieldProblem("firm", T(f"有 {len(strangers)} 家企业不在此地。", f"{len(strangers)} firms are elsewhere."))])
    stands = {}
    for some in blocks({firm for firm, _ in wanted}):
        for pk, firm, field, value in FirmFact.objects.filter(firm__in=some, ended_at=None).values_list("pk", "firm_id", "field", "value"):
            stands[firm, field] = (pk, value)
    fresh = [(*key, value) for key, value in wanted.items() if stands.get(key, (0, ""))[1] != value]
    for some in blocks([stands[firm, field][0] for firm, field, _ in fresh if (firm, field) in stands]):
        FirmFact.objects.filter(pk__in=some).update(ended_at=at)
    if fresh:
        owners, names, values = zip(*fresh, strict=True)
        same = {"source": origin.source, "note": origin.note[:120], "known_on": origin.known_on, "recorded_at": at, "by_id": by.user_id}
        insert_columns(
            FirmFact, {"firm_id": owners, "field": names, "value": values, **{name: [value] * len(fresh) for name, value in same.items()}}
        )
    record("firm.facts_many", place, reason=origin.note, detail={"source": origin.source, "given": len(rows), "new": len(fresh)})
    return len(fresh)


@action("register.write", place=lambda given: given["firm"].place_path)
def give_address(*, firm: Any, by: Actor, at: datetime) -> str:
    """The secret end of a firm's living address; a first one is made when it has none."""
    living = FirmAddress.objects.filter(firm=firm, ended_at=None).first()
    if living is None:
        number = (FirmAddress.objects.filter(firm=firm).aggregate(last=Max("number"))["last"] or 0) + 1
        token = address_token(settings.KEYS.index, firm.pk, number)
        FirmAddress.objects.create(firm=firm, number=number, digest=token_digest(token), made_at=at)
    else:
        token = address_token(settings.KEYS.index, firm.pk, living.number)
    record("firm.address", firm, detail={"is_new": living is None})
    return token


@action("register.write", place=lambda given: given["firm"].place_path)
def end_address(*, firm: Any, reason: str, by: Actor, at: datetime) -> None:
    """The address of a firm ends, because somebody has it who should not. Raises Stale when it has none."""
    if not FirmAddress.objects.filter(firm=firm, ended_at=None).update(ended_at=at):
        raise Stale(T("这家企业没有在用的链接。", "The firm has no living address."))
    record("firm.address_end", firm, reason=in_words("reason", reason))
