"""Entrances and devices, entry rules, holders of passes."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

from django.apps import apps
from django.db import connection

from tongchou.core.audit.acting import action, record
from tongchou.core.audit.chain import canonical
from tongchou.core.errors import FieldProblem, Invalid, Refusal, Stale, Unseen
from tongchou.core.identity import check_mobile, check_resident_id
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.secrecy import blind_index, token_digest
from tongchou.core.wording import T
from tongchou.domains.gate.models import Device, Entrance, EntryRules, Holder
from tongchou.domains.gate.queries import rule_from
from tongchou.domains.gate.rules import ALL, DeviceKind, piling_on

_BATCH = 500
_ENROL_WITHIN = timedelta(minutes=15)
_MAIN = T("正门", "Main entrance")


@dataclass(frozen=True, slots=True)
class EntranceSpec:
    """One way into a venue as it is to be set up. `venue` is the register's row number."""

    venue: int
    name: T = _MAIN
    keeper: str = ""
    expected_daily: int | None = None


@action("gate.write")
def open_entrances(*, specs: Sequence[EntranceSpec], by: Actor, at: datetime) -> list[Entrance]:
    """Give venues their entrances with codes of their own, in order: the venue's code for its first, then -2, -3 and so on."""
    wanted = {spec.venue for spec in specs}
    venues = {v.pk: v for v in apps.get_model("registry", "Venue").objects.select_related("place").filter(pk__in=wanted)}
    if any(pk not in venues or not by.may("gate.write", venues[pk].place.path) for pk in wanted):
        raise Unseen("venue")
    known: dict[int, int] = {}
    for pk in Entrance.objects.filter(venue__in=wanted).order_by().values_list("venue_id", flat=True):
        known[pk] = known.get(pk, 0) + 1
    rows = []
    for spec in specs:
        count = known[spec.venue] = known.get(spec.venue, 0) + 1
        venue = venues[spec.venue]
        code = venue.code if count == 1 else f"{venue.code}-{count}"
        rows.append(
            Entrance(
                code=code,
                venue_id=spec.venue,
                place_id=venue.place_id,
                name_zh=spec.name.zh,
                name_en=spec.name.en,
                keeper=spec.keeper,
                expected_daily=spec.expected_daily,
            )
        )
    Entrance.objects.bulk_create(rows, batch_size=_BATCH)
    for row in rows if len(rows) <= 20 else rows[:1]:
        record("entrance.open", row, place_path=venues[row.venue_id].place.path, detail={"code": row.code, "together": len(rows)})
    return rows


@action("gate.write", on=Entrance)
def edit_entrance(entrance: Entrance, *, keeper: str, expected_daily: int | None, by: Actor, at: datetime) -> Entrance:
    """Name the responsible person as the poster prints it, and how many people enter on an ordinary day (None: not known)."""
    if expected_daily is not None and not 0 <= expected_daily <= 1_000_000:
        raise Invalid([FieldProblem("expected_daily", T("请填0到1,000,000之间的整数。", "Give a whole number up to 1,000,000."))])
    entrance.keeper, entrance.expected_daily = keeper.strip()[:60], expected_daily
    entrance.save(update_fields=["keeper", "expected_daily"])
    record("entrance.edit", entrance, detail={"code": entrance.code, "expected_daily": expected_daily})
    return entrance


@action("gate.write", on=Entrance)
def change_screen_secret(entrance: Entrance, *, secret: str, by: Actor, at: datetime) -> Entrance:
    """Give an entrance's screens a new secret (random): every code they have shown or fetched is dead. Raises Stale where no screen stands."""
    if entrance.secret is None:
        raise Stale(T("这个入口没有屏幕。", "No screen stands at this door."))
    entrance.secret = secret
    entrance.save(update_fields=["secret"])
    record("entrance.screen", entrance, detail={"entrance": entrance.code})
    return entrance


@action("gate.write", on=Entrance)
def invite_device(entrance: Entrance, *, name: str, code: str, kind: DeviceKind = "scanner", by: Actor, at: datetime) -> Device:
    """Make a place for one device; whoever shows `code` (random, kept as a digest) within a quarter of an hour becomes it."""
    if not name.strip():
        raise Invalid([FieldProblem("name", T("请给设备起个名，如“东门手机”。", "Name the device, for example East gate phone."))])
    row = Device.objects.create(
        entrance=entrance, kind=kind, name=name.strip()[:60], code_digest=token_digest(code), code_until_at=at + _ENROL_WITHIN
    )
    record("device.invite", row, detail={"device": row.pk, "kind": row.kind, "entrance": entrance.code})
    return row


