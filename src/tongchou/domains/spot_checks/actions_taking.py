"""Units taken, not taken and who stands in, and what the laboratory found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from tongchou.core.audit.acting import action, record
from tongchou.core.errors import FieldProblem, Invalid, Stale, Unseen
from tongchou.core.people.rules import Actor
from tongchou.core.wording import T
from tongchou.domains.spot_checks.models import SpotCheck, Tube, Unit
from tongchou.domains.spot_checks.rules import REASONS, RESULTS

MOST_AT_ONCE = 2000
_CODE_LENGTH = range(4, 33)


@action("spot_check.take")
def take_units(*, check: SpotCheck, units: Sequence[str], tube: str, by: Actor, at: datetime) -> Tube:
    """Note that units were taken into one tube: one, or a pool up to the check's size; whoever was called back goes alone. All or (Invalid) none."""
    _require_taking(check)
    rows = _units(check, units, by)
    code = tube.strip()
    problems = []
    if not (code.isascii() and code.isalnum() and len(code) in _CODE_LENGTH):
        problems.append(FieldProblem("tube", T("管码为4至32位字母或数字", "a tube's code has 4 to 32 letters or digits")))
    for row in rows:
        if row.state not in ("waiting", "not_taken"):
            problems.append(FieldProblem(f"unit {row.code}", T(f"已是“{row.label.zh}”", f"is {row.label.en} already")))
    alone = any(row.pool_id for row in rows)
    if alone and len(rows) > 1:
        problems.append(FieldProblem("units", T("召回复采须单采，一人一管", "whoever was called back goes into a tube alone")))
    if problems:
        raise Invalid(problems)
    found, _ = Tube.objects.get_or_create(check_of=check, code=code, defaults={"size": 1 if alone else check.pool_size})
    room = found.size - found.filled
    if found.value or (alone and found.filled) or len(rows) > room:
        said = T("这支管已有结果，请换新管", "this tube has its result; take a new one")
        if not found.value:
            said = T(f"这支管还能放 {0 if alone else room} 份，请换新管", f"this tube takes {0 if alone else room} more; take a new one")
        raise Invalid([FieldProblem("tube", said)])
    if not Tube.objects.filter(pk=found.pk, value="", filled__lte=F("size") - len(rows)).update(filled=F("filled") + len(rows)):
        raise Stale(T("这支管刚被装满，请换新管。", "The tube was just filled; take a new one."))
    changed = {"state": "taken", "tube": found, "taken_at": at, "taken_by_id": by.user_id, "reason": "", "note": ""}
    if Unit.objects.filter(pk__in=[r.pk for r in rows], state__in=("waiting", "not_taken")).update(**changed) != len(rows):
        raise Stale(T("其中有样本刚被他人登记。", "Somebody else just noted one of them."))
    record("spot_check.take", check.dossier, detail={"tube": code, "units": sorted(r.code for r in rows)})
    found.refresh_from_db()
    return found


@action("spot_check.take")
def miss_units(*, check: SpotCheck, units: Sequence[str], reason: str, note: str = "", by: Actor, at: datetime) -> list[Unit]:
    """Say why units were not taken; for each, unless the reason says otherwise, the next of the reserve of its stratum stands in.

    Gives those who stand in now; fewer than asked when the reserve is used up.
    """
    _require_taking(check)
    if reason not in REASONS:
        raise Invalid([FieldProblem("reason", T("没有这个原因", "no such reason"))])
    rows = _units(check, units, by)
    if wrong := [row for row in rows if row.state not in ("waiting", "taken")]:
        raise Invalid([FieldProblem(f"unit {r.code}", T(f"已是“{r.label.zh}”", f"is {r.label.en} already")) for r in wrong])
    stand_ins = []
    for row in rows:
        row.state, row.reason, row.note = "not_taken", reason, note.strip()[:200]
        row.save(update_fields=["state", "reason", "note"])
        if REASONS[reason][1] and (next_up := _next_in_reserve(check, row)):
            stand_ins.append(next_up)
    detail = {"units": [r.code for r in rows], "stand_ins": {str(r.stands_for.code if r.stands_for else ""): r.code for r in stand_ins}}
    record("spot_check.miss", check.dossier, reason=f"{reason} {note.strip()[:200]}".strip(), detail=detail)
    return stand_ins


def _next_in_reserve(check: SpotCheck, gone: Unit) -> Unit | None:
    """The next of the stratum in the drawn order; never another than that, and one unit never has two who stand in for it."""
    if Unit.objects.filter(stands_for=gone).exists():
        return None
    row = Unit.objects.filter(check_of=check, stratum=gone.stratum_id, state="reserve").order_by("order").first()
    if row is None:
        return None
    row.state, row.stands_for = "waiting", gone
    if not Unit.objects.filter(pk=row.pk, state="reserve").update(state="waiting", stands_for=gone):
        raise Stale(T("备选刚被他人启用，请重试。", "Somebody else just used that reserve; try again."))
    return row


