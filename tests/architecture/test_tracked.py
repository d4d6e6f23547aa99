"""What may not be in the repository: paths of somebody's machine, addresses of registries, other people's bundles, unfinished work."""

import re
import tomllib

from tests.architecture.source import ROOT, tracked

TEXT = {".py", ".md", ".toml", ".txt", ".yaml", ".yml", ".json", ".html", ".css", ".js", ".sh", ".R", ".csv", ""}
# Put together from parts, so that this file does not find itself.
MACHINE_PATH = re.compile(r"(?<![\w./])/(?:" + "|".join(("work", "root", "home/[a-z]+", "Users/[A-Za-z]+")) + r")/\w")
REGISTRY = re.compile(
    "|".join(("--" + "index-url[ =]http", "--" + "extra-index-url", "files.python" + "hosted", "https?://[^ ]*/simp" + "le/?\\b"))
)
UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3)) + r")\b")
NOT_RUN = re.compile(r"pytest\.mark\.(" + "|".join(("sk" + "ip", "x" + "fail")) + r")\b|pytest\.sk" + r"ip\(")
VENDORED = re.compile(r"\.min\.(js|css)$|\.(woff2?|ttf|otf|eot|whl|pyc|so)$|(^|/)(node_modules|vendor)/")
LARGEST_BYTES = 6 * 1024 * 1024


def texts():
    for path in tracked():
        if path.suffix in TEXT and path.stat().st_size < 2_000_000:
            yield str(path.relative_to(ROOT)), path.read_text("utf-8", errors="replace")


def lines_with(pattern: re.Pattern[str], only: str = "") -> list[str]:
    return [
        f"{name}:{number} {line.strip()[:100]}"
        for name, text in texts()
        if name.startswith(only)
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_path_of_a_machine():
    assert lines_with(MACHINE_PATH) == []


def test_no_address_of_a_registry():
    assert lines_with(REGISTRY) == []


def test_nothing_unfinished():
    assert [found for found in lines_with(UNFINISHED) if not found.startswith("LICENSE")] == []


def test_every_test_is_run():
    assert lines_with(NOT_RUN, only="tests/") == []


def test_nothing_of_others_and_nothing_huge():
    names = {str(p.relative_to(ROOT)): p.stat().st_size for p in tracked()}
    assert [n for n in names if VENDORED.search(n)] == []
    assert {n: size for n, size in names.items() if size > LARGEST_BYTES} == {}


def test_every_data_folder_says_where_it_comes_from():
    folders = {p.parent for p in tracked() if p.suffix in {".csv", ".gz"} and ("tests/data" in str(p) or "packs" in p.parts)}
    alone = [f for f in folders if not any((up / "PROVENANCE.md").exists() for up in (f, *f.parents) if up.is_relative_to(ROOT))]
    assert sorted(str(f.relative_to(ROOT)) for f in alone) == []


def test_constraints_are_exact_and_cover_the_dependencies():
    pins = dict(
        line.split("==") for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines() if line and not line.startswith("#")
    )
    names = {re.sub(r"[-_.]+", "-", name).lower() for name in pins}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    wanted += [w for extra in project["project"]["optional-dependencies"].values() for w in extra]
    assert {re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", w).group()).lower() for w in wanted} - names == set()
