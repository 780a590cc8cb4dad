"""The example of docs/compare.md, run as a reader runs it."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cogtrace.cli.main import app

PAGE = Path(__file__).parents[2] / "docs" / "compare.md"


@pytest.mark.skipif(not PAGE.exists(), reason="the documentation is not in this checkout")
def test_the_example_prints_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = PAGE.read_text(encoding="utf-8")
    (script,) = re.findall(r"<<'EOF'\n(.*?)EOF\n", page, re.DOTALL)
    (printed,) = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.py").write_text(script, encoding="utf-8")
    runpy.run_path("rules.py")
    command = "compare @sample --arms plain,restate --engine scripted --model rules.json"

    done = CliRunner().invoke(
        app, [*command.split(), "--grade", "exact", "-o", "experiment", "--no-uptake"]
    )

    assert done.exit_code == 0
    # What changed in the reasoning depends on the annotator, which has tests of its own.
    tables = printed.partition("what changed in the reasoning")[0].strip().splitlines()
    assert [re.sub(r" \d\.\d\d  +", " ", line) for line in tables] == [
        re.sub(r" \d\.\d\d  +", " ", line) for line in done.stdout.splitlines()[: len(tables)]
    ]
    assert "gained by restate: sample-algorithmic-1" in done.stdout
