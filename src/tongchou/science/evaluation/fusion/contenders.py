"""Who takes part: one stream alone, streams side by side, streams combined; each with a threshold left free, begun anew after an alarm."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tongchou.science.detection.model import Floats
from tongchou.science.evaluation.fusion.charts import ChartParams, chart, combined_z, generic_evidence, shift_ratios
from tongchou.science.evaluation.fusion.evidence import Panel, Windowed, largest_over_onsets, shaped_evidence, summed_over_onsets
from tongchou.science.evaluation.fusion.scanning import scan_rule
from tongchou.science.evaluation.fusion.towns import STREAMS, Town

FUSED, EITHER, BONFERRONI = "fused", "fused or a stream", "Bonferroni"
CHARTED = tuple(f"{stream.name}, chart" for stream in STREAMS)


class Rule(Protocol):
    """A rule on the days of one town."""

    def alarms(self, threshold: float) -> NDArray[np.int64]:
        """Days of alarm at a threshold of the rule's own scale, begun anew after each."""
        ...

    def place_scores(self, day: int, restarted: int) -> Floats:
        """How likely each village is on a day; what lies up to day `restarted` no longer counts."""
        ...


@dataclass(frozen=True, slots=True)
class Contender:
    """The scale on which its threshold is looked for, from .. to, and whether its threshold is the logarithm of a promised interval."""

    lowest: float
    highest: float
    is_promise: bool = False

    def grid(self, steps: int = 120) -> Floats:
        """Thresholds to try, rising."""
        return np.linspace(self.lowest, self.highest, steps)


_SUM, _CUSUM, _Z = Contender(0.0, 14.0, is_promise=True), Contender(0.5, 18.0), Contender(1.0, 45.0)
CONTENDERS: Mapping[str, Contender] = {
    FUSED: _SUM,
    EITHER: _SUM,
    "largest ratio": Contender(0.5, 22.0),
    **{stream.name: _SUM for stream in STREAMS},
    "mean of e": _SUM,
    "generic product": _SUM,
    **dict.fromkeys(CHARTED, _CUSUM),
    BONFERRONI: Contender(-6.0, 12.0),
    "Fisher": _Z,
    "Stouffer": _Z,
    "scan": Contender(1.0, 45.0),
}
SINGLE = (*(stream.name for stream in STREAMS), *CHARTED)


def charts_alone(panel: Panel, params: ChartParams = ChartParams()) -> dict[str, Rule]:
    """The village CUSUM of each stream."""
    part = panel.of_villages
    ratios = shift_ratios(part, params.shift_sd)
    return {name: chart(ratios[s], "cusum", part.weights) for s, name in enumerate(CHARTED)}


def rules_of(
    panel: Panel, town: Town, table: Floats, offsets: Floats, params: ChartParams = ChartParams(), *, with_places: bool = False
) -> dict[str, Rule]:
    """Every contender on the days of one town.

    Parameters
    ----------
    table: see `shaped_evidence`. offsets: (streams,), threshold of each stream's CUSUM at one common interval, so that Bonferroni asks every
        stream for the same rarity. with_places: whether `place_scores` will be asked for.
    """
    shaped = shaped_evidence(panel, table, with_places=with_places)
    fused = summed_over_onsets(shaped.fused, shaped.fused_places)
    places = shaped.alone_places if shaped.alone_places is not None else [None] * len(STREAMS)
    alone = [summed_over_onsets(parts, of) for parts, of in zip(shaped.alone, places, strict=True)]
    mean_places = None if shaped.alone_places is None else shaped.alone_places.mean(axis=0)
    part = panel.of_villages
    ratios = shift_ratios(part, params.shift_sd)
    return {
        FUSED: fused,
        EITHER: either(fused, alone),
        "largest ratio": largest_over_onsets(shaped.largest, shaped.largest_places),
        **{stream.name: rule for stream, rule in zip(STREAMS, alone, strict=True)},
        "mean of e": summed_over_onsets(shaped.alone.mean(axis=0), mean_places),
        "generic product": chart(generic_evidence(part, params.generic_sd), "sum", part.weights),
        **{name: chart(ratios[s], "cusum", part.weights) for s, name in enumerate(CHARTED)},
        BONFERRONI: chart(ratios, "cusum", part.weights, offsets),
        "Fisher": chart(combined_z(part, "fisher") - params.reference, "cusum", part.weights),
        "Stouffer": chart(combined_z(part, "stouffer") - params.reference, "cusum", part.weights),
        "scan": scan_rule(part, town.place_km),
    }


def either(fused: Windowed, alone: list[Windowed], fused_share: float = 0.5) -> Windowed:
    """The product's rule of weekly streams: half the budget is the fusion's, half the streams' own; villages by the fusion."""
    of_stream = math.log((1 - fused_share) / len(alone))
    reach = np.max([fused.reach + math.log(fused_share), *(rule.reach + of_stream for rule in alone)], axis=0)
    return Windowed(reach, fused.places)
