"""Fit the thresholds below which cues rule an element out.

    python benchmarks/fit_screen.py FOLDER [--write]

A pair of a trace and an element counts as shown if either reader gave it a score above 0.
The threshold of an element is half (MARGIN) of the largest one that keeps 95 % (RECALL)
of its shown pairs. It is used only if the same rule, with all traces of one question left
out in turn, keeps 95 % of the pairs left out; if the element is shown in at least ten
traces (MIN_SHOWN), for fewer say next to nothing; and if three quarters (MIN_ABSENT) of
the pairs left out that it rules out are absent, for otherwise it saves nothing but hits.
All other elements are always asked about. Prints what is to be expected on other traces;
--write puts the thresholds into the element files.

The labels are few and the cues were chosen on traces like these. The intervals are those
of Wilson; they take pairs as independent, and do not know of either.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from element_files import update_scoring
from labelled import Labelled, Marks, labelled, texts

from cogtrace.annotator.cues.screening import Screen, below
from cogtrace.annotator.intervals import wilson
from cogtrace.records import Trace
from cogtrace.taxonomy import Taxonomy, load_taxonomy

RECALL: Final = 0.95
MARGIN: Final = 0.5
MIN_SHOWN: Final = 10
MIN_ABSENT: Final = 0.75

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Fit:
    """Thresholds per element, and what they did to pairs that they were not fitted to."""

    limits: Floats  # 0: always asked
    out: Marks  # a row per trace, a column per element
    reasons: list[str]  # why an element is always asked; "" where it is not


def main() -> None:
    """Fit, print what to expect, and write if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    taxonomy = load_taxonomy()
    screen = Screen(taxonomy)
    traces = labelled(options.folder, taxonomy)
    evidence = screen.evidence([_trace(trace.text, trace.question) for trace in traces])
    shown = np.array([np.maximum(*trace.scores.values()) > 0 for trace in traces])
    everything = [_trace(*found) for found in texts(options.folder).values() if found[0].strip()]
    fit = _fit(evidence, shown, _questions(traces), taxonomy)
    _print(fit, shown, below(screen.evidence(everything), fit.limits), taxonomy)
    if options.write:
        for name, limit in zip(taxonomy.element_ids, fit.limits.tolist(), strict=True):
            update_scoring(name, {"screen": limit or None})


def _trace(text: str, question: str | None) -> Trace:
    return Trace(trace_id="", text=text, question=question)


def _questions(traces: list[Labelled]) -> npt.NDArray[np.int64]:
    """Return a number per trace, the same for traces of the same question."""
    numbers: dict[str | None, int] = {}
    return np.array([numbers.setdefault(trace.question, len(numbers)) for trace in traces])


def _fit(
    evidence: Floats, shown: Marks, question: npt.NDArray[np.int64], taxonomy: Taxonomy
) -> Fit:
    partial = np.array([element.scoring.partial for element in taxonomy.elements])
    out = np.zeros_like(shown)
    for number in np.unique(question):
        held = question == number
        out[held] = below(evidence[held], _limits(evidence[~held], shown[~held], partial))
    limits = _limits(evidence, shown, partial)
    reasons = [_reason(limits[e], shown[:, e], out[:, e]) for e in range(len(limits))]
    used = np.array([not reason for reason in reasons])
    return Fit(limits * used, out & used, reasons)


def _limits(evidence: Floats, shown: Marks, partial: Floats) -> Floats:
    """Return the threshold of each element by the rule, whether it is of use or not."""
    limits = np.zeros(len(partial))
    for element, cap in enumerate(partial):
        found = np.sort(evidence[shown[:, element], element])
        if len(found):
            kept = found[math.floor(len(found) * (1 - RECALL) + 1e-9)]
            # What the cues score must not be ruled out. Two decimals, rounded down.
            limits[element] = math.floor(min(MARGIN * kept, cap) * 100) / 100
    return limits


def _reason(limit: float, shown: Marks, out: Marks) -> str:
    """Return why an element should always be asked about, or nothing."""
    if shown.sum() < MIN_SHOWN:
        return f"shown in fewer than {MIN_SHOWN}"
    if limit <= 0:
        return "shown where no cue is"
    if (shown & out).sum() > (1 - RECALL) * shown.sum():
        return "too many lost"
    if (~shown & out).sum() < max(1, MIN_ABSENT * out.sum()):
        return "rules out little but hits"
    return ""


def _print(fit: Fit, shown: Marks, everywhere: Marks, taxonomy: Taxonomy) -> None:
    print(f"{len(shown)} labelled traces (each question left out in turn); ", end="")
    print(f"{len(everywhere)} traces, labelled or not, with the final thresholds")
    print(f"{'element':32}{'screen':>7}{'shown':>7}{'ruled out':>11}", end="")
    print(f"{'lost':>6}{'recall, 95 % interval':>24}{'of all traces':>15}")
    for e, name in enumerate(taxonomy.element_ids):
        if fit.reasons[e]:
            print(f"{name:32}{'-':>7}{shown[:, e].sum():>7}  always asked: {fit.reasons[e]}")
            continue
        line = _line(fit.out[:, e], shown[:, e])
        print(f"{name:32}{fit.limits[e]:>7.2f}{line}{everywhere[:, e].mean():>15.3f}")
    used = fit.limits > 0
    print(f"{f'these {used.sum()} together':39}", end="")
    print(f"{_line(fit.out[:, used], shown[:, used])}{everywhere[:, used].mean():>15.3f}")
    print(f"{'all elements':39}{_line(fit.out, shown)}{everywhere.mean():>15.3f}")
    wrong = int((fit.out & shown).sum()), int(fit.out.sum())
    low, high = wilson(*wrong)
    print(f"of {wrong[1]} ruled-out pairs {wrong[0]} were shown: {low:.3f} to {high:.3f}")


def _line(out: Marks, shown: Marks) -> str:
    """Return the figures on some labelled pairs, as a piece of a table."""
    total, lost = int(shown.sum()), int((out & shown).sum())
    low, high = wilson(total - lost, total)
    recall = f"{1 - lost / total:.3f} ({low:.3f} to {high:.3f})"
    return f"{total:>7}{out.mean():>11.3f}{lost:>6}{recall:>24}"


if __name__ == "__main__":
    main()
