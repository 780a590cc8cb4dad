"""All figures of a corpus: for all traces, and for each group."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any, Final, Protocol

import msgspec
import numpy as np

from cogtrace.corpora.statistics.arrays import Array, number
from cogtrace.corpora.statistics.bootstrap import LEVEL, resample
from cogtrace.corpora.statistics.comparison import Raw, Sides, adjusted
from cogtrace.corpora.statistics.cooccurrence import Cooccurrence
from cogtrace.corpora.statistics.corpus import Corpus
from cogtrace.corpora.statistics.coverage import Coverage
from cogtrace.corpora.statistics.equal_length import Matched, Regression
from cogtrace.corpora.statistics.figures import (
    TABLES,
    ComparisonFigure,
    CorrectedFigure,
    Group,
    GroupFigure,
    LengthFigure,
    PrevalenceFigure,
    SourceFigure,
    Statistics,
)
from cogtrace.corpora.statistics.notes import notes
from cogtrace.corpora.statistics.positions import Positions
from cogtrace.corpora.statistics.prevalence import Prevalence
from cogtrace.corpora.statistics.sample import Sample
from cogtrace.corpora.statistics.selecting import matches
from cogtrace.corpora.statistics.success import Success
from cogtrace.corpora.statistics.transitions import Transitions
from cogtrace.errors import OptionError
from cogtrace.printable import one_line

MOST_GROUPS: Final = 1_000


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be computed, and how."""

    by: tuple[str, ...] = ()
    compare: tuple[str, str] | None = None  # values of a column, or shell patterns
    compare_by: str = "model"
    bootstrap: int = 1_000  # draws; 0: no intervals but exact and model-based ones
    seed: int = 0
    min_n: int = 20
    evaluation: str | None = None  # the file that corrections rest on

    def columns(self) -> list[str]:
        """Return the columns that are needed."""
        return [*self.by, *([self.compare_by] if self.compare else [])]


class Correct(Protocol):
    """Corrects shares for the errors of an annotator."""

    def rows(
        self,
        group: Group,
        prevalence: Sequence[PrevalenceFigure],
        draws: Array,
        rng: np.random.Generator,
    ) -> list[CorrectedFigure]:
        """Return the corrected shares of a group; ``draws`` are those of the raw ones."""


def compute(
    corpus: Corpus,
    settings: Settings,
    where: Sequence[str] = (),
    correct: Correct | None = None,
) -> Statistics:
    """Return all figures of a corpus that was read with ``settings.columns()``.

    The same corpus, settings and seed give the same figures. ``where`` is only repeated
    among the parameters. ``correct`` fills the table of corrected shares, see
    `cogtrace.corpora.evaluation.correcting`.

    Raises:
        OptionError: there are too many groups, or nothing to compare.
    """
    sides = _sides(corpus, settings)
    tables: dict[str, Any] = {name: [] for name in TABLES}
    for group, rows in groups(corpus, settings.by):
        _describe(tables, group, Sample(corpus, rows), settings, correct)
        if sides is not None:
            pair = Sample(corpus, sides.both(rows))
            differences, lengths = compare(pair, sides, group, settings)
            tables["comparison"] += differences
            tables["comparison_lengths"] += lengths
    return Statistics(
        parameters=_parameters(settings, where),
        sources=[
            SourceFigure(
                folder=source.folder,
                status=source.manifest.status,
                taxonomy=source.manifest.taxonomy,
                annotator=source.manifest.annotator,
                traces=source.traces,
                left_out=source.left_out,
                quarantined=source.manifest.counts.quarantined,
            )
            for source in corpus.sources
        ],
        notes=notes(corpus, sides, tables["groups"], settings.min_n),
        **tables,
    )


def groups(corpus: Corpus, by: Sequence[str]) -> list[tuple[Group, Array]]:
    """Return all traces, then the groups by the columns, in order of their values.

    Raises:
        OptionError: there are too many groups.
    """
    everything = np.arange(len(corpus.length))
    found: list[tuple[Group, Array]] = [({}, everything)]
    if not by:
        return found
    codes = np.stack([corpus.columns[name].codes for name in by], axis=1)
    kinds, owner = np.unique(codes, axis=0, return_inverse=True)
    if len(kinds) > MOST_GROUPS:
        raise OptionError(
            f"--by {','.join(by)}: {len(kinds):,} groups; more than {MOST_GROUPS:,} are refused"
        )
    owner = owner.reshape(-1)
    order = np.argsort(owner, kind="stable")
    pieces = np.split(order, np.cumsum(np.bincount(owner))[:-1])
    named: list[tuple[Group, Array]] = []
    for kind, rows in zip(kinds, pieces, strict=True):
        values = [corpus.columns[name].values[code] for name, code in zip(by, kind, strict=True)]
        named.append((dict(zip(by, values, strict=True)), rows))
    named.sort(key=lambda item: [(value is None, value or "") for value in item[0].values()])
    return found + named


