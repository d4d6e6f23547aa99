"""Who is at work by what firms leave behind: power, people at the gate, invoices."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tongchou.science.sampling.estimates import corrected_for_test
from tongchou.science.sampling.finding import clopper_pearson

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class WorkingShare:
    """The share of firms at work by one kind of evidence, with its interval; `seen` firms had a reading. None where nobody had."""

    seen: int
    share: float | None
    low: float | None
    high: float | None


def working_share(
    ratios: ArrayLike, at_least: float, sensitivity: float = 1.0, specificity: float = 1.0, level: float = 0.9
) -> WorkingShare:
    """Say which share of firms is at work, from each firm's reading beside its own base.

    Parameters
    ----------
    ratios: shape (firms,), reading over base of the same firm, >= 0. NaN: no reading; such a firm is left out.
    at_least: a firm at or above it shows the sign of work. sensitivity, specificity: chance that a firm at work shows it, and that a closed one does not.
    level: of the interval, in (0, 1).

    Returns
    -------
    WorkingShare.

    Notes
    -----
    Rogan-Gladen of the share with the sign, on the estimate and on both Clopper-Pearson ends. Assumes that firms with a reading are like
    those without: larger firms are metered more often and come back sooner, so it errs upwards for the whole town and less within a sector
    or size class. Doubt about sensitivity and specificity is not in the interval.

    References
    ----------
    Rogan & Gladen 1978, 10.1093/oxfordjournals.aje.a112510; Clopper & Pearson 1934, 10.1093/biomet/26.4.404

    Examples
    --------
    >>> found = working_share([0.9, 0.1, 1.2, float("nan"), 0.8], 0.3)
    >>> found.seen, found.share
    (4, 0.75)
    """
    values = np.asarray(ratios, dtype=float)
    if values.ndim != 1 or np.any(values < 0):
        raise ValueError(f"working_share: ratios must be one row of numbers >= 0 or NaN, got shape {values.shape}")
    known = values[~np.isnan(values)]
    if not known.size:
        return WorkingShare(0, None, None, None)
    signs = int(np.sum(known >= at_least))
    ends = (signs / known.size, *clopper_pearson(signs, known.size, level))
    share, low, high = (corrected_for_test(end, sensitivity, specificity) for end in ends)
    return WorkingShare(int(known.size), share, low, high)


def chance_at_work(signs: ArrayLike, sensitivity: ArrayLike, specificity: ArrayLike, prior: float = 0.5) -> Floats:
    """Chance of each firm to be at work, given all signs it shows or does not show.

    Parameters
    ----------
    signs: shape (firms, kinds), 1 shown, 0 not shown, NaN no reading. sensitivity, specificity: shape (kinds,), in (0, 1).
    prior: chance before any reading, in (0, 1).

    Returns
    -------
    Shape (firms,): the chance; the prior where a firm has no reading.

    Notes
    -----
    Bayes with signs independent given the state: log odds = logit(prior) + sum of log(se / (1 - sp)) for a sign shown and of
    log((1 - se) / sp) for one not shown. Signs of one firm hang together (a firm that runs one machine invoices late), so it errs
    towards certainty where several agree.

    References
    ----------
    Spiegelhalter & Knill-Jones 1984, 10.2307/2981737

    Examples
    --------
    >>> chance_at_work([[1, float("nan")], [1, 0]], [0.9, 0.8], [0.9, 0.9]).round(3).tolist()
    [0.9, 0.667]
    """
    shown = np.atleast_2d(np.asarray(signs, dtype=float))
    se, sp = np.asarray(sensitivity, dtype=float), np.asarray(specificity, dtype=float)
    if shown.shape[1:] != se.shape or se.shape != sp.shape:
        raise ValueError(f"chance_at_work: {shown.shape} signs need as many sensitivities and specificities, got {se.shape} and {sp.shape}")
    if not (0 < prior < 1 and np.all((se > 0) & (se < 1) & (sp > 0) & (sp < 1))):
        raise ValueError("chance_at_work: prior, sensitivity and specificity must lie between 0 and 1")
    weight = np.where(shown == 1, np.log(se / (1 - sp)), np.where(shown == 0, np.log((1 - se) / sp), 0.0))
    return np.asarray(1 / (1 + np.exp(-(np.log(prior / (1 - prior)) + weight.sum(axis=1)))))
