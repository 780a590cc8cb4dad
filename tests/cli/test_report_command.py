"""`cogtrace report` from the outside."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from invoked import here
from statistics_jobs import make_job, random_rows

from cogtrace.errors import CogtraceError
from cogtrace.schemas import problems

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_job(tmp_path_factory.mktemp("made") / "job", random_rows(1, 40))


def test_a_page_is_one_file_that_holds_all(cogtrace: Run, job: Path, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "report.html"

    done = cogtrace("report", job, "-o", target, "--bootstrap", 5, "--compare", "small,*")

    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert f"written to {target}" in done.stderr
    assert [path.name for path in target.parent.iterdir()] == ["report.html"]
    page = target.read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "“small” against all others" in page


def test_the_name_of_the_file_tells_its_form(job: Path, tmp_path: Path) -> None:
    for name in ("a.md", "a.json"):
        assert here("report", job, "-o", tmp_path / name, "--bootstrap", 0).returncode == 0

    assert (tmp_path / "a.md").read_text(encoding="utf-8").startswith("# job\n\n## Summary\n")
    document = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert problems("report", document) == []
    assert document["evaluation"] is None


def test_markdown_and_json_can_be_printed(job: Path) -> None:
    for form in ("md", "json"):
        done = here("report", job, "-o", "-", "--format", form, "--bootstrap", 0, "--by", "level")

        assert done.returncode == 0
        assert "written" not in done.stderr
        assert "level" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "-", "--format", "html"], "a page goes to a file"),
        (["--compare", "small"], "give two different values"),
        (["--by", "nothing"], "no column 'nothing'"),
        (["--where", "model"], "write COLUMN=VALUE"),
        (["--evaluation", "none.json"], "none.json: cannot be read"),
        (["-o", "/dev/null/report.md"], "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_said(
    job: Path,
    tmp_path: Path,
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)

    # Not a page, which would load what draws charts first.
    with pytest.raises(CogtraceError, match=message) as caught:
        here("report", job, "-o", "a.md", "--bootstrap", 0, *arguments)

    assert caught.value.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_without_what_draws_charts_the_remedy_is_named_before_the_work(
    job: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "altair", None)  # importing it fails

    with pytest.raises(CogtraceError, match=r"pip install 'cogtrace\[report\]'") as caught:
        here("report", job, "-o", tmp_path / "a.html")

    assert caught.value.exit_code == 2
    assert here("report", job, "-o", tmp_path / "a.md", "--bootstrap", 0).returncode == 0
    assert [file.name for file in tmp_path.iterdir()] == ["a.md"]


def test_help_teaches() -> None:
    done = here("report", "--help")

    assert done.returncode == 0
    for text in ("report.html", "COGTRACE_REPORT", "--evaluation"):
        assert text in done.stdout
