"""How sure a sample is to find at least one, how many it takes, and what pools save."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta, hypergeom


def chance_to_find(drawn: int, prevalence: float, population: int | None = None, sensitivity: float = 1.0) -> float:
    """Probability that a simple random sample finds at least one positive.

    Parameters
    ----------
    drawn: units tested. prevalence: share in (0, 1). population: None = so large that it does not matter. sensitivity: in (0, 1] of each test.

    Returns
    -------
    Probability. With a population, the positives are floor(prevalence x population), at least 1: fewer positives are harder to find, so it errs low.

    Notes
    -----
    Large: 1 - (1 - se p)^n. Finite: 1 - E[(1 - se)^K], K hypergeometric. False positives are not counted as findings.

    References
    ----------
    Cannon & Roe 1982, Livestock Disease Surveys; Cameron & Baldock 1998, 10.1016/S0167-5877(97)00081-0

    Examples
    --------
    >>> round(chance_to_find(2995, 0.001), 4)
    0.95
    """
    _check(prevalence, sensitivity)
    if drawn < 0 or (population is not None and not drawn <= population):
        raise ValueError(f"drawn must lie between 0 and the population; got {drawn} of {population}")
    if population is None:
        return -math.expm1(drawn * math.log1p(-sensitivity * prevalence))
    positives = max(1, math.floor(prevalence * population + 1e-9))
    found = np.arange(min(drawn, positives) + 1)
    return float(1 - np.sum(hypergeom.pmf(found, population, positives, drawn) * (1 - sensitivity) ** found))


def size_to_find(chance: float, prevalence: float, population: int | None = None, sensitivity: float = 1.0) -> int:
    """Smallest sample whose chance to find at least one positive is at least as stated; ValueError when even all of them do not reach it.

    Examples
    --------
    >>> size_to_find(0.95, 0.001), size_to_find(0.95, 0.001, population=5000)
    (2995, 2253)
    """
    _check(prevalence, sensitivity)
    if not 0 < chance < 1:
        raise ValueError(f"chance must lie between 0 and 1; got {chance}")
    if population is None:
        high = math.ceil(math.log1p(-chance) / math.log1p(-sensitivity * prevalence)) + 1
    else:
        high = population
        if chance_to_find(high, prevalence, population, sensitivity) < chance:
            raise ValueError(f"testing all {population} finds one with less than {chance:g}: the test misses too many")
    low = 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if chance_to_find(middle, prevalence, population, sensitivity) >= chance else (middle, high)
    return high


def expected_tests_per_person(pool_size: int, prevalence: float, sensitivity: float = 1.0, specificity: float = 1.0) -> float:
    """Expected tests per person when pools are tested first and each person of a positive pool again.

    Notes
    -----
    Dorfman: 1/k + P(pool positive); P = se (1 - (1 - p)^k) + (1 - sp) (1 - p)^k. Assumes that people of a pool are independent: households pooled
    together cost fewer tests than this. sensitivity is that of a *pool*: give the lower figure of the diluted test.

    References
    ----------
    Dorfman 1943, 10.1214/aoms/1177731363

    Examples
    --------
    >>> round(expected_tests_per_person(11, 0.01), 2)
    0.2
    """
    _check(prevalence, sensitivity)
    if pool_size < 1:
        raise ValueError(f"pool_size must be 1 or more; got {pool_size}")
    if pool_size == 1:
        return 1.0
    clean = (1 - prevalence) ** pool_size
    return 1 / pool_size + sensitivity * (1 - clean) + (1 - specificity) * clean


def best_pool_size(prevalence: float, largest: int = 20) -> int:
    """Pool size from 1 to `largest` (what the laboratory allows) with the fewest expected tests.

    Examples
    --------
    >>> best_pool_size(0.01), best_pool_size(0.4)
    (11, 1)
    """
    if largest < 1:
        raise ValueError(f"largest must be 1 or more; got {largest}")
    return min(range(1, largest + 1), key=lambda k: expected_tests_per_person(k, prevalence))


@dataclass(frozen=True, slots=True)
class PooledPrevalence:
    """Prevalence among persons from pools, with its interval."""

    estimate: float
    low: float
    high: float


def pooled_prevalence(positive: int, pools: int, pool_size: int, level: float = 0.95) -> PooledPrevalence:
    """Prevalence among persons from the number of positive pools of one size, nearly without bias, with an exact interval.

    Notes
    -----
    Burrows: 1 - ((n - x + v) / (n + v))^(1/k), v = (k - 1) / (2k); for pools of one size equal to Firth's correction (Hepworth & Biggerstaff).
    Interval: Clopper-Pearson for the share of positive pools, carried over to persons; it covers at least as stated. Perfect tests and independent persons.

    References
    ----------
    Burrows 1987, 10.1094/Phyto-77-363; Hepworth & Biggerstaff 2017, 10.1007/s13253-017-0297-2; Clopper & Pearson 1934, 10.1093/biomet/26.4.404

    Examples
    --------
    >>> found = pooled_prevalence(0, 100, 10)
    >>> found.estimate, round(found.high, 4)
    (0.0, 0.0037)
    """
    if pools < 1 or pool_size < 1 or not 0 <= positive <= pools or not 0 < level < 1:
        raise ValueError(
            f"0 <= positive <= pools, pools and pool_size from 1, level in (0, 1); got {positive}, {pools}, {pool_size}, {level}"
        )
    v = (pool_size - 1) / (2 * pool_size)
    low, high = clopper_pearson(positive, pools, level)
    return PooledPrevalence(
        1 - ((pools - positive + v) / (pools + v)) ** (1 / pool_size), *(1 - (1 - e) ** (1 / pool_size) for e in (low, high))
    )


def clopper_pearson(positive: float, tested: float, level: float = 0.95) -> tuple[float, float]:
    """Exact interval of a share; both numbers may be fractions (effective counts).

    Examples
    --------
    >>> round(clopper_pearson(0, 100)[1], 4)
    0.0362
    """
    tail = (1 - level) / 2
    low = 0.0 if positive <= 0 else float(beta.ppf(tail, positive, tested - positive + 1))
    high = 1.0 if positive >= tested else float(beta.ppf(1 - tail, positive + 1, tested - positive))
    return low, high


def _check(prevalence: float, sensitivity: float) -> None:
    if not (0 < prevalence < 1 and 0 < sensitivity <= 1):
        raise ValueError(f"prevalence in (0, 1), sensitivity in (0, 1]; got {prevalence}, {sensitivity}")
