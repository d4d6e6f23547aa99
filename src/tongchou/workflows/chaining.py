"""The chain of transmission of some cases, from what is on record.

1. How each two may have met: links recorded, contacts that became cases, visits to one venue at one time.
2. Most likely sources, from the days between onsets and that evidence; clusters; the serial interval of the links recorded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import combinations

import numpy as np

from tongchou.core.parameters.queries import values_on
from tongchou.domains.tracing.models import Case, ChainLink, Contact, Visit
from tongchou.domains.tracing.queries import links_among
from tongchou.science import IntervalEstimate, clusters_of, estimate_interval, gamma_serial_interval, likely_sources
from tongchou.science.transmission.intervals import LEAST_PAIRS

# Weight of two cases having met, by what is known of it (docs/methods/tracing.md; assumptions).
AS_CONTACT, AT_ONE_VENUE, NOTHING_KNOWN = 0.5, 0.3, 0.02
MEAN, SD, DISEASE = "disease.serial_interval_mean", "disease.serial_interval_sd", "covid19"


@dataclass(frozen=True, slots=True)
class LikelySource:
    """Whom a case most likely had it from, and how likely; no infector: somebody not among these cases."""

    infectee: Case
    infector: Case | None
    probability: float
    is_recorded: bool


@dataclass(frozen=True, slots=True)
class Chain:
    """Cases by onset, the links a person recorded, the likeliest source of each, clusters largest first, the serial interval if enough is known."""

    cases: tuple[Case, ...]
    links: tuple[ChainLink, ...]
    likely: tuple[LikelySource, ...]
    clusters: tuple[tuple[Case, ...], ...]
    interval: IntervalEstimate | None


def chain_of(cases: Sequence[Case], at: datetime) -> Chain:
    """The chain among these cases (those discarded left out)."""
    kept = sorted((c for c in cases if c.dossier.state != "discarded"), key=lambda c: (c.onset_on or date.max, c.pk))
    place = {case.pk: n for n, case in enumerate(kept)}
    links = links_among(kept)
    # 1
    evidence = np.full((len(kept), len(kept)), NOTHING_KNOWN)
    met = _meetings(kept, place)
    for infectee, infector, weight in met:
        evidence[infectee, infector] = max(evidence[infectee, infector], weight)
    for link in links:
        i, j = place[link.infectee_id], place[link.infector_id]
        evidence[i, j] = max(evidence[i, j], link.strength)
    np.fill_diagonal(evidence, 0)
    # 2
    pairs = {(i, j) for i, j, _ in met} | {(place[x.infectee_id], place[x.infector_id]) for x in links}
    clusters = clusters_of(len(kept), sorted(pairs))
    return Chain(
        tuple(kept),
        tuple(links),
        tuple(_likely(kept, evidence, {(place[x.infectee_id], place[x.infector_id]) for x in links}, at)),
        tuple(tuple(kept[n] for n in cluster) for cluster in clusters),
        _interval(links),
    )


def _meetings(cases: Sequence[Case], place: dict[int, int]) -> list[tuple[int, int, float]]:
    """(infectee, infector, weight) for contacts that became cases, and both ways for overlapping visits to one venue."""
    rows = Contact.objects.filter(case__in=place, became__in=place).values_list("became_id", "case_id")
    found = [(place[became], place[case], AS_CONTACT) for became, case in rows if became != case]
    visits = Visit.objects.filter(case__in=[c.pk for c in cases], venue__isnull=False)
    for one, other in combinations(visits, 2):
        if one.case_id != other.case_id and one.venue_id == other.venue_id and one.from_at < other.to_at and other.from_at < one.to_at:
            a, b = place[one.case_id], place[other.case_id]
            found += [(a, b, AT_ONE_VENUE), (b, a, AT_ONE_VENUE)]
    return found


def _likely(cases: Sequence[Case], evidence: np.ndarray, recorded: set[tuple[int, int]], at: datetime) -> list[LikelySource]:
    known = values_on([MEAN, SD], at.date())
    if len(cases) < 2 or set(known) != {MEAN, SD}:
        return []
    interval = gamma_serial_interval(float(known[MEAN].value[DISEASE]), float(known[SD].value[DISEASE]))
    first = min((c.onset_on for c in cases if c.onset_on), default=at.date())
    onset = [(c.onset_on - first).days if c.onset_on else float("nan") for c in cases]
    found = likely_sources(onset, interval, evidence)
    rows = []
    for n, case in enumerate(cases):
        source = found.likeliest(n)
        chance = found.outside[n] if source is None else found.probability[n, source]
        rows.append(
            LikelySource(case, None if source is None else cases[source], float(chance), source is not None and (n, source) in recorded)
        )
    return rows


def _interval(links: Sequence[ChainLink]) -> IntervalEstimate | None:
    """Of pairs recorded whose onsets are both known; None with too few of them, or when some are in reverse order."""
    pairs = {(x.infector_id, x.infectee_id): (x.infector.onset_on, x.infectee.onset_on) for x in links}
    days = [(a.toordinal(), b.toordinal()) for a, b in pairs.values() if a and b]
    if len(days) < LEAST_PAIRS or any(b < a for a, b in days):
        return None
    return estimate_interval([a for a, _ in days], [b for _, b in days])
