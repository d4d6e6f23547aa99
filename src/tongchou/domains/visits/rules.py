"""From scans in and out to stays. Pure: arrays in, arrays out."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]
ONE_DAY_S = 86_400  # an exit later than this belongs to no entry we know of


class Stays(NamedTuple):
    """Who was where: equally long arrays, instants in seconds since 1970 UTC, each stay longer than nothing."""

    holder: Whole
    venue: Whole
    entered_s: Whole
    left_s: Whole


def pair_scans(holder: Whole, venue: Whole, at_s: Whole, way: Whole, longest_s: Whole) -> Stays:
    """Pair each person's scans at each venue into stays.

    Parameters
    ----------
    holder, venue, at_s, way, longest_s: (scans,) person, venue, instant in seconds, 0 in or 1 out, longest stay of that venue in seconds.
        Any order; scans that were refused are left out by the caller.

    Returns
    -------
    Stays ordered by person, venue and time.

    Notes
    -----
    An entry is closed by the next scan of the same person at the same venue if that is an exit within a day. A missing exit is closed after
    `longest_s`, or by the person's next entry there if that is sooner. An exit without an entry began `longest_s` before, but not before the
    person's scan there that precedes it. A stay elsewhere closes nothing: a shop may lie inside a mall. This errs towards longer stays, and
    so towards listing more people.
    """
    order = np.lexsort((way, at_s, venue, holder))
    h, v, t, w, longest = holder[order], venue[order], at_s[order], way[order], longest_s[order]
    if not len(h):
        return Stays(h, v, t, t)
    same = (h[1:] == h[:-1]) & (v[1:] == v[:-1])
    follows, precedes = np.r_[same, False], np.r_[False, same]
    nobody = np.iinfo(np.int64).max
    next_at, next_way = np.where(follows, np.r_[t[1:], 0], nobody), np.r_[w[1:], 0]
    closed = follows & (next_way == 1) & (next_at - t <= ONE_DAY_S)
    entries = w == 0
    left = np.where(closed, next_at, np.minimum(t + longest, next_at))
    # An exit is alone when the scan before it there is no entry that it closes.
    alone = ~entries & ~np.r_[False, closed[:-1] & entries[:-1]]
    before = np.where(precedes, np.r_[0, t[:-1]], -nobody)
    entered = np.where(entries, t, np.maximum(t - longest, before))
    left = np.where(entries, left, t)
    kept = (entries | alone) & (left > entered)
    return Stays(h[kept], v[kept], entered[kept], left[kept])
