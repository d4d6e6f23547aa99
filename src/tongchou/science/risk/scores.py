"""The three risks as expected events, and the one scale that makes a score of them."""

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TypeVar

from tongchou.science.risk.model import Estimate, Flow, Gathering, Origin, Part, Risk, RiskParams, Village

T = TypeVar("T")
End = Callable[[Estimate], float]
"""Takes the end of an estimate that makes the risk as stated, lowest or highest."""


def imported_risk(origins: Sequence[Origin], params: RiskParams = RiskParams()) -> Risk:
    """Infectious people who come in unnoticed within the horizon.

    Notes
    -----
    Of each origin: arrivals a day x prevalence x (1 - stopped) x days, prevalence = reported cases a day per head x infectious days / ascertainment (at most 1).
    Assumes that travellers are as often infectious as those who stay; families that travel together make the score a little too high.

    Examples
    --------
    >>> city = Origin("city", Estimate(200), Estimate(5, 3, 8), Estimate(0.5), Estimate(0.6))
    >>> risk = imported_risk([city])
    >>> risk.score, round(risk.expected, 2), risk.parts[0].points
    (Decimal('24.4'), 0.28, Decimal('24.4'))
    """

    def expected(origin: Origin, harmful: End, harmless: End) -> float:
        infected = harmful(origin.reported_per_100k_day) / 1e5 * harmful(params.infectious_days) / harmless(origin.ascertainment)
        return harmful(origin.arrivals_per_day) * min(infected, 1.0) * (1 - harmless(origin.stopped)) * params.horizon_days

    return _risk({o.name: _ends(expected, o) for o in _distinct("origin", [o.name for o in origins], origins)})


def mobility_risk(villages: Sequence[Village], flows: Sequence[Flow], params: RiskParams = RiskParams()) -> Risk:
    """Infections carried from one village into another within the horizon.

    Notes
    -----
    An infectious person infects R / infectious_days people a day where all are susceptible, a share away_share of them where she travels.
    Of each flow from a to b: people a day x away_share x R / infectious_days x susceptible x (infectious share of a + infectious share of b) x days:
    travellers who carry it there, and travellers who bring it home. Where nobody is infectious the risk is 0, however many travel.
    Today's number of infectious is held for the whole horizon: too low in a growing outbreak.

    Examples
    --------
    >>> villages = [Village("a", 3000, Estimate(6, 2, 15)), Village("b", 3000, Estimate(0))]
    >>> mobility_risk(villages, [Flow("a", "b", Estimate(400)), Flow("b", "a", Estimate(100))]).parts[0].name
    'a → b'
    """
    known = {v.name: v for v in _distinct("village", [v.name for v in villages], villages)}
    for flow in flows:
        for name in (flow.home, flow.visited):
            if name not in known:
                raise ValueError(f"mobility_risk: flow {flow.name} names village {name!r}, which is not among the villages given")

    def expected(flow: Flow, harmful: End, harmless: End) -> float:
        infected = sum(harmful(known[v].infectious) / known[v].residents for v in (flow.home, flow.visited))
        a_day = harmful(params.reproduction_number) / _infectious_days(params, harmless) * harmful(params.susceptible)
        return harmful(flow.people_per_day) * harmful(params.away_share) * a_day * infected * params.horizon_days

    return _risk({f.name: _ends(expected, f) for f in _distinct("flow", [f.name for f in flows], flows)})


def gathering_risk(gatherings: Sequence[Gathering], params: RiskParams = RiskParams()) -> Risk:
    """Infections at venues, events and schools within the horizon.

    Notes
    -----
    A contact with an infectious person infects with probability t = R / (infectious_days contacts_per_day). A susceptible visitor has m = hours x
    close contacts an hour, a share p = infectious_share (1 - stopped) of them infectious, and stays healthy with probability e^(-p t m).
    Of each gathering: people x susceptible x (1 - that) x sessions. Assumes contact at random among those present: where the same people
    always meet (a school class) it is too high.

    Examples
    --------
    >>> none = Estimate(0)
    >>> market = Gathering("market", Estimate(300), 7, 1.5, Estimate(4), infectious_share=Estimate(0.0005), stopped=none)
    >>> gathering_risk([market]).score
    Decimal('15.4')
    """

    def expected(g: Gathering, harmful: End, harmless: End) -> float:
        per_contact = min(1.0, harmful(params.reproduction_number) / (_infectious_days(params, harmless) * params.contacts_per_day))
        infectious = harmful(g.infectious_share) * (1 - harmless(g.stopped))
        met = g.hours * harmful(g.close_contacts_per_hour) * infectious
        return harmful(g.people) * harmful(params.susceptible) * -math.expm1(-met * per_contact) * g.sessions

    return _risk({g.name: _ends(expected, g) for g in _distinct("gathering", [g.name for g in gatherings], gatherings)})


def score_of(expected: float) -> Decimal:
    """Expected events as a score: the chance in per cent of at least one, in tenths."""
    if not 0 <= expected < math.inf:
        raise ValueError(f"score_of: expected events are finite and not negative; got {expected}")
    return _tenths(round(-1000 * math.expm1(-expected)))


def _infectious_days(params: RiskParams, harmless: End) -> float:
    """At a given R a shorter illness means more infections a day: its harmful end is the short one."""
    return harmless(params.infectious_days)


def _ends(expected: Callable[[T, End, End], float], cause: T) -> tuple[float, float, float]:
    """Expected events with every input as stated, at its harmless end, at its harmful end."""

    def stated(estimate: Estimate) -> float:
        return estimate.value

    def low(estimate: Estimate) -> float:
        return estimate.ends[0]

    def high(estimate: Estimate) -> float:
        return estimate.ends[1]

    return expected(cause, stated, stated), expected(cause, low, high), expected(cause, high, low)


def _distinct(kind: str, names: Sequence[str], causes: Sequence[T]) -> Sequence[T]:
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise ValueError(f"two {kind}s have the name {twice[0]!r}: add them up or name them apart")
    return causes


def _risk(causes: Mapping[str, tuple[float, float, float]]) -> Risk:
    """Sum the causes and share the score out among them."""
    # fsum: the order in which causes are given does not show.
    total, low, high = (math.fsum(c[i] for c in causes.values()) for i in range(3))
    score = score_of(total)
    points = _shared_out(int(score * 10), {name: c[0] for name, c in causes.items()}, total)
    parts = [Part(name, causes[name][0], _tenths(points[name])) for name in causes]
    return Risk(score, score_of(low), score_of(high), total, low, high, tuple(sorted(parts, key=lambda p: (-p.expected, p.name))))


def _shared_out(tenths: int, expected: Mapping[str, float], total: float) -> dict[str, int]:
    """Tenths in proportion to the expected events, whole, adding up exactly (largest remainders; the name decides between equals)."""
    exact = {name: tenths * e / total if total > 0 else 0.0 for name, e in expected.items()}
    whole = {name: math.floor(e) for name, e in exact.items()}
    left = tenths - sum(whole.values())
    for name in sorted(exact, key=lambda n: (whole[n] - exact[n], n))[:left]:
        whole[name] += 1
    return whole


def _tenths(tenths: int) -> Decimal:
    return Decimal(tenths) / 10
