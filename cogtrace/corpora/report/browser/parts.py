"""What a page needs to show traces: markup, script, style and data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from cogtrace.annotator.job import JobReader
from cogtrace.corpora.report.browser.choosing import Choice, choose
from cogtrace.corpora.report.browser.packing import NAMED, Packing, encode
from cogtrace.corpora.statistics import parse_where
from cogtrace.errors import OptionError, TaxonomyError

MAX_TEXT: Final = 50_000_000  # code points; search and memory of a page stay comfortable

# In the order in which they build on each other.
_SCRIPTS: Final = (
    *("data", "text", "search", "spans", "filters", "list"),
    *("trace", "facts", "legend", "main"),
)


@dataclass(frozen=True, slots=True)
class BrowserParts:
    """The trace browser of one page.

    The page defines the colours (--bg, --fg, --muted, --line, --accent, --panel, --c0 to
    --c11) and puts the data into ``<script type="application/octet-stream"
    id="trace-data">``; the script comes after both.
    """

    html: str  # a labelled section
    script: str  # plain ES2020: no module, no eval, loads nothing
    style: str
    data: str  # base64 of gzip of JSON, see `packing`
    note: str | None  # says so where not all traces are there
    columns: tuple[str, ...]  # what traces can be filtered by


def browser_parts(
    folders: Sequence[Path],
    *,
    max_traces: int = 5_000,
    max_text: int = MAX_TEXT,
    seed: int = 0,
    where: Sequence[str] = (),
) -> BrowserParts:
    """Read job folders into a trace browser.

    Args:
        folders: Job folders. A trace that is in several is shown from each of them.
        max_traces: How many traces to show at most; more are sampled.
        max_text: How much text to show at most, in code points.
        seed: Of the sample.
        where: Conditions that traces must meet, such as ``correct=true``.

    Raises:
        JobError: there is no job in a folder, or no trace in any that meets ``where``.
        JobDamaged: a folder contradicts itself.
        OptionError: a column of ``where`` is nowhere in the traces, a condition has no
            meaning, or a limit is below 1.
    """
    if max_traces < 1 or max_text < 1:
        raise OptionError("a trace browser shows at least one trace")
    choice = choose(
        folders, max_traces=max_traces, max_text=max_text, seed=seed, where=parse_where(where)
    )
    readers = [JobReader(folder) for folder in choice.folders]
    elements = _elements(readers, choice.elements)
    packing = Packing([element["id"] for element in elements])
    for number, (reader, ids) in enumerate(zip(readers, choice.ids, strict=True)):
        for trace, annotation in reader.pairs(ids):
            packing.add(number, trace, annotation)
    content = packing.content()
    columns = _columns(content)
    content |= {
        "elements": elements,
        "folders": _folders(readers),
        "columns": columns,
    }
    return BrowserParts(
        html=_page("browser.html"),
        script=browser_script(),
        style=_page("browser.css"),
        data=encode(content),
        note=_note(choice, seed),
        columns=columns,
    )


def browser_script() -> str:
    """Return the script: its files in one function of their own."""
    body = "\n".join(_page(f"{name}.js") for name in _SCRIPTS)
    return f'(() => {{\n"use strict";\n{body}\n}})();\n'


def _page(name: str) -> str:
    return files(__package__).joinpath("page", name).read_text(encoding="utf-8")


def _columns(content: dict[str, Any]) -> tuple[str, ...]:
    """Return the columns by which the traces differ."""
    traces = content["traces"]
    named = [name for name in (*NAMED, "correct") if len(set(traces[name])) > 1]
    several = ["folder"] if len(set(traces["folder"])) > 1 else []
    return ("element", "score", *named, *several)


def _elements(readers: Sequence[JobReader], ids: Sequence[str]) -> list[dict[str, str]]:
    """Return what is known of each element; without a taxonomy, that is its id.

    Those of a taxonomy come first, in its order.
    """
    known: dict[str, dict[str, str]] = {}
    for reader in reversed(readers):
        try:
            taxonomy = reader.taxonomy()
        except TaxonomyError:
            continue  # ids say enough to read the traces
        dimensions = {dimension.id: dimension.name for dimension in taxonomy.dimensions}
        for element in taxonomy.elements:
            known[element.id] = {
                "id": element.id,
                "name": element.name,
                "dimension": dimensions[element.dimension],
                "definition": element.definition,
            }
    order = dict.fromkeys([*(name for name in known if name in set(ids)), *ids])
    return [known.get(name, {"id": name, "name": name}) for name in order]


def _folders(readers: Sequence[JobReader]) -> list[dict[str, str]]:
    """Return the folders by the last part of their paths, whole where those are the same."""
    short = [reader.folder.path.name for reader in readers]
    return [
        {
            "name": name if name and short.count(name) == 1 else str(reader.folder.path),
            "annotator": reader.manifest.annotator.name,
        }
        for name, reader in zip(short, readers, strict=True)
    ]


def _note(choice: Choice, seed: int) -> str | None:
    if choice.shown == choice.traces:
        return None
    note = f"a random sample of {choice.shown:,} of {choice.traces:,} traces, seed {seed}"
    return f"{note} (as many as their length allows)" if choice.cut_by_text else note
