"""How fast residents come in: read, checks, duplicate search, apply; beside a bare executemany of the same rows in the same run.

Two files: the 200,000 residents of a town into an empty register, then others into the full one, where every row is looked for among all of them.

    python -m benchmarks.registry.import_residents [ROWS]

Prints one line of JSON. Runs on a throw-away SQLite database; PYTHONPATH must hold src.
"""

import json
import os
import sys
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

AT = datetime(2022, 6, 2, 11, tzinfo=UTC)
GOAL_ROWS_PER_S, TOWN = 5_000, 200_000
HEAD = "姓名,身份证号,性别,出生日期,村居,地址,电话,户籍"


def main(rows: int) -> dict[str, float]:
    """Time a file of a whole town's residents into an empty register, one of `rows` others into the full one, and that one once more."""
    from django.db import connection, transaction

    from tongchou.core.importing.actions import apply_import, preview_import
    from tongchou.core.people.rules import system_actor
    from tongchou.domains.registry.imports import RESIDENTS
    from tongchou.domains.registry.models import Resident

    town = _place("310118106", "/310118106/", None)
    villages = [_place(f"310118106{n:03d}", f"{town.path}310118106{n:03d}/", town) for n in range(27)]
    lines, by = residents(TOWN + rows, [village.code for village in villages]), system_actor("benchmark")

    def bring_in(some: list[str]) -> tuple[float, float]:
        """Wall and processor seconds from the bytes of a file to the commit."""
        content, begun, used = "\n".join([HEAD, *some]).encode(), perf_counter(), process_time()
        batch = preview_import(spec=RESIDENTS, content=content, file_name="r.csv", place=town, by=by, at=AT)
        apply_import(batch, spec=RESIDENTS, by=by, at=AT)
        return perf_counter() - begun, process_time() - used

    town_s, town_cpu_s = bring_in(lines[:TOWN])
    more_s, more_cpu_s = bring_in(lines[TOWN:])
    begun = perf_counter()
    content = "\n".join([HEAD, *lines[TOWN:]]).encode()
    again = preview_import(spec=RESIDENTS, content=content, file_name="r.csv", place=town, by=by, at=AT)
    again_s = perf_counter() - begun
    if Resident.objects.count() != TOWN + rows or again.known_row_count != rows:
        raise SystemExit("not every row came in, or not every duplicate was found")

    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM registry_resident ORDER BY id DESC LIMIT %s", [rows])
        stored = cursor.fetchall()
        marks = ",".join(["%s"] * len(stored[0]))
        cursor.execute("CREATE TABLE bare AS SELECT * FROM registry_resident WHERE 0")
        begun = perf_counter()
        with transaction.atomic():
            cursor.executemany(f"INSERT INTO bare VALUES ({marks})", stored)
        bare_s = perf_counter() - begun
    return {
        "rows_per_s_empty": round(TOWN / town_s),
        "rows_per_s_full": round(rows / more_s),
        "rows_per_processor_s_empty": round(TOWN / town_cpu_s),
        "rows_per_processor_s_full": round(rows / more_cpu_s),
        "preview_when_all_known_s": round(again_s, 2),
        "bare_executemany_s": round(bare_s, 2),
        "times_bare_insert": round(more_s / bare_s, 1),
    }


def residents(rows: int, villages: list[str]) -> list[str]:
    """So many different people as lines of a file."""
    import numpy as np

    from tongchou.core.identity import synthetic_mobiles, synthetic_resident_ids

    random = np.random.default_rng(1)
    born_on = np.datetime64("1940-01-01") + random.integers(0, 28_000, rows).astype("timedelta64[D]")
    is_male = random.random(rows) < 0.5
    ids, phones = synthetic_resident_ids(born_on, is_male), synthetic_mobiles(random, rows)
    names = random.choice(list("赵钱孙李周吴郑王冯陈"), rows)
    return [
        f"{names[i]}示例{i % 997},{ids[i]},{'男' if is_male[i] else '女'},{born_on[i]},{villages[i % 27]},明珠路{i % 400}弄{i % 30}号,{phones[i]},外省市户籍"
        for i in range(rows)
    ]


def _place(code: str, path: str, parent: Any) -> Any:
    from tongchou.core.places.models import Place

    return Place.objects.create(
        code=code, kind="village", parent=parent, path=path, name_zh=f"村{code}", name_en=f"Village {code}", valid_from=date(2020, 1, 1)
    )


if __name__ == "__main__":
    home = tempfile.TemporaryDirectory(prefix="tongchou-benchmark-")
    os.environ.update(TONGCHOU_HOME=home.name, TONGCHOU_DATABASE="", DJANGO_SETTINGS_MODULE="tongchou.settings")
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    found = main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
    print(json.dumps(found))
    slower = min(found["rows_per_s_empty"], found["rows_per_s_full"])
    row = {
        "promise": {
            "zh": f"居民导入（校验、查重、写入，SQLite；{TOWN:,} 人的空册与满册）：每秒至少 {GOAL_ROWS_PER_S:,} 行",
            "en": f"residents in (checks, duplicates, writing; SQLite; {TOWN:,} into an empty register, more into the full one): at least {GOAL_ROWS_PER_S:,} rows/s",
        },
        "measured": f"{slower:,} /s",
        "peer": {
            "zh": f"满册时用时是同样行数裸 executemany 的 {found['times_bare_insert']} 倍",
            "en": f"into the full one {found['times_bare_insert']} times a bare executemany of the same rows",
        },
        "kept": slower >= GOAL_ROWS_PER_S,
    }
    print("figures: " + json.dumps([row], ensure_ascii=False))