@dataclass(frozen=True, slots=True)
class Finding:
    """What a laboratory says of one tube. `reason` is needed where it said something else before."""

    tube: str
    value: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What a delivery of results did: tubes with a new result, units called back to be taken alone, units found positive alone."""

    new: int
    called_back: tuple[Unit, ...]
    positive: tuple[Unit, ...]


@action("spot_check.result", on=SpotCheck)
def keep_results(check: SpotCheck, *, findings: Sequence[Finding], source: str, by: Actor, at: datetime) -> Found:
    """Keep what the laboratory found, all of it or (Invalid, naming each row) none; the same again changes nothing.

    A positive or inconclusive pool calls its units back to be taken alone, an inconclusive single one too. Another word on a single tube is a correction and needs its reason.
    """
    _require_taking(check)
    tubes = {t.code: t for t in Tube.objects.select_for_update().filter(check_of=check)}
    problems = [p for n, f in enumerate(findings, start=1) for p in _finding_problems(n, f, tubes.get(f.tube))]
    if len({f.tube for f in findings}) < len(findings) or not findings:
        problems.append(FieldProblem("results", T("没有结果，或同一支管写了两次。", "No results, or a tube stands twice.")))
    if problems:
        raise Invalid(problems)
    fresh = [f for f in findings if tubes[f.tube].value != f.value]
    called: list[Unit] = []
    positive: list[Unit] = []
    for finding in fresh:
        tube = tubes[finding.tube]
        tube.value, tube.resulted_at = finding.value, tube.resulted_at or at
        tube.save(update_fields=["value", "resulted_at"])
        rows = list(Unit.objects.filter(tube=tube, state__in=("taken", "negative", "positive")).select_related("place", "stratum"))
        settled = finding.value if finding.value == "negative" or (finding.value == "positive" and tube.filled == 1) else None
        for row in rows:
            row.state = settled or "waiting"
            if settled is None:
                row.pool, row.tube = tube, None
            row.save(update_fields=["state", "pool", "tube"])
        called += [] if settled else rows
        positive += rows if settled == "positive" else []
    counts = {value: sum(f.value == value for f in fresh) for value in RESULTS}
    reasons = "；".join(dict.fromkeys(f.reason.strip() for f in fresh if f.reason.strip()))[:300]
    detail = {"source": source[:80], "same": len(findings) - len(fresh), "called_back": len(called), **counts}
    record("spot_check.results", check.dossier, reason=reasons, detail=detail)
    return Found(len(fresh), tuple(called), tuple(positive))


def _finding_problems(n: int, finding: Finding, tube: Tube | None) -> list[FieldProblem]:
    where = f"results[{n}]"
    if tube is None:
        return [FieldProblem(f"{where}.tube", T(f"本次抽检没有管 {finding.tube[:32]}", f"this check has no tube {finding.tube[:32]}"))]
    if finding.value not in RESULTS:
        return [FieldProblem(f"{where}.value", T("结果应为阴性、阳性或可疑", "a result is negative, positive or inconclusive"))]
    if tube.value in ("", finding.value):
        return []
    known = RESULTS[tube.value]
    if tube.value == "unclear" or (tube.value == "positive" and tube.filled > 1):
        said = T(f"已报“{known.zh}”并召回，请报新管的结果", f"reported {known.en} and called back; report the new tubes")
        return [FieldProblem(f"{where}.tube", said)]
    if len(finding.reason.strip()) < 2:
        return [
            FieldProblem(
                f"{where}.reason", T(f"已报“{known.zh}”，更正须写原因", f"already reported {known.en}; a correction needs its reason")
            )
        ]
    return []


def _require_taking(check: SpotCheck) -> None:
    state = SpotCheck.objects.values_list("dossier__state", flat=True).get(pk=check.pk)
    if state != "taking":
        raise Stale(T("本次抽检不在采样中。", "The check is not being taken."), T("请核对编号和状态。", "Check its number and state."))


def _units(check: SpotCheck, codes: Sequence[str], by: Actor) -> list[Unit]:
    """The units of these pseudonyms that were called up and are the actor's to take, locked. Raises Unseen when one is not."""
    wanted = sorted(set(codes))
    if not 1 <= len(wanted) <= MOST_AT_ONCE:
        raise Invalid([FieldProblem("units", T("请先选定样本。", "Pick somebody first."))])
    rows: list[Unit] = []
    for start in range(0, len(wanted), 400):
        some = Unit.objects.select_for_update(of=("self",)).filter(check_of=check, code__in=wanted[start : start + 400])
        rows += some.exclude(state="reserve").select_related("place", "stratum")
    if len(rows) != len(wanted) or not all(by.may("spot_check.take", row.place.path) for row in rows):
        raise Unseen("unit")
    return sorted(rows, key=lambda row: (row.stratum.name, row.is_reserve, row.order))
