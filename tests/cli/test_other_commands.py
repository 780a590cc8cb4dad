"""`cogtrace show` and `export`, help, and output that nobody reads to its end."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cogtrace.annotator.job import JobFolder, JobPlan, JobReader, run_job
from cogtrace.annotator.registry import AnnotatorSpec
from cogtrace.records import SourceRow, Trace
from cogtrace.schemas import problems
from cogtrace.taxonomy import build_taxonomy

Run = Callable[..., subprocess.CompletedProcess[str]]

# What ends up on a terminal if nobody takes care: colours, a bell, a new title, a
# hidden end of a line, text that runs backwards, a C1 control sequence.
_RAW = "\x1b\x07\0\b\r\x9b\u202e\u2066\u200b"
_HOSTILE = "Back to [bold]square[/nope] one\x1b[31m\x07 \u202edlrow\0\b\x9b2J.\r Done\u200b."

_TRACES = [
    Trace(
        trace_id="one",
        text="Back to square one. The rain stopped. Let me reread the first line.",
        question="Where does it start?",
        model="m1",
        correct=True,
    ),
    Trace(trace_id="two", text="I would guess it is nine. It is not.", correct=False),
    Trace(
        trace_id="evil\x1b]0;title\x07",
        text=_HOSTILE,
        question=f"What{_RAW}?",
        model=f"m{_RAW}[/]",
        task=f"t{_RAW}",
    ),
]


def _make_job(path: Path, taxonomy: dict[str, Any], traces: list[Trace]) -> Path:
    rows = (SourceRow(file="f", line=n, value=trace) for n, trace in enumerate(traces, start=1))
    spec = AnnotatorSpec.cue(build_taxonomy(taxonomy, "tiny"))
    run_job(JobPlan(folder=JobFolder(path), spec=spec), rows)
    return path


@pytest.fixture(scope="module")
def job(tiny_taxonomy: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a finished job, for reading only."""
    return _make_job(tmp_path_factory.mktemp("jobs") / "job", tiny_taxonomy, _TRACES)


