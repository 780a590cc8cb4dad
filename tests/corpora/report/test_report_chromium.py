"""The page in a real web browser, opened from disk."""

from __future__ import annotations

import csv
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import chromium, complaints, emulate, requests, wait
from pages import read_made, taxonomy_of
from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from statistics_jobs import ELEMENTS, random_rows

from cogtrace.corpora.report import build_report, write_report
from cogtrace.corpora.statistics import Statistics
from cogtrace.plugins.manager import load

pytestmark = pytest.mark.slow

# Names of elements that a spreadsheet would take for a formula, and CSV for two cells.
FORMULA = '=1+1, "two"'

# The contrast of each text on the page with what is behind it, as WCAG 2 computes it.
CONTRASTS = """
const number = (c) => c.match(/[\\d.]+/g).map(Number);
const light = (c) => {
  const [r, g, b] = number(c).map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (node) => {
  for (; node; node = node.parentElement) {
    const colour = getComputedStyle(node).backgroundColor;
    if ((number(colour)[3] ?? 1) === 1) return colour;
  }
  return "rgb(255, 255, 255)";
};
const found = [];
for (const node of document.querySelectorAll("body *")) {
  const own = [...node.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  if (!own || ["SCRIPT", "STYLE", "OPTION"].includes(node.tagName) || !node.getClientRects().length)
    continue;
  const style = getComputedStyle(node);
  const colour = node instanceof SVGElement ? style.fill : style.color;
  const [a, b] = [light(colour), light(behind(node))].sort((x, y) => y - x);
  found.push([(a + 0.05) / (b + 0.05), node.tagName, node.textContent.slice(0, 40), colour]);
}
return found.filter(([ratio]) => ratio < 4.5);
"""


@pytest.fixture(scope="module")
def figures() -> list[Statistics]:
    """Return a place for the figures that are on the page."""
    return []


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with chromium(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, figures: list[Statistics]) -> str:
    folder = tmp_path_factory.mktemp("report")
    source = read_made(
        folder / "job",
        random_rows(5, 150),
        taxonomy_of(ELEMENTS, FORMULA, "Seen when the trace does so at some point."),
        settings={"compare": ("person", "*")},
    )
    figures.append(source.statistics)
    target = folder / "report.html"
    assert write_report(build_report(source, load([])), target, "html") == ()
    return target.as_uri()


@pytest.fixture
def page(browser: Chrome, address: str) -> Iterator[Chrome]:
    """Return the page as it is after opening; no test may leave a complaint behind."""
    emulate(browser, 1280, 900, prefers_color_scheme="light", prefers_reduced_motion="reduce")
    _open(browser, address)
    browser.execute_script("localStorage.clear()")
    _open(browser, address)
    yield browser
    assert complaints(browser) == []


def _open(browser: Chrome, address: str) -> None:
    browser.get("about:blank")
    browser.get(address)
    wait(browser).until(lambda b: b.find_elements(By.CSS_SELECTOR, "button.csv:not([hidden])"))


def _value(page: Chrome, script: str) -> Any:
    return page.execute_script(f"return {script}")


def test_the_page_opens_from_disk_and_asks_for_nothing_else(page: Chrome, address: str) -> None:
    requests(page)
    _open(page, address)
    time.sleep(1)

    asked = [url for url in requests(page) if not url.startswith("data:image/svg+xml;base64,")]
    assert asked == [address]


def test_scripts_that_are_not_ours_do_not_run(page: Chrome) -> None:
    page.execute_script(
        "const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
        "document.body.append(s); document.body.insertAdjacentHTML('beforeend',"
        "'<img src=https://evil.example/x.png onerror=\"window.ran = 2\">')"
    )
    time.sleep(0.3)

    assert _value(page, "window.ran === undefined")
    refused = " ".join(entry["message"] for entry in complaints(page))
    assert re.search(r"Content Security Policy directive \W*script-src", refused)
    assert re.search(r"Content Security Policy directive\W*img-src data:", refused)
    requests(page)  # the one that was refused is in the log all the same


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("how", ["system", "button"])
def test_all_text_can_be_read_in_light_and_dark(page: Chrome, theme: str, how: str) -> None:
    other = {"light": "dark", "dark": "light"}[theme]
    emulate(page, 1280, 900, prefers_color_scheme=theme if how == "system" else other)
    if how == "button":
        button = page.find_element(By.ID, "theme")
        while page.find_element(By.TAG_NAME, "html").get_attribute("data-theme") != theme:
            button.click()
    page.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")

    background = _value(page, "getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 23, 27)"}[theme]
    scheme = _value(page, "getComputedStyle(document.documentElement).colorScheme")
    assert scheme == theme  # which images of walks follow
    assert page.execute_script(CONTRASTS) == []


