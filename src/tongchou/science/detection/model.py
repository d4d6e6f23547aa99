"""What the detectors take and give: histories, stream models, parameters, scores and the fused assessment.

All records are frozen. Days are calendar dates, durations are days, evidence is a natural logarithm.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Kind = Literal["count", "rate", "concentration"]
Direction = Literal["higher", "lower"]
Grade = Literal["red", "orange", "yellow", "blue"]

METHOD_ADDITIVE = "shaped-excess-nb"
METHOD_MULTIPLICATIVE_COUNT = "growth-nb"
METHOD_MULTIPLICATIVE_RATE = "growth-lognormal"
METHOD_FALLBACK = "rank-of-week"
VERSION = "1"
GRADES: tuple[Grade, ...] = ("blue", "yellow", "orange", "red")
TOWNWIDE = "*"


@dataclass(frozen=True, slots=True)
class Additive:
    """An outbreak adds events to a low-count background: events per infection, spread by a Gamma delay from infection (days)."""

    events_per_infection: float
    delay_mean_days: float
    delay_sd_days: float

    def __post_init__(self) -> None:
        if not (self.events_per_infection > 0 and self.delay_mean_days > 0 and self.delay_sd_days > 0):
            raise ValueError(f"Additive: events per infection and delays must be positive, got {self}")


@dataclass(frozen=True, slots=True)
class Multiplicative:
    """An outbreak multiplies the level of the last weeks: for busy, rate or concentration streams."""


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """One stream of one place as known today; a late correction is simply a new history.

    Parameters
    ----------
    stream: name shared by all places that report the same indicator in the same way.
    values: value per step, NaN = missing; ``values[i]`` covers the ``step_days`` days that begin on ``first_day + i * step_days``.
    kind: "count" (events), "rate" (per something, positive), "concentration" (wastewater).
    place: code of the place; None = the whole area (a town's plant, a national stream, "coming from outside").
    population: residents of the place (weights the places; 1 where unknown).
    weight: power of the evidence in the fusion: 1 pathogen-specific, 0.25 non-specific (docs/methods/fusion_real.md).
    offsets: sites or tests that reported per step (positive), same length as values; expected counts are proportional to it.
    outside: True for the same stream pooled from neighbours, reported as "coming from outside".
    """

    stream: str
    values: Floats
    first_day: date
    step_days: int
    kind: Kind
    model: Additive | Multiplicative
    place: str | None = None
    population: float = 1.0
    weight: float = 1.0
    direction: Direction = "higher"
    offsets: Floats | None = None
    outside: bool = False

    def __post_init__(self) -> None:
        values = np.asarray(self.values, dtype=np.float64)
        object.__setattr__(self, "values", values)
        where = f"stream {self.stream!r}, place {self.place!r}"
        if values.ndim != 1:
            raise ValueError(f"{where}: values must be one-dimensional, got shape {values.shape}")
        if np.any(np.isinf(values)) or np.any(values < 0):
            raise ValueError(f"{where}: values must be finite and not negative (NaN = missing)")
        if self.step_days not in (1, 7):
            raise ValueError(f"{where}: step_days must be 1 or 7, got {self.step_days}")
        if not (self.population > 0 and 0 < self.weight <= 1):
            raise ValueError(f"{where}: population must be positive and weight in (0, 1]")
        if isinstance(self.model, Additive) and (self.kind != "count" or self.direction != "higher"):
            raise ValueError(f"{where}: the additive model is for counts that rise; use Multiplicative()")
        if self.place == TOWNWIDE:
            raise ValueError(f"{where}: the code {TOWNWIDE!r} is kept for the whole area; use None")
        if self.offsets is not None:
            offsets = np.asarray(self.offsets, dtype=np.float64)
            object.__setattr__(self, "offsets", offsets)
            if offsets.shape != values.shape:
                raise ValueError(f"{where}: offsets have shape {offsets.shape}, values {values.shape}")
            if self.kind != "count":
                raise ValueError(f"{where}: offsets are for counts; a {self.kind} is already relative")

    def upto(self, day: date) -> int:
        """Number of whole steps that ended on or before the day."""
        return int(np.clip(((day - self.first_day).days + 1) // self.step_days, 0, len(self.values)))

    def last_day(self, index: int) -> date:
        """Last day covered by one step."""
        return self.first_day + timedelta(days=(index + 1) * self.step_days - 1)


@dataclass(frozen=True, slots=True)
class GradeParams:
    """Grade by posterior size (docs/methods/detection.md 3; every number is an assumption a town may change)."""

    blue_outbreak_probability: float = 0.2
    size_probability: float = 0.5
    yellow_infections: float = 10.0
    orange_infections: float = 50.0
    red_infections: float = 200.0
    red_places: int = 3
    # Streams that only know relative growth: times the old level, 14 days on. Assumption.
    yellow_fold: float = 1.5
    orange_fold: float = 2.5
    red_fold: float = 5.0

    def __post_init__(self) -> None:
        if not (self.yellow_infections <= self.orange_infections <= self.red_infections):
            raise ValueError("GradeParams: infections must rise from yellow to red")
        if not (self.yellow_fold <= self.orange_fold <= self.red_fold):
            raise ValueError("GradeParams: folds must rise from yellow to red")


@dataclass(frozen=True, slots=True)
class DetectionParams:
    """Parameters of scoring and fusion; the defaults are for a township's daily streams, ``weekly()`` for weekly ones."""

    calendar_step_days: int = 1
    onset_ages_days: tuple[int, ...] = tuple(range(36))  # assumption: an outbreak older than five weeks has been found another way
    growth_per_day: tuple[float, ...] = (0.08, 0.15, 0.24)  # assumption: doubling in 9, 5 and 3 days
    seed_sizes: tuple[float, ...] = (1.0, 4.0)  # assumption: seeds, A of additive streams
    growing_shares: tuple[float, ...] = (0.1, 0.3, 1.0)  # docs/methods/fusion_real.md: A of multiplicative streams
    level_steps: int = 8  # docs/methods/fusion_real.md: weeks before onset
    level_steps_least: int = 4  # assumption
    spread_steps: int = 104  # assumption: two years of weekly log differences
    extra_variance: float = 0.02  # docs/methods/fusion_real.md
    baseline_days: int = 364  # assumption: level and weekday from a year
    baseline_gap_days: int = 14  # assumption: that ends two weeks before the week in question; a young outbreak is no background
    catch_up_days: int = 7  # assumption: the first report after so long a silence may carry what was not told; it is not judged
    baseline_least_days: int = 28  # assumption: with a shorter past nothing is expected, and so nothing said
    drift_days: int = 35  # tried on simulated towns, docs/methods/fusion_benchmark.md
    drift_lag_days: int = 7  # assumption: the newest week never lowers its own alarm
    drift_limit: float = 3.0  # assumption: a drift beyond this, either way, is not background
    shrink_events: float = 4.0  # assumption: pseudo-events that pull a place to the town's level and a weekday to the mean
    drift_shrink_events: float = 10.0  # assumption: pseudo-events (times the dispersion) that pull the drift to 1
    outbreak_week_factor: float = 2.0  # assumption: past weeks above this times their level (and 4 sd) are no background
    default_variance: float = 0.1  # assumption: log variance where the past is too short to tell
    day_effect_variance: float = 0.02  # assumption: a common shock of 14 % (one sd) a day; 0 = no day effect
    townwide_prior: float = 0.2  # assumption: prior share of a rise that is everywhere at once
    alarms_per_year: float = 1.0  # the promise; configuration
    fusion_budget_share: float = 0.9  # the rest for single streams' own alarms: at one half nearly all false, docs/methods/verdicts.md 6
    margin_log: float = 0.0  # from calibrate_threshold on the own past
    prior_onsets_per_year: float = 1.0  # assumption; stated beside every probability
    learnt_weights: tuple[tuple[str, float], ...] = ()  # stream -> power of its evidence where verdicts moved its stated weight
    band_coverage: float = 0.95  # convention of charts
    horizons_days: tuple[int, ...] = (7, 14)
    forecast_coverage: float = 0.8
    grades: GradeParams = field(default_factory=GradeParams)

    @property
    def window_days(self) -> int:
        """Days from the earliest onset to today."""
        return self.onset_ages_days[-1]

    def __post_init__(self) -> None:
        if self.calendar_step_days not in (1, 7):
            raise ValueError(f"calendar_step_days must be 1 or 7, got {self.calendar_step_days}")
        if list(self.onset_ages_days) != sorted(set(self.onset_ages_days)) or self.onset_ages_days[0] < 0:
            raise ValueError("onset_ages_days must rise from 0 or more")
        if min(self.alarms_per_year, self.prior_onsets_per_year) <= 0 or not 0 < self.fusion_budget_share <= 1:
            raise ValueError("alarms_per_year and prior_onsets_per_year must be positive, fusion_budget_share in (0, 1]")
        if not all(0 < weight <= 1 for _, weight in self.learnt_weights):
            raise ValueError(f"learnt_weights must lie in (0, 1], got {dict(self.learnt_weights)}")

    @classmethod
    def weekly(cls, **changes: object) -> "DetectionParams":
        """Parameters for weekly streams of a state or country (docs/methods/fusion_real.md)."""
        chosen: dict[str, object] = {
            "calendar_step_days": 7,
            "onset_ages_days": (7, 14, 21, 28, 35, 42),
            "growth_per_day": (0.05, 0.10, 0.15),
            "fusion_budget_share": 0.5,  # measured on real streams, docs/methods/fusion_real.md
        }
        return cls(**{**chosen, **changes})  # type: ignore[arg-type]

    def power_of(self, stream: "History | StreamScore") -> float:
        """Power of a stream's evidence in the fusion: learnt where verdicts moved it, else as stated."""
        return dict(self.learnt_weights).get(stream.stream, stream.weight)

    @property
    def theory_log(self) -> float:
        """Log of the average run length in calendar steps that the promise asks for."""
        return float(np.log(365.25 / (self.alarms_per_year * self.calendar_step_days)))

    @property
    def grid_shape(self) -> tuple[int, int, int]:
        """Axes of every evidence grid: onset age, growth, size."""
        return len(self.onset_ages_days), len(self.growth_per_day), len(self.seed_sizes)


@dataclass(frozen=True, slots=True, eq=False)
class StreamScore:
    """Evidence of one stream of one place on one day.

    ``log_evidence[i, j, k]`` = log likelihood ratio (unweighted) of an outbreak that began ``onset_ages_days[i]`` days ago, grows
    by ``growth_per_day[j]`` and has size ``seed_sizes[k]``, against none. ``statistic`` = log of the sum over onsets of the mean
    over growth and size; ``threshold`` the value at which this stream alone alarms. ``observed`` is the last present value and
    ``observed_on`` its last day (None: no value); ``expected``, ``lower``, ``upper`` and the mid-p value belong to that value, and the
    factors in ``basis`` multiply to ``expected``: level, weekday, drift, sites, others (the day effect of the other places).
    """

    stream: str
    place: str | None
    day: date
    population: float
    weight: float
    outside: bool
    log_evidence: Floats
    statistic: float
    threshold: float
    observed: float
    observed_on: date | None
    expected: float
    lower: float
    upper: float
    mid_p: float
    baseline_next: Floats  # (horizons,) expected sum (rates: mean) over the next 7 / 14 days without an outbreak
    excess_next: Floats  # (onset, growth, size, horizons) what an outbreak would add to it
    next_size: Floats  # (horizons,) size of the negative binomial around it; for rates the log variance
    is_count: bool
    fold_next: Floats | None  # (onset, growth) times the old level 14 days on; None where size is in infections
    method: str
    version: str = VERSION
    basis: tuple[tuple[str, float], ...] = ()

    @property
    def alarm(self) -> bool:
        """Whether this stream alone passes its threshold."""
        return self.statistic >= self.threshold


@dataclass(frozen=True, slots=True)
class PlaceEvidence:
    """One place's part: its posterior share among the places (given an outbreak) and its own probability of an outbreak.

    `log_evidence` is its part of the statistic, prior weight included; `log_e` the log of its e-value: the mean over onsets, without the weight,
    less the margin, which is what `e_bh` takes.
    """

    place: str | None
    share: float
    outbreak_probability: float
    log_evidence: float
    log_e: float


@dataclass(frozen=True, slots=True)
class StreamEvidence:
    """One stream (all places together) in the fusion: share of the evidence, its own statistic and threshold."""

    stream: str
    share: float
    statistic: float
    threshold: float
    outside: bool
    leading_place: str | None

    @property
    def alarm(self) -> bool:
        """Whether this stream alone, over all places, passes its threshold."""
        return self.statistic >= self.threshold


@dataclass(frozen=True, slots=True)
class Forecast:
    """Expected sum (rates: mean) of one stream of one place over the next days: median and interval."""

    stream: str
    place: str | None
    horizon_days: int
    median: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True, eq=False)
