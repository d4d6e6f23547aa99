"""Take the README's picture of the desk: python docs/make_screenshot.py http://127.0.0.1:8000 docs/images/desk.png

Needs a running demonstration (`python dev.py demo`), playwright and the system's Chromium.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

WIDTH, HEIGHT = 1440, 1320
LARGEST_BYTES = 400_000
ACCOUNT, PASSWORD = "lin", "tongchou-demo"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main(base: str, target: Path) -> None:
    """Sign in, let the charts draw, keep the upper part of the desk. Exits with a message when the browser or the town is missing."""
    browser = next((path for path in map(shutil.which, BROWSERS) if path), None)
    if browser is None:
        raise SystemExit("No Chromium here: install the system's package (apt-get install chromium), then run this again.")
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT}, locale="zh-CN")
        page.goto(f"{base.rstrip('/')}/login")
        page.fill("[name=username]", ACCOUNT)
        page.fill("[name=password]", PASSWORD)
        page.click("form .btn.primary")
        page.wait_for_selector(".desk-lines")
        figures = page.locator(".desk-lines [data-chart]")
        for n in range(figures.count()):
            figures.nth(n).locator("svg, canvas").first.wait_for(timeout=20_000)
        target.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=target)
        chromium.close()
    size = target.stat().st_size
    if size > LARGEST_BYTES:
        raise SystemExit(f"{target}: {size:,} bytes, more than the {LARGEST_BYTES:,} a README picture may have; make the window smaller.")
    print(f"{target}: {size:,} bytes")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit("usage: make_screenshot.py BASE_URL OUTPUT.png")
    main(sys.argv[1], Path(sys.argv[2]))
