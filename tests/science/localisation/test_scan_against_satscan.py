"""Kulldorff's statistic equals SaTScan 9.6 on the New York leukaemia data, cluster by cluster."""

import csv
from pathlib import Path

import numpy as np
import pytest

from tongchou.science.localisation.scan import ScanParams, space_time_scan
from tongchou.science.localisation.zones import circular_zones, plane_distances

DATA = Path(__file__).parents[2] / "data/satscan"
REPLICATES = 1999


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_every_cluster_equals_satscan(share: float) -> None:
    tracts = rows("ny_leukemia.csv")
    points, people, cases = (
        np.array([[float(r[c]) for c in columns] for r in tracts]) for columns in (("latitude", "longitude"), ("population",), ("cases",))
    )
    zones = circular_zones(plane_distances(points), people[:, 0], largest_share=share)
    theirs = [r for r in rows("ny_clusters.csv") if float(r["largest_share"]) == share]
    found = space_time_scan(cases, people, zones, ScanParams("population", replicates=REPLICATES, clusters=len(theirs)), seed=1)
    assert len(theirs) == (6 if share == 0.5 else 7)
    for ours, r in zip(found.clusters, theirs, strict=True):
        assert {p + 1 for p in ours.places} == {int(v) for v in r["locations"].split()}
        assert ours.score == pytest.approx(float(r["log_likelihood_ratio"]), abs=5e-7)
        assert ours.observed == float(r["cases"])
        assert ours.expected == pytest.approx(float(r["expected"]), abs=0.00501)
        assert ours.radius == pytest.approx(float(r["radius"]), abs=0.00501 if len(r["radius"]) == 4 else 0.000501)
        # Both p-values are shares of random replicates (theirs 9,999): five standard errors of the difference, and the step of ours.
        p = float(r["p_value"])
        error = (p * (1 - p) * (1 / REPLICATES + 1 / 9999)) ** 0.5
        assert ours.p_value == pytest.approx(p, abs=5 * error + 1 / REPLICATES)
