"""How good the bundled model is, alone and merged with cues, and what training can do.

    python benchmarks/bench_model.py [FOLDER] [--encoder DIR]

Without FOLDER (benchmarks/README.md says what lies there) only the figures on the gold
corpus and the speed. With --encoder also those of an encoder that was trained into DIR by
`cogtrace train @gold @examples --encoder ...`. Everything is deterministic: seed 0.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from episodes import episodes
from labelled import Marks, f1, kappa, labelled, overlaps
from people import print_people

from cogtrace.annotator.cues import CueAnnotator
from cogtrace.annotator.cues.page import make_page, pages
from cogtrace.annotator.encoder.annotator import EncoderAnnotator
from cogtrace.annotator.encoder.reading import EncoderReader, TrainedEncoder, load_encoder
from cogtrace.annotator.merged import MergedAnnotator, bundled_model, merged_evidence
from cogtrace.annotator.model.annotator import ModelAnnotator
from cogtrace.annotator.model.features import FeatureSettings
from cogtrace.annotator.model.reading import ModelReader, PageReader
from cogtrace.annotator.model.scorer import margins, probabilities
from cogtrace.corpora.gold import GoldPassage, read_gold
from cogtrace.records import Annotator, Trace
from cogtrace.taxonomy import Taxonomy, load_taxonomy
from cogtrace.training import LabelledTrace, TrainSettings, train
from cogtrace.training.calibrating import span_cut
from cogtrace.training.figures import accuracy, average_precision
from cogtrace.training.fitting import see
from cogtrace.training.labels import NOT_JUDGED, of_passages

Floats = npt.NDArray[np.float64]
Scores = npt.NDArray[np.int64]

DRAWS: Final = 200
EPISODES: Final = Path(__file__).parents[1] / "examples" / "taxonomies" / "schoenfeld.json"


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--encoder", type=Path, metavar="DIR")
    options = parser.parse_args()
    folder = options.folder
    taxonomy = load_taxonomy()
    encoder = None if options.encoder is None else load_encoder(options.encoder)
    found = _probabilities(taxonomy, encoder)
    print("passages of the gold test split; cuts are those best on its dev split, for each alike")
    _gold(taxonomy, found, whole=False)
    print("whole traces of the gold test split, every sentence judged for every element; the same")
    _gold(taxonomy, found, whole=True)
    annotators: dict[str, Annotator] = {
        "cue": CueAnnotator(taxonomy),
        "model": ModelAnnotator(bundled_model(), taxonomy),
        "merged": MergedAnnotator(taxonomy),
    }
    if encoder is not None:
        annotators["encoder"] = EncoderAnnotator(encoder, taxonomy)
    if folder is not None:
        _elements(folder, taxonomy, annotators)
        print_people(folder, annotators)
        _episodes(folder)
    _speed(annotators)


Probability = Callable[[list[Trace]], Floats]


def _probabilities(taxonomy: Taxonomy, encoder: TrainedEncoder | None) -> dict[str, Probability]:
    """Return, by annotator, what gives probabilities of sentences (rows) for elements."""
    reader = ModelReader(bundled_model(), taxonomy)

    def cue(traces: list[Trace]) -> Floats:
        return (1 - np.exp(-reader.pages.evidence(make_page(traces)).cells)).T.astype(np.float64)

    def model(traces: list[Trace]) -> Floats:
        return reader.probability(make_page(traces)).T.astype(np.float64)

    def merged(traces: list[Trace]) -> Floats:
        cells = merged_evidence(reader, make_page(traces)).cells
        return (1 - np.exp(-cells)).T.astype(np.float64)

    found: dict[str, Probability] = {"cue": cue, "model": model, "merged": merged}
    if encoder is not None:
        own = EncoderReader(encoder, taxonomy)
        found["encoder"] = lambda traces: own.probability(traces, make_page(traces)).T.astype(
            np.float64
        )
    return found


def _gold(taxonomy: Taxonomy, found: dict[str, Probability], *, whole: bool) -> None:
    """Print F1 over judged sentences of the test split, and average precision."""
    dev, test = (
        _seen([p for p in read_gold(split) if whole != bool(p.element)], taxonomy, found)
        for split in ("dev", "test")
    )
    names = list(found)
    header = "".join(f"{name:>24}" for name in names)
    print(f"{'element':32}{'shown':>6}{'absent':>7}{'always':>8}{'length':>8}{header}")
    totals: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for column, element in enumerate(taxonomy.element_ids):
        gold, passage = test[1][:, column], test[2]
        judged = gold != NOT_JUDGED
        shown = gold[judged] > 0
        line = f"{element:32}{shown.sum():>6}{(~shown).sum():>7}"
        line += f"{2 * shown.sum() / (len(shown) + shown.sum()):8.3f}"
        line += f"{_length(test[3], gold, test[4]):8.3f}"
        for name in names:
            dev_gold = dev[1][:, column]
            known = dev_gold != NOT_JUDGED
            cut = span_cut(dev[0][name][known, column], dev_gold[known] > 0)
            rows_ = test[0][name][judged, column]
            value = _f1(rows_ >= cut, shown)
            low, high = _interval(rows_ >= cut, shown, passage[judged])
            precision = average_precision(rows_, shown)
            totals[name].append((value, precision))
            line += f"  {value:.3f} ({low:.2f}-{high:.2f}) {precision:.3f}"
        print(line)
    means = {name: np.mean(values, axis=0) for name, values in totals.items()}
    cells = "".join(f"  {f:.3f}             {ap:.3f}" for f, ap in means.values())
    print(f"{'mean':61}{cells}\n")


def _seen(
    passages: list[GoldPassage], taxonomy: Taxonomy, found: dict[str, Probability]
) -> tuple[dict[str, Floats], Scores, Scores, Floats, Marks]:
    """Return, per sentence: probabilities by annotator, scores, passage, length, complete."""
    labels = of_passages(passages, taxonomy)
    rows = {
        name: np.concatenate([probability([each.trace]) for each in labels])
        for name, probability in found.items()
    }
    counts = [len(each.scores) for each in labels]
    lengths = [float(len(s.text.strip())) for passage in passages for s in passage.sentences]
    return (
        rows,
        np.concatenate([each.scores for each in labels]),
        np.repeat(np.arange(len(counts)), counts),
        np.array(lengths),
        np.repeat([passage.complete and bool(passage.element) for passage in passages], counts),
    )


def _length(lengths: Floats, gold: Scores, complete: Marks) -> float:
    """Return how often the longer of two sentences, one shown and one not, is the one shown.

    Chance is 0.5. Without complete passages, whose sentences are shorter than others.
    """
    judged = (gold != NOT_JUDGED) & ~complete
    shown, absent = lengths[judged & (gold > 0)], lengths[judged & (gold == 0)]
    longer = (shown[:, None] > absent).mean() + 0.5 * (shown[:, None] == absent).mean()
    return float(longer)


def _f1(marked: Marks, shown: Marks) -> float:
    return f1(int((marked & shown).sum()), int(marked.sum()), int(shown.sum()))


def _interval(marked: Marks, shown: Marks, passage: Scores) -> tuple[float, float]:
    """Return the 95 % interval of F1 over draws of passages."""
    draw = np.random.default_rng(0)
    _, place = np.unique(passage, return_inverse=True)
    counts = np.stack([np.bincount(place, weights=w) for w in (marked & shown, marked, shown)])
    size = counts.shape[1]
    sums = [counts[:, draw.integers(size, size=size)].sum(axis=1) for _ in range(DRAWS)]
    low, high = np.quantile([f1(int(h), int(m), int(s)) for h, m, s in sums], [0.025, 0.975])
    return float(low), float(high)


def _elements(folder: Path, taxonomy: Taxonomy, annotators: dict[str, Annotator]) -> None:
    """Print agreement with reader a; thresholds of cue and merged were fitted to these traces."""
    traces = labelled(folder, taxonomy)
    gold = np.array([trace.scores["a"] for trace in traces])
    inputs = [Trace(trace_id=t.trace_id, text=t.text, question=t.question) for t in traces]
    print("elements_dev: kappa of scores and F1 of sentences against reader a, not cross-validated")
    print("for cue and merged (benchmarks/fit_thresholds.py prints that); model saw none of it")
    lines = {name: f"{name:32}" for name in taxonomy.element_ids} | {"mean": f"{'mean':32}"}
    for annotator in annotators.values():
        found = annotator.annotate(inputs)
        scores = np.array([[entry.score for entry in each.elements] for each in found])
        sums = np.zeros((len(taxonomy.elements), 3))
        for trace, each in zip(traces, found, strict=True):
            for column, entry in enumerate(each.elements):
                mine = overlaps(trace.sentences, [(s.start, s.end) for s in entry.spans])
                theirs = trace.marks["a"][column]
                sums[column] += (mine & theirs).sum(), mine.sum(), theirs.sum()
        values = [
            (kappa(scores[:, k], gold[:, k]), f1(*(int(n) for n in sums[k])))
            for k in range(len(sums))
        ]
        for name, (agreement, overlap) in zip(taxonomy.element_ids, values, strict=True):
            lines[name] += f"{agreement:9.3f}{overlap:8.3f}"
        micro = f1(*(int(n) for n in sums.sum(axis=0)))
        lines["mean"] += f"{np.mean([v[0] for v in values]):9.3f}{micro:8.3f}"
    print(f"{'':32}" + "".join(f"{f'{name}: kappa, F1':>17}" for name in annotators))
    print("\n".join(lines.values()))
    print("(last line: mean kappa, micro-F1)\n")


def _episodes(folder: Path) -> None:
    """Train on people's labels of episodes; test on responses that were not seen."""
    taxonomy = load_taxonomy(EPISODES)
    data = episodes(folder, taxonomy)
    settings = TrainSettings(exclusive=True, features=FeatureSettings(position=True, question=True))
    print("schoenfeld, seven labels, exactly one a sentence; accuracy and macro-F1")
    print(
        f"  trained on 1-17, tuned and tested on 18-25  {_tested(data[:17], data[17:], taxonomy)}"
    )
    for folds in (5, 25):
        rows_, scores = [], []
        for fold in range(folds):
            rest = [each for k, each in enumerate(data) if k % folds != fold]
            held = [each for k, each in enumerate(data) if k % folds == fold]
            dev = rest[::5]
            fit = [each for k, each in enumerate(rest) if k % 5]
            part = _rows(fit, dev, held, taxonomy, settings)
            rows_.append(part[0])
            scores.append(part[1])
        figures = _accuracy(np.concatenate(rows_), np.concatenate(scores))
        print(f"  by response, {folds} folds                       {figures}")
    print()


