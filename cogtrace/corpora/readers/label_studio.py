"""What people labelled in Label Studio, exported as JSON: a row per task and annotator.

Predictions are not read: what nobody looked at is no gold. Of a task's annotations those
that were skipped ("was_cancelled") are left out. Offsets are UTF-16 units there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from cogtrace.corpora.readers.formats import json_rows, jsonl_rows
from cogtrace.corpora.readers.streams import open_bytes
from cogtrace.corpora.utf16 import Utf16
from cogtrace.corpora.writers.label_studio import DATA, STRENGTHS
from cogtrace.extensions import Labels, Mark, RawRow

_TEXTS: Final = ("text", "trace", "response")
_SCORES: Final = {strength: score for score, strength in STRENGTHS.items()}
_PRESENT: Final = max(STRENGTHS)


class _BadTask(ValueError):
    """A task that is not laid out as it should be; its reason is a short code."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(slots=True)
class _Gathered:
    """What the regions of one annotation say."""

    marks: list[tuple[str, Mark]] = field(default_factory=list)  # id of the region, mark
    strength: dict[str, int] = field(default_factory=dict)  # by region
    whole: dict[str, int] = field(default_factory=dict)  # by label
    faults: dict[str, tuple[str, str]] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)


def label_studio_rows(path: str) -> Iterator[RawRow]:
    """Read the tasks of an export (JSON, or JSON Lines); rows are numbered by annotation."""
    number = 0
    for row in _tasks(path):
        for found in _rows(row):
            number += 1
            yield RawRow(
                number, found.data, found.reason, found.message, found.raw, labels=found.labels
            )


def _tasks(path: str) -> Iterator[RawRow]:
    with open_bytes(path) as stream:
        head = stream.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
    return json_rows(path) if head.startswith(b"[") else jsonl_rows(path)


def _rows(row: RawRow) -> Iterator[RawRow]:
    """Yield a row for each annotation of a task, or one that says why there is none."""
    if row.data is None:
        yield row
        return
    task = row.data
    try:
        data, text = _data(task)
        annotations = _annotations(task)
    except _BadTask as error:
        yield RawRow(row.line, None, error.reason, str(error), _shown(task))
        return
    asked = _asked(data.pop(DATA, None))
    for annotation in annotations:
        labels = _labels(annotation, text, asked)
        yield RawRow(row.line, data, labels=labels)


def _data(task: dict[str, Any]) -> tuple[dict[str, Any], str]:
    data = task.get("data")
    if not isinstance(data, dict):
        raise _BadTask(
            "bad-record", "a task has no object 'data'; export as JSON, not JSON_MIN or CSV"
        )
    text = next((data[name] for name in _TEXTS if isinstance(data.get(name), str)), None)
    if text is None:
        raise _BadTask("no-text", f"no text in the task's data; looked for {', '.join(_TEXTS)}")
    data = dict(data)
    if data.get("trace_id") is None and isinstance(task.get("id"), int | str):
        data["trace_id"] = f"task-{task['id']}"
    return data, text


def _annotations(task: dict[str, Any]) -> list[dict[str, Any]]:
    found = task.get("annotations", task.get("completions"))
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise _BadTask("bad-record", "a task has no list of objects 'annotations'")
    done = [one for one in found if one.get("was_cancelled") is not True]
    if not done:
        raise _BadTask("not-labelled", "nobody labelled this task")
    return done


def _asked(value: Any) -> list[str] | None:
    names = value.get("asked") if isinstance(value, dict) else None
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return names
    return None


def _labels(annotation: dict[str, Any], text: str, asked: list[str] | None) -> Labels:
    found = _Gathered()
    offsets = Utf16(text)
    results = annotation.get("result")
    for region in results if isinstance(results, list) else []:
        if isinstance(region, dict):
            _gather(found, region, text, offsets)
    scores: dict[str, int] | None = None
    if asked is not None:
        scores = dict.fromkeys(asked, 0) | found.whole
        for name, mark in found.marks:
            score = found.strength.get(name, _PRESENT)
            scores[mark.label] = max(score, scores.get(mark.label, 0))
    return Labels(
        # The same place may have been labelled twice.
        marks=tuple(dict.fromkeys(mark for _, mark in found.marks)),
        scores=scores,
        faults=found.faults,
        left_out=dict(found.left_out),
        whole=frozenset(found.whole),
        annotator=_name(annotation.get("completed_by")),
    )


def _gather(found: _Gathered, region: dict[str, Any], text: str, offsets: Utf16) -> None:
    value, name = region.get("value"), str(region.get("id"))
    kind = region.get("type")
    if not isinstance(value, dict) or kind not in ("labels", "choices", "taxonomy"):
        found.left_out[f"region-{kind if isinstance(kind, str) else 'unknown'}"[:40]] += 1
    elif kind == "labels":
        for label in _strings(value.get("labels")):
            try:
                found.marks.append((name, _mark(label, value, text, offsets)))
            except ValueError as error:
                found.faults[label] = ("bad-span", str(error))
    elif kind == "choices":
        for choice in _strings(value.get("choices")):
            if choice in _SCORES:
                found.strength[name] = max(_SCORES[choice], found.strength.get(name, 0))
    else:
        _gather_whole(found, value.get("taxonomy"))


def _gather_whole(found: _Gathered, paths: Any) -> None:
    for path in paths if isinstance(paths, list) else []:
        steps = _strings(path)
        if len(steps) == 2 and steps[1] in _SCORES:
            found.whole[steps[0]] = max(_SCORES[steps[1]], found.whole.get(steps[0], 0))


def _mark(label: str, value: dict[str, Any], text: str, offsets: Utf16) -> Mark:
    start, end = value.get("start"), value.get("end")
    if type(start) is not int or type(end) is not int:
        raise ValueError(f"{label}: no offsets: start {start!r:.40}, end {end!r:.40}")
    first, last = offsets.points(start), offsets.points(end)
    quote = value.get("text")
    # Some versions write line breaks and blanks of a quote otherwise; letters never.
    same = not isinstance(quote, str) or _letters(quote) == _letters(text[first:last])
    return Mark(label, first, last, None if same else quote)


def _letters(text: str) -> str:
    return "".join(text.replace("\\n", " ").split())


def _strings(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _name(value: Any) -> str | None:
    """Return who labelled: an email, or a number."""
    if isinstance(value, dict):
        value = value.get("email") or value.get("id")
    return str(value)[:200] if isinstance(value, int | str) and str(value) else None


def _shown(task: dict[str, Any]) -> str:
    return repr({"id": task.get("id")})
