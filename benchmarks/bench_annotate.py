"""Speed of the bulk path and of the spaCy pipe, and memory of a job, in one run.

    python benchmarks/bench_annotate.py [INPUT] [--mb 20] [--no-memory]

INPUT is any input of `cogtrace annotate`; the bundled sample corpus by default, repeated
to the size asked for. Speeds are per core (CPU time), memory is the peak of the whole
job with one worker.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import spacy
from spacy.language import Language

from cogtrace.annotator.cues import CueAnnotator
from cogtrace.annotator.sentences import sentence_ranges
from cogtrace.corpora.readers import open_inputs, read_traces
from cogtrace.corpora.sample import sample_path
from cogtrace.records import Trace

_BATCH = 512


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("input", nargs="?", default=str(sample_path()))
    parser.add_argument("--mb", type=float, default=20.0, help="text to time on")
    parser.add_argument("--no-memory", action="store_true", help="leave the memory figures out")
    options = parser.parse_args()
    base = [
        row.value
        for row in read_traces(open_inputs([options.input]), {})
        if isinstance(row.value, Trace)
    ]
    traces = _repeat(base, options.mb * 1e6)
    _speeds(traces)
    if not options.no_memory:
        _memory(base)


def _repeat(base: list[Trace], size: float) -> list[Trace]:
    traces: list[Trace] = []
    total = 0
    for number, trace in enumerate(itertools.cycle(base)):
        if total >= size:
            return traces
        name = f"{number}-{trace.trace_id}"
        traces.append(Trace(trace_id=name, text=trace.text, question=trace.question))
        total += len(trace.text.encode())
    return traces


def _speeds(traces: list[Trace]) -> None:
    size = sum(len(trace.text.encode()) for trace in traces) / 1e6
    some = traces[: max(1, len(traces) // 10)]
    small = sum(len(trace.text.encode()) for trace in some) / 1e6
    annotator = CueAnnotator()
    nlp = spacy.blank("en")
    nlp.max_length = 10**9
    bare = spacy.blank("en")
    bare.max_length = 10**9
    nlp.add_pipe("trace_sentences")
    nlp.add_pipe("cognitive_elements")
    print(f"{len(traces)} traces, {size:.1f} MB of text; MB/s per core (CPU time)")

    def bulk() -> None:
        for start in range(0, len(traces), _BATCH):
            annotator.annotate(traces[start : start + _BATCH])

    def split() -> None:
        for trace in traces:
            sentence_ranges(trace.text)

    def pipe(pipeline: Language) -> Callable[[], None]:
        def run() -> None:
            for _ in pipeline.pipe(trace.text for trace in some):
                pass

        return run

    rates = {
        "sentences alone": size / _cpu(split),
        "bulk path": size / _cpu(bulk),
        "spaCy tokenizer alone": small / _cpu(pipe(bare)),
        "spaCy pipe (tokenizer, trace_sentences, cognitive_elements)": small / _cpu(pipe(nlp)),
    }
    for name, rate in rates.items():
        print(f"  {name:62}{rate:8.2f}")
    ratio = rates["bulk path"] / list(rates.values())[-1]
    print(f"  {'bulk path over spaCy pipe':62}{ratio:8.2f}")


def _cpu(work: Callable[[], None], runs: int = 3) -> float:
    """Return the CPU seconds of the fastest of some runs."""
    best = float("inf")
    for _ in range(runs):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best


def _memory(base: list[Trace]) -> None:
    print("peak memory of `cogtrace annotate` with one worker")
    for annotator in ("cue", "merged"):
        peaks = {mb: _annotated(base, mb, annotator) for mb in (20, 200)}
        print(f"    ratio {peaks[200] / peaks[20]:.2f}")


def _annotated(base: list[Trace], mb: int, annotator: str) -> int:
    """Annotate so much text; print and return the peak of memory in bytes."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "traces.jsonl"
        with source.open("w", encoding="utf-8") as file:
            for trace in _repeat(base, mb * 1e6):
                file.write(json.dumps({"trace_id": trace.trace_id, "text": trace.text}) + "\n")
        command = [sys.executable, "-m", "cogtrace", "annotate", str(source)]
        options = ["--out", str(Path(folder) / "out"), "--annotator", annotator, "--json"]
        began = time.perf_counter()
        peak = _peak([*command, *options])
        seconds = time.perf_counter() - began
    print(
        f"  {annotator:6} {mb:>4} MB of text: {peak / 2**20:6.0f} MiB, {seconds:6.1f} s wall time"
    )
    return peak


def _peak(command: list[str]) -> int:
    """Return the peak memory of a command in bytes, measured by a process of its own."""
    code = (
        "import resource, subprocess, sys;"
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL,"
        " stderr=subprocess.DEVNULL);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, *command], check=True, capture_output=True, text=True
    )
    unit = 1 if sys.platform == "darwin" else 1024
    return int(ran.stdout) * unit


if __name__ == "__main__":
    main()
