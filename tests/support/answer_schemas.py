"""Schemas of answers, of all the kinds that a question may need, by name."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import jsonschema

Schema = dict[str, Any]


def record(**properties: Schema) -> Schema:
    """Return the schema of an object with all these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def whole(low: int, high: int) -> Schema:
    """Return the schema of an integer from ``low`` to ``high``."""
    return {"type": "integer", "minimum": low, "maximum": high}


def text(longest: int, shortest: int = 0) -> Schema:
    """Return the schema of a string, its length in characters."""
    return {"type": "string", "minLength": shortest, "maxLength": longest}


def several(items: Schema, most: int, least: int = 0) -> Schema:
    """Return the schema of an array of bounded length."""
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


def require_filled(answer: str, schema: Schema) -> None:
    """Raise unless an answer is JSON that fits its schema, as a grammar counts characters.

    A model that knows nothing may write bytes that are no character (half a surrogate
    pair, say). The grammar counts up to four of them as one character, decoding makes a
    replacement mark of each.
    """
    value = json.loads(re.sub("\ufffd{1,4}", "\ufffd", answer))
    jsonschema.validate(value, schema)


_RANGE: Final = record(first=whole(12, 47), last=whole(12, 47))
_VERDICT: Final = record(
    evidence=several(_RANGE, 4), reason=text(80), score={"type": "integer", "enum": [0, 1, 2]}
)
SCHEMAS: Final[dict[str, Schema]] = {
    "a verdict": _VERDICT,
    "seven verdicts": record(**{f"element-{n}": _VERDICT for n in range(7)}),
    "one possible number": record(n=whole(1, 1)),
    "a digit": record(n=whole(0, 9)),
    "a range over powers of ten": record(n=whole(7, 1043)),
    "three digits": record(n=whole(213, 387)),
    "numbers below zero": record(n=whole(-12, 5)),
    "an empty array": record(items=several(whole(1, 5), 0)),
    "exactly three items": record(items=several(whole(1, 250), 3, 3)),
    "pairs": record(items=several(several(whole(1, 99), 2, 2), 3, 1)),
    "arrays within arrays": record(items=several(several(several(whole(0, 3), 2), 2), 2)),
    "an empty string": record(word=text(0)),
    "a short string": record(word=text(3, 1)),
    "a long string": record(word=text(200)),
    "several strings": record(words=several(text(12), 4)),
    "one of some words": record(word={"enum": ["none", "weak", "strong"]}),
    "words beyond ASCII": record(word={"enum": ["größer", "漢字", 'a "quote"', "\\"]}),
    "a constant": record(kind={"const": "verdict"}, n=whole(1, 3)),
    "true, false or nothing": record(a={"type": "boolean"}, b={"type": "null"}),
    "a quote that may be missing": record(
        quote={"anyOf": [{"type": "null"}, text(20)]}, score={"enum": [0, 1, 2]}
    ),
    "a definition that is referred to": {
        **record(a={"$ref": "#/$defs/pair"}, b={"$ref": "#/$defs/pair"}),
        "$defs": {"pair": record(x=whole(1, 12), y=whole(1, 12))},
    },
    "properties that may be missing": {
        **record(score={"enum": [0, 1, 2]}, reason=text(20)),
        "required": ["score"],
    },
}
