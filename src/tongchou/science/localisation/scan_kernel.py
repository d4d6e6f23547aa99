"""Compiled search for the best zone and duration; no logarithm is taken in the loop over zones."""

import numpy as np
from numba import njit

POPULATION, POISSON, NEGATIVE_BINOMIAL = 0, 1, 2


@njit(cache=True, error_model="numpy")
def zone_sums(cells, neighbours, ends):  # type: ignore[no-untyped-def]
    """Sums (places, most, days) of cells (places, days) over every zone; 0 where no zone ends."""
    days = cells.shape[1]
    sums = np.zeros((neighbours.shape[0], neighbours.shape[1], days))
    for i in range(neighbours.shape[0]):
        running = np.zeros(days)
        for k in range(neighbours.shape[1]):
            running += cells[neighbours[i, k]]
            if ends[i, k]:
                sums[i, k] = running
    return sums


@njit(cache=True, error_model="numpy")
def scores_of(model, cells, total, neighbours, ends, limit, first, second, clogc, best, length):  # type: ignore[no-untyped-def]
    """Write the best score over durations of every zone into `best` (0: nothing above expectation) and its duration into `length`.

    cells (places, days): sums over the last 1, 2, ... days; clogc[c] = c log c. limit, first, second (places, most, days): the expectation,
    and by model: log p and log(1 - p), p = share of the whole expectation; its logarithm plus 1 and nothing; nothing and its inverse root.
    Returns the best score of all.
    """
    days, highest = cells.shape[1], 0.0
    running = np.zeros(days)
    whole = clogc[total] if model == POPULATION else 0.0
    for i in range(neighbours.shape[0]):
        running[:] = 0.0
        for k in range(neighbours.shape[1]):
            running += cells[neighbours[i, k]]
            best[i, k], length[i, k] = 0.0, 0
            if not ends[i, k]:
                continue
            for d in range(days):
                c, e = running[d], limit[i, k, d]
                if c <= e:
                    continue
                if model == POPULATION:
                    inside = int(c)
                    outside = total - inside
                    score = clogc[inside] - c * first[i, k, d] + clogc[outside] - outside * second[i, k, d] - whole
                elif model == POISSON:
                    score = clogc[int(c)] - c * first[i, k, d] + e
                else:
                    score = (c - e) * second[i, k, d]
                if score > best[i, k]:
                    best[i, k], length[i, k] = score, d + 1
            highest = max(highest, best[i, k])
    return highest


@njit(cache=True, error_model="numpy")
def highest_scores(model, replicates, total, neighbours, ends, limit, first, second, clogc):  # type: ignore[no-untyped-def]
    """Best score of every replicate; replicates (n, places, days) hold single days, newest first, and are summed here."""
    highest = np.empty(replicates.shape[0])
    best = np.empty(neighbours.shape)
    length = np.empty(neighbours.shape, np.int32)
    cells = np.empty(replicates.shape[1:])
    for r in range(replicates.shape[0]):
        for place in range(cells.shape[0]):
            running = 0.0
            for d in range(cells.shape[1]):
                running += replicates[r, place, d]
                cells[place, d] = running
        highest[r] = scores_of(model, cells, total, neighbours, ends, limit, first, second, clogc, best, length)
    return highest
