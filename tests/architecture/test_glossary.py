"""Labels use the terms of the glossary, and the glossary keeps every row it names."""

import re

import yaml
from tests.architecture.source import ROOT, modules, templates
from tests.architecture.wording import pairs, said

GLOSSARY = ROOT / "docs/glossary.yaml"


def terms() -> list[dict[str, str]]:
    return yaml.safe_load(GLOSSARY.read_text("utf-8")) if GLOSSARY.exists() else []


def labels() -> list[tuple[str, str, str]]:
    spoken = [(m.where, zh, en) for m in modules() for _, zh, en in pairs(m) if zh and en]
    return spoken + [(where, zh, en) for where, text in templates() for zh, en in said(text)]


def same_words(term: str, label: str) -> bool:
    """A heading may shorten a term (testing sentinel: Testing) or say more than it."""
    short, long = sorted((re.sub(r"[-\s]+", " ", w.lower()).rstrip("s") for w in (term, label)), key=len)
    return short in long


def test_every_term_has_a_row_and_both_languages():
    assert [t for t in terms() if not (re.fullmatch(r"[A-F]\d{1,2}", t.get("row", "")) and t.get("zh") and t.get("en"))] == []


def test_every_row_of_the_mission_has_a_term():
    sizes = {"A": 9, "B": 7, "C": 3, "D": 8, "E": 10, "F": 3}
    assert {f"{letter}{n}" for letter, size in sizes.items() for n in range(1, size + 1)} - {t["row"] for t in terms()} == set()


def test_a_label_that_is_a_term_has_the_glossary_word_beside_it():
    english: dict[str, set[str]] = {}
    chinese: dict[str, set[str]] = {}
    for term in terms():
        english.setdefault(term["en"].lower(), set()).add(term["zh"])
        chinese.setdefault(term["zh"], set()).add(term["en"].lower())
    wrong = []
    for where, zh, en in labels():
        if en.lower() in english and not any(word in zh for word in english[en.lower()]):
            wrong.append(f"{where}: {en!r} is {sorted(english[en.lower()])}, not {zh!r}")
        if zh in chinese and not any(same_words(word, en) for word in chinese[zh]):
            wrong.append(f"{where}: {zh!r} is {sorted(chinese[zh])}, not {en!r}")
    assert wrong == []
