"""How far the economy is back, from what firms file and from what they leave behind; how far it will be; what holds it up.

1. Read the register and the last readings of power, gate and invoices once (`picture`).
2. Two rates by sector, village, size or kind of venue: as filed, and by each kind of evidence with its interval (`rates`).
3. Firms whose filing and evidence disagree, worst first, each with one sentence (`disagreements`).
4. The two rates in the days ahead, with intervals (`ahead`).
5. Who is stuck, since when, because of what; what one condition or check, once out of the way, would bring (`stuck`, `unblocking`).
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import Count

from tongchou.core.parameters.queries import values_on
from tongchou.core.wording import T
from tongchou.domains.registry.models import Firm, Venue
from tongchou.domains.registry.queries import living_firms
from tongchou.domains.registry.rules import SECTIONS, SIZE_CLASSES, VENUE_CLASSES
from tongchou.domains.resumption.models import Filing
from tongchou.domains.resumption.queries import full_days, latest_readings, rulebook, stops_since, stuck_filings
from tongchou.domains.resumption.rules import READ_WITHIN, SIGNS, SOURCES
from tongchou.science import RecoveryForecast, Transition, WorkingShare, chance_at_work, forecast_recovery, working_share

BY: Mapping[str, T] = {
    "sector": T("行业", "Sector"),
    "village": T("村居", "Village"),
    "size": T("规模", "Size"),
    "venue": T("楼宇场所", "Venue"),
}
AHEAD_DAYS, PAST_DAYS = 14, 21
LEAST_FIRM_DAYS = 500  # assumption: with fewer a hazard of a per cent a day is a guess
SURE, UNSURE = 0.8, 0.2  # assumption: from here on evidence contradicts a filing


@dataclass(frozen=True, slots=True)
class FirmNow:
    """A firm of the register with its last reading of each kind over its own base."""

    pk: int
    name: str
    place_id: int
    section: str
    size_class: str
    staff: int
    resumption: str
    ratios: Mapping[str, float]

    def ratio(self, source: str) -> float:
        return self.ratios.get(source, float("nan"))


@dataclass(frozen=True, slots=True)
class Picture:
    """The firms of a place that left readings behind by a day, and from which share of its base on each kind is a sign (`resumption.signs`)."""

    path: str
    firms: tuple[FirmNow, ...]
    signs: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Rate:
    """A group's two rates: as filed, and by kind of evidence (at work, full)."""

    key: str
    name: T
    firms: int
    at_work: float
    full: float
    evidence: Mapping[str, tuple[WorkingShare, WorkingShare]]


def picture(path: str, day: date) -> Picture:
    """Step 1. Three queries, none about firms without readings."""
    given = values_on([SIGNS, READ_WITHIN], day, path)
    is_told = len(given) == 2  # a town that does not say what is a sign has no evidence
    read = latest_readings(day, int(given[READ_WITHIN].value)) if is_told else {}
    fields = ("pk", "name", "place_id", "section", "size_class", "staff_count", "resumption")
    known = sorted({pk for ratios in read.values() for pk in ratios})
    firms = [
        FirmNow(pk, name, place_id, section, size_class, staff, state, {s: ratios[pk] for s, ratios in read.items() if pk in ratios})
        for start in range(0, len(known), 500)
        for pk, name, place_id, section, size_class, staff, state in Firm.objects.filter(
            place__path__startswith=path, pk__in=known[start : start + 500]
        )
        .order_by("pk")
        .values_list(*fields)
    ]
    return Picture(path, tuple(firms), given[SIGNS].value if is_told else {})


_FIELDS: Mapping[str, str] = {"sector": "section", "village": "place_id", "size": "size_class", "venue": "venues__venue_class"}


def rates(seen: Picture, by: str, villages: Mapping[int, T]) -> list[Rate]:
    """Step 2: all together, then by group, the largest first. `by`: a key of BY. Two queries, for venues three."""
    field = _FIELDS[by]
    here = living_firms().filter(place__path__startswith=seen.path).order_by()
    counted: dict[Any, Counter[str]] = defaultdict(Counter)
    for key, state, n in here.values_list(field, "resumption").annotate(n=Count("pk", distinct=True)):
        counted[key][state] += n
    everywhere = Counter(dict(here.values_list("resumption").annotate(n=Count("pk"))))
    venues: Mapping[Any, T] = {**VENUE_CLASSES, None: T("没有登记场所", "no venue registered")}
    all_words: Mapping[str, Mapping[Any, T]] = {"sector": SECTIONS, "size": SIZE_CLASSES, "village": villages, "venue": venues}
    words, members = all_words[by], _members(seen, by)
    made = [_rate(key, words.get(key, T(str(key), str(key))), counts, members[key], seen.signs) for key, counts in counted.items()]
    whole = _rate("", T("全部", "All"), everywhere, seen.firms, seen.signs)
    return [whole, *sorted(made, key=lambda rate: (-rate.firms, rate.key))]


