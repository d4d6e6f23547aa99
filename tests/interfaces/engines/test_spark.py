"""The exposed-visit query on a Spark cluster of two workers on this machine: the same answer as the kernel."""

import pytest

from tests.interfaces.exposure_worlds import by_kernel, rows_of, town
from tongchou.interfaces.cli.exposure_engines import answered_by
from tongchou.science import ExposureParams

# Three Java machines that live half a minute: compiling quickly and collecting plainly halves it.
SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


def test_spark_gives_the_kernel_s_answer_over_two_generations(monkeypatch: pytest.MonkeyPatch):
    settings = (f"--conf 'spark.{part}.extraJavaOptions={SHORT_LIVED}'" for part in ("driver", "executor"))
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", f"{' '.join(settings)} pyspark-shell")
    visits, cases = town(4)
    params = ExposureParams(900, 2)
    found = answered_by("spark", visits, cases, params, spark_master="local-cluster[2,1,1024]")
    assert set(found.generation.tolist()) == {1, 2}
    assert rows_of(found) == by_kernel(visits, cases, params)
