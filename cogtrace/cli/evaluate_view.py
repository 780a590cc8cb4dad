"""An evaluation as lines of text, for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from cogtrace.printable import one_line, printable

if TYPE_CHECKING:
    from cogtrace.corpora.evaluation import Evaluation
    from cogtrace.corpora.evaluation.figures import Comparison, Disagreement, Estimate, Metrics

_SMALL: Final = "°"
_LONGEST: Final = 100  # characters of words from a trace
# Metric: heading, and whether its interval is shown.
_COLUMNS: Final = {
    "presence_f1": ("shown: F1", True),
    "presence_auc": ("AUC", False),
    "kappa_quadratic": ("scores: kappa", True),
    "alpha_ordinal": ("alpha", False),
    "sentence_f1": ("sentences: F1", True),
    "token_f1": ("tokens", False),
    "span_soft_f1": ("soft", False),
    "span_exact_f1": ("exact", False),
}
_WIDE: Final = 25
_NARROW: Final = 12


def lines(found: Evaluation) -> Iterator[str]:
    """Yield the lines of all tables that fit a screen."""
    gold = found.gold
    who = ", ".join(one_line(name) for name in gold.annotators[:8])
    yield f"gold: {one_line(gold.source, _LONGEST)}, {gold.traces:,} traces, labelled by {who}"
    for comparison in found.comparisons:
        yield ""
        yield from _comparison(comparison, found)
    yield ""
    yield (
        f"[a, b]: interval at 95 %, by question; (c): a guess from length alone; {_SMALL} rests on "
        f"fewer than {found.parameters['min_n']} traces"
    )
    yield from (printable(f"note: {note}") for note in found.notes)
    yield "all figures: --json FILE or --markdown FILE; what they mean: docs/evaluation.md"


def _comparison(found: Comparison, evaluation: Evaluation) -> Iterator[str]:
    group = ", ".join(
        f"{one_line(key)}={'(none)' if value is None else one_line(value)}"
        for key, value in found.group.items()
    )
    yield (
        f"{one_line(found.predicted, _LONGEST)} ({one_line(found.annotator.name)}), "
        f"{group or 'all traces'}: {found.traces:,} traces, {found.rows:,} pairs with an "
        f"annotator, {found.clusters:,} questions"
    )
    width = max([len(entry.element) for entry in found.elements] + [20])
    heads = "".join(f"{head:{_width(wide)}}" for head, wide in _COLUMNS.values())
    yield f"{'element':{width}} {'n':>6}  {heads}".rstrip()
    for entry in found.elements:
        n = entry.metrics["kappa_quadratic"].n
        cells = _cells(entry.metrics, entry.length_only, "")
        yield f"{entry.element:{width}} {n:>6,}{_SMALL if entry.small else ' '} {cells}".rstrip()
    for kind in ("mean", "pooled"):
        cells = _cells(found.overall, found.overall_length_only, f"_{kind}")
        yield f"{kind:{width}} {'':>6}  {cells}".rstrip()
    if evaluation.agreement_overall and not found.group:
        cells = _cells(evaluation.agreement_overall, {}, "_mean")
        yield f"{'gold, mutual (mean)':{width}} {'':>6}  {cells}".rstrip()
    yield from _confidence(found)
    if found.disagreements:
        yield "most telling disagreements (predicted / gold):"
    for one in found.disagreements:
        yield _disagreement(one, width)


def _confidence(found: Comparison) -> Iterator[str]:
    from cogtrace.corpora.evaluation.writing import reliability_lines

    error = found.overall["calibration_error_pooled"]
    if error.value is None:
        return
    guess = found.overall_length_only["calibration_error_pooled"].value
    beside = "" if guess is None else f" ({guess:.2f})"
    yield (
        f"confidence of {error.n:,} spans: calibration error {error.value:.2f}{beside}, "
        f"Brier {_plain(found.overall['brier_pooled'])}; confidence (|), share right (bar):"
    )
    yield from (f"  {line}" for line in reliability_lines(found))


def _disagreement(one: Disagreement, width: int) -> str:
    words = "" if one.quote is None else f"  {one.marked_by}: “{one_line(one.quote, _LONGEST)}”"
    trace = one_line(one.trace_id, _LONGEST)
    return f"  {one.predicted}/{one.gold} {one.element:{width}} {trace}{words}"


def _cells(metrics: Metrics, lengths: Metrics, ending: str) -> str:
    cells = []
    for name, (_, wide) in _COLUMNS.items():
        mine, other = metrics.get(name + ending), lengths.get(name + ending)
        cell = _plain(mine)
        if wide and mine is not None and mine.low is not None and mine.high is not None:
            cell += f" [{mine.low:.2f}, {mine.high:.2f}]"
        if cell != "-" and other is not None and other.value is not None:
            cell += f" ({_figure(other.value)})"
        cells.append(f"{cell:{_width(wide)}}")
    return "".join(cells)


def _width(wide: bool) -> int:
    return _WIDE if wide else _NARROW


def _plain(found: Estimate | None) -> str:
    return "-" if found is None or found.value is None else _figure(found.value)


def _figure(value: float) -> str:
    """Return a figure without the nought that all of them begin with.

    >>> _figure(0.5), _figure(-0.25), _figure(1.0)
    ('.50', '-.25', '1.00')
    """
    return f"{value:.2f}".replace("0.", ".", 1) if abs(value) < 0.995 else f"{value:.2f}"