def _members(seen: Picture, by: str) -> dict[Any, list[FirmNow]]:
    """The firms with readings by group; a firm with venues of several kinds counts with each."""
    found: dict[Any, list[FirmNow]] = defaultdict(list)
    kinds: dict[int, set[Any]] = defaultdict(set)
    if by == "venue":
        for firm_id, kind in Venue.objects.filter(firm__place__path__startswith=seen.path).values_list("firm_id", "venue_class"):
            kinds[firm_id].add(kind)
    for firm in seen.firms:
        for key in kinds.get(firm.pk, {None}) if by == "venue" else {getattr(firm, _FIELDS[by])}:
            found[key].append(firm)
    return found


def _rate(key: Any, name: T, counts: Counter[str], firms: Sequence[FirmNow], signs: Mapping[str, Mapping[str, float]]) -> Rate:
    evidence = {}
    for source, sign in signs.items():
        ratios = [firm.ratio(source) for firm in firms]
        at_work = working_share(ratios, sign["at_work"], sign["sensitivity"], sign["specificity"])
        evidence[source] = (at_work, working_share(ratios, sign["full"]))
    firm_count = counts.total()
    of_all = max(1, firm_count)
    text = "" if key is None else str(key)
    return Rate(text, name, firm_count, (counts["resumed"] + counts["full"]) / of_all, counts["full"] / of_all, evidence)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A firm whose filing and evidence contradict each other: chance to be at work by the evidence, people concerned, and why in a sentence."""

    firm: FirmNow
    chance: float
    weight: float
    reason: T


def disagreements(seen: Picture, at_most: int = 50) -> list[Disagreement]:
    """Step 3: filed open but nothing moves, or moving with nothing filed; by people times how sure the evidence is. No query."""
    known = seen.firms
    if not known:
        return []
    sources = list(seen.signs)
    ratios = np.array([[firm.ratio(source) for source in sources] for firm in known])
    limits = np.array([seen.signs[s]["at_work"] for s in sources])
    shown = np.where(np.isnan(ratios), np.nan, ratios >= limits)
    chances = chance_at_work(shown, [seen.signs[s]["sensitivity"] for s in sources], [seen.signs[s]["specificity"] for s in sources])
    found = []
    for firm, chance in zip(known, chances.tolist(), strict=True):
        is_open = firm.resumption != "closed"
        if (is_open and chance <= UNSURE) or (not is_open and chance >= SURE):
            wrong = 1 - chance if is_open else chance
            found.append(Disagreement(firm, chance, max(1, firm.staff) * wrong, _sentence(firm, seen, is_open)))
    return sorted(found, key=lambda one: (-one.weight, one.firm.pk))[:at_most]


def _sentence(firm: FirmNow, seen: Picture, is_open: bool) -> T:
    """The reading that says most against the filing, in words."""
    told = {s: firm.ratio(s) / seen.signs[s]["at_work"] for s in firm.ratios}
    source = min(told, key=lambda s: told[s]) if is_open else max(told, key=lambda s: told[s])
    share, word = firm.ratio(source), SOURCES[source]
    if is_open:
        return T(f"已报复工，但{word.zh}只有自身基数的 {share:.0%}。", f"Filed as open, but its {word.en} is {share:.0%} of its own base.")
    return T(f"没有报复工，但{word.zh}已到自身基数的 {share:.0%}。", f"Nothing filed, but its {word.en} is at {share:.0%} of its own base.")


@dataclass(frozen=True, slots=True)
class Ahead:
    """What was, and what will be: share at work at the end of each past day, the forecast, and which hazards were too thin to estimate."""

    past_days: tuple[date, ...]
    past: tuple[float, ...]
    days: tuple[date, ...]
    forecast: RecoveryForecast
    too_thin: tuple[str, ...]


def ahead(path: str, day: date, random: np.random.Generator) -> Ahead | None:
    """Step 4; None for a place without firms. The register's day of resumption gives the hazard of coming back, filings the others. Five queries."""
    states: Counter[str] = Counter()
    came: Counter[date | None] = Counter()
    here = living_firms().filter(place__path__startswith=path).order_by().values_list("resumption", "resumed_on")
    for state, on, n in here.annotate(n=Count("pk")):
        states[state] += n
        came[on] += n if state != "closed" else 0
    if not (total := states.total()):
        return None
    days = [day - timedelta(days=n) for n in range(PAST_DAYS, -1, -1)]
    before = sum(n for on, n in came.items() if on is None or on < days[0])
    at_work = np.cumsum([before, *(came[on] for on in days)])
    stages = _stages(days)
    # Today is not over: it is where the forecast begins, and says nothing of a daily hazard.
    coming = Transition(total - at_work[:-2], np.array([came[on] for on in days[:-1]]), stages[:-1])
    filed = full_days()
    fresh = np.array([[began <= on and (full is None or full >= on) for began, full in filed] for on in days[:-1]]).reshape(
        len(days) - 1, -1
    )
    filling = Transition(
        fresh.sum(axis=1), np.array([sum(full == on for _, full in filed) for on in days[:-1]]), np.zeros(len(days) - 1, int)
    )
    stops = Counter(at.date() for at in stops_since(days[0]))
    working = np.array([sum(began <= on for began, _ in filed) + sum(n for at, n in stops.items() if at >= on) for on in days[:-1]])
    stopping = Transition(working, np.array([stops[on] for on in days[:-1]]), np.zeros(len(days) - 1, int))
    thin = {name for name, t in (("full", filling), ("stops", stopping)) if np.sum(t.at_risk) < LEAST_FIRM_DAYS}
    forecast = forecast_recovery(
        (states["closed"], states["resumed"], states["full"]), coming, None if "full" in thin else filling,
        None if "stops" in thin else stopping, days=AHEAD_DAYS, random=random,
    )  # fmt: skip
    return Ahead(
        tuple(days), tuple((at_work[1:] / total).tolist()), tuple(day + timedelta(days=n) for n in range(1, AHEAD_DAYS + 1)), forecast,
        tuple(sorted(thin)),
    )  # fmt: skip


