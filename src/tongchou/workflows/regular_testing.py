"""Regular testing: everybody of the registers against the rule of the day; who is due, and who is overdue and where they live and work.

1. The rule of the day says how often each group is sampled; everybody is a resident, some are key workers besides, the strictest group decides.
2. Counts, by village and by unit, name nobody and are made in the database: of 200,000 people in well under a second.
3. People are read for one village or one unit at a time, to chase them: an Access, as is each number that is called.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Case, Count, DateField, DateTimeField, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When

from tongchou.core.errors import Refusal, Unseen
from tongchou.core.parameters.queries import Value as Rule
from tongchou.core.parameters.queries import values_on
from tongchou.core.people.rules import Actor
from tongchou.core.places.queries import places_below
from tongchou.core.wording import T
from tongchou.domains.registry.actions import read_names, unmask
from tongchou.domains.registry.imports import RESIDENTS
from tongchou.domains.registry.models import Household, Resident
from tongchou.domains.testing.models import Account, CheckOff, KeyWorker, Round
from tongchou.domains.testing.rules import LASTING, REGULAR_EVERY, RESIDENT, Due, next_due

CHASED = T("常态化核酸催采", "chasing overdue regular tests")


@dataclass(frozen=True, slots=True)
class Next:
    """A key worker and when they are next due."""

    person: int
    due: Due


def rule_of(path: str, at: datetime) -> Rule | None:
    """The intervals of regular testing (group → hours) in force in a place; none when nothing is asked. One query."""
    rule = values_on([REGULAR_EVERY], at.date(), path).get(REGULAR_EVERY)
    return rule if rule is not None and isinstance(rule.value, Mapping) else None


def key_workers_due(path: str, at: datetime, until: datetime) -> list[Next]:
    """Key workers below a place who are due by `until` under the rule of the day, soonest first. Three queries."""
    rule = rule_of(path, at)
    if rule is None:
        return []
    found = [Next(who, due) for who, due in _dues(_key_workers(at).filter(person__place__path__startswith=path), rule, at).items()]
    return sorted((n for n in found if n.due.at <= until), key=lambda n: (n.due.at, n.person))


def _key_workers(at: datetime) -> QuerySet[KeyWorker]:
    return KeyWorker.objects.filter(Q(to_on=None) | Q(to_on__gt=at.date()), from_on__lte=at.date())


def _dues(workers: QuerySet[KeyWorker], rule: Rule, at: datetime) -> dict[int, Due]:
    """Key worker → when next due, by the strictest of their groups."""
    last = Subquery(_samples().filter(person=OuterRef("person")).order_by("-at").values("at")[:1])
    held: dict[int, list[tuple[str, date]]] = defaultdict(list)
    latest: dict[int, datetime | None] = {}
    for person, group, from_on, at_last in workers.order_by().annotate(last=last).values_list("person_id", "group", "from_on", "last"):
        held[person].append((group, from_on))
        latest[person] = at_last
    found = {}
    for person, groups in held.items():
        since = datetime.combine(max(rule.valid_from, min(day for _, day in groups)), time.min, at.tzinfo)
        due = next_due([group for group, _ in groups], last_sampled_at=latest[person], since=since, every_hours=rule.value)
        if due is not None:
            found[person] = due
    return found


def _samples() -> QuerySet[CheckOff]:
    """Check-offs that count; a drill's do not."""
    drills = list(Round.objects.filter(dossier__is_exercise=True).values_list("pk", flat=True))
    return CheckOff.objects.exclude(round__in=drills) if drills else CheckOff.objects.all()


def _by_place(rows: QuerySet[Any], person: str, place: str) -> list[tuple[int, int, int]]:
    """Place, how many people, how many of them were ever sampled."""
    ever = Exists(_samples().filter(person=OuterRef(person)))
    counted = rows.order_by().values_list(place).annotate(n=Count(person, distinct=True), ever=Count(person, distinct=True, filter=ever))
    return list(counted)


@dataclass(frozen=True, slots=True)
class VillageCount:
    """How many people of a village are overdue, and how many of them were never sampled."""

    people: int
    never: int


@dataclass(frozen=True, slots=True)
class UnitCount:
    """How many key workers of a unit are overdue; the unit is empty where the list named none."""

    group: str
    unit: str
    people: int


@dataclass(frozen=True, slots=True)
class Late:
    """Somebody who is overdue: since when, by which group, when last sampled, and what was last said of why they are not (key of `rules.REASONS`)."""

    person: Resident
    due: Due
    last_sampled_at: datetime | None
    said: str | None


