"""Time and memory of `cogtrace evaluate` on jobs that are made up for it.

    python benchmarks/bench_evaluation.py [--traces 5000] [--draws 1000]

The texts are paragraphs of the sample corpus in random order, the prediction is that of
the cue annotator, and the gold is the same with a third of it changed.
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
from pathlib import Path

import msgspec

from cogtrace.annotator.cues import CueAnnotator
from cogtrace.annotator.job import JobFolder, JobPlan, run_job
from cogtrace.annotator.registry import AnnotatorSpec
from cogtrace.corpora.evaluation import Settings, evaluate
from cogtrace.corpora.sample import sample_path
from cogtrace.extensions import AnnotatorKind, AnnotatorSetup
from cogtrace.records import Annotation, AnnotatorRef, ElementAnnotation, SourceRow, Trace
from cogtrace.taxonomy import Taxonomy, load_taxonomy

_CHANGED = 1 / 3
_PER_QUESTION = 3


class _Doubter:
    """Annotates as the cue annotator does, and changes its mind about a third."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self.ref = AnnotatorRef(name="doubter", version="1", fingerprint="0" * 16)
        self._cues = CueAnnotator(taxonomy)
        self._draw = random.Random(2)

    def annotate(self, traces: list[Trace]) -> list[Annotation]:
        """Return the annotations of a batch."""
        return [
            msgspec.structs.replace(
                annotation,
                annotator=self.ref,
                elements=tuple(self._changed(entry) for entry in annotation.elements),
            )
            for annotation in self._cues.annotate(traces)
        ]

    def spent(self) -> None:
        """Return None: nothing is counted."""

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

    def _changed(self, entry: ElementAnnotation) -> ElementAnnotation:
        if not entry.spans or self._draw.random() > _CHANGED:
            return entry
        kept = tuple(span for span in entry.spans if self._draw.random() > _CHANGED)
        score = self._draw.choice((1, 2)) if kept else 0
        return msgspec.structs.replace(entry, score=score, spans=kept)


def main() -> None:
    """Make the jobs, evaluate, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--traces", type=int, default=5_000)
    parser.add_argument("--draws", type=int, default=1_000)
    options = parser.parse_args()
    taxonomy = load_taxonomy()
    kind = AnnotatorKind(name="doubter", summary="", build=lambda setup: _Doubter(setup.taxonomy))
    with tempfile.TemporaryDirectory() as temporary:
        rows = [SourceRow(file="-", line=n, value=t) for n, t in _traces(options.traces)]
        specs = {
            "cue": AnnotatorSpec.cue(taxonomy),
            "gold": AnnotatorSpec(kind, AnnotatorSetup(taxonomy=taxonomy)),
        }
        for name, spec in specs.items():
            run_job(JobPlan(folder=JobFolder(Path(temporary) / name), spec=spec), iter(rows))
        size = sum(len(row.value.text) for row in rows if isinstance(row.value, Trace)) / 1e6
        start, cpu = time.perf_counter(), time.process_time()
        gold = Settings(gold=str(Path(temporary) / "gold"), bootstrap=options.draws)
        evaluate([Path(temporary) / "cue"], gold)
        wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{options.traces:,} traces ({size:.0f} million characters), {len(taxonomy.elements)} "
        f"elements, {options.draws:,} draws: {wall:.1f} s wall, {cpu:.1f} s CPU, "
        f"peak {peak:.0f} MiB"
    )


def _traces(count: int) -> list[tuple[int, Trace]]:
    lines = sample_path().read_bytes().splitlines()
    texts = [msgspec.json.decode(line)["text"] for line in lines]
    paragraphs = [piece for text in texts for piece in text.split("\n\n")]
    draw = random.Random(1)
    return [
        (
            number,
            Trace(
                trace_id=f"t{number}",
                text="\n\n".join(draw.choices(paragraphs, k=draw.randint(2, 20))),
                question=f"Q{number // _PER_QUESTION}",
            ),
        )
        for number in range(count)
    ]


if __name__ == "__main__":
    main()
