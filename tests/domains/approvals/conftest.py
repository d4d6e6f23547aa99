"""Refusals are matched by their English words here."""

from collections.abc import Iterator

import pytest

from tests.domains.approvals.offices import Centre, centre_in
from tests.fixtures_town import Town
from tongchou.core.wording import use_language


@pytest.fixture
def centre(installed_town: Town) -> Iterator[Centre]:
    with use_language("en"):
        yield centre_in(installed_town)
