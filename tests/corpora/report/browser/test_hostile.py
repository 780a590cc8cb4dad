"""Traces that try to take over the page are shown as text, and run nothing."""

from __future__ import annotations

import unicodedata
import urllib.parse
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from browser_jobs import Pair, annotated, write_browser_job
from browser_pages import write_browser_page
from chromium import chromium, complaints, requests, wait
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from cogtrace.corpora.report.browser import browser_parts
from cogtrace.printable import printable
from cogtrace.records import Trace

pytestmark = pytest.mark.slow

Form = Literal["NFC", "NFD"]

_SET = "window.attacked=1"
ATTACKS = (
    f"<script>{_SET}</script>",
    f"</script><script>{_SET}</script>",
    f"<!--<script>{_SET}</script>",
    f"<img src=x onerror='{_SET}'><svg onload={_SET}>",
    f"<iframe srcdoc='<script>parent.{_SET}</script>'></iframe>",
    f'[click](javascript:{_SET}) <a href="javascript:{_SET}">x</a>',
    f"'\"><style>*{{display:none}}</style><base href=//example.org>{_SET}",
    f"${{{_SET}}} {{{{{_SET}}}}} `${{{_SET}}}`",
    "\u202eright to left\u202c \u2066isolated\u2069 \ufeff\u200b\u00ad \U000e0041 end",
    "\x1b[2J\x1b[31mred\x07\x9b31m\x00 \x7f\r\n next",
    "שלום abc مرحبا 123",
)
IDS = (
    'it\'s "quoted"',
    "#hash",
    "100%",
    "%41 %zz",
    "a&in=2",
    "<b>",
    "../../etc",
    "é 漢 😀",
    "\u202eid",
)
SMILES = ("😀" * 400, "a" + "😀" * 400)  # as ids, cut at odd and at even places
BORDERS = "👩‍👩‍👧 漢字かな e\u0301a\u0308 🇺🇳 𝒳 ok"
LONG = 1_000_000


