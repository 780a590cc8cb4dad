"""What a chat request says of guidance: no more of it is read than that takes."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import accumulate
from typing import Annotated, Any, Final

import msgspec

from cogtrace.errors import OptionError
from cogtrace.plugins.pipeline.parsing import parse_with
from cogtrace.server.errors import ProxyError

_STRING: Final = re.compile(rb'"(?:[^"\\]+|\\.)*+"', re.DOTALL)
_BRACKETS: Final = b"[]{}"
_OTHERS: Final = bytes(set(range(256)) - set(_BRACKETS))
_STEPS: Final = [(byte in b"[{") - (byte in b"]}") for byte in range(256)]
_MOST_BRACKETS: Final = 2_000_000
_SEPARATOR: Final = "+"


class _Head(msgspec.Struct):
    model: str | None = None
    stream: bool | None = None
    cogtrace: msgspec.Raw = msgspec.Raw(b"")  # b"": it is not there


class _Named(msgspec.Struct, forbid_unknown_fields=True):
    plugin: str
    options: dict[str, Any] = {}


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    """The field ``cogtrace`` of a request."""

    with_: str | list[str | _Named] | None = msgspec.field(default=None, name="with")
    samples: Annotated[int, msgspec.Meta(ge=1)] | None = None


_HEAD: Final = msgspec.json.Decoder(_Head)
_ASKED: Final = msgspec.json.Decoder(_Asked | None)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request asks for.

    Attributes:
        model: the model's name, without a suffix.
        plugins: the plugins it names, with options; None: it says nothing of them.
        source: where it names them.
        touched: the body says something that is not the upstream's to read.
    """

    model: str | None
    stream: bool
    plugins: tuple[tuple[str, dict[str, Any]], ...] | None = None
    samples: int | None = None
    source: str = "default"
    touched: bool = False


def read_wish(body: bytes, *, depth: int, suffixes: bool) -> Wish:
    """Return what a chat request asks for.

    Raises:
        ProxyError: it is no JSON object, nested too deeply, or what it says of guidance is
            wrong.
    """
    try:
        head = _HEAD.decode(body)
    except msgspec.ValidationError as error:
        raise ProxyError(400, f"the body: {error}", "invalid_type") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProxyError(400, f"the body is no valid JSON: {error}", "invalid_json") from None
    if body.count(b"[") + body.count(b"{") > depth and _depth(body) > depth:
        raise ProxyError(400, f"the JSON is nested more than {depth} deep", "invalid_json")
    model = head.model
    name, plus, suffix = (model or "").partition(_SEPARATOR) if suffixes else (model, "", "")
    suffixed = tuple(_parsed(suffix.replace(_SEPARATOR, ","), "model")) if plus else None
    stream = bool(head.stream)
    model = name if plus else model
    named = bool(bytes(head.cogtrace))
    asked = _asked(head.cogtrace) if named else None
    if asked is None:
        source = "model" if plus else "default"
        return Wish(model, stream, suffixed, None, source, bool(plus) or named)
    plugins = suffixed if asked.with_ is None else tuple(_named(asked.with_))
    source = "cogtrace" if plugins is not None else "default"
    return Wish(model, stream, plugins, asked.samples, source, True)


def _asked(raw: msgspec.Raw) -> _Asked | None:
    try:
        found: _Asked | None = _ASKED.decode(raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ProxyError(400, f"cogtrace: {error}", "invalid_guidance", param="cogtrace") from None
    return found


def _named(given: str | list[str | _Named]) -> list[tuple[str, dict[str, Any]]]:
    if isinstance(given, str):
        return _parsed(given, "cogtrace") if given.strip() else []
    found: list[tuple[str, dict[str, Any]]] = []
    for item in given:
        if isinstance(item, str):
            found += _parsed(item, "cogtrace")
        else:
            found.append((item.plugin, item.options))
    return found


def _parsed(text: str, param: str) -> list[tuple[str, dict[str, Any]]]:
    try:
        return parse_with(text)
    except OptionError as error:
        raise guidance_error(error, param) from None


def guidance_error(error: Exception, param: str) -> ProxyError:
    """Return the error for guidance that cannot be had, in the words of the command line."""
    first = str(error).partition("\n")[0]  # what follows is for whoever installed the plugins
    words = first.removeprefix("--with ").removeprefix("--with: ")
    return ProxyError(400, f"guidance {words}", "invalid_guidance", param=param)


def _depth(body: bytes) -> float:
    """Return how deep JSON is nested, without recursion."""
    left = _STRING.sub(b"", body).translate(None, _OTHERS)
    if len(left) > _MOST_BRACKETS:
        return math.inf  # no chat; and no time is spent on it
    return max(accumulate(map(_STEPS.__getitem__, left)), default=0)
