"""A visitor's phone in a real browser: a day of visits taken along, told without a network, sent once; what is half written survives."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from tests.domains.difficulties.firms import Workshop, workshop
from tests.fixtures_town import AT, Town
from tongchou.core.people.models import Token, User
from tongchou.domains.calls.models import Call, FirmPoint
from tongchou.domains.difficulties.models import Difficulty
from tongchou.interfaces import clock
from tongchou.interfaces.api import calls
from tongchou.workflows.calling import plan

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop(installed_town: Town, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    monkeypatch.setattr(clock, "now", lambda: AT)
    monkeypatch.setattr(calls, "random_share", lambda: 0.99)  # nobody is drawn to be called back
    made = workshop(installed_town)
    made.answered()
    plan(installed_town.villages[0], day=AT.date(), limit_minutes=240, by=installed_town.wu, at=AT)
    return made


@pytest.fixture
def phone(chromium: Browser, live_server: Any, shop: Workshop) -> Iterator[Page]:
    """Wu's phone, 360 px wide, English, signed in, at the door of the first firm."""
    client = Client()
    client.force_login(User.objects.get(username="wu"), backend="django.contrib.auth.backends.ModelBackend")
    here = {"latitude": 31.171, "longitude": 121.231}
    context = chromium.new_context(
        base_url=live_server.url, viewport={"width": 360, "height": 720}, geolocation=here, permissions=["geolocation"]
    )
    cookies = {"sessionid": client.cookies["sessionid"].value, "lang": "en"}
    context.add_cookies([{"name": name, "value": value, "url": live_server.url} for name, value in cookies.items()])
    yield context.new_page()
    context.close()


def test_a_day_without_a_network_arrives_once(phone: Page, shop: Workshop) -> None:
    stops, waiting = phone.locator("#stops button"), phone.locator("#waiting")
    phone.goto("/calls/")
    phone.get_by_role("link", name="Take along").click()
    expect(phone.locator("#count")).to_have_text("2 to visit, 0 done")
    phone.wait_for_function("navigator.serviceWorker.ready.then(() => caches.keys()).then((names) => names.length > 0)")

    phone.context.set_offline(True)
    phone.reload()
    expect(phone.locator("#network")).to_contain_text("No network")
    stops.filter(has_text="示例企业1").click()
    expect(phone.locator("#firm-facts")).to_contain_text("staff: 20 · closed · Contact: 钱会计 · Never visited")
    expect(phone.locator("#spoke-to")).to_have_value("钱会计")
    expect(phone.locator("#known-list")).to_contain_text("通行证已批")
    phone.get_by_role("button", name="Keep this visit").click()
    expect(phone.locator("#said")).to_have_text("Choose how it went.")
    phone.get_by_label("met", exact=True).check()
    phone.get_by_label("solved", exact=True).check()
    phone.get_by_role("button", name="One more").click()
    phone.locator(".told select").select_option("testing")
    phone.locator(".told textarea").fill("采样点太远了")
    phone.get_by_role("button", name="Measure where the door is").click()
    expect(phone.locator("#measure")).to_have_text("Position of the door measured")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 360

    phone.reload()  # the phone went dark: what was half written is still there
    expect(phone.locator(".told textarea")).to_have_value("采样点太远了")
    expect(phone.get_by_label("solved", exact=True)).to_be_checked()
    phone.get_by_role("button", name="Keep this visit").click()
    expect(phone.locator("#count")).to_have_text("2 to visit, 1 done")
    stops.filter(has_text="示例企业2").click()
    phone.get_by_label("nobody there").check()
    phone.get_by_role("button", name="Keep this visit").click()
    expect(waiting).to_contain_text("2 waiting")
    assert not Call.objects.exists()

    phone.context.set_offline(False)
    expect(waiting).to_contain_text("All sent", timeout=15_000)
    assert sorted(Call.objects.values_list("outcome", flat=True)) == ["absent", "met"]
    assert list(Difficulty.objects.order_by("pk").values_list("dossier__state", "source")) == [("solved", "visit"), ("reported", "visit")]
    assert FirmPoint.objects.get().lon == 121.231
    phone.reload()
    expect(phone.locator("#count")).to_have_text("2 to visit, 2 done")
    assert Call.objects.count() == 2


def test_a_permission_that_ends_erases_the_plan_and_keeps_what_was_told(phone: Page, shop: Workshop) -> None:
    phone.goto("/calls/")
    phone.get_by_role("link", name="Take along").click()
    expect(phone.locator("#count")).to_contain_text("2 to visit")
    phone.wait_for_function("navigator.serviceWorker.ready.then(() => caches.keys()).then((names) => names.length > 0)")
    phone.context.set_offline(True)
    phone.locator("#stops button").first.click()
    phone.get_by_label("not convenient").check()
    phone.get_by_role("button", name="Keep this visit").click()
    expect(phone.locator("#waiting")).to_contain_text("1 waiting")
    Token.objects.update(revoked_at=AT)
    phone.context.set_offline(False)
    expect(phone.locator("#nothing")).to_be_visible(timeout=15_000)
    expect(phone.locator("#nothing-said")).to_contain_text("1 visits are still kept")
    assert not Call.objects.exists()
    phone.goto(f"/call#day={AT.date()}")
    expect(phone.locator("#waiting")).to_contain_text("All sent", timeout=15_000)
    assert Call.objects.get().outcome == "declined"
