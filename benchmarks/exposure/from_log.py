"""From a click on "approve" to the page with the exposed list, out of 20 million scans on disk: python -m benchmarks.exposure.from_log [--scans N]

The demonstration town with 200,000 passes and 3,000 venues, a fortnight of scans in its log (half of the stays without an exit), served by the
product's own processes and asked over HTTP, on SQLite and on PostgreSQL. Beside it: the database itself giving the scans of the venues where
the case was, without one meeting looked for. Then how fast the columns are made anew, and how soon the scans of a minute are in them.
"""

import argparse
import json
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "src"))
sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.databases import measure_each
from benchmarks.pages.town import served_town, sessions, settle

DAYS, DAY, HOUR, CHUNK, A_MINUTE = 14, 86_400, 3600, 500_000, 20_000
PROMISED_S, TIMES = 2.0, 3
SPAN_DAYS = {1: 14, 2: 1}  # by generation; in a made town where everybody meets everybody two generations soon list all of it
TOKEN = "b" * 32  # of the form protection: cookie and header say the same


def chunks(scans: int, holders: np.ndarray, venues: np.ndarray, until_s: int) -> Iterator[np.ndarray]:
    """(rows, 4): holder, venue, instant, way, in the order of time, a day after the other."""
    rng = np.random.default_rng(20_220_501)
    size = rng.lognormal(0, 1, len(venues))
    for day in range(DAYS):
        stays = scans * 2 // (3 * DAYS)
        works = rng.random(stays) < 1 / 12
        hour = np.clip(np.where(works, rng.normal(8, 1, stays), rng.uniform(6, 22, stays)), 0, 23.9)
        entered = until_s - (DAYS - day) * DAY + (hour * HOUR).astype(np.int64)
        length = np.maximum(np.where(works, rng.normal(8.5, 1, stays), rng.gamma(2, 0.4, stays)) * HOUR, 60).astype(np.int64)
        who, where = rng.choice(holders, stays), rng.choice(venues, stays, p=size / size.sum())
        left = rng.random(stays) < 0.5
        entries = np.stack([who, where, entered, np.zeros_like(entered)], axis=1)
        exits = np.stack([who, where, entered + length, np.ones_like(entered)], axis=1)[left]
        rows = np.concatenate([entries, exits])
        rows = rows[rows[:, 2] < until_s]
        rows = rows[np.argsort(rows[:, 2], kind="stable")]
        for start in range(0, len(rows), CHUNK):
            yield rows[start : start + CHUNK]


def fill_log(scans: int, until: datetime) -> int:
    """Put a fortnight of scans into the log, a device for each venue; gives how many."""
    from django.conf import settings
    from django.db import connections

    from tongchou.domains.gate.models import Holder, Scan
    from tongchou.domains.gate.scan_log import Row
    from tongchou.domains.registry.models import Venue

    holders = np.array(Holder.objects.values_list("number", flat=True), dtype=np.int64)
    venues = np.array(Venue.objects.order_by("pk").values_list("pk", flat=True), dtype=np.int64)
    connection = connections[settings.SCANS_DATABASE]
    connection.ensure_connection()
    table, columns, filled = Scan._meta.db_table, ", ".join(Row._fields), 0
    for rows in chunks(scans, holders, venues, int(until.timestamp())):
        who, where, at_s, way = rows.T
        seq, nothing = np.arange(filled + 1, filled + len(rows) + 1) + 10**9, np.zeros(len(rows), np.int64)
        values = Row(where, seq, where, where, who, at_s, at_s, way, nothing, nothing, nothing, nothing, seq)  # type: ignore[arg-type]
        listed = zip(*(column.tolist() for column in values), strict=True)
        if connection.vendor == "sqlite":
            raw = connection.connection
            raw.execute("BEGIN IMMEDIATE")
            raw.executemany(f"INSERT INTO {table} ({columns}) VALUES ({', '.join('?' * len(Row._fields))})", listed)
            raw.execute("COMMIT")
        else:
            with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                copy.write("".join("\t".join(map(str, row)) + "\n" for row in listed))
        filled += len(rows)
    return filled


