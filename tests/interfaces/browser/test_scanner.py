"""A scanner at a door in a real browser at phone width, on real processes: it enrols, admits, refuses, appeals, goes offline, comes back,
and every scan is in the log once, in order. Then it is stolen."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.interfaces.ports import free_port

ROOT = Path(__file__).parents[3]
PATIENCE_MS = 20_000
PHONE = {"width": 390, "height": 844}
ADMIT, NOTICE, REFUSE = 0, 1, 2
WEST = 2  # the second device that gate_home.py invites


TOKEN = """() => new Promise((resolve) => {
  const request = indexedDB.open("tongchou-gate");
  request.onsuccess = () => {
    const { result } = request;
    if (!result.objectStoreNames.contains("kept")) return resolve(null);
    result.transaction("kept").objectStore("kept").get("token").onsuccess = ({ target }) => resolve(target.result ?? null);
  };
})"""


class Home:
    """An installation in a folder: its pages and its lane as processes, the script that acts on it."""

    def __init__(self, folder: Path) -> None:
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("TONGCHOU_", "DJANGO_"))}
        self.environment = {**clean, "TONGCHOU_HOME": str(folder), "PYTHONPATH": str(ROOT / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
        self.port = free_port(together=3)
        self.address = f"http://127.0.0.1:{self.port}"
        self.texts: dict[str, str] = self.ask("make", str(ROOT / "packs/xujing"))

    def ask(self, *words: str) -> Any:
        script = [sys.executable, str(Path(__file__).with_name("gate_home.py")), *words]
        return json.loads(subprocess.run(script, env=self.environment, check=True, timeout=240, capture_output=True).stdout)

    @contextmanager
    def running(self, port: int, *module: str) -> Iterator[None]:
        process = subprocess.Popen([sys.executable, "-m", *module], env=self.environment)
        try:
            _await(port)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)

    def pages(self) -> Any:
        granian = ("granian", "--port", str(self.port), "--interface", "wsgi", "--log-level", "warning")
        return self.running(self.port, *granian, "tongchou.interfaces.web.wsgi:app")

    def lane(self) -> Any:
        return self.running(self.port + 2, "tongchou.interfaces.gate.lane", "127.0.0.1", str(self.port + 2))


def _await(port: int) -> None:
    """Until something answers here, and the lane, if it is one, has read its book."""
    assert any(_status(port) not in (None, 503) or time.sleep(0.1) for _ in range(300)), f"nothing answers on port {port}"


def _status(port: int, token: str = "") -> int | None:
    """What a delivery without a scan in it is answered; nothing where nobody listens."""
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}/gate/scans", b"{}", {"Content-Type": "text/plain", "Authorization": f"Bearer {token}"}
    )
    try:
        urllib.request.urlopen(asked, timeout=5)
    except urllib.error.HTTPError as answered:
        return answered.code
    except OSError:
        return None
    raise AssertionError("a delivery without a scan was taken")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("gate"))


def _scanner(browser: Browser, home: Home, code: str) -> tuple[BrowserContext, Page]:
    context = browser.new_context(viewport=PHONE, locale="zh-CN")
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(f"{home.address}/scan#enrol={code}")
    expect(page.locator("#door")).to_be_visible()
    expect(page.locator("#where")).to_contain_text("徐泾菜场")
    assert page.url == f"{home.address}/scan"
    return context, page


def _scan(page: Page, text: str) -> str:
    """As a reader does: keys wherever the focus is, then Enter. Gives the verdict shown."""
    page.evaluate("document.activeElement.blur(); document.getElementById('answer').dataset.verdict = ''")
    for sign in text:
        page.keyboard.press(sign if sign != " " else "Space")
    page.keyboard.press("Enter")
    expect(page.locator("#answer")).not_to_have_attribute("data-verdict", "")
    return str(page.locator("#answer").get_attribute("data-verdict"))


def _typed(page: Page, text: str) -> str:
    page.evaluate("document.getElementById('answer').dataset.verdict = ''")
    page.fill("#text", text)
    page.press("#text", "Enter")
    expect(page.locator("#answer")).not_to_have_attribute("data-verdict", "")
    return str(page.locator("#answer").get_attribute("data-verdict"))


def _reason(page: Page) -> str:
    return page.locator("#reason").inner_text()


def test_a_door_admits_refuses_appeals_goes_offline_and_every_scan_is_there_once(chromium: Browser, home: Home) -> None:
    expect.set_options(timeout=PATIENCE_MS)
    texts, told = home.texts, []
    with ExitStack() as servers:
        pages, lane = ExitStack(), ExitStack()
        servers.enter_context(pages), servers.enter_context(lane)
        pages.enter_context(home.pages())
        lane.enter_context(home.lane())
        context, page = _scanner(chromium, home, "code-east")
        expect(page.locator("#network")).to_have_attribute("data-online", "true")
        assert _scan(page, texts["good"]) == "admit"
        assert page.locator("#help").is_hidden()
        told.append(ADMIT)
        for name, reason in (
            ("untested", "没有核酸记录"), ("revoked", "通行码已作废"), ("stranger", "外地通行码"), ("forged", "签名不符"), ("expired", "通行码已过期"),
        ):  # fmt: skip
            assert (name, _typed(page, texts[name])) == (name, "refuse")
            assert reason in _reason(page) and page.locator("#sites li").count() == 3
            told.append(REFUSE)
        for text in (texts["good"][:90], "TC1:" + "A" * 600, "https://example.org/"):
            assert _typed(page, text) == "refuse"
            told.append(REFUSE)
        assert _typed(page, texts["neighbour"]) == "admit"
        told.append(ADMIT)
        assert _typed(page, "310118199001011234") == "refuse" and "身份证号不在登记中" in _reason(page)
        told.append(NOTICE)

        assert _typed(page, texts["untested"]) == "refuse"
        told.append(REFUSE)
        page.click("#appeal")
        page.fill("#appeal-words", "昨天在前明村采过样")
        page.fill("#appeal-phone", "13800000000")
        page.click("#appeal-form button")
        expect(page.locator("#appeal-said")).to_contain_text("MS-2022-0001")
        expect(page.locator("#waiting")).to_have_attribute("data-count", "0")
        assert [row[3] for row in home.ask("scans")] == told

        context.set_offline(True)
        page.reload()
        expect(page.locator("#door")).to_be_visible()
        expect(page.locator("#network")).to_have_attribute("data-online", "false")
        for n in range(12):
            assert _typed(page, texts[f"good {n}"]) == "admit"
            told.append(ADMIT)
        assert _typed(page, texts["revoked"]) == "refuse"
        told.append(REFUSE)
        expect(page.locator("#waiting")).to_have_attribute("data-count", "13")
        context.set_offline(False)
        expect(page.locator("#waiting")).to_have_attribute("data-count", "0")
        assert [row[3] for row in home.ask("scans")] == told

        lane.close()
        for n in range(12, 18):
            assert _typed(page, texts[f"good {n}"]) == "admit"
            told.append(ADMIT)
        expect(page.locator("#waiting")).to_have_attribute("data-count", "6")
        lane.enter_context(home.lane())
        expect(page.locator("#waiting")).to_have_attribute("data-count", "0", timeout=70_000)
        rows = home.ask("scans")
        assert [(row[1], row[3]) for row in rows] == list(enumerate(told, 1))
        # The house decides as the door did, except the identity card, which it cannot read yet.
        assert [row[2] for row in rows if row[3] != NOTICE] == [row[3] for row in rows if row[3] != NOTICE]
        assert home.ask("appeals") == [["MS-2022-0001", 12, "no_test", "昨天在前明村采过样", "13800000000", "", "open"]]

        again = chromium.new_context(viewport=PHONE).new_page()
        again.goto(f"{home.address}/scan#enrol=code-east")
        expect(again.locator("#enrolment-said")).to_contain_text("登记码无效")
        again.context.close()

        token = page.evaluate(TOKEN)
        home.ask("revoke", "code-east")
        page.reload()
        expect(page.locator("#enrolment")).to_be_visible()
        expect(page.locator("#enrolment-said")).to_contain_text("已停用")
        assert page.evaluate(TOKEN) is None
        assert any(_status(home.port + 2, token) == 401 or time.sleep(0.1) for _ in range(300))
        assert len(home.ask("scans")) == len(told)
        context.close()


FILL = """async (text) => {
  const open = indexedDB.open("tongchou-gate");
  const database = await new Promise((resolve) => { open.onsuccess = () => resolve(open.result); });
  const transaction = database.transaction("scans", "readwrite");
  for (let n = 0; n < 20000; n++) transaction.objectStore("scans").add({ at: 1654167600000 + n, text, told: "admit", way: "in", skew: 0 });
  await new Promise((resolve) => { transaction.oncomplete = resolve; });
}"""
RULES_LEARNT_BEFORE = """(ms) => new Promise((resolve) => {
  const open = indexedDB.open("tongchou-gate");
  open.onsuccess = () => {
    const kept = open.result.transaction("kept", "readwrite").objectStore("kept");
    kept.get("as_of").onsuccess = ({ target }) => { kept.put(target.result - ms, "as_of").onsuccess = resolve; };
  };
})"""


def test_twenty_thousand_scans_that_waited_arrive_in_order_and_once(chromium: Browser, home: Home) -> None:
    with home.pages(), home.lane():
        context, page = _scanner(chromium, home, "code-west")
        page.evaluate(FILL, home.texts["good"])
        page.reload()
        expect(page.locator("#waiting")).to_have_attribute("data-count", "0", timeout=240_000)
        numbers = [row[1] for row in home.ask("scans") if row[0] == WEST]
        assert numbers == list(range(1, 20_001))
        context.close()


def test_old_rules_are_said_and_in_the_end_admit_nobody(chromium: Browser, home: Home) -> None:
    with home.pages(), home.lane():
        context, page = _scanner(chromium, home, "code-third")
        context.set_offline(True)
        for days, verdict, warning in ((1.1, "admit", "超过一天"), (2, "refuse", "规则已过期")):
            page.evaluate(RULES_LEARNT_BEFORE, days * 86_400_000)
            page.reload()
            expect(page.locator("#warn-age")).to_contain_text(warning)
            assert _typed(page, home.texts["good"]) == verdict
        assert "本机规则已过期" in _reason(page)
        context.close()
