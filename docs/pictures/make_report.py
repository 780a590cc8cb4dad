"""Take the pictures of a report on the bundled sample.

    cogtrace annotate @sample --out demo-out
    cogtrace report demo-out -o report.html
    python docs/pictures/make_report.py report.html docs/pictures/report.png
    python docs/pictures/make_report.py report.html docs/pictures/report-trace.png '#trace=sample-algorithmic-4'

Needs selenium, chromium and chromedriver.
"""

from __future__ import annotations

import base64
import shutil
import sys
import time
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

WIDTH, HEIGHT = 1080, 1120


def main(page: str, picture: str, place: str = "") -> None:
    """Open a page and save its top, or what a fragment of its address leads to, as PNG."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
    for option in ("--headless=new", "--no-sandbox", "--hide-scrollbars"):
        options.add_argument(option)
    browser = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.get(Path(page).resolve().as_uri() + place)
        time.sleep(2)  # the traces are unpacked after the page is there
        shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
    finally:
        browser.quit()
    Path(picture).write_bytes(base64.b64decode(shot["data"]))


if __name__ == "__main__":
    main(*sys.argv[1:4])
