"""Section: how well the annotator agrees with people, or with whatever else is the gold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from cogtrace.corpora.evaluation.figures import AgreementFigure, ElementFigure, Estimate
from cogtrace.corpora.evaluation.writing import pooled_reliability
from cogtrace.corpora.report.charts import Scale, beside, reliability
from cogtrace.corpora.report.labels import SMALL, label, listed, numbers, plural, ratio
from cogtrace.corpora.report.source import Judged, ReportInput
from cogtrace.corpora.report.verdicts import KAPPA, RULE, sentence, verdict
from cogtrace.sections import Block, Cell, Chart, Column, Notice, Prose, Section, Table

_KINDS: Final = ("annotator", "guess from length")
_METRICS: Final = {
    "presence_f1": ("presence F1", (0.0, 1.0)),
    KAPPA: ("kappa", (-0.2, 1.0)),
    "sentence_f1": ("sentence F1", (0.0, 1.0)),
}
_TICKS: Final = (0.0, 0.5, 1.0)
_MOST_ANNOTATORS: Final = 8  # named


def build(report: ReportInput) -> Section | None:
    """Build the section; None where there is no evaluation."""
    judged = report.judged
    if judged is None:
        return None
    return Section(
        blocks=(
            Prose(_what(judged)),
            Prose(sentence(report, judged)),
            Prose(RULE),
            *(Notice(note) for note in judged.evaluation.notes),
            _chart(report, judged),
            *_confidence(judged),
            *_agreement(report, judged),
            *_disagreements(report, judged),
        )
    )


def _what(judged: Judged) -> str:
    gold, found = judged.evaluation.gold, judged.comparison
    names = [label(name) for name in gold.annotators[:_MOST_ANNOTATORS]]
    if len(gold.annotators) > len(names):
        names.append(f"{len(gold.annotators) - len(names)} more")
    sample = (
        " They are declared to be a random sample of the corpus."
        if gold.random_sample
        else " Errors elsewhere may be others."
    )
    return (
        f"What the annotator “{label(found.annotator.name)}” says was compared with labels by "
        f"{listed(names)} of {plural(found.traces, 'trace')} answering "
        f"{plural(found.clusters, 'question')}.{sample} Presence F1 is about whether a trace "
        "shows an element at all, kappa about its score, sentence F1 about where it is; 1 is "
        "full agreement. Beside each stands what a guess reaches that knows nothing of a trace "
        "but its length: what does not beat it has found nothing but length."
    )


def _chart(report: ReportInput, judged: Judged) -> Chart:
    rows = report.in_order(judged.comparison.elements)
    return Chart(
        draw=lambda: _draw(report, rows),
        table=_table(report, rows),
        words="For each element, agreement of the annotator with the gold in presence, score "
        "and place, beside a guess from length, with intervals.",
    )


def _draw(report: ReportInput, rows: list[ElementFigure]) -> dict[str, Any]:
    names = {row.element: report.names[row.element] + (f" {SMALL}" * row.small) for row in rows}
    columns = []
    for metric, (title, domain) in _METRICS.items():
        data = [
            {"y": names[row.element], "kind": kind, "x": found.value}
            | {"low": found.low, "high": found.high}
            for row in rows
            for kind, found in zip(
                _KINDS, (row.metrics[metric], row.length_only[metric]), strict=True
            )
            if found.value is not None
        ]
        sizes = numbers(row.metrics[metric].n for row in rows)
        scale = Scale(title=[title, f"({sizes})"], domain=domain, format="~g", values=_TICKS)
        columns.append((data, scale))
    return beside(columns, list(names.values()), _KINDS)


def _table(report: ReportInput, rows: list[ElementFigure]) -> Table:
    columns = [
        Column("element"),
        Column("id"),
        Column("trusted", "can be trusted"),
        Column("n", "traces (n)", "count"),
    ]
    for metric, (title, _) in _METRICS.items():
        columns += _bounds(metric, title)
        columns.append(Column(f"{metric}_length_only", "guess", "number"))
    columns += [
        Column("sensitivity", "found", "share"),
        Column("specificity", "clear", "share"),
        Column("small", "few traces", "flag"),
    ]
    body: list[tuple[Cell, ...]] = []
    for row in rows:
        figures: list[Cell] = []
        for metric in _METRICS:
            figures += [*_figures(row.metrics[metric]), row.length_only[metric].value]
        found = (row.metrics["presence_recall"].value, row.metrics["presence_specificity"].value)
        head = (report.names[row.element], row.element, verdict(row), row.metrics[KAPPA].n)
        body.append((*head, *figures, *found, row.small))
    return Table(
        name="trust",
        title="Agreement with the gold, by element",
        columns=tuple(columns),
        rows=tuple(body),
        note="n: pairs of a trace and an annotator of the gold; found: share of the traces with "
        "the element in the gold that the annotator finds (sensitivity); clear: share of those "
        "without it that it leaves clear (specificity).",
    )


def _bounds(name: str, title: str) -> tuple[Column, ...]:
    return (
        Column(name, title, "number"),
        Column(f"{name}_low", "from", "number"),
        Column(f"{name}_high", "to", "number"),
    )


def _figures(found: Estimate) -> tuple[float | None, ...]:
    return found.value, found.low, found.high


def _confidence(judged: Judged) -> Iterator[Block]:
    """Yield how far the confidence of spans can be believed."""
    bins = pooled_reliability(judged.comparison)
    if not bins:
        return
    error = judged.comparison.overall["calibration_error_pooled"]
    yield Prose(
        "Each span comes with a confidence. On the dashed line, spans of a confidence are right "
        "as often as it says (right: half of the span lies in spans of the gold); below it, the "
        f"annotator is surer than it should be. Mean distance (calibration error): "
        f"{ratio(*_figures(error))}."
    )
    table = Table(
        name="reliability",
        title="Confidence of spans, and the share that is right",
        columns=(
            Column("low", "confidence from", "number"),
            Column("high", "to", "number"),
            Column("n", "spans (n)", "count"),
            Column("confidence", "mean confidence", "number"),
            Column("right", "share right", "share"),
        ),
        rows=tuple((row.low, row.high, row.n, row.confidence, row.right) for row in bins),
        note="Spans of all elements together.",
    )
    data = [{"x": row.confidence, "y": row.right, "n": row.n} for row in bins]
    yield Chart(
        draw=lambda: reliability(data),
        table=table,
        words="Points for each tenth of confidence: the share of spans that is right.",
    )


def _agreement(report: ReportInput, judged: Judged) -> Iterator[Block]:
    """Yield how well the annotators of the gold agree with each other."""
    rows: list[AgreementFigure] = report.in_order(judged.evaluation.agreement)
    if not rows:
        return
    mutual = judged.evaluation.agreement_overall.get(f"{KAPPA}_mean")
    ours = judged.comparison.overall[f"{KAPPA}_mean"]
    if mutual is not None and mutual.value is not None:
        yield Prose(
            "Nobody can be expected to agree with the gold's annotators better than they do with "
            f"each other: their mean kappa is {ratio(*_figures(mutual))}, that of the annotator "
            f"with them {ratio(*_figures(ours))}."
        )
    columns = [Column("element"), Column("id"), Column("n", "traces (n)", "count")]
    for metric, (title, _) in _METRICS.items():
        columns += _bounds(metric, title)
    yield Table(
        name="gold-agreement",
        title="The gold's annotators with each other",
        columns=(*columns, Column("small", "few traces", "flag")),
        rows=tuple(
            (
                report.names[row.element],
                row.element,
                row.metrics[KAPPA].n,
                *(value for metric in _METRICS for value in _figures(row.metrics[metric])),
                row.small,
            )
            for row in rows
        ),
        folded=True,
    )


def _disagreements(report: ReportInput, judged: Judged) -> Iterator[Block]:
    """Yield what annotator and gold differ about, the most telling first."""
    rows = judged.comparison.disagreements
    if not rows:
        return
    sides = {"predicted": "annotator", "gold": "gold", None: None}
    yield Prose(
        "Where they differ most tellingly: by two levels rather than one, surely, and about "
        "elements that they else agree on."
    )
    yield Table(
        name="disagreements",
        title="The most telling disagreements",
        columns=(
            Column("trace_id", "trace"),
            Column("element"),
            Column("predicted", "annotator", "count"),
            Column("gold", "gold", "count"),
            Column("by", "gold by"),
            Column("marked_by", "words of"),
            Column("quote", "words"),
        ),
        rows=tuple(
            (
                row.trace_id,
                report.names.get(row.element, row.element),
                row.predicted,
                row.gold,
                row.annotator,
                sides[row.marked_by],
                row.quote,
            )
            for row in rows
        ),
        note="Scores: 0 absent, 1 partial, 2 present. Words: of the side that scores higher.",
    )
