"""The public contracts: a JSON Schema (2020-12) for every record that crosses a border.

The records themselves are checked by their types, which is fast; these schemas are for
what people write by hand, for other programs, and for the tests.
"""

from __future__ import annotations

import functools
import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from cogtrace.errors import RecordInvalid

if TYPE_CHECKING:
    import jsonschema

__all__ = ["check", "load_schema", "problems", "schema_names", "validator"]

_SUFFIX = ".schema.json"


def schema_names() -> list[str]:
    """Return the names of all schemas, e.g. "trace"."""
    names = (entry.name for entry in files(__name__).iterdir())
    return sorted(n.removesuffix(_SUFFIX) for n in names if n.endswith(_SUFFIX))


@functools.cache
def load_schema(name: str) -> dict[str, Any]:
    """Return the schema called ``name``."""
    text = files(__name__).joinpath(name + _SUFFIX).read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


@functools.cache
def validator(name: str) -> jsonschema.Draft202012Validator:
    """Return a validator for the schema called ``name``, references resolved."""
    import jsonschema
    from referencing import Registry, Resource

    resources = [Resource.from_contents(load_schema(n)) for n in schema_names()]
    registry: Registry[Any] = resources @ Registry()
    return jsonschema.Draft202012Validator(load_schema(name), registry=registry)


def problems(name: str, data: object) -> list[tuple[str, str]]:
    """Return (JSON path, reason) for each way in which ``data`` breaks a schema."""
    errors = sorted(validator(name).iter_errors(data), key=lambda e: list(map(str, e.path)))
    return [(error.json_path, _shorten(error.message)) for error in errors]


def check(name: str, data: object) -> None:
    """Raise RecordInvalid for the first way in which ``data`` breaks a schema."""
    for path, reason in problems(name, data):
        raise RecordInvalid(name, path, reason)


def _shorten(message: str, limit: int = 240) -> str:
    if len(message) <= limit:
        return message
    return f"{message[: limit // 2]} … {message[-limit // 2 :]}"
