"""Fit the scoring thresholds of the bundled taxonomy to labelled traces.

    python benchmarks/fit_thresholds.py FOLDER [--merged] [--write]

Fits, per element and to nothing but the labels of the readers: the two thresholds on
the evidence of a trace (best kappa with quadratic weights, median over bootstrap samples
and both readers) and the one on the probability of a sentence (best F1 of the element's
sentences). Cues, their strengths and everything else stay as they are. Prints the agreement in
cross-validation, which is what to expect on other traces; --write puts the thresholds
into the element files; run fit_screen.py after it, whose thresholds lie below these.
With --merged all of it for the merged annotator, whose thresholds lie beside its model;
there, too, whether evidence carries over to the sentence after it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
from element_files import update_scoring
from labelled import Labelled, Marks, Scores, best_thresholds, f1, kappa, labelled

from cogtrace.annotator.cues.forms import signal_weights
from cogtrace.annotator.cues.index import compile_cues
from cogtrace.annotator.cues.matcher import find_evidence
from cogtrace.annotator.cues.page import CellArray, make_page
from cogtrace.annotator.cues.scoring import (
    Thresholds,
    passage_probability,
    thresholds,
    trace_evidence,
)
from cogtrace.annotator.merged import bundled_model, merged_evidence
from cogtrace.annotator.model.reading import ModelReader
from cogtrace.annotator.sentences import sentence_ranges
from cogtrace.records import Trace
from cogtrace.taxonomy import Taxonomy, load_taxonomy

Floats = npt.NDArray[np.float64]
Choices = list[tuple[int | None, float]]

SPAN_CUTS = (0.12, 0.15, 0.18, 0.22, 0.26, 0.3, 0.36, 0.42, 0.5, 0.6)
# Sentences after it to which evidence carries over (None: as the taxonomy says), and the
# cut: what there is to choose from.
CUE_CHOICES: Choices = [(None, cut) for cut in SPAN_CUTS]
MERGED_CHOICES: Choices = [(after, cut) for after in (0, 1) for cut in SPAN_CUTS]
FOLDS = 9
MERGED = (
    Path(__file__).parents[1] / "cogtrace" / "annotator" / "model" / "cognitive" / "merged.json"
)


def main() -> None:
    """Fit, print the cross-validated agreement, and write if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--merged", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    taxonomy = load_taxonomy()
    traces = labelled(options.folder, taxonomy)
    choices = MERGED_CHOICES if options.merged else CUE_CHOICES
    evidence, marks = _evidence(traces, taxonomy, choices, merged=options.merged)
    readers = np.array([[trace.scores[who] for trace in traces] for who in ("a", "b")])
    gold_marks = [trace.marks["a"] for trace in traces]
    _cross_validate(evidence, marks, readers, gold_marks)
    everything = np.ones(len(traces), dtype=bool)
    cuts = _fit_scores(evidence, readers, everything)
    spans = _fit_spans(evidence, marks, gold_marks, cuts, everything)
    scoring = [_scoring(found, *choices[k]) for found, k in zip(cuts, spans, strict=True)]
    if options.write and options.merged:
        _write_merged(taxonomy.element_ids, scoring)
    elif options.write:
        for name, found in zip(taxonomy.element_ids, scoring, strict=True):
            _write(name, found)


def _evidence(
    traces: list[Labelled], taxonomy: Taxonomy, choices: Choices, *, merged: bool
) -> tuple[Floats, list[list[Marks]]]:
    """Return the evidence per trace and element, and the marks for each of ``choices``."""
    index, signals = compile_cues(taxonomy), signal_weights(taxonomy)
    reader = ModelReader(bundled_model(), taxonomy) if merged else None
    totals, marks = [], []
    for trace in traces:
        ranges = sentence_ranges(trace.text)
        page = make_page([Trace(trace_id="", text=trace.text, question=trace.question)])
        if reader is None:
            found = find_evidence(index, signals, page)
        else:
            found = merged_evidence(reader, page)
        totals.append(trace_evidence(found, page)[0])
        projected = {
            after: _projected(
                passage_probability(found.cells, page, _carrying(taxonomy, after)), ranges, trace
            )
            for after in {after for after, _ in choices}
        }
        marks.append([projected[after] >= cut for after, cut in choices])
    return np.array(totals), marks


