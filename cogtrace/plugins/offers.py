"""What the hooks of a package may offer, made sure of before anybody relies on it."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable
from typing import Any, Final

from cogtrace.errors import PluginError
from cogtrace.extensions import AnnotatorKind, EngineKind, ReaderKind, WriterKind
from cogtrace.plugins.guidance import API_VERSION, GuidanceKind
from cogtrace.sections import SectionKind

AnyKind = EngineKind | AnnotatorKind | ReaderKind | WriterKind | SectionKind | GuidanceKind

# Each hook with what its list holds, what that is called, and the field with its function.
HOOKS: Final[dict[str, tuple[type[AnyKind], str, str]]] = {
    "cogtrace_engines": (EngineKind, "engine", "build"),
    "cogtrace_annotators": (AnnotatorKind, "annotator", "build"),
    "cogtrace_readers": (ReaderKind, "reader", "read"),
    "cogtrace_writers": (WriterKind, "writer", "write"),
    "cogtrace_guidance": (GuidanceKind, "guidance plugin", "build"),
    "cogtrace_report_sections": (SectionKind, "section", "build"),
}


def check_offer(hook: str, item: object) -> None:
    """Raise PluginError if an item of a hook's list is not what it should be."""
    kind, _, function = HOOKS[hook]
    if not isinstance(item, kind):
        raise PluginError(f"{hook} returned a list with {in_words(item)}, not {kind.__name__}")
    if not (isinstance(item.name, str) and item.name and item.name.isprintable()):
        raise PluginError(f"{hook} returned the name {item.name!r}; a name is a word")
    if isinstance(item, GuidanceKind):
        _check_guidance(hook, item)
    if not is_importable(getattr(item, function)):
        raise PluginError(
            f"{hook}: {function} of {item.name!r} must be a function or class that can be "
            "imported by name, for worker processes"
        )


def _check_guidance(hook: str, kind: GuidanceKind) -> None:
    """Raise PluginError if a guidance plugin cannot be used by this version of cogtrace."""
    require_version(kind)
    if not re.fullmatch(r"[\w.-]+", kind.name):
        raise PluginError(f"{hook} returned the name {kind.name!r}; a name is a word")
    texts = [(name, getattr(kind, name)) for name in ("summary", "version", "source")]
    for name, value in [*texts, *(("raises", one) for one in kind.raises)]:
        if not isinstance(value, str):
            raise PluginError(f"{hook}: {name} of {kind.name!r} is {in_words(value)}, no text")
    known = kind.options.get("properties", {}) if isinstance(kind.options, dict) else None
    if not isinstance(known, dict):
        raise PluginError(f"{hook}: options of {kind.name!r} are no JSON Schema of an object")


def require_version(kind: GuidanceKind) -> None:
    """Raise PluginError if a guidance plugin is not written for this version of the hooks."""
    if kind.api_version == 0:
        raise PluginError(
            f"guidance plugin {kind.name!r} does not say for which version of the guidance hooks "
            f"it is written; write api_version={API_VERSION} in its GuidanceKind"
        )
    if kind.api_version != API_VERSION:
        raise PluginError(
            f"guidance plugin {kind.name!r} was written for version {kind.api_version} of the "
            f"guidance hooks, this is version {API_VERSION}; install a release of it that fits"
        )


def is_importable(build: Callable[..., object]) -> bool:
    """Say whether a function is found again under its own name."""
    module = sys.modules.get(getattr(build, "__module__", None) or "")
    found: Any = module
    for name in getattr(build, "__qualname__", "?").split("."):
        found = getattr(found, name, None)
    return module is not None and bool(found == build) and callable(build)


def in_words(value: object) -> str:
    """Return what a value is, in words."""
    name = value.__name__ if inspect.isclass(value) else type(value).__name__
    return f"the class {name}" if inspect.isclass(value) else f"{name} {value!r}"[:80]
