"""Texts that people labelled, in the layouts of two public data sets.

* Schoenfeld: one response a row with its ``sentences``, each with a sentence label and the
  label of its paragraph. The label of a paragraph becomes "paragraph LABEL".
* ReasoningFlow: one response a row as a graph of ``nodes`` and ``edges``. The label of an
  edge marks the node it leads to.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

from cogtrace.corpora.readers.choosing import format_of, reader_of
from cogtrace.extensions import Labels, Mark, RawRow

_TEXTS: Final = ("response", "text", "trace")
_LONGEST: Final = 64  # characters of a label

Place = tuple[int, int]


class BadRow(ValueError):
    """A row that is not laid out as it should be; its reason is a short code."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def schoenfeld_rows(path: str) -> Iterator[RawRow]:
    """Read responses whose sentences are labelled with episodes of problem solving.

    Left out, and counted: the line of the end-of-thinking tag ("boundary"), and scraps of
    the original splitting that are labelled Monitor ("fragment").
    """
    return _rows(path, "schoenfeld", ("sentences",), _schoenfeld)


def reasoningflow_rows(path: str) -> Iterator[RawRow]:
    """Read responses that are labelled as graphs of reasoning steps.

    Left out, and counted: nodes of the question ("context"), which the response does not
    hold, and labels of edges that lead to them.
    """
    return _rows(path, "reasoningflow", ("nodes", "edges"), _reasoningflow)


def _rows(
    path: str, scheme: str, parts: tuple[str, ...], labels: Callable[[dict[str, Any], str], Labels]
) -> Iterator[RawRow]:
    for row in reader_of(format_of(path)).read(path):
        if row.data is None:
            yield row
            continue
        data = {key: value for key, value in row.data.items() if key not in parts}
        if "trace_id" not in data and isinstance(data.get("id"), int):
            data["trace_id"] = f"{scheme}-{data['id']}"
        try:
            column = _text_column(row.data)
            text = data.pop(column)
            found = labels(row.data, text)
        except BadRow as error:
            yield RawRow(row.line, None, error.reason, str(error), _shown(data))
        else:
            # Under a name that no other column is taken for the text before.
            yield RawRow(row.line, {**data, "text": text}, labels=found)


def _schoenfeld(row: dict[str, Any], text: str) -> Labels:
    marks: list[Mark] = []
    faults: dict[str, tuple[str, str]] = {}
    left_out: Counter[str] = Counter()
    paragraphs: list[tuple[Any, str, Place]] = []
    cursor = 0
    for sentence in _objects(row, "sentences"):
        if sentence.get("boundary") is True:
            left_out["boundary"] += 1
            continue
        label = _label(sentence.get("sentence_label"))
        try:
            place = _place(sentence, text, cursor)
        except BadRow as error:
            # The others can be right; what this label covers is not known any more.
            faults[label] = (error.reason, str(error))
            continue
        cursor = place[1]
        if sentence.get("fragment") is True and label == "Monitor":
            left_out["fragment"] += 1
        else:
            marks.append(Mark(label, *place, sentence.get("text")))
        if sentence.get("paragraph_label") is not None:
            episode = _label(f"paragraph {_label(sentence['paragraph_label'])}")
            paragraphs.append((sentence.get("para"), episode, place))
    for (_, episode), group in itertools.groupby(paragraphs, key=lambda found: found[:2]):
        places = [place for _, _, place in group]
        marks.append(Mark(episode, places[0][0], places[-1][1]))
    return Labels(marks=tuple(marks), faults=faults, left_out=dict(left_out))


def _reasoningflow(row: dict[str, Any], text: str) -> Labels:
    marks: list[Mark] = []
    faults: dict[str, tuple[str, str]] = {}
    left_out: Counter[str] = Counter()
    nodes: dict[str, tuple[Place, str | None] | BadRow | None] = {}
    cursor = 0
    for node in _objects(row, "nodes"):
        label, name = _label(node.get("label")), str(node.get("id"))
        if name in nodes:
            raise BadRow("bad-record", f"two nodes have the id {name[:40]!r}")
        nodes[name] = None
        if node.get("source") == "context" or (node.get("start") is None and label == "context"):
            left_out["context"] += 1
            continue
        try:
            place = _place(node, text, cursor)
        except BadRow as error:
            nodes[name] = error
            faults[label] = (error.reason, str(error))
            continue
        cursor = place[1]
        nodes[name] = (place, node.get("text"))
        marks.append(Mark(label, *place, node.get("text")))
    for edge in _objects(row, "edges"):
        label, name = _label(edge.get("label")), str(edge.get("dest"))
        goal = nodes.get(name, BadRow("unknown-node", f"an edge leads to no node ({name[:40]!r})"))
        if goal is None:
            left_out["context"] += 1
        elif isinstance(goal, BadRow):
            faults[label] = (goal.reason, str(goal))
        else:
            marks.append(Mark(label, *goal[0], goal[1]))
    # Two edges with one label may lead to the same node.
    return Labels(marks=tuple(dict.fromkeys(marks)), faults=faults, left_out=dict(left_out))


def _place(found: dict[str, Any], text: str, cursor: int) -> Place:
    """Return where a labelled piece stands; looked for from ``cursor`` on without offsets.

    Raises:
        BadRow: it has no usable offsets, or is not there.
    """
    start, end, quote = found.get("start"), found.get("end"), found.get("text")
    if quote is not None and not isinstance(quote, str):
        raise BadRow("bad-span", "the text of a labelled piece is no string")
    if start is None and end is None and quote:
        start = text.find(quote, cursor)
        if start < 0:
            raise BadRow("quote-not-found", f"{quote[:80]!r} does not follow in the text")
        return start, start + len(quote)
    if type(start) is not int or type(end) is not int:
        raise BadRow("bad-span", f"no offsets: start {start!r:.40}, end {end!r:.40}")
    return start, end


def _text_column(row: dict[str, Any]) -> str:
    column = next((name for name in _TEXTS if isinstance(row.get(name), str)), None)
    if column is None:
        raise BadRow("no-text", f"no text; it is looked for in {', '.join(_TEXTS)}")
    return column


def _objects(row: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = row.get(name)
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise BadRow("bad-record", f"{name!r} is no list of objects")
    return found


def _label(value: Any) -> str:
    if isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isprintable():
        return value
    raise BadRow("bad-label", f"not a label: {value!r:.80}")


def _shown(data: dict[str, Any]) -> str:
    return repr({name: data[name] for name in ("trace_id", "id") if name in data})
