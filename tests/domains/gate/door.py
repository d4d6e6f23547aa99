"""A device at a market's door in the first village that has let one person in (scan 1) and refused another (scan 2)."""

from datetime import timedelta

import pytest

from tests.fixtures_town import AT, SINCE, Town
from tongchou.core.parameters.models import Parameter, ParameterValue
from tongchou.core.people.rules import system_actor
from tongchou.domains.gate.actions import EntranceSpec, enrol_device, invite_device, open_entrances
from tongchou.domains.gate.models import Device
from tongchou.domains.gate.rules import REASON_CODES
from tongchou.domains.gate.scan_log import Row, append
from tongchou.domains.registry.models import Venue

TOKEN = "token of the door"


@pytest.fixture
def door(small_town: Town) -> Device:
    for key, number in (("gate.appeal_within", 24), ("gate.rules_valid_for", 72), ("gate.silent_after", 24), ("gate.few_share", 0.5)):
        unit = "share" if key == "gate.few_share" else "hour"
        parameter = Parameter.objects.create(key=key, unit=unit, name_zh=key, name_en=key)
        ParameterValue.objects.create(
            parameter=parameter, value=number, valid_from=SINCE, source_zh="测试", source_en="test", confidence="high"
        )
    by, village = system_actor("test"), small_town.villages[0]
    venue = Venue.objects.create(code="CS1", venue_class="market", name="菜场", near_key="菜场", place=village, changed_at=AT)
    (entrance,) = open_entrances(specs=[EntranceSpec(venue.pk)], by=by, at=AT)
    invite_device(entrance, name="东门手机", code="invitation", by=by, at=AT)
    device = enrol_device(code="invitation", token=TOKEN, by=by, at=AT)
    at_s = int((AT - timedelta(minutes=5)).timestamp())
    for seq, verdict, reason in ((1, 0, "ok"), (2, 2, "no_test")):
        told = REASON_CODES.index(reason)
        append([Row(device.pk, seq, entrance.pk, venue.pk, 1, at_s, at_s, 0, verdict, told, verdict, 0, seq)])
    return device
