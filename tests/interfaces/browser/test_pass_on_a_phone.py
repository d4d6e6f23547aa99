"""A pass on a phone: opened once it is shown without a network, and forgotten once its address has ended. At 360 px, in both languages."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.domains.testing.samplers import Scene
from tests.fixtures_town import AT
from tests.interfaces.test_pass_pages import made  # noqa: F401 - fixture
from tongchou.domains.gate.actions_passes import end_link, give_link
from tongchou.domains.gate.models import Holder
from tongchou.workflows.passing import MACHINE, holders_of

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_an_opened_pass_survives_the_network_and_not_its_address(made: Scene, chromium: Any, live_server: Any, lang: str) -> None:  # noqa: F811
    numbers = holders_of([made.people[0].pk], lambda: 1, by=MACHINE, at=AT)
    holder = Holder.objects.get(pk=numbers[made.people[0].pk])
    give_link(holder, token="t" * 43, by=made.town.wu, at=AT)
    context = chromium.new_context(base_url=live_server.url, viewport={"width": 360, "height": 740})
    context.add_cookies([{"name": "lang", "value": lang, "url": live_server.url}])
    phone = context.new_page()
    phone.goto("/p/" + "t" * 43)
    phone.wait_for_selector("html[data-kept]")
    drawn = phone.locator(".qr path").last.get_attribute("d")
    assert phone.evaluate("document.documentElement.scrollWidth") == 360
    context.set_offline(True)
    phone.reload()
    assert phone.locator(".qr path").last.get_attribute("d") == drawn
    assert phone.evaluate("getComputedStyle(document.querySelector('.qr')).backgroundColor") == "rgb(255, 255, 255)"
    context.set_offline(False)
    end_link(holder, reason="手机丢失", by=made.town.wu, at=AT)
    phone.reload()
    expect(phone.locator(".qr")).to_have_count(0)
    context.set_offline(True)
    with pytest.raises(Exception, match="ERR_"):
        phone.reload()
    context.close()
