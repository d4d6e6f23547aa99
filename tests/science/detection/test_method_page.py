"""The example on the method page runs."""

import re
import runpy
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "methods" / "detection.md"


def test_the_example_of_the_page_runs(tmp_path: Path) -> None:
    found = re.search(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found
    script = tmp_path / "example.py"
    script.write_text(found.group(1), "utf-8")
    morning = runpy.run_path(str(script))["morning"]
    assert not morning.assessment.alarm
    assert 0 < morning.assessment.outbreak_probability < 0.2
    assert morning.scores[0].upper >= 5
