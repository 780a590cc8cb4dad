"""`cogtrace verify` finds whatever was done to a finished job, and says where."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from cogtrace.annotator.job import JobFolder, JobPlan, run_job, verify_job
from cogtrace.annotator.job.ledger import Entry, Ledger
from cogtrace.annotator.registry import AnnotatorSpec
from cogtrace.errors import JobDamaged
from cogtrace.jobs.ledger import FileRef, describe
from cogtrace.records import Quarantined, SourceRow, Trace
from cogtrace.taxonomy import build_taxonomy

Run = Callable[..., subprocess.CompletedProcess[str]]
Change = Callable[[pl.DataFrame], pl.DataFrame]


@pytest.fixture(scope="module")
def whole(tiny_taxonomy: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a finished job of two parts with two traces each, and two quarantined rows."""
    folder = JobFolder(tmp_path_factory.mktemp("whole") / "job")
    rows: list[Trace | Quarantined] = [
        Trace(trace_id=f"t{n}", text=f"Back to square one. Number {n}.") for n in range(4)
    ]
    for line in (5, 6):
        rows.append(Quarantined(file="f", line=line, reason="bad-json", message="no", raw="{"))
    spec = AnnotatorSpec.cue(build_taxonomy(tiny_taxonomy, "tiny"))
    plan = JobPlan(folder=folder, spec=spec, part_traces=2)
    run_job(plan, (SourceRow(file="f", line=n, value=row) for n, row in enumerate(rows, start=1)))
    assert verify_job(folder).problems == []
    return folder.path


@pytest.fixture
def job(whole: Path, tmp_path: Path) -> Path:
    """Return a copy of the job, to do harm to."""
    return Path(shutil.copytree(whole, tmp_path / "job"))


def _forge(job: Path, table: str, part: int, change: Change) -> None:
    """Change a table and the ledger with it, as one would who knows about the hashes."""
    path = JobFolder(job).part(table, part)
    frame = change(pl.read_parquet(path))
    provenance = {"cogtrace": pl.read_parquet_metadata(path)["cogtrace"]}
    frame.write_parquet(path, metadata=provenance)
    forged = describe(path.read_bytes(), table, path.name, frame.height)

    def put(ref: FileRef) -> FileRef:
        return forged if (ref.table, ref.name) == (table, path.name) else ref

    def again(entry: Entry) -> Entry:
        return msgspec.structs.replace(entry, files=tuple(put(ref) for ref in entry.files))

    entries = [again(entry) for entry in Ledger(job / "ledger.jsonl").read()]
    lines = b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries)
    (job / "ledger.jsonl").write_bytes(lines)


def _spans(**fields: pl.Expr) -> Change:
    changed = pl.element().struct.with_fields(**fields)
    return lambda frame: frame.with_columns(pl.col("spans").list.eval(changed))


def _flip_a_byte(job: Path) -> None:
    path = job / "annotations" / "part-00001.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _delete_a_part(job: Path) -> None:
    (job / "traces" / "part-00000.parquet").unlink()


def _cut_a_part(job: Path) -> None:
    path = job / "traces" / "part-00001.parquet"
    path.write_bytes(path.read_bytes()[:-1])


def _double_a_trace(job: Path) -> None:
    for table in ("traces", "annotations"):
        _forge(job, table, 1, lambda f: f.with_columns(pl.col("trace_id").replace("t2", "t0")))


def _add_a_part(job: Path) -> None:
    for table in ("traces", "annotations"):
        shutil.copy(job / table / "part-00001.parquet", job / table / "part-00002.parquet")


def _forge_a_quote(job: Path) -> None:
    _forge(job, "annotations", 0, _spans(quote=pl.lit("Back to square two.")))


def _move_a_span(job: Path) -> None:
    _forge(job, "annotations", 0, _spans(start=pl.element().struct.field("start") + 1))


def _move_a_bound(job: Path) -> None:
    moved = pl.element().struct.with_fields(end=pl.element().struct.field("end") + 1)
    _forge(job, "annotations", 0, lambda f: f.with_columns(pl.col("bounds").list.eval(moved)))


def _forge_a_text(job: Path) -> None:
    _forge(job, "traces", 1, lambda f: f.with_columns(pl.col("text") + " And more."))


def _raise_a_score(job: Path) -> None:
    _forge(job, "annotations", 0, lambda f: f.with_columns(score=pl.lit(2, dtype=pl.Int8)))


def _drop_an_element(job: Path) -> None:
    _forge(job, "annotations", 1, lambda f: f.filter(pl.col("element") != "guessing"))