def _stages(days: Sequence[date]) -> Any:
    book = rulebook()
    codes = [stage.code if (stage := book.stage_on("firm", on)) else "" for on in days]
    order = list(dict.fromkeys(codes))
    return np.array([order.index(code) for code in codes])


@dataclass(frozen=True, slots=True)
class Stuck:
    """Somebody who files and cannot go on: since when, and which conditions (code → words) or whose check hold it up."""

    filing: Filing
    since: datetime
    causes: Mapping[str, T]


CHECK = "check"


def stuck(place_paths: Sequence[str]) -> list[Stuck]:
    """Step 5 for these places and below, the oldest first. Two queries."""
    found = []
    for filing in stuck_filings():
        if not any(filing.place_path.startswith(path) for path in place_paths):
            continue
        state, items = filing.dossier.state, list(filing.items.all())
        causes = {i.code: i.name for i in items if (i.is_veto and i.answer == "no") or i.is_ok is False}
        if state == "filed":
            causes = {CHECK: T("等待现场核查", "waits for the on-site check")}
        found.append(Stuck(filing, filing.dossier.opened_at, causes))
    return found


@dataclass(frozen=True, slots=True)
class Unblocking:
    """What one condition or check, out of the way, would bring: those that wait for nothing else, their people and output a day."""

    code: str
    name: T
    waiting: int
    freed: int
    people: int
    output_10k_a_day: float


def unblocking(waiting: Sequence[Stuck]) -> list[Unblocking]:
    """Step 5: by output a day, then people. Output: yearly revenue of the register over 365, times the share of people filed; firms only. No query."""
    found: dict[str, list[Stuck]] = defaultdict(list)
    words: dict[str, T] = {}
    for one in waiting:
        for code, name in one.causes.items():
            found[code].append(one)
            words[code] = name
    rows = []
    for code, held in found.items():
        freed = [one for one in held if len(one.causes) == 1]
        output = sum(_output(one.filing) for one in freed)
        rows.append(Unblocking(code, words[code], len(held), len(freed), sum(one.filing.people for one in freed), output))
    return sorted(rows, key=lambda row: (-row.output_10k_a_day, -row.people, row.code))


def _output(filing: Filing) -> float:
    firm = filing.firm
    if firm is None or not firm.revenue_cny_10k:
        return 0.0
    return firm.revenue_cny_10k / 365 * min(1.0, filing.people / max(1, firm.staff_count))
