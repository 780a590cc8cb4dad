"""The control arm: plain samples and a vote, for as many tokens as other arms spent on a task.

It is the built-in plugin `budget`, told by the arms that run beside it what each task cost.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cogtrace.experiments.arms import CONTROL, ArmSpec
from cogtrace.plugins.builtin.budget.plugin import KIND, Budget
from cogtrace.plugins.pipeline.plan import Plan, make_plan


@dataclass(frozen=True, slots=True)
class ControlSpec:
    """A control arm: what it is called, and like whom it spends."""

    name: str
    folder: str
    like: tuple[str, ...]

    def plan(self, spent: Mapping[str, Mapping[str, int]]) -> Plan:
        """Return its plan; ``spent`` are tokens by arm and task, as they become known."""
        dearest = _Dearest([spent[name] for name in self.like])

        def build(options: dict[str, Any]) -> Budget:
            return Budget(options, dearest)

        like = " or ".join(self.like)
        words = like if len(self.like) == 1 else f"the dearest of {like}"
        kind = replace(KIND, build=build, options=_options())
        return make_plan([(kind, {"like": words})])


def controls(arms: Sequence[ArmSpec], kind: str) -> tuple[ControlSpec, ...]:
    """Return the control arms: one like the dearest arm of each task, or one like each arm."""
    guided = [arm for arm in arms if arm.plan.steps]
    if kind == "none" or not guided:
        return ()
    if kind == "dearest" or len(guided) == 1:
        return (ControlSpec(CONTROL, CONTROL, tuple(arm.name for arm in guided)),)
    return tuple(
        ControlSpec(f"{CONTROL}-vs-{arm.name}", f"{CONTROL}-vs-{arm.folder}", (arm.name,))
        for arm in guided
    )


def _options() -> dict[str, Any]:
    """Return the schema of the options: like whom is said in words, not as a folder to read."""
    options = copy.deepcopy(KIND.options)
    options["properties"]["like"] = {
        "description": "The arms of the experiment whose tokens are spent, task by task.",
        "type": "string",
    }
    return options


class _Dearest(Mapping[str, int]):
    """Tokens by task: the most that any of several arms spent."""

    def __init__(self, arms: Sequence[Mapping[str, int]]) -> None:
        self._arms = arms

    def __getitem__(self, task_id: str) -> int:
        return max(arm[task_id] for arm in self._arms)

    def __iter__(self) -> Iterator[str]:
        return iter(self._arms[0])

    def __len__(self) -> int:
        return len(self._arms[0])
