"""A plan: which plugins take part in a run, in which order, with which options."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from cogtrace.errors import OptionError, PluginError
from cogtrace.plugins.guidance import GuidanceKind
from cogtrace.plugins.manager import Extensions, extensions
from cogtrace.plugins.offers import require_version
from cogtrace.plugins.pipeline.files import files_read
from cogtrace.plugins.pipeline.hooks import FIRST_RESULT, Hook, hooks_of
from cogtrace.plugins.pipeline.options import Bounds, checked_options
from cogtrace.plugins.pipeline.parsing import parse_with
from cogtrace.plugins.pipeline.records import FileRead, PlanStep

# What names a plugin in Python: as in --with, with options beside it, or as registered.
Wanted = str | GuidanceKind | tuple[str | GuidanceKind, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A plugin of a plan, ready to be called."""

    kind: GuidanceKind
    options: dict[str, Any]  # with defaults filled in; without the reserved ones
    reserved: dict[str, Any]  # those of the reserved options that were given
    bounds: Bounds
    hooks: dict[str, Hook] = field(repr=False)
    files: tuple[FileRead, ...] = ()  # those that options name

    @property
    def name(self) -> str:
        """The plugin's name, unique in the plan."""
        return self.kind.name

    def shown(self) -> dict[str, Any]:
        """Return what records say of this step."""
        step = PlanStep(
            plugin=self.name,
            version=self.kind.version,
            options=copy.deepcopy({**self.options, **self.reserved}),
            files=self.files,
        )
        shown: dict[str, Any] = msgspec.to_builtins(step)
        return shown


@dataclass(frozen=True, slots=True)
class Plan:
    """The plugins of a run in the order in which they are called."""

    steps: tuple[Step, ...] = ()

    def having(self, hook: str) -> list[Step]:
        """Return the steps that implement a hook."""
        return [step for step in self.steps if hook in step.hooks]

    def shown(self) -> list[dict[str, Any]]:
        """Return what records say of the plan."""
        return [step.shown() for step in self.steps]

    def __str__(self) -> str:
        return ",".join(step.name for step in self.steps) or "no plugins"


def make_plan(
    wanted: str | Iterable[Wanted | Plan] | Plan = (), found: Extensions | None = None
) -> Plan:
    """Return the plan that names plugins in order.

    ``wanted`` is what ``--with`` takes, or a list of such values, of registered kinds, and
    of pairs with options.

    >>> make_plan([("restate", {"keep": 1})])  # doctest: +SKIP

    Raises:
        OptionError: an unknown plugin or option; two plugins that cannot go together.
        PluginError: a plugin that is broken.
    """
    if isinstance(wanted, Plan):
        return wanted
    items: Sequence[Wanted | Plan] = [wanted] if isinstance(wanted, str) else list(wanted)
    steps: list[Step] = []
    for item in items:
        if isinstance(item, Plan):
            steps += item.steps
            continue
        for kind, options in _resolved(item, found):
            try:
                steps.append(_step(kind, options))
            except PluginError as error:
                raise PluginError(f"{error}{(found or extensions()).blame(kind)}") from error
    _refuse_conflicts(steps)
    return Plan(tuple(steps))


def _resolved(
    item: Wanted, found: Extensions | None
) -> list[tuple[GuidanceKind, Mapping[str, Any]]]:
    if isinstance(item, GuidanceKind):
        return [(item, {})]
    if isinstance(item, str):
        named = parse_with(item) if item.strip() else []
        return [((found or extensions()).guidance(name), options) for name, options in named]
    kind, options = item
    if isinstance(kind, str):
        kind = (found or extensions()).guidance(kind)
    return [(kind, options)]


def _step(kind: GuidanceKind, given: Mapping[str, Any]) -> Step:
    require_version(kind)
    options, bounds, reserved = checked_options(kind, given)
    # Before the plugin reads them: what is changed in between is noticed when a job is resumed.
    files = files_read(kind, options)
    try:
        built = kind.build(copy.deepcopy(options))
    except OptionError as error:
        raise OptionError(f"--with {kind.name}: {error}") from error
    except Exception as error:  # a plugin's code may raise what it likes
        raise PluginError(
            f"guidance plugin {kind.name!r} cannot be built: {type(error).__name__}: {error}"
        ) from error
    return Step(
        kind=kind,
        options=options,
        reserved=reserved,
        bounds=bounds,
        hooks=hooks_of(built, kind.name),
        files=files,
    )


def _refuse_conflicts(steps: Sequence[Step]) -> None:
    """Raise OptionError if two plugins of a plan exclude each other."""
    names = [step.name for step in steps]
    for name in names:
        if name == "pipeline":
            raise OptionError("--with pipeline: that name is the pipeline's own in records")
        if names.count(name) > 1:
            raise OptionError(f"--with: {name} is named twice; name each plugin once")
    for hook in FIRST_RESULT:
        both = [step.name for step in steps if hook in step.hooks]
        if len(both) > 1:
            what = hook.removeprefix("cogtrace_")
            raise OptionError(
                f"--with: {both[0]} and {both[1]} both implement {hook}, and only one plugin of "
                f"a run may {what}; leave one of them out"
            )
