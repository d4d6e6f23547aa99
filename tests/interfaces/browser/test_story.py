"""The straight line in a real browser, on real processes: confirm an alarm, see tasks arrive on another person's page, do one with a photo,
let one go overdue and climb; then the chain is proved."""

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.interfaces.ports import free_port
from tongchou.workflows.demonstration import page as pdf
from tongchou.workflows.demonstration import picture

ROOT = Path(__file__).parents[3]
PASSWORD = "tongchou-demo"
PATIENCE_MS = 30_000
PHONE_PX = 360


def _environment(home: Path) -> dict[str, str]:
    # The product's own settings, not the test run's.
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("TONGCHOU_", "DJANGO_"))}
    return {**clean, "TONGCHOU_HOME": str(home), "PYTHONPATH": str(ROOT / "src")}


def _make(home: Path, hours_later: float) -> None:
    script = Path(__file__).with_name("make_story_home.py")
    subprocess.run([sys.executable, script, ROOT / "packs/xujing", str(hours_later)], env=_environment(home), check=True, timeout=240)


@contextmanager
def _served(home: Path) -> Iterator[str]:
    port = free_port(together=4)
    command = [sys.executable, "-m", "tongchou.interfaces.cli.main", "serve", "--port", str(port)]
    server = subprocess.Popen(command, env=_environment(home), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert server.stdout is not None
        for line in server.stdout:
            if "Ready after" in line:
                break
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/login", timeout=30) as answer:
            assert answer.status == 200
        yield f"http://127.0.0.1:{port}"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=30)


def _signed_in(browser: Browser, address: str, username: str, **options: Any) -> Page:
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(f"{address}/login")
    page.fill("#id_username", username)
    page.fill("#id_password", PASSWORD)
    page.click("main button.primary")
    expect(page.locator("header.bar-top")).to_be_visible()
    return page


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("story")
    _make(made, 0)
    return made


PAGES = {
    "lin": ("/", "/?place=310118106010", "/inbox/", "/alarms/", "/alarms/YJ-2022-0001", "/alarms/YJ-2022-0001/run", "/incidents/", "/matrix/",
            "/sentinels/", "/sentinels/001-sampling-site", "/sentinels/new", "/streams/001-sampling-site-s", "/intake/", "/intake/file",
            "/sentinels/001-sampling-site/report", "/parameters/", "/parameters/coverage.seen_from", "/people/", "/people/lin",
            "/cases/", "/cases/new", "/cases/chain", "/follow-up/", "/exposures/", "/exposures/own", "/line-lists/", "/public/notices"),
    "he": ("/registers/", "/registers/resident/", "/registers/resident/new", "/imports/"),
    "gao": ("/audit/", "/audit/accesses"),
    "sun": ("/testing/", "/testing/sites/new", "/testing/laboratory", "/sites"),
    "luo": ("/outbox/", "/people/luo", "/parameters/coverage.seen_from"),
}  # fmt: skip


def test_every_page_fits_a_phone_has_one_heading_and_a_title_and_logs_no_error(chromium: Browser, home: Path) -> None:
    wrong: list[str] = []
    with _served(home) as address:
        for username, places in PAGES.items():
            page = _signed_in(chromium, address, username, viewport={"width": PHONE_PX, "height": 800})
            for lang in ("zh", "en"):
                page.context.add_cookies([{"name": "lang", "value": lang, "url": address}])
                wrong += [f"{lang} {problem}" for place in places for problem in _problems(page, f"{address}{place}")]
            page.context.close()
    assert wrong == []


def _problems(page: Page, place: str) -> list[str]:
    """What is wrong with a page once its charts are drawn."""
    logged: list[str] = []
    page.once("pageerror", lambda error: logged.append(f"{place}: {error}"))
    page.once("console", lambda said: logged.append(f"{place}: {said.text}") if said.type == "error" else None)
    answer = page.goto(place)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(page.locator("[data-chart]:not([data-drawn])")).to_have_count(0, timeout=PATIENCE_MS)
    width, headings = page.evaluate("[document.documentElement.scrollWidth, document.querySelectorAll('h1').length]")
    said = {"status": answer and answer.status, "width": width, "headings": headings, "title parts": len(page.title().split(" · "))}
    # A page's own name, the town's, the product's.
    is_right = said["status"] == 200 and width <= PHONE_PX and headings == 1 and said["title parts"] >= 3
    return logged + ([] if is_right else [f"{place}: {said}"])


