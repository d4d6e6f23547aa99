"""What a pack holds once it has been read and checked: frozen rows, one class per kind of row, codes instead of references."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from tongchou.core.packs.policies import PolicyBook
from tongchou.core.packs.procedures import ProcedureSpec
from tongchou.core.wording import T

Confidence = Literal["high", "medium", "low"]
SentinelKind = Literal["testing", "electronic", "spot_check", "monitoring", "case_investigation"]
ValueKind = Literal["count", "rate", "concentration"]


@dataclass(frozen=True, slots=True)
class Attribution:
    """Whose data this is and what the licence asks to be shown."""

    title: T
    holder: T
    licence: str
    changes: T


@dataclass(frozen=True, slots=True)
class Target:
    """A disease or syndrome that streams are fused for: one alarm never mixes two targets."""

    code: str
    name: T


@dataclass(frozen=True, slots=True)
class GeneratedSize:
    """How much of the town is made up at first start, and from which seed."""

    seed: int
    residents: int
    firms: int
    venues: int
    note: T


@dataclass(frozen=True, slots=True)
class Identity:
    """Which place this pack is. `demo_now` is set when the pack is a demonstration whose clock starts there."""

    code: str
    version: int
    name: T
    place: str
    zone: ZoneInfo
    languages: tuple[str, ...]
    step_days: int
    demo_now: datetime | None
    demo_from: datetime | None
    generated: GeneratedSize | None


@dataclass(frozen=True, slots=True)
class PlaceSpec:
    """One place between two dates; `outline` is a GeoJSON geometry in WGS-84."""

    code: str
    kind: str
    parent: str | None
    name: T
    population: int
    lat: float | None
    lon: float | None
    valid_from: date
    valid_to: date | None
    generated: bool
    outline: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class UnitSpec:
    """The office, a group, a village committee or another body."""

    code: str
    kind: str
    name: T
    place: str
    duties: T | None
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class PostSpec:
    """A seat in a unit. Escalation goes to `reports_to`; `deputy` names the post whose holder stands in."""

    code: str
    kind: str
    name: T
    unit: str
    place: str
    reports_to: str | None
    deputy: str | None


@dataclass(frozen=True, slots=True)
class AccountSpec:
    """A fictional person of the demonstration and the posts they hold; passwords are never in a pack."""

    username: str
    name: T
    posts: tuple[str, ...]
    email: str


@dataclass(frozen=True, slots=True)
class ParameterEntry:
    """One value from a day on, with its source."""

    value: Any
    from_on: date
    to_on: date | None
    place: str | None
    source: T
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class ParameterSpec:
    """A number (or list) an office may change: its unit, its meaning and its dated values."""

    key: str
    unit: str
    kind: str
    description: T
    entries: tuple[ParameterEntry, ...]


@dataclass(frozen=True, slots=True)
class ProofSpec:
    """What must lie beside a task before it counts as done."""

    kind: str
    name: T


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """One task of a plan. `due_minutes` counts from activation; `after` names tasks that must be done first."""

    code: str
    name: T
    detail: T | None
    group: str
    owner: str
    after: tuple[str, ...]
    due_minutes: int
    proofs: tuple[ProofSpec, ...]
    documents: tuple[str, ...]
    approvals: int
    repeat_minutes: int | None


@dataclass(frozen=True, slots=True)
class TriggerSpec:
    """What switches the plan on, and how far."""

    code: str
    name: T
    kind: str
    grades: tuple[str, ...]
    level: str
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class GroupSpec:
    """A unit of the command structure, with the post that leads it and what it is there for."""

    unit: str
    leader: str
    duties: T


@dataclass(frozen=True, slots=True)
class DocumentSpec:
    """A paper the plan's tasks produce."""

    code: str
    name: T


@dataclass(frozen=True, slots=True)
class PlanSpec:
    """An emergency plan as data."""

    code: str
    version: int
    name: T
    status: str
    targets: tuple[str, ...]
    source: T
    command_name: T
    groups: tuple[GroupSpec, ...]
    triggers: tuple[TriggerSpec, ...]
    documents: tuple[DocumentSpec, ...]
    tasks: tuple[TaskSpec, ...]
    file: str


