"""Finding extensions: built-ins and installed packages, through the same door.

A broken extension stops nobody who does not need it. It is remembered as a `Problem`
with the name and version of its package, and who asks for something that it may have
provided gets an error that names it.
"""

from __future__ import annotations

import difflib
import functools
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any, Final, Literal, TypeVar, cast

import pluggy

from cogtrace.errors import CogtraceError, OptionError, PluginError
from cogtrace.extensions import GROUP, AnnotatorKind, EngineKind, ReaderKind, WriterKind
from cogtrace.plugins import hookspecs
from cogtrace.plugins.guidance import GuidanceKind
from cogtrace.plugins.offers import HOOKS, AnyKind, check_offer, in_words
from cogtrace.plugins.origins import BUILTINS, FoundPlugin, Problem, package_of
from cogtrace.printable import printable
from cogtrace.sections import SectionKind

VARIABLE: Final = "COGTRACE_PLUGINS"
_TARGETS: Final = frozenset(point.value for point in BUILTINS)

Kind = TypeVar("Kind", EngineKind, AnnotatorKind, ReaderKind, WriterKind, SectionKind, GuidanceKind)


@dataclass(frozen=True, slots=True)
class Extensions:
    """What built-ins and installed packages provide."""

    _kinds: Mapping[type[AnyKind], Mapping[str, Any]]
    _owners: Mapping[tuple[type[AnyKind], str], str]
    problems: tuple[Problem, ...] = ()
    plugins: tuple[FoundPlugin, ...] = ()  # all that were found, built-ins first

    def engine(self, name: str) -> EngineKind:
        """Return the engine called ``name``.

        Raises:
            OptionError: there is none; names those there are.
            PluginError: there is none, but a broken plugin may have had it; names that.
        """
        return _pick("--engine", name, self._of(EngineKind), self)

    def annotator(self, name: str) -> AnnotatorKind:
        """Return the annotator called ``name``; raises as `engine` does."""
        return _pick("--annotator", name, self._of(AnnotatorKind), self)

    def reader(self, name: str, gives: Literal["traces", "annotations"] = "traces") -> ReaderKind:
        """Return the reader of traces or annotations called ``name``; raises as `engine` does."""
        option = "--format" if gives == "traces" else "--from"
        known = {kind.name: kind for kind in self.readers() if kind.gives == gives}
        return _pick(option, name, known, self)

    def writer(self, name: str) -> WriterKind:
        """Return the writer called ``name``; raises as `engine` does."""
        return _pick("--to", name, self._of(WriterKind), self)

    def guidance(self, name: str, option: str = "--with") -> GuidanceKind:
        """Return the guidance plugin that ``option`` names; raises as `engine` does."""
        return _pick(option, name, self._of(GuidanceKind), self)

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

    def blame(self, kind: AnyKind) -> str:
        """Return whose something is that cannot be used, and what to do; "" if unknown."""
        package = self._owners.get((type(kind), kind.name))
        if package is None or self._kinds[type(kind)].get(kind.name) is not kind:
            return ""
        return f"\nIt comes from {package}: repair or uninstall it, or run without it"

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
        key=lambda point: (package_of(point), point.name),
    )
    if chosen is not None:
        names = {name.strip() for name in chosen.split(",")} - {""}
        for name in sorted(names - {point.name for point in others}):
            there = ", ".join(point.name for point in others) or "none"
            loader.problem(name, f"(named in {VARIABLE})", f"is not installed; there is {there}")
    else:
        names = {point.name for point in others}
    for point in others:
        if point.name in names:
            loader.add(point)
        else:
            loader.leave_out(point)
    return loader.result()


