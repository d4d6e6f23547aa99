"""The small town with its book of projects; refusals are matched by their English words."""

from collections.abc import Iterator

import pytest

from tests.domains.projects.pipeline import Pipeline, pipeline
from tests.fixtures_town import Town
from tongchou.core.wording import use_language


@pytest.fixture
def line(installed_town: Town) -> Iterator[Pipeline]:
    with use_language("en"):
        yield pipeline(installed_town)
