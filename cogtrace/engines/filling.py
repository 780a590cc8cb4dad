"""Instances of a JSON Schema: the smallest one, or one drawn at random.

Understands what schemas for answers are made of: const, enum, anyOf and oneOf (the first
branch), local references, types with their bounds on length, number of items and value,
prefixItems. A keyword that restricts a value in another way (pattern, allOf, not, …) is
refused rather than ignored, so that an instance is always valid.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Any, Final

Schema = dict[str, Any]

_UNSUPPORTED: Final = frozenset(
    "allOf not if then else dependentSchemas dependentRequired pattern patternProperties "
    "propertyNames contains minContains uniqueItems minProperties "
    "$dynamicRef unevaluatedItems unevaluatedProperties".split()
)
_DEPTH: Final = 64  # of schemas within schemas; a recursive one may have no finite instance
_WORDS: Final = "so the sum is then checked again from a new side".split()


class UnsupportedSchema(ValueError):
    """A schema with a keyword that is not understood here, or without an instance."""


def smallest(schema: Schema) -> Any:
    """Return the smallest instance, always the same.

    Objects have their required keys only, arrays and strings are as short as they may be,
    numbers are 0 or as near to it as their bounds allow (from below: the minimum), of
    several values or branches the first is taken.

    >>> smallest({"type": "array", "items": {"type": "integer", "minimum": 3}, "minItems": 2})
    [3, 3]

    Raises:
        UnsupportedSchema: names the keyword.
    """
    return _Filler(schema, None).fill(schema)


def varied(schema: Schema, draw: random.Random) -> Any:
    """Return an instance drawn at random.

    The values of one object agree: either it is bare (arrays as short as they may be,
    numbers at their minimum, first value of an enum) or it is full (arrays not empty,
    numbers above their minimum, a later value of an enum). An answer of evidence and a
    score therefore has both or none. The integers of an array ascend.

    Raises:
        UnsupportedSchema: names the keyword.
    """
    return _Filler(schema, draw).fill(schema)


class _Filler:
    """Fills one schema; without a source of randomness with the smallest values."""

    def __init__(self, root: Schema, draw: random.Random | None) -> None:
        self._root = root
        self._draw = draw
        self._depth = 0

    def fill(self, schema: Any, full: bool | None = None) -> Any:
        """Return an instance; ``full`` says what the object around it is, if any."""
        if self._depth >= _DEPTH:
            raise UnsupportedSchema(f"more than {_DEPTH} schemas within each other")
        self._depth += 1
        try:
            return self._fill(schema, full)
        finally:
            self._depth -= 1

    def _fill(self, schema: Any, full: bool | None) -> Any:
        if schema is True:
            return None
        if not isinstance(schema, dict):
            raise UnsupportedSchema(f"a schema that is {schema!r} has no instance")
        refused = sorted(_UNSUPPORTED & schema.keys())
        if refused:
            raise UnsupportedSchema(f"the keyword {refused[0]!r} is not understood here")
        if "$ref" in schema:
            return self.fill(self._resolve(schema["$ref"]), full)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._one_of(schema["enum"], full)
        for several in ("anyOf", "oneOf"):
            if several in schema:
                return self.fill(schema[several][0], full)
        return self._of_type(_type(schema), schema, full)

    def _of_type(self, kind: str, schema: Schema, full: bool | None) -> Any:
        match kind:
            case "object":
                return self._object(schema)
            case "array":
                return self._array(schema, full)
            case "string":
                return self._string(schema, full)
            case "integer" | "number":
                return self._number(schema, full, whole=kind == "integer")
            case "boolean":
                return self._draw is not None and (full is None or full) and self._coin()
            case "null":
                return None
        raise UnsupportedSchema(f"the type {kind!r} is not understood here")

    def _coin(self) -> bool:
        return self._draw is not None and self._draw.random() < 0.5

    def _resolve(self, reference: str) -> Any:
        if reference != "#" and not reference.startswith("#/"):
            raise UnsupportedSchema(f"the reference {reference!r} leads out of the schema")
        found: Any = self._root
        for step in reference.split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, dict) or name not in found:
                raise UnsupportedSchema(f"the reference {reference!r} leads nowhere")
            found = found[name]
        return found

    def _one_of(self, values: list[Any], full: bool | None) -> Any:
        if not values:
            raise UnsupportedSchema("an empty enum has no instance")
        if self._draw is None or full is False or len(values) == 1:
            return values[0]
        return self._draw.choice(values[1:] if full else values)

    def _object(self, schema: Schema) -> dict[str, Any]:
        properties = schema.get("properties", {})
        required = schema.get("required", [])
        if missing := [name for name in required if name not in properties]:
            properties = properties | dict.fromkeys(missing, schema.get("additionalProperties", {}))
        full = self._coin() if self._draw else None
        return {
            name: self.fill(inner, full)
            for name, inner in properties.items()
            # Keys come in the order of the schema, as constrained decoding writes them.
            if name in required or (full and self._coin())
        }

    def _array(self, schema: Schema, full: bool | None) -> list[Any]:
        items = list(self._items(schema, self._length(schema, full)))
        if self._draw and "prefixItems" not in schema and all(type(i) is int for i in items):
            items.sort()
        return items

    def _length(self, schema: Schema, full: bool | None) -> int:
        low = schema.get("minItems", 0)
        if self._draw is None or full is False:
            return int(low)
        known = len(schema.get("prefixItems", [])) if schema.get("items") is False else None
        high = min(n for n in (schema.get("maxItems"), known, max(low, 1) + 2) if n is not None)
        return self._draw.randint(min(max(low, 1), high), max(low, high))

    def _items(self, schema: Schema, length: int) -> Iterator[Any]:
        fixed = schema.get("prefixItems", [])
        for place in range(length):
            # What an array holds does not depend on whether the object around is bare.
            yield self.fill(fixed[place] if place < len(fixed) else schema.get("items", {}))

    def _string(self, schema: Schema, full: bool | None) -> str:
        if "format" in schema:
            raise UnsupportedSchema("the keyword 'format' is not understood here")
        low = int(schema.get("minLength", 0))
        if self._draw is None or full is False:
            return "x" * low
        high = int(schema.get("maxLength", max(low, 40)))
        size = self._draw.randint(max(low, min(8, high)), max(low, min(high, low + 40)))
        text = ""
        while len(text) < size:
            text += self._draw.choice(_WORDS) + " "
        text = text[:size].strip()
        return text + "x" * (low - len(text))

    def _number(self, schema: Schema, full: bool | None, *, whole: bool) -> float:
        if not whole and "multipleOf" not in schema:
            return self._fraction(schema, full)
        step: float = schema.get("multipleOf", 1)
        low, high = _grid(schema, step)
        if self._draw is None or full is False or low == high:
            return low * step
        return self._draw.randint(low + bool(full), high) * step

    def _fraction(self, schema: Schema, full: bool | None) -> float:
        """Return a number of a range without steps."""
        least, most = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
        low = schema.get("minimum", least)
        high = schema.get("maximum", most)
        if low is None:
            low = 0 if high is None or high > 0 else high - 1
        high = low + 1 if high is None else high
        open_ends = least is not None or most is not None
        if low > high or (low == high and open_ends):
            raise UnsupportedSchema(f"no number lies between {low} and {high}")
        if self._draw is None or full is False:
            return float((low + high) / 2 if open_ends else low)
        return float(low + (high - low) * self._draw.choice((0.25, 0.5, 0.75)))


def _type(schema: Schema) -> str:
    """Return the (first) type of a schema; that of an object or array may go unsaid."""
    kind = schema.get("type")
    if isinstance(kind, list) and kind:
        kind = kind[0]
    if isinstance(kind, str):
        return kind
    if "properties" in schema or "required" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else "null"


def _grid(schema: Schema, step: float) -> tuple[int, int]:
    """Return the first and last multiple of ``step`` within the bounds."""
    lows = [math.ceil(schema["minimum"] / step)] if "minimum" in schema else []
    highs = [math.floor(schema["maximum"] / step)] if "maximum" in schema else []
    if "exclusiveMinimum" in schema:
        lows.append(math.floor(schema["exclusiveMinimum"] / step) + 1)
    if "exclusiveMaximum" in schema:
        highs.append(math.ceil(schema["exclusiveMaximum"] / step) - 1)
    low = max(lows) if lows else min([0, *highs])
    high = min(highs) if highs else low + 9
    if low > high:
        raise UnsupportedSchema(f"no multiple of {step} is within the bounds")
    return low, high