def give_everybody_a_pass() -> int:
    """As the worker does, 5,000 at a time; gives how many have one."""
    from tongchou.domains.gate.models import Holder
    from tongchou.interfaces import clock
    from tongchou.interfaces.jobs.duties import register_holders

    known = -1
    while known != (known := Holder.objects.count()):
        register_holders(clock.now())
    return known


def asked(generations: int, at: datetime) -> tuple[Any, str, str]:
    """The demonstration's question once more, over its span: the request, who made it and who may approve it."""
    from tongchou.core.people.models import User
    from tongchou.core.people.queries import actor_for
    from tongchou.domains.exposures.actions import ask_exposed
    from tongchou.domains.exposures.models import ExposureRequest
    from tongchou.domains.exposures.rules import Window

    first = ExposureRequest.objects.filter(dossier__state="approved", incident__closed_at=None).order_by("pk")[0]
    tracer, leader = (User.objects.get(pk=pk) for pk in (first.asked_by_id, first.decided_by_id))
    window = Window(at - timedelta(days=SPAN_DAYS[generations]), at)
    request = ask_exposed(
        first.case, incident=first.incident, basis=first.basis, purpose="查找同时段在场的人", window=window, generations=generations,
        by=actor_for(tracer, at), at=at,
    )  # fmt: skip
    return request, tracer.username, leader.username


def click(port: int, address: str, cookie: str, words: dict[str, str] | None = None) -> str:
    """Get a page, or send a form and follow to the page it leads to; gives the page."""
    form = urllib.parse.urlencode({**words, "csrfmiddlewaretoken": TOKEN}).encode() if words is not None else None
    headers = {"Cookie": f"{cookie}; csrftoken={TOKEN}", "Accept": "text/html"}
    with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}{address}", form, headers), timeout=120) as answer:
        page: str = answer.read().decode()
    return page


def ask_the_town(port: int, generations: int, cookies: dict[str, str]) -> tuple[float, int]:
    """Seconds from the click on "approve" to the page with the list (approve, make, read), and how many are listed."""
    from tongchou.domains.exposures.queries import latest_list
    from tongchou.interfaces import clock

    request, tracer, leader = asked(generations, clock.local_now())
    address = f"/exposures/{urllib.parse.quote(request.dossier.number)}"
    begun = time.perf_counter()
    click(port, f"{address}/approve", cookies[leader], {"answer": "同意"})
    click(port, f"{address}/make", cookies[tracer], {"reason": ""})
    taken = time.perf_counter() - begun
    row = latest_list(request)
    if row is None:
        raise SystemExit(f"{address}: no list was made")
    return taken, row.people.exclude(change="removed").count()


def read_by_the_database(at: datetime) -> tuple[float, int]:
    """Seconds in which the database gives all scans at the venues where the case was, and how many: the question's raw material alone."""
    from tongchou.domains.exposures.models import ExposureRequest
    from tongchou.domains.gate.models import Scan
    from tongchou.domains.tracing.models import Case
    from tongchou.workflows.exposing import holders_of

    case = Case.objects.get(pk=ExposureRequest.objects.filter(dossier__state="approved").order_by("pk")[0].case_id)
    begun = time.perf_counter()
    span = {"at_s__gte": int(at.timestamp()) - (DAYS + 1) * DAY, "at_s__lte": int(at.timestamp())}
    where = Scan.objects.filter(holder__in=holders_of(case.id_index), **span).values_list("venue", flat=True)
    rows = list(Scan.objects.filter(venue__in=set(where), **span).exclude(verdict=2).values_list("holder", "venue", "at_s", "way"))
    return time.perf_counter() - begun, len(rows)


