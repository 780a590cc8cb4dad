"""The trace browser in a real web browser, from a file, under a report's strict policy."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from browser_jobs import ELEMENTS, made_up, write_browser_job
from browser_pages import write_browser_page
from chromium import chromium, complaints, emulate, requests, wait
from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select

from cogtrace.corpora.report.browser import browser_parts
from cogtrace.printable import printable
from cogtrace.records import Annotation, Trace

pytestmark = pytest.mark.slow

PAIRS = made_up(60, seed=4)
TRACES = {trace.trace_id: trace for trace, _ in PAIRS}
FOUND = {annotation.trace_id: annotation for _, annotation in PAIRS}
NAMES = {name: name.replace("-", " ").capitalize() for name in ELEMENTS}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with chromium(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, tiny_taxonomy: dict[str, Any]) -> str:
    folder = tmp_path_factory.mktemp("page")
    job = write_browser_job(folder / "job", PAIRS, tiny_taxonomy)
    return write_browser_page(folder / "page.html", browser_parts([job])).as_uri()


@pytest.fixture
def page(browser: Chrome, address: str) -> Iterator[Chrome]:
    """Return the page as it is after opening; no test may leave a complaint behind."""
    emulate(browser, 1400, 950)
    _open(browser, address)
    yield browser
    assert complaints(browser) == []


def test_the_page_opens_from_a_file_and_asks_for_nothing_else(page: Chrome, address: str) -> None:
    requests(page)
    _open(page, address)
    assert _text(page, ".tb-title") == "t0"
    _type(page, "sum")

    asked = requests(page)
    assert asked == [address]
    assert page.execute_script("return performance.getEntriesByType('resource').length") == 0


def test_only_rows_in_sight_are_on_the_page_and_scrolling_brings_the_others(page: Chrome) -> None:
    assert 5 < len(_ids(page)) < 30

    page.execute_script("document.querySelector('.tb-list').scrollTop = 1e9")
    wait(page).until(lambda _: "t59" in _ids(page))

    assert len(_ids(page)) < 30
    assert "t0" not in _ids(page)
    last = page.find_element(By.CSS_SELECTOR, "[aria-posinset='60']")
    assert last.get_attribute("aria-setsize") == "60"


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        pytest.param("wait", lambda t: "wait" in t.text.lower(), id="a word"),
        pytest.param("WAIT 三十", lambda t: "wait" in t.text and "三十" in t.text, id="two words"),
        pytest.param('"nine wait"', lambda t: "nine wait" in t.text, id="a phrase"),
        pytest.param("end17.", lambda t: "end17." in t.text, id="the end of a text"),
        pytest.param("t42", lambda t: t.trace_id == "t42", id="an id"),
        pytest.param("no such thing", lambda t: False, id="nothing"),
    ],
)
def test_search_finds_what_texts_and_ids_hold(
    page: Chrome, query: str, holds: Callable[[Trace], bool]
) -> None:
    _type(page, query)

    wanted = [name for name, trace in TRACES.items() if holds(trace)]
    assert _listed(page) == wanted
    if not wanted:
        assert "No trace matches" in _text(page, ".tb-count")
        page.find_element(By.CSS_SELECTOR, ".tb-clear").click()
        assert _text(page, ".tb-count") == "60 traces"


def test_a_shorter_query_brings_back_what_a_longer_one_left_out(page: Chrome) -> None:
    _type(page, "waiting")
    assert _listed(page) == []

    _type(page, Keys.BACKSPACE * 3)

    assert _listed(page) == [name for name, trace in TRACES.items() if "wait" in trace.text]


def test_hits_are_marked_in_the_list_and_in_the_text(page: Chrome) -> None:
    _type(page, "answer")

    row = page.find_element(By.CSS_SELECTOR, "[aria-selected='true'] mark")
    assert row.text == "answer"
    shown = TRACES[_text(page, ".tb-title")].text
    marks = page.execute_script(
        "return [...document.querySelectorAll('.tb-text mark')].map((node) => node.textContent)"
    )
    assert "".join(marks) == "answer" * shown.count("answer")


@pytest.mark.parametrize(
    ("chosen", "holds"),
    [
        ({"element": "Guessing"}, lambda t, s: s["guessing"] > 0),
        ({"element": "Guessing", "score": "partial"}, lambda t, s: s["guessing"] == 1),
        ({"element": "Turning back", "score": "absent"}, lambda t, s: s["turning-back"] == 0),
        ({"score": "present"}, lambda t, s: 2 in s.values()),
        ({"model": "large", "correct": "right"}, lambda t, s: t.model == "large" and t.correct),
        ({"model": "not given"}, lambda t, s: t.model is None),
        ({"correct": "not known"}, lambda t, s: t.correct is None),
        (
            {"problem_type": "riddle", "task": "sums"},
            lambda t, s: t.problem_type == "riddle" and t.task == "sums",
        ),
    ],
)
def test_filters_leave_what_they_say(
    page: Chrome, chosen: dict[str, str], holds: Callable[[Trace, dict[str, int]], bool]
) -> None:
    for name, value in chosen.items():
        _select(page, name, value)

    wanted = [name for name, trace in TRACES.items() if holds(trace, _scores(FOUND[name]))]
    assert _listed(page) == wanted
    assert 0 < len(wanted) < 60


@pytest.mark.parametrize(
    ("order", "key"),
    [
        ("longest first", lambda name: -len(TRACES[name].text)),
        ("shortest first", lambda name: len(TRACES[name].text)),
        ("most elements first", lambda name: -_shown(name)),
        ("fewest elements first", lambda name: _shown(name)),
    ],
)
def test_the_list_is_sorted_as_asked(page: Chrome, order: str, key: Callable[[str], int]) -> None:
    _select(page, "sort", order)

    assert _listed(page) == sorted(TRACES, key=key)


def test_the_keyboard_leads_everywhere(page: Chrome) -> None:
    _press(page, "/")
    assert _focus(page) == "tb-query"
    _press(page, "end", Keys.ESCAPE)
    assert _focus(page) == "tb-list"
    steps = [("j", "t1"), (Keys.ARROW_DOWN, "t2"), ("k", "t1"), (Keys.END, "t59"), ("j", "t59")]
    for key, shown in [*steps, (Keys.HOME, "t0"), (Keys.ARROW_UP, "t0")]:
        _press(page, key)
        assert _text(page, ".tb-title") == shown
        active = page.find_element(By.CSS_SELECTOR, ".tb-list").get_attribute(
            "aria-activedescendant"
        )
        assert page.find_element(By.ID, str(active)).get_attribute("aria-selected") == "true"
    _press(page, Keys.ENTER)
    assert _focus(page) == "tb-trace"
    _press(page, "j")
    assert _text(page, ".tb-title") == "t1"
    _press(page, Keys.ESCAPE)
    assert _focus(page) == "tb-list"
    _press(page, Keys.ESCAPE)
    assert page.execute_script("return document.activeElement === document.body")


def test_single_keys_can_be_switched_off_and_never_act_while_somebody_types(page: Chrome) -> None:
    _press(page, "/", "jk/")
    assert page.find_element(By.CSS_SELECTOR, ".tb-query").get_property("value") == "jk/"
    wait(page).until(lambda _: "No trace" in _text(page, ".tb-count"))
    page.find_element(By.CSS_SELECTOR, ".tb-clear").click()
    page.find_element(By.CSS_SELECTOR, ".tb-keys summary").click()
    page.find_element(By.CSS_SELECTOR, ".tb-single").click()

    _press(page, "j")

    assert _text(page, ".tb-title") == "t0"


def test_an_address_leads_to_its_trace_and_a_choice_changes_the_address(
    page: Chrome, address: str
) -> None:
    _type(page, "t12")
    page.execute_script("location.hash = '#trace=t30'")
    wait(page).until(lambda _: _text(page, ".tb-title") == "t30")
    assert _text(page, ".tb-count") == "60 traces"  # the search would have hidden it
    _press(page, Keys.ESCAPE, "j")
    assert page.current_url == f"{address}#trace=t31"

    _open(page, f"{address}#trace=t50")
    assert _text(page, ".tb-title") == "t50"
    assert page.find_element(By.CSS_SELECTOR, "[aria-selected='true'] .tb-id").text == "t50"

    _open(page, f"{address}#section-elsewhere")
    assert _text(page, ".tb-title") == "t0"
    assert page.current_url == f"{address}#section-elsewhere"


def test_each_span_holds_its_quote_and_the_text_is_whole(page: Chrome) -> None:
    for name, trace in list(TRACES.items())[:8]:
        _go(page, name)
        assert _property(page, ".tb-text") == printable(trace.text)
        for entry in FOUND[name].elements:
            if not entry.spans:
                continue
            _only(page, NAMES[entry.element])
            quotes = sorted(span.quote for span in entry.spans)
            assert sorted(_passages(page)) == [printable(quote) for quote in quotes]


def test_pointing_at_a_passage_names_all_that_covers_it_shortest_first(page: Chrome) -> None:
    name, start, wanted = _overlap()
    _go(page, name)
    piece = _piece(page, printable(TRACES[name].text[:start]))

    ActionChains(page).move_to_element_with_offset(piece, 0, 0).perform()

    titles = [node.text for node in page.find_elements(By.CSS_SELECTOR, ".tb-card .tb-strong")]
    assert titles == [NAMES[element] for element in wanted]
    card = _text(page, ".tb-card")
    assert "confidence 0.75 · by reader" in card
    assert ("Because it says maybe." in card) == ("guessing" in wanted)


def test_the_arrow_keys_lead_through_the_passages_of_a_text(page: Chrome) -> None:
    name = next(n for n, found in FOUND.items() if sum(len(e.spans) for e in found.elements) > 4)
    _go(page, name)
    stops = page.find_elements(By.CSS_SELECTOR, ".tb-text [tabindex]")
    assert [stop.get_attribute("tabindex") for stop in stops].count("0") == 1

    page.execute_script("arguments[0].focus()", stops[0])
    for stop in stops[1:]:
        _press(page, Keys.ARROW_RIGHT)
        assert page.switch_to.active_element == stop
        assert page.find_elements(By.CSS_SELECTOR, ".tb-card .tb-strong")
    _press(page, Keys.ARROW_LEFT)
    assert page.switch_to.active_element == stops[-2]


def test_an_element_leads_to_its_spans_in_turn_and_can_be_hidden(page: Chrome) -> None:
    name, entry = next(
        (n, entry)
        for n, found in FOUND.items()
        for entry in found.elements
        if entry.element == "guessing" and len(entry.spans) == 3
    )
    _go(page, name)
    jump = page.find_element(By.CSS_SELECTOR, ".tb-jump[aria-label^='Guessing,']")

    for turn in ("1 of 3", "2 of 3", "3 of 3", "1 of 3"):
        jump.click()
        assert turn in _text(page, ".tb-card")

    before = len(page.find_elements(By.CSS_SELECTOR, ".tb-span"))
    page.find_element(By.CSS_SELECTOR, "[aria-label='Show Guessing']").click()
    assert len(page.find_elements(By.CSS_SELECTOR, ".tb-span")) < before
    assert _property(page, ".tb-text") == printable(TRACES[name].text)
    assert entry.explanation is not None


def test_a_trace_of_two_folders_is_told_apart_and_each_leads_to_the_other(
    browser: Chrome, tmp_path_factory: pytest.TempPathFactory, tiny_taxonomy: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("two")
    jobs = [
        write_browser_job(folder / name, PAIRS[:count], tiny_taxonomy)
        for name, count in (("one", 5), ("two", 3))
    ]
    path = write_browser_page(folder / "page.html", browser_parts(jobs))
    emulate(browser, 1400, 950)
    _open(browser, f"{path.as_uri()}#trace=t2&in=2")
    assert (
        browser.find_element(By.CSS_SELECTOR, "[aria-selected='true']").get_attribute(
            "aria-posinset"
        )
        == "8"
    )
    assert "test (two)" in _text(browser, ".tb-facts")

    browser.find_element(By.LINK_TEXT, "also by test (one)").click()
    wait(browser).until(lambda _: "also by test (two)" in _text(browser, ".tb-facts"))
    assert browser.current_url.endswith("#trace=t2&in=1")

    _select(browser, "folder", "test (two)")
    assert _listed(browser) == ["t0", "t1", "t2"]
    assert complaints(browser) == []


def test_question_and_metadata_are_there(page: Chrome) -> None:
    name = next(n for n, t in TRACES.items() if t.question and t.meta and t.answer)
    _go(page, name)
    page.find_element(By.CSS_SELECTOR, ".tb-meta summary").click()

    assert _text(page, ".tb-question .tb-prose") == TRACES[name].question
    meta = _text(page, ".tb-meta dl")
    for value in (name, "made up", '"a": 1', "test"):
        assert value in meta


def test_every_control_has_a_name_and_each_pane_a_role(page: Chrome) -> None:
    controls = page.find_elements(By.CSS_SELECTOR, ".tb button, .tb input, .tb select, .tb a")
    assert len(controls) > 12
    assert [
        c.get_attribute("outerHTML") for c in controls if c.is_displayed() and not c.accessible_name
    ] == []
    panes = {"list": "listbox", "trace": "article", "body": "region", "side": "complementary"}
    for name, role in (panes | {"bar": "search", "count": "status", "card": "status"}).items():
        assert page.find_element(By.CSS_SELECTOR, f".tb-{name}").aria_role == role


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_one_pane_at_a_time_and_nothing_sticks_out(
    page: Chrome, address: str, scheme: str
) -> None:
    emulate(page, 360, 740, prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
    _open(page, address)
    trace = page.find_element(By.CSS_SELECTOR, ".tb-trace")
    rows = page.find_element(By.CSS_SELECTOR, ".tb-list")
    assert (rows.is_displayed(), trace.is_displayed()) == (True, False)

    page.find_element(By.CSS_SELECTOR, "[aria-posinset='3']").click()
    assert (rows.is_displayed(), trace.is_displayed()) == (False, True)
    assert _text(page, ".tb-title") == "t2"
    assert page.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    piece = page.find_element(By.CSS_SELECTOR, ".tb-span")
    assert piece.value_of_css_property("transition-duration") == "0s"

    _go(page, "t40")
    page.find_element(By.CSS_SELECTOR, ".tb-back").click()
    assert (rows.is_displayed(), trace.is_displayed()) == (True, False)
    assert page.find_element(By.CSS_SELECTOR, "[aria-selected='true'] .tb-id").text == "t40"
    page.find_element(By.CSS_SELECTOR, ".tb-unfold").click()
    assert page.find_element(By.CSS_SELECTOR, "[name=element]").is_displayed()


def _open(page: Chrome, address: str) -> None:
    page.get("about:blank")  # an address that differs in its fragment alone loads nothing
    page.get(address)
    wait(page).until(lambda _: page.find_elements(By.CSS_SELECTOR, "#trace-browser[data-ready]"))


def _go(page: Chrome, name: str) -> None:
    page.execute_script("location.hash = arguments[0]", f"#trace={urllib.parse.quote(name)}")
    wait(page).until(lambda _: _text(page, ".tb-title") == name)


def _type(page: Chrome, query: str) -> None:
    """Type a query, and wait until the list has answered."""
    page.execute_script(
        "window.answered = 0; new MutationObserver(() => { window.answered = performance.now(); })"
        ".observe(document.querySelector('.tb-count'), { childList: true })"
    )
    page.find_element(By.CSS_SELECTOR, ".tb-query").send_keys(query)
    wait(page).until(
        lambda _: page.execute_script(
            "return window.answered && performance.now() - window.answered > 80"
        )
    )


def _press(page: Chrome, *keys: str) -> None:
    for key in keys:
        ActionChains(page).send_keys(key).perform()


def _select(page: Chrome, name: str, value: str) -> None:
    Select(page.find_element(By.CSS_SELECTOR, f"[name={name}]")).select_by_visible_text(value)


def _listed(page: Chrome) -> list[str]:
    """Return the ids in the whole list, scrolling through it."""
    found: list[str] = page.execute_async_script(
        "const done = arguments[0]; const box = document.querySelector('.tb-list');"
        "const seen = new Map(); box.scrollTop = 0; const step = () => requestAnimationFrame(() =>"
        "requestAnimationFrame(() => { for (const row of box.querySelectorAll('[role=option]'))"
        "seen.set(Number(row.dataset.position), row.querySelector('.tb-id').textContent);"
        "const before = box.scrollTop; box.scrollTop += box.clientHeight;"
        "if (box.scrollTop > before) step(); else done([...seen].sort((a, b) => a[0] - b[0])"
        ".map((entry) => entry[1])); })); step();"
    )
    count = _text(page, ".tb-count").split(" ")[0]
    assert count == (str(len(found)) if found else "No")
    return found


def _ids(page: Chrome) -> list[str]:
    ids: list[str] = page.execute_script(
        "return [...document.querySelectorAll('[role=option] .tb-id')].map((n) => n.textContent)"
    )
    return ids


def _only(page: Chrome, name: str) -> None:
    page.find_element(By.CSS_SELECTOR, ".tb-none").click()
    page.find_element(By.CSS_SELECTOR, f"[aria-label='Show {name}']").click()


def _passages(page: Chrome) -> list[str]:
    """Return the texts of the spans that are drawn: each from where it begins."""
    pieces: list[list[Any]] = page.execute_script(
        "return [...document.querySelectorAll('.tb-span')]"
        ".map((node) => [node.hasAttribute('tabindex'), node.textContent])"
    )
    found: list[str] = []
    for begins, text in pieces:
        if begins:
            found.append(text)
        else:
            found[-1] += text
    return found


def _piece(page: Chrome, before: str) -> WebElement:
    """Return the passage that begins after this much text."""
    piece: WebElement = page.execute_script(
        "let left = arguments[0]; for (const line of document.querySelectorAll('.tb-text-line'))"
        "for (const node of line.childNodes) { if (left === 0 && node.nodeType === 1) return node;"
        "left -= node.textContent.length; }",
        len(before.encode("utf-16-le")) // 2,
    )
    return piece


def _overlap() -> tuple[str, int, list[str]]:
    """Return a trace, a place where spans of two elements begin to overlap, and which."""
    for name, found in FOUND.items():
        spans = [(span, entry.element) for entry in found.elements for span in entry.spans]
        for span, _ in spans:
            over = [(s, e) for s, e in spans if s.start <= span.start < s.end]
            lengths = {s.end - s.start for s, _ in over}
            word = TRACES[name].text[span.start : span.start + 1].isalpha()
            if len(over) > 1 and len(lengths) == len(over) and word:
                over.sort(key=lambda item: item[0].end - item[0].start)
                return name, span.start, [element for _, element in over]
    raise AssertionError("no trace with an overlap")


def _scores(annotation: Annotation) -> dict[str, int]:
    return {entry.element: entry.score for entry in annotation.elements}


def _shown(name: str) -> int:
    return sum(score > 0 for score in _scores(FOUND[name]).values())


def _focus(page: Chrome) -> str:
    return str(page.switch_to.active_element.get_attribute("class"))


def _text(page: Chrome, selector: str) -> str:
    return page.find_element(By.CSS_SELECTOR, selector).text


def _property(page: Chrome, selector: str) -> str:
    return str(page.find_element(By.CSS_SELECTOR, selector).get_property("textContent"))
