"""Structure: what reasoning on problems of this type went through where it succeeded.

After the guidance of Cognitive Foundations (arXiv 2511.16660): a walk through the elements of
successful traces, turned into phases. There a language model words each template; here the
wording is fixed, by element, so that the same walk always gives the same text.
"""

from __future__ import annotations

import json
from typing import Any, Final

from cogtrace.errors import OptionError
from cogtrace.extensions import hookimpl
from cogtrace.plugins.builtin.structure.phases import phases, read_moves, require_wording
from cogtrace.plugins.builtin.structure.walks import ALL, Walk, bundled_walks, read_walks
from cogtrace.plugins.guidance import GuidanceKind, Scaffold, TaskRun
from cogtrace.plugins.prompting import Prompts, conversation, fenced, load_options
from cogtrace.taxonomy import ProblemType, load_taxonomy


class Structure:
    """Places the phases of the walk of the task's problem type."""

    def __init__(self, options: dict[str, Any], walks: dict[str, Walk]) -> None:
        self._options = options
        self._walks = walks
        self._moves = read_moves(options["moves"])
        require_wording(walks, self._moves)
        self._prompts = Prompts(__package__)
        self._types = {kind.id: kind for kind in load_taxonomy().problem_types}
        self._ids = {
            name.casefold(): kind.id
            for kind in self._types.values()
            for name in (kind.id, kind.name, *kind.aliases)
        }
        self._given = self._known(options["problem_type"])
        if options["problem_type"] is not None and self._given not in self._types.keys() | walks:
            there = ", ".join(sorted(self._types.keys() | (walks.keys() - {ALL})))
            raise OptionError(
                f"problem_type {options['problem_type']!r}: unknown; there is {there}"
            )

    @hookimpl
    async def cogtrace_scaffolds(self, run: TaskRun) -> Scaffold | None:
        """Return the phases; None if there is no walk for the task."""
        kind = self._given or self._known(run.task.problem_type)
        if kind is None and self._options["classify"] == "llm":
            kind = await self._classify(run)
        walk = self._walk(kind)
        return None if walk is None else Scaffold(text=self._shown(walk, kind))

    def _known(self, name: str | None) -> str | None:
        """Return the id of a problem type that is called by id, name or alias."""
        return None if name is None else self._ids.get(name.strip().casefold(), name)

    def _walk(self, kind: str | None) -> Walk | None:
        """Return the walk of a type; one of a single element tells less than that of all types."""
        own = self._walks.get(kind) if kind is not None else None
        everything = self._walks.get(ALL)
        if own is None or (len(own.nodes) < 2 and everything is not None):
            return everything or own
        return own

    def _shown(self, walk: Walk, kind: str | None) -> str:
        known = self._types.get(kind or "")
        if known is None:
            framing = self._prompts.fill("untyped")
        else:
            framing = self._prompts.fill("typed", name=known.name, definition=known.definition)
        bundled = self._options["walks"] is None
        basis = "basis_sample" if bundled else f"basis_{self._options['variant']}"
        problems = "many" if walk.problem_type == ALL else "such"
        return self._prompts.fill(
            "block",
            framing=framing,
            basis=self._prompts.fill(basis, problems=self._prompts.fill(problems)),
            phases=phases(walk, self._moves, self._prompts, self._options["max_elements"]),
        )

    async def _classify(self, run: TaskRun) -> str | None:
        types = "\n".join(f"- {kind.id}: {kind.definition}" for kind in self._types.values())
        (reply,) = await run.ask(
            conversation(
                run,
                self._prompts.fill("classify_system", types=types),
                self._prompts.fill("classify", problem=fenced(run, name="task")),
            ),
            temperature=0,
            max_tokens=self._options["reply_tokens"],
            schema=_schema(self._types),
        )
        try:
            said = json.loads(reply.text)["problem_type"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
        return said if isinstance(said, str) and said in self._types else None


def _schema(types: dict[str, ProblemType]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "reason": {"type": "string", "maxLength": 200},
            "problem_type": {"enum": list(types)},
        },
        "required": ["reason", "problem_type"],
        "additionalProperties": False,
    }


def build(options: dict[str, Any]) -> Structure:
    """Build the plugin.

    Raises:
        OptionError: a file cannot be used, or a problem type is not known.
    """
    if options["problem_type"] is not None and options["classify"] == "llm":
        raise OptionError(
            "classify=llm has nothing to do where problem_type is given; leave one out"
        )
    path, variant = options["walks"], options["variant"]
    return Structure(options, bundled_walks(variant) if path is None else read_walks(path, variant))


def calls(options: dict[str, Any]) -> int:
    """Return how many calls per task the plugin makes at most."""
    return 1 if options["classify"] == "llm" else 0


KIND: Final = GuidanceKind(
    name="structure",
    summary="phases that reasoning on problems of this type went through where it succeeded",
    build=build,
    api_version=1,
    options=load_options(__package__),
    # Those of the bundled walks along success; with walks of one's own, the elements of these.
    raises=(
        "backtracking",
        "compositionality",
        "decomposition-and-integration",
        "evaluation",
        "forward-chaining",
        "logical-coherence",
        "sequential-organization",
        "spatial-organization",
        "verification",
    ),
    calls=calls,
    source="Cognitive Foundations, arXiv 2511.16660: test-time guidance, with fixed wording",
)
