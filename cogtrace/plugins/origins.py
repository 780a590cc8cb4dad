"""Where extensions come from: plugins as they were found, and what is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Final, Literal

from cogtrace.extensions import GROUP

# The entry points of cogtrace itself, as in pyproject.toml. Named here as well so that a
# checkout works whose installed metadata is older, or that is not installed at all.
BUILTINS: Final = (
    EntryPoint("engines", "cogtrace.engines.builtin", GROUP),
    EntryPoint("annotators", "cogtrace.annotator.builtin", GROUP),
    EntryPoint("corpora", "cogtrace.corpora.builtin", GROUP),
    EntryPoint("guidance", "cogtrace.plugins.builtin", GROUP),
)


@dataclass(frozen=True, slots=True)
class Problem:
    """An extension that cannot be used, or not wholly."""

    plugin: str  # name of its entry point
    package: str  # name and version of the distribution, e.g. "acme-cogtrace 1.2"
    error: str  # on one line

    def __str__(self) -> str:
        return f"plugin {self.plugin!r} of {self.package}: {self.error}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPlugin:
    """An entry point: a built-in or an installed plugin, loaded or not."""

    name: str  # of the entry point; what COGTRACE_PLUGINS chooses by
    package: str  # name and version of the distribution
    origin: str  # the module, or module:object, that it names
    state: Literal["loaded", "broken", "not chosen"]
    hooks: tuple[str, ...] = ()
    offers: tuple[tuple[str, str], ...] = ()  # what and name, e.g. ("engine", "openai")


def package_of(point: EntryPoint) -> str:
    """Return name and version of the distribution of an entry point."""
    if point.dist is None:
        return "cogtrace" if point in BUILTINS else "an unknown package"
    try:
        return f"{point.dist.name} {point.dist.version}"
    except Exception:  # metadata of somebody's package, broken in a way of its own
        return "a package with broken metadata"
