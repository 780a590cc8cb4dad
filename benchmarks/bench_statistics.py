"""Time and memory of `cogtrace stats` on a large job folder that is made up for it.

    python benchmarks/bench_statistics.py [--traces 192000] [--draws 1000] [--keep DIR]

Each line is a process of its own: wall time from start to end, CPU time, peak memory.
"Clusters" are questions; a question has 18 traces, or one with --alone, which is the
hardest case for the bootstrap.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import numpy as np
import polars as pl

from cogtrace.annotator.job.folder import ANNOTATIONS, TRACES, JobFolder
from cogtrace.annotator.job.ledger import Entry, Ledger
from cogtrace.annotator.job.manifest import Counts, Manifest
from cogtrace.annotator.job.tables import ANNOTATION_COLUMNS, BOUNDS, SPAN, TRACE_COLUMNS, parquet
from cogtrace.corpora.statistics import Settings, compute, read_corpus
from cogtrace.corpora.statistics.bootstrap import resample
from cogtrace.corpora.statistics.cooccurrence import Cooccurrence
from cogtrace.corpora.statistics.prevalence import Prevalence
from cogtrace.corpora.statistics.sample import Sample
from cogtrace.corpora.statistics.summary import generator
from cogtrace.jobs.ledger import describe
from cogtrace.jobs.provenance import here, now
from cogtrace.records import AnnotatorRef, TaxonomyRef
from cogtrace.taxonomy import load_taxonomy

_PART = 4_000
_MODELS = 18
_QUOTE = "so this is what it comes to, and the rest follows from it"
_WORK = {
    "read": "reading only",
    "asked": "prevalence and co-occurrence",
    "all": "all tables, all traces",
    "groups": "all tables, by model, with a comparison",
}


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--traces", type=int, default=192_000)
    parser.add_argument("--draws", type=int, default=1_000)
    parser.add_argument("--alone", action="store_true", help="a question per trace")
    parser.add_argument("--only", choices=_WORK, action="append", help="only this line")
    parser.add_argument("--keep", type=Path, help="folder of the made-up job, made if missing")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        _work(options.child[0], Path(options.child[1]), options.draws)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary) / "job"
        if not JobFolder(folder).is_job():
            make_job(folder, options.traces, 1 if options.alone else _MODELS)
        size = sum(path.stat().st_size for path in folder.rglob("*.parquet")) / 1e6
        print(f"{options.traces:,} traces, {size:,.0f} MB of Parquet, {options.draws:,} draws")
        for name in options.only or _WORK:
            wall, cpu, peak = _measured(name, folder, options.draws)
            print(f"  {_WORK[name]:42} {wall:6.1f} s wall {cpu:6.1f} s CPU {peak:6.0f} MiB")


def make_job(path: Path, traces: int, per_question: int) -> None:
    """Write a job folder with made-up traces: every element asked about in each."""
    folder = JobFolder(path)
    for table in (TRACES, ANNOTATIONS):
        (path / table).mkdir(parents=True)
    elements = [element.id for element in load_taxonomy().elements]
    rng = np.random.default_rng(7)
    ledger = Ledger(folder.ledger)
    for part, begin in enumerate(range(0, traces, _PART)):
        numbers = np.arange(begin, min(traces, begin + _PART))
        heads, details = _part(numbers, per_question, elements, rng)
        files = []
        for table, frame in ((TRACES, heads), (ANNOTATIONS, details)):
            content = parquet(frame, {})
            folder.part(table, part).write_bytes(content)
            files.append(describe(content, table, folder.part(table, part).name, frame.height))
        text_bytes = int(heads["text"].str.len_bytes().sum())
        ledger.append(
            Entry(
                part=part,
                rows=int(numbers[-1]) + 1,
                rows_sha256="0" * 64,
                quarantine_bytes=0,
                files=tuple(files),
                traces=len(numbers),
                duplicates=0,
                quarantined=0,
                sentences=0,
                spans=0,
                text_bytes=text_bytes,
                seconds=0.0,
            )
        )
    _manifest(traces, elements).write(folder)


def _manifest(traces: int, elements: list[str]) -> Manifest:
    return Manifest(
        status="finished",
        created=now(),
        updated=now(),
        inputs=(),
        taxonomy=TaxonomyRef(id="cognitive", version="0", sha256="0" * 64),
        annotator=AnnotatorRef(name="made-up", version="0", fingerprint="0" * 16),
        elements=tuple(elements),
        options={},
        counts=Counts(rows=traces, traces=traces),
        platform=here(),
    )


def _part(
    numbers: np.ndarray, per_question: int, elements: list[str], rng: np.random.Generator
) -> tuple[pl.DataFrame, pl.DataFrame]:
    n, e = len(numbers), len(elements)
    length = np.exp(rng.normal(8.2, 0.8, n)).astype(np.int64) + 100
    pull = rng.normal(0, 1, n)[:, None] + np.linspace(-1.5, 1.5, e) + 0.3 * np.log(length)[:, None]
    score = np.digitize(pull + rng.normal(0, 1, (n, e)), (2.2, 3.0)).astype(np.int8)
    heads = pl.DataFrame(
        {
            "trace_id": [f"t{number}" for number in numbers],
            "text_sha256": [f"{number:064x}" for number in numbers],
            "sentences": (length // 60).astype(np.int32),
            "question": [f"Question {number // per_question}?" for number in numbers],
            "model": [f"model-{number % _MODELS}" for number in numbers],
            "correct": rng.random(n) < 1 / (1 + np.exp(-pull[:, 0])),
            "text": ["x" * size for size in length.tolist()],
        }
    )
    empty = [pl.lit(None, dtype=t).alias(c) for c, t in TRACE_COLUMNS.items() if c not in heads]
    heads = heads.with_columns(empty).select(
        [pl.col(name).cast(kind) for name, kind in TRACE_COLUMNS.items()]
    )
    rows = pl.DataFrame(
        {
            "trace_id": np.repeat(heads["trace_id"].to_numpy(), e),
            "element": np.tile(np.array(elements, dtype=object), n),
            "score": score.ravel(),
            "spans": _spans(score.ravel(), np.repeat(length, e), rng),
        }
    )
    bound = pl.struct(pl.element().struct.field("start"), pl.element().struct.field("end"))
    rows = rows.with_columns(
        pl.lit(None, dtype=pl.String).alias("explanation"),
        pl.col("spans").list.eval(bound).alias(BOUNDS),
    )
    return heads, rows.select([pl.col(c).cast(t) for c, t in ANNOTATION_COLUMNS.items()])


def _spans(score: np.ndarray, length: np.ndarray, rng: np.random.Generator) -> pl.Series:
    """Return one to three spans of a sentence's length per row that shows something."""
    count = np.where(score > 0, rng.integers(1, 4, len(score)), 0)
    owner = np.repeat(np.arange(len(score)), count)
    start = rng.integers(0, length[owner] - 60) // 60 * 60
    flat = pl.DataFrame(
        {"start": start, "end": start + len(_QUOTE), "quote": [_QUOTE] * len(owner)}
    ).with_columns(
        pl.lit(1, dtype=pl.Int32).alias("first_sentence"),
        pl.lit(1, dtype=pl.Int32).alias("last_sentence"),
        pl.lit("sentence").alias("anchor"),
        pl.lit("made-up").alias("source"),
        pl.lit(0.5).alias("confidence"),
    )
    grouped = (
        pl.DataFrame({"row": owner, "spans": flat.to_struct("spans")})
        .group_by("row", maintain_order=True)
        .agg(pl.col("spans"))
    )
    rows = pl.DataFrame({"row": np.arange(len(score))})
    empty = pl.lit([], dtype=pl.List(SPAN))
    return rows.join(grouped, on="row", how="left", maintain_order="left").select(
        pl.col("spans").fill_null(empty).cast(pl.List(SPAN))
    )["spans"]


