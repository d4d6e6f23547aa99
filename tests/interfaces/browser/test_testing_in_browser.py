"""A crew's phone in a real browser: scan a tube, scan a household, check it off with one tap, the same without a network; call a missing person."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from tests.domains.testing.samplers import IDS, Scene, scene
from tests.fixtures_town import AT, Town
from tongchou.core.audit.models import Access
from tongchou.core.people.models import Token, User
from tongchou.domains.testing.actions_laboratory import pack_box
from tongchou.domains.testing.models import CheckOff, RollEntry
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


def scanned(page: Page, *texts: str) -> None:
    """As a reader does: keys wherever the focus is, then Enter."""
    for text in texts:
        page.keyboard.type(text)
        page.keyboard.press("Enter")


def test_a_day_without_a_network_arrives_once_and_what_is_refused_is_settled(phone: Page, made: Scene, settings: Any) -> None:
    settings.CREWS_PORT_OFFSET = 0  # the pages answer for the crews' lane
    waiting, refused, town = phone.locator("#waiting"), phone.locator("#refused-list li"), made.town
    phone.goto("/testing/rounds/HS-2022-0001/crew/S1")
    phone.get_by_role("link", name="Take along").click()
    expect(phone.locator("#as-of")).to_contain_text("5 people")
    phone.wait_for_function("navigator.serviceWorker.ready.then(() => caches.keys()).then((names) => names.length > 0)")

    phone.context.set_offline(True)
    phone.reload()
    expect(phone.locator("#network")).to_have_attribute("data-online", "false")
    scanned(phone, "TUBE0001", "H1")
    phone.get_by_label("居** born 1980").first.uncheck()
    phone.get_by_role("button", name="Check off 2").click()
    expect(waiting).to_contain_text("1 waiting (2 people), kept on this phone")
    scanned(phone, IDS[3], IDS[3])  # the same card twice is one person
    expect(phone.locator("#said")).to_contain_text("310…0042")
    scanned(phone, IDS[5])  # of another village, and not on the roll: this phone cannot know
    scanned(phone, "310199198001010014")
    expect(phone.locator("#said")).to_have_text("Not a valid identity number: check it.")
    phone.reload()
    expect(waiting).to_have_attribute("data-count", "3")
    expect(phone.locator("#tube-count")).to_have_text("4 / 5")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 360

    RollEntry.objects.filter(person=made.people[5]).delete()
    other = made.sample([1], "TUBE0009", by=town.gao)  # meanwhile another crew was at the same door
    assert other.new == 1
    phone.context.set_offline(False)
    expect(waiting).to_have_text("All sent")
    expect(refused).to_have_count(2)
    expect(refused.filter(has_text="TUBE0009")).to_contain_text("had been sampled into another tube before")
    expect(refused.filter(has_text="another town or village")).to_contain_text("310…0062")
    assert dict(CheckOff.objects.values_list("person_id", "tube__code")) == {
        made.people[1].pk: "TUBE0009", made.people[2].pk: "TUBE0001", made.people[3].pk: "TUBE0001",
    }  # fmt: skip
    refused.get_by_role("button", name="Understood").click()
    phone.on("dialog", lambda dialog: dialog.accept())
    refused.get_by_role("button", name="Drop").click()
    expect(phone.locator("#refused")).to_be_hidden()


def test_tube_handed_over_is_refused_late_and_sampled_again_into_another(phone: Page, made: Scene, settings: Any) -> None:
    settings.CREWS_PORT_OFFSET = 0
    phone.goto("/testing/rounds/HS-2022-0001/crew/S1")
    phone.get_by_role("link", name="Take along").click()
    expect(phone.locator("#as-of")).to_contain_text("5 people")
    scanned(phone, "TUBE0001", IDS[0])
    expect(phone.locator("#log li[data-state=sent]")).to_have_count(1)
    phone.context.set_offline(True)
    scanned(phone, IDS[3])
    expect(phone.locator("#waiting")).to_have_attribute("data-count", "1")
    pack_box(testing_round=made.round, site=made.site, laboratory="区实验室", by=made.town.wu, at=AT)
    phone.context.set_offline(False)
    expect(phone.locator("#refused-list li")).to_contain_text("this tube is packed already; sample again into a new one")
    expect(phone.locator("#tube")).to_have_attribute("data-state", "full")
    scanned(phone, "TUBE0002")
    phone.get_by_role("button", name="Sampled again, into TUBE0002").click()
    expect(phone.locator("#log li[data-state=sent]", has_text="TUBE0002")).to_have_count(1)
    expect(phone.locator("#refused")).to_be_hidden()
    assert dict(CheckOff.objects.values_list("person_id", "tube__code"))[made.people[3].pk] == "TUBE0002"
    Token.objects.update(revoked_at=AT)
    phone.locator("summary").click()
    phone.get_by_role("button", name="Update the roll").click()
    expect(phone.locator("#nothing-said")).to_contain_text("roll was erased")
