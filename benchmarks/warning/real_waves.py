"""Alarms of a replay beside the real waves of Germany: `python benchmarks/warning/real_waves.py [--from 2022-06-01] [--to 2025-06-30]`.

Onsets, fixed before any alarm was looked at (final values): influenza: Monday of the first week with 3 or more notified cases per
100,000 among those aged 60 and over, the next week too; COVID-19: hospitalisations within 7 days, mean of three weeks, 1 or more per
100,000 after at least 4 weeks below, for at least 6 weeks. An alarm from 3 weeks before to 4 weeks after an onset finds it; one inside
a running wave is neither right nor wrong; any other is false.
"""

import argparse
import os
import tempfile
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path
from statistics import mean, median

PACK = Path(__file__).parents[2] / "packs" / "germany"
BEFORE, AFTER, WEEK = timedelta(weeks=3), timedelta(weeks=4), timedelta(weeks=1)
STREAM_KINDS = {"influenza": "influenza_60plus", "covid19": "hospitalised_7d"}
SHARE_60PLUS = 0.30  # of the German population, rounded; the threshold is per 100,000 of that age


def weekly(pack, kind):
    """State code -> week's Monday -> final value of that week."""
    from tongchou.core.packs.observations import read_observations

    home = {s.code: sentinel.place for sentinel in pack.sentinels for s in sentinel.streams if s.kind == kind}
    last = {}
    for path in pack.observation_files:
        for part in read_observations(path):
            for code, day, at, value in zip(part.stream, part.day, part.reported_at, part.value, strict=True):
                if (code in home and (code, day) not in last) or (code in home and last[code, day][0] <= at):
                    last[code, day] = (at, value)
    found = defaultdict(dict)
    for (code, day), (_, value) in last.items():
        if day.weekday() == 6:
            found[home[code]][day - timedelta(days=6)] = value
    return found


def waves(values, level, *, smooth, below, lasting):
    """(onset, end) of each wave of a weekly series at or above a level."""
    weeks = sorted(values)
    smoothed = {w: mean(values[v] for v in (w - k * WEEK for k in range(smooth)) if v in values) for w in weeks}
    found, w = [], weeks[0]
    while w <= weeks[-1]:
        up = all(smoothed.get(w + k * WEEK, 0) >= level for k in range(lasting))
        quiet = all(smoothed.get(w - k * WEEK, 0) < level for k in range(1, below + 1))
        if up and quiet and w - WEEK in smoothed:
            end = w
            while smoothed.get(end, 0) >= level:
                end += WEEK
            found.append((w, end))
            w = end
        else:
            w += WEEK
    return found


def judge(alarms, truth, first_day, last_day):
    """Delays in days, onsets missed, false alarms and quiet years of one state and target."""
    delays, false, inside = [], 0, 0
    onsets = [(a, b) for a, b in truth if first_day + BEFORE <= a <= last_day - AFTER]
    for onset, _ in onsets:
        hits = [d for d in alarms if onset - BEFORE <= d <= onset + AFTER]
        delays.append((min(hits) - onset).days if hits else None)
    for d in alarms:
        near = any(a - BEFORE <= d <= a + AFTER for a, _ in truth)
        running = any(a + AFTER < d <= b for a, b in truth)
        inside += running and not near
        false += not near and not running
    wave_days = sum(max(0, (min(b, last_day) - max(a - BEFORE, first_day)).days) for a, b in truth)
    return delays, false, inside, max(0, (last_day - first_day).days - wave_days) / 365.25


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="first", default=date(2022, 6, 1), type=date.fromisoformat)
    parser.add_argument("--to", dest="last", default=date(2025, 6, 30), type=date.fromisoformat)
    parser.add_argument("--margin", type=float, default=None)
    given = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tongchou.settings")
    os.environ["TONGCHOU_HOME"] = tempfile.mkdtemp()
    import django

    django.setup()
    from tongchou.core.packs.loading import load_pack
    from tongchou.workflows.replay import replay_pack

    pack = load_pack(PACK)
    population = {p.code: p.population for p in pack.places}
    replayed = replay_pack(pack, given.first, given.last, margin_log=given.margin)
    print(f"{replayed.mornings} mornings, {replayed.readings} readings, {len(replayed.alarms)} alarms, margin {given.margin}")
    for target, kind in STREAM_KINDS.items():
        delays, false, inside, quiet = [], 0, 0, 0.0
        for state, values in weekly(pack, kind).items():
            per = population[state] * (SHARE_60PLUS if target == "influenza" else 1.0) / 1e5
            rates = {week: value / per for week, value in values.items()}
            rules = {"smooth": 1, "below": 1, "lasting": 2} if target == "influenza" else {"smooth": 3, "below": 4, "lasting": 6}
            truth = waves(rates, 3.0 if target == "influenza" else 1.0, **rules)
            alarms = [a.day for a in replayed.alarms if a.place == state and a.target == target]
            one = judge(alarms, truth, given.first, given.last)
            delays, false, inside, quiet = delays + one[0], false + one[1], inside + one[2], quiet + one[3]
        hit = [d for d in delays if d is not None]
        print(
            f"{target}: {len(delays)} onsets, found {len(hit)}, days from onset: mean {mean(hit):.1f}, median {median(hit)}, "
            f"{min(hit)} to {max(hit)}; false {false} in {quiet:.1f} quiet state-years ({false / quiet:.2f} a year); inside a wave {inside}"
        )


if __name__ == "__main__":
    main()
