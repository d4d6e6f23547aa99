"""Small simulated towns for the detectors' tests."""

from datetime import date, timedelta

import numpy as np

from tongchou.science.detection.model import Additive, History, Multiplicative

FIRST = date(2023, 1, 2)
DAYS = 500
LAST = FIRST + timedelta(days=DAYS - 1)
CLINIC = Additive(events_per_infection=0.245, delay_mean_days=7.0, delay_sd_days=2.5)  # docs/methods/fusion_benchmark.md, monitoring
TESTING = Additive(events_per_infection=0.3, delay_mean_days=5.0, delay_sd_days=2.0)  # assumption


def town(seed: int, places: int = 6, seeded_in: int | None = None, seeded_ago: int = 20, growth: float = 0.2) -> list[History]:
    """Two daily streams per village, clinic visits and positive tests, with an outbreak in one village if asked."""
    rng = np.random.default_rng(seed)
    weekday = np.array([1.3, 1.1, 1.0, 1.0, 1.0, 0.9, 0.7])[np.arange(DAYS) % 7]
    histories = []
    for name, model, mean, dispersion in (("clinic", CLINIC, 3.0, 1.5), ("testing", TESTING, 0.02, 1.0)):
        for v in range(places):
            mu = mean * weekday * (0.6 + 0.2 * v)
            y = rng.poisson(mu) if dispersion == 1 else rng.negative_binomial(mu / (dispersion - 1), 1 / dispersion)
            values = y.astype(float)
            if v == seeded_in:
                ages = np.arange(seeded_ago + 1) - model.delay_mean_days
                values[-seeded_ago - 1 :] += rng.poisson(model.events_per_infection * 4 * 1.3 * growth * np.exp(growth * ages) * (ages > 0))
            values[rng.random(DAYS) < 0.03] = np.nan
            histories.append(History(name, values, FIRST, 1, "count", model, place=f"v{v}", population=2000.0 + 100 * v))
    return histories


def state(seed: int, weeks: int = 130, rising_weeks: int = 0) -> list[History]:
    """Weekly streams of one state: cases, consultations per 100,000, wastewater."""
    rng = np.random.default_rng(seed)
    level = np.zeros(weeks)
    if rising_weeks:
        level[-rising_weeks:] = np.log1p(0.5 * np.expm1(0.1 * 7 * np.arange(1, rising_weeks + 1)))
    cases = rng.negative_binomial(20, 20 / (20 + 60 * np.exp(level))).astype(float)
    return [
        History("cases", cases, FIRST, 7, "count", Multiplicative()),
        History("consultations", 400 * np.exp(0.5 * level + rng.normal(0, 0.1, weeks)), FIRST, 7, "rate", Multiplicative(), weight=0.25),
        History("wastewater", 1e5 * np.exp(level + rng.normal(0, 0.3, weeks)), FIRST, 7, "concentration", Multiplicative()),
    ]


def last_week(weeks: int = 130) -> date:
    """Last day of the state's series."""
    return FIRST + timedelta(days=7 * weeks - 1)
