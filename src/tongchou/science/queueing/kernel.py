"""The event loop: applications pass their steps, offices serve first come first served. One replication at a time, many in parallel threads."""

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True, error_model="numpy")
def _push(times: Any, ids: Any, size: int, time: float, number: int) -> int:
    """Put an event on the heap, ordered by time, then by number of the piece of work."""
    at = size
    while at > 0:
        above = (at - 1) // 2
        if times[above] < time or (times[above] == time and ids[above] < number):
            break
        times[at], ids[at] = times[above], ids[above]
        at = above
    times[at], ids[at] = time, number
    return size + 1


@njit(cache=True, error_model="numpy")
def _pop(times: Any, ids: Any, size: int) -> int:
    """Take the first event off the heap (it stands at 0 before the call)."""
    size -= 1
    time, number = times[size], ids[size]
    at = 0
    while True:
        below = 2 * at + 1
        if below >= size:
            break
        if below + 1 < size and (times[below + 1] < times[below] or (times[below + 1] == times[below] and ids[below + 1] < ids[below])):
            below += 1
        if time < times[below] or (time == times[below] and number < ids[below]):
            break
        times[at], ids[at] = times[below], ids[below]
        at = below
    times[at], ids[at] = time, number
    return size


@njit(cache=True, error_model="numpy")
def _room(kind: Any, first: Any, office: Any, offices: int) -> Any:
    """Where each office's queue begins in one long array, (K + 1,): room for every piece of work it will ever see."""
    begin = np.zeros(offices + 1, np.int64)
    for job in range(len(kind)):
        for step in range(first[kind[job]], first[kind[job] + 1]):
            begin[office[step] + 1] += 1
    return begin.cumsum()


@njit(cache=True, error_model="numpy")
def _serve(
    k: int, now: float, queue: Any, head: Any, tail: Any, free: Any, ready: Any, work: Any, waited: Any, times: Any, ids: Any, size: int
) -> int:
    """Let the free clerks of office k begin what waits there; gives the new size of the heap."""
    steps = work.shape[1]
    while free[k] > 0 and head[k] < tail[k]:
        number = queue[head[k]]
        head[k] += 1
        free[k] -= 1
        job, step = number // steps, number % steps
        waited[job, step] = now - ready[job, step]
        size = _push(times, ids, size, now + work[job, step], number)
    return size


@njit(cache=True, error_model="numpy", nogil=True)
def run(arrival: Any, kind: Any, work: Any, first: Any, waits_for: Any, next_from: Any, next_to: Any, office: Any, clerks: Any) -> Any:
    """(sojourn (J,), waiting (J, T)) of J applications: `arrival` sorted, `kind` their procedure, `work` (J, T) their working times.

    Steps of procedure p are first[p] .. first[p+1]-1; `waits_for` (T,) how many steps each waits for; the steps after t are
    next_to[next_from[t]:next_from[t+1]].
    """
    jobs, steps = work.shape
    left = np.empty((jobs, steps), np.int32)
    undone = np.empty(jobs, np.int32)
    ready = np.zeros((jobs, steps))
    waited = np.zeros((jobs, steps))
    sojourn = np.zeros(jobs)
    begin = _room(kind, first, office, len(clerks))
    queue = np.empty(begin[-1], np.int64)
    head, tail, free = begin[:-1].copy(), begin[:-1].copy(), clerks.copy()
    times, ids = np.empty(clerks.sum() + 1), np.empty(clerks.sum() + 1, np.int64)
    size, coming = 0, 0
    fresh = np.empty(steps, np.int64)  # steps that became ready at this event
    while coming < jobs or size > 0:
        count = 0
        if size > 0 and (coming >= jobs or times[0] <= arrival[coming]):
            now, number = times[0], ids[0]
            size = _pop(times, ids, size)
            job, done = number // steps, number % steps
            free[office[done]] += 1
            undone[job] -= 1
            if undone[job] == 0:
                sojourn[job] = now - arrival[job]
            for at in range(next_from[done], next_from[done + 1]):
                left[job, next_to[at]] -= 1
                if left[job, next_to[at]] == 0:
                    fresh[count] = next_to[at]
                    count += 1
        else:
            job, now = coming, arrival[coming]
            coming += 1
            undone[job] = first[kind[job] + 1] - first[kind[job]]
            for step in range(first[kind[job]], first[kind[job] + 1]):
                left[job, step] = waits_for[step]
                if waits_for[step] == 0:
                    fresh[count] = step
                    count += 1
            done = -1
        for at in range(count):
            step = fresh[at]
            ready[job, step] = now
            queue[tail[office[step]]] = job * steps + step
            tail[office[step]] += 1
        # Only offices touched by this event can start something.
        for at in range(-1, count):
            step = done if at < 0 else fresh[at]
            if step < 0:
                continue
            size = _serve(office[step], now, queue, head, tail, free, ready, work, waited, times, ids, size)
    return sojourn, waited