@action("gate.enrol")
def enrol_device(*, code: str, token: str, kind: DeviceKind = "scanner", secret: str = "", by: Actor, at: datetime) -> Device:
    """Let the device that shows an invitation's code be that device, holding `token` (random, kept as a digest). Once only.

    `secret`: the entrance's from now on when this is its first screen. Raises Refusal for a code that is unknown, used, too old or of the
    other kind: all are one answer, so that nobody can try codes.
    """
    row = Device.objects.select_for_update(of=("self",)).filter(code_digest=token_digest(code), kind=kind, revoked_at=None).first()
    if row is None or row.code_until_at is None or row.code_until_at < at:
        raise Refusal(
            T("登记码无效、已用过或已过期。", "This enrolment code is unknown, used or too old."),
            T("请管理员重新生成，15分钟内扫码。", "Ask for a new one and scan it within 15 minutes."),
        )
    row.code_digest, row.token_digest, row.enrolled_at = None, token_digest(token), at
    row.save(update_fields=["code_digest", "token_digest", "enrolled_at"])
    if kind == "screen" and row.entrance.secret is None:
        row.entrance.secret = secret
        row.entrance.save(update_fields=["secret"])
    record("device.enrol", row, detail={"device": row.pk, "kind": row.kind, "entrance": row.entrance.code})
    return row


@action("gate.write", on=Device)
def revoke_device(device: Device, *, reason: str, secret: str = "", by: Actor, at: datetime) -> Device:
    """Trust a device no more; its scans are refused from the next second on. Raises Stale when it already is revoked.

    `secret`: the entrance's from now on when this was one of several screens, so that codes which it fetched ahead are dead at once.
    """
    if len(reason.strip()) < 2:
        raise Invalid([FieldProblem("reason", T("请写明原因，如“遗失”。", "Say why, for example: stolen."))])
    if device.revoked_at is not None:
        raise Stale(T("该设备已停用。", "The device is already revoked."))
    device.revoked_at, device.reason, device.token_digest, device.code_digest = at, reason.strip()[:200], None, None
    device.save(update_fields=["revoked_at", "reason", "token_digest", "code_digest"])
    if device.kind == "screen" and device.enrolled_at:
        others = device.entrance.devices.filter(kind="screen", token_digest__isnull=False)
        device.entrance.secret = secret if others.exists() else None
        device.entrance.save(update_fields=["secret"])
    record("device.revoke", device, reason=reason)
    return device


@action("gate.rules", place=lambda given: given["place"].path)
def publish_entry_rules(
    *,
    rules: Sequence[Mapping[str, Any]],
    ceilings: Sequence[Mapping[str, Any]],
    classes: Sequence[str],
    place: Place,
    by: Actor,
    at: datetime,
) -> EntryRules:
    """Bring entry rules into force as the next version; the very same again changes nothing.

    Raises Invalid, naming each class and day, when a rule asks for more than was ordered from above, or names a class that is none of `classes`.
    """
    asked, ordered = [rule_from(r) for r in rules], [rule_from(c) for c in ceilings]
    named = {name for rule in (*asked, *ordered) for name in rule.venue_classes}
    found = [T(f"没有场所类别 {name}", f"there is no class of venue {name}") for name in sorted(named - {*classes, ALL})]
    found += piling_on(asked, ordered, classes)
    if found:
        raise Invalid([FieldProblem("rules", said) for said in found])
    text = canonical({"rules": list(rules), "ceilings": list(ceilings)})
    digest = sha256(text.encode()).hexdigest()
    latest = EntryRules.objects.first()
    if latest is not None and latest.digest == digest:
        row = latest
    else:
        row = EntryRules.objects.create(
            version=(latest.version if latest else 0) + 1, body=json.loads(text), digest=digest, place=place, published_at=at
        )
    record("gate.rules", row, detail={"version": row.version, "digest": digest, "again": row is latest})
    return row


