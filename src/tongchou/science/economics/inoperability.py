"""What a measure costs a day, sector by sector, and what it costs the sectors that depend on those: inoperability input-output."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Inoperability:
    """share: (sectors,) or (days + 1, sectors), the part of its usual output that a sector does not make, 0 to 1; direct: what of it the measure itself takes."""

    share: Floats
    direct: Floats

    def loss(self, output: ArrayLike) -> Floats:
        """Output lost in the unit of `output` (sectors,) usual output a day; the shape of `share`."""
        usual = np.asarray(output, np.float64)
        if usual.shape != self.share.shape[-1:] or not (np.isfinite(usual).all() and (usual >= 0).all()):
            raise ValueError(f"output: {self.share.shape[-1]} finite numbers of 0 or more wanted; got shape {usual.shape}")
        return self.share * usual


def interdependency(coefficients: ArrayLike, output: ArrayLike) -> Floats:
    """Interdependency matrix A* from technical coefficients: how far sector i fails when all that sector j buys of it fails.

    Parameters
    ----------
    coefficients: (sectors, sectors), a_ij = what j buys of i for one unit of j's output. output: (sectors,) total output, above 0.

    Notes
    -----
    A* = diag(x)^-1 A diag(x). Santos & Haimes 2004, 10.1111/j.0272-4332.2004.00540.x, eq. 11.

    Examples
    --------
    >>> interdependency([[0.2, 0.3], [0.1, 0.1]], [100, 50]).round(3).tolist()
    [[0.2, 0.15], [0.2, 0.1]]
    """
    x = np.asarray(output, np.float64)
    if x.ndim != 1 or not (np.isfinite(x).all() and (x > 0).all()):
        raise ValueError("output: one finite number above 0 for each sector")
    return _matrix("coefficients", coefficients, x.size) * x / x[:, None]


def inoperability(dependence: ArrayLike, direct: ArrayLike) -> Inoperability:
    """The state in which sectors come to rest while a measure lasts.

    Parameters
    ----------
    dependence: (sectors, sectors), row i how far i fails when j fails wholly; 0 or more. direct: (sectors,) what the measure itself takes of each, 0 to 1.

    Returns
    -------
    Inoperability with share (sectors,).

    Notes
    -----
    The least q with q = min(1, A* q + c*): a sector cannot fail more than wholly, and what it would fail beyond is felt by nobody. Sectors that nothing
    pushes stay whole. Of the others all are taken to fail wholly at first; those that come to less are solved for, until nobody more does: the map
    is concave and monotone and moves each of them from 0, so that it has one state of rest. Errs high: nobody stocks, substitutes or imports.

    References
    ----------
    Haimes & Jiang 2001, 10.1061/(ASCE)1076-0342(2001)7:1(1); Santos & Haimes 2004, 10.1111/j.0272-4332.2004.00540.x

    Examples
    --------
    >>> inoperability([[0, 0.8], [0.2, 0]], [0, 0.6]).share.round(3).tolist()
    [0.571, 0.714]
    """
    c = _shares("direct", direct)
    a = _matrix("dependence", dependence, c.size)
    moved = c > 0
    for _ in range(c.size):
        moved |= (a[:, moved] > 0).any(axis=1)
    share = np.zeros(c.size)
    share[moved] = _rest(a[np.ix_(moved, moved)], c[moved])
    return Inoperability(share, c)


def _rest(a: Floats, c: Floats) -> Floats:
    """The one q in (0, 1] with q = min(1, a q + c), where each is pushed by somebody who is."""
    q, free = np.ones(c.size), np.zeros(c.size, bool)
    while (fewer := ~free & (a @ q + c < 1)).any():
        free |= fewer
        inner = np.eye(int(free.sum())) - a[np.ix_(free, free)]
        q[free] = np.linalg.solve(inner, c[free] + a[np.ix_(free, ~free)].sum(axis=1))
    return q


def inoperability_by_day(
    dependence: ArrayLike, direct: Callable[[int], ArrayLike] | ArrayLike, resilience: ArrayLike, days: int, start: ArrayLike | None = None
) -> Inoperability:
    """How sectors fail and recover day by day.

    Parameters
    ----------
    dependence: (sectors, sectors), as in `inoperability`. direct: (sectors,) the same every day, (days, sectors), or a function of the day from 0.
    resilience: (sectors,) in (0, 1], the part of the way to the state of rest that a sector goes in a day. start: (sectors,) the state before, none: whole.

    Returns
    -------
    Inoperability with share (days + 1, sectors): the start, then the end of each day; direct (days, sectors).

    Notes
    -----
    q(t+1) = q(t) + K (A* q(t) + c*(t) - q(t)), held between 0 and 1. Errs high, as `inoperability` does; a K too small errs late.

    References
    ----------
    Lian & Haimes 2006, 10.1002/sys.20051

    Examples
    --------
    >>> found = inoperability_by_day([[0.15, 0.5], [0.1, 0.05]], [0, 0.1], [0.2, 0.2], 100)
    >>> found.share[-1].round(3).tolist()
    [0.066, 0.112]
    """
    k = _shares("resilience", resilience)
    if days < 0 or not (k > 0).all():
        raise ValueError(f"days from 0 and resilience above 0 wanted; got {days} days")
    a = _matrix("dependence", dependence, k.size)
    given = [direct(day) for day in range(days)] if callable(direct) else np.broadcast_to(np.asarray(direct, np.float64), (days, k.size))
    c = np.array([_shares("direct", day) for day in given]).reshape(days, k.size)
    share = np.zeros((days + 1, k.size))
    share[0] = 0.0 if start is None else _shares("start", start)
    for day in range(days):
        share[day + 1] = np.clip(share[day] + k * (a @ share[day] + c[day] - share[day]), 0.0, 1.0)
    return Inoperability(share, c)


def resilience(dependence: ArrayLike, start: ArrayLike, end: ArrayLike, days: ArrayLike) -> Floats:
    """Resilience of each sector from how long it took to come from one inoperability down to another by itself.

    Parameters
    ----------
    dependence: (sectors, sectors). start, end: (sectors,), 0 < end < start <= 1. days: (sectors,) above 0.

    Notes
    -----
    k_i = ln(start_i / end_i) / (days_i (1 - a*_ii)), at most 1. Lian & Haimes 2006, 10.1002/sys.20051, eq. 24.

    Examples
    --------
    >>> resilience([[0.0]], [0.5], [0.05], [10]).round(3).tolist()
    [0.23]
    """
    high, low, taken = _shares("start", start), _shares("end", end), np.asarray(days, np.float64)
    own = np.diag(_matrix("dependence", dependence, high.size))
    if low.shape != high.shape or taken.shape != high.shape or not ((low > 0) & (low < high) & (taken > 0) & (own < 1)).all():
        raise ValueError("resilience: for each sector 0 < end < start, days above 0, and a dependence on itself below 1")
    return np.minimum(np.log(high / low) / (taken * (1 - own)), 1.0)


def _matrix(name: str, given: ArrayLike, sectors: int) -> Floats:
    a = np.asarray(given, np.float64)
    if a.shape != (sectors, sectors) or not (np.isfinite(a).all() and (a >= 0).all()):
        raise ValueError(f"{name}: {sectors} x {sectors} finite numbers of 0 or more wanted; got shape {a.shape}")
    return a


def _shares(name: str, given: ArrayLike) -> Floats:
    c = np.asarray(given, np.float64)
    if c.ndim != 1 or not (np.isfinite(c).all() and ((c >= 0) & (c <= 1)).all()):
        raise ValueError(f"{name}: one share from 0 to 1 for each sector; got {c.tolist()}")
    return c
