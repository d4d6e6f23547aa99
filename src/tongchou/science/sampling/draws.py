"""Draws with fixed size and exact inclusion probabilities that anybody can make again from frame, design and seed."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tongchou.science.sampling.commitment import design_digest, frame_digest, seed_commitment, uniforms
from tongchou.science.sampling.model import Draw, DrawnUnit, Floats, Frame, StratumDesign

GRID = 2**32  # parts of 1 on which marks are laid: a probability is kept to within one part


def inclusion_probabilities(weights: Floats, size: int) -> Floats:
    """Probabilities proportional to weights that add up to size; a unit that would have more than 1 gets 1, and the rest share what is left.

    Parameters
    ----------
    weights: (units,), finite, above 0. size: from 1 to the number of units.

    Returns
    -------
    (units,): in (0, 1]. ValueError when size or a weight is out of range.

    Notes
    -----
    Of m units not yet certain: pi_i = (size - certain) w_i / sum of w over the m; repeated until none exceeds 1 (at most `units` times).

    References
    ----------
    Sarndal, Swensson & Wretman 1992, section 3.6, 10.1007/978-1-4612-4378-6; Tille 2006, 10.1007/0-387-34240-0

    Examples
    --------
    >>> inclusion_probabilities(np.array([8.0, 1.0, 1.0]), 2).tolist()
    [1.0, 0.5, 0.5]
    """
    w = np.asarray(weights, float)
    if not 1 <= size <= w.size:
        raise ValueError(f"size must lie between 1 and the {w.size} units; got {size}")
    if not (np.isfinite(w).all() and (w > 0).all()):
        raise ValueError("weights must be finite and above 0")
    certain = np.zeros(w.size, bool)
    while True:
        left = size - int(certain.sum())
        chance = np.where(certain, 1.0, left * w / max(w[~certain].sum(), np.finfo(float).tiny))
        over = ~certain & (chance >= 1)
        if not over.any():
            return chance
        certain |= over


def randomised_systematic(probabilities: Floats, order: Floats, start: float) -> NDArray[np.int64]:
    """Take the units on which start, start + 1, ... fall when the probabilities are laid end to end in a random order.

    Parameters
    ----------
    probabilities: (units,), in (0, 1], their sum a whole number. order: (units,), uniform numbers, sorted to give the order. start: in [0, 1).

    Returns
    -------
    Index of each unit drawn, in the random order; exactly sum(probabilities) of them.

    Notes
    -----
    Each unit covers a stretch as long as its probability and the marks stand 1 apart, so P(drawn) is exactly its probability whatever the order.
    Equal probabilities in a random order are simple random sampling without replacement. Chosen before Sampford's method (its rejections
    grow beyond use at 2,000 of 200,000) and before the pivotal method (the same exactness with a decision for each pair: harder to make again by hand).

    References
    ----------
    Goodman & Kish 1950, 10.1080/01621459.1950.10501130; Hartley & Rao 1962, 10.1214/aoms/1177704564

    Examples
    --------
    >>> randomised_systematic(np.full(4, 0.5), np.array([0.1, 0.2, 0.3, 0.4]), 0.6).tolist()
    [1, 3]
    """
    by = np.argsort(order, kind="stable")
    laid = np.asarray(probabilities, float)[by]
    drawn = laid >= 1
    open_ = np.flatnonzero(~drawn)
    size = round(float(laid[open_].sum()))
    # Whole numbers on a fine grid: with decimals, a start just below 1 would be rounded past the last unit.
    ends = np.rint(np.cumsum(laid[open_]) * GRID).astype(np.int64)
    marks = np.arange(size, dtype=np.int64) * GRID + int(start * GRID)
    if size:
        ends[-1] = size * GRID
    drawn[open_[np.searchsorted(ends, marks, side="right")]] = True
    return np.asarray(by[drawn], np.int64)


def draw_sample(frame: Frame, design: Sequence[StratumDesign], seed: str) -> Draw:
    """Draw sample and reserve of every stratum.

    Parameters
    ----------
    frame: what may be drawn. design: each stratum of the frame once. seed: the text whose digest was published, 16 signs or more.

    Returns
    -------
    Draw. The same frame, design and seed give the same draw; the order of the rows does not matter. ValueError: a stratum empty, not in the design,
    twice in it, or smaller than size + reserve.

    Notes
    -----
    The numbers depend on the digests of frame and design as well as on the seed: who knows the seed cannot change the one without changing all. Reserve: of those
    not drawn, one after another with chance proportional to weight (smallest -log(1 - u) / w first; Efraimidis & Spirakis). A replacement keeps
    the probability of the *first* draw in this record; estimates treat it as nonresponse of the unit it stands for.

    References
    ----------
    Efraimidis & Spirakis 2006, 10.1016/j.ipl.2005.11.003; Salmon et al. 2011 (Philox), 10.1145/2063384.2063405

    Examples
    --------
    >>> frame = Frame(tuple("abcdef"), ("shop",) * 6, (1.0,) * 6)
    >>> found = draw_sample(frame, [StratumDesign("shop", 2, reserve=1)], "published on 1 May 2022")
    >>> [(u.order, u.is_reserve) for u in found.units]
    [(1, False), (2, False), (1, True)]
    """
    seed_commitment(seed)
    names = [d.name for d in design]
    if len(set(names)) < len(names):
        raise ValueError(f"design: a stratum stands twice in {names}")
    if strange := sorted(set(frame.strata) - set(names)):
        raise ValueError(f"design: the frame has strata the design does not know: {', '.join(strange)}")
    bound = (frame_digest(frame), design_digest(design))
    members: dict[str, list[tuple[str, float]]] = {name: [] for name in sorted(names)}
    for unit, stratum, risk in sorted(zip(frame.units, frame.strata, frame.risk, strict=True)):
        members[stratum].append((unit, risk))
    plans = {d.name: d for d in design}
    parts = [_of_stratum(members[name], plans[name], seed, bound) for name in members]
    return Draw(tuple(u for p in parts for u in p.units), tuple(u for p in parts for u in p.certain))


def _of_stratum(members: list[tuple[str, float]], plan: StratumDesign, seed: str, bound: tuple[str, str]) -> Draw:
    if plan.size + plan.reserve > len(members):
        raise ValueError(f"stratum {plan.name!r} has {len(members)} units; {plan.size} to draw and {plan.reserve} in reserve were asked")
    risk = np.array([r for _, r in members])
    weights = np.clip(risk, plan.floor, plan.cap) if plan.by_risk else np.ones(risk.size)
    chance = inclusion_probabilities(weights, plan.size)
    start = float(uniforms(seed, [*bound, plan.name, "start"], 1)[0])
    drawn = randomised_systematic(chance, uniforms(seed, [*bound, plan.name, "order"], risk.size), start)
    waits = -np.log1p(-uniforms(seed, [*bound, plan.name, "reserve"], risk.size)) / weights
    waits[drawn] = np.inf
    reserve = np.argsort(waits, kind="stable")[: plan.reserve]
    units = [
        DrawnUnit(members[i][0], plan.name, is_reserve, order, float(chance[i]))
        for is_reserve, chosen in ((False, drawn), (True, reserve))
        for order, i in enumerate(chosen.tolist(), 1)
    ]
    proportional = plan.size * weights / weights.sum()
    return Draw(tuple(units), tuple(members[i][0] for i in np.flatnonzero(proportional > 1 + 1e-12)))
