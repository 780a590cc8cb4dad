"""Which format an input is in, and which reader reads it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cogtrace.corpora.builtin import READERS
from cogtrace.corpora.readers.streams import COMPRESSED, STDIN
from cogtrace.errors import InputError
from cogtrace.extensions import ReaderKind
from cogtrace.jobs.folder import kind_of

if TYPE_CHECKING:
    from cogtrace.plugins import Extensions

_BUILTIN: Final = {kind.name: kind for kind in READERS if kind.gives == "traces"}


def reader_of(form: str) -> ReaderKind:
    """Return the reader of traces called ``form``.

    Raises:
        OptionError: there is no such format.
        PluginError: there is none, but a broken plugin may have had it.
    """
    # Installed packages are loaded only for what is not built in.
    return _BUILTIN.get(form) or _installed().reader(form)


def format_of(path: str, asked: str | None = None) -> str:
    """Return the format of an input: the one asked for, or the one its name tells.

    Raises:
        OptionError: there is no such format.
        PluginError: there is none, but a broken plugin may have had it.
        InputError: the name tells none.
    """
    if asked is not None:
        return reader_of(asked).name
    if path == STDIN:
        return "jsonl"
    if kind_of(Path(path)) == "guidance":
        return "guidance"
    found = named(path, _BUILTIN.values())
    if found is None:
        readers = [kind for kind in _installed().readers() if kind.gives == "traces"]
        found = named(path, readers)
        if found is None:
            known = ", ".join(kind.name for kind in readers)
            raise InputError(f"{path}: the name tells no format; say which with --format ({known})")
    return found.name


def named(path: str, readers: Iterable[ReaderKind]) -> ReaderKind | None:
    """Return the reader that the name of an input tells, if it tells one."""
    name = path.lower()
    for suffix in COMPRESSED:
        name = name.removesuffix(suffix)
    return next((kind for kind in readers if kind.suffixes and name.endswith(kind.suffixes)), None)


def _installed() -> Extensions:
    from cogtrace.plugins import extensions

    return extensions()
