"""Reports that several tests look at."""

from __future__ import annotations

import pytest
from pages import read_made
from statistics_jobs import ELEMENTS, random_rows

from cogtrace.corpora.report import Report, ReportInput, build_report
from cogtrace.plugins.manager import load


@pytest.fixture(scope="session")
def small_source(tmp_path_factory: pytest.TempPathFactory) -> ReportInput:
    """Return what reports are made from, of 120 traces by three models, two of them compared."""
    return read_made(
        tmp_path_factory.mktemp("small") / "job",
        random_rows(3, 120),
        settings={"compare": ("small", "large"), "min_n": 10},
    )


@pytest.fixture(scope="session")
def small_report(small_source: ReportInput) -> Report:
    """Return a report of built-in sections."""
    assert small_source.elements == ELEMENTS
    return build_report(small_source, load([]))