@dataclass(frozen=True, slots=True)
class Overdue:
    """Who below a place is overdue at an instant under the rule of the day. Nothing is read before it is asked for."""

    path: str
    at: datetime
    rule: Rule

    def people(self) -> QuerySet[Resident]:
        """Everybody who is overdue. A word why somebody is not sampled holds as long as a sample would, a lasting one for good."""
        workers = Q(pk__in=set(self._late_workers().values_list("person", flat=True)))
        return self._here().filter(workers | self._late_as_residents("pk") if RESIDENT in self.rule.value else workers)

    def by_village(self) -> dict[int, VillageCount]:
        """Place → how many: as residents, and as key workers but not as residents. Three queries, each an anti-join: 200,000 rows are no loop."""
        workers = self._late_workers()
        parts = [(1, _by_place(workers, "person", "person__place"))]
        if RESIDENT in self.rule.value:
            parts.append((1, _by_place(self._here().filter(self._late_as_residents("pk")), "pk", "place")))
            parts.append((-1, _by_place(workers.filter(self._late_as_residents("person")), "person", "person__place")))
        people: Counter[int] = Counter()
        sampled: Counter[int] = Counter()
        for sign, rows in parts:
            for place, count, ever in rows:
                people[place] += sign * count
                sampled[place] += sign * ever
        return {place: VillageCount(count, count - sampled[place]) for place, count in people.items() if count}

    def by_unit(self) -> list[UnitCount]:
        """Key workers, the unit with the most first. One query."""
        counted = self._late_workers().order_by().values_list("group", "unit").annotate(n=Count("person", distinct=True))
        return sorted((UnitCount(*row) for row in counted), key=lambda c: (-c.people, c.group, c.unit))

    def of_unit(self, group: str, unit: str) -> QuerySet[Resident]:
        """The key workers of a unit who are overdue."""
        return Resident.objects.filter(pk__in=set(self._late_workers().filter(group=group, unit=unit).values_list("person", flat=True)))

    def details(self, people: Sequence[Resident]) -> list[Late]:
        """What is known of some of them. Four queries."""
        numbers = [person.pk for person in people]
        dues = _dues(_key_workers(self.at).filter(person__in=numbers), self.rule, self.at)
        latest: dict[int, datetime] = {}
        for number, at in _samples().filter(person__in=numbers).order_by("at").values_list("person_id", "at"):
            latest[number] = at
        said = dict(Account.objects.filter(person__in=numbers, replaced_at=None).order_by("at").values_list("person_id", "reason"))
        since = datetime.combine(self.rule.valid_from, time.min, self.at.tzinfo)
        found = []
        for person in people:
            last = latest.get(person.pk)
            own = next_due([RESIDENT], last_sampled_at=last, since=since, every_hours=self.rule.value)
            worker = dues.get(person.pk)
            due = worker if own is None or (worker is not None and worker.at <= self.at) else own
            if due is not None:
                found.append(Late(person, due, last, said.get(person.pk)))
        return found

    def _places(self) -> list[int]:
        return list(places_below(self.path).values_list("pk", flat=True))

    def _here(self) -> QuerySet[Resident]:
        return Resident.objects.filter(place__in=self._places())

    def _late_as_residents(self, person: str) -> Q:
        every = timedelta(hours=float(self.rule.value[RESIDENT]))
        late = _silent_since(self.at - every, person)
        return late if self.rule.valid_from <= self._bound_since(every) else late & Q(Exists(_samples().filter(person=OuterRef(person))))

    def _late_workers(self) -> QuerySet[KeyWorker]:
        """Rows of key workers late for their group. One comparison with an instant of each row, not one for each group: so it is an anti-join."""
        hours = {group: timedelta(hours=float(h)) for group, h in self.rule.value.items() if group != RESIDENT}
        began = Case(*(When(group=g, then=Value(self.at - every)) for g, every in hours.items()), output_field=DateTimeField())
        bound = Case(*(When(group=g, then=Value(self._bound_since(every))) for g, every in hours.items()), output_field=DateField())
        rows = _key_workers(self.at).filter(group__in=list(hours), person__place__in=self._places()).alias(began=began, bound=bound)
        ever = Exists(_samples().filter(person=OuterRef("person")))
        return rows.filter(_silent_since(OuterRef("began"), "person"), Q(from_on__lte=F("bound")) | Q(ever))

    def _bound_since(self, every: timedelta) -> date:
        """The last first day of a rule, or of being in a group, that asks somebody never sampled: they have one interval from it."""
        began = (self.at - every).date()
        return began if self.rule.valid_from <= began else date.min


def _silent_since(began: Any, person: str) -> Q:
    """Neither sampled after an instant, nor a word that holds."""
    said = Account.objects.filter(Q(reason__in=LASTING) | Q(at__gt=began), person=OuterRef(person), replaced_at=None)
    return Q(~Exists(_samples().filter(person=OuterRef(person), at__gt=began)) & ~Exists(said))


def overdue_below(path: str, at: datetime) -> Overdue | None:
    """Who is overdue below a place; none when no rule holds there."""
    rule = rule_of(path, at)
    return None if rule is None else Overdue(path, at, rule)


def overdue_seen(actor: Actor, at: datetime) -> list[Overdue]:
    """Who is overdue in each of the places whose testing an actor may see."""
    return [found for scope in actor.scopes("testing.read") if (found := overdue_below(scope, at)) is not None]


def people_to_chase(found: Overdue, people: QuerySet[Resident], *, by: Actor, at: datetime) -> list[Late]:
    """Read who is overdue, with names, to chase them: an Access of each household, or of the person who belongs to none."""
    rows = list(people.select_related("place", "household__place").defer("id_number", "phone", "household__phone"))
    if rows:
        homes: dict[tuple[str, int], Household | Resident] = {}
        for row in rows:
            homes["household" if row.household else "resident", row.household_id or row.pk] = row.household or row
        read_names(rows=list(homes.values()), purpose=f"{CHASED.zh} {CHASED.en}", by=by, at=at)
    return found.details(rows)


def number_of_overdue(person: int, *, by: Actor, at: datetime) -> str:
    """The phone of somebody who is overdue, for one call; the log says who asked and why. Raises Unseen, or Refusal when none is known."""
    late = (found.people().filter(pk=person).select_related("place").first() for found in overdue_seen(by, at))
    row = next((one for one in late if one is not None), None)
    if row is None:
        raise Unseen("resident")
    phone = unmask(spec=RESIDENTS, row=row, fields=["phone"], purpose=f"{CHASED.zh} {CHASED.en}", by=by, at=at)["phone"]
    if not phone:
        raise Refusal(
            T("底数里没有电话。", "The register has no phone."),
            T("请上门核实后在底数补录。", "Call at the door, then add it to the register."),
        )
    return phone
