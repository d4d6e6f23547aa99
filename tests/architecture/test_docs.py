"""The documents name every command and every parameter, and their links lead somewhere."""

import re

import yaml
from tests.architecture.source import PACKAGE, ROOT

DOCUMENTS = [p for p in [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))] if p.is_file()]
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

    kept = {name: (ROOT / "docs/reference" / name).read_text("utf-8") for name in ("cli.md", "parameters.md")}
    assert kept == {"cli.md": commands_page(), "parameters.md": parameters_page(ROOT / "packs")}, "run: python dev.py docs"


def test_links_between_documents_lead_somewhere():
    broken = [
        f"{page.relative_to(ROOT)} → {target}"
        for page in DOCUMENTS
        for target in LINK.findall(page.read_text("utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []
