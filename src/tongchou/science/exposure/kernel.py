"""Compiled loops of the exposed-visit query; times are seconds from the origin of the query, `shift` = origin of the block less that.

[a, b) and [c, d) overlap by at least X iff c <= b - X, d >= a + X and both are at least X long.
"""

import numpy as np
from numba import njit

UNREACHED = -1
CONTACTS, SHARED, FIRST = 0, 1, 2  # columns of a person's tally: one line of memory, not three


@njit(cache=True, error_model="numpy")
def rows_of(person, generation, wanted, rows):  # type: ignore[no-untyped-def]
    """Write the rows of those of one generation into `rows`; returns how many. No branch in the loop."""
    n = 0
    for i in range(person.size):
        rows[n] = i
        n += generation[person[i]] == wanted
    return n


@njit(cache=True, error_model="numpy")
def collect(rows, venue_starts, person, entered, left, shift, window, shortest, stops, begins, ends):  # type: ignore[no-untyped-def]
    """Clip the visits in `rows` (ascending) to the windows of their persons, and put what is long enough where the stays of its venue stop."""
    r = 0
    for v in range(venue_starts.size - 1):
        n, high = stops[v], venue_starts[v + 1]
        while r < rows.size and rows[r] < high:
            i = rows[r]
            r += 1
            p = person[i]
            c, d = max(entered[i] + shift, window[p, 0]), min(left[i] + shift, window[p, 1])
            if d - c >= shortest:
                begins[n], ends[n] = c, d
                n += 1
        stops[v] = n


@njit(cache=True, error_model="numpy")
def first_not_below(column, low, high, value):  # type: ignore[no-untyped-def]
    """First row of column[low:high], which ascends, that is not below the value."""
    while low < high:
        middle = (low + high) // 2
        if column[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, error_model="numpy")
def onward(column, low, high, value):  # type: ignore[no-untyped-def]
    """As `first_not_below`, quick where the answer is near `low`."""
    step = 1
    while low + step < high and column[low + step] < value:
        low += step
        step *= 2
    high = min(high, low + step)
    while low < high:
        middle = (low + high) // 2
        if column[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, error_model="numpy")
def candidates(starts, stops, begins, ends, venue_starts, entered, longest, shift, shortest, step):  # type: ignore[no-untyped-def]
    """Visits that `push` would look at for every step-th infectious stay."""
    total = 0
    following = 0
    for v in range(min(venue_starts.size, starts.size) - 1):
        following = max(following, starts[v])
        while following < stops[v]:
            first = first_not_below(entered, venue_starts[v], venue_starts[v + 1], begins[following] + shortest - longest - shift)
            total += first_not_below(entered, first, venue_starts[v + 1], ends[following] - shortest - shift + 1) - first
            following += step
    return total


@njit(cache=True, error_model="numpy")
def push(starts, stops, begins, ends, venue_starts, person, entered, left, longest, shift, shortest, weight, generation, tally, dose):  # type: ignore[no-untyped-def]
    """From every infectious stay to the visits around it: few infectious stays."""
    for v in range(min(venue_starts.size, starts.size) - 1):
        high = venue_starts[v + 1]
        for s in range(starts[v], stops[v]):
            c, d = np.int64(begins[s]), np.int64(ends[s])
            i = first_not_below(entered, venue_starts[v], high, c + shortest - longest - shift)
            while i < high and entered[i] <= d - shortest - shift:
                overlap_from, p = max(c, entered[i] + shift), person[i]
                overlap = min(d, left[i] + shift) - overlap_from
                if overlap >= shortest and generation[p] == UNREACHED:
                    tally[p, CONTACTS] += 1
                    tally[p, SHARED] += overlap
                    tally[p, FIRST] = min(tally[p, FIRST], overlap_from)
                    if weight.size:
                        dose[p] += weight[v] * overlap
                i += 1


@njit(cache=True, error_model="numpy")
def running_sums(column, sums):  # type: ignore[no-untyped-def]
    """Write the sum of the values before each place; sums is longer than the column."""
    total = np.int64(0)
    for s in range(column.size):
        sums[s] = total
        total += column[s]
    sums[column.size] = total


@njit(cache=True, error_model="numpy")
def any_unreached(person, generation):  # type: ignore[no-untyped-def]
    """Whether there is anybody left to find."""
    for p in person:  # noqa: SIM110
        if generation[p] == UNREACHED:
            return True
    return False


@njit(cache=True, error_model="numpy")
def sweep(starts, stops, begins, ends, venue_starts, person, entered, left, longest, shift, shortest, weight, generation, tally, dose):  # type: ignore[no-untyped-def]
    """Over all visits of a block, beside the infectious stays of their venue, begins and ends each ascending: many infectious stays."""
    most = 1
    for v in range(starts.size - 1):
        most = max(most, stops[v] - starts[v] + 1)
    begin_sums, end_sums = np.empty(most, np.int64), np.empty(most, np.int64)
    for v in range(min(venue_starts.size, starts.size) - 1):
        low, high, s, t = venue_starts[v], venue_starts[v + 1], starts[v], stops[v]
        if s == t or not any_unreached(person[low:high], generation):
            continue
        # What ends before the venue's first entry or begins after its last departure moves no count: the columns between are short.
        opened, closed = entered[low] + shift, entered[high - 1] + longest + shift
        b, e = first_not_below(begins, s, t, opened), first_not_below(ends, s, t, opened)
        begin, end = begins[b : first_not_below(begins, b, t, closed)], ends[e : first_not_below(ends, e, t, closed + 1)]
        running_sums(begin, begin_sums)
        running_sums(end, end_sums)
        density = weight[v] if weight.size else 0.0
        rows = slice(low, high)
        sweep_venue(
            begin,
            end,
            b - e,
            begin_sums,
            end_sums,
            person[rows],
            entered[rows],
            left[rows],
            shift,
            shortest,
            density,
            generation,
            tally,
            dose,
        )


@njit(cache=True, error_model="numpy")
def sweep_venue(begin, end, under_way, begin_sums, end_sums, person, entered, left, shift, shortest, density, generation, tally, dose):  # type: ignore[no-untyped-def]
    """The visits of one venue. No pair is listed: of the stays that begin by b - X, those that end before a + X (all of them begin before a) are
    taken away; sums of begins and of ends give the overlaps. under_way: stays before the columns that have not ended."""
    begun = ended = 0
    for i in range(person.size):
        p = person[i]
        if generation[p] != UNREACHED or left[i] - entered[i] < shortest:
            continue
        a, b = entered[i] + shift, left[i] + shift
        while begun < begin.size and begin[begun] <= a:
            begun += 1
        while ended < end.size and end[ended] < a + shortest:
            ended += 1
        in_time = onward(begin, begun, begin.size, b - shortest + 1)
        met = under_way + in_time - ended
        if met == 0:
            continue
        gone = onward(end, ended, end.size, b + 1)
        before = under_way + begun - ended
        last = end_sums[gone] - end_sums[ended] + b * (under_way + in_time - gone)
        overlap = last - (begin_sums[in_time] - begin_sums[begun] + a * before)
        tally[p, CONTACTS] += met
        tally[p, SHARED] += overlap
        tally[p, FIRST] = min(tally[p, FIRST], a if before > 0 else np.int64(begin[begun]))
        if density > 0:
            dose[p] += density * overlap
