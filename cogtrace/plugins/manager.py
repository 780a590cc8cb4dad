"""Finding extensions: built-ins and installed packages, through the same door.

A broken extension stops nobody who does not need it. It is remembered as a `Problem`
with the name and version of its package, and who asks for something that it may have
provided gets an error that names it.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any, Final, Literal, TypeVar, cast

import pluggy

from cogtrace.errors import CogtraceError, OptionError, PluginError
from cogtrace.extensions import GROUP, AnnotatorKind, EngineKind, ReaderKind, WriterKind
from cogtrace.plugins import hookspecs
from cogtrace.plugins.guidance import API_VERSION, GuidanceKind
from cogtrace.printable import printable
from cogtrace.sections import SectionKind

VARIABLE: Final = "COGTRACE_PLUGINS"
# The entry points of cogtrace itself, as in pyproject.toml. Named here as well so that a
# checkout works whose installed metadata is older, or that is not installed at all.
BUILTINS: Final = (
    EntryPoint("engines", "cogtrace.engines.builtin", GROUP),
    EntryPoint("annotators", "cogtrace.annotator.builtin", GROUP),
    EntryPoint("corpora", "cogtrace.corpora.builtin", GROUP),
    EntryPoint("guidance", "cogtrace.plugins.builtin", GROUP),
)
_TARGETS: Final = {point.value for point in BUILTINS}

Kind = TypeVar("Kind", EngineKind, AnnotatorKind, ReaderKind, WriterKind, SectionKind, GuidanceKind)
AnyKind = EngineKind | AnnotatorKind | ReaderKind | WriterKind | SectionKind | GuidanceKind

# Each hook with what its list holds, what that is called, and the field with its function.
_HOOKS: Final[dict[str, tuple[type[AnyKind], str, str]]] = {
    "cogtrace_engines": (EngineKind, "engine", "build"),
    "cogtrace_annotators": (AnnotatorKind, "annotator", "build"),
    "cogtrace_readers": (ReaderKind, "reader", "read"),
    "cogtrace_writers": (WriterKind, "writer", "write"),
    "cogtrace_guidance": (GuidanceKind, "guidance plugin", "build"),
    "cogtrace_report_sections": (SectionKind, "section", "build"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """An extension that cannot be used, or not wholly."""

    plugin: str  # name of its entry point
    package: str  # name and version of the distribution, e.g. "acme-cogtrace 1.2"
    error: str  # on one line

    def __str__(self) -> str:
        return f"plugin {self.plugin!r} of {self.package}: {self.error}"


@dataclass(frozen=True, slots=True)
class Extensions:
    """What built-ins and installed packages provide."""

    _kinds: Mapping[type[AnyKind], Mapping[str, Any]]
    _owners: Mapping[tuple[type[AnyKind], str], str]
    problems: tuple[Problem, ...] = ()

    def engine(self, name: str) -> EngineKind:
        """Return the engine called ``name``.

        Raises:
            OptionError: there is none; names those there are.
            PluginError: there is none, but a broken plugin may have had it; names that.
        """
        return _pick("--engine", name, self._of(EngineKind), self.problems)

    def annotator(self, name: str) -> AnnotatorKind:
        """Return the annotator called ``name``; raises as `engine` does."""
        return _pick("--annotator", name, self._of(AnnotatorKind), self.problems)

    def reader(self, name: str, gives: Literal["traces", "annotations"] = "traces") -> ReaderKind:
        """Return the reader of traces or annotations called ``name``; raises as `engine` does."""
        option = "--format" if gives == "traces" else "--from"
        known = {kind.name: kind for kind in self.readers() if kind.gives == gives}
        return _pick(option, name, known, self.problems)

    def writer(self, name: str) -> WriterKind:
        """Return the writer called ``name``; raises as `engine` does."""
        return _pick("--to", name, self._of(WriterKind), self.problems)

    def guidance(self, name: str) -> GuidanceKind:
        """Return the guidance plugin called ``name``; raises as `engine` does."""
        return _pick("--with", name, self._of(GuidanceKind), self.problems)

    def engines(self) -> tuple[EngineKind, ...]:
        """Return all engines, built-ins first."""
        return tuple(self._of(EngineKind).values())

    def annotators(self) -> tuple[AnnotatorKind, ...]:
        """Return all annotators, built-ins first."""
        return tuple(self._of(AnnotatorKind).values())

    def readers(self) -> tuple[ReaderKind, ...]:
        """Return all readers, built-ins first."""
        return tuple(self._of(ReaderKind).values())

    def writers(self) -> tuple[WriterKind, ...]:
        """Return all writers, built-ins first."""
        return tuple(self._of(WriterKind).values())

    def sections(self) -> tuple[SectionKind, ...]:
        """Return all sections of reports, built-ins first."""
        return tuple(self._of(SectionKind).values())

    def guidance_plugins(self) -> tuple[GuidanceKind, ...]:
        """Return all guidance plugins, built-ins first."""
        return tuple(self._of(GuidanceKind).values())

    def package(self, kind: AnyKind) -> str:
        """Return name and version of the package that something comes from."""
        return self._owners[type(kind), kind.name]

    def _of(self, kind: type[Kind]) -> Mapping[str, Kind]:
        return cast(Mapping[str, Kind], self._kinds[kind])


@functools.cache
def extensions() -> Extensions:
    """Return all extensions; they are loaded when first asked for.

    The environment variable COGTRACE_PLUGINS chooses among installed packages by the
    names of their entry points, separated by commas: empty for none, unset for all.
    """
    return load(entry_points(group=GROUP), os.environ.get(VARIABLE))


def load(found: Iterable[EntryPoint], chosen: str | None = None) -> Extensions:
    """Load the built-ins, and of the entry points found those that are chosen."""
    loader = _Loader()
    for point in BUILTINS:
        loader.add(point)
    others = sorted(
        (point for point in found if point.value not in _TARGETS),
        key=lambda point: (_package(point), point.name),
    )
    if chosen is not None:
        names = {name.strip() for name in chosen.split(",")} - {""}
        for name in sorted(names - {point.name for point in others}):
            there = ", ".join(point.name for point in others) or "none"
            loader.problem(name, f"(named in {VARIABLE})", f"is not installed; there is {there}")
        others = [point for point in others if point.name in names]
    for point in others:
        loader.add(point)
    return loader.result()


class _Loader:
    """Loads entry points one by one and keeps what goes wrong with each."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(GROUP)
        self._manager.add_hookspecs(hookspecs)
        self._problems: list[Problem] = []
        self._kinds: dict[type[AnyKind], dict[str, AnyKind]] = {
            kind: {} for kind, _, _ in _HOOKS.values()
        }
        self._owners: dict[tuple[type[AnyKind], str], EntryPoint] = {}

    def result(self) -> Extensions:
        """Return what was loaded."""
        return Extensions(
            MappingProxyType(self._kinds),
            MappingProxyType({key: _package(point) for key, point in self._owners.items()}),
            tuple(self._problems),
        )

    def problem(self, plugin: str, package: str, error: str) -> None:
        """Remember what is wrong with a plugin."""
        line = printable(" ".join(error.split()))
        self._problems.append(Problem(plugin, package, line[:500]))

    def add(self, point: EntryPoint) -> None:
        """Load and register a plugin, and ask it for all it has."""
        try:
            plugin = self._register(point)
            offered = [(hook, item) for hook in _HOOKS for item in self._ask(plugin, hook)]
        except (Exception, SystemExit) as error:
            # Whatever somebody's module does when it is imported, other commands go on.
            text = str(error) if isinstance(error, CogtraceError) else _describe(error)
            self.problem(point.name, _package(point), text)
            return
        for hook, item in offered:
            self._keep(point, item, _HOOKS[hook][1])

    def _register(self, point: EntryPoint) -> object:
        """Return the plugin, registered.

        Raises:
            PluginError: it has no hook, or one that does not exist.
            Exception: whatever happens when it is imported.
        """
        plugin = point.load()
        hash(plugin)  # the plugin manager keeps plugins in sets
        name = f"{_package(point)}:{point.name}"
        try:
            self._manager.register(plugin, name)
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            self._manager.unregister(name=name)
            raise PluginError(f"{error}{self._meant(plugin)}") from error
        if not self._manager.get_hookcallers(plugin):
            raise PluginError("implements no hook; are its functions marked with @hookimpl?")
        return plugin

    def _meant(self, plugin: object) -> str:
        """Return which hooks the plugin's functions may have meant to be."""
        known = [name for name in vars(hookspecs) if name.startswith("cogtrace_")]
        for name in dir(plugin):
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.85)
            if near and name not in known:
                return f"; {name} looks like {near[0]}"
        return ""

    def _ask(self, plugin: object, hook: str) -> list[AnyKind]:
        """Return what one plugin's hook offers.

        Raises:
            PluginError: it is not what the hook's specification says.
            Exception: whatever the hook raises.
        """
        kind = _HOOKS[hook][0]
        others = [other for other in self._manager.get_plugins() if other is not plugin]
        offered = self._manager.subset_hook_caller(hook, others)()
        for answer in offered:
            if not isinstance(answer, list | tuple):
                raise PluginError(f"{hook} returned {_a(answer)}, not a list of {kind.__name__}")
            for item in answer:
                _check(hook, item)
        return [item for answer in offered for item in answer]

    def _keep(self, point: EntryPoint, item: AnyKind, what: str) -> None:
        """Keep what a plugin offers, unless its name is taken."""
        kept = self._kinds[type(item)]
        owner = self._owners.setdefault((type(item), item.name), point)
        if owner is point and item.name not in kept:
            kept[item.name] = item
            return
        taken = f"the {what} {item.name!r} is there already, from {_package(owner)}"
        self.problem(point.name, _package(point), taken)
        if owner not in BUILTINS:
            # Which of two packages is meant is for the person to say.
            kept.pop(item.name, None)


