"""A finding in the first village of the small town."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tests.fixtures_town import AT, Town
from tongchou.core.people.rules import system_actor
from tongchou.core.runs.models import Run
from tongchou.core.wording import T
from tongchou.domains.warning.actions import Finding, propose_alarm
from tongchou.domains.warning.models import Alarm

SYSTEM = system_actor("watch")
DAY = date(2022, 6, 2)
REPEAT_DAYS = 7


@pytest.fixture
def finding(small_town: Town) -> Finding:
    run = Run.objects.create(function="detection.screen", version="1", parameters={}, input_digest="0" * 64, as_known_at=AT, recorded_at=AT, result={})  # fmt: skip
    return Finding(
        place=small_town.villages[0], area=small_town.town, target="covid19", target_name=T("新冠病毒感染", "COVID-19"), day=DAY, as_known_at=AT,
        grade="orange", raised_by="fusion", log_evidence=9.0, threshold=6.6, probability=0.9, prior_onsets_per_year=1.8,
        growth_per_day=0.15, growth_low=0.08, growth_high=0.24, expected=(), shares=(), run=run,
    )  # fmt: skip


@pytest.fixture
def propose(finding: Finding) -> Callable[..., Alarm]:
    def act(**changes: Any) -> Alarm:
        return propose_alarm(finding=replace(finding, **changes), repeat_days=REPEAT_DAYS, by=SYSTEM, at=AT)

    return act


@pytest.fixture
def alarm(propose: Callable[..., Alarm]) -> Alarm:
    return propose()
