"""The options of a plugin: checked against its schema, defaults filled in."""

from __future__ import annotations

import copy
import difflib
import json
import math
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from cogtrace.errors import OptionError, PluginError
from cogtrace.plugins.guidance import GuidanceKind

# Options of every plugin, kept by the pipeline and never seen by ``build``.
RESERVED: Final = ("max_calls", "max_tokens", "timeout")
DEFAULT_TIMEOUT: Final = 600.0


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What a plugin may spend on a task."""

    max_calls: int  # calls to a model
    max_tokens: int | None = None  # of prompts and answers together; None: no bound
    timeout: float = DEFAULT_TIMEOUT  # seconds per hook, without waiting for the model


def checked_options(
    kind: GuidanceKind, given: Mapping[str, Any]
) -> tuple[dict[str, Any], Bounds, dict[str, Any]]:
    """Return a plugin's options, whole; its bounds; and which reserved options were given.

    Raises:
        OptionError: an option is unknown or has an impossible value; names it.
        PluginError: the plugin's own schema or number of calls is broken.
    """
    reserved = {name: given[name] for name in RESERVED if name in given}
    own = copy.deepcopy({name: value for name, value in given.items() if name not in reserved})
    schema = kind.options
    _refuse_unknown(kind, own)
    _fill_defaults(schema, own)
    _validate(kind, own)
    return own, _bounds(kind, own, reserved), reserved


def _refuse_unknown(kind: GuidanceKind, options: Mapping[str, Any]) -> None:
    known = kind.options.get("properties", {})
    open_ended = kind.options.get("additionalProperties", False) is not False
    for name in options:
        if name not in known and not open_ended and "patternProperties" not in kind.options:
            near = difflib.get_close_matches(name, [*known, *RESERVED], n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            there = ", ".join([*known, *RESERVED])
            raise OptionError(f"--with {kind.name}: no option {name!r}; it has {there}{hint}")


def _fill_defaults(schema: Mapping[str, Any], options: dict[str, Any]) -> None:
    for name, declared in schema.get("properties", {}).items():
        if isinstance(declared, dict) and "default" in declared and name not in options:
            options[name] = copy.deepcopy(declared["default"])


def _validate(kind: GuidanceKind, options: dict[str, Any]) -> None:
    import jsonschema

    try:
        jsonschema.Draft202012Validator.check_schema(kind.options)
    except jsonschema.SchemaError as error:
        raise PluginError(
            f"guidance plugin {kind.name!r}: its options are no valid JSON Schema ({error.message})"
        ) from error
    found = jsonschema.Draft202012Validator(kind.options).iter_errors(options)
    for wrong in sorted(found, key=lambda e: list(map(str, e.path))):
        place = ".".join(map(str, wrong.path))
        where = f"option {place}" if place else "options"
        raise OptionError(f"--with {kind.name}: {where}: {wrong.message[:240]}")


def _bounds(kind: GuidanceKind, options: dict[str, Any], reserved: dict[str, Any]) -> Bounds:
    calls = reserved["max_calls"] if "max_calls" in reserved else _declared_calls(kind, options)
    tokens = reserved.get("max_tokens")
    timeout = reserved.get("timeout", DEFAULT_TIMEOUT)
    for name, value, least in (("max_calls", calls, 0), ("max_tokens", tokens, 1)):
        whole = isinstance(value, int) and not isinstance(value, bool) and value >= least
        if not (whole or (value is None and name == "max_tokens")):
            raise OptionError(f"--with {kind.name}: {name} {_shown(value)}: give a whole number")
    number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if not (number and math.isfinite(timeout) and timeout > 0):
        raise OptionError(f"--with {kind.name}: timeout {_shown(timeout)}: give seconds, above 0")
    return Bounds(max_calls=calls, max_tokens=tokens, timeout=float(timeout))


def _declared_calls(kind: GuidanceKind, options: dict[str, Any]) -> int:
    try:
        calls = kind.calls(copy.deepcopy(options)) if callable(kind.calls) else kind.calls
    except Exception as error:  # a plugin's code may raise what it likes
        raise PluginError(
            f"guidance plugin {kind.name!r}: calls raised {type(error).__name__}: {error}"
        ) from error
    if not isinstance(calls, int) or isinstance(calls, bool) or calls < 0:
        raise PluginError(f"guidance plugin {kind.name!r}: calls is {calls!r}, no whole number")
    return calls


def _shown(value: Any) -> str:
    return json.dumps(value, default=repr)
