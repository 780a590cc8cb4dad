"""The smallest JSON value that fits a JSON Schema, for the schemas that this project makes."""

from __future__ import annotations

import functools
from typing import Any

import msgspec

Schema = dict[str, Any]


class _JsonSchema(msgspec.Struct):
    schema: msgspec.Raw


class _Format(msgspec.Struct):
    json_schema: _JsonSchema | None = None


class _Outputs(msgspec.Struct):
    json: msgspec.Raw


class _Asked(msgspec.Struct):
    response_format: _Format | None = None
    structured_outputs: _Outputs | None = None


_ASKED = msgspec.json.Decoder(_Asked)


def fitting(body: bytes) -> str:
    """Return the smallest answer for the schema in a chat request; "ok" if there is none."""
    asked = _ASKED.decode(body)
    if asked.response_format is not None and asked.response_format.json_schema is not None:
        return _fitting(bytes(asked.response_format.json_schema.schema))
    if asked.structured_outputs is not None:
        return _fitting(bytes(asked.structured_outputs.json))
    return "ok"


@functools.lru_cache(maxsize=10_000)
def _fitting(schema: bytes) -> str:
    return msgspec.json.encode(smallest(msgspec.json.decode(schema))).decode()


def smallest(schema: Schema, root: Schema | None = None) -> Any:
    """Return a small value that fits ``schema``.

    Knows const, enum, anyOf, oneOf, local references, required properties, lengths and
    bounds. Raises ValueError for what it does not know (patterns, allOf, not).
    """
    root = schema if root is None else root
    if unknown := {"pattern", "allOf", "not", "if", "multipleOf"} & schema.keys():
        raise ValueError(f"no smallest value for a schema with {', '.join(sorted(unknown))}")
    if "$ref" in schema:
        return smallest(_resolve(schema["$ref"], root), root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return smallest(schema[choice][0], root)
    kind = schema.get("type", "object")
    return _of_kind(kind[0] if isinstance(kind, list) else kind, schema, root)


def _of_kind(kind: str, schema: Schema, root: Schema) -> Any:
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: smallest(properties.get(name, {}), root) for name in _required(schema)}
    if kind == "array":
        first = [smallest(item, root) for item in schema.get("prefixItems", [])]
        more = schema.get("minItems", 0) - len(first)
        return first + [smallest(schema.get("items", {}), root) for _ in range(more)]
    if kind == "string":
        return "x" * int(schema.get("minLength", 0))
    if kind in ("integer", "number"):
        low = schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
        return min(low, schema.get("maximum", low))
    return {"boolean": False, "null": None}[kind]


def _required(schema: Schema) -> list[str]:
    """Return the names of required properties in the order the schema gives them."""
    wanted = schema.get("required", [])
    known = [name for name in schema.get("properties", {}) if name in wanted]
    return known + [name for name in wanted if name not in known]


def _resolve(reference: str, root: Schema) -> Schema:
    found: Any = root
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    resolved: Schema = found
    return resolved
