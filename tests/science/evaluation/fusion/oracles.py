"""The benchmark's rules written the slow and plain way."""

import numpy as np
from scipy.stats import chi2, nbinom, norm, poisson

from tongchou.science.evaluation.fusion.evidence import Panel


def log_pmf(y, mu, phi, more=0.0):
    """Count of mean mu + more whose size is that of the mean mu."""
    if phi <= 1.0001:
        return poisson.logpmf(y, mu + more)
    size = mu / (phi - 1)
    return nbinom.logpmf(y, size, size / (size + mu + more))


def log_ratio(panel: Panel, s: int, v: int, t: int, more: float) -> float:
    """0 for a cell without a report."""
    y, mu, phi = (part[s, v, t] for part in (panel.counts, panel.expected, panel.dispersion))
    return 0.0 if np.isnan(y) or np.isnan(mu) else float(log_pmf(y, mu, phi, more) - log_pmf(y, mu, phi))


def shaped_statistic(panel: Panel, table, streams, day: int, restarted: int, join=np.sum):
    """Log of the sum (or largest) over places and open onsets of the mean (or largest) over shapes of the product of ratios."""
    terms = []
    for v in range(panel.counts.shape[1]):
        for onset in range(max(restarted + 1, day - table.shape[1] + 1), day + 1):
            logs = [
                sum(log_ratio(panel, s, v, t, table[s, t - onset, r]) for s in streams for t in range(onset, day + 1))
                for r in range(table.shape[2])
            ]
            terms.append(panel.weights[v] * np.exp(logs).mean() if join is np.sum else np.exp(max(logs)))
    return float(np.log(join(terms)))


def restarted_alarms(statistic, days: int, threshold: float) -> list[int]:
    """Days on which statistic(day, restarted) passes the threshold, begun anew after each."""
    alarms: list[int] = []
    for day in range(days):
        if statistic(day, alarms[-1] if alarms else -1) >= threshold:
            alarms.append(day)
    return alarms


def cusum_statistic(increments, day: int, restarted: int) -> float:
    """Highest over villages of the best sum that ends today: what a CUSUM is, said without recursion. increments (villages, days)."""
    sums = [increments[:, start : day + 1].sum(axis=1).max() for start in range(restarted + 1, day + 1)]
    return float(max([0.0, *sums]))


def mid_p(y, mu, phi) -> float:
    law = poisson(mu) if phi <= 1.0001 else nbinom(mu / (phi - 1), 1 / phi)
    return float(law.sf(y) + law.pmf(y) / 2)


def combined(panel: Panel, v: int, t: int, how: str) -> float:
    """z of one village and day."""
    cells = [(panel.counts[s, v, t], panel.expected[s, v, t], panel.dispersion[s, v, t]) for s in range(len(panel.counts))]
    p = [mid_p(*cell) for cell in cells if not np.isnan(cell[0])]
    if not p:
        return 0.0
    if how == "stouffer":
        return float(norm.isf(p).sum() / np.sqrt(len(p)))
    return float(norm.isf(chi2.sf(-2 * np.log(p).sum(), 2 * len(p))))


def scan_statistic(panel: Panel, place_km, nearest: int, longest: int, day: int, restarted: int) -> float:
    distance = np.hypot(*(place_km[:, None] - place_km[None]).transpose(2, 0, 1))
    best = 0.0
    for centre in range(len(place_km)):
        order = np.argsort(distance[centre], kind="stable")[:nearest]
        for size in range(1, len(order) + 1):
            for start in range(max(restarted + 1, day - longest + 1), day + 1):
                score = 0.0
                for s in range(len(panel.counts)):
                    cells = np.ix_(order[:size], range(start, day + 1))
                    there = ~np.isnan(panel.counts[s][cells])
                    phi = panel.dispersion[s][cells]
                    c, b = (np.where(there, part[s][cells] / phi, 0.0).sum() for part in (panel.counts, panel.expected))
                    score += c * np.log(c / b) + b - c if c > b > 0 else 0.0
                best = max(best, score)
    return best
