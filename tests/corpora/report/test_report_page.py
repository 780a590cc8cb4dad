"""The page as a whole: what may run in it, what it loads, and hostile names everywhere."""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path

import msgspec
import pytest
from pages import HOSTILE, Seen, digest, policy_hashes, read_made, seen, taxonomy_of
from statistics_jobs import ELEMENTS, Made, make_job

from cogtrace.annotator.job import JobReader
from cogtrace.corpora.report import Report, build_report, read_input
from cogtrace.corpora.report.html import to_html
from cogtrace.corpora.report.markdown import to_markdown
from cogtrace.corpora.statistics import Settings
from cogtrace.plugins.manager import load
from cogtrace.records import Quarantined


@pytest.fixture(scope="module")
def page(small_report: Report) -> str:
    return to_html(small_report).content


@pytest.fixture(scope="module")
def parsed(page: str) -> Seen:
    return seen(page)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Return a report with hostile text in every place that data can reach."""
    text = HOSTILE.replace("\ud800", "")
    folder = tmp_path_factory.mktemp("hostile") / "a<b>\u202e'\"&job"
    rows = [
        Made(
            f"{text}{n}",
            f"{text} {n}",
            dict.fromkeys(ELEMENTS, 2),
            spans={element: [(0, 9), (12, 20)] for element in ELEMENTS},
            question=f"{text}{n % 7}",
            model=(text if n % 2 else f"{text}*"),
            correct=n % 3 == 0,
            meta={text: text},
        )
        for n in range(40)
    ]
    taxonomy = taxonomy_of(ELEMENTS, text, text)
    source = read_made(folder, rows, taxonomy, settings={"compare": (text, f"{text}*")})
    return build_report(source, load([]))


def test_only_what_the_policy_names_can_run_or_style(page: str, parsed: Seen) -> None:
    scripts = [node.text for node in parsed.of("script") if "type" not in node.attributes]
    styles = [node.text for node in parsed.of("style")]

    assert {digest(script) for script in scripts} == policy_hashes(page, "script-src")
    assert {digest(style) for style in styles} == policy_hashes(page, "style-src")
    assert len(scripts) == len(styles) == 2
    (policy,) = parsed.of("meta", **{"http-equiv": "Content-Security-Policy"})
    assert policy.attributes["content"].startswith("default-src 'none'; ")
    assert "unsafe" not in policy.attributes["content"]
    first = [node.tag for node in parsed.nodes if node.path[-1:] == ("head",)][:2]
    assert first == ["meta", "meta"]  # the policy comes before all that it is about
    assert not [node for node in parsed.nodes if "style" in node.attributes]
    assert not [key for node in parsed.nodes for key in node.attributes if key.startswith("on")]


def test_the_page_loads_nothing(parsed: Seen) -> None:
    loading = {"src", "href", "srcset", "data", "poster", "action", "formaction", "background"}
    targets = [
        value for node in parsed.nodes for key, value in node.attributes.items() if key in loading
    ]

    assert targets
    assert all(target.startswith(("#", "data:image/svg+xml;base64,")) for target in targets)


def test_the_page_is_well_formed_and_its_ids_are_distinct(parsed: Seen) -> None:
    ids = [node.attributes["id"] for node in parsed.nodes if "id" in node.attributes]
    links = [node.attributes["href"][1:] for node in parsed.of("a") if "href" in node.attributes]

    assert parsed.faults == []
    assert len(set(ids)) == len(ids)
    labels = {
        name
        for node in parsed.nodes
        for key in ("aria-labelledby", "for", "aria-controls", "aria-describedby")
        for name in node.attributes.get(key, "").split()
    }
    used = labels | set(re.findall(r"url\(#([^)]+)\)", " ".join(_values(parsed))))
    assert used <= set(ids)
    assert {link for link in links if link.startswith("section-")} <= set(ids)


def _values(parsed: Seen) -> list[str]:
    return [value for node in parsed.nodes for value in node.attributes.values()]


def test_every_chart_has_a_name_and_its_table(parsed: Seen) -> None:
    charts = [node for node in parsed.of("svg") if node.attributes.get("role") == "img"]
    figures = [node for node in parsed.of("figure") if "class" not in node.attributes]

    assert len(charts) == len(figures) == 6
    assert all(chart.attributes["aria-label"] for chart in charts)
    tables = [node for node in parsed.of("table") if "figure" in node.path]
    assert len(tables) == len(charts)
    assert len(parsed.of("button", **{"class": "csv"})) == len(
        [node for node in parsed.of("table") if "data-csv" in node.attributes]
    )


def test_the_contents_name_every_section(parsed: Seen) -> None:
    entries = [node.text for node in parsed.of("a") if "nav" in node.path]

    assert entries == [
        "Summary",
        "How often elements are shown",
        "Comparison",
        "Elements and right answers",
        "Where in the text",
        "What comes next",
        "Structure",
        "Who annotated what",
        "What was not annotated",
        "The traces",
    ]
    assert entries == [node.text for node in parsed.of("h2")]


def test_the_same_input_makes_the_same_page(small_report: Report, page: str) -> None:
    assert to_html(small_report).content == page


def test_a_page_can_do_without_the_traces(tmp_path: Path) -> None:
    source = read_made(tmp_path / "job", _secrets(), max_traces=0)

    page = to_html(build_report(source, load([])))

    found = seen(page.content)
    assert found.faults == []
    assert found.of("section", id="section-traces") == []
    assert len(found.of("script")) == len(policy_hashes(page.content, "script-src")) == 1
    assert "secret" not in page.content


def _secrets() -> list[Made]:
    return [
        Made(f"secret{n}", f"secret {n}", {"counting": 2}, {"counting": [(0, 6)]}, f"secret{n}?")
        for n in range(30)
    ]


def test_hostile_names_are_text_wherever_they_stand(hostile: Report, parsed: Seen) -> None:
    content = to_html(hostile).content

    content.encode()
    found = seen(content)
    assert found.faults == []
    allowed = {node.tag for node in parsed.nodes}
    assert {node.tag for node in found.nodes} <= allowed
    assert len(found.of("script")) == len(parsed.of("script"))
    assert {node.attributes.get("src", "data:")[:5] for node in found.of("img")} == {"data:"}
    assert not [key for node in found.nodes for key in node.attributes if key.startswith("on")]
    assert not set("\u202e\x1b\x00\ud800") & set(content)
    assert "<script>alert(1)</script>" in found.of("main")[0].text


def test_hostile_names_are_text_in_markdown_too(hostile: Report) -> None:
    text = to_markdown(hostile)

    assert not re.search(r"(?<!\\)<", text)
    assert not set("\u202e\x1b\x00\ud800") & set(text)
    lines = text.splitlines()
    tables = [list(rows) for is_row, rows in groupby(lines, lambda line: line[:1] == "|") if is_row]
    assert len(tables) >= 8
    for rows in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in rows}) == 1, rows[0]


def test_hostile_quarantine_is_shown_as_text(tmp_path: Path, parsed: Seen) -> None:
    folder = make_job(tmp_path / "job", [Made("t", "text", {"counting": 1})])
    rows = [
        Quarantined.of(HOSTILE[:-1], 3, HOSTILE[:-1], HOSTILE[:-1], HOSTILE[:-1], "raw", elements)
        for elements in (None, (HOSTILE[:-1],))
    ]
    _quarantine(folder, rows)

    report = build_report(read_input([folder], settings=Settings(bootstrap=5)), load([]))

    found = seen(to_html(report).content)
    (section,) = found.of("section", id="section-quarantine")
    assert "1 row could not be annotated" in section.text
    assert "1 answer about some elements" in section.text
    assert section.text.count("<script>alert(1)</script>") >= 5
    assert {node.tag for node in found.nodes} <= {node.tag for node in parsed.nodes}
    assert found.faults == []


def _quarantine(folder: Path, rows: list[Quarantined]) -> None:
    """Put rows into the quarantine of a job, as committed."""
    content = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
    (folder / "quarantine.jsonl").write_bytes(content)
    ledger = folder / "ledger.jsonl"
    entry = msgspec.json.decode(ledger.read_bytes().splitlines()[-1])
    entry["quarantine_bytes"] = len(content)
    ledger.write_bytes(msgspec.json.encode(entry) + b"\n")
    assert len(list(JobReader(folder).quarantined())) == len(rows)
