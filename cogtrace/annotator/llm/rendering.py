"""What is sent to a model: instructions, then a trace, then the question.

The order is what makes many questions cheap: instructions are the same for a whole run,
and all questions about a window share everything before their own few lines, so an
engine with a prefix cache computes that once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from cogtrace.annotator.llm.answers import QUOTE_CHARS
from cogtrace.annotator.llm.fence import neutralise
from cogtrace.annotator.llm.model import Line, LlmOptions, Problem, Question, Window
from cogtrace.annotator.llm.shots import Shot, shot_answer, shot_window
from cogtrace.annotator.llm.templates import Templates
from cogtrace.engines.base import Message
from cogtrace.taxonomy.model import Element


class Prompts:
    """A set of prompt files, and what is rendered from them."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self._blocks: dict[str, tuple[Element, str]] = {}

    @classmethod
    def load(cls, name_or_folder: str | Path) -> Prompts:
        """Return a bundled set by its name, such as "v1", or the set in a folder.

        Raises:
            OptionError: there is none, or it is unusable; says where and why.
        """
        return cls(Templates.load(name_or_folder))

    @property
    def version(self) -> str:
        """The name of the set: that of its folder."""
        return self._templates.version

    @property
    def sha256(self) -> str:
        """Hash of all files of the set, the same on every machine."""
        return self._templates.sha256

    def system(
        self, elements: Sequence[Element], shots: Sequence[Shot], options: LlmOptions
    ) -> str:
        """Return the instructions: the same for all traces and questions of a run."""
        fill = self._templates.fill
        examples = "\n\n".join(
            self._shot(number, shot, options) for number, shot in enumerate(shots, 1)
        )
        return fill(
            "system",
            elements=", ".join(element.id for element in elements),
            evidence=options.evidence,
            reason_chars=options.reason_chars,
            form=fill("form_quotes" if options.quotes else "form"),
            quotes="\n" + fill("quotes", quote_chars=QUOTE_CHARS) if options.quotes else "",
            shots=fill("shots", shots=examples) if shots else "",
        )

    def trace(
        self, text: str, window: Window, fence: str, sentences: int, problem: str | None = None
    ) -> tuple[str, int]:
        """Return a window of a trace between its fences, and the number of changes.

        ``sentences`` is how many the whole trace has; ``problem`` is the question that the
        trace answers, shown before it between fences of its own. Look-alikes of fences,
        labels and chat marks are changed in both as `neutralise` says, and counted.
        """
        shown, changes = _numbered(text, window.lines)
        before = ""
        if problem is not None and problem.strip():
            safe, more = neutralise(problem)
            changes += more
            before = self._templates.fill("problem", fence=fence, text=safe.strip()) + "\n\n"
        rendered = self._templates.fill(
            "trace",
            problem=before,
            fence=fence,
            lines=shown,
            first=window.first,
            last=window.last,
            total=sentences,
        )
        return rendered, changes

    def question(self, question: Question, window: Window, options: LlmOptions) -> str:
        """Return the question about a window: its elements, and which sentences to judge."""
        blocks = [self._element(element) for element in question.elements]
        at = {"first": window.first, "last": window.last}
        if len(blocks) == 1:
            return self._templates.fill("question", element=blocks[0], **at)
        return self._templates.fill(
            "questions", elements="\n\n".join(blocks), count=len(blocks), **at
        )

    def repair(self, problems: Sequence[Problem]) -> str:
        """Return what to say about an unusable answer: each fault once, on one line."""
        # The messages may repeat words of the answer, which may repeat words of the trace.
        faults = dict.fromkeys(" ".join(problem.message.split()) for problem in problems)
        listed = "\n".join(f"- {neutralise(fault)[0]}" for fault in faults)
        return self._templates.fill("repair", problems=listed)

    def messages(self, system: str, trace: str, question: str) -> tuple[Message, ...]:
        """Return the chat: instructions, then trace and question as one message."""
        return (
            Message(role="system", content=system),
            Message(role="user", content=f"{trace}\n\n{question}"),
        )

    def _shot(self, number: int, shot: Shot, options: LlmOptions) -> str:
        element, example = shot
        return self._templates.fill(
            "shot",
            number=number,
            lines=_numbered(example.text, shot_window(example).lines)[0],
            title=_title(element),
            answer=shot_answer(element, example, options),
        )

    def _element(self, element: Element) -> str:
        """Return what a question says of an element; worked out once for each."""
        known = self._blocks.get(element.id)
        if known is not None and known[0] is element:
            return known[1]
        block = self._templates.fill(
            "element",
            title=_title(element),
            definition=element.definition,
            absent=element.rubric["0"],
            partial=element.rubric["1"],
            present=element.rubric["2"],
        )
        self._blocks[element.id] = element, block
        return block


def _title(element: Element) -> str:
    """Return the id, and the name where it says more: "u-turn (Turning back)"."""
    said = element.id.replace("-", " ").casefold()
    if element.name.replace("-", " ").casefold() == said:
        return element.id
    return f"{element.id} ({element.name})"


def _numbered(text: str, lines: Iterable[Line]) -> tuple[str, int]:
    """Return sentences after their numbers, made safe, and the number of changes."""
    shown = []
    changes = 0
    for line in lines:
        safe, count = neutralise(text[line.start : line.end])
        shown.append(f"[{line.sentence}] {safe}")
        changes += count
    return "\n".join(shown), changes
