"""One set of predictions against a gold, and the annotators of a gold against each other."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from cogtrace.corpora.evaluation.aligning import Aligned, Matched, align_annotators
from cogtrace.corpora.evaluation.baseline import length_only
from cogtrace.corpora.evaluation.disagreements import disagreements
from cogtrace.corpora.evaluation.estimating import Draws, estimates
from cogtrace.corpora.evaluation.figures import (
    MUTUAL,
    AgreementFigure,
    Comparison,
    Counts,
    ElementFigure,
    Group,
    Metrics,
    Reliability,
)
from cogtrace.corpora.evaluation.metrics import BINS
from cogtrace.corpora.evaluation.observing import Observed, observe, placeable
from cogtrace.corpora.evaluation.units import measure
from cogtrace.corpora.importing import Crosswalk
from cogtrace.corpora.statistics.arrays import Array, number, ratio
from cogtrace.corpora.statistics.selecting import in_table, meta_text
from cogtrace.corpora.statistics.summary import MOST_GROUPS, generator
from cogtrace.errors import OptionError
from cogtrace.records import Trace


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be compared, and how."""

    gold: str
    form: str | None = None  # of the gold; None: told by the file
    annotator: str | None = None  # of the gold; None: all of them
    crosswalk: Crosswalk | None = None  # only the rules that are to be used
    elements: tuple[str, ...] = ()  # none: all that both sides were asked about
    by: tuple[str, ...] = ()
    disagreements: int = 20
    random_sample: bool = False  # the gold is one of the corpus that was annotated
    bootstrap: int = 1_000
    seed: int = 0
    min_n: int = 20


def compare(matched: Matched, aligned: Aligned, settings: Settings) -> list[Comparison]:
    """Return predictions against the gold, for all rows and for each group.

    Raises:
        OptionError: a column is nowhere in the traces, or there are too many groups.
    """
    measured = measure(aligned)
    placed = placeable(aligned)
    observed = observe(aligned, measured, placed)
    guessed = length_only(aligned, measured, placed)
    found = []
    for group, rows in _groups(aligned, settings.by):
        rng = generator(settings.seed, group, "evaluation")
        draws = Draws.of(aligned.cluster, rows, settings.bootstrap, rng)
        metrics, overall = estimates(observed, draws)
        lengths, overall_lengths = estimates(guessed, draws)
        found.append(
            Comparison(
                predicted=matched.job.folder,
                annotator=matched.job.manifest.annotator,
                group=group,
                traces=len({aligned.traces[row].trace_id for row in rows}),
                rows=len(rows),
                clusters=draws.clusters,
                elements=[
                    _element(aligned, observed, draws, place, metrics, lengths, settings.min_n)
                    for place in range(len(aligned.elements))
                ],
                overall=overall,
                overall_length_only=overall_lengths,
                disagreements=disagreements(aligned, rows, settings.disagreements),
            )
        )
    return found


def _element(
    aligned: Aligned,
    observed: Observed,
    draws: Draws,
    place: int,
    metrics: list[Metrics],
    lengths: list[Metrics],
    min_n: int,
) -> ElementFigure:
    rows = draws.rows
    asked = aligned.asked[rows, place]
    ours = aligned.predicted.score[rows, place] > 0
    theirs = aligned.gold.score[rows, place] > 0
    with_, without = (len(np.unique(draws.owner[asked & kind])) for kind in (theirs, ~theirs))
    return ElementFigure(
        element=aligned.elements[place],
        metrics=metrics[place],
        length_only=lengths[place],
        counts=Counts(
            both=int((asked & ours & theirs).sum()),
            predicted_only=int((asked & ours & ~theirs).sum()),
            gold_only=int((asked & ~ours & theirs).sum()),
            neither=int((asked & ~ours & ~theirs).sum()),
            clusters_with=with_,
            clusters_without=without,
        ),
        reliability=_reliability(observed.blocks["calibration"][rows, place].sum(axis=0)),
        small=int(asked.sum()) < min_n,
    )


def _reliability(sums: Array) -> list[Reliability]:
    """Return the bins of confidence that any span is in."""
    count, confidence, right = (sums[k * BINS : (k + 1) * BINS] for k in range(3))
    mean, share = ratio(confidence, count), ratio(right, count)
    return [
        Reliability(
            low=k / BINS,
            high=(k + 1) / BINS,
            n=int(count[k]),
            confidence=number(float(mean[k])),
            right=number(float(share[k])),
        )
        for k in range(BINS)
        if count[k]
    ]


def agreement(
    matched: Matched, elements: list[str], settings: Settings
) -> tuple[list[AgreementFigure], Metrics]:
    """Return how well the annotators of the gold agree with each other."""
    aligned = align_annotators(matched, elements)
    if aligned is None:
        return [], {}
    observed = observe(aligned, measure(aligned), placeable(aligned))
    rng = generator(settings.seed, {}, "agreement")
    draws = Draws.of(aligned.cluster, np.arange(len(aligned.traces)), settings.bootstrap, rng)
    metrics, overall = estimates(observed, draws)
    figures = [
        AgreementFigure(
            element=name,
            metrics={key: found[key] for key in MUTUAL},
            small=found["kappa_quadratic"].n < settings.min_n,
        )
        for name, found in zip(aligned.elements, metrics, strict=True)
    ]
    mutual = {key: value for key, value in overall.items() if key.rpartition("_")[0] in MUTUAL}
    return figures, mutual


def _groups(aligned: Aligned, by: Sequence[str]) -> list[tuple[Group, Array]]:
    """Return all rows, then those of each group.

    Raises:
        OptionError: a column is nowhere in the traces, or there are too many groups.
    """
    everything = np.arange(len(aligned.traces))
    if not by:
        return [({}, everything)]
    keys = [tuple(_value(trace, name) for name in by) for trace in aligned.traces]
    for place, name in enumerate(by):
        if all(key[place] is None for key in keys):
            raise OptionError(f"--by {name}: no trace of the gold has it")
    kinds = sorted(set(keys), key=lambda key: [(value is None, value or "") for value in key])
    if len(kinds) > MOST_GROUPS:
        raise OptionError(f"--by {','.join(by)}: {len(kinds):,} groups; more than {MOST_GROUPS:,}")
    groups: list[tuple[Group, Array]] = [({}, everything)]
    for kind in kinds:
        rows = np.array([row for row, key in enumerate(keys) if key == kind])
        groups.append((dict(zip(by, kind, strict=True)), rows))
    return groups


def _value(trace: Trace, name: str) -> str | None:
    if not in_table(name):
        return meta_text(trace.meta, name)
    value = getattr(trace, name, None)
    return str(value).lower() if isinstance(value, bool) else value
