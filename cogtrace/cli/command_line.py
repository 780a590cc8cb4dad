"""From the options of one verb to the command line of another one."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Set
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import typer

from cogtrace.printable import printable


def next_command(ctx: typer.Context, verb: str, *more: str, leave: Set[str] = frozenset()) -> str:
    """Return the command line that runs ``verb`` with what was given to the present one.

    Options that ``verb`` does not have, or that were not given, are left out, as are those
    in ``leave``. What the environment gave counts as given.
    """
    root = ctx.find_root()
    group: Any = root.command  # whose `commands` have no parameters before they are loaded
    known = {parameter.name for parameter in group.get_command(root, verb).params}
    arguments: list[str] = []
    options: list[str] = []
    for parameter in ctx.command.params:
        name = parameter.name or ""
        source = ctx.get_parameter_source(name)
        if name not in known - leave or source is None or source.name == "DEFAULT":
            continue
        if parameter.param_type_name == "argument":
            arguments += _all(ctx.params[name])
        else:
            options += _option(parameter.opts[0], ctx.params[name])
    if any(argument.startswith("-") and argument != "-" for argument in arguments):
        options, arguments = [*options, *more, "--", *arguments], []
    else:
        options += more
    return printable(shlex.join(["cogtrace", verb, *arguments, *options]))


def _option(flag: str, value: Any) -> Iterator[str]:
    if isinstance(value, bool):
        if value:
            yield flag
        return
    for text in _all(value):
        if flag == "--base-url":
            text = without_password(text)
        if text.startswith("-"):
            yield f"{flag}={text}"
        else:
            yield from (flag, text)


def _all(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, (list, tuple)) else [str(value)]


def without_password(url: str) -> str:
    """Return an address without the name and password that may stand before its host."""
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
