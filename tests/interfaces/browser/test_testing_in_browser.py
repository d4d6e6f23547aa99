"""A crew's phone in a real browser: scan a tube, scan a household, check it off with one tap; call a missing person with one tap."""

from collections.abc import Iterator

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from tests.domains.testing.samplers import Scene, scene
from tests.fixtures_town import AT, Town
from tongchou.core.audit.models import Access
from tongchou.core.people.models import User
from tongchou.domains.testing.models import CheckOff
from tongchou.interfaces import clock

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def made(installed_town: Town, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr(clock, "now", lambda: AT)
    return scene(installed_town)


@pytest.fixture
def phone(chromium: Browser, live_server, made: Scene) -> Iterator[Page]:
    """Wu's phone, 360 px wide, English, signed in."""
    client = Client()
    client.force_login(User.objects.get(username="wu"), backend="django.contrib.auth.backends.ModelBackend")
    context = chromium.new_context(base_url=live_server.url, viewport={"width": 360, "height": 720})
    cookies = {"sessionid": client.cookies["sessionid"].value, "lang": "en"}
    context.add_cookies([{"name": name, "value": value, "url": live_server.url} for name, value in cookies.items()])
    yield context.new_page()
    context.close()


def test_household_is_checked_off_by_scans_and_one_tap(phone: Page, made: Scene) -> None:
    phone.goto("/testing/rounds/HS-2022-0001/crew/S1")
    expect(phone.locator("#scan")).to_be_focused()
    # A wedge reader types and ends with Enter.
    phone.keyboard.type("TUBE0001")
    phone.keyboard.press("Enter")
    expect(phone.locator(".tube code")).to_have_text("TUBE0001")
    expect(phone.locator("#scan")).to_be_focused()
    phone.keyboard.type("H1")
    phone.keyboard.press("Enter")
    phone.get_by_role("button", name="Whole household: 3").click()
    expect(phone.locator(".tube-count")).to_have_text("3 / 5")
    expect(phone.locator("#scan")).to_be_focused()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 360
    assert CheckOff.objects.count() == 3


def test_missing_person_is_called_with_one_tap_and_the_reading_logged(phone: Page, made: Scene) -> None:
    phone.goto("/testing/rounds/HS-2022-0001/missing")
    with phone.expect_response(lambda answer: "/call/" in answer.url) as answer:
        phone.get_by_role("button", name="Call").first.click()
    assert answer.value.json() == {"phone": "19900123450"} and phone.url.endswith("/missing")
    assert Access.objects.get(action="person.read").reason.startswith("HS-2022-0001")
