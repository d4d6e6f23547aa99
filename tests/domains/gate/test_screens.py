"""Codes of a half minute, and the screens that may show them."""

from datetime import timedelta

import pytest

from tests.domains.gate.door import TOKEN, door  # noqa: F401
from tests.fixtures_town import AT, Town
from tongchou.core.errors import Refusal, Stale, Unseen
from tongchou.core.people.rules import system_actor
from tongchou.domains.gate.actions import change_screen_secret, enrol_device, invite_device, revoke_device
from tongchou.domains.gate.models import Device, Entrance
from tongchou.domains.gate.queries import book_at, device_of
from tongchou.domains.gate.queries_doors import seen_door
from tongchou.domains.gate.screen_codes import STEP_S, seconds_old, sign

BY = system_actor("test")
STEP = 55_000_000
SHOWN = sign("secret", "CS1", STEP)
STARTS_S = STEP * STEP_S


def test_a_sign_is_that_of_hmac_sha256_over_step_and_door() -> None:
    # computed with: printf '%016x' 55000000 | xxd -r -p | cat - <(printf CS1) | openssl dgst -sha256 -hmac secret -binary | head -c 10 | base32
    assert SHOWN == "NB3D4XCADTVR7QJZ"


@pytest.mark.parametrize(
    ("at_s", "age"), [(0, 0), (29, 29), (59, 59), (60, None), (-1, 0), (-30, 0), (-31, None), (3600, None), (-86_400, None)]
)
def test_a_sign_is_live_in_its_step_and_one_before_and_after(at_s: int, age: int | None) -> None:
    assert seconds_old(SHOWN, "secret", "CS1", STARTS_S + at_s) == age


@pytest.mark.parametrize("shown", ["", SHOWN[:-1], SHOWN + "A", SHOWN.lower(), "场所码", "\0", SHOWN[:8] + SHOWN[:8]])
def test_what_is_cut_or_changed_is_no_sign(shown: str) -> None:
    assert seconds_old(shown, "secret", "CS1", STARTS_S) is None


def test_another_doors_sign_and_one_of_an_older_secret_are_none() -> None:
    assert seconds_old(SHOWN, "secret", "CS2", STARTS_S) is None
    assert seconds_old(SHOWN, "newer", "CS1", STARTS_S) is None


def _screen(entrance: Entrance, name: str) -> Device:
    invite_device(entrance, name=name, code=f"code of {name}", kind="screen", by=BY, at=AT)
    return enrol_device(code=f"code of {name}", token=name, kind="screen", secret=f"secret of {name}", by=BY, at=AT)


def _secret() -> str | None:
    return Entrance.objects.get().secret


def test_the_first_screen_brings_the_secret_and_the_last_takes_it_away(door: Device, small_town: Town) -> None:  # noqa: F811
    assert _secret() is None
    with pytest.raises(Stale, match="没有屏幕"):
        change_screen_secret(door.entrance, secret="s", by=small_town.lin, at=AT)
    first, second = _screen(door.entrance, "one"), _screen(door.entrance, "two")
    assert _secret() == "secret of one"
    revoke_device(first, reason="被盗", secret="fresh", by=small_town.lin, at=AT)
    assert _secret() == "fresh"  # what the stolen one fetched ahead is dead
    with pytest.raises(Unseen):
        device_of("one", "screen")
    assert device_of("two", "screen") == second
    revoke_device(second, reason="撤走", secret="fresher", by=small_town.lin, at=AT)
    assert _secret() is None


def test_only_who_keeps_the_door_changes_the_secret(door: Device, small_town: Town) -> None:  # noqa: F811
    _screen(door.entrance, "one")
    for by in (small_town.wu, small_town.zhao):
        with pytest.raises(Unseen):
            change_screen_secret(door.entrance, secret="s", by=by, at=AT)
    change_screen_secret(door.entrance, secret="s", by=small_town.lin, at=AT)
    assert _secret() == "s"


def test_a_screen_is_no_scanner_and_a_scanner_no_screen(door: Device, small_town: Town) -> None:  # noqa: F811
    screen = _screen(door.entrance, "one")
    invite_device(door.entrance, name="电视", code="for a screen", kind="screen", by=BY, at=AT)
    with pytest.raises(Refusal, match="无效"):
        enrol_device(code="for a screen", token="t", by=BY, at=AT)
    for token, kind in (("one", "scanner"), (TOKEN, "screen")):
        with pytest.raises(Unseen):
            device_of(token, kind)
    assert [found.device for found in book_at(AT, "310118106").doors.values()] == [door.pk]
    seen = seen_door("CS1", small_town.lin, AT)
    assert (seen.scanners, seen.screens) == (1, 1)
    assert screen.kind == "screen" and seen_door("CS1", small_town.lin, AT + timedelta(days=1))
