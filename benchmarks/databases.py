"""Where a benchmark keeps its rows: a throw-away SQLite file, then a throw-away database of a PostgreSQL server."""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
SERVER = "TONGCHOU_TEST_POSTGRES"


@contextmanager
def postgres_database() -> Iterator[str | None]:
    """The address of an empty database, dropped afterwards; None where no server answers at TONGCHOU_TEST_POSTGRES or the usual port."""
    import psycopg

    server, name = os.environ.get(SERVER, "postgresql://postgres@127.0.0.1:5432/postgres"), f"tongchou_bench_{os.getpid()}"
    try:
        admin = psycopg.connect(server, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError:
        yield None
        return
    with admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        try:
            yield f"{server.rpartition('/')[0]}/{name}"
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def measure_each(parser: argparse.ArgumentParser, script: str, measure: Callable[[str, argparse.Namespace], None]) -> None:
    """Read the command line and measure: on every database, or with `--on` on the one the environment names."""
    parser.add_argument("--on", choices=["sqlite", "postgresql"], help="this database only, as the environment names it")
    options = parser.parse_args()
    if options.on:
        measure(options.on, options)
    else:
        _on_each_database(script, sys.argv[1:])


def _on_each_database(script: str, arguments: Sequence[str]) -> None:
    """Run the script again as `--on sqlite`, then as `--on postgresql`: a process reads its database's address once."""
    clean = {k: v for k, v in os.environ.items() if k not in {"TONGCHOU_HOME", "TONGCHOU_DATABASE"}}
    clean |= {"PYTHONPATH": str(ROOT / "src"), "DJANGO_SETTINGS_MODULE": "tongchou.settings"}

    def run(kind: str, url: str) -> None:
        with tempfile.TemporaryDirectory(prefix="tongchou-bench-", ignore_cleanup_errors=True) as home:
            own = Path(home) / "home"
            own.mkdir()
            command = [sys.executable, "-u", script, "--on", kind, *arguments]
            subprocess.run(command, env={**clean, "TONGCHOU_HOME": str(own), "TONGCHOU_DATABASE": url}, check=True)

    run("sqlite", "")
    with postgres_database() as url:
        if url is None:
            print(f"postgresql: no server found, not measured; start one or set {SERVER}")
        else:
            run("postgresql", url)
