"""Log likelihood ratios of the drift monitors: one number per alternative and step, each an e-value while the stream is as modelled."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import betaln, gammaln, ndtri, xlogy
from scipy.stats import norm

from tongchou.science.detection.counts import POISSON_BELOW, sizes_of, upper_mid_p
from tongchou.science.detection.model import Floats

FITTED_CELLS, LARGEST_DISPERSION = 600, 100.0
Normal = tuple[Floats | float, Floats | float]  # mean, standard deviation


@dataclass(frozen=True, slots=True)
class DriftParams:
    """What the watch is taken to bear, what counts as drift, and how rarely the monitors may err. Every number is an assumption."""

    days_between_false_doubts: float = 730.0  # the promise of the monitors themselves, all streams of a town together
    window_days: int = 90
    recent_days: int = 28  # sizes shown, and the days of reporting compared with those before
    least_days: int = 14  # shorter is an event, not a drift
    # Borne: an estimated level is rarely nearer than this, and the day effect takes a shared day of sd .22.
    borne_level: float = 1.2
    borne_place: float = 1.3
    borne_spread: float = 1.25
    borne_shared: float = 0.05
    borne_shift_sd: float = 0.3
    borne_missing: tuple[float, float] = (1.5, 0.05)  # times the share before, plus
    tail: float = 0.01
    borne_tail: float = 2.0
    # Alternatives, mixed with equal weights.
    levels: tuple[float, ...] = (1.4, 1.8, 3.0)
    places: tuple[float, ...] = (2.0, 3.5)
    spreads: tuple[float, ...] = (1.5, 2.5, 5.0)
    shared: tuple[float, ...] = (0.12, 0.4)
    shifts_sd: tuple[float, ...] = (0.8, 1.6)
    tails: tuple[float, ...] = (2.5, 6.0)
    missing: tuple[float, ...] = (0.2, 0.5, 0.9)  # share of the reports still coming that then fails
    tail_correlation: float = 0.02  # within a day, places apart
    missing_correlation: float = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class SeenStream:
    """What was kept of one kind of stream: arrays (places, steps), oldest first, NaN = no report; the last step ends on ``last_day``.

    ``day_effect_variance``: as in docs/methods/detection.md 2, as already contained in ``expected`` (0: none). Cells of a confirmed outbreak are given as
    NaN with ``explained`` True, so that they count neither as drift nor as missing.
    """

    kind: str
    places: tuple[str, ...]
    last_day: date
    observed: Floats
    expected: Floats
    mid_p: Floats
    explained: np.ndarray | None = None
    step_days: int = 1
    is_count: bool = True
    day_effect_variance: float = 0.0

    def __post_init__(self) -> None:
        shape = self.observed.shape
        if len(shape) != 2 or shape[0] != len(self.places) or self.expected.shape != shape or self.mid_p.shape != shape:
            raise ValueError(
                f"stream {self.kind!r}: observed, expected and mid_p must have one shape ({len(self.places)} places, steps), got "
                f"{shape}, {self.expected.shape}, {self.mid_p.shape}"
            )
        if self.step_days not in (1, 7):
            raise ValueError(f"stream {self.kind!r}: step_days must be 1 or 7, got {self.step_days}")

    @property
    def present(self) -> np.ndarray:
        """Cells that can be compared with what was expected."""
        return np.isfinite(self.observed) & np.isfinite(self.expected) & np.isfinite(self.mid_p) & (self.expected > 0)

    @property
    def is_explained(self) -> np.ndarray:
        """Cells left out on purpose."""
        return np.zeros(self.observed.shape, dtype=bool) if self.explained is None else self.explained


def dispersion_used(seen: SeenStream) -> float:
    """The dispersion with which the mid-p values were computed, read back from the newest ones (least squares)."""
    columns, rows = np.nonzero(seen.present.T)
    rows, columns = rows[-FITTED_CELLS:], columns[-FITTED_CELLS:]
    y, mean, p = (a[rows, columns] for a in (seen.observed, seen.expected, seen.mid_p))

    def gap(log_dispersion: float) -> float:
        return float(((upper_mid_p(y, mean, sizes_of(mean, np.exp(log_dispersion))) - p) ** 2).sum())

    found = minimize_scalar(gap, bounds=(0.0, np.log(LARGEST_DISPERSION)), method="bounded", options={"xatol": 1e-3})
    return float(np.exp(found.x)) if found.fun < gap(0.0) else 1.0


def standard_scores(seen: SeenStream) -> Floats:
    """Normal scores of the mid-p values, NaN where nothing was reported; high = more than expected."""
    return np.asarray(np.where(seen.present, -ndtri(np.clip(np.where(seen.present, seen.mid_p, 0.5), 1e-9, 1 - 1e-9)), np.nan))


def count_ratios(y: Floats, null: tuple[Floats, Floats], other: tuple[Floats, Floats], present: np.ndarray) -> Floats:
    """Log ratio of two negative binomials, each (mean, dispersion); 0 where nothing was seen."""
    safe = np.where(present, y, 0.0)
    return np.where(present, _log_count(safe, *other) - _log_count(safe, *null), 0.0)


def normal_ratios(z: Floats, null: Normal, other: Normal, present: np.ndarray) -> Floats:
    """Log ratio of two normals, each (mean, sd); 0 where nothing was seen."""
    safe = np.where(present, z, 0.0)
    return np.where(present, norm.logpdf(safe, *other) - norm.logpdf(safe, *null), 0.0)


def clustered_ratios(hits: Floats, trials: Floats, null: Floats | float, other: Floats | float, correlation: float) -> Floats:
    """Log ratio of two beta-binomials with the same correlation inside a day."""
    pool = 1 / correlation - 1

    def log_chance(share: Floats | float) -> Floats:
        a, b = share * pool, (1 - np.asarray(share)) * pool
        return np.asarray(betaln(hits + a, trials - hits + b) - betaln(a, b))

    return log_chance(other) - log_chance(null)


def either_way(alternatives: Sequence[float], borne: float, ratio: Callable[[float, float], Floats]) -> Floats:
    """Ratios of every alternative upwards and downwards, each against what is borne on its side: (alternatives, ...)."""
    return np.stack([ratio(f(borne), f(other)) for other in alternatives for f in (float, lambda x: 1 / x)])


def _log_count(y: Floats, mean: Floats, dispersion: Floats) -> Floats:
    size = sizes_of(mean, np.maximum(dispersion, POISSON_BELOW))
    chance = mean / (size + mean)
    return np.asarray(gammaln(y + size) - gammaln(size) - gammaln(y + 1) + size * np.log1p(-chance) + xlogy(y, chance))
