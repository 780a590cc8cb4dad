"""Evaluations as files: JSON by the schema "evaluation", and Markdown for people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, TextIO

import msgspec

from cogtrace.corpora.evaluation.figures import (
    MUTUAL,
    Comparison,
    Estimate,
    Evaluation,
    Metrics,
    Reliability,
)
from cogtrace.corpora.evaluation.metrics import BINS, METRICS
from cogtrace.corpora.statistics.writing import write_file
from cogtrace.errors import InputError
from cogtrace.printable import json_printable, printable

# The figures that a table for people shows, and their headings.
SHOWN: Final = {
    "presence_precision": "precision",
    "presence_recall": "recall",
    "presence_f1": "F1",
    "presence_auc": "AUC",
    "kappa_quadratic": "kappa",
    "alpha_ordinal": "alpha",
    "sentence_f1": "sentence F1",
    "token_f1": "token F1",
    "onset_f1": "onset F1",
    "span_soft_f1": "soft F1",
    "span_exact_f1": "exact F1",
}
# Of each element, in every evaluation; the last two come from no sums over traces.
_FIGURES: Final = {metric.name for metric in METRICS} | {"presence_auc", "boundary_distance"}
_BAR: Final = 20  # characters for 1


def write_json(evaluation: Evaluation, target: Path | TextIO) -> None:
    """Write an evaluation as one JSON document (schema "evaluation").

    What goes to a stream is safe to show on a terminal, and means the same.

    Raises:
        InputError: the file cannot be written.
    """
    content = msgspec.json.format(msgspec.json.encode(evaluation), indent=1) + b"\n"
    if isinstance(target, Path):
        write_file(target, content)
    else:
        target.write(json_printable(content.decode()))


def read_evaluation(path: Path) -> Evaluation:
    """Return an evaluation that was written as JSON.

    Raises:
        InputError: the file cannot be read, or is no evaluation.
    """
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Evaluation)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InputError(
            f"{path}: no evaluation ({error}); make one with cogtrace evaluate … --json {path}"
        ) from error
    lost = sorted(set(_lost(found)))
    if lost:
        raise InputError(f"{path}: no evaluation; it lacks {', '.join(lost)}")
    return found


def _lost(evaluation: Evaluation) -> Iterator[str]:
    """Yield the figures that an evaluation must have and does not."""
    for found in evaluation.comparisons:
        for entry in found.elements:
            yield from _FIGURES - (entry.metrics.keys() & entry.length_only.keys())
        yield from {f"{name}_mean" for name in _FIGURES} - found.overall.keys()
        yield from {f"{metric.name}_pooled" for metric in METRICS} - found.overall.keys()
    for mutual in evaluation.agreement:
        yield from set(MUTUAL) - mutual.metrics.keys()


def write_markdown(evaluation: Evaluation, path: Path) -> None:
    """Write an evaluation as Markdown, all text from traces escaped.

    Raises:
        InputError: the file cannot be written.
    """
    write_file(path, "".join(f"{line}\n" for line in markdown(evaluation)).encode())


def markdown(evaluation: Evaluation) -> Iterator[str]:
    """Yield the lines of the tables."""
    gold = evaluation.gold
    yield f"# Evaluation against {_escaped(gold.source)}"
    yield ""
    yield f"Annotators of the gold: {', '.join(map(_escaped, gold.annotators))}."
    yield (
        "Each figure is given with its interval at 95 %, drawn by question, and in brackets "
        "what a guess from length alone reaches."
    )
    for note in evaluation.notes:
        yield f"- {_escaped(note)}"
    for found in evaluation.comparisons:
        yield from _comparison(found)
    if evaluation.agreement:
        yield from _agreement(evaluation)


def pooled_reliability(found: Comparison) -> list[Reliability]:
    """Return the bins of confidence that spans of any element are in, all of them together."""
    bins = [bin_ for entry in found.elements for bin_ in entry.reliability]
    pooled = []
    for place in range(BINS):
        mine = [bin_ for bin_ in bins if round(bin_.low * BINS) == place]
        n = sum(bin_.n for bin_ in mine)
        if n:
            pooled.append(
                Reliability(
                    low=place / BINS,
                    high=(place + 1) / BINS,
                    n=n,
                    confidence=sum((bin_.confidence or 0) * bin_.n for bin_ in mine) / n,
                    right=sum((bin_.right or 0) * bin_.n for bin_ in mine) / n,
                )
            )
    return pooled


def reliability_lines(found: Comparison) -> Iterator[str]:
    """Yield a picture in characters: confidence of spans against the share that is right."""
    for row in pooled_reliability(found):
        right = row.right or 0
        bar = "█" * round(right * _BAR)
        mark = min(_BAR - 1, int((row.confidence or 0) * _BAR))
        line = f"{bar:·<{_BAR}}"
        line = f"{line[:mark]}|{line[mark + 1 :]}"
        yield f"{row.low:.1f}–{row.high:.1f}  {line}  {right:4.0%} of {row.n:,}"


def _comparison(found: Comparison) -> Iterator[str]:
    about = ", ".join(f"{key}={value}" for key, value in found.group.items()) or "all traces"
    yield ""
    yield f"## {_escaped(found.predicted)}: {_escaped(about)}"
    yield ""
    yield (
        f"{found.traces:,} traces, {found.clusters:,} questions; annotator "
        f"{_escaped(found.annotator.name)} {_escaped(found.annotator.version)}."
    )
    yield ""
    yield _row(["element", "n", *SHOWN.values()])
    yield _row(["---"] * (len(SHOWN) + 2))
    for entry in found.elements:
        n = entry.metrics["kappa_quadratic"].n
        cells = [_cell(entry.metrics, entry.length_only, name) for name in SHOWN]
        yield _row([entry.element, f"{n:,}{'°' if entry.small else ''}", *cells])
    for kind in ("mean", "pooled"):
        cells = [
            _cell(found.overall, found.overall_length_only, f"{name}_{kind}") for name in SHOWN
        ]
        yield _row([f"**{kind}**", "", *cells])
    lines = list(reliability_lines(found))
    if lines:
        yield ""
        yield "Confidence of predicted spans (|) and the share that is right (bar):"
        yield ""
        yield "```"
        yield from lines
        yield "```"
    if found.disagreements:
        yield ""
        yield _row(["trace", "element", "predicted", "gold", "words"])
        yield _row(["---"] * 5)
        for one in found.disagreements:
            words = "" if one.quote is None else f"{one.marked_by}: {_escaped(one.quote)}"
            yield _row(
                [_escaped(one.trace_id), one.element, str(one.predicted), str(one.gold), words]
            )


def _agreement(evaluation: Evaluation) -> Iterator[str]:
    names = [name for name in SHOWN if f"{name}_mean" in evaluation.agreement_overall]
    yield ""
    yield "## Annotators of the gold against each other"
    yield ""
    yield _row(["element", *(SHOWN[name] for name in names)])
    yield _row(["---"] * (len(names) + 1))
    for entry in evaluation.agreement:
        yield _row([entry.element, *(_plain(entry.metrics.get(name)) for name in names)])
    means = [_plain(evaluation.agreement_overall[f"{name}_mean"]) for name in names]
    yield _row(["**mean**", *means])


def _cell(metrics: Metrics, lengths: Metrics, name: str) -> str:
    if metrics.get(name) is None or metrics[name].value is None:
        return "–"
    other = lengths.get(name)
    guess = "" if other is None or other.value is None else f" ({other.value:.2f})"
    return f"{_plain(metrics[name])}{guess}"


def _plain(found: Estimate | None) -> str:
    if found is None or found.value is None:
        return "–"
    if found.low is None or found.high is None:
        return f"{found.value:.2f}"
    return f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    """Return text on one line in which nothing is markup."""
    line = printable(" ".join(text.split()))
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]<>()#+!|~&$" else sign for sign in line)
