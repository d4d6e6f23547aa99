#!/usr/bin/env python3
"""One door for people who work on tongchou: python dev.py demo | test | bench | lint | docs | pin.

Needs Python 3.11 and a package registry, nothing else: it makes .venv itself and installs again only when
the dependencies in pyproject.toml or the pins in constraints.txt have changed.
"""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit("dev.py: Python %d.%d found, 3.11 or newer needed; start it as: python3.11 dev.py" % sys.version_info[:2])  # noqa: UP031

import argparse
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import tomllib
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
WORK = ROOT / ".work"
CONSTRAINTS = ROOT / "constraints.txt"
NOT_PINNED = {"pip", "setuptools", "wheel", "tongchou"}
UNREACHABLE = re.compile(r"connection|timed? ?out|resolve host|name resolution|getaddrinfo|ProxyError|from versions: none|SSLError", re.I)
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM_REMEDY = "Debian: apt-get install chromium fonts-noto-cjk; elsewhere install Chrome and set TONGCHOU_CHROMIUM to its path"
POSTGRES_REMEDY = (
    "start PostgreSQL 15 or newer on port 5432 with a role that may create databases,"
    " or set TONGCHOU_TEST_POSTGRES=postgresql://user:password@host:port/postgres"
)
JAVA_REMEDY = "Debian: apt-get install openjdk-17-jre-headless; elsewhere a Java 17 or newer, named by JAVA_HOME"
# Modules that write pages of documentation from the program itself, and where to.
PICTURE, PICTURE_SCRIPT = "docs/images/desk.png", "docs/make_screenshot.py"
GENERATED_DOCS = {
    f"tongchou.interfaces.{name}": "docs/reference" for name in ("cli.reference", "cli.contracts", "cli.science_names", "api.document")
}
TYPED = ["src/tongchou"]
# What the benchmarks measured last, and the pages that show it.
FIGURES, READMES = ROOT / "benchmarks/figures.json", {"README.md": "en", "README.zh-CN.md": "zh"}
FIGURES_PAGE = "docs/benchmarks.md"  # the same rows, an area (folder of benchmarks/) a table
FIGURE_MARKS = ("<!-- figures: written by python dev.py bench --write -->", "<!-- end of figures -->")


class Stop(Exception):
    """A reason to end, already written for the person at the keyboard."""


@contextmanager
def step(title: str) -> Iterator[None]:
    """Say what runs, how many seconds it has taken so far (on a terminal) and in all."""
    started = time.monotonic()
    done = threading.Event()
    live = sys.stdout.isatty()

    def tick() -> None:
        while not done.wait(1):
            print(f"\r  {title} … {time.monotonic() - started:.0f} s ", end="", flush=True)

    if live:
        threading.Thread(target=tick, daemon=True).start()
    else:
        print(f"  {title} …", flush=True)
    try:
        yield
    except BaseException:
        done.set()
        print(f"{chr(13) if live else ''}  {title}: failed after {time.monotonic() - started:.0f} s", flush=True)
        raise
    done.set()
    print(f"{chr(13) if live else ''}  {title}: {time.monotonic() - started:.1f} s      ", flush=True)


def environment(**extra: str) -> dict[str, str]:
    """The environment of every child: our sources first, UTF-8, no stray home of an installation."""
    env = {k: v for k, v in os.environ.items() if k not in {"TONGCHOU_HOME", "TONGCHOU_DATABASE", "DJANGO_SETTINGS_MODULE"}}
    return env | {"PYTHONPATH": str(ROOT / "src"), "PYTHONUTF8": "1"} | extra


# ---- the environment ----------------------------------------------------------------------------------------------


