"""How a task is put to the model: blocks around the question, which stands as it was given."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Final

from cogtrace.errors import CogtraceError
from cogtrace.plugins.guidance import Exchange, Message, Scaffold, Task

VERSION: Final = "v1"  # of the wording around an exchange
_SLOT: Final = re.compile(r"\{(question|answer)\}")


class QuestionLost(CogtraceError):
    """The question does not stand in the messages as it was given."""


def compose(
    task: Task, scaffolds: Sequence[Scaffold], exchange: Exchange | None
) -> tuple[Message, ...]:
    """Return the messages by which a task is put to the model.

    One user message: the blocks "before", the context, the exchange of a clarifying
    question and its answer, the question, the blocks "after", each after a blank line.
    Blocks "system" form the system message; one that begins the history stays before
    them in the same message. The rest of the history stands between the two.

    Raises:
        QuestionLost: the question would not stand verbatim in the last message.
    """
    system = [block.text for block in scaffolds if block.position == "system"]
    history = list(task.history)
    if history and history[0].role == "system" and system:
        system.insert(0, history.pop(0).content)
    parts = [block.text for block in scaffolds if block.position == "before"]
    if task.context:
        parts.append(task.context)
    if exchange is not None and exchange.answer is not None:
        parts.append(_told(exchange.question, exchange.answer))
    parts.append(task.question)
    parts += [block.text for block in scaffolds if block.position == "after"]
    messages = [Message(role="system", content="\n\n".join(system))] if system else []
    messages += history
    messages.append(Message(role="user", content="\n\n".join(parts)))
    if task.question not in messages[-1].content:
        raise QuestionLost(f"task {task.task_id!r}: the question is not in the last message")
    return tuple(messages)


def _told(question: str, answer: str) -> str:
    """Return an exchange in words; what is put in is never read as a template."""
    values = {"question": question, "answer": answer}
    return _SLOT.sub(lambda slot: values[slot[1]], _template())


@functools.cache
def _template() -> str:
    prompts = files(__package__).joinpath("prompts", VERSION, "exchange.txt")
    return prompts.read_text(encoding="utf-8").rstrip("\n")
