"""Compiled loops over measures and firms. States: 0 no, 1 not known, 2 yes, so that AND is the least and OR the greatest."""

import numpy as np
from numba import njit

BLOCK = 1024  # firms at once, so that all states of a block stay in the nearer memory


@njit(cache=True, error_model="numpy", nogil=True)
def number_states(values, low, high, low_open, high_open, states):  # type: ignore[no-untyped-def]
    """State of each number beside an interval."""
    for n in range(values.size):
        v = values[n]
        holds = (v >= low) & (v <= high) & ~(low_open & (v == low)) & ~(high_open & (v == high))
        states[n] = 1 if np.isnan(v) else 2 if holds else 0


@njit(cache=True, error_model="numpy", nogil=True)
def number_costs(values, states, low, high, low_step, high_step, fixed, per_unit, ask, costs):  # type: ignore[no-untyped-def]
    """What each takes: nothing, asking, or moving the number into the interval; the steps are 0 where an end is included."""
    for n in range(values.size):
        v = values[n]
        short = low - v + low_step if v <= low else 0.0
        over = v - high + high_step if v >= high else 0.0
        costs[n] = 0.0 if states[n] == 2 else ask if states[n] == 1 else fixed + per_unit * max(short, over)


@njit(cache=True, error_model="numpy", nogil=True)
def plain_costs(states, change, ask, costs):  # type: ignore[no-untyped-def]
    """The same where every change takes as much as any other."""
    for n in range(states.size):
        costs[n] = 0.0 if states[n] == 2 else ask if states[n] == 1 else change


@njit(cache=True, error_model="numpy", nogil=True)
def answer_all(states, measure_terms, term_rows, rows, asked_starts, asked, answer, open_mask):  # type: ignore[no-untyped-def]
    """Answers (measures, firms), and the mask of what does not hold or is not known, a bit for each requirement asked."""
    firms = states.shape[1]
    way = np.empty(BLOCK, np.uint8)
    for start in range(0, firms, BLOCK):
        size = min(BLOCK, firms - start)
        for m in range(measure_terms.size - 1):
            mask, out = open_mask[m, start : start + size], answer[m, start : start + size]
            mask[:] = 0
            for k in range(asked_starts[m], asked_starts[m + 1]):
                state = states[asked[k], start : start + size]
                bit = np.uint64(1) << np.uint64(k - asked_starts[m])
                for n in range(size):
                    mask[n] |= bit if state[n] < 2 else np.uint64(0)
            out[:] = 0
            for t in range(measure_terms[m], measure_terms[m + 1]):
                way[:] = 2
                for k in range(term_rows[t], term_rows[t + 1]):
                    state = states[rows[k], start : start + size]
                    for n in range(size):
                        way[n] = min(way[n], state[n])
                for n in range(size):
                    out[n] = max(out[n], way[n])


@njit(cache=True, error_model="numpy", nogil=True)
def cheapest_all(costs, measure_terms, term_rows, rows, cost, chosen):  # type: ignore[no-untyped-def]
    """Least cost (measures, firms) over the terms, and which term it was: the first of equals; -1 where none is possible."""
    firms = costs.shape[1]
    way = np.empty(BLOCK, np.float32)
    for start in range(0, firms, BLOCK):
        size = min(BLOCK, firms - start)
        for m in range(measure_terms.size - 1):
            out, term = cost[m, start : start + size], chosen[m, start : start + size]
            out[:] = np.inf
            term[:] = -1
            for t in range(measure_terms[m], measure_terms[m + 1]):
                way[:] = 0
                for k in range(term_rows[t], term_rows[t + 1]):
                    row = costs[rows[k], start : start + size]
                    for n in range(size):
                        way[n] += row[n]
                for n in range(size):
                    is_less = way[n] < out[n]
                    out[n] = way[n] if is_less else out[n]
                    term[n] = t if is_less else term[n]


@njit(cache=True, error_model="numpy", nogil=True)
def settled_by(states, measure_terms, term_rows, rows, field_of, answer, per_firm):  # type: ignore[no-untyped-def]
    """Count in (firms, fields) the measures not known that one field alone decides: in no way still open is anything else unknown."""
    for m in range(measure_terms.size - 1):
        for n in range(states.shape[1]):
            if answer[m, n] != 1:
                continue
            only, others = -1, False
            for t in range(measure_terms[m], measure_terms[m + 1]):
                is_refuted = False
                for k in range(term_rows[t], term_rows[t + 1]):
                    is_refuted |= states[rows[k], n] == 0
                if is_refuted:
                    continue
                for k in range(term_rows[t], term_rows[t + 1]):
                    if states[rows[k], n] == 1:
                        f = field_of[rows[k]]
                        others |= only >= 0 and f != only
                        only = f
            if only >= 0 and not others:
                per_firm[n, only] += 1
