"""Policies of 2022 as they are written, matched with firms: what the acts say of dates, classes, caps and exclusions; and files that are wrong."""

import csv
import io
import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from tongchou.core.packs.benefits import worth_of
from tongchou.core.packs.criteria import BadCriterion, rule_of
from tongchou.core.packs.fields import BadFact, read_fields
from tongchou.core.packs.policies import PolicyFile, book_of, read_book, read_policies
from tongchou.core.packs.problems import PackInvalid
from tongchou.core.wording import use_language
from tongchou.interfaces.cli.policies import app

ROOT = Path(__file__).parents[2]
FILE = ROOT / "packs/xujing/policies.yaml"
FIELDS = ROOT / "packs/xujing/firm_fields.yaml"
SHOP = {
    "firm": "shop", "kind": "firm", "size": "micro", "gbt": "5211", "landlord": "municipal_soe", "is_final_tenant": "true",
    "uses_premises_for_business": "true", "monthly_rent": "10000", "lease_months": "12", "area_risk": "false",
    "premises_sealed_or_requisitioned": "false", "annual_loss": "false",
}  # fmt: skip


@pytest.fixture(scope="module")
def policies() -> PolicyFile:
    return read_policies(FILE)


def matched(
    tmp_path: Path, *firms: dict[str, str], as_of: str = "2022-06-10", words: tuple[str, ...] = ()
) -> dict[tuple[str, str], dict[str, str]]:
    """What the command writes, by firm and measure."""
    page = io.StringIO()
    writer = csv.DictWriter(page, list(dict.fromkeys(name for firm in firms for name in firm)))
    writer.writeheader()
    writer.writerows(firms)
    (tmp_path / "firms.csv").write_text(page.getvalue(), "utf-8")
    out = tmp_path / "out.csv"
    done = CliRunner().invoke(
        app, ["match", "--firms", str(tmp_path / "firms.csv"), "--policies", str(FILE), "--as-of", as_of, "--out", str(out), *words]
    )
    assert done.exit_code == 0, done.output
    return {(row["firm"], row["measure"]): row for row in csv.DictReader(out.open(encoding="utf-8"))}


def test_every_measure_of_2022_is_read(policies: PolicyFile) -> None:
    assert len(policies.measures) == 58
    assert len({m.id for m in policies.measures}) == 58


def test_only_what_was_known_by_the_day_and_not_replaced_since(policies: PolicyFile) -> None:
    april, may = ({m.id for m in policies.in_force(day)} for day in (date(2022, 4, 10), date(2022, 5, 1)))
    assert "SH-RENT-02" in april and "SH-RENT-01" not in april
    assert "SH-RENT-01" in may and "SH-RENT-02" not in may
    assert "SH-JOB-02" not in {m.id for m in policies.in_force(date(2022, 6, 7))}  # announced the day after, valid since March


@pytest.mark.parametrize(("as_of", "measure", "yuan"), [("2022-04-10", "SH-RENT-02", "30000"), ("2022-05-01", "SH-RENT-01", "60000")])
def test_a_shop_in_state_premises_without_proof_gets_three_months_in_april_and_six_in_may(
    tmp_path: Path, as_of: str, measure: str, yuan: str
) -> None:
    row = matched(tmp_path, SHOP, as_of=as_of)["shop", measure]
    assert (row["answer"], row["amount"], row["missing"], row["cheapest_change"]) == ("yes", yuan, "", "")


@pytest.mark.parametrize(
    ("staff", "rate", "answer", "yuan"), [("40", "0.02", "yes", "24000"), ("6000", "0.02", "yes", "3000000"), ("40", "0.0551", "no", "")]
)
def test_a_catering_firm_gets_600_yuan_a_head_up_to_the_cap(tmp_path: Path, staff: str, rate: str, answer: str, yuan: str) -> None:
    firm = {"firm": "f", "kind": "firm", "size": "large", "gbt": "6210", "layoff_rate": rate, "insured_staff": staff}
    row = matched(tmp_path, firm)["f", "SH-JOB-01"]
    assert (row["answer"], row["amount"]) == (answer, yuan)
    assert row["cheapest_change"] == ("layoff_rate <= 0.055 (0.0551)" if answer == "no" else "")


