"""Refusals are matched by their English words here."""

from collections.abc import Iterator

import pytest

from tongchou.core.wording import use_language


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    with use_language("en"):
        yield
