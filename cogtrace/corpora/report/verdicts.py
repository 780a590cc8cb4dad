"""Which elements an annotator can be trusted with, by a stated rule.

The rule looks at Cohen's kappa of scores against the gold, which chance alone brings to 0,
however often an element is shown; below 0.4 agreement is called poor (Fleiss, Levin and
Paik, Statistical Methods for Rates and Proportions, 2003). It is strict on purpose: it
asks for the whole interval, not for the figure.
"""

from __future__ import annotations

from typing import Final, Literal

from cogtrace.corpora.evaluation.figures import ElementFigure
from cogtrace.corpora.report.labels import label, listed, plural
from cogtrace.corpora.report.source import Judged, ReportInput

Verdict = Literal["yes", "no", "not known"]

LEAST: Final = 0.4  # kappa
KAPPA: Final = "kappa_quadratic"
RULE: Final = (
    f"An element can be trusted if the whole interval of kappa lies at {LEAST} or above, and "
    "kappa above that of the guess from length. It cannot if the whole interval lies below "
    f"{LEAST}, or kappa is no higher than that of the guess. Else the labels do not tell, as "
    "with few traces or without intervals; then more labels would."
)
_NAMED: Final = 8  # elements named in a sentence


def verdict(entry: ElementFigure) -> Verdict:
    """Say whether what the annotator says of an element can be trusted."""
    found, guess = entry.metrics[KAPPA], entry.length_only[KAPPA].value
    if entry.small or found.value is None or found.low is None or found.high is None:
        return "not known"
    beaten = guess is not None and found.value <= guess
    if beaten or found.high < LEAST:
        return "no"
    return "yes" if found.low >= LEAST else "not known"


def sentence(report: ReportInput, judged: Judged) -> str:
    """Return which elements can be trusted and which cannot, in words."""
    rows = report.in_order(judged.comparison.elements)
    names: dict[Verdict, list[str]] = {"yes": [], "no": [], "not known": []}
    for row in rows:
        names[verdict(row)].append(report.names[row.element])
    rest = f"; of {len(names['not known'])} the labels do not tell" if names["not known"] else ""
    return (
        f"By {plural(judged.comparison.traces, 'labelled trace')} "
        f"({label(judged.evaluation.gold.source)}), {_some(names['yes'])} of "
        f"{plural(len(rows), 'element')} can be trusted, {_some(names['no'])} cannot{rest}."
    )


def _some(names: list[str]) -> str:
    """Return how many, and the first of them by name.

    >>> _some([]), _some(["A", "B"])
    ('none', '2 (A and B)')
    """
    more = len(names) - _NAMED
    shown = names if more <= 0 else [*names[:_NAMED], f"{more} more"]
    return f"{len(names)} ({listed(shown)})" if names else "none"
