"""`cogtrace import`, as it is typed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from in_process import InProcess
from labelled_rows import REFERENCE_TEXT, reference_record, schoenfeld_row

Run = Callable[..., subprocess.CompletedProcess[str]]
RULES = {
    "scheme": "episodes",
    "taxonomy": "cognitive",
    "rules": [{"element": "verification", "label": "Verify", "relation": "exact"}],
}


@pytest.fixture
def cogtrace(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return the command line, run in this process."""
    return InProcess(monkeypatch, capsys)


def test_an_import_is_a_job_that_the_other_verbs_read(
    cogtrace: Run, write_jsonl: Callable[..., Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"

    done = cogtrace("import", write_jsonl([schoenfeld_row()]), "--from", "schoenfeld", "-o", out)

    assert done.returncode == 0, done.stderr
    assert "1 traces, 7 spans of 5 elements, 0 duplicates, 0 quarantined" in done.stderr
    assert "left-out-boundary: 1" in done.stderr
    assert cogtrace("verify", out).returncode == 0
    shown = cogtrace("show", out)
    assert shown.returncode == 0
    assert "3 squared" in shown.stdout
    lines = cogtrace("export", out, "--to", "jsonl").stdout.splitlines()
    assert json.loads(lines[0])["annotator"]["name"] == "imported-schoenfeld"


def test_a_reference_file_is_joined_with_its_traces_and_its_losses_are_told(
    cogtrace: Run, write_jsonl: Callable[..., Path], tmp_path: Path
) -> None:
    records = tmp_path / "m1.json"
    bad = reference_record(sample_id="nobody\x1b[2J", question_id="?")
    records.write_text(json.dumps({"a": reference_record(), "b": bad}), encoding="utf-8")
    traces = write_jsonl([{"name": "t1", "said": REFERENCE_TEXT}], "traces.txt")
    arguments = [
        *("import", records, "--from", "reference", "--traces", traces, "--format", "jsonl"),
        *("--map", "trace_id=name", "--map", "text=said"),
    ]

    done = cogtrace(*arguments, "--out", tmp_path / "out")
    lenient = cogtrace(*arguments, "--out", tmp_path / "two", "--allow-quarantine", "--json")

    assert done.returncode == 1
    assert f"quarantined 1 no-text, first at {records}:2: " in done.stderr
    assert "\x1b" not in done.stderr
    assert lenient.returncode == 0
    assert json.loads(lenient.stdout)["counts"]["quarantined"] == 1
    assert json.loads(lenient.stdout)["options"]["traces"] == [str(traces)]


def test_a_crosswalk_is_used_and_what_it_leaves_out_is_said(
    cogtrace: Run, write_jsonl: Callable[..., Path], tmp_path: Path
) -> None:
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps(RULES), encoding="utf-8")
    source = write_jsonl([schoenfeld_row()])
    arguments = ["import", source, "--from", "schoenfeld", "--crosswalk", rules]

    done = cogtrace(*arguments, "--out", tmp_path / "out")
    none = cogtrace(*arguments, "--out", tmp_path / "b", "--relations", "related")
    odd = cogtrace(*arguments, "--out", tmp_path / "c", "--relations", "exact,same")

    assert done.returncode == 0, done.stderr
    assert "no rule names, left out: Implement, Read, paragraph General" in done.stderr
    assert "1 spans of 1 elements" in done.stderr
    assert (none.returncode, odd.returncode) == (2, 2)
    assert "--relations related: no rule of" in none.stderr
    assert "--relations same: unknown; there is exact, close, broader" in odd.stderr
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--from", "schonfeld"], "--from schonfeld: unknown; there is reference, label-studio, "),
        (["--from", "jsonl"], "--from jsonl: unknown"),
        (["--from", "reference"], "give the annotated traces with --traces FILE"),
        (["--from", "schoenfeld", "--crosswalk", "none.json"], "none.json: cannot be read"),
        (["--from", "reasoningflow"], "no label in any of the inputs; the first row refused is "),
    ],
)
def test_what_cannot_be_begun_is_refused_and_nothing_is_written(
    cogtrace: Run,
    write_jsonl: Callable[..., Path],
    tmp_path: Path,
    arguments: list[str],
    says: str,
) -> None:
    source = write_jsonl([schoenfeld_row()])

    done = cogtrace("import", source, *arguments, "--out", tmp_path / "out", cwd=tmp_path)

    assert done.returncode == 2
    assert says in done.stderr
    assert not (tmp_path / "out").exists()


def test_standard_input_is_refused(program: Run, tmp_path: Path) -> None:
    done = program("import", "-", "--from", "schoenfeld", "--out", tmp_path / "out", input="")

    assert done.returncode == 2
    assert "reads its input twice; give files" in done.stderr
