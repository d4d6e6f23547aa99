"""The nowcast of one morning in plain Python, written from the formulas and without any of the kernel's short cuts."""

from __future__ import annotations

import math

import numpy as np

from tongchou.science.nowcasting.model import HazardParams


def hazards(cells: np.ndarray, kinds: np.ndarray, params: HazardParams) -> dict[tuple[int, int], float]:
    """Hazard by delay and kind of report day, from the last report days."""
    rows, delays = cells.shape
    last = rows - 1
    first, second, third = params.class_starts
    klass = {d: (d >= first) + (d >= second) + (d >= third) for d in range(1, delays)}
    events = {(d, k): 0.0 for d in klass for k in range(7)}
    exposed = dict(events)
    for report in range(max(0, last - params.window_days + 1), rows):
        for d in klass:
            t = report - d
            if t >= 0 and not math.isnan(cells[t, d]):
                events[d, kinds[report]] += cells[t, d]
                exposed[d, kinds[report]] += sum(c for c in cells[t, :d] if not math.isnan(c))
    factor = {(c, k): 1.0 for c in range(4) for k in range(7)}
    base = dict.fromkeys(klass, 0.0)
    for _ in range(params.rounds):
        for d in klass:
            weight = sum(exposed[d, k] * factor[klass[d], k] for k in range(7))
            base[d] = sum(events[d, k] for k in range(7)) / weight if weight > 0 else 0.0
        for c, k in factor:
            expected = sum(exposed[d, k] * base[d] for d in klass if klass[d] == c)
            factor[c, k] = sum(events[d, k] for d in klass if klass[d] == c) / expected if expected > 0 else 1.0
    found = {}
    for d, k in events:
        product = base[d] * factor[klass[d], k]
        pull = exposed[d, k] * product + params.credibility_events
        found[d, k] = product * (events[d, k] + params.credibility_events) / pull
    return found


def levels(cells: np.ndarray, kinds: np.ndarray, params: HazardParams, back: int, open_sd: float) -> np.ndarray:
    """Daily nowcasts of the last ``back`` days, oldest first, with one trust in the level."""
    rows, delays = cells.shape
    hazard = hazards(cells, kinds, params)
    level: dict[int, float] = {}
    profile: dict[int, float] = {}
    for t in range(rows - back, rows):
        if t < 0:
            level[t] = 0.0
            continue
        lag = rows - 1 - t
        seen = sum(c for c in cells[t, : lag + 1] if not math.isnan(c))
        total = None
        if t >= 14 and t - (rows - back) >= 14:
            week, before = sum(level[t - i] for i in range(1, 8)), sum(level[t - i] for i in range(8, 15))
            growth = min(2.0, max(0.5, (week / before) ** params.growth_damping)) if week > 0 and before > 0 else 1.0
            total = week * growth ** (4 / 7)
            like = [profile[t - i] for i in range(1, 7 * params.profile_weeks + 1) if kinds[t - i] == kinds[t] and t - i in profile]
            expected = total * (sum(like) / len(like) if like else 1 / 7) + 0.3
            if params.profile_weeks == 0:
                expected = level[t - 7] * growth + 0.3
        if lag >= delays - 1:
            level[t] = seen
        else:
            grown = math.prod(1 + hazard[d, kinds[t + d]] for d in range(lag + 1, delays))
            share = 1 / grown
            level[t] = seen * grown
            if total is not None and params.use_level:
                own = params.level_log_variance / (
                    params.level_log_variance + params.dispersion / (expected * share) + (open_sd * (1 - share)) ** 2
                )
                level[t] = seen + (1 - share) * (own * seen * grown + (1 - own) * expected)
        if total is not None and total > 0:
            profile[t] = level[t] / total
    return np.array([level[t] for t in range(rows - back, rows)])


def weights(each: list[np.ndarray], kept: int, half_life: float, power: float) -> list[float]:
    """Weights of several nowcasts from their errors a week later; each is (mornings, back)."""

    def log_sum(morning: np.ndarray, lag: int) -> float:
        end = len(morning) - lag
        return math.log(max(sum(morning[end - 7 : end]), 0.5))

    errors = []
    for one in each:
        error = 0.0
        for k in range(kept):
            for lag in range(7):
                later = sum(log_sum(other[k], lag + 7) for other in each) / len(each)
                error += 0.5 ** (k / half_life) * abs(later - log_sum(one[k + 7], lag)) / 7
        errors.append(error)
    raw = [error**-power for error in errors]
    return [r / sum(raw) for r in raw]
