"""The whole program on real traces, where they are at hand."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import spacy

from cogtrace.annotator.cues import CueAnnotator
from cogtrace.annotator.job import JobReader
from cogtrace.annotator.sentences import sentence_starts

pytestmark = pytest.mark.slow

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize(
    ("name", "annotated", "empty"),
    [
        pytest.param("traces_dev", 190, 0, id="models"),
        # Fourteen rows of this set hold no text.
        pytest.param("thinkaloud_dev", 28, 14, id="thinking aloud"),
    ],
)
def test_real_traces_are_annotated_and_proven(
    name: str, annotated: int, empty: int, dev_data: Path, tmp_path: Path, cogtrace: Run
) -> None:
    out = tmp_path / "out"
    done = cogtrace("annotate", dev_data / f"{name}.jsonl.gz", "--out", out)

    assert done.returncode == (1 if empty else 0), done.stderr
    assert cogtrace("verify", out).returncode == 0
    reader = JobReader(out)
    counts = reader.manifest.counts
    assert (counts.traces, counts.quarantined) == (annotated, empty)
    assert {row.reason for row in reader.quarantined()} == ({"empty-text"} if empty else set())


def test_the_spacy_pipe_and_the_bulk_path_agree_on_real_traces(dev_data: Path) -> None:
    nlp = spacy.blank("en")
    nlp.max_length = 10**9
    nlp.add_pipe("trace_sentences")
    nlp.add_pipe("cognitive_elements")
    annotator = CueAnnotator()
    with gzip.open(dev_data / "traces_dev.jsonl.gz", "rt", encoding="utf-8") as file:
        texts = [json.loads(line)["response"] for line in file]
    for text, doc in zip(texts, nlp.pipe(texts), strict=True):
        bulk = {
            (entry.element, span.start, span.end)
            for entry in annotator.annotate_text(text).elements
            for span in entry.spans
        }
        assert {
            (span.label_, span.start_char, span.end_char)
            for span in doc.spans["cognitive_elements"]
        } == bulk
        assert [sent.start_char for sent in doc.sents] == sentence_starts(text)
