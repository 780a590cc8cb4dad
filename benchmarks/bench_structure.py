"""CPU time and memory of `cogtrace structure` on many traces.

    python benchmarks/bench_structure.py [--size 192000] [--seed 7] [--keep DIR]
    python benchmarks/bench_structure.py --folder DIR [--keep DIR]

Annotations come from a folder with JSON of the reference's layout, or from the generator
of such folders (--generator; not part of the project). From the same annotations a job
folder is made, once without text (quotes are empty, as where the reference's JSON is
imported) and once with made-up text, cut into parts as a job would. Each line is a process
of its own, from after its imports to the end; --keep saves making the folders again.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl

from cogtrace.annotator.job.folder import ANNOTATIONS, TRACES, JobFolder
from cogtrace.annotator.job.ledger import Entry, Ledger
from cogtrace.annotator.job.manifest import Manifest
from cogtrace.annotator.job.tables import ANNOTATION_COLUMNS, BOUNDS, SPAN, TRACE_COLUMNS, parquet
from cogtrace.jobs.files import write_atomically
from cogtrace.jobs.ledger import describe
from cogtrace.jobs.provenance import here, now
from cogtrace.records import AnnotatorRef, TaxonomyRef

_GENERATOR = Path(__file__).parents[1] / "../shared/structure/gen_annotations.py"
_PART = {"bare": 4_096, "text": 1_040}  # traces in a part; text fills one sooner
_LINES = (
    ("reference", "reference", "the reference's JSON"),
    ("bare", "reference", "Parquet"),
    ("bare", "corrected", "Parquet"),
    ("text", "reference", "Parquet with text"),
    ("text", "corrected", "Parquet with text"),
)


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--size", type=int, default=192_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--generator", type=Path, default=_GENERATOR)
    parser.add_argument("--folder", type=Path, help="JSON of the reference's layout")
    parser.add_argument("--keep", type=Path, help="where to make folders, and find them again")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        _work(*options.child)
        return
    with tempfile.TemporaryDirectory() as temporary:
        keep = options.keep or Path(temporary)
        source = options.folder or keep / "reference"
        if not source.is_dir():
            sized = ["--size", str(options.size), "--seed", str(options.seed)]
            subprocess.run([sys.executable, options.generator, "--out", source, *sized], check=True)
        for kind in _PART:
            if not JobFolder(keep / kind).is_job():
                make_job(source, keep / kind, kind)
        print(f"{'from':22}{'mode':12}{'read':>8}{'compute':>9}{'CPU s':>8}{'MiB':>7}")
        for kind, mode, name in _LINES:
            folder = source if kind == "reference" else keep / kind
            read, compute, peak = _measured(kind, folder, mode)
            total = read + compute
            print(f"{name:22}{mode:12}{read:8.2f}{compute:9.2f}{total:8.2f}{peak:7.0f}")


def _work(kind: str, folder: str, mode: str) -> None:
    from cogtrace.corpora.structure import Settings, analyse, load_jobs, load_reference

    began = time.process_time()
    if kind == "reference":
        corpus = load_reference(Path(folder), "reference" if mode == "reference" else "corrected")
    else:
        corpus = load_jobs([Path(folder)])
    read = time.process_time()
    settings = Settings(mode="reference" if mode == "reference" else "corrected")
    size = len(analyse(corpus, settings).json())
    done = time.process_time()
    # Not ru_maxrss, which a process inherits from the one that started it.
    status = Path("/proc/self/status").read_text()
    peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
    print(read - began, done - read, peak, size)


def _measured(kind: str, folder: Path, mode: str) -> tuple[float, float, float]:
    """Return CPU seconds of reading and of computing, and the peak of memory in MiB."""
    command = [sys.executable, __file__, "--child", kind, str(folder), mode]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    read, compute, peak, _ = map(float, done.stdout.split())
    return read, compute, peak


def make_job(source: Path, path: Path, kind: str) -> None:
    """Write the traces of a folder of the reference's JSON as a job folder."""
    folder = JobFolder(path)
    for table in (TRACES, ANNOTATIONS):
        (path / table).mkdir(parents=True)
    draw = random.Random(0)
    words = ["".join(draw.choices("etaoinshrdlu", k=draw.randint(1, 9))) for _ in range(20_000)]
    text = " ".join(draw.choices(words, k=700_000)) if kind == "text" else ""
    ledger = Ledger(folder.ledger)
    entries: list[Entry] = []
    records = _records(source)
    while part := list(islice(records, _PART[kind])):
        frames = _frames(part, text, len(entries))
        files = []
        for table, frame in zip((TRACES, ANNOTATIONS), frames, strict=True):
            target = folder.part(table, len(entries))
            content = parquet(frame, {})
            target.write_bytes(content)
            files.append(describe(content, table, target.name, frame.height))
        entries.append(_entry(entries, len(part), tuple(files)))
        ledger.append(entries[-1])
    manifest = Manifest(
        created=now(),
        updated=now(),
        inputs=(),
        taxonomy=TaxonomyRef(id="made-up", version="1.0.0", sha256="0" * 64),
        annotator=AnnotatorRef(name="made-up", version="1.0.0", fingerprint="0" * 16),
        elements=(),
        options={},
        platform=here(),
    )
    write_atomically(folder.taxonomy, b"{}")
    manifest.progressed("finished", entries).write(folder)


