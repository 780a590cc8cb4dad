"""`cogtrace annotate` as a program: what it reads, writes, refuses, and how it exits."""

from __future__ import annotations

import json
import os
import resource
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from in_process import InProcess

from cogtrace.annotator.job import JobFolder, JobReader, verify_job

Run = Callable[..., subprocess.CompletedProcess[str]]
Write = Callable[..., Path]

ROWS = [
    {"id": "a", "text": "Back to square one. The rain stopped.", "model": "m1"},
    {"id": "b", "text": "Let me reread that. I would guess it is nine.", "model": "m2"},
    {"id": "c", "text": "Nothing of note.", "model": "m1"},
]


@pytest.fixture
def cogtrace(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return the command line, run in this process."""
    return InProcess(monkeypatch, capsys)


@pytest.fixture
def taxonomy_file(tmp_path: Path, tiny_taxonomy: dict[str, Any]) -> Path:
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(tiny_taxonomy))
    return path


def _snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def _fails(
    done: subprocess.CompletedProcess[str], code: int, *says: str
) -> subprocess.CompletedProcess[str]:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    for part in says:
        assert part in " ".join(done.stderr.split()), done.stderr
    return done


@pytest.mark.parametrize(
    ("options", "name"),
    [
        pytest.param([], "merged", id="the bundled taxonomy"),
        pytest.param(["--elements", "verification"], "merged", id="some of its elements"),
        pytest.param(["--annotator", "cue"], "cue", id="asked for"),
    ],
)
def test_the_bundled_taxonomy_is_found_by_cues_and_model_together(
    cogtrace: Run, write_jsonl: Write, tmp_path: Path, options: list[str], name: str
) -> None:
    done = cogtrace("annotate", write_jsonl(ROWS), "--out", tmp_path / "out", *options)

    assert done.returncode == 0, done.stderr
    assert JobReader(tmp_path / "out").manifest.annotator.name == name


def test_a_taxonomy_that_no_model_was_trained_for_is_found_by_cues(
    cogtrace: Run, write_jsonl: Write, taxonomy_file: Path, tmp_path: Path
) -> None:
    options = ("--out", tmp_path / "out", "--taxonomy", taxonomy_file)
    done = cogtrace("annotate", write_jsonl(ROWS), *options)

    assert done.returncode == 0, done.stderr
    assert JobReader(tmp_path / "out").manifest.annotator.name == "cue"


def test_good_rows_are_annotated_and_the_exit_code_is_0(
    program: Run, write_jsonl: Write, taxonomy_file: Path, tmp_path: Path
) -> None:
    done = program(
        "annotate", write_jsonl(ROWS), "--out", tmp_path / "out", "--taxonomy", taxonomy_file
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "trace_id=id, text=text, model=model" in done.stderr
    assert "3 traces, 5 sentences, 3 spans, 0 duplicates, 0 quarantined" in done.stderr
    found = {
        trace.trace_id: {e.element: [s.quote for s in e.spans] for e in annotation.elements}
        for trace, annotation in JobReader(tmp_path / "out").pairs()
    }
    assert found == {
        "a": {"re-reading": [], "turning-back": ["Back to square one."], "guessing": []},
        "b": {
            "re-reading": ["Let me reread that."],
            "turning-back": [],
            "guessing": ["I would guess it is nine."],
        },
        "c": {"re-reading": [], "turning-back": [], "guessing": []},
    }
    assert verify_job(JobFolder(tmp_path / "out")).problems == []


def test_the_bundled_corpus_needs_no_file(cogtrace: Run, tmp_path: Path) -> None:
    done = cogtrace("annotate", "@sample", "-o", tmp_path / "out", "--limit", 4, "--json")

    assert done.returncode == 0, done.stderr
    manifest = json.loads(done.stdout)
    assert manifest["counts"]["traces"] == 4
    assert manifest["inputs"][0]["path"] == "@sample"
    assert manifest["out"] == str(tmp_path / "out")
    assert len(manifest["elements"]) == 28


@pytest.mark.parametrize(("options", "code"), [([], 1), (["--allow-quarantine"], 0)])
def test_a_bad_row_makes_the_exit_code_1_unless_it_is_allowed(
    cogtrace: Run, write_jsonl: Write, tmp_path: Path, options: list[str], code: int
) -> None:
    rows = [ROWS[0], "{broken", {"id": "q", "text": None}, ROWS[1], {"text": "x", "id": "a"}]
    path = write_jsonl(rows)

    done = cogtrace("annotate", path, "--out", tmp_path / "out", *options)

    assert done.returncode == code, done.stderr
    assert "2 traces" in done.stderr
    assert "3 quarantined" in done.stderr
    assert f"1 bad-json, first at {path}:2: " in done.stderr
    assert f"1 no-text, first at {path}:3: " in done.stderr
    assert f"1 duplicate-id, first at {path}:5: " in done.stderr
    kept = (tmp_path / "out" / "quarantine.jsonl").read_text().splitlines()
    assert [json.loads(line)["line"] for line in kept] == [2, 3, 5]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["gone.jsonl"], ["gone.jsonl: no such file"], id="missing-file"),
        pytest.param(["notext.jsonl"], ["notext.jsonl", "id, story", "--map"], id="no-text"),
        pytest.param(["good.jsonl", "--map", "txt=a"], ["txt", "trace_id"], id="unknown-field"),
        pytest.param(["good.jsonl", "--elements", "verifying"], ["verification"], id="element"),
        pytest.param(["good.jsonl", "--elements", ","], ["--elements"], id="no-elements"),
        pytest.param(["good.jsonl", "--annotator", "x"], ["x", "cue"], id="unknown-annotator"),
        pytest.param(["good.jsonl", "--limit", "0"], ["--limit"], id="limit-0"),
        pytest.param(["good.jsonl", "--taxonomy", "gone.json"], ["gone.json"], id="no-taxonomy"),
        pytest.param(["good.jsonl", "--taxonomy", "bad.json"], ["bad.json", "line 1"], id="json"),
        pytest.param([], ["INPUT"], id="no-input"),
    ],
)
def test_what_cannot_start_says_why_exits_2_and_leaves_no_job(
    cogtrace: Run, tmp_path: Path, arguments: list[str], says: list[str]
) -> None:
    (tmp_path / "good.jsonl").write_text(json.dumps(ROWS[0]) + "\n")
    (tmp_path / "notext.jsonl").write_text('{"id": 1, "story": "x"}\n')
    (tmp_path / "bad.json").write_text("{")

    done = cogtrace("annotate", *arguments, "--out", "out", cwd=tmp_path)

    _fails(done, 2, *says)
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_a_stream_without_a_text_can_be_tried_again_with_the_column_named(
    program: Run, tmp_path: Path
) -> None:
    stream = '{"id": 1, "story": "Back to square one."}\n'
    command = ("annotate", "-", "--out", tmp_path / "out")

    _fails(program(*command, input=stream), 2, "id, story", "--map text=")
    again = program(*command, "--map", "text=story", input=stream)

    assert again.returncode == 0, again.stderr


@pytest.mark.parametrize("options", [[], ["--resume"]], ids=["anew", "resume"])
@pytest.mark.parametrize("place", ["a-file", "a-full-folder"])
def test_what_is_not_ours_is_refused_and_not_touched(
    cogtrace: Run, write_jsonl: Write, tmp_path: Path, place: str, options: list[str]
) -> None:
    source = write_jsonl(ROWS)
    (tmp_path / "a-file").write_text("work")
    (tmp_path / "a-full-folder" / "traces").mkdir(parents=True)
    (tmp_path / "a-full-folder" / "thesis.tex").write_text("years of work")
    (tmp_path / "a-full-folder" / "traces" / "part-00000.parquet").write_text("years of data")
    before = _snapshot(tmp_path)

    done = cogtrace("annotate", source, "--out", tmp_path / place, *options)

    assert _snapshot(tmp_path) == before
    _fails(done, 2, place)


def test_a_finished_folder_is_refused_and_not_touched(
    cogtrace: Run, write_jsonl: Write, tmp_path: Path
) -> None:
    source, out = write_jsonl([*ROWS, "{broken"]), tmp_path / "out"
    assert cogtrace("annotate", source, "--out", out).returncode == 1
    before = _snapshot(out)
    assert len(before) == 6

    _fails(cogtrace("annotate", source, "--out", out), 2, str(out), "--resume")

    assert _snapshot(out) == before


def test_resuming_a_finished_job_changes_nothing(
    cogtrace: Run, write_jsonl: Write, tmp_path: Path
) -> None:
    source, out = write_jsonl([*ROWS, "{broken"]), tmp_path / "out"
    command = ("annotate", source, "--out", out, "--part-traces", "2", "--allow-quarantine")
    assert cogtrace(*command).returncode == 0
    manifest = out / "manifest.json"
    before, told = _snapshot(out), json.loads(manifest.read_bytes())
    del before[str(manifest)]

    done = cogtrace(*command, "--resume")

    assert done.returncode == 0, done.stderr
    after = _snapshot(out)
    del after[str(manifest)]
    assert after == before
    assert json.loads(manifest.read_bytes()) | {"updated": told["updated"]} == told


def _no_large_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))


def test_a_job_that_cannot_write_on_exits_3_and_goes_on_when_it_can(
    program: Run, write_jsonl: Write, taxonomy_file: Path, tmp_path: Path
) -> None:
    # The last trace makes a part larger than any file may be under the limit.
    big = {"id": "big", "text": os.urandom(200_000).hex()}
    out = tmp_path / "out"
    command = ("annotate", write_jsonl([*ROWS, big]), "--out", out, "--taxonomy", taxonomy_file)

    stopped = program(*command, "--part-traces", "3", preexec_fn=_no_large_files)

    _fails(stopped, 3, "--resume", "1 parts are safe")
    _fails(program("verify", out), 3, "not finished")
    assert program(*command, "--resume").returncode == 0
    report = verify_job(JobFolder(out))
    assert (report.status, report.rows, report.problems) == ("finished", 4, [])


def test_a_disk_that_is_full_from_the_start_is_an_error_in_words(
    program: Run, write_jsonl: Write, tmp_path: Path, tiny_taxonomy: dict[str, Any]
) -> None:
    large = tmp_path / "large.json"
    large.write_text(json.dumps(tiny_taxonomy | {"description": "x" * 80_000}))

    done = program(
        *("annotate", write_jsonl(ROWS), "--out", tmp_path / "out", "--taxonomy", large),
        preexec_fn=_no_large_files,
    )

    assert done.returncode in (2, 3)
    _fails(done, done.returncode, str(tmp_path / "out"), "File too large")


@pytest.mark.parametrize(
    ("options", "environment", "rows", "elements"),
    [
        pytest.param(["--limit", 2], {}, 2, ["re-reading", "turning-back", "guessing"], id="limit"),
        pytest.param(
            [], {"LIMIT": "1"}, 1, ["re-reading", "turning-back", "guessing"], id="limit-by-env"
        ),
        pytest.param(
            ["--limit", 2],
            {"LIMIT": "1"},
            2,
            ["re-reading", "turning-back", "guessing"],
            id="option-goes-before-env",
        ),
        pytest.param(
            ["--elements", "guessing, u-turn"], {}, 3, ["turning-back", "guessing"], id="alias"
        ),
    ],
)
def test_options_and_environment_choose_rows_and_elements(
    cogtrace: Run,
    write_jsonl: Write,
    taxonomy_file: Path,
    tmp_path: Path,
    options: list[object],
    environment: dict[str, str],
    rows: int,
    elements: list[str],
) -> None:
    extra = {f"COGTRACE_{name}": value for name, value in environment.items()}

    done = cogtrace(
        *("annotate", write_jsonl(ROWS), "-o", tmp_path / "out", "--taxonomy", taxonomy_file),
        *("--json", *options),
        env=os.environ | extra,
    )

    assert done.returncode == 0, done.stderr
    manifest = json.loads(done.stdout)
    assert (manifest["counts"]["rows"], manifest["elements"]) == (rows, elements)
    found = pl.read_parquet(tmp_path / "out" / "annotations" / "*.parquet")
    assert found["element"].to_list() == rows * elements


def test_columns_can_be_named(cogtrace: Run, write_jsonl: Write, tmp_path: Path) -> None:
    rows = [{"text": "not this", "turns": [{"say": "This one."}], "engine": "m9"}]

    done = cogtrace(
        *("annotate", write_jsonl(rows), "-o", tmp_path / "out"),
        *("--map", "text=turns.0.say", "--map", "model=engine"),
    )

    assert done.returncode == 0, done.stderr
    ((trace, _),) = JobReader(tmp_path / "out").pairs()
    assert (trace.text, trace.model) == ("This one.", "m9")


def test_a_file_without_rows_is_warned_about_and_is_no_error(
    cogtrace: Run, write_jsonl: Write, tmp_path: Path
) -> None:
    empty, good = write_jsonl([], "empty.jsonl"), write_jsonl(ROWS)

    done = cogtrace("annotate", empty, good, "--out", tmp_path / "out")

    assert done.returncode == 0, done.stderr
    warnings = [line for line in done.stderr.splitlines() if line.startswith("warning:")]
    assert warnings == [f"warning: {empty}: no rows in it"]


def test_a_trace_of_5_mb_is_annotated_in_one_piece(
    cogtrace: Run, write_jsonl: Write, tmp_path: Path
) -> None:
    sentence = "Let me reread this sum of four numbers again; it is forty-one. It rained then. "
    text = sentence * (5_000_000 // len(sentence) + 1)

    done = cogtrace(
        "annotate", write_jsonl([{"id": "long", "text": text}]), "-o", tmp_path / "out", "--json"
    )

    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)["counts"]
    assert (counts["traces"], counts["quarantined"], counts["bytes"]) == (1, 0, len(text))
    assert counts["sentences"] == 2 * text.count(sentence)
    ((trace, annotation),) = JobReader(tmp_path / "out").pairs()
    assert trace.text == text
    assert annotation.sentences == counts["sentences"]


def test_messages_carry_no_control_characters_from_an_input(cogtrace: Run, tmp_path: Path) -> None:
    path = tmp_path / "evil\x1b[31m\u202e.jsonl"
    path.write_text('{"te\x1bxt": 1}\n' + json.dumps({"text": "t", "i\x1b[2Jd": 1}) + "\n")

    done = cogtrace("annotate", path, "--out", tmp_path / "out")

    assert done.returncode == 1, done.stderr
    assert not set(done.stdout + done.stderr) & set("\x1b\x07\0\u202e")


def test_the_columns_of_a_stream_are_shown_and_recorded(tmp_path: Path, program: Run) -> None:
    out = tmp_path / "out"

    done = program("annotate", "-", "--out", out, input='{"id": "a", "response": "So be it."}\n')

    assert done.returncode == 0, done.stderr
    assert "text=response" in done.stderr
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["inputs"][0]["columns"] == {"trace_id": "id", "text": "response"}
