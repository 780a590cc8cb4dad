"""Which guidance a request gets: its own, that of the model's suffix, or the server's.

Plans that requests ask for are kept, so that the next request of the kind finds its
pipeline ready; only the last ones, for there is no end of possible options.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from cogtrace.errors import CogtraceError, OptionError
from cogtrace.plugins.guidance import GuidanceKind
from cogtrace.plugins.manager import Extensions
from cogtrace.plugins.pipeline import Pipeline, Plan, make_plan
from cogtrace.plugins.pipeline.options import DEFAULT_TIMEOUT
from cogtrace.server.engine import UpstreamEngine
from cogtrace.server.settings import ProxySettings
from cogtrace.server.wishes import Wish, guidance_error

MOST_KEPT: Final = 64
# Plugins that solve by drawing answers to the request itself, whatever it asks for.
_SAMPLERS: Final = frozenset({"vote"})
# Options that name files, by the names that plugins use and by what schemas say.
_FILE_NAMES: Final = frozenset({"bank", "file", "folder", "moves", "path", "rules", "walks"})
_FILE_ENDINGS: Final = ("_dir", "_file", "_folder", "_path")
_FILE_FORMATS: Final = frozenset({"directory", "file", "file-path", "path", "uri", "uri-reference"})

_FILE_WORDS: Final = re.compile(r"\b(files?|folders?|director(y|ies)|paths?|--json FILE)\b", re.I)


@dataclass(slots=True)
class Guidance:
    """A plan with its pipeline, in use by any number of requests."""

    plan: Plan
    pipeline: Pipeline
    names: list[str] = field(default_factory=list)
    users: int = 0
    kept: bool = True  # whether it is among the plans that are kept

    @property
    def solves(self) -> bool:
        """Say whether a plugin of it solves in its own way, from the text of the question."""
        return any(step.name not in _SAMPLERS for step in self.plan.having("cogtrace_solve"))

    @property
    def watches(self) -> bool:
        """Say whether a plugin of it wants to know what happens."""
        return bool(self.plan.having("cogtrace_observe"))

    def is_single(self, samples: int) -> bool:
        """Say whether one generation without anything after it is all there is to an answer."""
        later = ("cogtrace_solve", "cogtrace_judge", "cogtrace_choose")
        return samples == 1 and not any(self.plan.having(hook) for hook in later)


class Plans:
    """Finds the guidance for each request."""

    def __init__(
        self, settings: ProxySettings, engine: UpstreamEngine, found: Extensions | None
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._found = found
        self._kept: OrderedDict[bytes, Guidance] = OrderedDict()
        self._default: Guidance | None = None
        self._plan = make_plan(settings.with_, found)
        self._require_bounds(self._plan, settings.samples)
        for suffix in settings.listed:
            self._make([(name, {}) for name in suffix.split("+")])

    @property
    def guides_all(self) -> bool:
        """Say whether requests are guided that do not ask for it."""
        return bool(self._plan.steps) or self._settings.samples > 1

    def __len__(self) -> int:
        """Return how many plans of requests are kept."""
        return len(self._kept)

    async def open(self) -> None:
        """Make the pipeline of the server's own plan."""
        if self.guides_all:
            self._default = await self._guidance(self._plan)

    async def close(self) -> None:
        """End all pipelines."""
        made = [*self._kept.values(), *([self._default] if self._default else [])]
        self._kept.clear()
        for guidance in made:
            await guidance.pipeline.close()

    @asynccontextmanager
    async def of(self, wish: Wish) -> AsyncIterator[Guidance | None]:
        """Give the guidance that a request gets; None: it is passed through.

        Raises:
            ProxyError: it asks for guidance that there is none of.
        """
        guidance = await self._find(wish)
        if guidance is None:
            yield None
            return
        guidance.users += 1
        try:
            yield guidance
        finally:
            guidance.users -= 1
            if not guidance.kept and guidance.users == 0:
                await guidance.pipeline.close()

    async def drop(self, guidance: Guidance) -> None:
        """Keep a plan no longer; it is made anew for the next request."""
        for key, kept in list(self._kept.items()):
            if kept is guidance:
                del self._kept[key]
                guidance.kept = False
        if guidance is self._default:
            self._default = await self._guidance(self._plan)
            guidance.kept = False

    async def _find(self, wish: Wish) -> Guidance | None:
        samples = wish.samples or self._settings.samples
        if wish.plugins is None and (wish.samples is None or self._default is not None):
            if wish.samples is not None and self._default is not None:
                self._refuse_bounds(self._default.plan, samples)
            return self._default
        wanted = list(wish.plugins or ())
        if not wanted and samples == 1:
            return None
        if not wanted and wish.samples is None:
            return None  # "with": [] asks for the model as it is
        key = msgspec.json.encode(wanted)
        guidance = self._kept.get(key)
        if guidance is None:
            guidance = await self._guidance(self._checked(wanted, wish.source))
            self._kept[key] = guidance
            await self._forget()
        self._kept.move_to_end(key)
        self._refuse_bounds(guidance.plan, samples)
        return guidance

    async def _forget(self) -> None:
        while len(self._kept) > MOST_KEPT:
            _, oldest = self._kept.popitem(last=False)
            oldest.kept = False
            if oldest.users == 0:
                await oldest.pipeline.close()

    async def _guidance(self, plan: Plan) -> Guidance:
        # Each call by itself, so that no client waits for another's.
        pipeline = Pipeline(plan, self._engine, batch=1)
        await pipeline.start()
        return Guidance(plan, pipeline, [step.name for step in plan.steps])

    def _checked(self, wanted: list[tuple[str, dict[str, Any]]], source: str) -> Plan:
        """Return the plan of a request, if requests may ask for it."""
        allowed = self._settings.allowed
        try:
            for name, options in wanted:
                if allowed is not None and name not in allowed:
                    there = ", ".join(allowed) or "none"
                    raise OptionError(f"{name}: requests may not ask for it here, only for {there}")
                self._refuse_files(name, options)
                timeout = options.get("timeout")
                if isinstance(timeout, int | float) and timeout > DEFAULT_TIMEOUT:
                    raise OptionError(f"{name}: timeout: at most {DEFAULT_TIMEOUT:g} seconds")
            return self._make(wanted)
        except CogtraceError as error:
            raise guidance_error(error, source) from None

    def _make(self, wanted: Iterable[tuple[str, dict[str, Any]]]) -> Plan:
        return make_plan(list(wanted), self._found)

    def _refuse_files(self, name: str, options: dict[str, Any]) -> None:
        """Raise OptionError for a file of the server's, unless its own plan names it too."""
        if not options:
            return
        own = {step.name: step.options for step in self._plan.steps}.get(name, {})
        kind = _kind(name, self._found)
        for option, value in options.items():
            if option in own and own[option] == value:
                continue
            if kind is not None and _is_file(kind, option):
                raise OptionError(
                    f"{name}: {option} names a file, which requests may not; start the server "
                    f"with --with {name}:{option}=... instead"
                )

    def _refuse_bounds(self, plan: Plan, samples: int) -> None:
        try:
            self._require_bounds(plan, samples)
        except OptionError as error:
            raise guidance_error(error, "cogtrace") from None

    def _require_bounds(self, plan: Plan, samples: int) -> None:
        own = 0 if plan.having("cogtrace_solve") else samples
        calls = own + sum(step.bounds.max_calls for step in plan.steps)
        most = self._settings.limits.calls
        if calls > most:
            raise OptionError(
                f"{plan}: may make {calls:,} calls for one request; here {most:,} are allowed "
                "(--max-calls; or give a plugin the option max_calls)"
            )


def _kind(name: str, found: Extensions | None) -> GuidanceKind | None:
    from cogtrace.plugins.manager import extensions

    kinds = (found or extensions()).guidance_plugins()
    return next((kind for kind in kinds if kind.name == name), None)


def _is_file(kind: GuidanceKind, option: str) -> bool:
    declared = kind.options.get("properties", {}).get(option, {})
    says = isinstance(declared, dict) and (
        declared.get("format") in _FILE_FORMATS
        or _FILE_WORDS.search(str(declared.get("description"))) is not None
    )
    return says or option in _FILE_NAMES or option.endswith(_FILE_ENDINGS)
