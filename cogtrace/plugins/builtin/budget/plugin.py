"""Budget: plain samples until as much is spent as something else costs, then a vote.

The control arm of an experiment: whether a method is worth its tokens shows only against
the same tokens spent on plain samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cogtrace.errors import PluginError
from cogtrace.extensions import hookimpl
from cogtrace.plugins.builtin.budget.spending import spent_by_task
from cogtrace.plugins.builtin.vote.plugin import Voter
from cogtrace.plugins.guidance import Candidate, GuidanceKind, Reply, TaskRun
from cogtrace.plugins.prompting import load_options


class Budget(Voter):
    """Draws samples for a given number of tokens, and votes."""

    def __init__(self, options: dict[str, Any], spent: Mapping[str, int] | None) -> None:
        super().__init__(options)
        self._spent = spent

    @hookimpl
    async def cogtrace_solve(self, run: TaskRun) -> list[Candidate]:
        """Return the samples.

        At least one is drawn. At a time, half of those are drawn that still fit, by what the
        others cost, and no more than there are; the last one only if half of it fits or more.
        """
        budget = self._budget(run)
        most = self._options["most_samples"]
        replies: list[Reply] = []
        wanted = 1
        while wanted > 0:
            replies += await run.ask(
                run.messages(), samples=wanted, temperature=self._options["temperature"]
            )
            spent = sum(map(self._tokens, replies))
            fit = int((budget - spent) * len(replies) / max(1, spent) + 0.5)
            wanted = min(fit if fit < 3 else fit // 2, len(replies), most - len(replies))
        return self.candidates_of(replies)

    def _budget(self, run: TaskRun) -> int:
        if self._spent is None:
            return int(self._options["tokens"])
        try:
            return self._spent[run.task.task_id]
        except KeyError:
            raise PluginError(
                f"the run {self._options['like']} has no task {run.task.task_id!r}: "
                "nobody knows what may be spent"
            ) from None

    def _tokens(self, reply: Reply) -> int:
        prompt = 0 if self._options["count"] == "completion" else reply.usage.prompt
        return prompt + reply.usage.completion


def build(options: dict[str, Any]) -> Budget:
    """Build the plugin.

    Raises:
        OptionError: the run to be like cannot be read.
    """
    like = options["like"]
    return Budget(options, None if like is None else spent_by_task(like, options["count"]))


def calls(options: dict[str, Any]) -> int:
    """Return how many calls per task the plugin makes at most."""
    return int(options["most_samples"])


KIND: Final = GuidanceKind(
    name="budget",
    summary="plain samples for a given number of tokens, and a vote: the control arm",
    build=build,
    api_version=1,
    options=load_options(__package__),
    calls=calls,
    source="self-consistency at equal tokens as baseline; arXiv 2203.11171 for the vote",
)
