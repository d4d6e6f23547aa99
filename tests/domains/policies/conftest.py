"""Refusals are matched by their English words here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.domains.policies.offices import Office, office
from tests.fixtures_town import Town
from tongchou.core.wording import use_language


@pytest.fixture
def desk(small_town: Town, tmp_path: Path) -> Iterator[Office]:
    with use_language("en"):
        yield office(small_town, tmp_path)
