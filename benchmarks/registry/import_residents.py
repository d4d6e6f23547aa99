"""How fast residents come in: read, checks, duplicate search, apply; beside a bare executemany of the same rows in the same run.

    python -m benchmarks.registry.import_residents [ROWS]

Prints one line of JSON. Runs on a throw-away SQLite database; PYTHONPATH must hold src.
"""

import json
import os
import sys
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from time import perf_counter

AT = datetime(2022, 6, 2, 11, tzinfo=UTC)
GOAL_ROWS_PER_S = 5_000


def main(rows: int) -> dict[str, object]:
    """Time each step for a file of `rows` new residents, then the same file again, when every row is a duplicate."""
    import numpy as np
    from django.db import connection, transaction

    from tongchou.core.identity import synthetic_mobiles, synthetic_resident_ids
    from tongchou.core.importing.actions import apply_import, preview_import
    from tongchou.core.people.rules import system_actor
    from tongchou.domains.registry.imports import RESIDENTS
    from tongchou.domains.registry.models import Resident

    random = np.random.default_rng(1)
    town = _place("310118106", "/310118106/", None)
    villages = [_place(f"310118106{n:03d}", f"{town.path}310118106{n:03d}/", town) for n in range(27)]
    born_on = np.datetime64("1940-01-01") + random.integers(0, 28_000, rows).astype("timedelta64[D]")
    is_male = random.random(rows) < 0.5
    ids, phones = synthetic_resident_ids(born_on, is_male), synthetic_mobiles(random, rows)
    names = random.choice(list("赵钱孙李周吴郑王冯陈"), rows)
    lines = ["姓名,身份证号,性别,出生日期,村居,地址,电话,户籍"]
    lines += [
        f"{names[i]}示例{i % 997},{ids[i]},{'男' if is_male[i] else '女'},{born_on[i]},{villages[i % 27].code},明珠路{i % 400}弄{i % 30}号,{phones[i]},外省市户籍"
        for i in range(rows)
    ]
    content, by = "\n".join(lines).encode(), system_actor("benchmark")

    def timed(work: object) -> tuple[object, float]:
        start = perf_counter()
        return work(), perf_counter() - start  # type: ignore[operator]

    batch, preview_s = timed(lambda: preview_import(spec=RESIDENTS, content=content, file_name="r.csv", place=town, by=by, at=AT))
    _, apply_s = timed(lambda: apply_import(batch, spec=RESIDENTS, by=by, at=AT))  # type: ignore[arg-type]
    again, again_s = timed(lambda: preview_import(spec=RESIDENTS, content=content, file_name="r.csv", place=town, by=by, at=AT))
    assert Resident.objects.count() == rows and again.known_row_count == rows  # type: ignore[attr-defined]

    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM registry_resident")
        stored = cursor.fetchall()
        marks = ",".join(["%s"] * len(stored[0]))
        cursor.execute("CREATE TABLE bare AS SELECT * FROM registry_resident WHERE 0")
        with transaction.atomic():
            _, bare_s = timed(lambda: cursor.executemany(f"INSERT INTO bare VALUES ({marks})", stored))
    total_s = preview_s + apply_s
    return {
        "rows": rows,
        "preview_s": round(preview_s, 2),
        "apply_s": round(apply_s, 2),
        "rows_per_s": round(rows / total_s),
        "goal_rows_per_s": GOAL_ROWS_PER_S,
        "preview_when_all_known_s": round(again_s, 2),
        "bare_executemany_s": round(bare_s, 2),
        "times_bare_insert": round(total_s / bare_s, 1),
    }


def _place(code: str, path: str, parent: object) -> object:
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
    row = {
        "promise": {
            "zh": f"居民导入（校验、查重、写入，SQLite）：每秒至少 {GOAL_ROWS_PER_S:,} 行",
            "en": f"residents in (checks, duplicates, writing; SQLite): at least {GOAL_ROWS_PER_S:,} rows/s",
        },
        "measured": f"{found['rows_per_s']:,} /s",
        "peer": {
            "zh": f"用时是同样行数裸 executemany 的 {found['times_bare_insert']} 倍",
            "en": f"{found['times_bare_insert']} times a bare executemany of the same rows",
        },
        "kept": int(str(found["rows_per_s"])) >= GOAL_ROWS_PER_S,
    }
    print("figures: " + json.dumps([row], ensure_ascii=False))
