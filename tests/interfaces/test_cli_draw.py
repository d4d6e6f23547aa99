"""`tongchou draw`: drawn, announced, made again; whatever differs is refused with 2."""

from pathlib import Path

import pytest

FRAME = "unit,stratum,risk\n" + "".join(f"lot-{n:02d},{'cold' if n < 12 else 'parcel'},{1 + n % 3}\n" for n in range(30))
DESIGN = "strata:\n  cold: {size: 4, reserve: 2, by_risk: true}\n  parcel: {size: 3}\n"
SEED = "drawn by lot on 1 May 2022"


@pytest.fixture
def given(tmp_path: Path) -> list[str]:
    (tmp_path / "frame.csv").write_text(FRAME, "utf-8")
    (tmp_path / "design.yaml").write_text(DESIGN, "utf-8")
    return ["--frame", str(tmp_path / "frame.csv"), "--design", str(tmp_path / "design.yaml"), "--seed", SEED]


@pytest.fixture
def drawn(tmp_path: Path, given: list[str], tongchou) -> Path:
    path = tmp_path / "draw.csv"
    assert tongchou("draw", *given, "--out", str(path))[0] == 0
    return path


def test_a_draw_is_made_and_verified_against_what_was_published(given, drawn, tongchou) -> None:
    rows = drawn.read_text("utf-8").splitlines()
    assert rows[0] == "stratum,role,order,unit,probability,is_certain" and len(rows) == 1 + 4 + 2 + 3
    published = tongchou("draw", "commit", *given)[1].split()
    assert [line.partition("=")[0] for line in published] == ["frame", "design", "seed"]
    code, out, err = tongchou(
        "draw", "verify", *given, "--draw", str(drawn), *(part for line in published for part in ("--published", line))
    )
    assert code == 0 and "9 rows" in out + err


def test_a_frame_changed_after_the_commitment_is_refused(tmp_path, given, drawn, tongchou) -> None:
    published = tongchou("draw", "commit", *given)[1].split()[0]
    (tmp_path / "frame.csv").write_text(FRAME.replace("lot-07,cold,2", "lot-07,cold,3"), "utf-8")
    code, out, err = tongchou("draw", "verify", *given, "--draw", str(drawn), "--published", published)
    assert code == 2 and "the digest of the frame is not the published one" in out + err


def test_another_seed_or_row_is_refused(given, drawn, tongchou) -> None:
    code, out, err = tongchou("draw", "verify", *given[:-1], SEED + "!", "--draw", str(drawn))
    assert code == 2 and "made again" in out + err
    drawn.write_text("\n".join(drawn.read_text("utf-8").splitlines()[:-1]), "utf-8")
    code, out, err = tongchou("draw", "verify", *given, "--draw", str(drawn))
    assert code == 2 and "8 rows, made again: 9" in out + err


@pytest.mark.parametrize(
    ("design", "said"),
    [
        ("strata: {cold: {size: 20}, parcel: {size: 1}}", "has 12 units"),
        ("strata: {cold: {size: 2}}", "does not know: parcel"),
        ("strata: {cold: {size: two}}", "size must be a whole number"),
        ("strata: {cold: {size: 2, colour: 3}}", "colour is not known"),
        ("strata: [", "cannot be read"),
        ("[]", "write strata"),
    ],
)
def test_a_wrong_design_is_refused_in_one_line(tmp_path, given, tongchou, design: str, said: str) -> None:
    (tmp_path / "design.yaml").write_text(design, "utf-8")
    code, out, err = tongchou("draw", *given)
    assert code == 2 and said in out + err
    assert tongchou("draw")[0] == 2