def compare(
    sample: Sample, sides: Sides, group: Group, settings: Settings
) -> tuple[list[ComparisonFigure], list[LengthFigure]]:
    """Return the comparison of the two sides within a sample that holds only them.

    Where one side has no trace, there is none.
    """
    if len(np.unique(sides.side[sample.rows])) < 2:
        return [], []
    raw, matched = Raw(sample, sides), Matched(sample, sides)
    drawn = resample(
        (raw, matched), sample.clusters, settings.bootstrap, generator(settings.seed, group, "pair")
    )
    regression = Regression(sample, sides)
    min_n = settings.min_n
    figures = [
        *adjusted(raw.figures(group, drawn[0], min_n)),
        *adjusted(matched.figures(group, drawn[1], min_n)),
        *adjusted(regression.figures(group, min_n)),
    ]
    return figures, [method.lengths(group) for method in (raw, matched, regression)]


def generator(seed: int, group: Group, purpose: str) -> np.random.Generator:
    """Return random numbers for a group that do not depend on which others there are."""
    name = msgspec.json.encode([purpose, sorted(group.items())])
    return np.random.default_rng([abs(seed), int(seed < 0), zlib.crc32(name)])


def _describe(
    tables: dict[str, Any],
    group: Group,
    sample: Sample,
    settings: Settings,
    correct: Correct | None,
) -> None:
    """Add the rows of a group to all tables but those of comparisons."""
    sections: dict[str, Any] = {
        "prevalence": Prevalence(sample),
        "spans": Coverage(sample),
        "cooccurrence": Cooccurrence(sample),
        "positions": Positions(sample),
        "transitions": Transitions(sample),
        "success": Success(sample),
    }
    drawn = resample(
        list(sections.values()),
        sample.clusters,
        settings.bootstrap,
        generator(settings.seed, group, "group"),
    )
    tables["groups"].append(_group(group, sample, settings.min_n))
    for (name, section), sums in zip(sections.items(), drawn, strict=True):
        tables[name] += section.figures(group, sums, settings.min_n)
    if correct is not None:
        rows = [row for row in tables["prevalence"] if row.group == group]
        draws = sections["prevalence"].draws(drawn[0])
        rng = generator(settings.seed, group, "corrected")
        tables["corrected"] += correct.rows(group, rows, draws, rng)


def _group(group: Group, sample: Sample, min_n: int) -> GroupFigure:
    corpus = sample.corpus
    length = corpus.length[sample.rows]
    correct = corpus.correct[sample.rows]
    return GroupFigure(
        group=group,
        n=sample.traces,
        clusters=sample.clusters,
        without_question=int((~corpus.by_question[sample.rows]).sum()),
        graded=int((correct >= 0).sum()),
        correct=int((correct == 1).sum()),
        length_median=number(float(np.median(length))) if len(length) else None,
        length_mean=number(float(length.mean())) if len(length) else None,
        small=sample.traces < min_n,
    )


def _sides(corpus: Corpus, settings: Settings) -> Sides | None:
    """Return who is compared with whom.

    Raises:
        OptionError: one of the two is nobody.
    """
    if settings.compare is None:
        return None
    column = corpus.columns[settings.compare_by]
    of_value = np.full(len(column.values), -1)
    for place, value in enumerate(column.values):
        # The first that fits: "human_*" and "*" are people and all others.
        hits = [side for side, name in enumerate(settings.compare) if matches(name, value)]
        of_value[place] = hits[0] if hits else -1
    side = of_value[column.codes]
    for number_, name in enumerate(settings.compare):
        if not (side == number_).any():
            values = sorted(value for value in column.values if value is not None)
            there = ", ".join(map(one_line, values[:20]))
            raise OptionError(
                f"--compare: no trace has {settings.compare_by} {name!r}; there is {there}"
            )
    return Sides(side)


def _parameters(settings: Settings, where: Sequence[str]) -> dict[str, Any]:
    return {
        "by": list(settings.by),
        "where": list(where),
        "compare": None if settings.compare is None else list(settings.compare),
        "compare_by": settings.compare_by,
        "bootstrap": settings.bootstrap,
        "seed": settings.seed,
        "min_n": settings.min_n,
        "evaluation": settings.evaluation,
        "confidence_level": LEVEL,
        "clusters": "question",
    }
