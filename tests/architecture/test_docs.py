"""The documents name every command and every parameter, carry the contracts of the code, and their links lead somewhere."""

import re

import pytest
import yaml
from tests.architecture.source import PACKAGE, ROOT

from tongchou.interfaces.cli.contracts import CONTRACT_MARKS, CONTRACTS, with_contract

DOCUMENTS = [p for p in [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))] if p.is_file()]
SHOWN = re.compile(r"(?:^|`)tongchou ([a-z-]+)(?: ([a-z]+))?", re.M)
LINK = re.compile(r"\[[^\]]*\]\(([^)#:\s]+)(?:#[^)]*)?\)")


def written() -> str:
    return "\n".join(p.read_text("utf-8") for p in DOCUMENTS)


def test_every_command_is_described():
    if not (PACKAGE / "interfaces/cli/main.py").exists():
        return
    from tongchou.interfaces.cli.reference import commands

    text = written()
    assert [name for name, _ in commands() if f"tongchou {name}" not in text] == []


def test_every_parameter_is_described():
    text = written()
    keys = set()
    for path in (ROOT / "packs").glob("*/parameters/*.yaml"):
        loaded = yaml.safe_load(path.read_text("utf-8"))
        rows = loaded.get("parameters", []) if isinstance(loaded, dict) else loaded
        keys |= {row["key"] for row in rows}
    assert sorted(k for k in keys if k not in text) == []


def test_the_generated_pages_are_those_of_this_program():
    if not (PACKAGE / "interfaces/cli/main.py").exists():
        return
    from tongchou.interfaces.cli.reference import commands_page, parameters_page

    kept = {name: (ROOT / "docs/reference" / name).read_text("utf-8") for name in ("cli.md", "parameter-values.md")}
    assert kept == {"cli.md": commands_page(), "parameter-values.md": parameters_page(ROOT / "packs")}, "run: python dev.py docs"


@pytest.mark.parametrize("name", CONTRACTS)
def test_the_contract_on_a_page_is_that_of_the_code(name):
    page = (ROOT / f"docs/reference/{name}.md").read_text("utf-8")
    assert page == with_contract(page, PACKAGE / CONTRACTS[name]), "run: python dev.py docs"


def test_every_block_and_domain_has_a_page():
    built = {f"{floor}/{p.name}" for floor in ("core", "domains") for p in (PACKAGE / floor).iterdir() if (p / "models.py").exists()}
    assert built == set(CONTRACTS.values())


def test_a_contract_names_tables_constraints_actions_and_queries():
    written = with_contract("\n".join(CONTRACT_MARKS), PACKAGE / "core/places")
    for name in ("`Place`", "`place_one_open_row_per_code`", "`lay_places`", "`place.write`", "`places_below`"):
        assert name in written


def test_every_page_is_found_from_the_index():
    index = ROOT / "docs/README.md"
    listed = {(index.parent / target).resolve() for target in LINK.findall(index.read_text("utf-8"))}
    assert [p.name for p in sorted((ROOT / "docs").rglob("*.md")) if p != index and p.resolve() not in listed] == []


def test_every_command_that_a_page_shows_exists():
    from tongchou.interfaces.cli.reference import commands

    known = {name for name, _ in commands()}
    groups = {name.split()[0] for name in known if " " in name}
    shown = {(first, second) for page in DOCUMENTS for first, second in SHOWN.findall(page.read_text("utf-8"))}
    assert shown
    assert sorted(pair for pair in shown if (" ".join(pair) if pair[0] in groups and pair[1] else pair[0]) not in known | groups) == []


def test_links_between_documents_lead_somewhere():
    broken = [
        f"{page.relative_to(ROOT)} → {target}"
        for page in DOCUMENTS
        for target in LINK.findall(page.read_text("utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []


def test_the_map_names_every_part_and_no_other():
    """In the tree of ARCHITECTURE.md each folder and module stands at its depth: two blanks a floor."""
    tree = (ROOT / "ARCHITECTURE.md").read_text("utf-8").split("```")[1]
    lost, above, named = [], {0: PACKAGE.parent}, set()
    for line in tree.splitlines():
        words = re.split(r"\s{3,}", line.strip())[0].split()
        depth = (len(line) - len(line.lstrip())) // 2
        folder = above.get(depth, PACKAGE) if depth else ROOT
        for word in words:
            path = folder / word if "." in word or "/" in word else folder / f"{word}.py"
            named.add(path)
            lost += [] if path.exists() else [f"{line.strip()}: {path.relative_to(ROOT)}"]
            above[depth + 1] = path
    assert lost == []
    parts = [p for floor in ("core", "domains", "workflows", "interfaces") for p in (PACKAGE / floor).iterdir() if p.name[0] not in "_."]
    assert sorted(p.relative_to(ROOT).as_posix() for p in parts if p not in named) == []
