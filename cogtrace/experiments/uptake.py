"""Whether guidance changed the reasoning: elements shown in one arm and in another.

Compared are the texts that answers are from, one per task and arm, the same questions on
both sides: as they are, and at equal length (within bins of half an octave), for longer
texts show more of everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np

from cogtrace.annotator.job import InputRef, JobFolder, JobPlan, run_job
from cogtrace.annotator.registry import AnnotatorSpec
from cogtrace.corpora.readers import open_inputs, preview, read_traces
from cogtrace.corpora.statistics import Settings, parse_where, read_corpus
from cogtrace.corpora.statistics.arrays import Array, number, ratio
from cogtrace.corpora.statistics.bootstrap import Drawn, interval, resample
from cogtrace.corpora.statistics.comparison import Sides
from cogtrace.corpora.statistics.corpus import Corpus
from cogtrace.corpora.statistics.figures import ComparisonFigure
from cogtrace.corpora.statistics.sample import Sample
from cogtrace.corpora.statistics.summary import compare
from cogtrace.experiments.outcomes import Arm
from cogtrace.experiments.records import Claim, UptakeFigure
from cogtrace.plugins.manager import extensions

Method = Literal["raw", "matched"]
METHODS: Final[tuple[Method, ...]] = ("raw", "matched")

_BINS_PER_OCTAVE: Final = 2  # as in statistics at equal length


def annotate_arm(path: Path, folder: Path, spec: AnnotatorSpec) -> None:
    """Annotate the generations of an arm, or go on with that.

    Raises:
        JobStopped: it could not go on; it can be resumed.
        JobError: the folder was begun with another annotator.
    """
    (source,) = inputs = open_inputs([str(path)])
    plan = JobPlan(
        folder=JobFolder(folder),
        spec=spec,
        inputs=(InputRef(path=str(path), bytes=source.bytes, columns=preview(source, {})),),
        resume=True,
    )
    run_job(plan, read_traces(inputs, {}))


def claims_of(arm: Arm, raises: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return which elements the plugins of an arm say they raise, and which plugins."""
    found: dict[str, list[str]] = {}
    for step in arm.manifest.plan:
        for element in raises.get(step.plugin, ()):
            found.setdefault(element, []).append(step.plugin)
    return found


def uptake(
    arms: Sequence[Arm],
    folders: Sequence[Path],
    claimed: Sequence[Mapping[str, Sequence[str]]],
    *,
    bootstrap: int,
    seed: int,
) -> list[UptakeFigure]:
    """Return the change of every element in every arm against the first one.

    ``folders`` are the annotations of the arms, ``claimed`` what each says it raises.
    """
    settings = Settings(bootstrap=bootstrap, seed=seed, min_n=0)
    figures: list[UptakeFigure] = []
    for place in range(1, len(arms)):
        corpus = read_corpus([folders[place], folders[0]], ["folder"], parse_where(["chosen=true"]))
        sides = _sides(corpus, str(folders[place]))
        sample = Sample(corpus, _answered_by_both(corpus, sides))
        found, _ = compare(sample, sides, {}, settings)
        firsts = _firsts(sample, sides, settings)
        figures += [
            _figure(
                arms[place].name,
                arms[0].name,
                row,
                list(claimed[place].get(row.element, ())),
                firsts,
            )
            for row in found
            if row.method in METHODS
        ]
    return figures


def verdicts(
    arms: Sequence[Arm],
    claimed: Sequence[Mapping[str, Sequence[str]]],
    figures: Sequence[UptakeFigure],
) -> list[Claim]:
    """Return in words what became of each element that a plugin says it raises."""
    known: dict[tuple[str, str, str], UptakeFigure] = {
        (figure.arm, figure.element, figure.method): figure for figure in figures
    }
    return [
        _claim(arm.name, plugin, element, known)
        for arm, mine in zip(arms, claimed, strict=True)
        for element, plugins in mine.items()
        for plugin in plugins
        if arm is not arms[0]
    ]


def _claim(
    arm: str,
    plugin: str,
    element: str,
    known: Mapping[tuple[str, str, str], UptakeFigure],
) -> Claim:
    raw, matched = (known.get((arm, element, method)) for method in METHODS)
    verdict: Literal["raised", "raised with length", "not shown", "lowered", "not asked about"]
    if raw is None or raw.change is None or raw.low is None or raw.high is None:
        verdict, words = "not asked about", "the annotator does not look for it, or it never varies"
        return _said(arm, plugin, element, verdict, f"{words}.")
    change = f"{100 * raw.change:+.1f} points (95% {100 * raw.low:+.1f} to {100 * raw.high:+.1f})"
    if matched is not None and matched.change is not None:
        change += f", {100 * matched.change:+.1f} at equal length"
    if raw.low > 0:
        held = matched is not None and matched.low is not None and matched.low > 0
        verdict = "raised" if held else "raised with length"
        words = "is raised" if held else "is raised, but that may be due to longer texts"
    elif raw.high < 0:
        verdict, words = "lowered", "is LOWERED"
    else:
        verdict, words = "not shown", "is not shown to be raised"
    return _said(arm, plugin, element, verdict, f"{words}: {change}.")


