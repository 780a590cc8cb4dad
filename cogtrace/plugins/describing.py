"""What can be said of plugins: what each offers, and how a guidance plugin is used."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cogtrace
from cogtrace.errors import CogtraceError, OptionError
from cogtrace.plugins.guidance import PATH_FORMAT, GuidanceKind
from cogtrace.plugins.manager import Extensions
from cogtrace.plugins.origins import FoundPlugin

if TYPE_CHECKING:
    from cogtrace.plugins.pipeline import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One thing that a plugin offers, by name."""

    what: str  # "engine", "annotator", "reader", "writer", "guidance plugin", "section"
    name: str
    summary: str
    api_version: int | None = None  # of guidance plugins
    # Guidance hooks of what is built from the default options: none if some option is
    # required, None if it cannot be built.
    hooks: tuple[str, ...] | None = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A plugin, whether it can be used or not."""

    name: str  # what COGTRACE_PLUGINS chooses by
    package: str  # with its version
    origin: str
    state: str  # "loaded", "broken", "not chosen"
    hooks: tuple[str, ...]
    offers: tuple[Offer, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionShown:
    """An option of a guidance plugin."""

    name: str
    form: str  # what values it takes, e.g. "integer, 1 to 10"
    default: Any
    required: bool
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GuidanceShown:
    """All that there is to know of a guidance plugin before it is run."""

    name: str
    summary: str
    package: str
    version: str
    api_version: int
    origin: str  # module:function that builds it
    hooks: tuple[str, ...]
    options: tuple[OptionShown, ...]
    raises: tuple[tuple[str, str], ...]  # id and name of each element
    calls: int | None  # per task with the default options; None: some option is required
    source: str
    example: str  # a command line


def list_plugins(found: Extensions) -> list[Listed]:
    """Return all plugins that were found, built-ins first, and what is wrong with each."""
    listed = [_listed(plugin, found) for plugin in found.plugins]
    there = {(plugin.name, plugin.package) for plugin in found.plugins}
    for problem in found.problems:  # those named in COGTRACE_PLUGINS that are not installed
        if (problem.plugin, problem.package) not in there:
            listed.append(
                Listed(
                    name=problem.plugin,
                    package=problem.package,
                    origin="",
                    state="not installed",
                    hooks=(),
                    offers=(),
                    problems=(problem.error,),
                )
            )
    return listed


def describe(kind: GuidanceKind, package: str) -> GuidanceShown:
    """Return all that there is to know of a guidance plugin.

    Raises:
        PluginError: it cannot be built; says why.
    """
    from cogtrace.taxonomy import load_taxonomy

    names = {element.id: element.name for element in load_taxonomy().elements}
    plan = _default_plan(kind)
    return GuidanceShown(
        name=kind.name,
        summary=kind.summary,
        package=with_version(package),
        version=kind.version,
        api_version=kind.api_version,
        origin=f"{kind.build.__module__}:{kind.build.__qualname__}",
        hooks=tuple(plan.steps[0].hooks) if plan else (),
        options=_options(kind),
        raises=tuple((name, names.get(name, "not in the taxonomy")) for name in kind.raises),
        calls=plan.steps[0].bounds.max_calls if plan else None,
        source=kind.source,
        example=f"cogtrace guide @sample --with {kind.name} --engine scripted --out guided",
    )


def with_version(package: str) -> str:
    """Return a package with its version; of built-ins that is our own."""
    return f"cogtrace {cogtrace.__version__}" if package == "cogtrace" else package


def _listed(plugin: FoundPlugin, found: Extensions) -> Listed:
    problems = [
        problem.error
        for problem in found.problems
        if (problem.plugin, problem.package) == (plugin.name, plugin.package)
    ]
    kinds = _kinds(found)
    offers = []
    for what, name in plugin.offers:
        kind = kinds.get((what, name))
        if kind is None:
            continue  # another one has that name; it is among the problems
        hooks: tuple[str, ...] | None = ()
        if isinstance(kind, GuidanceKind):
            try:
                plan = _default_plan(kind)
                hooks = tuple(plan.steps[0].hooks) if plan else ()
            except (Exception, SystemExit) as error:
                # Whatever it does when it is built, the others are listed.
                hooks = None
                known = isinstance(error, CogtraceError)
                problems.append(str(error) if known else f"{type(error).__name__}: {error}")
        offers.append(
            Offer(
                what=what,
                name=name,
                summary=str(getattr(kind, "summary", "") or getattr(kind, "title", "")),
                api_version=getattr(kind, "api_version", None),
                hooks=hooks,
            )
        )
    return Listed(
        name=plugin.name,
        package=with_version(plugin.package),
        origin=plugin.origin,
        state=plugin.state,
        hooks=plugin.hooks,
        offers=tuple(offers),
        problems=tuple(problems),
    )


def _kinds(found: Extensions) -> dict[tuple[str, str], Any]:
    all_of: dict[str, Callable[[], tuple[Any, ...]]] = {
        "engine": found.engines,
        "annotator": found.annotators,
        "reader": found.readers,
        "writer": found.writers,
        "guidance plugin": found.guidance_plugins,
        "section": found.sections,
    }
    return {(what, kind.name): kind for what, kinds in all_of.items() for kind in kinds()}


def _default_plan(kind: GuidanceKind) -> Plan | None:
    """Return a plan with the plugin's default options, or None if it has some without one.

    Raises:
        PluginError: it cannot be built.
    """
    from cogtrace.plugins.pipeline import make_plan

    try:
        return make_plan([kind])
    except OptionError:
        if kind.options.get("required"):
            return None
        raise


def _options(kind: GuidanceKind) -> tuple[OptionShown, ...]:
    required = kind.options.get("required", ())
    return tuple(
        OptionShown(
            name=name,
            form=_form(declared),
            default=declared.get("default"),
            required=name in required and "default" not in declared,
            description=str(declared.get("description", "")),
        )
        for name, declared in kind.options.get("properties", {}).items()
        if isinstance(declared, Mapping)
    )


def _form(declared: Mapping[str, Any]) -> str:
    """Return in a few words which values an option takes."""
    if "enum" in declared:
        return " or ".join(map(_value, declared["enum"]))
    types = declared.get("type", "any value")
    words = types if isinstance(types, str) else " or ".join(map(str, types))
    if declared.get("format") == PATH_FORMAT:
        return "path or list of paths" if "array" in types else "path"
    for least, most in (("minimum", "maximum"), ("minLength", "maxLength")):
        if least in declared and most in declared:
            return f"{words}, {declared[least]} to {declared[most]}"
        if least in declared:
            return f"{words}, at least {declared[least]}"
        if most in declared:
            return f"{words}, at most {declared[most]}"
    return words


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