def wanted(dev: bool, engines: bool = False) -> tuple[list[str], str]:
    """The requirements to install and a digest that changes when they, the pins or the interpreter do; `engines`: with Spark."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    requirements = list(project["project"]["dependencies"]) + (list(project["dependency-groups"]["dev"]) if dev else [])
    requirements += project["project"]["optional-dependencies"]["spark"] if engines else []
    pins = CONSTRAINTS.read_text("utf-8") if CONSTRAINTS.exists() else ""
    scripts = project["project"].get("scripts", {})
    return requirements, hashlib.sha256(json.dumps([requirements, pins, scripts, sys.version_info[:2]]).encode()).hexdigest()


def make_environment(dev: bool, engines: bool = False) -> None:
    """Create .venv and install what is wanted; nothing is done when the last installation, or a wider one, still fits."""
    requirements, digest = wanted(dev, engines)
    widths = {"runtime": (False, False), "dev": (True, False), "engines": (True, True)}
    stamp = VENV / f"installed-{next(kind for kind, width in widths.items() if width == (dev, engines))}"
    wide_enough = [kind for kind, width in widths.items() if width >= (dev, engines)]
    if PYTHON.exists() and any(_fits(VENV / f"installed-{kind}", wanted(*widths[kind])[1]) for kind in wide_enough):
        return
    if not PYTHON.exists():
        with step("making .venv"):
            result = subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], capture_output=True, text=True)
            if result.returncode:
                raise Stop(f".venv: could not be made; Debian: apt-get install python3-venv\n{result.stdout[-800:]}{result.stderr[-800:]}")
    with step(f"installing {len(requirements)} packages and what they need ({stamp.name.removeprefix('installed-')})"):
        _install(requirements)
    stamp.write_text(digest, "utf-8")


def _fits(stamp: Path, digest: str) -> bool:
    return stamp.exists() and stamp.read_text("utf-8") == digest


def _install(requirements: Sequence[str]) -> None:
    pins = ["-c", str(CONSTRAINTS)] if CONSTRAINTS.exists() else []
    log = WORK / "pip.log"
    WORK.mkdir(exist_ok=True)
    command = [
        str(PYTHON),
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-input",
        "--retries",
        "2",
        *pins,
        "-e",
        str(ROOT),
        *requirements,
    ]
    with log.open("w", encoding="utf-8") as out:
        code = subprocess.call(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, "PYTHONUTF8": "1"})
    if code:
        text = log.read_text("utf-8", errors="replace")
        telling = [line for line in text.splitlines() if UNREACHABLE.search(line) or "Error" in line or line.startswith("ERROR")]
        last = "\n".join("    " + line.strip()[:200] for line in (telling or text.strip().splitlines())[-5:])
        if UNREACHABLE.search(text):
            raise Stop(
                f"pip: the package registry did not answer or lacks a package.\n{last}\n"
                "  Check the network, or name a mirror: pip config set global.index-url ADDRESS (or PIP_INDEX_URL); then run this again."
            )
        raise Stop(f"pip: installation failed; the whole log is {log.relative_to(ROOT)}\n{last}")


def pin() -> int:
    """Write constraints.txt: exact versions of everything in .venv, without any address."""
    make_environment(dev=True)
    listed = subprocess.run(
        [str(PYTHON), "-m", "pip", "list", "--format=json", "--disable-pip-version-check"], capture_output=True, text=True, check=True
    )
    rows = sorted((p["name"].lower(), p["name"], p["version"]) for p in json.loads(listed.stdout) if p["name"].lower() not in NOT_PINNED)
    head = "# Exact versions of runtime and development packages. Written by: python dev.py pin\n"
    CONSTRAINTS.write_text(head + "".join(f"{name}=={version}\n" for _, name, version in rows), "utf-8", newline="\n")
    print(f"constraints.txt: {len(rows)} packages pinned")
    return 0


# ---- floors of the test suite -------------------------------------------------------------------------------------


@dataclass
class Floor:
    """One part of the suite and how it went; `code` None means that it could not run here."""

    name: str
    code: int | None = None
    said: str = ""


def find_chromium() -> str | None:
    """Path of a Chromium: TONGCHOU_CHROMIUM, else the usual names on the path."""
    named = os.environ.get("TONGCHOU_CHROMIUM")
    if named:
        return named if Path(named).exists() else None
    return next((path for path in map(shutil.which, CHROMIUM_NAMES) if path), None)


def find_postgres() -> str | None:
    """Address of a PostgreSQL where databases may be created: TONGCHOU_TEST_POSTGRES, else the standard local port or socket."""
    candidates = [os.environ["TONGCHOU_TEST_POSTGRES"]] if os.environ.get("TONGCHOU_TEST_POSTGRES") else _local_postgres()
    probe = (
        "import sys, psycopg\n"
        "with psycopg.connect(sys.argv[1], connect_timeout=3) as c:\n"
        "    r = c.execute('select rolcreatedb or rolsuper from pg_roles where rolname = current_user').fetchone()\n"
        "    sys.exit(0 if r and r[0] and c.info.server_version >= 150000 else 1)\n"
    )
    for url in candidates:
        if subprocess.run([str(PYTHON), "-c", probe, url], capture_output=True).returncode == 0:
            return url
    return None


def _local_postgres() -> list[str]:
    users = [u for u in (os.environ.get("USER") or os.environ.get("USERNAME"), "postgres", "root") if u]
    found = []
    try:
        socket.create_connection(("127.0.0.1", 5432), timeout=1).close()
        found += [f"postgresql://{user}@127.0.0.1:5432/postgres" for user in dict.fromkeys(users)]
    except OSError:
        pass
    if Path("/var/run/postgresql/.s.PGSQL.5432").exists():
        found.append("postgresql:///postgres")
    return found


def run_pytest(name: str, arguments: Sequence[str], env: dict[str, str], whole: bool) -> Floor:
    """Run pytest, showing its output as it comes; what the floor says is pytest's own closing line."""
    print(f"\n== {name} ==", flush=True)
    command = [str(PYTHON), "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    closing = ""
    with subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8"
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            print(line, end="", flush=True)
            if re.search(r"\bin [\d.]+s\b", line):
                closing = line.strip().strip("= ")
    # 5: nothing selected on this floor, which is normal when the caller named a few tests, and an error for the whole suite.
    code = 0 if child.returncode == 5 and not whole else child.returncode
    return Floor(name, code, closing or f"pytest ended with {child.returncode}")


def find_java() -> bool:
    """Whether there is a Java that Spark can use: JAVA_HOME, else `java` on the path, 17 or newer."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if java is None or not Path(java).exists():
        return False
    said = subprocess.run([java, "-version"], capture_output=True, text=True).stderr
    version = re.search(r'version "(\d+)', said)
    return version is not None and int(version[1]) >= 17


def engines_floor(whole: bool, targets: Sequence[str]) -> Floor:
    """The same questions put to Spark, on a cluster of two workers on this machine."""
    if not find_java():
        return Floor("engines", None, JAVA_REMEDY)
    make_environment(dev=True, engines=True)
    return run_pytest("engines", ["-m", "engines", *targets], environment(), whole)


def test(arguments: Sequence[str], engines: bool = False) -> int:
    """Lint, then the suite on SQLite, on PostgreSQL and in a browser, as far as this machine has them; `engines`: on Spark too."""
    make_environment(dev=True)
    whole = not arguments
    started = time.monotonic()
    floors = [lint_floor()] if whole else []
    workers = ["-n", "2", "--dist", "worksteal"]
    targets = list(arguments) or ["tests"]
    # Reading four thousand tests to choose a few of them takes seconds: a floor whose tests lie together looks there only.
    pages, spark = ([f"tests/interfaces/{folder}"] if whole else targets for folder in ("browser", "engines"))
    floors.append(run_pytest("sqlite", [*workers, "-m", "not browser and not engines", *targets], environment(), whole))
    postgres = find_postgres()
    if postgres:
        env = environment(TONGCHOU_DATABASE=postgres)
        floors.append(
            run_pytest(
                "postgresql", [*workers, "-m", "database and not browser and not engines", "--ignore=tests/science", *targets], env, whole
            )
        )
    else:
        floors.append(Floor("postgresql", None, POSTGRES_REMEDY))
    chromium = find_chromium()
    if chromium:
        # A file stays with one worker: its tests share a served town.
        by_file = ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder", "-m", "browser", *pages]
        floors.append(run_pytest("browser", by_file, environment(TONGCHOU_CHROMIUM=chromium), whole))
    else:
        floors.append(Floor("browser", None, CHROMIUM_REMEDY))
    if engines:
        floors.append(engines_floor(whole, spark))
    return close(floors, time.monotonic() - started)


def close(floors: Sequence[Floor], seconds: float) -> int:
    """Print one line per floor, the floors that could not run with their remedy last; 1 when one failed or, in CI, is missing."""
    in_ci = os.environ.get("CI", "").lower() in {"1", "true", "yes"}
    missing = [f for f in floors if f.code is None]
    failed = [f for f in floors if f.code] + (missing if in_ci else [])
    print(f"\n== all floors, {seconds:.0f} s ==")
    for floor in floors:
        state = "NOT RUN" if floor.code is None else "failed" if floor.code else "passed"
        print(f"  {floor.name:<11} {state:<8} {floor.said}")
    for floor in missing:
        print(f"Could not run here: {floor.name}.{' In CI no floor may be missing.' if in_ci else ''} How to get it: {floor.said}")
    if failed:
        print(f"FAILED: {', '.join(f.name for f in failed)}")
    return 1 if failed else 0


def lint_floor(fix: bool = False) -> Floor:
    """ruff (rules and format), the import law, types."""
    print("\n== lint ==", flush=True)
    python = str(PYTHON)
    bin_dir = PYTHON.parent
    checks = {
        "ruff": [python, "-m", "ruff", "check", "--quiet", "--no-cache", *(["--fix"] if fix else []), "."],
        "format": [python, "-m", "ruff", "format", "--quiet", "--no-cache", *([] if fix else ["--check"]), "."],
        "imports": [str(bin_dir / "lint-imports"), "--no-cache"],
        "types": [python, "-m", "mypy", "--no-error-summary", "--cache-dir", str(WORK / "mypy"), *TYPED],
    }
    WORK.mkdir(exist_ok=True)
    failed = []
    with tempfile.TemporaryDirectory() as home:
        for name, command in checks.items():
            started = time.monotonic()
            result = subprocess.run(
                command, cwd=ROOT, env=environment(TONGCHOU_HOME=home), capture_output=True, text=True, encoding="utf-8"
            )
            print(f"  {name}: {'ok' if result.returncode == 0 else 'FAILED'} ({time.monotonic() - started:.1f} s)", flush=True)
            if result.returncode:
                failed.append(name)
                print((result.stdout + result.stderr).strip()[-6000:])
    return Floor("lint", 1 if failed else 0, ", ".join(failed) + " failed: python dev.py lint" if failed else ", ".join(checks))


def lint(fix: bool) -> int:
    """The lint floor alone; `fix` lets ruff repair what it can."""
    make_environment(dev=True)
    return lint_floor(fix).code or 0


# ---- the rest -----------------------------------------------------------------------------------------------------


def demo(arguments: Sequence[str]) -> int:
    """Make the demo town if needed and serve it; the program prints address, accounts and three things to try."""
    make_environment(dev=False)
    command = [str(PYTHON), "-m", "tongchou.interfaces.cli.main", "demo", "--home", str(ROOT / ".demo"), *arguments]
    env = environment()
    if os.name == "posix":
        # The server takes our place, so that Ctrl-C and SIGTERM reach it and nothing else.
        os.chdir(ROOT)
        sys.stdout.flush()
        os.execve(str(PYTHON), command, env)
    return subprocess.call(command, cwd=ROOT, env=env)


def bench(arguments: Sequence[str], write: bool) -> int:
    """Run every benchmark script, or those whose path contains one of the words given; `write` puts their figures into the pages.

    A script may end with the line `figures: [{"promise": {"zh", "en"}, "measured": text, "peer": {"zh", "en"}, "kept": true}, …]`:
    one row of the table per promise. A promise not kept makes the run fail.
    """
    make_environment(dev=True)
    scripts = [p for p in sorted((ROOT / "benchmarks").rglob("*.py")) if '__name__ == "__main__"' in p.read_text("utf-8")]
    chosen = [p for p in scripts if not arguments or any(word in str(p.relative_to(ROOT)) for word in arguments)]
    if not chosen:
        raise Stop(
            f"bench: no benchmark matches {' '.join(arguments) or 'anything'}; there are: {', '.join(p.stem for p in scripts) or 'none'}"
        )
    kept_figures: dict[str, list[dict[str, Any]]] = json.loads(FIGURES.read_text("utf-8")) if FIGURES.exists() else {}
    worst = 0
    for script in chosen:
        name = script.relative_to(ROOT / "benchmarks").as_posix()
        print(f"\n== {name} ==", flush=True)
        code, figures = _run_benchmark(script)
        broken = [f["promise"]["en"] for f in figures if not f["kept"]]
        print("".join(f"NOT KEPT: {promise}\n" for promise in broken), end="", flush=True)
        worst = max(worst, abs(code), len(broken))
        if figures and not code:
            kept_figures[name] = [f | {"on": time.strftime("%Y-%m-%d"), "cores": os.cpu_count()} for f in figures]
        elif write:
            print(f"  no figures: the pages keep what they say of {name}")
    if write:
        there = {p.relative_to(ROOT / "benchmarks").as_posix() for p in scripts}
        kept_figures = {name: rows for name, rows in sorted(kept_figures.items()) if name in there}
        FIGURES.write_text(json.dumps(kept_figures, ensure_ascii=False, indent=1) + "\n", "utf-8")
        for page, language in READMES.items():
            path = ROOT / page
            path.write_text(with_table(path.read_text("utf-8"), kept_figures, language), "utf-8")
        (ROOT / FIGURES_PAGE).write_text(with_areas((ROOT / FIGURES_PAGE).read_text("utf-8"), kept_figures), "utf-8")
    return min(worst, 1)


def _run_benchmark(script: Path) -> tuple[int, list[dict[str, Any]]]:
    """Run one script, showing its output as it comes; its exit status and figures."""
    figures = []
    with subprocess.Popen(
        [str(PYTHON), "-u", str(script)], cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if line.startswith("figures: "):
                figures += json.loads(line.removeprefix("figures: "))  # one line for each database
            else:
                print(line, end="", flush=True)
    return child.returncode, figures


def with_table(page: str, figures: dict[str, list[dict[str, Any]]], language: str) -> str:
    """A README with the table of figures between its two marks; what stood there before is gone."""
    heads = {"en": ("promise", "measured", "beside it, in the same run", "kept"), "zh": ("承诺", "实测", "同一次运行中的对照", "兑现")}
    marks = {"en": ("yes", "NO"), "zh": ("是", "否")}
    rows = [
        (f["promise"][language], f["measured"], f["peer"][language], marks[language][0 if f["kept"] else 1])
        for script in sorted(figures)
        for f in figures[script]
    ]
    when, on = _measured(row for rows_of in figures.values() for row in rows_of)
    note = {"en": f"*Measured {when}, {on} cores.*", "zh": f"*{when} 测，{on} 核。*"}[language]
    return _between_marks(page, f"{_table(heads[language], rows)}\n\n{note}")


def with_areas(page: str, figures: dict[str, list[dict[str, Any]]]) -> str:
    """The page of benchmarks with, between its two marks, a table for each area in both languages: each with its script, day and cores."""
    areas: dict[str, list[str]] = {}
    for script in sorted(figures):
        rows = [
            (f"{f['promise']['zh']}<br>{f['promise']['en']}", f["measured"], f"{f['peer']['zh']}<br>{f['peer']['en']}", "是 yes" if f["kept"] else "否 NO")
            for f in figures[script]
        ]  # fmt: skip
        when, on = _measured(figures[script])
        told = f"`python dev.py bench {script}` · {when} · {on} 核 cores"
        heads = ("承诺 promise", "实测 measured", "同一次运行中的对照 beside it, in the same run", "兑现 kept")
        areas.setdefault(script.partition("/")[0], []).append(f"{told}\n\n{_table(heads, rows)}")
    return _between_marks(page, "\n\n".join(f"## {area}\n\n" + "\n\n".join(parts) for area, parts in areas.items()))


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [heads, ("---",) * len(heads), *rows])


def _measured(rows: Iterable[dict[str, Any]]) -> tuple[str, str]:
    """First to last day, and the numbers of cores."""
    kept = list(rows)
    days, cores = sorted({f["on"] for f in kept}), sorted({f["cores"] for f in kept})
    return " – ".join(dict.fromkeys([*days[:1], *days[-1:]])), ", ".join(map(str, cores))


def _between_marks(page: str, written: str) -> str:
    begin, end = FIGURE_MARKS
    before, rest = page.split(begin, 1)
    return f"{before}{begin}\n{written}\n{end}{rest.split(end, 1)[1]}"


def docs() -> int:
    """Write the reference pages that are generated from the program and, where there is a Chromium, the picture of the desk."""
    make_environment(dev=True)
    for module, folder in GENERATED_DOCS.items():
        with step(folder), tempfile.TemporaryDirectory() as home:
            subprocess.run([str(PYTHON), "-m", module, str(ROOT / folder)], cwd=ROOT, env=environment(TONGCHOU_HOME=home), check=True)
    chromium = find_chromium()
    if chromium is None:
        print(f"  {PICTURE}: left as it is, no Chromium here. {CHROMIUM_REMEDY}")
        return 0
    with step(PICTURE), running_demo() as address:
        command = [str(PYTHON), str(ROOT / PICTURE_SCRIPT), address, str(ROOT / PICTURE)]
        subprocess.run(command, cwd=ROOT, env=environment(TONGCHOU_CHROMIUM=chromium), check=True)
    return 0


@contextmanager
def running_demo() -> Iterator[str]:
    """A fresh demo town in a throw-away folder, served on a free port while the block runs; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    WORK.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home, (WORK / "demo.log").open("w", encoding="utf-8") as log:
        command = [str(PYTHON), "-m", "tongchou.interfaces.cli.main", "demo", "--home", str(Path(home) / "demo"), "--port", str(port)]
        child = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=log, stderr=subprocess.STDOUT)
        try:
            until = time.monotonic() + 600
            while not _answers(port):
                if child.poll() is not None or time.monotonic() > until:
                    raise Stop("demo: did not come up; its output is .work/demo.log")
                time.sleep(0.5)
            yield f"http://127.0.0.1:{port}"
        finally:
            child.terminate()
            child.wait(30)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/login", timeout=5):
            return True
    except OSError:
        return False


