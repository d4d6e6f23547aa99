"""Every page of the town at full size: python benchmarks/pages/speed.py [--requests 30] [--only WORD]

200,000 residents, 10,000 firms, 3,000 venues and the weeks of the demonstration, on SQLite and on PostgreSQL, asked over HTTP of the
product's own server as the duty leader (or, where the leader may not, the first account that may), by one client and by four at once,
with no pause between requests. Beside it in the same round: the sign-in page, which reads nothing. Prints per page the queries, the
milliseconds (median and 95th percentile), and the processor time of the server per request, which other programs on the machine do
not change. The promise: 25 queries at most, and 95 of 100 requests within 200 ms.
"""

import argparse
import http.client
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).parents[2] / "src"))
sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.databases import measure_each
from benchmarks.pages.addresses import DOWNLOADS, every_page
from benchmarks.pages.town import Served, fill_up, pages_processes, processor_ms, served_town, sessions, settle

MOST_QUERIES, MOST_MS, CLIENTS, PATIENCE_S = 25, 200.0, 4, 120


@dataclass
class Measured:
    """One page: who asked, and what it cost."""

    name: str
    address: str
    who: str
    cookie: str
    queries: int
    alone_ms: list[float] = field(default_factory=list)
    crowded_ms: list[float] = field(default_factory=list)
    server_ms: list[float] = field(default_factory=list)

    def row(self, peer: "Measured") -> str:
        ratio = median(self.alone_ms) / median(peer.alone_ms)
        return (
            f"{self.name:<34}{self.who:<8}{self.queries:>4}{median(self.alone_ms):>8.0f}{p95(self.alone_ms):>7.0f}"
            f"{p95(self.crowded_ms):>9.0f}{median(self.server_ms):>10.1f}{ratio:>8.1f}"
        )


def p95(times: list[float]) -> float:
    return sorted(times)[min(len(times) - 1, int(0.95 * len(times)))]


def ask(connection: http.client.HTTPConnection, address: str, cookie: str) -> tuple[int, float]:
    """Status, and milliseconds until the last byte."""
    begun = time.perf_counter()
    connection.request("GET", quote(address, safe="/?=&"), headers={"Cookie": cookie, "Accept": "text/html"})
    answer = connection.getresponse()
    answer.read()
    return answer.status, (time.perf_counter() - begun) * 1000


def first_who_may(port: int, address: str, cookies: dict[str, str]) -> tuple[str, str]:
    """The account that gets to see the page, the duty leader if it may."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    with closing(connection):
        for who, cookie in cookies.items():
            if ask(connection, address, cookie)[0] == 200:
                return who, cookie
    raise SystemExit(f"{address}: nobody may see it")


def queries_of(address: str, cookie: str) -> int:
    """Queries of one request, counted in this process on the same database."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client(headers={"host": "127.0.0.1", "cookie": cookie})
    client.get(address)
    with CaptureQueriesContext(connection) as seen:
        list(client.get(address))
    return len(seen)


def ask_in_rounds(town: Served, pages: list[Measured], rounds: int) -> None:
    """Every page in turn, so that what else the machine does falls upon all of them alike."""
    servers = pages_processes(town.process_id)
    with closing(http.client.HTTPConnection("127.0.0.1", town.port, timeout=PATIENCE_S)) as connection:
        for _ in range(rounds):
            for page in pages:
                before = processor_ms(servers)
                page.alone_ms.append(ask(connection, page.address, page.cookie)[1])
                page.server_ms.append(processor_ms(servers) - before)


def ask_together(town: Served, pages: list[Measured], rounds: int) -> None:
    """As many clients as CLIENTS, each from another page on."""

    def walk(first: int) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", town.port, timeout=PATIENCE_S)) as connection:
            for page in (pages[first:] + pages[:first]) * rounds:
                page.crowded_ms.append(ask(connection, page.address, page.cookie)[1])

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(walk, range(0, len(pages), max(1, len(pages) // CLIENTS))))


def measure_town(kind: str, rounds: int, only: str) -> None:
    """All pages on this database; ends with the row of figures."""
    with served_town() as town:
        fill_up()
        settle()
        cookies, listed = sessions(), every_page()
        addresses = {n: a for n, a in listed.items() if n.partition(" ")[0] not in DOWNLOADS and (only in n or n == "login")}
        pages = []
        for name, address in addresses.items():
            who, cookie = ("nobody", "") if name == "login" else first_who_may(town.port, address, cookies)
            pages.append(Measured(name, address, who, cookie, queries_of(address, cookie)))
        ask_in_rounds(town, pages, rounds)
        ask_together(town, pages, max(2, rounds // CLIENTS))
        load = os.getloadavg()[0]
    peer = next(page for page in pages if page.name == "login")
    print(f"\n{kind}: load average {load:.1f} on {os.cpu_count()} cores; {rounds} requests a page by one client")
    print(f"{'page':<34}{'as':<8}{'q':>4}{'median':>8}{'p95':>7}{'p95 by 4':>9}{'server ms':>10}{'×login':>8}")
    for page in pages:
        print(page.row(peer))
    print("figures: " + json.dumps([figures(kind, [page for page in pages if page is not peer], peer)], ensure_ascii=False))


def figures(kind: str, found: list[Measured], peer: Measured) -> dict[str, object]:
    slowest, hungriest = max(found, key=lambda m: p95(m.alone_ms)), max(found, key=lambda m: m.queries)
    base = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[kind]
    return {
        "promise": {
            "zh": f"满镇规模的每个页面（{base}，{len(found)} 个地址）：至多 {MOST_QUERIES} 次查询，p95 不到 {MOST_MS:.0f} ms",
            "en": f"every page at full town size ({base}, {len(found)} addresses): at most {MOST_QUERIES} queries, p95 under {MOST_MS:.0f} ms",
        },
        "measured": f"{hungriest.queries} / {p95(slowest.alone_ms):.0f} ms",
        "peer": {
            "zh": f"最慢的是 {slowest.name}，中位数为登录页（{median(peer.alone_ms):.0f} ms）的 {median(slowest.alone_ms) / median(peer.alone_ms):.0f} 倍；四人同时 p95 {max(p95(m.crowded_ms) for m in found):.0f} ms",
            "en": f"slowest: {slowest.name}, its median {median(slowest.alone_ms) / median(peer.alone_ms):.0f} times the sign-in page's ({median(peer.alone_ms):.0f} ms); four at once: p95 {max(p95(m.crowded_ms) for m in found):.0f} ms",
        },
        "kept": hungriest.queries <= MOST_QUERIES and p95(slowest.alone_ms) < MOST_MS,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=30)
    parser.add_argument("--only", default="", help="pages whose name contains this")
    measure_each(parser, __file__, lambda on, options: measure_town(on, options.requests, options.only))


if __name__ == "__main__":
    main()