def test_an_alarm_becomes_work_that_is_done_or_climbs(chromium: Browser, home: Path, tmp_path: Path) -> None:
    expect.set_options(timeout=PATIENCE_MS)
    photo, sheet = tmp_path / "line.png", tmp_path / "list.pdf"
    photo.write_bytes(picture(1))
    sheet.write_bytes(pdf("story"))
    with _served(home) as address:
        guard = _signed_in(chromium, address, "wu", viewport={"width": 390, "height": 844})
        guard.goto(f"{address}/inbox/")
        # The duty officer's browser runs no script: what must be done at night is done by plain forms.
        officer = _signed_in(chromium, address, "lin", java_script_enabled=False)
        leader = _signed_in(chromium, address, "zhou")
        leader.goto(f"{address}{_first_alarm(officer, address)}")
        leader.fill("#why-confirm", "半句话")
        _confirm_alarm(officer, address)
        # The second officer is told at once and keeps what was typed until they ask for the new state.
        expect(leader.locator(".page-head .chip").first).to_have_text("已确认")
        expect(leader.locator("#why-confirm")).to_have_value("半句话")
        leader.locator(".update-chip").click()
        expect(leader.locator(".page-aside a[href^='/incidents/SJ-']")).to_be_visible()
        expect(leader.locator("#why-confirm")).to_have_count(0)
        # Wu's open page shows the new task by itself.
        task = guard.get_by_role("link", name="先行管控住所和停留场所", exact=True)
        expect(task).to_be_visible()
        _finish(officer, address, "启动专班并通知到岗", [sheet])
        task.click()
        guard.get_by_role("button", name="接收", exact=True).click()
        guard.set_input_files("#file", [photo, sheet])
        guard.get_by_role("button", name="提交并完成").click()
        expect(guard.locator(".page-main .chip").first).to_contain_text("已完成")
        expect(guard.locator(".page-main img").first).to_be_visible()
        stranger = _signed_in(chromium, address, "zhao")
        answer = stranger.goto(guard.url)
        assert answer is not None and answer.status == 404
    # The doctor's half-hour task goes to the head of tracing, and an interval later on to the duty leader.
    _make(home, 3)
    _told(home, "work", "--once")
    _make(home, 6)
    with _served(home) as address:
        above = _signed_in(chromium, address, "zhou")
        above.goto(f"{address}/inbox/")
        expect(above.locator("main").get_by_role("link", name="核对阳性人员身份与住址").first).to_be_visible()
    _told(home, "audit", "verify")


def _told(home: Path, *words: str) -> None:
    command = [sys.executable, "-m", "tongchou.interfaces.cli.main", *words]
    done = subprocess.run(command, env=_environment(home), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _first_alarm(page: Page, address: str) -> str:
    page.goto(f"{address}/alarms/")
    return str(page.locator("a[href^='/alarms/YJ-']").first.get_attribute("href"))


def _confirm_alarm(page: Page, address: str) -> None:
    page.goto(f"{address}{_first_alarm(page, address)}")
    page.fill("#why-confirm", "卫生院复核属实")
    page.get_by_role("button", name="确认预警").click()
    page.wait_for_url("**/incidents/**")


def _finish(page: Page, address: str, title: str, files: list[Path]) -> None:
    page.goto(f"{address}/inbox/")
    page.get_by_role("link", name=title).first.click()
    page.get_by_role("button", name="接收", exact=True).click()
    page.set_input_files("#file", files)
    page.get_by_role("button", name="提交并完成").click()
    expect(page.locator(".page-main .chip").first).to_contain_text("已完成")