def _drop_a_span(job: Path) -> None:
    def change(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(
            spans=pl.col("spans").list.head(0), score=pl.lit(0, dtype=frame.schema["score"])
        )

    _forge(job, "annotations", 0, change)


def _drop_a_quarantined_row(job: Path) -> None:
    path = job / "quarantine.jsonl"
    first = path.read_bytes().splitlines(keepends=True)[0]
    path.write_bytes(first)


def _drop_the_quarantine(job: Path) -> None:
    (job / "quarantine.jsonl").unlink()


def _tear_a_quarantined_row(job: Path) -> None:
    path = job / "quarantine.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"bad-json"', b'"bad-json', 1))


def _double_a_quarantined_row(job: Path) -> None:
    path = job / "quarantine.jsonl"
    first = path.read_bytes().splitlines(keepends=True)[0]
    path.write_bytes(first + first)


def _drop_a_ledger_line(job: Path) -> None:
    path = job / "ledger.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def _tear_a_ledger_line(job: Path) -> None:
    path = job / "ledger.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"part":0', b'"part":', 1))


def _spoil_the_manifest(job: Path) -> None:
    (job / "manifest.json").write_text("{")


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        pytest.param(_flip_a_byte, "annotations/part-00001.parquet: changed", id="changed-part"),
        pytest.param(_delete_a_part, "traces/part-00000.parquet: missing", id="deleted-part"),
        pytest.param(_double_a_trace, "trace 't0' is there more than once", id="doubled-trace"),
        pytest.param(_forge_a_quote, "[0, 19) is not its quote", id="tampered-quote"),
        pytest.param(_tear_a_quarantined_row, "quarantine", id="torn-quarantined-row"),
    ],
)
def test_harm_to_a_job_is_named_and_makes_the_exit_code_1(
    cogtrace: Run, job: Path, harm: Callable[[Path], None], says: str
) -> None:
    harm(job)

    done = cogtrace("verify", job)

    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert "sound" not in done.stdout


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        pytest.param(_cut_a_part, "traces/part-00001.parquet: changed", id="cut-part"),
        pytest.param(_add_a_part, "2 parts are in no ledger line", id="doubled-part"),
        pytest.param(_move_a_span, "[1, 19) is not its quote", id="moved-span"),
        pytest.param(_move_a_bound, "bounds that are not those of the spans", id="moved-bound"),
        pytest.param(_forge_a_text, "'t2': not the text annotated", id="tampered-text"),
        pytest.param(_raise_a_score, "score 2 with 0 spans", id="tampered-score"),
        pytest.param(_drop_an_element, "'t2': not the elements asked about", id="lost-element"),
        pytest.param(_drop_a_span, "2 spans in the table, 4 in the ledger", id="lost-span"),
        pytest.param(_drop_a_quarantined_row, "quarantine", id="lost-quarantined-row"),
        pytest.param(_drop_the_quarantine, "quarantine", id="lost-quarantine"),
        pytest.param(_double_a_quarantined_row, "in quarantine more than once", id="twice-bad"),
        pytest.param(_drop_a_ledger_line, "counts are not those of the ledger", id="lost-line"),
        pytest.param(_tear_a_ledger_line, "ledger.jsonl, line 1: unreadable", id="torn-line"),
        pytest.param(_spoil_the_manifest, "manifest.json: unreadable", id="spoilt-manifest"),
    ],
)
def test_no_harm_to_a_job_goes_unseen(job: Path, harm: Callable[[Path], None], says: str) -> None:
    harm(job)

    try:
        problems = verify_job(JobFolder(job)).problems
    except JobDamaged as error:
        problems = [str(error)]

    assert any(says in problem for problem in problems), problems


def test_a_sound_job_is_called_sound_and_is_not_touched(cogtrace: Run, job: Path) -> None:
    before = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in job.rglob("*") if p.is_file()}

    done = cogtrace("verify", job)

    assert (done.returncode, done.stderr) == (0, "")
    assert "6 rows read: 4 traces (12 trace-element units, 4 spans)" in done.stdout
    assert "2 quarantined" in done.stdout
    assert done.stdout.endswith("sound: nothing lost, nothing doubled\n")
    after = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in job.rglob("*") if p.is_file()}
    assert after == before


@pytest.mark.parametrize(
    ("harm", "code", "problems"), [(lambda job: None, 0, 0), (_flip_a_byte, 1, 1)]
)
def test_the_proof_is_printed_as_json_too(
    cogtrace: Run, job: Path, harm: Callable[[Path], None], code: int, problems: int
) -> None:
    harm(job)

    done = cogtrace("verify", job, "--json")

    report = json.loads(done.stdout)
    assert done.returncode == code
    assert (report["status"], report["rows"], report["traces"]) == ("finished", 6, 4)
    assert len(report["problems"]) == problems


@pytest.mark.parametrize("name", ["gone", "empty", "file"])
def test_a_place_without_a_job_makes_the_exit_code_2(
    cogtrace: Run, tmp_path: Path, name: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")

    done = cogtrace("verify", tmp_path / name)

    assert done.returncode == 2
    assert str(tmp_path / name) in done.stderr
    assert "Traceback" not in done.stderr
