"""Two years of daily observations for a generated town: background, hidden outbreaks, other causes, gaps, late reports and corrections."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zlib import crc32
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from scipy.stats import gamma

from tongchou.core.packs.contents import OtherCauseSpec, Pack, PlaceSpec, SentinelSpec, StorySpec, StreamModel, StreamSpec
from tongchou.domains.sentinels.generation_epidemic import EpidemicParams, infections_by_village

# Kind of stream that is one count over 10,000 of another of the same sentinel: (counted, of).
SHARES = {"testing_positive_rate": ("testing_positive", "testing_sampled")}


@dataclass(frozen=True)
class ReportingParams:
    """How reports arrive. All shares and times are assumptions."""

    evening_minutes: int = 17 * 60  # same-day reports come from here on, town time
    morning_minutes: int = 8 * 60  # reports with a delay come from here on
    spread_minutes: int = 100
    late_share: float = 0.03
    corrected_share: float = 0.04
    drift_sd: float = 0.12  # slow wandering of the background on the log scale


@dataclass(frozen=True, slots=True)
class GeneratedObservations:
    """Observations in parallel arrays, in the order in which they became known, and the hidden truth behind them."""

    stream: NDArray[np.str_]
    day: NDArray[np.datetime64]
    reported_at: NDArray[np.datetime64]  # UTC, seconds
    value: NDArray[np.float64]
    villages: tuple[str, ...]
    infections: NDArray[np.int64]  # villages x days of the story

    def __len__(self) -> int:
        return len(self.stream)


def generate_observations(
    pack: Pack, seed: int, reporting: ReportingParams | None = None, epidemic: EpidemicParams | None = None
) -> GeneratedObservations:
    """Make the history of a pack that has a story. The same pack and seed give the same arrays, whatever the order of its sentinels.

    Each stream and each outbreak draws from a random stream of its own name, so adding one leaves the others as they were.
    """
    if pack.story is None:
        raise ValueError(f"pack {pack.identity.code} has no story.yaml, so there is no history to generate")
    story, how = pack.story, reporting or ReportingParams()
    days = (story.last_day - story.first_day).days + 1
    infections = np.zeros((len(pack.villages), days), dtype=np.int64)
    for outbreak in story.outbreaks:
        random = named_random(seed, f"outbreak:{outbreak.code}")
        infections += infections_by_village(random, pack.villages, outbreak, story.first_day, days, epidemic or EpidemicParams())
    calendar = _Calendar(story, pack.identity.zone, days)
    parts: dict[str, Rows] = {}
    for sentinel in (s for s in pack.sentinels if s.state in ("live", "suspended")):
        for stream in sorted(sentinel.streams, key=lambda s: s.kind in SHARES):
            if stream.kind in SHARES:
                counts = (parts[s.code] for kind in SHARES[stream.kind] for s in sentinel.streams if s.kind == kind)
                parts[stream.code] = _share_rows(stream.code, *counts)
                continue
            random = named_random(seed, f"stream:{stream.code}")
            parts[stream.code] = _stream_rows(pack.villages, sentinel, stream, story, calendar, infections, how, random)
    codes, day, at, value = (np.concatenate(column) for column in zip(*parts.values(), strict=True))
    order = np.lexsort((codes, day, at))
    return GeneratedObservations(
        codes[order], day[order], at[order], value[order], tuple(village.code for village in pack.villages), infections
    )


def named_random(seed: int, name: str) -> np.random.Generator:
    """The random stream of one name: independent of all others and of the order in which they are asked for."""
    return np.random.default_rng([seed, crc32(name.encode())])


class _Calendar:
    """The days of the story: ISO weekday, day of the year, and the UTC second of local midnight."""

    def __init__(self, story: StorySpec, zone: ZoneInfo, days: int) -> None:
        self.first_day = story.first_day
        dates = [story.first_day + timedelta(days=day) for day in range(days)]
        self.days = np.array(dates, dtype="datetime64[D]")
        self.weekday = np.array([day.isoweekday() for day in dates])
        self.day_of_year = np.array([day.timetuple().tm_yday for day in dates])
        midnights = [datetime.combine(day, time(), zone).astimezone(UTC).replace(tzinfo=None) for day in dates]
        self.midnight_at = np.array(midnights, dtype="datetime64[s]")

    def index(self, day: date) -> int:
        return (day - self.first_day).days


Rows = tuple[NDArray[np.str_], NDArray[np.datetime64], NDArray[np.datetime64], NDArray[np.float64]]


def _stream_rows(
    villages: Sequence[PlaceSpec],
    sentinel: SentinelSpec,
    stream: StreamSpec,
    story: StorySpec,
    calendar: _Calendar,
    infections: NDArray[np.int64],
    how: ReportingParams,
    random: np.random.Generator,
) -> Rows:
    seen = {catchment.place: catchment.share for catchment in sentinel.catchments}
    shares = np.array([seen.get(village.code, 0.0) for village in villages])
    mean = background(stream.model, calendar.weekday, calendar.day_of_year, random, how.drift_sd)
    mean = mean * _other_causes(story.other_causes, stream, shares, villages, calendar)
    excess = delayed_events(stream.model, shares @ infections)
    values = draw_values(stream, mean, excess, random)
    kept = np.isin(calendar.weekday, sentinel.days) & (random.random(len(values)) >= stream.model.missing_share)
    if stream.code in story.silent_from:
        kept &= np.arange(len(values)) < calendar.index(story.silent_from[stream.code])
    if sentinel.state == "suspended":
        kept &= np.arange(len(values)) < len(values) - 45
    chosen = np.flatnonzero(kept)
    return _reports(stream, calendar, values, chosen, how, random)


def _share_rows(code: str, counted: Rows, of: Rows) -> Rows:
    """One count over 10,000 of another, on days that have both, as last corrected and when that was known."""
    last = [{day: (at, value) for _, day, at, value in sorted(zip(*rows, strict=True), key=lambda row: row[2])} for rows in (counted, of)]
    both = [(day, last[0][day], last[1][day]) for day in last[0] if last[1].get(day, (None, 0))[1] > 0]
    at, value = [max(a[0], b[0]) for _, a, b in both], [round(1e4 * a[1] / b[1], 2) for _, a, b in both]
    return np.full(len(both), code), np.array([day for day, _, _ in both]), np.array(at), np.array(value)


def background(
    model: StreamModel, weekday: NDArray[np.int64], day_of_year: NDArray[np.int64], random: np.random.Generator, drift_sd: float
) -> NDArray[np.float64]:
    """Expected ordinary value of each day: level x weekday x season x slow drift."""
    weekly = np.array(model.weekday) / np.mean(model.weekday)
    season = 1 + model.season_amplitude * np.cos(2 * np.pi * (day_of_year - model.season_peak_day) / 365.25)
    steps = random.normal(0, drift_sd * np.sqrt(2 / 60), len(weekday))
    drift = np.empty(len(weekday))
    level = 0.0
    for day, step in enumerate(steps):  # AR(1) with a memory of 60 days
        level = level * (1 - 1 / 60) + step
        drift[day] = level
    return np.asarray(model.background_per_day * weekly[weekday - 1] * season * np.exp(drift))


def delayed_events(model: StreamModel, infections: NDArray[np.float64]) -> NDArray[np.float64]:
    """Expected events of each day from infections of earlier days: a gamma delay cut into days."""
    if not model.events_per_infection or not model.delay_mean_days or not model.delay_sd_days:
        return np.zeros(len(infections))
    shape = (model.delay_mean_days / model.delay_sd_days) ** 2
    edges = np.arange(0, int(model.delay_mean_days + 6 * model.delay_sd_days) + 2)
    kernel = np.diff(gamma.cdf(edges, shape, scale=model.delay_mean_days / shape))
    return np.convolve(infections, model.events_per_infection * kernel)[: len(infections)]


def _other_causes(
    causes: Sequence[OtherCauseSpec], stream: StreamSpec, shares: NDArray[np.float64], villages: Sequence[PlaceSpec], calendar: _Calendar
) -> NDArray[np.float64]:
    factor = np.ones(len(calendar.days))
    people = np.array([village.population for village in villages]) * shares
    for cause in causes:
        if stream.kind in cause.extra and people.sum() > 0:
            home = [village.code for village in villages].index(cause.place)
            since = (np.arange(len(factor)) - calendar.index(cause.first_day)) / cause.days
            bump = np.where((since >= 0) & (since <= 1), np.sin(np.pi * np.clip(since, 0, 1) ** 0.7), 0.0)
            factor += cause.extra[stream.kind] * bump * people[home] / people.sum()
    return factor


def draw_values(
    stream: StreamSpec, mean: NDArray[np.float64], excess: NDArray[np.float64], random: np.random.Generator
) -> NDArray[np.float64]:
    """Draw what is observed: negative binomial background and Poisson excess for counts, log-normal noise for the rest."""
    model = stream.model
    if stream.value_kind != "count":
        noise = np.exp(random.normal(0, model.dispersion, len(mean)) - model.dispersion**2 / 2)
        return np.round((mean + excess) * noise, 0 if stream.value_kind == "concentration" else 2)
    extra = random.poisson(excess)
    if model.dispersion <= 1:
        return (random.poisson(mean) + extra).astype(float)
    size = np.maximum(mean, 1e-9) / (model.dispersion - 1)
    return (random.negative_binomial(size, 1 / model.dispersion) + extra).astype(float)


def _reports(
    stream: StreamSpec,
    calendar: _Calendar,
    values: NDArray[np.float64],
    chosen: NDArray[np.int64],
    how: ReportingParams,
    random: np.random.Generator,
) -> Rows:
    """First reports, some of them late, and corrections of some days a few days after."""
    count = len(chosen)
    delay = int(np.ceil(stream.expected_delay_days))
    late = np.where(random.random(count) < how.late_share, random.integers(1, 3, count), 0)
    start = how.evening_minutes if delay == 0 else how.morning_minutes
    minutes = start + random.integers(0, how.spread_minutes, count)
    seconds = (delay + late) * 86_400 + minutes * 60 + random.integers(0, 60, count)
    final = values[chosen]
    again = random.random(count) < how.corrected_share
    steps = np.maximum(1, np.round(np.abs(random.normal(0, 0.08, count)) * final)) * random.choice([-1.0, -1.0, -1.0, 1.0], count)
    first = np.where(again, np.maximum(0, final + steps), final)
    again &= first != final
    at = calendar.midnight_at[chosen] + seconds.astype("timedelta64[s]")
    corrected_at = at[again] + (random.integers(1, 5, again.sum()) * 86_400 + random.integers(0, 7_200, again.sum())).astype(
        "timedelta64[s]"
    )
    days = calendar.days[chosen]
    everything = count + int(again.sum())
    return (
        np.full(everything, stream.code, dtype="<U60"),
        np.concatenate([days, days[again]]),
        np.concatenate([at, corrected_at]),
        np.concatenate([first, final[again]]),
    )


def infections_known(observations: GeneratedObservations) -> Mapping[str, int]:
    """All infections of the hidden truth by village code, for tests and for judging alarms."""
    return dict(zip(observations.villages, observations.infections.sum(axis=1).tolist(), strict=True))