def _said(arm: str, plugin: str, element: str, verdict: str, words: str) -> Claim:
    return Claim(
        arm=arm,
        plugin=plugin,
        element=element,
        verdict=verdict,  # type: ignore[arg-type]  # one of those above
        words=f"{plugin} says it raises {element}, which {words}",
    )


def _sides(corpus: Corpus, folder: str) -> Sides:
    column = corpus.columns["folder"]
    first = np.array([value == folder for value in column.values])
    return Sides(np.where(first[column.codes], 0, 1))


def _answered_by_both(corpus: Corpus, sides: Sides) -> Array:
    """Return the texts of questions that there is a text for on both sides."""
    there = [set(corpus.cluster[sides.side == side].tolist()) for side in (0, 1)]
    both = np.array(sorted(there[0] & there[1]), dtype=np.int64)
    rows: Array = np.flatnonzero(np.isin(corpus.cluster, both))
    return rows


def _figure(
    arm: str,
    other: str,
    row: ComparisonFigure,
    claimed: list[str],
    firsts: Mapping[tuple[str, str], _First],
) -> UptakeFigure:
    first = firsts.get((row.method, row.element), _First(0, None, None, None))
    return UptakeFigure(
        arm=arm,
        other=other,
        element=row.element,
        claimed=claimed,
        method="matched" if row.method == "matched" else "raw",
        n=row.n_a,
        share=row.share_a,
        share_other=row.share_b,
        change=row.difference,
        low=row.low,
        high=row.high,
        p_adjusted=row.p_adjusted,
        n_first=first.n,
        first_change=first.change,
        first_low=first.low,
        first_high=first.high,
    )


@dataclass(frozen=True, slots=True)
class _First:
    """How far the place of the first span has moved."""

    n: int
    change: float | None
    low: float | None
    high: float | None


class _Places:
    """Sums per side, bin of length and element: texts with a span, places of the first one."""

    def __init__(self, sample: Sample, sides: Sides, bins: Array) -> None:
        self._sample, self._sides = sample, sides
        kinds, self._bin = np.unique(bins, return_inverse=True)
        self.bins = len(kinds)
        self.width = 2 * self.bins * 2 * sample.elements

    def block(self, low: int, high: int) -> Array:
        """Return the sums of some clusters."""
        rows = self._sample.within(low, high)
        first = self._sample.corpus.shown.first[rows]
        there = ~np.isnan(first)
        values = np.concatenate([there, np.where(there, first, 0)], axis=1)
        cell = self._sides.side[rows] * self.bins + self._bin[rows]
        sums = np.zeros((high - low, 2 * self.bins, values.shape[1]))
        np.add.at(sums, (self._sample.owners(low, high), cell), values)
        return sums.reshape(high - low, self.width)

    def changes(self, sums: Array) -> tuple[Array, Array]:
        """Return per element the texts of the first side and the difference of mean places."""
        shape = (len(sums), 2, self.bins, 2, self._sample.elements)
        n, places = np.moveaxis(sums.reshape(shape), 3, 0)
        weight = np.nan_to_num(ratio(n[:, 0] * n[:, 1], n.sum(axis=1)))
        gap = np.nan_to_num(ratio(places[:, 0], n[:, 0]) - ratio(places[:, 1], n[:, 1]))
        counted = (n[:, 0] * (weight > 0)).sum(axis=1)
        return counted, ratio((weight * gap).sum(axis=1), weight.sum(axis=1))


def _firsts(sample: Sample, sides: Sides, settings: Settings) -> dict[tuple[str, str], _First]:
    octaves = np.log2(np.maximum(sample.corpus.length, 1)) * _BINS_PER_OCTAVE
    bins = {"raw": np.zeros(len(octaves)), "matched": np.floor(octaves + 1e-9)}
    sections = [_Places(sample, sides, bins[method]) for method in METHODS]
    rng = np.random.default_rng(abs(settings.seed))
    drawn = resample(sections, sample.clusters, settings.bootstrap, rng)
    found: dict[tuple[str, str], _First] = {}
    for method, section, sums in zip(METHODS, sections, drawn, strict=True):
        for element, first in zip(sample.corpus.elements, _moved(section, sums), strict=True):
            found[method, element] = first
    return found


def _moved(section: _Places, drawn: Drawn) -> Iterable[_First]:
    n, change = section.changes(drawn.total)
    _, draws = section.changes(drawn.draws)
    low, high = interval(draws)
    for place in range(n.shape[1]):
        yield _First(
            int(n[0, place]),
            number(float(change[0, place])),
            number(float(low[place])),
            number(float(high[place])),
        )


def raised_elements() -> dict[str, tuple[str, ...]]:
    """Return what each guidance plugin there is says it raises."""
    return {kind.name: kind.raises for kind in extensions().guidance_plugins()}