def _work(name: str, folder: Path, draws: int) -> None:
    """Do one piece of work in this process, and print its time and memory."""
    settings = Settings(bootstrap=draws)
    if name == "groups":
        settings = Settings(bootstrap=draws, by=("model",), compare=("model-[0-8]", "*"))
    began = time.perf_counter()
    corpus = read_corpus([folder], columns=settings.columns())
    if name == "asked":
        sample = Sample(corpus, np.arange(len(corpus.length)))
        sections = (Prevalence(sample), Cooccurrence(sample))
        drawn = resample(sections, sample.clusters, draws, generator(0, {}, "group"))
        shares = sections[0].figures({}, drawn[0], settings.min_n)
        pairs = sections[1].figures({}, drawn[1], settings.min_n)
        assert len(shares) == 28
        assert len(pairs) == 28 * 27 / 2
    elif name != "read":
        compute(corpus, settings)
    wall = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_SELF)
    unit = 1 if sys.platform == "darwin" else 1024
    cpu = used.ru_utime + used.ru_stime
    print(msgspec.json.encode([wall, cpu, used.ru_maxrss * unit / 2**20]).decode())


def _measured(name: str, folder: Path, draws: int) -> list[float]:
    command = [sys.executable, __file__, "--draws", str(draws), "--child", name, str(folder)]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    return msgspec.json.decode(ran.stdout, type=list[float])


if __name__ == "__main__":
    main()
