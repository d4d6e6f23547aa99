"""The program `tongchou` in this process."""

import sys
from collections.abc import Callable

import pytest

from tongchou.interfaces.cli import main


@pytest.fixture
def tongchou(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """Run the program with words; gives back exit code, output, errors."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["tongchou", *map(str, words)])
        try:
            main.run()
        except SystemExit as ended:
            code = int(ended.code or 0)
        else:
            code = 0
        said = capsys.readouterr()
        return code, said.out, said.err

    return run
