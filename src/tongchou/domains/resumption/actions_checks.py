"""The on-site check: a result for each item, and what follows for the filing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tongchou.core.audit.acting import action
from tongchou.core.casework.life import advance
from tongchou.core.casework.two_people import require_another
from tongchou.core.errors import FieldProblem, Invalid
from tongchou.core.people.rules import Actor
from tongchou.core.wording import T
from tongchou.domains.resumption.life import clear, open_check, stop
from tongchou.domains.resumption.models import Filing, SiteCheck
from tongchou.domains.resumption.rules import CORRECT_WITHIN, SITE_CHECK, may_work


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one item; what is not in order needs words."""

    is_ok: bool
    note: str = ""


@action("resumption.check", on=SiteCheck)
def keep_findings(check: SiteCheck, *, findings: Mapping[str, Finding], by: Actor, at: datetime) -> SiteCheck:
    """Keep what was found of every item that was to be seen (code → finding), and let work begin, go on, or be put right first.

    Whoever filed does not check. All in order: passed. Else another check follows within `resumption.correct_within`; work that has begun stops for a veto only.
    Raises Invalid, naming each item, when one is missing, unknown, or not in order without words.
    """
    filing = (
        Filing.objects.select_for_update(of=("self",)).select_related("dossier__place", "firm", "school", "site").get(pk=check.filing_id)
    )
    require_another(by, filing.filed_by_id)
    items = {item.code: item for item in filing.items.filter(to_see=True)}
    problems = [FieldProblem(code, T("请给出结果。", "Say what you found.")) for code in items if code not in findings]
    problems += [FieldProblem(code[:60], T("没有这一项。", "There is no such item.")) for code in findings if code not in items]
    wordless = [code for code, found in findings.items() if not found.is_ok and len(found.note.strip()) < 2]
    problems += [FieldProblem(code, T("请写明哪里不符合、怎么改。", "Say what is wrong and what to do.")) for code in wordless]
    if problems:
        raise Invalid(problems)
    step = "pass" if all(found.is_ok for found in findings.values()) else "fail"
    wrong = "；".join(f"{items[code].name_zh}：{found.note.strip()}" for code, found in findings.items() if not found.is_ok)[:300]
    check.seen_by_id = by.user_id
    check.save(update_fields=["seen_by"])
    advance(check.dossier, SITE_CHECK, step, at=at, reason=wrong, detail={code: found.is_ok for code, found in findings.items()})
    for code, found in findings.items():
        item = items[code]
        item.is_ok, item.note, item.seen_in, item.to_see = found.is_ok, found.note.strip()[:200], check, not found.is_ok
        item.save(update_fields=["is_ok", "note", "seen_in", "to_see"])
    vetoes = [item.code for item in items.values() if item.is_veto]
    _follow(filing, may_work({code: f.is_ok for code, f in findings.items()}, vetoes, has_begun=filing.began_on is not None), wrong, at)
    if step == "fail":
        open_check(filing, CORRECT_WITHIN, check.dossier, by=by, at=at)
    return check


def _follow(filing: Filing, allowed: bool, wrong: str, at: datetime) -> None:
    state = filing.dossier.state
    if not allowed and state != "correcting":
        stop(filing, at=at, reason=wrong)
    elif allowed and (state == "correcting" or filing.cleared_at is None):
        clear(filing, at=at)
