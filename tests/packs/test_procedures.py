"""Approval procedures as data: every fault named by its line, confidence and source kept."""

from pathlib import Path

import pytest

from tests import packs_once
from tongchou.core.packs.procedures import check_procedures, procedure_of, procedures_of
from tongchou.core.packs.reading import Document, read_yaml

POSTS = {"window", "bench"}
TEXT = """\
version: 1
sources:
  own: {zh: 本项目, en: this project}
offices:
  - {id: window, name: {zh: 窗口, en: Window}, post: window}
  - {id: bench, name: {zh: 后台, en: Bench}, post: bench}
papers:
  - {id: licence, name: {zh: 执照, en: Licence}, valid_days: 30}
stops:
  - {id: hearing, name: {zh: 听证, en: Hearing}, basis: {zh: 法, en: law}, longest_days: 20, confidence: medium, src: [own]}
grounds:
  - {id: conditions, name: {zh: 不符合条件, en: Conditions}, basis: {zh: 法, en: law}, confidence: medium}
procedures:
  - id: P
    name: {zh: 许可, en: Permit}
    department: {zh: 局, en: Bureau}
    from: 2022-01-01
    statutory: {days: 20, basis: {zh: 法, en: law}, confidence: medium, src: [own]}
    promised: {days: 10, confidence: low, src: [own]}
    tacit: {when: statutory, basis: {zh: 法, en: law}, confidence: medium, src: [own]}
    stops: [hearing]
    grounds: [conditions]
    src: [own]
    steps:
      - {id: a, name: {zh: 甲, en: A}, office: window, days: 1, papers: [licence], confidence: low}
      - {id: b, name: {zh: 乙, en: B}, office: bench, days: 2, after: [a], confidence: low}
      - {id: c, name: {zh: 丙, en: C}, office: bench, days: 2, after: [a], confidence: low}
      - {id: d, name: {zh: 丁, en: D}, office: window, days: 0.5, after: [b, c], confidence: low}
"""


def checked(tmp_path: Path, *changes: tuple[str, str]) -> Document:
    text = TEXT
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path = tmp_path / "approvals.yaml"
    path.write_text(text, "utf-8")
    document = read_yaml(path, path.name, "approvals")
    if document.content is not None:
        check_procedures(document, POSTS)
    return document


def test_a_sound_file_reads_and_its_body_makes_it_again(tmp_path: Path) -> None:
    document = checked(tmp_path)
    assert document.problems == []
    (spec,) = procedures_of(document.content)
    assert procedure_of(spec.body) == spec
    assert spec.limit is not None and not spec.limit.is_quotable and spec.statutory is not None and spec.statutory.is_quotable
    assert [step.code for step in spec.openable([], [])] == ["a"] and [s.code for s in spec.openable(["a"], ["a"])] == ["b", "c"]
    assert spec.openable(["a", "b", "c"], ["a", "b"]) == [] and spec.papers["licence"].days == 30


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("after: [b, c]", "after: [b, x]", 28, "step before x does not exist"),
        ("office: bench, days: 2, after: [a], confidence: low}\n      - {id: c", "office: attic, days: 2, after: [a], confidence: low}\n      - {id: c", 26, "office attic does not exist"),
        ("post: bench}", "post: nobody}", 6, "post nobody does not exist"),
        ("papers: [licence]", "papers: [passport]", 25, "paper passport does not exist"),
        ("promised: {days: 10", "promised: {days: 30", 19, "20 days are fewer than the 30 promised"),
        ("stops: [hearing]", "stops: [lunch]", 21, "reason to stop lunch does not exist"),
        ("statutory: {days: 20, basis: {zh: 法, en: law}, confidence: medium", "statutory: {days: 20, basis: {zh: 法, en: law}, confidence: low", 20, "without a reliable statutory limit"),
        ("tacit: {when: statutory, basis: {zh: 法, en: law}, confidence: medium", "tacit: {when: statutory, basis: {zh: 法, en: law}, confidence: low", 20, "basis of low confidence"),
        ("{id: c, name", "{id: b, name", 27, "code b is used twice"),
        ("days: 0.5", "days: -1", 28, "out of range"),
        ("from: 2022-01-01", "from: 2022-01-01\n    to: 2021-01-01", 18, "ends before it begins"),
        ("src: [own]\n    steps", "src: [rumour]\n    steps", 23, "source rumour does not exist"),
    ],
)  # fmt: skip
def test_every_fault_is_named_by_its_line(tmp_path: Path, old: str, new: str, line: int, said: str) -> None:
    problems = checked(tmp_path, (old, new)).problems
    assert any(said in problem.what.en and problem.where.startswith(f"line {line},") for problem in problems), [
        p.said().en for p in problems
    ]


def test_a_circle_is_walked_and_what_waits_behind_it_can_never_open(tmp_path: Path) -> None:
    told = [p.said().en for p in checked(tmp_path, ("office: window, days: 1,", "office: window, days: 1, after: [b],")).problems]
    assert any(("steps in a circle: " in one and "a → b" in one) or "b → a" in one for one in told)
    assert any("line 27" in one and "step c can never open" in one for one in told)
    assert any("line 28" in one and "step d can never open" in one for one in told)


def test_the_pack_keeps_the_confidence_of_every_number_and_quotes_no_low_one() -> None:
    specs = {spec.code: spec for spec in packs_once.pack("xujing").procedures}
    quotable = {
        (code, name)
        for code, spec in specs.items()
        for name in ("statutory", "promised")
        if (limit := getattr(spec, name)) and limit.is_quotable
    }
    assert quotable == {("APR-FIRM", "statutory"), ("APR-FOOD", "statutory"), ("APR-FOOD-RENEW", "statutory"), ("APR-CANCEL", "promised")}
    assert [code for code, spec in specs.items() if spec.tacit] == ["APR-FOOD-RENEW"]
    assert specs["APR-RESUME"].to_on is not None and len(specs) == 7