@dataclass(frozen=True, slots=True)
class StreamModel:
    """How infections show in a stream: the assumptions of detection and, for a generated town, of its history.

    `form` additive: background plus delayed events per infection; multiplicative: the level grows by a factor.
    `background_per_day` is the mean over a week in the stream's unit; `weekday` multiplies it, Monday first, with mean 1.
    `dispersion` is variance over mean of a count, or the standard deviation of the log of a rate or concentration.
    """

    form: Literal["additive", "multiplicative"]
    basis: str
    events_per_infection: float = 0.0
    delay_mean_days: float = 0.0
    delay_sd_days: float = 0.0
    background_per_day: float = 0.0
    dispersion: float = 1.0
    weekday: tuple[float, ...] = (1.0,) * 7
    season_amplitude: float = 0.0
    season_peak_day: int = 20
    missing_share: float = 0.0


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """One indicator of one sentinel. A value covers the `period_days` that end on its day; values come every `step_days`."""

    code: str
    kind: str
    indicator: T
    unit: T
    value_kind: ValueKind
    targets: tuple[str, ...]
    step_days: int
    period_days: int
    expected_delay_days: float
    direction: Literal["higher", "lower"]
    specific: bool
    weight: float
    plausible_max: float | None
    model: StreamModel


@dataclass(frozen=True, slots=True)
class Catchment:
    """The share of a place's residents that a sentinel sees."""

    place: str
    share: float


@dataclass(frozen=True, slots=True)
class SentinelSpec:
    """One watching post: what it is, whom it sees, who runs it, when it reports. `days` are ISO weekdays, Monday = 1."""

    code: str
    kind: SentinelKind
    setting: str
    name: T
    place: str
    catchments: tuple[Catchment, ...]
    operator: T
    contact: str
    days: tuple[int, ...]
    state: str
    generated: bool
    streams: tuple[StreamSpec, ...]


@dataclass(frozen=True, slots=True)
class IndustrySpec:
    """A section (division empty) or division of GB/T 4754, and its assumed share of the town's firms."""

    section: str
    division: str
    name: T
    share: float


@dataclass(frozen=True, slots=True)
class EntryRuleSpec:
    """What a class of venue asks for at its doors between two days, or the most that was ordered; `test_hours` None asks for no test."""

    venue_classes: tuple[str, ...]
    from_on: date
    to_on: date | None
    test_hours: int | None
    may_refuse: bool
    source: T
    confidence: Confidence
    takes_permits: bool = False  # vehicles come in with a permit


@dataclass(frozen=True, slots=True)
class OutbreakSpec:
    """An epidemic of the generated history: `reproduction` secondary infections each, `reproduction_after` once contained.

    `left_undone` names plan tasks that nobody finishes in its incident: they go overdue and climb.
    """

    code: str
    place: str
    seeded_on: date
    seeds: int
    reproduction: float
    contained_on: date | None
    reproduction_after: float
    left_undone: tuple[str, ...]
    note: T


@dataclass(frozen=True, slots=True)
class OtherCauseSpec:
    """A rise that is no epidemic of a watched disease; `extra` is its peak over the background, by kind of stream."""

    code: str
    place: str
    first_day: date
    days: int
    extra: Mapping[str, float]
    note: T


@dataclass(frozen=True, slots=True)
class StorySpec:
    """What happens in the generated history, and which streams fall silent on which day."""

    first_day: date
    last_day: date
    outbreaks: tuple[OutbreakSpec, ...]
    other_causes: tuple[OtherCauseSpec, ...]
    silent_from: Mapping[str, date]


@dataclass(frozen=True, slots=True)
class Pack:
    """A town, or a country, as a folder of dated data."""

    folder: Path
    identity: Identity
    targets: tuple[Target, ...]
    attribution: tuple[Attribution, ...]
    places: tuple[PlaceSpec, ...]
    units: tuple[UnitSpec, ...]
    posts: tuple[PostSpec, ...]
    accounts: tuple[AccountSpec, ...]
    parameters: tuple[ParameterSpec, ...]
    plans: tuple[PlanSpec, ...]
    sentinels: tuple[SentinelSpec, ...]
    observation_files: tuple[Path, ...]
    story: StorySpec | None
    industries: tuple[IndustrySpec, ...]
    entry_ceilings: tuple[EntryRuleSpec, ...]
    entry_rules: tuple[EntryRuleSpec, ...]
    resumption: Mapping[str, Any] | None  # resumption.yaml as checked; `domains.resumption.rules.rulebook_from` reads it
    procedures: tuple[ProcedureSpec, ...]
    projects: Mapping[str, Any] | None  # projects.yaml as checked; `domains.projects.rules.book_from` reads it
    policies: PolicyBook | None
    digest: str

    @property
    def villages(self) -> tuple[PlaceSpec, ...]:
        """The places directly under the pack's own place that are open now: villages of a town, states of a country."""
        return tuple(p for p in self.places if p.parent == self.identity.place and p.valid_to is None)
