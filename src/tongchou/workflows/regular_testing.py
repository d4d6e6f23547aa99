"""Regular testing: everybody of the registers against the rule of the day; who is due, and who is overdue and where they live."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time

from django.db.models import Max, Q

from tongchou.core.parameters.queries import values_on
from tongchou.domains.testing.models import CheckOff, KeyWorker
from tongchou.domains.testing.rules import REGULAR_EVERY, Due, next_due


@dataclass(frozen=True, slots=True)
class Next:
    """A key worker and when they are next due."""

    person: int
    due: Due


def key_workers_due(path: str, at: datetime, until: datetime) -> list[Next]:
    """Key workers below a place who are due by `until` under the rule of the day, soonest first. Three queries."""
    rule = values_on([REGULAR_EVERY], at.date(), path).get(REGULAR_EVERY)
    if rule is None or not isinstance(rule.value, Mapping):
        return []
    rows = KeyWorker.objects.filter(person__place__path__startswith=path, from_on__lte=at.date()).filter(
        Q(to_on=None) | Q(to_on__gt=at.date())
    )
    groups: dict[int, list[tuple[str, date]]] = {}
    for person, group, from_on in rows.order_by().values_list("person_id", "group", "from_on"):
        groups.setdefault(person, []).append((group, from_on))
    latest: dict[int, datetime] = dict(
        CheckOff.objects.filter(person__in=groups).order_by().values_list("person_id").annotate(last=Max("at"))
    )
    found = []
    for person, held in groups.items():
        since = datetime.combine(max(rule.valid_from, min(day for _, day in held)), time.min, at.tzinfo)
        due = next_due([group for group, _ in held], last_sampled_at=latest.get(person), since=since, every_hours=rule.value)
        if due is not None and due.at <= until:
            found.append(Next(person, due))
    return sorted(found, key=lambda n: (n.due.at, n.person))