def main(argv: Sequence[str]) -> int:
    """Read the command line and run the one thing asked for."""
    parser = argparse.ArgumentParser(prog="dev.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True, metavar="demo | test | bench | lint | docs | pin")
    town = commands.add_parser("demo", help="make the demo town and serve it on 127.0.0.1:8000")
    town.add_argument("--fresh", action="store_true", help="throw the demo's folder away and start over")
    town.add_argument("--port", type=int, default=8000)
    suite = commands.add_parser("test", help="the whole suite; more words go to pytest")
    suite.add_argument("--engines", action="store_true", help="also on Spark, where there is a Java (installs pyspark, 0.5 GB)")
    speed = commands.add_parser("bench", help="the speed promises, each beside its peer; words choose scripts")
    speed.add_argument("--write", action="store_true", help="write the figures into README.md and README.zh-CN.md")
    commands.add_parser("lint", help="ruff, import law, types").add_argument("--fix", action="store_true", help="let ruff repair")
    commands.add_parser("docs", help="write the generated reference pages")
    commands.add_parser("pin", help="write constraints.txt from .venv")
    options, rest = parser.parse_known_args(argv)
    if rest and options.command not in {"test", "bench"}:
        parser.error(f"{options.command}: not understood: {' '.join(rest)}")
    if options.command == "test":
        return test(rest, options.engines)
    if options.command == "bench":
        return bench(rest, options.write)
    if options.command == "demo":
        return demo([*(["--fresh"] if options.fresh else []), "--port", str(options.port)])
    return lint(options.fix) if options.command == "lint" else docs() if options.command == "docs" else pin()


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    try:
        sys.exit(main(sys.argv[1:]))
    except Stop as reason:
        sys.exit(f"dev.py: {reason}")
    except subprocess.CalledProcessError as error:
        sys.exit(f"dev.py: {' '.join(map(str, error.cmd[:4]))} ended with {error.returncode}; its message stands above")
    except KeyboardInterrupt:
        sys.exit(130)
