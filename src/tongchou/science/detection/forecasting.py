"""What the streams are expected to show next, as a mixture of no outbreak and every outbreak hypothesis."""

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr

from tongchou.science.detection.counts import mixture_quantile
from tongchou.science.detection.model import DetectionParams, Floats, Forecast, StreamScore

NEGLIGIBLE = 1e-5


def forecast_streams(
    scores: Sequence[StreamScore], places: Sequence[str | None], posterior: Floats, probability: float, params: DetectionParams
) -> tuple[Forecast, ...]:
    """Median and interval of every stream of the leading place and of the whole area."""
    leading = places[int(np.argmax(posterior.sum(axis=(1, 2, 3))))]
    tail = (1 - params.forecast_coverage) / 2
    forecasts = []
    for s in scores:
        if s.place not in (None, leading):
            continue
        here = posterior.sum(axis=0) if s.place is None else posterior[list(places).index(s.place)]
        flat = probability * here.reshape(-1)
        kept = flat > NEGLIGIBLE
        weights = np.append(flat[kept], 1 - flat[kept].sum())
        for j, horizon in enumerate(params.horizons_days):
            base = float(s.baseline_next[j])
            means = np.maximum(np.append(s.excess_next[..., j].reshape(-1)[kept], 0.0) + base, 0.0)
            quantiles = [_quantile(p, weights, means, s, j) for p in (0.5, tail, 1 - tail)]
            forecasts.append(Forecast(s.stream, s.place, horizon, *quantiles))
    return tuple(forecasts)


def _quantile(p: float, weights: Floats, means: Floats, score: StreamScore, horizon: int) -> float:
    if means.max() <= 0:
        return 0.0
    if score.is_count:
        return mixture_quantile(p, weights, means, float(score.next_size[horizon]))
    sd = math.sqrt(float(score.next_size[horizon]))
    centres = np.log(np.maximum(means, 1e-12))
    low, high = float(centres.min() - 8 * sd), float(centres.max() + 8 * sd)
    for _ in range(40):
        middle = (low + high) / 2
        below = float(weights @ ndtr((middle - centres) / sd))
        low, high = (low, middle) if below >= p else (middle, high)
    return math.exp(high)


def interval_on_grid(points: Floats, masses: Floats, coverage: float) -> tuple[float, float]:
    """Central interval of a distribution given on grid points, spread evenly to the middles between them."""
    if len(points) == 1:
        return float(points[0]), float(points[0])
    middles = (points[1:] + points[:-1]) / 2
    edges = np.concatenate([[2 * points[0] - middles[0]], middles, [2 * points[-1] - middles[-1]]])
    cumulative = np.concatenate([[0.0], np.cumsum(masses)]) / masses.sum()
    tail = (1 - coverage) / 2
    return float(np.interp(tail, cumulative, edges)), float(np.interp(1 - tail, cumulative, edges))
