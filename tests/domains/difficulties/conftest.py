"""Refusals are matched by their English words here."""

from collections.abc import Iterator

import pytest

from tests.domains.difficulties.firms import Workshop, workshop
from tests.fixtures_town import Town
from tongchou.core.wording import use_language


@pytest.fixture
def shop(small_town: Town) -> Iterator[Workshop]:
    with use_language("en"):
        yield workshop(small_town)
