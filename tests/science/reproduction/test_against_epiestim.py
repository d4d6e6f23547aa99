"""Equal to R on every row of the reference files: R and serial intervals 1e-9 relative, back-projection 1e-10 absolute."""

from __future__ import annotations

import numpy as np
import pytest

from tests.science.reproduction.epiestim import COLUMNS, blocks, incidence, interval_of, number, rows
from tongchou.science.reproduction.back_projection import back_project
from tongchou.science.reproduction.cori import CoriParams, reproduction_number
from tongchou.science.reproduction.serial_interval import gamma_serial_interval
from tongchou.science.reproduction.wallinga_teunis import case_reproduction_number

QUANTILE_OF = {"q025": 0, "q25": 2, "median": 3, "q75": 4, "q975": 6}


def test_the_reference_is_whole() -> None:
    assert len(rows("epiestim_R")) == sum(len(b) for b in blocks().values()) == 734
    assert len(blocks()) == 15


@pytest.mark.parametrize("key", [k for k in blocks() if k[1].startswith("cori")], ids=str)
def test_instantaneous_numbers_are_equal(key: tuple[str, str, str]) -> None:
    series, _, variant = key
    window = int(variant.split(";")[0].removeprefix("window="))
    found = reproduction_number(incidence(series), interval_of(series, variant), CoriParams(window_days=window))
    wanted = blocks()[key]
    assert [(s + 1, e + 1) for s, e in zip(found.starts, found.ends, strict=True)] == [(int(r["t_start"]), int(r["t_end"])) for r in wanted]
    for name in COLUMNS:
        ours = {"mean": found.mean, "std": found.sd}.get(name)
        ours = found.quantiles[:, QUANTILE_OF[name]] if ours is None else ours
        np.testing.assert_allclose(ours, [number(r[name]) for r in wanted], rtol=1e-9)


@pytest.mark.parametrize("key", [k for k in blocks() if k[1] == "wallinga_teunis"], ids=str)
def test_case_numbers_are_equal(key: tuple[str, str, str]) -> None:
    found = case_reproduction_number(incidence(key[0]), interval_of(key[0], key[2]), 7)
    wanted = blocks()[key]
    assert [int(r["t_end"]) for r in wanted] == (found.ends + 1).tolist()
    np.testing.assert_allclose(found.mean, [number(r["mean"]) for r in wanted], rtol=1e-9)


def test_imported_cases_infect_and_are_not_infected_here() -> None:
    cases = rows("epiestim_mers_incidence")
    local, imported = ([float(r[name]) for r in cases] for name in ("local", "imported"))
    found = reproduction_number(local, gamma_serial_interval(6.8, 4.1), imported=imported)
    wanted = rows("epiestim_mers_R")
    assert len(wanted) == len(found.mean) == 488
    names = [f"Quantile.{q}R" for q in ("0.025", "0.05", "0.25")] + ["MedianR"] + [f"Quantile.{q}R" for q in ("0.75", "0.95", "0.975")]
    np.testing.assert_allclose(found.mean, [number(r["MeanR"]) for r in wanted], rtol=1e-9)
    np.testing.assert_allclose(found.sd, [number(r["StdR"]) for r in wanted], rtol=1e-9)
    np.testing.assert_allclose(found.quantiles, [[number(r[n]) for n in names] for r in wanted], rtol=1e-9)


def test_serial_intervals_are_equal() -> None:
    wanted = rows("epiestim_discr_si")
    assert len(wanted) == 124
    for row in wanted:
        w = gamma_serial_interval(float(row["mean_si"]), float(row["std_si"])).probabilities
        lag = int(row["k"])
        assert (w[lag] if lag < len(w) else 0.0) == pytest.approx(float(row["prob"]), abs=1e-12)


def test_back_projection_is_equal() -> None:
    wanted = rows("backproj_husO104")
    assert len(wanted) == 84
    found = back_project([float(r["onset"]) for r in wanted], [float(r["pmf"]) for r in rows("backproj_incubation_pmf")])
    np.testing.assert_allclose(found.infections, [float(r["backprojected"]) for r in wanted], rtol=1e-9, atol=1e-10)
    assert (found.rounds, found.is_converged) == (6, True)