@action("pass.issue")
def register_residents(*, numbers: Mapping[int, int], by: Actor, at: datetime) -> list[Holder]:
    """Give residents (register's row number → random holder number) their holder rows; those who have one keep it."""
    residents = apps.get_model("registry", "Resident").objects.order_by()
    rows: list[Holder] = []
    asked = 0
    for some in _batches(sorted(numbers)):
        known = set(Holder.objects.filter(resident__in=some).order_by().values_list("resident_id", flat=True))
        for pk, place_id, path in residents.filter(pk__in=some).values_list("pk", "place_id", "place__path"):
            if not by.may("pass.issue", path):
                raise Unseen("resident")
            asked += 1
            if pk not in known:
                rows.append(Holder(number=numbers[pk], resident_id=pk, place_id=place_id))
    if asked != len(numbers) or not numbers:
        raise Unseen("resident")
    Holder.objects.bulk_create(rows, batch_size=_BATCH)
    about = rows[0] if rows else Holder.objects.select_related("place").get(resident=next(iter(numbers)))
    record("holder.register", about, detail={"residents": len(rows)})
    return rows


@action("pass.issue", place=lambda given: given["place"].path)
def register_visitor(*, number: int, name: str, phone: str, id_number: str, place: Place, by: Actor, at: datetime) -> Holder:
    """Give somebody who is in no register a holder row: a name and a phone, an identity number if they show one."""
    problems = [] if name.strip() else [FieldProblem("name", T("请填写姓名。", "Give a name."))]
    checked: dict[str, str] = {}
    for field, text, check in (("phone", phone, check_mobile), ("id_number", id_number, check_resident_id)):
        try:
            checked[field] = check(text) if text.strip() or field == "phone" else ""
        except Refusal as refusal:
            problems.append(FieldProblem(field, refusal.said))
    if problems:
        raise Invalid(problems)
    id_index = blind_index(checked["id_number"]) if checked["id_number"] else None
    # What is said now replaces what was: nobody learns from the answer whether, where or as whom a number was registered before.
    said = {"name": name.strip()[:60], "phone": checked["phone"], "phone_index": blind_index(checked["phone"]), "place": place}
    known = Holder.objects.filter(id_index=id_index).first() if id_index is not None else None
    if known is not None:
        for field, value in said.items():
            setattr(known, field, value)
        known.save(update_fields=list(said))
    row = known or Holder.objects.create(number=number, id_number=checked["id_number"] or None, id_index=id_index, **said)
    record("holder.register", row, detail={"visitor": True, "again": known is not None})
    return row


@action("gate.learn")
def learn_facts(
    *,
    sampled_at: Mapping[int, datetime | None],
    doses: Mapping[int, tuple[int, date | None]],
    replaced: Collection[int] = (),
    by: Actor,
    at: datetime,
) -> int:
    """Take over what passes may say of their holders: the latest negative test, doses. Older news changes nothing. Gives how many changed.

    `replaced`: holders of whom an earlier result was corrected; what is said of them now stands, even if it is older or nothing.
    """
    known = next((row for some in _batches(sorted({*sampled_at, *doses})) for row in Holder.objects.filter(pk__in=some)[:1]), None)
    if known is None:
        raise Unseen("holder")
    written, at_kept = connection.ops.adapt_datetimefield_value, connection.ops.adapt_datetimefield_value(at)
    tests = [(n, written(day) if day else None) for n, day in sampled_at.items()]
    days = [(n, count, connection.ops.adapt_datefield_value(day) if day else None) for n, (count, day) in doses.items()]
    # One prepared statement for a whole round: a hundred times the pace of reading and saving rows.
    changed = sum(
        _update(assigned, condition, rows)
        for assigned, condition, rows in (
            ("sampled_at = %s", "sampled_at IS NULL OR sampled_at < %s", [(t, at_kept, n, t) for n, t in tests if t and n not in replaced]),
            ("sampled_at = %s", "sampled_at IS DISTINCT FROM %s", [(t, at_kept, n, t) for n, t in tests if n in replaced]),
            (
                "doses = %s, last_dose_on = %s",
                "doses <> %s OR last_dose_on IS DISTINCT FROM %s",
                [(c, d, at_kept, n, c, d) for n, c, d in days],
            ),
        )
    )
    record("holder.facts", known, detail={"holders": changed, "replaced": len(replaced)})
    return changed


def _update(assigned: str, condition: str, rows: Sequence[tuple[Any, ...]]) -> int:
    if not rows:
        return 0
    with connection.cursor() as cursor:
        cursor.executemany(f"UPDATE gate_holder SET {assigned}, facts_at = %s WHERE number = %s AND ({condition})", rows)
        return int(cursor.rowcount)


def _batches(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    return (numbers[start : start + _BATCH] for start in range(0, len(numbers), _BATCH))