def _check(hook: str, item: object) -> None:
    """Raise PluginError if an item of a hook's list is not what it should be."""
    kind, _, function = _HOOKS[hook]
    if not isinstance(item, kind):
        raise PluginError(f"{hook} returned a list with {_a(item)}, not {kind.__name__}")
    if not (isinstance(item.name, str) and item.name and item.name.isprintable()):
        raise PluginError(f"{hook} returned the name {item.name!r}; a name is a word")
    if isinstance(item, GuidanceKind):
        _check_guidance(hook, item)
    if not _importable(getattr(item, function)):
        raise PluginError(
            f"{hook}: {function} of {item.name!r} must be a function or class that can be "
            "imported by name, for worker processes"
        )


def _check_guidance(hook: str, kind: GuidanceKind) -> None:
    """Raise PluginError if a guidance plugin cannot be used by this version of cogtrace."""
    if kind.api_version != API_VERSION:
        raise PluginError(
            f"{hook}: {kind.name!r} was written for version {kind.api_version} of the guidance "
            f"hooks, this is version {API_VERSION}; install a release of it that fits"
        )
    if not re.fullmatch(r"[\w.-]+", kind.name):
        raise PluginError(f"{hook} returned the name {kind.name!r}; a name is a word")


def _importable(build: Callable[..., object]) -> bool:
    """Say whether a function is found again under its own name."""
    module = sys.modules.get(getattr(build, "__module__", None) or "")
    found: Any = module
    for name in getattr(build, "__qualname__", "?").split("."):
        found = getattr(found, name, None)
    return module is not None and bool(found == build) and callable(build)


def _pick(option: str, name: str, known: Mapping[str, Kind], problems: Iterable[Problem]) -> Kind:
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    text = f"{option} {name}: unknown; there is {', '.join(known)}{hint}"
    broken = "".join(f"\n  {problem}" for problem in problems)
    if broken:
        raise PluginError(f"{text}\nor it belongs to a plugin that cannot be used:{broken}")
    raise OptionError(text)


def _package(point: EntryPoint) -> str:
    """Return name and version of the distribution of an entry point."""
    if point.dist is None:
        return "cogtrace" if point in BUILTINS else "an unknown package"
    try:
        return f"{point.dist.name} {point.dist.version}"
    except Exception:  # metadata of somebody's package, broken in a way of its own
        return "a package with broken metadata"


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _a(value: object) -> str:
    """Return what a value is, in words."""
    name = value.__name__ if inspect.isclass(value) else type(value).__name__
    return f"the class {name}" if inspect.isclass(value) else f"{name} {value!r}"[:80]
