"""A trace with its spans on a terminal."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cogtrace.annotator.sentences import sentence_ranges
from cogtrace.printable import printable
from cogtrace.records import Annotation, Trace
from cogtrace.taxonomy import Taxonomy

# One colour per dimension, in taxonomy order; told apart with impaired colour vision.
_COLOURS: Final = ("bright_blue", "yellow", "magenta", "green", "cyan", "red")
_NAMES: Final = {0: "absent", 1: "partial", 2: "present"}


def print_trace(
    screen: Console,
    trace: Trace,
    annotation: Annotation,
    taxonomy: Taxonomy,
    wanted: set[str] | None = None,
) -> None:
    """Print a trace sentence by sentence, each with the elements it shows.

    A sentence takes the colour of its surest element's dimension; the names of all its
    elements stand at its end. ``wanted`` cuts them down to some.
    """
    colours = _colours(taxonomy)
    facts = (trace.model, trace.task, trace.problem_type, _outcome(trace.correct))
    screen.print(Text(printable(trace.trace_id), style="bold"), end=" ")
    screen.print(Text(printable(" · ".join(fact for fact in facts if fact)), style="dim"))
    if trace.question:
        screen.print(Text(printable(trace.question.strip()), style="italic"))
    screen.print()
    screen.print(_sentences(trace, annotation, colours, wanted))
    screen.print()
    screen.print(_legend(annotation, taxonomy, colours, wanted))


def _sentences(
    trace: Trace, annotation: Annotation, colours: dict[str, str], wanted: set[str] | None
) -> Table:
    shown: dict[int, list[tuple[float, str]]] = {}
    for entry in annotation.elements:
        if wanted is None or entry.element in wanted:
            for span in entry.spans:
                for number in range(span.first_sentence, span.last_sentence + 1):
                    shown.setdefault(number, []).append((span.confidence or 0.0, entry.element))
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", style="dim")
    table.add_column()
    for number, (start, end) in enumerate(sentence_ranges(trace.text), start=1):
        found = sorted(shown.get(number, []), reverse=True)
        style = colours[found[0][1]] if found else ""
        line = Text(printable(trace.text[start:end]), style=style)
        for _, element in found:
            line.append(f"  {element}", style=f"dim italic {colours[element]}")
        table.add_row(str(number), line)
    return table


def _legend(
    annotation: Annotation, taxonomy: Taxonomy, colours: dict[str, str], wanted: set[str] | None
) -> Table:
    table = Table(box=None, padding=(0, 2))
    for title in ("element", "dimension", "score", "spans"):
        table.add_column(title)
    entries = [e for e in annotation.elements if wanted is None or e.element in wanted]
    for entry in sorted(entries, key=lambda e: -e.score):
        if entry.score or wanted:
            dimension = taxonomy.element(entry.element).dimension
            score = f"{entry.score} {_NAMES[entry.score]}"
            name = Text(entry.element, style=colours[entry.element])
            table.add_row(name, dimension, score, str(len(entry.spans)))
    return table


def _colours(taxonomy: Taxonomy) -> dict[str, str]:
    return {
        element.id: _COLOURS[taxonomy.dimension_number(element) % len(_COLOURS)]
        for element in taxonomy.elements
    }


def _outcome(correct: bool | None) -> str | None:
    return None if correct is None else ("right answer" if correct else "wrong answer")
