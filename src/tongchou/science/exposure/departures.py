"""When somebody left whom nobody saw leaving."""

import numpy as np
from numpy.typing import NDArray

from tongchou.science.exposure.model import Ints


def assume_departures(person: Ints, entered_at: Ints, left_at: Ints, is_missing: NDArray[np.bool_], assumed_stay_s: int = 3600) -> Ints:
    """Fill in missing departures: after the assumed stay, or at the person's next entry anywhere, whichever is earlier.

    Parameters
    ----------
    person, entered_at, left_at : Ints
        A row each; of left_at only the rows not missing are read.
    is_missing : bool array
    assumed_stay_s : int
        60 minutes: an assumption, the office states its own.

    Returns
    -------
    Ints
        left_at, complete.

    Notes
    -----
    Errs both ways: who stayed longer than assumed is not found, who left sooner is listed without cause.

    Examples
    --------
    >>> import numpy as np
    >>> entered, missing = np.array([0, 600, 0]), np.array([True, True, False])
    >>> assume_departures(np.array([7, 7, 8]), entered, np.array([0, 0, 500]), missing).tolist()
    [600, 4200, 500]
    """
    if assumed_stay_s < 1:
        raise ValueError(f"assumed_stay_s must be 1 or more; got {assumed_stay_s}")
    if not np.any(is_missing):
        return left_at
    never = np.iinfo(np.int64).max
    since = entered_at - entered_at.min()
    span = int(since.max()) + 1
    small = int(person.max()) * span < never  # one key sorts many times quicker than two
    order = np.argsort(person * span + since) if small else np.lexsort((entered_at, person))
    who, when = person[order], entered_at[order]
    is_new = np.r_[True, (np.diff(who) != 0) | (np.diff(when) != 0)][: len(who)]  # entries of one second do not end each other
    first, entry = np.flatnonzero(is_new), np.cumsum(is_new) - 1
    following = np.append(when[first[1:]], never) if first.size else first
    following[:-1][who[first[1:]] != who[first[:-1]]] = never
    next_at = np.empty(len(who), np.int64)
    next_at[order] = following[entry]
    return np.where(is_missing, np.minimum(entered_at + assumed_stay_s, next_at), left_at)
