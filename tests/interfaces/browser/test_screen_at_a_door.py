"""A screen in a real browser: enrolled by its link, it changes its code, outlives the network for an hour and a reload, says when it cannot go on,
whatever its own clock says; and forgets everything when it is revoked."""

from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.domains.gate.door import door  # noqa: F401
from tests.fixtures_town import AT
from tests.interfaces.test_screen import Now, now  # noqa: F401
from tongchou.core.people.rules import system_actor
from tongchou.domains.gate.actions import invite_device, revoke_device
from tongchou.domains.gate.models import Device

pytestmark = [pytest.mark.django_db(transaction=True, databases="__all__"), pytest.mark.usefixtures("installed_town")]
BY = system_actor("test")


def _drawn(page: Page) -> str | None:
    return page.locator("#picture path").get_attribute("d")


def test_a_screen_works_by_itself_until_it_is_revoked(now: Now, door: Device, chromium: Any, live_server: Any) -> None:  # noqa: F811
    screen = invite_device(door.entrance, name="电视", code="abcdefghjk", kind="screen", by=BY, at=AT)
    context = chromium.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.clock.install(time=AT - timedelta(days=4000))  # a tablet whose clock is years behind
    page.goto("/screen#enrol=abcdefghjk")
    expect(page.locator("#venue")).to_have_text("菜场")
    assert page.url.endswith("/screen")
    for size in ({"width": 1280, "height": 800}, {"width": 360, "height": 740}):
        page.set_viewport_size(size)
        assert page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]") == list(size.values())
    page.wait_for_function("navigator.serviceWorker.ready")
    first = _drawn(page)
    page.clock.fast_forward(31_000)
    expect(page.locator("#picture path")).not_to_have_attribute("d", first or "")
    context.set_offline(True)
    page.clock.fast_forward(20 * 60_000)
    expect(page.locator("#network")).to_contain_text("good for 39 more minutes")
    kept = _drawn(page)
    page.reload()  # a power cut while the network is away
    expect(page.locator("#picture path")).to_have_attribute("d", kept or "")
    page.clock.fast_forward(40 * 60_000)
    expect(page.locator("#over")).to_contain_text("This code cannot be renewed")
    expect(page.locator("#picture")).to_be_hidden()
    context.set_offline(False)
    now.at = AT + timedelta(hours=1, minutes=1)
    page.clock.fast_forward(60_000)
    expect(page.locator("#over")).to_be_hidden()
    expect(page.locator("#network")).to_contain_text("Online")
    screen.refresh_from_db()
    revoke_device(screen, reason="遗失", by=BY, at=AT)
    page.clock.fast_forward(60_000)
    expect(page.locator("#enrolment-said")).to_contain_text("This screen was revoked")
    assert page.evaluate("localStorage.getItem('screen')") is None
    context.close()