@pytest.mark.parametrize(
    ("sales", "whole", "half"),
    [
        ("19900000", "yes", "no"),
        ("20000000", "no", "yes"),
        ("399999999", "no", "yes"),
        ("400000000", "no", "no"),
        ("", "unknown", "unknown"),
    ],
)
def test_a_maker_defers_all_half_or_nothing(tmp_path: Path, sales: str, whole: str, half: str) -> None:
    found = matched(tmp_path, {"firm": "m", "gbt": "3911", "annual_sales": sales}, as_of="2022-04-01")
    assert (found["m", "NAT-TAX-02"]["answer"], found["m", "NAT-TAX-03"]["answer"]) == (whole, half)


def test_of_two_grants_that_exclude_each_other_the_larger_is_paid(tmp_path: Path) -> None:
    facts = "hire.contract_years=1 hire.day=2022-07-01 hire.insured=true hire.contract=true hire.unemployment_insured=true hire.year=2022 hires=2"
    who = "registered unemployed 3 months or more in the city|graduate of the year"
    firm = {"firm": "f", "kind": "firm", "hire.who": who, **dict(pair.split("=") for pair in facts.split())}
    found = matched(tmp_path, firm, as_of="2022-07-10")
    assert (found["f", "SH-JOB-02"]["answer"], found["f", "SH-JOB-02"]["amount"]) == ("yes", "4000")
    other = found["f", "NAT-JOB-06"]  # set by the province: no sum of ours, so the one with a sum is taken
    assert (other["answer"], other["amount"], other["missing"]) == ("yes", "0", "not with SH-JOB-02")


def test_what_nobody_has_checked_is_shown_only_when_asked_for(tmp_path: Path) -> None:
    low = {m.id for m in read_policies(FILE).measures if m.confidence == "low"}
    assert low and not low & {measure for _, measure in matched(tmp_path, SHOP)}
    assert low & {measure for _, measure in matched(tmp_path, SHOP, words=("--unchecked",))}


