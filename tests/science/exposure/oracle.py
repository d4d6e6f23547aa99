"""The exposed-visit query in a few lines over plain tuples: every pair of stays is looked at."""

import math

Visit = tuple[int, int, int, int]  # person, venue, entered, left
Window = tuple[int, int, int]  # person, from, to


def exposed(visits: list[Visit], cases: list[Window], shortest: int, generations: int) -> dict[int, tuple[int, int, int, int]]:
    """person -> generation, first second, meetings, shared seconds. Windows of a person that touch must be given as one."""
    found: dict[int, tuple[int, int, int, int]] = {}
    listed, windows, until = {p for p, _, _ in cases}, cases, max((t for _, _, t in cases), default=0)
    for generation in range(1, generations + 1):
        stays = [(v, max(a, f), min(b, t)) for w, f, t in windows for p, v, a, b in visits if p == w]
        met: dict[int, list[tuple[int, int]]] = {}
        for p, v, a, b in visits:
            for venue, c, d in stays:
                if p not in listed and v == venue and min(b, d) - max(a, c) >= shortest:
                    met.setdefault(p, []).append((max(a, c), min(b, d) - max(a, c)))
        for p, meetings in met.items():
            found[p] = (generation, min(m[0] for m in meetings), len(meetings), sum(m[1] for m in meetings))
        listed = listed | set(met)
        windows = [(p, found[p][1], until) for p in met]
    return found


def chance(doses: list[float]) -> float:
    return 1 - math.exp(-sum(doses))
