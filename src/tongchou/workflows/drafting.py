"""From an alarm to a draft of warning, for somebody else to sign. Nothing here sends anything.

1. Gather what is known of the alarm: place, streams, size to come, how often such alarms were right.
2. Take the wording and the rules in force that day (`warning.*` parameters).
3. Write the draft (`workflows.draft_text`, pure); taking it out is recorded (`take_draft`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from tongchou.core.parameters.queries import values_on
from tongchou.core.people.models import User
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.wording import T
from tongchou.domains.warning.actions_drafts import take_draft
from tongchou.domains.warning.learning import ppv_at, ppv_said
from tongchou.domains.warning.models import Alarm
from tongchou.domains.warning.queries import evidence_on, verdict_log
from tongchou.workflows.draft_text import WORDING, Ahead, AlarmFacts, Draft, draft_of, kinds_for

HORIZON_DAYS, CARRIERS, TOUCHED, SHARE = 14, 3, 8, 0.05


@dataclass(frozen=True, slots=True)
class Drafts:
    """What can be drafted for one alarm on a day: the proper kinds, and the drafts by kind."""

    kinds: tuple[str, ...]
    facts: AlarmFacts
    wording: Mapping[str, Any]
    drafted_by: T
    on: date

    def draft(self, kind: str) -> Draft:
        return draft_of(kind, self.facts, self.wording, self.drafted_by, self.on)


def drafts_for(alarm: Alarm, town: Place, by: Actor, on: date) -> Drafts:
    """Steps 1 and 2. `alarm` with dossier, place, area and shares; no kinds for a dismissed alarm, or where the office has no rule."""
    wording = {key: found.value for key, found in values_on(WORDING, on, town.path).items()}
    kinds = () if alarm.dossier.state == "dismissed" else kinds_for(alarm.dossier.grade, wording)
    writer = User.objects.filter(pk=by.user_id or 0).first()
    name = writer.name if writer else T(by.label, by.label)
    return Drafts(kinds, _facts(alarm, town), wording, T(f"{town.name_zh} {name.zh}", f"{name.en}, {town.name_en}"), on)


def take(alarm: Alarm, drafts: Drafts, kind: str, form: str, *, by: Actor, at: datetime) -> Draft:
    """Step 3: the draft, and an entry that says who took which text in which form."""
    draft = drafts.draft(kind)
    taken = {"kind": kind, "form": form, "sha256": sha256(draft.text("zh").encode()).hexdigest()}
    take_draft(alarm, taken=taken, by=by, at=at)
    return draft


def _facts(alarm: Alarm, town: Place) -> AlarmFacts:
    head, shares = alarm.dossier, list(alarm.shares.all())
    evidence = evidence_on(alarm.last_seen_on, alarm.target, alarm.area.path).exclude(grade="").exclude(place=alarm.area)
    growth = (alarm.growth_low, alarm.growth_per_day, alarm.growth_high)
    return AlarmFacts(
        number=head.number, place=head.place.name, town=town.name, disease=alarm.target_name, target=alarm.target, grade=head.grade,
        is_confirmed=head.state == "confirmed", seen_on=alarm.last_seen_on, probability=alarm.probability,
        prior_onsets_per_year=alarm.prior_onsets_per_year,
        ppv=ppv_said(ppv_at(verdict_log(), head.opened_at, head.grade, alarm.target)),  # type: ignore[arg-type]
        carriers=tuple(s.stream.indicator for s in shares if s.stream and s.share >= SHARE)[:CARRIERS],
        growth_per_day=None if None in growth else growth,  # type: ignore[arg-type]
        ahead=_ahead(alarm, town), touched=tuple(e.place.name for e in evidence[: TOUCHED + 1] if e.place_id != head.place_id)[:TOUCHED],
    )  # fmt: skip


def _ahead(alarm: Alarm, town: Place) -> Ahead | None:
    """The specific stream over the whole area if there is one, else the loudest where the alarm is."""
    streams = {s.kind: s.stream for s in alarm.shares.all() if s.stream}
    rows = [e for e in alarm.expected if e["kind"] in streams and e["horizon_days"] == HORIZON_DAYS and e["median"] is not None]
    rows.sort(key=lambda e: (not streams[e["kind"]].is_specific, e["place"] is not None))
    if not rows:
        return None
    row = rows[0]
    stream, where = streams[row["kind"]], town.name if row["place"] is None else alarm.dossier.place.name
    return Ahead(stream.indicator, stream.unit, where, HORIZON_DAYS, row["median"], row["lower"], row["upper"])