def test_the_program_reads_the_file_and_refuses_a_cell_by_its_row(tmp_path: Path) -> None:
    (tmp_path / "firms.csv").write_text("firm,kind,layoff_rate\na,firm,0.01\nb,firm,few\n", "utf-8")
    command = [sys.executable, "-m", "tongchou.interfaces.cli.main", "policy"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    words = ["match", "--firms", str(tmp_path / "firms.csv"), "--policies", str(FILE), "--as-of", "2022-06-10"]
    told = subprocess.run([*command, *words], env=environment, capture_output=True, text=True, timeout=120)
    assert (told.returncode, told.stdout) == (2, "") and "row 3, column layoff_rate: 'few' cannot be read" in told.stderr
    checked = subprocess.run([*command, "check", str(FILE)], env=environment, capture_output=True, text=True, timeout=120)
    assert checked.returncode == 0 and "58 measures" in checked.stdout


MEASURE = """
  - {id: A, level: city, kind: rent, title_zh: 甲, title_en: A, criteria: {size: [micro]}, benefit: {type: grant, amount: 100},
     delivery: apply, department: 局, announced: 2022-04-01, valid_from: 2022-04-01, src: [act], confidence: high}
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("criteria: {size: [micro]}", "criteria: {staff_min: 10, staff_max: 5}", "contradict one another"),
        ("criteria: {size: [micro]}", "criteria: {gbt_set: nowhere}", "there is no set nowhere"),
        ("criteria: {size: [micro]}", "criteria: {any: micro}", "any takes a list of groups"),
        ("criteria: {size: [micro]}", "criteria: {staff_max: few}", "few is neither a number nor a day"),
        ("criteria: {size: [micro]}", "criteria: {x: 5, all: [{x: [a]}]}", "asked for as a number and as a word"),
        ("src: [act]", "src: [hearsay]", "there is no source hearsay"),
        ("confidence: high", "confidence: high, supersedes: A", "in a circle: A → A"),
        ("confidence: high", "confidence: high, not_with: [B]", "there is no measure B"),
        ("confidence: high", "confidence: high, valid_to: 2022-03-01", "ends before it begins"),
        ("level: city", "level: county", "not one of the allowed values"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_is_refused_by_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "policies.yaml"
    path.write_text("version: 1\nsources: {act: {kind: text}}\nmeasures:" + MEASURE.replace(old, new), "utf-8")
    with use_language("en"), pytest.raises(PackInvalid) as refused:
        read_policies(path)
    (problem,) = refused.value.problems
    assert said in problem.said().en and problem.where.startswith("line ")


@pytest.mark.parametrize(
    ("benefit", "facts", "yuan", "missing"),
    [
        ({"type": "rent_waiver", "months": 6, "prorate_by_lease_months": 12}, {"monthly_rent": 1000.0, "lease_months": 6.0}, 3000.0, ()),
        ({"type": "rent_waiver", "months": 6}, {}, None, ("monthly_rent",)),
        ({"type": "rent_waiver", "months": 3, "plus": {"months": 3, "when_any": ["annual_loss"]}, "max_months": 5}, {"monthly_rent": 10.0, "annual_loss": 1.0}, 50.0, ()),
        ({"type": "refund", "rate": 0.9, "base": "quality deposit"}, {"quality_deposit": 200.0}, 180.0, ()),
        ({"type": "subsidy", "rate": 0.5, "base": "charter cost", "cap": 300}, {"charter_cost": 1000.0}, 300.0, ()),
        ({"type": "bill_cut", "rate": 0.1}, {"utility_bills": 50.0}, 5.0, ()),
        ({"type": "grant", "per_m2_day": 1, "months": 3}, {"floor_area_m2": 20.0}, 1800.0, ()),
        ({"type": "grant", "amount": "set by district"}, {}, None, ()),
        ({"type": "defer", "months": 6, "share": 1.0}, {}, None, ()),
    ],
)  # fmt: skip
def test_amounts(benefit: dict[str, Any], facts: dict[str, float], yuan: float | None, missing: tuple[str, ...]) -> None:
    found = worth_of(benefit, 2, lambda name: np.array([facts.get(name, np.nan), np.nan]))
    assert found.yuan[0] == pytest.approx(yuan if yuan is not None else np.nan, nan_ok=True)
    assert tuple(name for name in found.needs if name not in facts) == missing
    assert np.isnan(found.yuan[1]) == bool(found.needs or yuan is None)  # a missing fact gives no sum


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("criteria: {size: [micro]}", "criteria: {sise: [micro]}", "there is no field sise"),
        ("criteria: {size: [micro]}", "criteria: {size: [tiny]}", "field size never is tiny"),
        ("criteria: {size: [micro]}", "criteria: {insured_staff: [many]}", "field insured_staff holds a number or a day"),
        ("benefit: {type: grant, amount: 100}", "benefit: {type: refund, rate: 1, base: good will}", "there is no field good_will"),
    ],
)
def test_criteria_ask_for_fields_that_there_are(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "policies.yaml"
    path.write_text("version: 1\nsources: {act: {kind: text}}\nmeasures:" + MEASURE.replace(old, new), "utf-8")
    with use_language("en"), pytest.raises(PackInvalid) as refused:
        read_book(path, FIELDS)
    (problem,) = refused.value.problems
    assert said in problem.said().en and problem.where.startswith("line ")


def test_a_book_is_the_same_again_from_its_content(policies: PolicyFile) -> None:
    book = read_book(FILE, FIELDS)
    assert book.measures == policies and book_of(json.loads(json.dumps(book.content))).measures == policies


@pytest.mark.parametrize(
    ("field", "given", "kept", "shown"),
    [
        ("vat", "小规模纳税人", "small_scale", "small-scale payer"),
        ("hard_hit", "是", "true", "yes"),
        ("layoff_rate", "0.055", "0.055", "5.5 %"),
        ("monthly_rent", "12,500", "12500", "12,500 yuan"),
        ("lease_from", "2022-01-01", "2022-01-01", "2022-01-01"),
        ("unpaid_bill_months", "2022-03|2022年4月", "2022-03|2022-04", "March 2022, April 2022"),
    ],
)
def test_a_fact_is_read_and_said_in_its_own_words(field: str, given: str, kept: str, shown: str) -> None:
    spec = read_fields(FIELDS)[0][field]
    assert spec.read(given) == kept and spec.shown(kept).en == shown


@pytest.mark.parametrize(
    ("field", "given"),
    [("vat", "maybe"), ("hard_hit", "perhaps"), ("monthly_rent", "-1"), ("lease_to", "soon"), ("monthly_rent", "nan"), ("gbt", "C39")],
)
def test_a_fact_that_its_field_cannot_take_is_refused(field: str, given: str) -> None:
    with pytest.raises(BadFact):
        read_fields(FIELDS)[0][field].read(given)


def test_a_criterion_that_asks_for_nothing_is_refused() -> None:
    with pytest.raises(BadCriterion, match="size asks for nothing"):
        rule_of({"size": []}, {})
