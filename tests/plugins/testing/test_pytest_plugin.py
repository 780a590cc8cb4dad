"""The fixtures that a package's tests find, in a pytest of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PLUGIN = "cogtrace.plugins.testing.pytest_plugin"
TEST = """
from bad_plugins import kind
from cogtrace.plugins.guidance import Sampling

def test_the_fixtures_work_together(run_plugin, sample_tasks, scripted_engine):
    rules = {"when": "hint", "answer": "Add."}, {"when": "", "answer": "The answer is 4."}
    engine = scripted_engine(*rules)
    runs = run_plugin(kind(), sample_tasks, engine=engine, sampling=Sampling(samples=2))
    assert len(runs) == len(sample_tasks)
    by_id = {run.task_id: run for run in runs}
    assert by_id["orders"].answer == "4"
    assert by_id["orders"].scaffolds[0].text == "Add."
    assert len(by_id["orders"].candidates) == 2
    assert by_id["nothing"].outcome == "failed"
"""


def _run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


@pytest.mark.slow
def test_a_package_finds_the_fixtures(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TEST, encoding="utf-8")
    support = Path(__file__).parents[2] / "support"

    done = _run(
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-o",
        f"pythonpath={support}",
        folder=tmp_path,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_a_pytest_that_does_not_ask_for_them_loads_nothing_heavy(tmp_path: Path) -> None:
    code = f"import sys, {PLUGIN}; print(*sorted({{n.partition('.')[0] for n in sys.modules}}))"

    loaded = set(_run("-c", code, folder=tmp_path).stdout.split())

    assert "pytest" in loaded
    assert not loaded & {"numpy", "polars", "spacy", "jsonschema", "rich", "openai", "vllm"}
