"""Markdown and JSON say what the statistics say."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest
from pages import read_made
from statistics_jobs import random_rows

from cogtrace.corpora.report import Report, build_report
from cogtrace.corpora.report.document import to_json
from cogtrace.corpora.report.markdown import to_markdown
from cogtrace.corpora.report.values import shown
from cogtrace.corpora.statistics import Statistics
from cogtrace.plugins.manager import load
from cogtrace.schemas import problems


@pytest.fixture(scope="module")
def small_report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Return a report in which sides are compared within groups too."""
    source = read_made(
        tmp_path_factory.mktemp("levels") / "job",
        random_rows(3, 120),
        by=("level",),
        settings={"compare": ("small", "large")},
    )
    return build_report(source, load([]))


@pytest.fixture(scope="module")
def document(small_report: Report) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(to_json(small_report))
    return found


def test_the_document_fits_its_schema(document: dict[str, Any]) -> None:
    assert problems("report", document) == []


def test_the_document_holds_all_figures_as_they_were_computed(
    document: dict[str, Any], small_report: Report
) -> None:
    statistics = msgspec.convert(document["statistics"], Statistics)
    assert statistics == small_report.source.statistics
    assert document["structure"] == json.loads(small_report.source.structure.json())


def _tables(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    blocks = [block for section in document["sections"] for block in section["blocks"]]
    tables = [block.get("table", block) for block in blocks if "rows" in block or "table" in block]
    return {table["name"]: table for table in tables if table}


@pytest.mark.parametrize(
    ("table", "figures", "grouped"),
    [
        ("prevalence", "prevalence", False),
        ("prevalence-by-group", "prevalence", True),
        ("success", "success", False),
        ("success-by-group", "success", True),
        ("positions", "positions", False),
        ("transitions", "transitions", False),
        ("comparison", "comparison", False),
        ("comparison-by-group", "comparison", True),
    ],
)
def test_each_table_holds_the_figures_of_its_statistics(
    document: dict[str, Any], table: str, figures: str, grouped: bool
) -> None:
    found = _tables(document)[table]
    names = [column["name"] for column in found["columns"]]
    rows = [dict(zip(names, row, strict=True)) for row in found["rows"]]

    expected = [row for row in document["statistics"][figures] if bool(row["group"]) == grouped]

    assert len(rows) == len(expected)
    for name in set(names) & set(expected[0]) - {"element", "method", "group"}:
        mine = sorted((row[name] for row in rows), key=_order)
        assert mine == sorted((row[name] for row in expected), key=_order), name


def _order(value: Any) -> tuple[bool, Any]:
    return value is not None, value


def test_markdown_shows_the_figures_of_the_document(
    document: dict[str, Any], small_report: Report
) -> None:
    lines = to_markdown(small_report).splitlines()

    for table in _tables(document).values():
        kinds = [column["kind"] for column in table["columns"]]
        for row in table["rows"]:
            cells = [shown(value, kind) for value, kind in zip(row, kinds, strict=True)]
            assert f"| {' | '.join(cells)} |" in [re.sub(r"\\(.)", r"\1", line) for line in lines]
            break  # the first row of each table; all are made by the same function