class _Loader:
    """Loads entry points one by one and keeps what goes wrong with each."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(GROUP)
        self._manager.add_hookspecs(hookspecs)
        self._problems: list[Problem] = []
        self._plugins: list[FoundPlugin] = []
        self._kinds: dict[type[AnyKind], dict[str, AnyKind]] = {
            kind: {} for kind, _, _ in HOOKS.values()
        }
        self._owners: dict[tuple[type[AnyKind], str], EntryPoint] = {}

    def result(self) -> Extensions:
        """Return what was loaded."""
        return Extensions(
            MappingProxyType(self._kinds),
            MappingProxyType({key: package_of(point) for key, point in self._owners.items()}),
            tuple(self._problems),
            tuple(self._plugins),
        )

    def problem(self, plugin: str, package: str, error: str) -> None:
        """Remember what is wrong with a plugin."""
        line = printable(" ".join(error.split()))
        self._problems.append(Problem(plugin, package, line[:500]))

    def add(self, point: EntryPoint) -> None:
        """Load and register a plugin, and ask it for all it has."""
        try:
            plugin = self._register(point)
            offered = [(hook, item) for hook in HOOKS for item in self._ask(plugin, hook)]
        except (Exception, SystemExit) as error:
            # Whatever somebody's module does when it is imported, other commands go on.
            text = str(error) if isinstance(error, CogtraceError) else _describe(error)
            self.problem(point.name, package_of(point), text)
            self._found(point, "broken")
            return
        for hook, item in offered:
            self._keep(point, item, HOOKS[hook][1])
        callers = self._manager.get_hookcallers(plugin) or []
        self._found(
            point,
            "loaded",
            hooks=tuple(caller.name for caller in callers),
            offers=tuple((HOOKS[hook][1], item.name) for hook, item in offered),
        )

    def leave_out(self, point: EntryPoint) -> None:
        """Take note of a plugin that is installed and not wanted; it is not imported."""
        self._found(point, "not chosen")

    def _found(
        self, point: EntryPoint, state: Literal["loaded", "broken", "not chosen"], **more: Any
    ) -> None:
        self._plugins.append(
            FoundPlugin(
                name=point.name,
                package=package_of(point),
                origin=point.value,
                state=state,
                **more,
            )
        )

    def _register(self, point: EntryPoint) -> object:
        """Return the plugin, registered.

        Raises:
            PluginError: it has no hook, or one that does not exist.
            Exception: whatever happens when it is imported.
        """
        plugin = point.load()
        hash(plugin)  # the plugin manager keeps plugins in sets
        name = f"{package_of(point)}:{point.name}"
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
            PluginError: it raises, or it is not what the hook's specification says.
        """
        kind = HOOKS[hook][0]
        others = [other for other in self._manager.get_plugins() if other is not plugin]
        try:
            offered = self._manager.subset_hook_caller(hook, others)()
        except (Exception, SystemExit) as error:
            raise PluginError(f"{hook} raised {_describe(error)}") from error
        for answer in offered:
            if not isinstance(answer, list | tuple):
                said = in_words(answer)
                raise PluginError(f"{hook} returned {said}, not a list of {kind.__name__}")
            for item in answer:
                check_offer(hook, item)
        return [item for answer in offered for item in answer]

    def _keep(self, point: EntryPoint, item: AnyKind, what: str) -> None:
        """Keep what a plugin offers, unless its name is taken."""
        kept = self._kinds[type(item)]
        owner = self._owners.setdefault((type(item), item.name), point)
        if owner is point and item.name not in kept:
            kept[item.name] = item
            return
        taken = f"the {what} {item.name!r} is there already, from {package_of(owner)}"
        self.problem(point.name, package_of(point), taken)
        if owner not in BUILTINS:
            # Which of two packages is meant is for the person to say.
            kept.pop(item.name, None)


def _pick(option: str, name: str, known: Mapping[str, Kind], found: Extensions) -> Kind:
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    text = f"{option} {name}: unknown; there is {', '.join(known)}{hint}"
    if not found.problems:
        raise OptionError(text)
    broken = "".join(f"\n  {problem}" for problem in found.problems)
    raise PluginError(
        f"{text}\nor it belongs to a plugin that cannot be used:{broken}\n{_remedy(found)}"
    )


def _remedy(found: Extensions) -> str:
    """Return how to go on without the plugins that are broken."""
    good = [p.name for p in found.plugins if p.state == "loaded" and p.origin not in _TARGETS]
    return (
        f"Repair or uninstall it; or load only plugins that work: {VARIABLE}={','.join(good)!r} "
        "(names from `cogtrace plugins list`; empty: none)"
    )


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
