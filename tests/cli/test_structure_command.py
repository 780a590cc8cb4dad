"""`cogtrace structure` on job folders and on the reference's JSON."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from naive_structure import Told
from reference_folders import record, write_records, write_reference
from written_jobs import Shown, annotated, write_job

from cogtrace.records import Trace
from cogtrace.schemas import check

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """Return a job in which the element b follows a, mostly in right traces."""
    follows: Shown = {"a": (2, [(0, 50)]), "b": (2, [(100, 150)])}
    alone: Shown = {"a": (2, [(0, 50)]), "b": (0, [])}
    told = [(follows, True)] * 8 + [(alone, False)] * 8
    return write_job(
        tmp_path / "job",
        [
            annotated(
                Trace(trace_id=f"t{n}", text="y" * 200, problem_type="riddle", correct=right),
                shown,
            )
            for n, (shown, right) in enumerate(told)
        ],
    )


def test_walks_are_printed_and_everything_is_written(
    cogtrace: Run, job: Path, tmp_path: Path
) -> None:
    done = cogtrace("structure", job, "--json", tmp_path / "s.json", "--svg", tmp_path / "svg")

    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "16 traces, 8 of them right; 1 kinds of edges (corrected mode)",
        "ALL, success: a → b",
        "ALL, all: a → b",
        "riddle, success: a → b",
        "riddle, all: a → b",
    ]
    data = json.loads((tmp_path / "s.json").read_bytes())
    check("structure", data)
    assert [edge["npmi"] for edge in data["edges"]] == [1.0, 1.0]
    assert len(list((tmp_path / "svg").iterdir())) == 4
    assert "4 pictures written to" in done.stderr


def test_every_option_reaches_the_computation(cogtrace: Run, job: Path, tmp_path: Path) -> None:
    options = "--max-nodes 3 --overlap 0.7 --parallel 5 --min-support 9 --min-score 1".split()

    done = cogtrace("structure", job, "--json", tmp_path / "s.json", *options)

    assert done.returncode == 0
    parameters = json.loads((tmp_path / "s.json").read_bytes())["parameters"]
    asked = {"max_nodes": 3, "overlap": 0.7, "parallel": 5, "min_support": 9, "min_score": 1}
    assert parameters.items() >= asked.items()
    assert done.stdout.splitlines()[1:] == [
        "ALL, all: a",
        "riddle, all: a",
        "2 walks have too few traces to begin with; see --min-support",
    ]


def test_reference_mode_reads_the_references_json(cogtrace: Run, tmp_path: Path) -> None:
    told = [Told([("a", 0, 50), ("b", 100, 150)], "x"), Told([("a", 0, 50)], "x", False)]
    folder = write_reference(tmp_path / "in", told)

    done = cogtrace(
        "structure", folder, "--from", "reference", "--mode", "reference",
        "--json", tmp_path / "s.json",
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, f"written to {tmp_path / 's.json'}\n")
    data = json.loads((tmp_path / "s.json").read_bytes())
    assert (data["mode"], {w["problem_type"] for w in data["walks"]}) == ("reference", {"x"})


def test_what_is_left_out_is_said_and_makes_the_exit_code_1(cogtrace: Run, tmp_path: Path) -> None:
    folder = write_records(tmp_path / "in", {"1": record(1, Told([("a", 0, 50)]))}, "a.json")
    write_records(folder, "{broken\x1b[31m", "b.json")

    done = cogtrace("structure", folder, "--from", "reference")

    assert done.returncode == 1
    assert "warning: b.json: left out whole" in done.stderr
    assert "\x1b" not in done.stderr
    assert "1 traces" in done.stdout


def test_names_from_the_data_cannot_take_over_a_terminal(cogtrace: Run, tmp_path: Path) -> None:
    told = [Told([("a\x1b[31m\nb", 0, 50)], "x\u202e\x07\n")]
    folder = write_reference(tmp_path / "in", told)

    done = cogtrace("structure", folder, "--from", "reference", "--min-support", "1")

    assert done.returncode == 0
    assert not set("\x1b\u202e\x07") & set(done.stdout)
    assert len(done.stdout.splitlines()) == 5


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--mode", "reference", "--min-support", "3"], "--min-support: the reference has none"),
        (["--from", "reference"], "no trace in its 2 files; manifest.json: 18 records left out"),
        (["--overlap", "1.1"], "--overlap"),
        (["--max-nodes", "0"], "--max-nodes"),
        (["--json", "{tmp}/no/such/place.json"], "cannot be written"),
        (["{tmp}/gone"], "no job here"),
    ],
)
def test_what_cannot_be_done_makes_the_exit_code_2_and_says_why(
    cogtrace: Run, job: Path, tmp_path: Path, options: list[str], says: str
) -> None:
    done = cogtrace(
        "structure", job, *(option.replace("{tmp}", str(tmp_path)) for option in options)
    )

    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