def _tested(fit: list[LabelledTrace], held: list[LabelledTrace], taxonomy: Taxonomy) -> str:
    settings = TrainSettings(
        exclusive=True, features=FeatureSettings(position=True, question=True), refit=False
    )
    return _accuracy(*_rows(fit, held, held, taxonomy, settings))


def _rows(
    fit: list[LabelledTrace],
    dev: list[LabelledTrace],
    held: list[LabelledTrace],
    taxonomy: Taxonomy,
    settings: TrainSettings,
) -> tuple[Floats, Scores]:
    model = train(fit, dev, taxonomy, settings).model
    seen = see(held, PageReader(taxonomy), settings.features)
    return np.concatenate(
        [probabilities(model, margins(model, f), page) for page, f in seen.pages]
    ), seen.scores


def _accuracy(found: Floats, scores: Scores) -> str:
    known = scores.max(axis=1) > 0
    mine, theirs = found[known].argmax(axis=1), scores[known].argmax(axis=1)
    values = [_f1(mine == k, theirs == k) for k in range(scores.shape[1])]
    return f"{accuracy(found, scores):.3f}  {np.mean(values):.3f}"


def _speed(annotators: dict[str, Annotator]) -> None:
    """Print MB of text per second of CPU time, one thread; traces are gold passages in rows."""
    texts = [passage.text for passage in read_gold()]
    long = ["\n\n".join(texts[k : k + 12]) for k in range(0, len(texts), 12)]
    inputs = [Trace(trace_id=str(k), text=text) for k, text in enumerate(long)]
    size = sum(len(trace.text.encode()) for trace in inputs) / 1e6
    print(f"speed, {size:.1f} MB in {len(inputs)} traces, MB per second of CPU time")
    for name, annotator in annotators.items():
        share = 10 if name == "encoder" else 1  # it is that slow
        began = time.process_time()
        for group in pages(inputs[::share]):
            annotator.annotate(group)
        print(f"  {name:8}{size / share / (time.process_time() - began):8.3f}")


if __name__ == "__main__":
    main()