@pytest.fixture(scope="module")
def long_job(tiny_taxonomy: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a finished job whose output is more than a pipe holds."""
    traces = [
        Trace(trace_id=f"t{n}", text="Back to square one. It rained. " * 900) for n in range(3)
    ]
    return _make_job(tmp_path_factory.mktemp("jobs") / "long", tiny_taxonomy, traces)


def test_a_trace_is_shown_by_sentence_with_the_elements_of_each(cogtrace: Run, job: Path) -> None:
    done = cogtrace("show", job)

    assert (done.returncode, done.stderr) == (0, "")
    title, question, *lines = (" ".join(line.split()) for line in done.stdout.splitlines())
    assert title == "one m1 · right answer"
    assert question == "Where does it start?"
    sentences = [line for line in lines if line[:1].isdigit()]
    assert len(sentences) == 3
    for line, text, element in zip(
        sentences,
        ("1 Back to square one.", "2 The rain stopped.", "3 Let me reread the first line."),
        ("turning-back", "", "re-reading"),
        strict=True,
    ):
        assert line.startswith(text)
        assert line.removeprefix(text).strip(" []") == element
    assert "turning-back moving 1 partial 1" in lines
    assert not any(line.startswith("guessing") for line in lines)


def test_one_trace_and_one_element_can_be_asked_for(cogtrace: Run, job: Path) -> None:
    done = cogtrace("show", job, "two", "--element", "u-turn", "-e", "rereading")

    assert done.returncode == 0, done.stderr
    assert "two wrong answer" in done.stdout
    assert "guessing" not in done.stdout
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "turning-back moving 0 absent 0" in lines
    assert "re-reading looking 0 absent 0" in lines


def test_a_trace_is_shown_as_json(cogtrace: Run, job: Path) -> None:
    done = cogtrace("show", job, "two", "--json")

    found = json.loads(done.stdout)
    assert found["trace"] == {"trace_id": "two", "text": _TRACES[1].text, "correct": False}
    assert problems("annotation", found["annotation"]) == []


def test_a_page_is_written_where_it_is_asked_for(cogtrace: Run, job: Path, tmp_path: Path) -> None:
    done = cogtrace("show", job, "--html", tmp_path / "page.html", "-e", "re-reading")

    assert (done.returncode, done.stdout) == (0, "")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "RE-READING" in page
    assert "TURNING-BACK" not in page


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        pytest.param(["show", "JOB", "tow"], 2, "no trace 'tow'; there is one, two", id="id"),
        pytest.param(
            ["show", "JOB", "one", "-e", "gessing"], 2, "did you mean guessing", id="name"
        ),
        pytest.param(["show", "JOB", "--html", "no/p.html"], 2, "no/p.html", id="page-nowhere"),
        pytest.param(["show", "gone"], 2, "gone: no job here", id="show-no-job"),
        pytest.param(["export", "gone", "--to", "csv"], 2, "gone: no job here", id="export-no-job"),
        pytest.param(["export", "JOB", "--to", "xml"], 2, "jsonl, csv, reference", id="form"),
        pytest.param(["export", "JOB"], 2, "--to", id="no-form"),
        pytest.param(["export", "JOB", "--to", "csv", "-o", "no/f"], 2, "no/f", id="file-nowhere"),
        pytest.param(["shwo", "JOB"], 2, "shwo", id="no-such-verb"),
    ],
)
def test_what_cannot_be_done_is_said_in_words_with_exit_code_2(
    cogtrace: Run, job: Path, tmp_path: Path, arguments: list[str], code: int, says: str
) -> None:
    done = cogtrace(*(job if a == "JOB" else a for a in arguments), cwd=tmp_path)

    assert done.returncode == code
    assert says in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_a_hostile_trace_cannot_steer_the_terminal(cogtrace: Run, job: Path) -> None:
    shown = cogtrace("show", job, _TRACES[2].trace_id, env=os.environ | {"COLUMNS": "300"})
    unknown = cogtrace("show", job, "evil?\x1b[2J")

    assert shown.returncode == 0, shown.stderr
    assert not set(shown.stdout) & set(_RAW)
    for part in (
        "Back to [bold]square[/nope] one␛[31m␇ ",
        "\\u202edlrow␀␈\\u009b2J.",
        "Done\\u200b.",
    ):
        assert part in shown.stdout
    assert "evil␛]0;title␇" in shown.stdout
    assert unknown.returncode == 2
    assert not set(unknown.stderr) & set(_RAW)


def test_a_hostile_trace_is_escaped_in_json(cogtrace: Run, job: Path) -> None:
    done = cogtrace("show", job, _TRACES[2].trace_id, "--json")

    assert json.loads(done.stdout)["trace"]["text"] == _HOSTILE
    assert not set(done.stdout) & set("\x1b\x07\0\b\r")


@pytest.mark.parametrize("to_file", [False, True], ids=["standard-output", "file"])
@pytest.mark.parametrize("form", ["jsonl", "csv", "reference"])
def test_a_job_is_exported(
    cogtrace: Run, job: Path, tmp_path: Path, form: str, to_file: bool
) -> None:
    path = tmp_path / "export"
    path.write_text("an older export, much longer than the new one" * 1_000)

    done = cogtrace("export", job, "--to", form, *(["--output", path] if to_file else []))

    assert done.returncode == 0, done.stderr
    text = path.read_bytes().decode() if to_file else done.stdout
    assert (done.stdout == "") is to_file
    ids = [trace.trace_id for trace, _ in JobReader(job).pairs()]
    if form == "jsonl":
        assert [json.loads(line)["trace_id"] for line in text.splitlines()] == ids
    elif form == "csv":
        rows = csv.DictReader(io.StringIO(text, newline=""))
        assert list(dict.fromkeys(row["trace_id"] for row in rows)) == ids
    else:
        assert [record["sample_id"] for record in json.loads(text).values()] == ids
    assert [p.name for p in tmp_path.iterdir()] == ["export"]


def test_an_export_into_a_file_as_if_it_were_a_folder_is_refused_in_words(
    cogtrace: Run, job: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")

    done = cogtrace("export", job, "--to", "jsonl", "-o", tmp_path / "file" / "out.jsonl")

    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "file").read_text() == "mine"


def test_an_export_that_fails_leaves_the_older_file_alone(
    cogtrace: Run, tiny_taxonomy: dict[str, Any], tmp_path: Path
) -> None:
    job = _make_job(tmp_path / "job", tiny_taxonomy, _TRACES)
    (job / "annotations" / "part-00000.parquet").write_bytes(b"not a table any more")
    (tmp_path / "export.csv").write_text("older")

    done = cogtrace("export", job, "--to", "csv", "-o", tmp_path / "export.csv")

    assert done.returncode != 0
    assert (tmp_path / "export.csv").read_text() == "older"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["export.csv", "job"]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["export", "JOB", "--to", "jsonl"],
        ["export", "JOB", "--to", "csv"],
        ["show", "JOB"],
        ["show", "JOB", "--json"],
        ["taxonomy", "list", "--json"],
        ["taxonomy", "show", "verification"],
    ],
    ids=" ".join,
)
def test_a_reader_that_goes_away_is_no_error(long_job: Path, arguments: list[str]) -> None:
    command = [str(long_job) if a == "JOB" else a for a in arguments]
    process = subprocess.Popen(
        [sys.executable, "-m", "cogtrace", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    if arguments[0] != "taxonomy":
        assert process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    errors = process.stderr.read().decode()
    process.stderr.close()

    assert (process.wait(timeout=60), errors) == (0, "")


@pytest.mark.parametrize(
    ("verb", "options"),
    [
        ("", ["--version", "annotate", "verify", "show", "export", "taxonomy"]),
        (
            "annotate",
            "INPUT --out -o --taxonomy --elements --annotator --workers -w --limit --part-traces "
            "--resume --format --map --allow-quarantine --json COGTRACE_LIMIT".split(),
        ),
        ("verify", ["DIR", "--json"]),
        ("show", ["DIR", "TRACE_ID", "--element", "-e", "--html", "--json"]),
        ("export", ["DIR", "--to", "--output", "-o"]),
        ("taxonomy", ["list", "show", "lint"]),
        ("taxonomy list", ["--taxonomy", "--json"]),
        ("taxonomy show", ["ELEMENT", "--taxonomy", "--json"]),
        ("taxonomy lint", ["FILE", "--strict", "--json"]),
    ],
)
def test_help_names_every_option(cogtrace: Run, verb: str, options: list[str]) -> None:
    done = cogtrace(*verb.split(), "--help", env=os.environ | {"COLUMNS": "160", "NO_COLOR": "1"})

    assert (done.returncode, done.stderr) == (0, "")
    words = done.stdout.replace(",", " ").replace("[", " ").replace("]", " ").replace("{", " ")
    assert set(options) <= {word.rstrip(".…") for word in words.replace("}", " ").split()}


def test_the_version_is_that_of_the_package(cogtrace: Run) -> None:
    from cogtrace import __version__

    done = cogtrace("--version")

    assert (done.returncode, done.stdout) == (0, f"cogtrace {__version__}\n")