def _carrying(taxonomy: Taxonomy, after: int | None) -> Thresholds:
    """Return limits with which evidence carries over to so many sentences after it."""
    if after is None:
        return thresholds(taxonomy)
    every = np.ones(len(taxonomy.elements), dtype=np.int64)
    return dataclasses.replace(thresholds(taxonomy), before=0 * every, after=after * every)


def _projected(probability: CellArray, ranges: list[tuple[int, int]], trace: Labelled) -> Floats:
    """Return the probabilities of our sentences as those of the readers' sentences."""
    projected = np.zeros((len(probability), len(trace.sentences)))
    for number, (start, end) in enumerate(trace.sentences):
        touched = [k for k, (a, b) in enumerate(ranges) if a < end and b > start]
        if touched:
            projected[:, number] = probability[:, touched].max(axis=1)
    return projected


def _fit_scores(evidence: Floats, readers: Scores, use: npt.NDArray[np.bool_]) -> Floats:
    """Return two thresholds per element: the medians over bootstrap samples and readers."""
    draw = np.random.default_rng(0)
    chosen = np.flatnonzero(use)
    samples = [chosen, *(draw.choice(chosen, len(chosen)) for _ in range(30))]
    return np.array(
        [
            np.median(
                [best_thresholds(evidence[s, e], gold[s, e]) for s in samples for gold in readers],
                axis=0,
            )
            for e in range(readers.shape[2])
        ]
    )


def _fit_spans(
    evidence: Floats,
    marks: list[list[Marks]],
    gold: list[Marks],
    cuts: Floats,
    use: npt.NDArray[np.bool_],
) -> list[int]:
    """Return, per element, the choice with which F1 of its sentences is best."""
    hits = np.zeros((len(marks[0]), len(cuts)))
    found = np.zeros_like(hits)
    wanted = np.zeros(len(cuts))
    for trace in np.flatnonzero(use):
        scored = (evidence[trace] > cuts[:, 0])[:, None]
        wanted += gold[trace].sum(axis=1)
        for number, marked in enumerate(marks[trace]):
            shown = marked & scored
            hits[number] += (shown & gold[trace]).sum(axis=1)
            found[number] += shown.sum(axis=1)
    chosen: list[int] = (hits / np.maximum(found + wanted, 1)).argmax(axis=0).tolist()
    return chosen


def _cross_validate(
    evidence: Floats, marks: list[list[Marks]], readers: Scores, gold_marks: list[Marks]
) -> None:
    gold = readers[0]
    scores = np.zeros_like(gold)
    fold_of = np.arange(len(gold)) % FOLDS
    hits, found, wanted = np.zeros((3, gold.shape[1]), dtype=np.int64)
    for fold in range(FOLDS):
        use = fold_of != fold
        cuts = _fit_scores(evidence, readers, use)
        spans = _fit_spans(evidence, marks, gold_marks, cuts, use)
        for trace in np.flatnonzero(~use):
            scores[trace] = (evidence[trace][:, None] > cuts).sum(axis=1)
            for element, choice in enumerate(spans):
                if scores[trace, element]:
                    shown = marks[trace][choice][element]
                    hits[element] += (shown & gold_marks[trace][element]).sum()
                    found[element] += shown.sum()
            wanted += gold_marks[trace].sum(axis=1)
    kappas = [kappa(scores[:, e], gold[:, e]) for e in range(gold.shape[1])]
    print(f"cross-validated ({FOLDS} folds): mean kappa {np.mean(kappas):.3f}, ", end="")
    print(f"sentence micro-F1 {f1(hits.sum(), found.sum(), wanted.sum()):.3f}, ", end="")
    print(f"macro-F1 {np.mean(list(map(f1, hits, found, wanted))):.3f}")


def _scoring(cuts: Floats, after: int | None, span: float) -> dict[str, float]:
    """Return the scoring parameters of an element, without those that are the default."""
    partial, present = (max(0.1, round(float(cut), 2)) for cut in cuts)
    found = {"partial": partial, "present": max(partial, present), "span": span}
    return found | {"after": after} if after == 0 else found


def _write(element: str, scoring: dict[str, float]) -> None:
    """Put scoring parameters into an element file."""
    update_scoring(element, {**scoring})


def _write_merged(names: tuple[str, ...], scoring: list[dict[str, float]]) -> None:
    """Put scoring parameters beside the bundled model."""
    pairs = zip(names, scoring, strict=True)
    lines = [f'  "{name}": {json.dumps(found)}' for name, found in pairs]
    MERGED.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
