"""Rules whose memory is one number per village: CUSUMs and the generic Shiryaev-Roberts sum, on likelihood ratios or combined p-values."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import ndtri

from tongchou.science.detection.model import Floats
from tongchou.science.evaluation.fusion.evidence import CEILING, POISSON_BELOW, Panel

LEAST_P = 1e-300
NORMAL_ABOVE = 500.0  # a mean beyond which a tail is taken from the normal distribution; no village of the benchmark comes near


@dataclass(frozen=True, slots=True)
class ChartParams:
    """A: assumption."""

    shift_sd: float = 1.0  # A: a CUSUM of one stream looks for a mean raised by one standard deviation, the textbook's choice
    reference: float = 0.5  # A: the same in units of z for CUSUMs of combined p-values: half the shift
    generic_sd: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0)  # A: generic e-value: mean of the ratios for means raised by so many


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """Increments (charts, villages, days), 0 = nothing reported.

    "cusum": S = max(0, S + x); the highest state of any village counts, less the offset of its chart, (charts,). "sum": R = (1 + R) e^x;
    the logarithm of their weighted sum counts.
    """

    increments: Floats
    kind: Literal["cusum", "sum"]
    weights: Floats
    offsets: Floats

    def alarms(self, threshold: float) -> NDArray[np.int64]:
        """Days on which the chart passes a threshold; every village begins anew after an alarm."""
        return np.asarray(chart_alarms(self.increments, self.weights, self.offsets, self.kind == "sum", threshold))

    def place_scores(self, day: int, restarted: int) -> Floats:
        """State of every village on a day, begun anew after day `restarted`, (villages,)."""
        state = np.zeros(self.increments.shape[:2])
        for t in range(restarted + 1, day + 1):
            x = self.increments[:, :, t]
            state = (1 + state) * np.exp(x) if self.kind == "sum" else np.maximum(0.0, state + x)
        return np.asarray((state * self.weights if self.kind == "sum" else state - self.offsets[:, None]).max(axis=0))


def chart(increments: Floats, kind: Literal["cusum", "sum"], weights: Floats, offsets: Floats | None = None) -> Chart:
    """A chart of one kind of increments, (villages, days), or of several side by side, (charts, villages, days)."""
    rows = increments if increments.ndim == 3 else increments[None]
    rows = np.ascontiguousarray(np.where(np.isnan(rows), 0.0, rows))
    return Chart(rows, kind, weights, np.zeros(len(rows)) if offsets is None else offsets)


@njit(cache=True, error_model="numpy")
def chart_alarms(increments, weights, offsets, is_sum, threshold):  # type: ignore[no-untyped-def]
    """Days of alarm of a chart over all villages, with a restart after each."""
    charts, villages, days = increments.shape
    state, found = np.zeros((charts, villages)), np.empty(days, np.int64)
    n = 0
    for t in range(days):
        highest, total = -np.inf, 0.0
        for c in range(charts):
            for v in range(villages):
                x = increments[c, v, t]
                if is_sum:
                    state[c, v] = min((1 + state[c, v]) * np.exp(x), CEILING)
                    total += weights[v] * state[c, v]
                else:
                    state[c, v] = max(0.0, state[c, v] + x)
                    highest = max(highest, state[c, v] - offsets[c])
        if (np.log(total) if is_sum else highest) >= threshold:
            found[n] = t
            n += 1
            state[:] = 0.0
    return found[:n]


def shift_ratios(panel: Panel, shift_sd: float) -> Floats:
    """Log likelihood ratio of a mean raised by so many standard deviations, every cell; 0 where missing.

    Examples
    --------
    >>> one = np.ones((1, 1, 1))
    >>> round(float(shift_ratios(Panel(3 * one, one, one, np.ones(1), 1), 1.0)[0, 0, 0]), 4)  # 3 log 2 - 1
    1.0794
    """
    y, mu, phi = panel.counts, panel.expected, panel.dispersion
    with np.errstate(divide="ignore", invalid="ignore"):
        h = shift_sd * np.sqrt(phi * mu)
        size = mu / (phi - 1)
        loss = np.where(phi > POISSON_BELOW, (y + size) * np.log1p(h / (mu + size)), h)
        ratio = y * np.log1p(h / mu) - loss
    return np.asarray(np.where(np.isfinite(ratio), ratio, 0.0))


def generic_evidence(panel: Panel, shifts_sd: tuple[float, ...]) -> Floats:
    """Log of the product over streams of an e-value that knows nothing of delays, (villages, days)."""
    ratios = np.array([shift_ratios(panel, shift) for shift in shifts_sd])
    return np.asarray((np.logaddexp.reduce(ratios, axis=0) - np.log(len(shifts_sd))).sum(axis=0))


def combined_z(panel: Panel, how: Literal["fisher", "stouffer"]) -> Floats:
    """All streams' mid-p values of a village and day as one z, (villages, days); NaN where none reported.

    Notes
    -----
    Fisher: -2 sum log p against chi-square with twice as many degrees of freedom. Stouffer: sum of z over the root of their number.
    """
    p = mid_p_values(panel.counts, panel.expected, panel.dispersion)
    present = ~np.isnan(p)
    number = present.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        if how == "stouffer":
            return np.asarray(np.where(present, -ndtri(p), 0.0).sum(axis=0) / np.sqrt(np.where(number, number, np.nan)))
        half = np.where(present, -np.log(p), 0.0).sum(axis=0)
        term, tail = np.ones(half.shape), np.zeros(half.shape)
        for i in range(len(p)):  # P(chi-square with 2 n > 2 x) = e^-x sum of x^i / i! over i < n
            tail += np.where(i < number, term, 0.0)
            term = term * half / (i + 1)
        return np.asarray(np.where(number > 0, -ndtri(np.clip(tail * np.exp(-half), LEAST_P, 1 - 1e-16)), np.nan))


@njit(cache=True, error_model="numpy")
def mid_p_values(counts, expected, dispersion):  # type: ignore[no-untyped-def]
    """P(Y > y) + P(Y = y) / 2 of every cell, at least LEAST_P; NaN where missing. The tail is summed upwards, so that it keeps its digits."""
    out = np.full(counts.shape, np.nan)
    for s in range(counts.shape[0]):
        for v in range(counts.shape[1]):
            for t in range(counts.shape[2]):
                y, mu, phi = counts[s, v, t], expected[s, v, t], dispersion[s, v, t]
                if not np.isnan(y) and mu > 0:
                    out[s, v, t] = _mid_p(y, mu, phi)
    return out


@njit(cache=True, error_model="numpy")
def _mid_p(y, mu, phi):  # type: ignore[no-untyped-def]
    if mu > NORMAL_ABOVE:
        return max(LEAST_P, 0.5 * math.erfc((y - mu) / math.sqrt(2 * phi * mu)))
    wide = phi > POISSON_BELOW
    size = mu / (phi - 1) if wide else 0.0
    ratio = 1 - 1 / phi
    if wide:
        log_mass = math.lgamma(y + size) - math.lgamma(size) - math.lgamma(y + 1) - size * math.log(phi) + y * math.log(ratio)
    else:
        log_mass = y * math.log(mu) - mu - math.lgamma(y + 1)
    mass = math.exp(log_mass)
    total, k = mass / 2, y
    if y > mu:
        while mass > total * 1e-16:
            mass *= (k + size) / (k + 1) * ratio if wide else mu / (k + 1)
            total += mass
            k += 1
        return max(LEAST_P, total)
    while k > 0:
        mass *= k / ((k - 1 + size) * ratio) if wide else k / mu
        total += mass
        k -= 1
    return max(LEAST_P, 1 - total)
