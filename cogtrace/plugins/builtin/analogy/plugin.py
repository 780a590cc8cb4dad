"""Analogy: a similar problem with type, method and solution, shown before the question.

After MetaLadder (arXiv 2503.14891), which trains models on such sequences; as a prompt, to
which the paper's figures do not apply, it is our own reading.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from cogtrace.errors import OptionError
from cogtrace.extensions import hookimpl
from cogtrace.plugins.builtin.analogy.bank import Bank
from cogtrace.plugins.builtin.analogy.parts import Analogue, analogues_of, method_of
from cogtrace.plugins.guidance import GuidanceKind, Scaffold, TaskRun
from cogtrace.plugins.prompting import Prompts, conversation, fenced, load_options, usable


class Analogy:
    """Places analogues that the model itself makes up."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self._prompts = Prompts(__package__)

    @hookimpl
    async def cogtrace_scaffolds(self, run: TaskRun) -> Scaffold | None:
        """Return the analogues that are whole; None if there is none."""
        asked = [self._ask(run, wish) for wish in self._wishes()]
        texts = await asyncio.gather(*asked)
        if self._options["variant"] == "shortcut":
            method = method_of(texts[0]) if texts[0] is not None else None
            return None if method is None else self._shortcut(method)
        found = [one for text in texts if text is not None for one in analogues_of(text)]
        once = {one.problem: one for one in found}  # asked k times, a model may repeat itself
        return self._block(list(once.values())[: self._options["k"]])

    def _wishes(self) -> list[str]:
        """Return what is said in each call about how many are wanted."""
        k = self._options["k"]
        if self._options["variant"] == "shortcut" or k == 1:
            return [""]
        if self._options["shared"]:
            return [self._prompts.fill("all", count=k)]
        return [self._prompts.fill("one", number=number, count=k) for number in range(1, k + 1)]

    async def _ask(self, run: TaskRun, wish: str) -> str | None:
        values = {"problem": fenced(run)}
        if self._options["variant"] != "shortcut":
            values["which"] = wish
        question = self._prompts.fill(self._options["variant"], **values)
        (reply,) = await run.ask(
            conversation(run, self._prompts.fill("system"), question),
            temperature=self._options["temperature"],
            max_tokens=self._options["reply_tokens"],
        )
        return usable(reply)

    def _shortcut(self, method: str) -> Scaffold:
        return Scaffold(text=self._prompts.fill("block_shortcut", method=method))

    def _block(self, found: list[Analogue]) -> Scaffold | None:
        if not found:
            return None
        shown = [
            self._prompts.fill(
                "analogue" if one.method else "untyped",
                number=f" {number}" if len(found) > 1 else "",
                problem=one.problem,
                solution=one.solution,
                method=one.method,
            )
            for number, one in enumerate(found, start=1)
        ]
        block = "block_full" if len(found) == 1 else "block_several"
        return Scaffold(text=self._prompts.fill(block, analogues="\n".join(shown)))


class BankAnalogy(Analogy):
    """Places analogues from a file of solved problems."""

    def __init__(self, options: dict[str, Any], bank: Bank) -> None:
        super().__init__(options)
        self._bank = bank

    @hookimpl
    async def cogtrace_scaffolds(self, run: TaskRun) -> Scaffold | None:
        """Return the most similar problems; None if none is similar enough."""
        shortcut = self._options["variant"] == "shortcut"
        found = self._bank.like(
            run.task.question,
            1 if shortcut else self._options["k"],
            self._options["min_similarity"],
            run.task.context or "",
        )
        if shortcut:
            return self._shortcut(found[0].method) if found else None
        return self._block(found)


def build(options: dict[str, Any]) -> Analogy:
    """Build the plugin.

    Raises:
        OptionError: the bank cannot be used, or not for this variant.
    """
    path, variant = options["bank"], options["variant"]
    if path is None:
        return Analogy(options)
    if variant == "reverse":
        raise OptionError("variant=reverse is for analogues of the model's own; leave out bank")
    return BankAnalogy(options, Bank.read(path, "method" if variant == "shortcut" else "solution"))


def calls(options: dict[str, Any]) -> int:
    """Return how many calls per task the plugin makes."""
    if options["bank"] is not None:
        return 0
    together = options["shared"] or options["variant"] == "shortcut"
    return 1 if together else int(options["k"])


KIND: Final = GuidanceKind(
    name="analogy",
    summary="a similar problem with its type, method and solution, before the question",
    build=build,
    api_version=1,
    options=load_options(__package__),
    raises=("pattern-recognition", "abstraction", "strategy-selection"),
    calls=calls,
    source="MetaLadder, arXiv 2503.14891: analogue and shortcut, as prompts",
)
