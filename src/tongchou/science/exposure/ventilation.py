"""What shared air means: the chance of infection by Wells and Riley from the ventilation class of a venue."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from tongchou.science.exposure.model import Floats

Ventilation = Literal["open_air", "mechanical", "natural", "poor"]
VENTILATION_CLASSES: tuple[Ventilation, ...] = get_args(Ventilation)


def _air_changes() -> dict[Ventilation, float]:
    return {"open_air": 60.0, "mechanical": 6.0, "natural": 2.0, "poor": 0.5}


@dataclass(frozen=True, slots=True)
class WellsRileyParams:
    """Quanta an infectious person gives off, air a person breathes, air changes of each class, volume where none is known."""

    quanta_per_h: float = 48.0  # upper end of 14-48 fitted by Dai & Zhao 2020 for the strain of that winter; later variants: more
    breathing_m3_per_h: float = 0.3  # with which those quanta were fitted; only the product counts
    air_changes_per_h: dict[Ventilation, float] = field(default_factory=_air_changes)  # assumption; nobody measured the town's venues
    volume_m3: float = 300.0  # assumption: a room of 100 m2

    def __post_init__(self) -> None:
        numbers = [self.quanta_per_h, self.breathing_m3_per_h, self.volume_m3, *self.air_changes_per_h.values()]
        if set(self.air_changes_per_h) != set(VENTILATION_CLASSES) or not all(np.isfinite(n) and n > 0 for n in numbers):
            raise ValueError(f"WellsRileyParams: numbers above 0, and air changes of {', '.join(VENTILATION_CLASSES)}; got {self}")


def dose_rate(
    ventilation: Sequence[Ventilation], volume_m3: ArrayLike | None = None, params: WellsRileyParams = WellsRileyParams()
) -> Floats:
    """Expected quanta inhaled in one second beside one infectious person, by venue.

    Parameters
    ----------
    ventilation : sequence of {"open_air", "mechanical", "natural", "poor"}
        Class of each venue, in the order of the venue codes.
    volume_m3 : array, optional
        Volume of each venue; NaN where unknown (then that of the params).
    params : WellsRileyParams

    Returns
    -------
    Floats
        For `find_exposed(..., dose_per_s=...)`; chance = 1 - exp(-sum of rate x shared seconds).

    Notes
    -----
    q p / (n V) / 3600: quanta per hour, breathing, air changes, volume. Air well mixed and in balance from the first second on: errs high for short stays
    in poor air, low for two people close together. No masks, no filters, no immunity.

    References
    ----------
    Riley, Murphy & Riley 1978, doi:10.1093/oxfordjournals.aje.a112560; Dai & Zhao 2020, doi:10.1007/s12273-020-0703-5.

    Examples
    --------
    >>> rates = dose_rate(["mechanical", "poor"])
    >>> [round(float(1 - np.exp(-rate * 3600)), 4) for rate in rates]  # an hour beside one infectious person
    [0.008, 0.0915]
    """
    unknown = sorted({str(v) for v in ventilation} - set(VENTILATION_CLASSES))
    if unknown:
        raise ValueError(f"ventilation: {', '.join(unknown)} is not known; known: {', '.join(VENTILATION_CLASSES)}")
    volume = np.full(len(ventilation), np.nan) if volume_m3 is None else np.asarray(volume_m3, np.float64)
    if volume.shape != (len(ventilation),) or np.isinf(volume).any() or (volume <= 0).any():
        raise ValueError(f"volume_m3: one number above 0 (or NaN) for each of {len(ventilation)} venues; got {volume}")
    changes = np.array([params.air_changes_per_h[v] for v in ventilation])
    fresh = changes * np.where(np.isnan(volume), params.volume_m3, volume)
    return params.quanta_per_h * params.breathing_m3_per_h / fresh / 3600.0
