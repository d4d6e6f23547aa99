"""Screening one morning of 60 villages x 10 streams with two years of history, database included: `python benchmarks/warning/screen_town.py`.

Prints seconds of the first reading (imports warm, nothing compiled twice), the median of five more, the part spent in the science alone,
and the number of queries.
"""

import argparse
import json
import os
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "src"))
sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.databases import measure_each

VILLAGES, KINDS, DAYS = 60, 10, 730
DAY = date(2022, 6, 2)


def build():
    """A town of its own in a temporary database."""
    from tongchou.core.parameters.models import Parameter, ParameterValue
    from tongchou.core.people.rules import system_actor
    from tongchou.core.places.models import Installation, Place
    from tongchou.domains.sentinels.actions_history import keep_history
    from tongchou.domains.sentinels.models import Catchment, Sentinel, Stream

    since = date(2020, 1, 1)
    town = Place.objects.create(code="T", kind="town", path="/T/", name_zh="镇", name_en="Town", population=200_000, valid_from=since)
    Installation.objects.create(
        place=town, pack="bench", pack_digest="", zone="Asia/Shanghai", targets=[{"code": "x", "zh": "病", "en": "disease"}],
        installed_at=datetime(2020, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    row = Parameter.objects.create(key="alarm.repeat_window", unit="day", name_zh="窗", name_en="window")
    ParameterValue.objects.create(parameter=row, value=7, valid_from=since, source_zh="测", source_en="test", confidence="high")
    for v in range(VILLAGES):
        village = Place.objects.create(
            code=f"V{v}", kind="village", parent=town, path=f"/T/V{v}/", name_zh="村", name_en="Village", population=3333, valid_from=since
        )
        for k in range(KINDS):
            sentinel = Sentinel.objects.create(
                code=f"{v}-{k}", kind="monitoring", setting="clinic", name_zh="点", name_en="S", place=village, operator_zh="卫", operator_en="H",
                schedule={"weekdays": [1, 2, 3, 4, 5, 6, 7], "due": "18:00"}, valid_from=since,
            )  # fmt: skip
            Catchment.objects.create(sentinel=sentinel, place=village, share=0.9)
            Stream.objects.create(
                code=f"{v}-{k}-s", sentinel=sentinel, kind=f"kind{k}", indicator_zh="数", indicator_en="Count", unit_zh="例", unit_en="cases",
                value_kind="count", targets=["x"], is_specific=k < 3, weight=1.0 if k < 3 else 0.25,
                model={"form": "additive", "events_per_infection": 0.1, "delay_mean_days": 6.0, "delay_sd_days": 2.5},
            )  # fmt: skip
    random = np.random.default_rng(1)
    first = DAY - timedelta(days=DAYS)

    def rows():
        for v in range(VILLAGES):
            for k in range(KINDS):
                for n, count in enumerate(random.poisson(0.3 + 0.3 * k, DAYS).tolist()):
                    day = first + timedelta(days=n)
                    yield f"{v}-{k}-s", day, datetime(day.year, day.month, day.day, 12, tzinfo=UTC), float(count), "generated"

    keep_history(rows=rows(), source="bench", root=town, by=system_actor("bench"), at=datetime(2022, 6, 2, tzinfo=UTC))


def measure(kind):
    """The whole of it on the database that the environment names; ends with the row of figures."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from tongchou.core.people.rules import system_actor
    from tongchou.domains.warning import watching
    from tongchou.workflows.early_warning import screen_morning

    call_command("migrate", verbosity=0)
    build()
    spent, plain = [0.0], watching.screen

    def timed(*given, **named):
        begun = time.perf_counter()
        try:
            return plain(*given, **named)
        finally:
            spent[0] += time.perf_counter() - begun

    watching.screen = timed
    walls, processor, science, queries = [], [], [], 0
    for n in range(6):
        at = datetime(2022, 6, 2, tzinfo=UTC) - timedelta(days=n)
        spent[0], begun, used = 0.0, time.perf_counter(), time.process_time()
        with CaptureQueriesContext(connection) as seen:
            screen_morning(at.date(), at, by=system_actor("bench"), at=at)
        walls.append(time.perf_counter() - begun)
        processor.append(time.process_time() - used)
        science.append(spent[0])
        queries = len(seen)
    base = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[kind]
    print(
        f"{base}: {VILLAGES} villages x {KINDS} streams x {DAYS} days: first {walls[0]:.2f} s, then {median(walls[1:]):.2f} s a morning ({median(processor[1:]):.2f} s of processor)"
    )
    print(
        f"of which science {median(science[1:]):.2f} s; {queries} queries; load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    row = {
        "promise": {
            "zh": f"60 个村 × 10 条数据流 × 两年历史，一个早晨筛查完（含 {base}）不到 2 秒",
            "en": f"one morning of 60 villages × 10 streams × 2 years, {base} included: under 2 s",
        },
        "measured": f"{median(walls[1:]):.2f} s",
        "peer": {
            "zh": f"其中科学计算 {median(science[1:]):.2f} s，{queries} 次查询",
            "en": f"science alone {median(science[1:]):.2f} s; {queries} queries",
        },
        "kept": median(walls[1:]) < 2,
    }
    print("figures: " + json.dumps([row], ensure_ascii=False))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure_each(parser, __file__, lambda on, _: measure(on))


if __name__ == "__main__":
    main()
