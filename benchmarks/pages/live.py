"""How soon an act shows on other people's open pages: python benchmarks/pages/live.py [--streams 50] [--acts 20]

The town at full size, served by the product's own processes, on SQLite and on PostgreSQL. So many pages of the demonstration's people hold a
stream open; then a note is written into an incident again and again, and every stream that may hear of it is timed from the commit to the
arrival of its event. Beside it: how long the same act's commit took. The promise: within 2 s, nobody left out.
"""

import argparse
import http.client
import json
import os
import random
import sys
import time
from contextlib import closing
from pathlib import Path
from statistics import median
from threading import Thread

sys.path.insert(0, str(Path(__file__).parents[2] / "src"))
sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.databases import measure_each
from benchmarks.pages.town import served_town, sessions

MOST_S, PATIENCE_S = 2.0, 10.0


class Page(Thread):
    """One open page: keeps when it first heard of each point of the log."""

    def __init__(self, port: int, cookie: str, seq: int) -> None:
        super().__init__(daemon=True)
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        self.connection.request("GET", f"/live?seq={seq}", headers={"Cookie": cookie, "Accept": "text/event-stream"})
        self.answer = self.connection.getresponse()
        self.heard: list[tuple[int, float]] = []

    def run(self) -> None:
        with closing(self.connection):
            while line := self.answer.readline():
                if line.startswith(b"data:"):
                    self.heard.append((json.loads(line[5:])["seq"], time.perf_counter()))

    def delay_s(self, seq: int, committed: float) -> float | None:
        return next((at - committed for known, at in self.heard if known >= seq), None)


def measure(kind: str, streams: int, acts: int) -> None:
    """All of it on this database; ends with the row of figures."""
    with served_town() as town:
        from tongchou.core.audit.models import Entry
        from tongchou.core.people.models import User
        from tongchou.core.people.queries import actor_for
        from tongchou.domains.response.actions import add_log
        from tongchou.domains.response.models import Incident
        from tongchou.interfaces import clock

        incident = Incident.objects.select_related("dossier__place").filter(dossier__closed_at=None)[0]
        readers = {
            who: cookie
            for who, cookie in sessions().items()
            if actor_for(User.objects.get(username=who), clock.now()).may("incident.read", incident.place_path)
        }
        seq = Entry.objects.order_by("-seq")[0].seq
        cookies = [list(readers.values())[n % len(readers)] for n in range(streams)]
        pages = [Page(town.port + 1, cookie, seq) for cookie in cookies]
        for page in pages:
            page.start()
        lin, chance = User.objects.get(username="lin"), random.Random(1)
        commits, marks = [], []
        for n in range(acts):
            time.sleep(chance.uniform(0.3, 1.7))
            begun = time.perf_counter()
            add_log(incident, text=f"记录 {n}", by=actor_for(lin, clock.now()), at=clock.now())
            commits.append(time.perf_counter() - begun)
            marks.append((Entry.objects.order_by("-seq")[0].seq, begun + commits[-1]))
        time.sleep(PATIENCE_S / 2)
        found = [page.delay_s(mark, committed) for mark, committed in marks for page in pages]
        load = os.getloadavg()[0]
    report(kind, found, commits, streams, load)


def report(kind: str, found: list[float | None], commits: list[float], streams: int, load: float) -> None:
    heard = sorted(delay for delay in found if delay is not None)
    p95, deaf = heard[int(0.95 * len(heard))], len(found) - len(heard)
    base = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[kind]
    print(
        f"{base}: {streams} open pages, {len(commits)} acts: heard after {median(heard):.2f} s (median), {p95:.2f} s (p95), {heard[-1]:.2f} s"
        f" (latest); {deaf} not heard; the act itself {median(commits) * 1000:.0f} ms; load average {load:.1f} on {os.cpu_count()} cores"
    )
    row = {
        "promise": {
            "zh": f"别人打开的页面在 2 秒内看到（{base}，{streams} 个页面同时打开，提交到送达）",
            "en": f"another person's open page shows it within 2 s ({base}, {streams} pages open, commit to arrival)",
        },
        "measured": f"{heard[-1]:.2f} s",
        "peer": {
            "zh": f"中位数 {median(heard):.2f} s；写入本身 {median(commits) * 1000:.0f} ms；漏掉 {deaf}",
            "en": f"median {median(heard):.2f} s; the act itself {median(commits) * 1000:.0f} ms; {deaf} missed",
        },
        "kept": not deaf and heard[-1] < MOST_S,
    }
    print("figures: " + json.dumps([row], ensure_ascii=False))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=50)
    parser.add_argument("--acts", type=int, default=20)
    measure_each(parser, __file__, lambda on, options: measure(on, options.streams, options.acts))


if __name__ == "__main__":
    main()