class Assessment:
    """Everything one morning says about one area.

    ``statistic`` is the log Shiryaev-Roberts sum over onsets and places; an alarm is raised by the fusion (``statistic >= threshold``)
    or by the best stream alone; ``excess`` = how far the better of the two lies above its threshold (log, before the margin), which
    is what `calibrate_threshold` takes. ``grade`` is None without an alarm. ``size`` says what the grade was measured in.
    """

    day: date
    statistic: float
    threshold: float
    excess: float
    alarm_by: Literal["fusion", "stream"] | None
    grade: Grade | None
    outbreak_probability: float
    prior_onsets_per_year: float
    alarms_per_year: float
    onset_posterior: Mapping[date, float]
    growth_posterior: Mapping[float, float]
    size_posterior: Mapping[float, float]
    growth_per_day: float
    growth_interval: tuple[float, float]
    size: Literal["infections", "fold"]
    size_probability: Mapping[Grade, float]
    places: tuple[PlaceEvidence, ...]
    streams: tuple[StreamEvidence, ...]
    forecasts: tuple[Forecast, ...]
    version: str = VERSION

    @property
    def alarm(self) -> bool:
        """Whether an alarm is proposed."""
        return self.alarm_by is not None

    @property
    def best_stream(self) -> StreamEvidence:
        """The stream that stands highest above (or least below) its own threshold."""
        return max(self.streams, key=lambda s: s.statistic - s.threshold)

    @property
    def located_in(self) -> str | None:
        """The place that holds at least half of the evidence; None = no such place, or the whole area."""
        top = max(self.places, key=lambda p: p.share, default=None)
        return None if top is None or top.share < 0.5 else top.place

    @property
    def leading_place(self) -> str | None:
        """The place with the largest share; None = the whole area."""
        return max(self.places, key=lambda p: p.share).place


@dataclass(frozen=True, slots=True)
class Screening:
    """One morning: the score of every history, in the order given, and the fused assessment."""

    scores: tuple[StreamScore, ...]
    assessment: Assessment


@dataclass(frozen=True, slots=True)
class Calibration:
    """Margin above the theoretical threshold from a replay of the own past, and how much that past can prove.

    ``margin_log`` goes into `DetectionParams.margin_log`. ``alarms_left`` alarms remain in the replay at this margin;
    ``rate_upper_per_year`` is the 95 % upper limit of the alarm rate that so short a past allows to claim. ``basis`` is "replay",
    "extrapolated" (promise times past is below one alarm: the tail was prolonged with slope 1) or "theory" (the theory was higher).
    """

    margin_log: float
    basis: Literal["replay", "extrapolated", "theory"]
    past_years: float
    alarms_left: int
    rate_upper_per_year: float
    promised_per_year: float

    @property
    def is_past_too_short(self) -> bool:
        """Whether the past cannot show that the promise is kept."""
        return self.rate_upper_per_year > self.promised_per_year
