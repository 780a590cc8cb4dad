"""Answers that are JSON: found in a text, compared under a schema."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from cogtrace.grading.normalising import normalise

_FENCE: Final = re.compile(r"```[a-zA-Z0-9_-]*[ \t\r]*\n(.*?)\n?```", re.DOTALL)
_MOST_STARTS: Final = 32  # places at which JSON is looked for, from the end of a text
_MOST_DEPTH: Final = 64
# Fields that hold the answer, in order of preference; their names without blanks and marks.
_FIELDS: Final = ("finalanswer", "answer", "final", "result", "solution")
_NONE: Final = object()


def read(answer: str) -> Any:
    """Return the data that an answer is as JSON, or a mark for none: see `is_none`."""
    text = answer.strip()
    fenced = _FENCE.fullmatch(text)
    try:
        data = json.loads(fenced[1] if fenced else text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return _NONE
    return data if _shallow(data, _MOST_DEPTH) else _NONE


def is_none(data: object) -> bool:
    """Say whether `read` found no JSON."""
    return data is _NONE


def last_json(text: str, *, cut: bool = False) -> str | None:
    """Return the last JSON object or array of a text, as it stands there.

    Of a text that was cut off, the whole or a fenced block: others may be parts of a larger one.
    """
    for piece in (text.strip(), *_blocks(text)) if cut else _pieces(text):
        data = read(piece)
        if isinstance(data, dict | list):
            return piece
    return None


def answer_field(text: str) -> str | None:
    """Return the final answer that a text gives in a field of JSON, if it ends in such."""
    piece = next(_pieces(text), None)
    data = read(piece) if piece is not None and text.strip().endswith((piece, "```")) else _NONE
    if not isinstance(data, dict):
        return None
    fields = {re.sub(r"[\W_]", "", str(name)).casefold(): value for name, value in data.items()}
    value = next((fields[name] for name in _FIELDS if name in fields), None)
    if isinstance(value, str):
        return value.strip() or None
    return None if value is None else json.dumps(value, ensure_ascii=False)


def same_data(one: Any, other: Any, schema: Mapping[str, Any] | None = None) -> bool:
    """Say whether two JSON values are the same.

    Numbers are compared by value, texts after `normalise`, objects without regard to order.
    Under a schema, only the ``properties`` that it names count where it names some, and
    arrays with ``uniqueItems`` are compared as sets.
    """
    schema = schema or {}
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one == other or _close(one, other)
    if isinstance(one, str) and isinstance(other, str):
        return one == other or normalise(one) == normalise(other)
    if isinstance(one, dict) and isinstance(other, dict):
        return _same_objects(one, other, schema)
    if isinstance(one, list) and isinstance(other, list):
        return _same_arrays(one, other, schema)
    return one is None and other is None


def fits(data: Any, schema: Mapping[str, Any]) -> bool:
    """Say whether data fit a schema."""
    import jsonschema

    try:
        return bool(jsonschema.Draft202012Validator(schema).is_valid(data))
    except (RecursionError, jsonschema.exceptions.UnknownType, re.error):
        return False


def _same_objects(one: dict[str, Any], other: dict[str, Any], schema: Mapping[str, Any]) -> bool:
    named = schema.get("properties")
    names = set(named) if isinstance(named, dict) and named else set(one) | set(other)
    known = named if isinstance(named, dict) else {}
    for name in names:
        if (name in one) != (name in other):
            return False
        if name in one and not same_data(one[name], other[name], _part(known.get(name))):
            return False
    return True


def _same_arrays(one: list[Any], other: list[Any], schema: Mapping[str, Any]) -> bool:
    if len(one) != len(other):
        return False
    items = _part(schema.get("items"))
    if schema.get("uniqueItems") is not True:
        return all(same_data(a, b, items) for a, b in zip(one, other, strict=True))
    left = list(other)
    for item in one:
        place = next((n for n, b in enumerate(left) if same_data(item, b, items)), None)
        if place is None:
            return False
        del left[place]
    return True


def _close(one: float, other: float) -> bool:
    try:
        return math.isclose(one, other, rel_tol=1e-9)
    except OverflowError:  # a whole number that is too large for floating point
        return False


def _part(schema: object) -> Mapping[str, Any] | None:
    return schema if isinstance(schema, Mapping) else None


def _pieces(text: str) -> Iterator[str]:
    """Yield what may be JSON: the whole, fenced blocks from the last on, what ends the text."""
    if text.strip()[:1] in ("{", "["):
        yield text.strip()
    yield from _blocks(text)
    ends = max(text.rfind("}"), text.rfind("]")) + 1
    if ends:
        starts = [found.start() for found in re.finditer(r"(?:^|(?<=\s))[{\[]", text[:ends])]
        # The outermost of what ends there: the first start from which all is JSON.
        for start in starts[-_MOST_STARTS:]:
            yield text[start:ends]


def _blocks(text: str) -> Iterator[str]:
    """Yield the contents of fenced blocks, from the last one on."""
    for block in reversed([found[1] for found in _FENCE.finditer(text)]):
        yield block.strip()


def _shallow(data: Any, depth: int) -> bool:
    if not isinstance(data, dict | list):
        return True
    values = data.values() if isinstance(data, dict) else data
    return depth > 0 and all(_shallow(value, depth - 1) for value in values)


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
