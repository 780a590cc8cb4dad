"""A real web browser for tests of pages: Chromium without a window, its profile new and empty."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

_OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--window-size=1400,950",
)


@contextmanager
def chromium(profile: Path) -> Iterator[webdriver.Chrome]:
    """Start Chromium, or skip the test where it is not installed."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("chromium and chromedriver are not on this machine")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for option in (*_OPTIONS, f"--user-data-dir={profile}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(driver))
    try:
        browser.get("about:blank")
        requests(browser)  # those of the page it begins with are not of interest
        yield browser
    finally:
        browser.quit()


def wait(browser: webdriver.Chrome) -> WebDriverWait[webdriver.Chrome]:
    """Return what waits for something on the page, at most ten seconds."""
    return WebDriverWait(browser, 10, poll_frequency=0.02)


def requests(browser: webdriver.Chrome) -> list[str]:
    """Return what pages asked for since this was last asked, from the web browser's own log.

    Its own pages (about:, chrome:) do not count.
    """
    messages = [json.loads(entry["message"])["message"] for entry in _log(browser, "performance")]
    urls = [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
    return [url for url in urls if not url.startswith(("about:", "chrome:"))]


def complaints(browser: webdriver.Chrome) -> list[dict[str, Any]]:
    """Return what the console of the page says since this was last asked."""
    return _log(browser, "browser")


def emulate(browser: webdriver.Chrome, width: int, height: int, **media: str) -> None:
    """Give the page a size, and features such as prefers_color_scheme="dark"."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
    )
    features = [{"name": name.replace("_", "-"), "value": value} for name, value in media.items()]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def _log(browser: webdriver.Chrome, kind: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = browser.get_log(kind)  # type: ignore[no-untyped-call]  # theirs
    return entries