def _records(source: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(source.glob("*.json")):
        yield from msgspec.json.decode(path.read_bytes()).items()


def _frames(
    part: list[tuple[str, dict[str, Any]]], text: str, number: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    base = text[number * 11_003 % 2_000_000 :]  # another stretch for each part
    traces = pl.DataFrame(
        {
            "trace_id": [key for key, _ in part],
            "text_sha256": [f"{number:064}" for _ in part],
            "sentences": [1 for _ in part],
            "problem_type": [record["problem_type"] for _, record in part],
            "model": [record["model_name"] for _, record in part],
            "correct": [record["correctness"] for _, record in part],
            "text": [base[place * 997 :][:12_000] for place in range(len(part))],
        }
    )
    missing = [name for name in TRACE_COLUMNS if name not in traces.columns]
    traces = traces.with_columns(pl.lit(None).alias(name) for name in missing)
    rows = [
        (key, name, entry["score"], [[int(a), int(b)] for a, b in entry["spans"]], place)
        for place, (key, record) in enumerate(part)
        for name, entry in record["element_annotation"].items()
    ]
    counts = np.array([len(row[3]) for row in rows])
    bounds = np.array(list(chain.from_iterable(row[3] for row in rows)), np.int64).reshape(-1, 2)
    places = np.repeat([row[4] * 997 for row in rows], counts).tolist()
    first, last = bounds[:, 0].tolist(), bounds[:, 1].tolist()
    flat = pl.DataFrame(
        {
            "start": bounds[:, 0],
            "end": bounds[:, 1],
            "quote": [base[p + a : p + b] for p, a, b in zip(places, first, last, strict=True)],
            "first_sentence": bounds[:, 0] // 80 + 1,
            "last_sentence": bounds[:, 1] // 80 + 1,
            "anchor": ["sentence"] * len(bounds),
            "source": ["made-up"] * len(bounds),
            "confidence": np.full(len(bounds), 0.75),
        }
    )
    owner = pl.Series("row", np.repeat(np.arange(len(rows)), counts))
    lists = flat.to_struct("spans").to_frame().with_columns(owner)
    annotations = pl.DataFrame(
        {
            "row": np.arange(len(rows)),
            "trace_id": [row[0] for row in rows],
            "element": [row[1] for row in rows],
            "score": [row[2] for row in rows],
            "explanation": pl.Series([None] * len(rows), dtype=pl.String),
        }
    ).join(lists.group_by("row", maintain_order=True).agg("spans"), on="row", how="left")
    empty = pl.lit([], dtype=pl.List(SPAN))
    annotations = annotations.sort("row").with_columns(
        pl.col("spans").cast(pl.List(SPAN)).fill_null(empty)
    )
    bound = pl.struct(pl.element().struct.field("start"), pl.element().struct.field("end"))
    annotations = annotations.with_columns(pl.col("spans").list.eval(bound).alias(BOUNDS))
    return (
        traces.select(pl.col(name).cast(kind) for name, kind in TRACE_COLUMNS.items()),
        annotations.select(pl.col(name).cast(kind) for name, kind in ANNOTATION_COLUMNS.items()),
    )


def _entry(entries: list[Entry], traces: int, files: tuple[Any, ...]) -> Entry:
    return Entry(
        part=len(entries),
        rows=traces + (entries[-1].rows if entries else 0),
        rows_sha256="0" * 64,
        quarantine_bytes=0,
        files=files,
        traces=traces,
        duplicates=0,
        quarantined=0,
        sentences=traces,
        spans=0,
        text_bytes=0,
        seconds=0.0,
    )


if __name__ == "__main__":
    main()
