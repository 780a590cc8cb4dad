"""What plugins that ask a model have in common: prompt files, the task put in, replies taken out.

Prompts are files with ``$name`` placeholders, which are filled in one pass: what stands in
a value, be it a dollar sign or a brace, is never looked at again. What comes from a task
stands between two lines with a code that it does not contain.
"""

from __future__ import annotations

import re
from importlib.resources import files
from string import Template
from typing import Any, Final

import msgspec

from cogtrace.plugins.guidance import Message, Reply, Task, TaskRun

__all__ = ["Prompts", "conversation", "fenced", "load_options", "usable"]

_FENCE: Final = re.compile(r"^[ \t]*</?[a-z]+-[0-9a-f]{8}>[ \t]*$\n?", re.MULTILINE)
_CODE_BLOCK: Final = re.compile(r"\A```[\w-]*[ \t]*\n(.*)\n```\Z", re.DOTALL)
_REFUSAL: Final = re.compile(
    r"\W*(?:(?:i['’]?m|i am) (?:so |very |really )?(?:sorry|afraid|unable|not able)"
    r"|sorry\b|i (?:can(?:no|['’])t|cannot|won['’]t|will not|must decline)\b"
    r"|as an ai\b|unfortunately,? i (?:can|am)\b)",
    re.IGNORECASE,
)


class Prompts:
    """The prompt files of a plugin: ``prompts/VERSION/*.txt`` in its package."""

    def __init__(self, package: str, version: str = "v1") -> None:
        folder = files(package).joinpath("prompts", version)
        self._templates = {
            entry.name.removesuffix(".txt"): Template(entry.read_text(encoding="utf-8").rstrip())
            for entry in folder.iterdir()
            if entry.name.endswith(".txt")
        }

    def fill(self, name: str, /, **values: object) -> str:
        """Return a file with its placeholders replaced.

        Raises:
            KeyError: there is no such file, or a value is missing.
        """
        return self._templates[name].substitute(values)


def load_options(package: str) -> dict[str, Any]:
    """Return the JSON Schema of a plugin's options: ``options.json`` in its package."""
    text = files(package).joinpath("options.json").read_bytes()
    schema: dict[str, Any] = msgspec.json.decode(text)
    return schema


def fenced(run: TaskRun, text: str | None = None, name: str = "problem") -> str:
    """Return a text, or the task itself, between two lines with a code of its own.

    The task is its context, the answer to a question back, and its question.
    """
    shown = _stated(run) if text is None else text
    while (code := f"{run.random.getrandbits(32):08x}") in shown:
        continue  # the next one; a text cannot hold them all
    return f"<{name}-{code}>\n{shown}\n</{name}-{code}>"


def conversation(run: TaskRun, system: str, user: str) -> tuple[Message, ...]:
    """Return messages for a call about a task: what came before it stands in between."""
    return (
        Message(role="system", content=system),
        *(message for message in run.task.history if message.role != "system"),
        Message(role="user", content=user),
    )


def usable(reply: Reply) -> str | None:
    """Return what a model wrote, without the marks it was shown, or None if it is of no use.

    Of no use is a reply that is empty, was cut off or filtered, or begins as refusals do.
    """
    if reply.finish != "stop":
        return None
    text = _FENCE.sub("", reply.text).strip()
    text = _CODE_BLOCK.sub(r"\1", text).strip()
    if not re.search(r"\w", text) or _REFUSAL.match(text):
        return None
    return text


def _stated(run: TaskRun) -> str:
    task: Task = run.task
    parts = [task.context] if task.context else []
    exchange = run.exchange
    if exchange is not None and exchange.answer is not None:
        parts += [f"Asked: {exchange.question}", f"Answered: {exchange.answer}"]
    return "\n\n".join([*parts, task.question])