def _pairs() -> Iterator[Pair]:
    for number, attack in enumerate(ATTACKS):
        trace = Trace(
            trace_id=f"attack {number}: {attack}",
            text=f"{attack} and again {attack}",
            question=attack,
            model=attack,
            task=attack,
            problem_type=attack,
            answer=attack,
            meta={attack: {attack: [attack]}},
        )
        length = len(trace.text)
        spans = {"guessing": [(0, length)], "re-reading": [(1, length - 1), (2, 5)]}
        yield annotated(trace, spans, explanations={"guessing": attack, "turning-back": attack})
    for name in (*IDS, *SMILES):
        yield annotated(Trace(trace_id=name, text=f"text of {name}"), {})
    # Every stretch of one to three code points is a span of its own.
    size = len(BORDERS)
    for width in (1, 2, 3):
        bounds = [(at, min(size, at + width)) for at in range(0, size, width)]
        trace = Trace(trace_id=f"borders {width}", text=BORDERS)
        yield annotated(trace, {"guessing": bounds, "turning-back": [(0, size)]})
    line = "x😀" * (LONG // 2 - 10) + "needle at the end🎈"
    yield annotated(Trace(trace_id="long", text=line), {"guessing": [(len(line) - 1, len(line))]})
    crowd = {"guessing": [(at, 3000 - at) for at in range(1000)]}
    yield annotated(Trace(trace_id="crowd", text="crowd " * 500), crowd)


PAIRS = list(_pairs())


@pytest.fixture(scope="module")
def page(
    tmp_path_factory: pytest.TempPathFactory, tiny_taxonomy: dict[str, Any]
) -> Iterator[Chrome]:
    folder = tmp_path_factory.mktemp("hostile")
    job = write_browser_job(folder / "job", PAIRS, tiny_taxonomy)
    path = write_browser_page(folder / "page.html", browser_parts([job]))
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        browser.get(path.as_uri())
        wait(browser).until(
            lambda _: browser.find_elements(By.CSS_SELECTOR, "#trace-browser[data-ready]")
        )
        yield browser


@pytest.fixture(autouse=True)
def unharmed(page: Chrome) -> Iterator[None]:
    """Check after each test that nothing ran, nothing was asked for, nothing was blocked."""
    yield
    assert page.execute_script("return window.attacked") is None
    asked = [url for url in requests(page) if not url.startswith("file:")]
    assert asked == []
    assert complaints(page) == []
    strange = "script:not(body > script), img, svg, iframe, base, .tb style, [onerror], [onload]"
    assert (
        page.execute_script(
            "return [...document.querySelectorAll(arguments[0])].map((n) => n.outerHTML)", strange
        )
        == []
    )
    assert page.title == "Traces"


@pytest.mark.parametrize("number", range(len(ATTACKS)))
def test_an_attack_is_shown_as_text_wherever_it_stands(page: Chrome, number: int) -> None:
    trace, _ = PAIRS[number]
    _go(page, trace.trace_id)

    attack = printable(ATTACKS[number])
    assert _content(page, ".tb-text") == printable(trace.text)
    assert _content(page, ".tb-question .tb-prose") == attack
    assert attack in _content(page, ".tb-meta dl")
    page.find_element(By.CSS_SELECTOR, ".tb-jump[aria-label^='Guessing']").click()
    assert attack in _content(page, ".tb-card")
    assert "\u202e" not in _content(page, "body")
    assert page.execute_script(
        "return [...document.querySelectorAll('.tb a')]"
        ".every((link) => link.hash === link.getAttribute('href'))"
    )


@pytest.mark.parametrize("name", IDS)
def test_an_address_leads_to_an_id_of_any_kind_and_back(page: Chrome, name: str) -> None:
    _go(page, name)

    assert _content(page, ".tb-text") == printable(f"text of {name}")
    href = page.find_element(By.CSS_SELECTOR, ".tb-link").get_attribute("href")
    fragment = urllib.parse.urlsplit(str(href)).fragment
    assert urllib.parse.unquote(fragment) == f"trace={name}"


def test_a_stray_percent_sign_or_an_unknown_id_breaks_nothing(page: Chrome) -> None:
    _go(page, "100%")
    for fragment in ("#trace=%", "#trace=%E0%A4%A", "#trace=nobody", "#trace=", "#trace=a&in=x"):
        page.execute_script("location.hash = arguments[0]", fragment)
    assert _content(page, ".tb-title") == "100%"
    page.execute_script("location.hash = '#trace=%41%20%zz'")
    assert _content(page, ".tb-title") == "100%"


@pytest.mark.parametrize("width", [1, 2, 3])
def test_spans_are_cut_by_code_points_as_in_python(page: Chrome, width: int) -> None:
    _go(page, f"borders {width}")

    pieces = page.execute_script(
        "return [...document.querySelectorAll('.tb-span')].map((node) => node.textContent)"
    )

    assert pieces == [printable(BORDERS[at : at + width]) for at in range(0, len(BORDERS), width)]


def test_a_line_of_a_million_characters_is_shown_in_parts_and_searched_whole(page: Chrome) -> None:
    began = page.execute_script("return performance.now()")
    _go(page, "long")
    assert page.execute_script("return performance.now()") - began < 1_500
    shown = len(_content(page, ".tb-text"))
    assert 10_000 < shown <= 20_000
    page.find_element(By.CSS_SELECTOR, ".tb-later").click()
    assert abs(len(_content(page, ".tb-text")) - 2 * shown) < 3  # no emoji is cut in two

    page.find_element(By.CSS_SELECTOR, ".tb-query").send_keys("needle")
    wait(page).until(lambda _: page.find_elements(By.CSS_SELECTOR, ".tb-text .tb-hit"))
    assert _content(page, ".tb-count").startswith("1 of ")
    assert _content(page, ".tb-text").endswith("needle at the end🎈")
    assert _content(page, ".tb-span") == "🎈"
    page.find_element(By.CSS_SELECTOR, ".tb-earlier").click()
    assert _content(page, ".tb-text").startswith(("x", "😀"))
    page.find_element(By.CSS_SELECTOR, ".tb-clear").click()


@pytest.mark.parametrize(("name", "shown"), [(SMILES[0], 149), (SMILES[1], 150)])
def test_a_line_that_is_cut_ends_with_a_whole_character(
    page: Chrome, name: str, shown: int
) -> None:
    _go(page, name)

    assert _content(page, ".tb-title") == f"{name[:shown]}…"


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_accents_are_found_and_marked_however_they_are_written(page: Chrome, form: Form) -> None:
    _go(page, "borders 1")

    page.find_element(By.CSS_SELECTOR, ".tb-query").send_keys(unicodedata.normalize(form, "é"))

    wait(page).until(lambda _: _content(page, ".tb-count").startswith("4 of "))
    assert _content(page, ".tb-text .tb-hit") == "e"  # the accent is a span, and a mark, of its own
    marks = page.execute_script(
        "return [...document.querySelectorAll('.tb-text .tb-hit')].map((n) => n.textContent)"
    )
    assert "".join(marks) == "e\u0301"
    page.find_element(By.CSS_SELECTOR, ".tb-clear").click()


def test_a_thousand_nested_spans_are_shown_in_bounded_depth(page: Chrome) -> None:
    _go(page, "crowd")

    assert page.find_element(By.CSS_SELECTOR, ".tb-hint").is_displayed()
    middle = page.find_elements(By.CSS_SELECTOR, ".tb-span")[1500]
    page.execute_script("arguments[0].click()", middle)
    assert "and " in _content(page, ".tb-card")
    assert len(page.find_elements(By.CSS_SELECTOR, ".tb-card .tb-entry")) == 12


def _go(page: Chrome, name: str) -> None:
    """Open a trace by its address, and wait until its id is that of the link on the page."""
    fragment = f"#trace={urllib.parse.quote(name, safe='')}"
    page.execute_script("location.hash = arguments[0]", fragment)
    wait(page).until(
        lambda _: page.execute_script(
            "return decodeURIComponent(document.querySelector('.tb-link').hash) === arguments[0]",
            f"#trace={name}",
        )
    )


def _content(page: Chrome, selector: str) -> str:
    return str(page.find_element(By.CSS_SELECTOR, selector).get_property("textContent"))