def test_the_choice_of_a_theme_is_remembered(page: Chrome, address: str) -> None:
    button = page.find_element(By.ID, "theme")
    assert button.text == "Theme: as the system"
    button.click()
    button.click()
    _open(page, address)

    assert page.find_element(By.ID, "theme").text == "Theme: dark"
    page.find_element(By.ID, "theme").click()
    assert page.find_element(By.TAG_NAME, "html").get_attribute("data-theme") is None


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_nothing_reaches_beyond_the_screen(page: Chrome, width: int) -> None:
    emulate(page, width, 900)

    assert _value(page, "document.documentElement.scrollWidth") <= width


def test_tables_open_and_charts_scroll_by_keyboard(page: Chrome) -> None:
    emulate(page, 390, 900)
    keys = ActionChains(page)
    keys.send_keys(Keys.TAB).perform()
    assert _value(page, "document.activeElement.className") == "skip"
    page.execute_script("document.querySelector('#section-prevalence .scroll').focus()")
    assert _value(page, "document.activeElement.scrollLeft") == 0
    ActionChains(page).send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT).perform()
    wait(page).until(lambda b: _value(b, "document.activeElement.scrollLeft") > 0)
    ActionChains(page).send_keys(Keys.TAB, Keys.ENTER).perform()

    table = page.find_element(By.CSS_SELECTOR, "table[data-csv=prevalence]")
    wait(page).until(lambda _: table.is_displayed())


def test_a_table_is_saved_as_csv_with_the_figures_as_they_were_computed(
    page: Chrome, tmp_path: Path, figures: list[Statistics]
) -> None:
    page.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)}
    )
    page.execute_script(
        "document.querySelector('table[data-csv=prevalence]').closest('details').open = true"
    )
    page.find_element(By.CSS_SELECTOR, "#section-prevalence details[open] button.csv").click()
    target = tmp_path / "prevalence.csv"
    wait(page).until(lambda _: target.exists() and target.stat().st_size)

    with target.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    expected = [row for row in figures[0].prevalence if not row.group]
    assert [row["id"] for row in rows] == [row.element for row in expected]
    assert [row["n"] for row in rows] == [str(row.n) for row in expected]
    assert [float(row["shown"]) for row in rows] == pytest.approx(
        [row.shown for row in expected], abs=1e-6
    )
    assert rows[0]["element"] == f"'{FORMULA}"  # no spreadsheet computes it


def test_the_walks_are_drawn(page: Chrome) -> None:
    images = page.find_elements(By.CSS_SELECTOR, "#section-structure img")

    assert images
    for image in images:
        page.execute_script("arguments[0].scrollIntoView()", image)
    script = "[...document.querySelectorAll('#section-structure img')].every(i => i.naturalWidth)"
    wait(page).until(lambda _: _value(page, script))


def test_the_trace_browser_is_on_the_page(page: Chrome) -> None:
    def told(_: Chrome) -> bool:
        script = "document.querySelector('#section-traces').innerText.includes('150 traces')"
        return bool(_value(page, script))

    wait(page).until(told)


def test_the_contents_follow_the_reader(page: Chrome) -> None:
    page.find_element(By.CSS_SELECTOR, "nav a[href='#section-positions']").click()

    current = "nav a[aria-current]"
    wait(page).until(
        lambda b: (
            [a.text for a in b.find_elements(By.CSS_SELECTOR, current)] == ["Where in the text"]
        )
    )
