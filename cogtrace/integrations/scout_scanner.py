"""Annotation as a scanner of Inspect Scout (`pip install inspect-scout`).

In a scan job, or with ``scout scan``::

    from cogtrace.integrations.scout_scanner import cogtrace_elements

    scan(transcripts=transcripts_from("logs"), scanners=[cogtrace_elements()])
"""

from __future__ import annotations

import functools

from inspect_ai.model import ChatMessageAssistant, ContentReasoning, ContentText
from inspect_scout import Reference, Result, Scanner, Transcript, scanner

from cogtrace.annotator.registry import default_annotator
from cogtrace.extensions import AnnotatorSetup
from cogtrace.plugins.manager import extensions
from cogtrace.records import Annotation, Annotator, Trace
from cogtrace.taxonomy import load_taxonomy

_SEPARATOR = "\n\n"
_EXCERPTS = 3  # of each element, in the explanation


@scanner(messages=["assistant"])
def cogtrace_elements(
    elements: tuple[str, ...] | None = None, annotator: str | None = None
) -> Scanner[Transcript]:
    """Say which cognitive elements the assistant's reasoning and answers show.

    The value is an object with a score (0, 1, 2) for each element; the explanation quotes
    what each rests on, and references lead to the messages. ``annotator`` is one that
    needs no engine; by default that of `cogtrace annotate`.

    Raises:
        UnknownElement: a name in ``elements`` is not one of the taxonomy.
        OptionError: there is no such annotator.
    """
    asked = None if elements is None else tuple(elements)
    _reader(annotator, asked)  # so that what is wrong is said before the scan

    async def scan(transcript: Transcript) -> Result:
        said = [
            (message.id or "", text)
            for message in transcript.messages
            if isinstance(message, ChatMessageAssistant) and (text := _text(message))
        ]
        if not said:
            return Result(value=None, explanation="The assistant says nothing.")
        whole = _SEPARATOR.join(text for _, text in said)
        # Scout sends this function to other processes; an annotator cannot be sent.
        reader = _reader(annotator, asked)
        (found,) = reader.annotate([Trace(trace_id=transcript.transcript_id, text=whole)])
        return _result(found, said)

    return scan


@functools.cache
def _reader(annotator: str | None, elements: tuple[str, ...] | None) -> Annotator:
    """Return the annotator, built once in each process."""
    whole = load_taxonomy()
    kind = extensions().annotator(annotator or default_annotator(whole))
    if elements is None:
        return kind.build(AnnotatorSetup(taxonomy=whole))
    return kind.build(AnnotatorSetup(taxonomy=whole.only(list(elements)), uncut=whole))


def _text(message: ChatMessageAssistant) -> str:
    """Return what a message says, its reasoning first."""
    if isinstance(message.content, str):
        return message.content
    parts = [p.reasoning for p in message.content if isinstance(p, ContentReasoning)]
    parts += [p.text for p in message.content if isinstance(p, ContentText)]
    return _SEPARATOR.join(part for part in parts if part)


def _result(found: Annotation, said: list[tuple[str, str]]) -> Result:
    lines = []
    shown: dict[str, str] = {}  # message: the first words that were found in it
    for entry in found.elements:
        quotes = [" ".join(span.quote.split()) for span in entry.spans[:_EXCERPTS]]
        if quotes:
            lines.append(f"{entry.element} ({entry.score}): " + " … ".join(quotes))
        for span in entry.spans:
            shown.setdefault(_message_at(said, span.start), span.quote)
    return Result(
        value={entry.element: entry.score for entry in found.elements},
        explanation="\n".join(lines) or "None of the elements is shown.",
        references=[
            Reference(type="message", id=name, cite=quote) for name, quote in shown.items() if name
        ],
    )


def _message_at(said: list[tuple[str, str]], offset: int) -> str:
    """Return the id of the message that a place in the joined text belongs to."""
    end = 0
    for name, text in said:
        end += len(text) + len(_SEPARATOR)
        if offset < end:
            return name
    return said[-1][0]
