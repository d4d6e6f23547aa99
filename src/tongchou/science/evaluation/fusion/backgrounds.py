"""What a rule is told to expect: the product's own estimate, or the truth."""

from dataclasses import dataclass, field

import numpy as np

from tongchou.science.detection.additive import courses_of, excess_table
from tongchou.science.detection.background import Panel as StreamPanel
from tongchou.science.detection.model import DetectionParams, Floats
from tongchou.science.evaluation.fusion.evidence import Panel
from tongchou.science.evaluation.fusion.towns import FIRST_DAY, STREAMS, Town, assumed_model
from tongchou.science.evaluation.fusion.worlds import Quiet


@dataclass(frozen=True, slots=True)
class Watched:
    """How the town is watched: the product's parameters as they are delivered."""

    detection: DetectionParams = field(default_factory=DetectionParams)

    def table(self) -> Floats:
        """What an outbreak adds by stream, age and shape, as the detector assumes it: (streams, ages, shapes)."""
        p = self.detection
        tables = [excess_table(assumed_model(stream), p, 1, p.window_days) for stream in STREAMS]
        return np.array([t.reshape(-1, t.shape[-1]).T for t in tables])

    def weights(self, town: Town) -> Floats:
        """Prior of every village and, last, of a rise in the whole town."""
        townwide = self.detection.townwide_prior
        return np.append(town.weights * (1 - townwide), townwide)


def estimated_panel(seen: Quiet, town: Town, begin: int, watched: Watched = Watched()) -> Panel:
    """Days from `begin` on beside the product's estimate, made once a week from the days before that week."""
    rows = []
    for counts, exposure in zip(seen.counts, seen.exposure, strict=True):
        panel = StreamPanel(counts, exposure, town.population, FIRST_DAY, 1)
        rows.append([course[:, begin:] for course in courses_of(panel, watched.detection, True, begin).rows])
    counts, expected, dispersion = (np.array(part) for part in zip(*rows, strict=True))
    return Panel(counts, expected, dispersion, watched.weights(town), len(town.population))


def true_panel(seen: Quiet, town: Town, begin: int, watched: Watched = Watched()) -> Panel:
    """Days from `begin` on beside what the counts were drawn from."""
    counts, mean = seen.counts[:, :, begin:], seen.mean[:, :, begin:]
    dispersion = np.broadcast_to(seen.dispersion[:, None, begin:], counts.shape)
    there = np.isfinite(counts)
    total, total_mean = (np.where(there.any(axis=1), np.where(there, x, 0.0).sum(axis=1), np.nan)[:, None] for x in (counts, mean))
    return Panel(
        np.concatenate([counts, total], axis=1), np.concatenate([mean, total_mean], axis=1),
        np.concatenate([dispersion, dispersion[:, :1]], axis=1), watched.weights(town), len(town.population),
    )  # fmt: skip
