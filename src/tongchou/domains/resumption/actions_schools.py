"""Absences of pupils, class by class, and the alarm they raise."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from tongchou.core.audit.acting import action, record
from tongchou.core.casework.life import Opening, advance, open_dossiers
from tongchou.core.casework.two_people import nearest_post
from tongchou.core.errors import FieldProblem, Invalid, Stale, in_words
from tongchou.core.parameters.queries import value
from tongchou.core.people.rules import Actor
from tongchou.core.wording import T
from tongchou.domains.resumption.models import Absence, AbsenceAlarm, Filing
from tongchou.domains.resumption.queries import absences_before
from tongchou.domains.resumption.rules import ABSENCE, AT_WORK, ILL_IN_A_DAY, ILL_IN_THREE_DAYS, absence_reached


@action("resumption.file", on=Filing)
def keep_absences(filing: Filing, *, on: date, counts: Mapping[int, tuple[int, int]], by: Actor, at: datetime) -> AbsenceAlarm | None:
    """Keep how many of each class are absent on a day: class's row number → absent, of them ill; a correction replaces what was said.

    A class that reaches the threshold raises the school's alarm of that day: given back only when it is new. Raises Invalid naming each class,
    Stale when the school is not open.
    """
    if filing.dossier.state not in AT_WORK or filing.school_id is None:
        raise Stale(T("学校尚未复学。", "The school is not open."))
    classes = {part.pk: part for part in filing.parts.all()}
    problems = [] if on <= at.date() else [FieldProblem("on", T("不能填将来的日期。", "The day lies in the future."))]
    for pk, (absent, ill) in counts.items():
        part = classes.get(pk)
        if part is None:
            problems.append(FieldProblem("class", T("没有这个班。", "There is no such class.")))
        elif on < part.returns_on:
            problems.append(FieldProblem(part.name, T(f"{part.returns_on} 才返校。", f"It returns on {part.returns_on}.")))
        elif not 0 <= ill <= absent <= part.people:
            problems.append(
                FieldProblem(part.name, T(f"病假≤缺课≤{part.people} 人。", f"Ill ≤ absent ≤ {part.people} pupils, none below zero."))
            )
    if problems or not counts:
        raise Invalid(problems or [FieldProblem("counts", T("请至少填一个班。", "Give one class at least."))])
    for pk, (absent, ill) in counts.items():
        Absence.objects.update_or_create(part=classes[pk], on=on, defaults={"absent": absent, "ill": ill})
    total = {"on": on, "classes": len(counts), "absent": sum(c[0] for c in counts.values()), "ill": sum(c[1] for c in counts.values())}
    record("filing.absences", filing.dossier, detail=total)
    return _alarm(filing, on, by, at)


def _alarm(filing: Filing, on: date, by: Actor, at: datetime) -> AbsenceAlarm | None:
    path = filing.dossier.place.path
    a_day, three_days = (int(value(key, on=on, place_path=path).value) for key in (ILL_IN_A_DAY, ILL_IN_THREE_DAYS))
    parts = list(filing.parts.all())
    days = [on - timedelta(days=n) for n in (2, 1, 0)]
    known = absences_before([p.pk for p in parts], on, days[0])
    reached = []
    for part in parts:
        ill = [row.ill if (row := known.get(part.pk, {}).get(day)) else 0 for day in days]
        if absence_reached(ill, a_day, three_days):
            reached.append({"name": part.name, "ill": ill})
    if not reached:
        return None
    alarm = AbsenceAlarm.objects.filter(school=filing.school_id, on=on).select_related("dossier").first()
    if alarm is not None:
        alarm.classes = reached
        alarm.save(update_fields=["classes"])
        return None
    names = "、".join(str(one["name"]) for one in reached)[:100]
    place, school = filing.dossier.place, filing.subject
    title = T(f"{school.name}因病缺课：{names}", f"Pupils ill at {school.name}: {names}")
    opening = Opening(title, place, nearest_post("duty_officer", place), caused_by=filing.dossier, detail={"on": on, "classes": reached})
    (head,) = open_dossiers(ABSENCE, [opening], by=by, at=at)
    return AbsenceAlarm.objects.create(dossier=head, school=school, on=on, classes=reached)


@action("resumption.answer", on=AbsenceAlarm)
def answer_absences(alarm: AbsenceAlarm, *, answer: str, by: Actor, at: datetime) -> AbsenceAlarm:
    """Say what was found: what the pupils have, what was done."""
    alarm.answer = in_words("answer", answer, 4)[:300]
    alarm.save(update_fields=["answer"])
    advance(alarm.dossier, ABSENCE, "answer", at=at, reason=alarm.answer)
    return alarm
