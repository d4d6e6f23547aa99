"""The look in a real browser: charts under the policy, theme, keyboard, phone width, live regions, guarded forms."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from tongchou.interfaces.web.bundle import build_bundle, bundle_name

pytestmark = [pytest.mark.urls("tests.interfaces.look_urls"), pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="session")
def bundle() -> Path:
    return build_bundle(Path(settings.STATIC_ROOT))


@pytest.fixture
def tab(chromium, live_server, bundle) -> Iterator[Tab]:
    """A tab on the gallery that fails the test when the page logs an error (a breach of the policy is one)."""
    context = chromium.new_context(base_url=live_server.url, viewport={"width": 1440, "height": 900})
    context.route(f"**/{bundle_name()}", lambda route: route.fulfill(path=bundle, content_type="text/javascript"))
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    context.close()
    assert wrong == []


def draw_all(page: Tab) -> None:
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(page.locator("[data-chart]:not([data-drawn])")).to_have_count(0)


def test_every_chart_is_drawn_under_the_policy_and_follows_the_theme(tab):
    tab.goto("/gallery")
    draw_all(tab)
    assert tab.locator(".chart.has-failed").count() == 0
    bar = tab.locator("[data-chart] .mark-rect path[aria-roledescription=bar]").first
    light = bar.get_attribute("fill")
    tab.locator("[data-theme-switch]").first.click()
    expect(tab.locator("html")).to_have_attribute("data-theme", "dark")
    expect(tab.locator("[data-chart] .mark-rect path[aria-roledescription=bar]").first).not_to_have_attribute("fill", str(light))


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_nothing_runs_out_of_a_phone(tab, live_server, lang):
    tab.context.add_cookies([{"name": "lang", "value": lang, "url": live_server.url}])
    tab.set_viewport_size({"width": 360, "height": 740})
    tab.goto("/gallery")
    draw_all(tab)
    assert tab.evaluate("document.documentElement.scrollWidth") == 360
    assert tab.locator(".nav-phone a").count() >= 4 and tab.locator(".nav-main").is_hidden()
    small = "[...document.querySelectorAll('.btn:not(.small)')].filter(b => b.offsetParent && b.offsetHeight < 44).length"
    assert tab.evaluate(small) == 0


def test_the_keyboard_reaches_help_search_and_pages(tab):
    tab.goto("/gallery")
    tab.locator("main").click(position={"x": 2, "y": 2})
    tab.keyboard.press("?")
    assert tab.locator("#keys-help").is_visible()
    tab.keyboard.press("Escape")
    assert tab.locator("#keys-help").is_hidden()
    tab.keyboard.press("/")
    assert tab.evaluate("document.activeElement.name") == "q"
    tab.evaluate("document.activeElement.blur()")
    tab.keyboard.press("g")
    tab.keyboard.press("m")
    tab.wait_for_url("**#matrix")


@pytest.mark.parametrize("stream", ["none, for a proxy in front shows no port", "one that never answers"])
def test_a_page_without_a_stream_hears_by_asking(tab, live_server, stream):
    host, _, port = live_server.url.rpartition(":")
    stream_url = f"{host}:{int(port) + 1}/live"
    metas = '<meta name="live-seq" content="0">' + (f'<meta name="live-url" content="{stream_url}">' if "never" in stream else "")

    def with_metas(route):
        plain = route.fetch()
        route.fulfill(response=plain, body=plain.text().replace("</head>", f"{metas}</head>"))

    tab.route(f"{stream_url}**", lambda route: None)
    tab.route("**/gallery", with_metas)
    tab.goto("/gallery")
    expect(tab.locator("#live-said")).to_contain_text("待办", timeout=15_000)
    # Leave first: let go of, the stream that never answered would be refused by a port nobody listens on, and that is logged.
    tab.goto("about:blank")
    tab.unroute_all(behavior="ignoreErrors")


def test_a_live_region_fetches_itself_and_keeps_the_focus(tab, live_server):
    tab.goto("/gallery")
    region = tab.locator("[data-fragment=inbox]")
    region.locator("a[href='#2']").focus()
    region.evaluate("region => region.querySelector('.rows').classList.add('old')")
    with tab.expect_request(lambda request: "fragment=inbox" in request.url and request.headers.get("x-fragment") == "inbox"):
        tab.evaluate("import('/static/live.js').then(live => live.hear({topic: 'inbox', keys: []}))")
    expect(tab.locator("[data-fragment=inbox] .old")).to_have_count(0)
    assert tab.evaluate("document.activeElement.getAttribute('href')") == "#2"
    expect(tab.locator("#live-said")).to_contain_text("待办")


def test_a_region_in_which_someone_types_waits(tab):
    tab.goto("/gallery")
    tab.evaluate("""() => {
        const form = document.querySelector('form[data-guard]');
        form.setAttribute('data-live', 'firms'); form.setAttribute('data-fragment', 'firms');
        form.querySelector('textarea').value = 'half a sentence';
    }""")
    tab.evaluate("import('/static/live.js').then(live => live.hear({topic: 'firms'}))")
    tab.wait_for_selector(".update-chip")
    assert tab.locator("form[data-guard] textarea").input_value() == "half a sentence"


def test_a_photo_is_made_smaller_before_it_travels(tab, tmp_path):
    tab.goto("/gallery")
    noise = """async () => {
        const canvas = document.createElement('canvas'); canvas.width = 4000; canvas.height = 3000;
        const pen = canvas.getContext('2d');
        for (let i = 0; i < 4000; i++) { pen.fillStyle = `hsl(${i * 37} 80% 50%)`; pen.fillRect((i * 97) % 4000, (i * 61) % 3000, 80, 60); }
        const blob = await new Promise(done => canvas.toBlob(done, 'image/png'));
        return [...new Uint8Array(await blob.arrayBuffer())];
    }"""
    photo = tmp_path / "photo.png"
    photo.write_bytes(bytes(tab.evaluate(noise)))
    tab.locator("[data-photo]").first.set_input_files(photo)
    tab.wait_for_selector(".photo-preview img")
    seen = """async () => {
        const file = document.querySelector('[data-photo]').files[0], picture = await createImageBitmap(file);
        return [file.name, file.type, picture.width, picture.height];
    }"""
    assert tab.evaluate(seen) == ["photo.jpg", "image/jpeg", 2048, 1536]
