"""Reading what ``--with`` says: names of plugins, each with options.

The form is ``NAME[:OPTION=VALUE[,OPTION=VALUE...]][,NAME...]``, for example
``restate,analogy:k=2,shared=true``. What follows a comma continues the options of the
plugin before if it reads ``OPTION=``, else it is the next plugin. A value is JSON where it
can be read as such (``2``, ``true``, ``"2"``, ``["a", "b"]``), else text. Commas inside
quotation marks, brackets and braces belong to the value; ``"a, b"`` is the text between
the marks, with JSON's escapes.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from cogtrace.errors import OptionError

_OPTION: Final = re.compile(r"\s*([A-Za-z_][\w-]*)\s*=(.*)", re.DOTALL)
_NAME: Final = re.compile(r"[\w.-]+")
_CLOSERS: Final = {"[": "]", "{": "}"}


def parse_with(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the plugins that a value of ``--with`` names, in order, each with its options.

    Raises:
        OptionError: it is not of the form told above; says where.
    """
    found: list[tuple[str, dict[str, Any]]] = []
    pieces, closed = cut(text, ",")
    if not closed:
        raise _wrong(text, "a quotation mark or bracket is not closed")
    for piece in pieces:
        option = _OPTION.fullmatch(piece)
        if option is not None and found:
            _add(found[-1], option, text)
            continue
        name, colon, first = piece.partition(":")
        if not _NAME.fullmatch(name.strip()):
            raise _wrong(text, f"{piece.strip() or 'nothing'!r} is no name of a plugin")
        found.append((name.strip(), {}))
        if colon:
            option = _OPTION.fullmatch(first)
            if option is None:
                raise _wrong(text, f"{piece.strip()!r}: after the colon comes OPTION=VALUE")
            _add(found[-1], option, text)
    return found


def _add(plugin: tuple[str, dict[str, Any]], option: re.Match[str], text: str) -> None:
    name, options = plugin
    key = option[1]
    if key in options:
        raise _wrong(text, f"{name} is given {key} twice")
    options[key] = _value(option[2].strip(), text)


def _value(text: str, whole: str) -> Any:
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        if text[:1] in ('"', "[", "{"):
            reason = getattr(error, "msg", "nested too deeply")
            raise _wrong(whole, f"{text!r} is no valid JSON ({reason})") from error
        return text


def cut(text: str, sign: str) -> tuple[list[str], bool]:
    """Return what stands between signs outside quotation marks and brackets, and if all close.

    A plus is a sign only before a name: it also stands in numbers, as in 1e+3.
    """
    pieces, begin = [], 0
    opened: list[str] = []
    quoted = escaped = False
    for place, letter in enumerate(text):
        if quoted:
            quoted = escaped or letter != '"'
            escaped = letter == "\\" and not escaped
        elif letter == '"':
            quoted = True
        elif letter in _CLOSERS:
            opened.append(_CLOSERS[letter])
        elif opened and letter == opened[-1]:
            opened.pop()
        elif letter == sign and not opened and (sign != "+" or _begins_name(text, place + 1)):
            pieces.append(text[begin:place])
            begin = place + 1
    return [*pieces, text[begin:]], not (quoted or opened)


def _begins_name(text: str, place: int) -> bool:
    return text[place:].lstrip()[:1].isalpha()


def _wrong(text: str, problem: str) -> OptionError:
    return OptionError(
        f"--with {text}: {problem}; write e.g. restate,analogy:k=2,shared=true "
        '(a value with a comma in it in quotation marks: hint="a, b")'
    )