def columns_anew(at: datetime) -> tuple[float, float]:
    """Rows of the log a second made into columns from nothing, and seconds until the scans of a busy minute are in them."""
    from tongchou.domains.gate.models import Scan
    from tongchou.domains.gate.scan_log import Row, append
    from tongchou.domains.visits.scan_columns import ScanColumns

    with tempfile.TemporaryDirectory() as folder:
        columns = ScanColumns(Path(folder) / "columns")
        begun = time.perf_counter()
        rows = columns.bring_up_to_date()
        rate = rows / (time.perf_counter() - begun)
        now_s, venue = int(at.timestamp()), Scan.objects.order_by("pk")[0].venue
        append([Row(1, 2 * 10**9 + n, venue, venue, 1 + n, now_s, now_s, 0, 0, 0, 0, 0, n) for n in range(A_MINUTE)])
        begun = time.perf_counter()
        columns.bring_up_to_date()
        return rate, time.perf_counter() - begun


def measure(kind: str, options: argparse.Namespace) -> None:
    """All of it on one database; ends with the rows of figures."""
    with served_town() as town:
        from tongchou.domains.visits.scan_columns import ScanColumns
        from tongchou.interfaces import clock

        print(f"{kind}: {give_everybody_a_pass():,} passes")
        begun = time.perf_counter()
        scans = fill_log(options.scans, clock.now())
        print(f"{scans:,} scans filled in {time.perf_counter() - begun:.0f} s")
        settle()
        ScanColumns().bring_up_to_date()  # the worker has long done it where the scans came in one by one
        cookies = sessions()
        told = {}
        for generations in (1, 2):
            answers = [ask_the_town(town.port, generations, cookies) for _ in range(TIMES)]
            told[generations] = (median(seconds for seconds, _ in answers), answers[0][1])
            print(
                f"{generations} generation(s): {told[generations][1]:,} listed, approve, make and read the page in {[round(s, 2) for s, _ in answers]} s"
            )
        alone, read = read_by_the_database(clock.now())
        print(f"the database alone: {read:,} scans at the case's venues in {alone:.2f} s")
        rate, minute_s = columns_anew(clock.now())
        print(f"columns from nothing {rate:,.0f} scans/s; {A_MINUTE:,} new scans in {minute_s:.2f} s")
    base, n = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[kind], f"{scans / 1e6:.3g}"
    (one_s, one), (two_s, two) = told[1], told[2]
    rows = [
        {
            "promise": {
                "zh": f"从点“批准”到看见暴露名单页（{base}，日志 {n} 百万条扫码，一例、十四天、一代）：{PROMISED_S:.0f} 秒以内",
                "en": f"from the click on approve to the page with the exposed list ({base}, {n} million scans in the log, one case, a fortnight, one generation): within {PROMISED_S:.0f} s",
            },
            "measured": f"{one_s:.2f} s",
            "peer": {
                "zh": f"数据库仅读出病例到过场所的 {read:,} 条扫码 {alone:.1f} s，不找同时在场者，为其 {alone / one_s:.1f} 倍；名单 {one:,} 人；一天、两代 {two_s:.2f} s、{two:,} 人",
                "en": f"the database alone, giving the {read:,} scans of the venues where the case was and looking for nobody: {alone:.1f} s, {alone / one_s:.1f} times; {one:,} listed; one day, two generations {two_s:.2f} s, {two:,} listed",
            },
            "kept": one_s <= PROMISED_S,
        },
        {
            "promise": {
                "zh": f"新扫码一分钟内可查（{base}）：一分钟 {A_MINUTE:,} 条从日志并入",
                "en": f"new scans are found within a minute ({base}): the {A_MINUTE:,} of a busy minute joined from the log",
            },
            "measured": f"{minute_s:.2f} s",
            "peer": {"zh": f"全部从日志重做，每秒 {rate:,.0f} 条", "en": f"everything made anew from the log: {rate:,.0f} scans/s"},
            "kept": minute_s < 60,
        },
    ]
    print("figures: " + json.dumps(rows, ensure_ascii=False))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scans", type=int, default=20_000_000)
    measure_each(parser, __file__, measure)
