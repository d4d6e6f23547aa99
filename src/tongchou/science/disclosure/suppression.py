"""Which counts of a group may be given beside their sum without telling of fewer than k people, by hand or by arithmetic."""

from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

Marks = NDArray[np.int8]


class Mark(IntEnum):
    """How a count is given: as a number; as "fewer than k people"; not at all."""

    SHOWN = 0
    SMALL = 1
    WITHHELD = 2


def protect_counts(counts: ArrayLike, people: ArrayLike, k: int) -> Marks:
    """How each count of a group may be given when the group's sum is given too.

    Parameters
    ----------
    counts: (n,) whole numbers >= 0 in an order that does not depend on them (hours, codes). people: (n,) how many different people each
    count is about, at most the count. k: >= 1, the fewest people a number may be about.

    Returns
    -------
    (n,) of Mark. SMALL where people < k, zero included. With any of them, counts that follow the first in cyclic order are WITHHELD too, until what is
    hidden holds enough: sum of SMALL + sum of (WITHHELD - k) >= k. Where all the group does not hold that much, nothing is shown and all is WITHHELD.

    Notes
    -----
    Complementary suppression. Who knows the sum and every number shown knows the sum of what is hidden; with the rule above each SMALL count can still be
    any of 0 … k-1, also for a reader who knows this rule and that SMALL counts are below k: for any such value the WITHHELD can make up the difference
    without falling below k. The order of withholding does not look at the numbers, since "the smallest that suffices" would bound
    what it protects. Errs towards hiding: an hour is withheld beside each empty night. The group's own sum must be protected where *it* is given beside others:
    `protect_groups`. Numbers of people are never given: they do not add up.

    References
    ----------
    Cox 1980, 10.1080/01621459.1980.10477481; Wong et al. 2007 (an attacker who knows the rule), VLDB 543-554

    Examples
    --------
    >>> protect_counts([40, 3, 31, 25], [40, 3, 31, 25], k=10).tolist()
    [0, 1, 2, 0]
    >>> protect_counts([11, 3], [11, 3], k=10).tolist()
    [2, 2]
    """
    counted, about = np.asarray(counts), np.asarray(people)
    _check(counted, about, k)
    marks = np.where(about < k, Mark.SMALL, Mark.SHOWN).astype(np.int8)
    small = np.flatnonzero(marks == Mark.SMALL)
    if not len(small):
        return marks
    held = int(counted[small].sum())
    for place in (small[0] + 1 + np.arange(len(marks) - 1)) % len(marks):
        if marks[place] == Mark.SHOWN:
            marks[place] = Mark.WITHHELD
            held += int(counted[place]) - k
            if held >= k:
                return marks
    return np.full(len(marks), Mark.WITHHELD, np.int8)


def protect_groups(counts: ArrayLike, people: ArrayLike, total_people: int, k: int) -> tuple[bool, Marks]:
    """Whether the sum over groups may be given, and how that of each group: the top of a tree whose groups are protected each by `protect_counts`.

    Parameters
    ----------
    counts, people: (n,) of each group, as in `protect_counts`. total_people: different people in all of them.

    Returns
    -------
    Whether the sum over all is given, and (n,) of Mark. What is inside a group that is not SHOWN must not be shown either.

    Examples
    --------
    >>> protect_groups([40, 3, 31], [40, 3, 31], 70, k=10)[1].tolist()
    [0, 1, 2]
    """
    if total_people < k:
        return False, np.full(np.shape(counts), Mark.SMALL, np.int8)
    return True, protect_counts(counts, people, k)


def _check(counts: NDArray[np.int64], people: NDArray[np.int64], k: int) -> None:
    if k < 1:
        raise ValueError(f"k must be at least 1; got {k}")
    if counts.ndim != 1 or counts.shape != people.shape:
        raise ValueError(f"counts and people must be of one shape (n,); got {counts.shape} and {people.shape}")
    if (people < 0).any() or (people > counts).any():
        raise ValueError("people must lie between 0 and the count they are about")
