"""docs/how-to/policies.md done as its reader would."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tongchou.interfaces.cli.policies import app

PAGE = (Path(__file__).parents[2] / "docs/how-to/policies.md").read_text("utf-8")


def test_the_commands_of_the_page_give_its_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    policies, firms, answer = (text for _, text in re.findall(r"```(yaml|csv)\n(.*?)```", PAGE, re.DOTALL))
    Path("policies.yaml").write_text(policies, "utf-8")
    Path("firms.csv").write_text(firms, "utf-8")
    commands = [shlex.split(line)[2:] for line in re.findall(r"^tongchou policy .*$", PAGE, re.MULTILINE)]
    assert [words[0] for words in commands] == ["check", "match"]
    for words in commands:
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
    assert Path("matched.csv").read_text("utf-8") == answer
