"""The same rules on real series in which the owners of the data labelled the outbreaks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tongchou.science.detection.mixture import Evidence
from tongchou.science.detection.model import Floats
from tongchou.science.evaluation.contenders import LEAD, Verdict
from tongchou.science.evaluation.measures import ROWS, Tally
from tongchou.science.evaluation.weekly import Measured, Settled, matched_rows, row_of, rule_of

Bools = NDArray[np.bool_]
FIRST_JUDGED = 104  # assumption: two years of past, so that half of the four-year series can be judged


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Counts (weeks,) of one place and which weeks belong to a labelled outbreak."""

    name: str
    counts: Floats
    outbreak: Bools


@dataclass(frozen=True, slots=True, eq=False)
class LabelledGround:
    """The judged weeks of all series, (series, weeks), the shorter ones empty in front."""

    is_judged: Bools
    outbreak: Bools

    def tally(self, alarms: Bools) -> Tally:
        return Tally(np.array([_sums(a & j, j, o) for a, j, o in zip(alarms, self.is_judged, self.outbreak, strict=True)]).T, self.stratum)

    @property
    def stratum(self) -> NDArray[np.int64]:
        return np.zeros(len(self.is_judged), dtype=np.int64)


def labelled_ground(series: Sequence[Labelled]) -> LabelledGround:
    """What is judged: every week from the third year on."""
    width = max(len(s.counts) for s in series) - FIRST_JUDGED
    outbreak = np.array([_in_front(s.outbreak[FIRST_JUDGED:], width, False) for s in series])
    return LabelledGround(np.array([_in_front(~np.isnan(s.counts[FIRST_JUDGED:]), width, False) for s in series]), outbreak)


def judge_labelled(series: Sequence[Labelled], family: Callable[[Floats, NDArray[np.int64]], dict[str, Verdict]]) -> dict[str, Verdict]:
    """Every row of a family on all series; those of one length together."""
    width = max(len(s.counts) for s in series) - FIRST_JUDGED
    found: dict[str, list[tuple[int, Verdict]]] = {}
    for length in {len(s.counts) for s in series}:
        places = [i for i, s in enumerate(series) if len(s.counts) == length]
        rows = family(np.array([series[i].counts for i in places]), np.arange(FIRST_JUDGED, length))
        for name, verdict in rows.items():
            found.setdefault(name, []).extend((place, _row(verdict, k, width)) for k, place in enumerate(places))
    return {name: _stacked([verdict for _, verdict in sorted(rows, key=lambda row: row[0])]) for name, rows in found.items()}


def measure_labelled(method: str, verdict: Verdict, ground: LabelledGround, rates: Sequence[float]) -> list[Measured]:
    """The measures of one rule; the false-positive rate is that of all unlabelled weeks together."""
    is_quiet = ground.is_judged & ~ground.outbreak
    rule, _ = rule_of(verdict, verdict)
    published = row_of(method, None, None, ground.tally(verdict.nominal), {})
    return [published, *matched_rows(method, Settled(rule, is_quiet, lambda threshold: ground.tally(rule.alarms(threshold))), rates)]


def _sums(alarms: Bools, is_judged: Bools, outbreak: Bools) -> list[float]:
    quiet, ill = is_judged & ~outbreak, is_judged & outbreak
    edges = np.flatnonzero(np.diff(np.r_[0, ill.astype(np.int8), 0]))
    runs = [(alarms[begin:end], end - begin) for begin, end in zip(edges[::2], edges[1::2], strict=True)]
    waited = [int(inside.argmax()) if inside.any() else length for inside, length in runs]
    of: Mapping[str, float] = {
        "quiet_weeks": quiet.sum(), "false_alarms": (alarms & quiet).sum(), "outbreaks": len(runs),
        "found": sum(bool(inside.any()) for inside, _ in runs), "found_in_first_week": sum(bool(inside[0]) for inside, _ in runs),
        "outbreak_weeks": ill.sum(), "alarmed_outbreak_weeks": (alarms & ill).sum(), "alarms": alarms.sum(), "weeks_waited": sum(waited),
        "weeks_outside": quiet.sum(), "silent_outside": (quiet & ~alarms).sum(),
    }  # fmt: skip
    return [float(of[name]) for name in ROWS]


def _in_front(values: NDArray[Any], width: int, filler: object) -> NDArray[Any]:
    return np.concatenate([np.full(width - len(values), filler, dtype=values.dtype), values])


def _row(verdict: Verdict, k: int, width: int) -> Verdict:
    """One series of a verdict, filled up in front."""
    evidence = None
    if verdict.evidence is not None:
        now, before = (_in_front(part[k], width + LEAD, np.nan) for part in (verdict.evidence.now, verdict.evidence.before))
        evidence = Evidence(now, before, _in_front(verdict.evidence.is_present[k], width + LEAD, False))
    return Verdict(_in_front(verdict.score[k], width, np.nan), _in_front(verdict.nominal[k], width, False), evidence)


def _stacked(rows: Sequence[Verdict]) -> Verdict:
    held = [row.evidence for row in rows if row.evidence is not None]
    evidence = Evidence(*(np.array([getattr(e, part) for e in held]) for part in ("now", "before", "is_present"))) if held else None
    return Verdict(np.array([row.score for row in rows]), np.array([row.nominal for row in rows]), evidence)
