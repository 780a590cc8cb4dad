"""What an answer must look like, how long it may get, and what it says.

An answer is a JSON object with one entry per element asked about, in their order::

    {"verification": {"evidence": [[3, 4], [9, 9]], "reason": "…", "score": 2}, …}

or, where quotes are asked for, with ``{"sentences": [3, 4], "quote": "…"}`` as evidence.
Evidence comes first and the score last, so that a model has found something before it
judges. There is no evidence exactly where the score is 0.
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, Literal

import msgspec

from cogtrace.annotator.llm.model import (
    Evidence,
    LlmOptions,
    Problem,
    Question,
    Reading,
    Verdict,
)
from cogtrace.engines.base import Finish
from cogtrace.printable import printable

QUOTE_CHARS: Final = 160  # length of a quote at most

# A run of blanks this long at the end of an answer that is not whole: the model was
# printing white space and would have gone on for ever.
_ENDLESS: Final = 64
_BLANKS: Final = " \t\r\n\ufeff"
_FENCE: Final = "```"
_DIGITS: Final = 18  # of a number that could be meant; longer ones are not even computed
_MESSAGE_CHARS: Final = 200
_JOINERS: Final = "\u200c\u200d"  # part of words and emoji, unlike other invisible marks


# --- The schema ---------------------------------------------------------------------


def answer_schema(question: Question, first: int, last: int, options: LlmOptions) -> dict[str, Any]:
    """Return the JSON Schema of an answer about sentences ``first`` to ``last``.

    Calls with the same meaning return the same object: it must not be changed.
    """
    names = tuple(element.id for element in question.elements)
    return _schema(names, first, last, options.evidence, options.reason_chars, options.quotes)


# Understood by xgrammar (vLLM, SGLang), by llama.cpp and in OpenAI's strict mode, with one
# exception: OpenAI's strict mode knows no maxLength, and some servers that follow it refuse
# or ignore the keyword. Reading therefore cuts reasons and puts up with longer quotes. What
# no schema can say portably (first <= last, evidence exactly if there is a score) is left
# to reading as well.
@lru_cache(maxsize=4096)
def _schema(
    names: tuple[str, ...], first: int, last: int, pieces: int, reason: int, quotes: bool
) -> dict[str, Any]:
    number = {"type": "integer", "minimum": first, "maximum": last}
    sentences = {"type": "array", "items": number, "minItems": 2, "maxItems": 2}
    quote = {"type": "string", "maxLength": QUOTE_CHARS}
    piece = _object({"sentences": sentences, "quote": quote}) if quotes else sentences
    verdict = _object(
        {
            "evidence": {"type": "array", "items": piece, "maxItems": pieces},
            "reason": {"type": "string", "maxLength": reason},
            "score": {"type": "integer", "enum": [0, 1, 2]},
        }
    )
    if len(names) == 1:
        return _object({names[0]: verdict})
    # Said once for all elements: for 28 of them a sixth of the size, and half the time
    # that xgrammar takes to compile it.
    shared = {"$ref": "#/$defs/verdict"}
    return _object(dict.fromkeys(names, shared)) | {"$defs": {"verdict": verdict}}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def answer_tokens(question: Question, options: LlmOptions) -> int:
    """Return how many tokens an answer may take; no ordinary answer needs more.

    Counted are one token per mark and digit of JSON, per character of a reason (which may
    be in any script) and per two characters of a quote and of a name, and a quarter more
    for servers whose grammar lets a model write blanks.
    """
    piece = 14  # [12345,12345],
    if options.quotes:
        piece += 16 + QUOTE_CHARS // 2  # {"sentences":…,"quote":"…"}
    verdict = 28 + options.evidence * piece + options.reason_chars
    names = sum(len(element.id) // 2 + 1 for element in question.elements)
    return (names + verdict * len(question.elements)) * 5 // 4 + 16


# --- Reading ------------------------------------------------------------------------


class _Plain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry of an answer."""

    evidence: list[tuple[int, int]]
    reason: str
    score: Literal[0, 1, 2]


class _Quote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A piece of evidence with words."""

    sentences: tuple[int, int]
    quote: str


class _Quoting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry of an answer, with quotes."""

    evidence: list[_Quote]
    reason: str
    score: Literal[0, 1, 2]


def read_answer(
    text: str, finish: Finish, question: Question, first: int, last: int, options: LlmOptions
) -> Reading:
    """Return what an answer about sentences ``first`` to ``last`` says of each element.

    Blanks and one code fence around the JSON are taken off. Anything else before or after
    it makes the answer unusable: it may take back what the JSON says. Entries for elements
    that were not asked about are ignored; each one that was is judged on its own.

    Problems of the whole answer, with the same words for all elements: "filtered",
    "blank" (nothing but white space, or white space without end), "cut-off" (the limit of
    tokens came before the end) and "not-json". Problems of one element: "schema-broken",
    "unknown-sentence", "reversed-range", "score-without-evidence" and
    "evidence-without-score".
    """
    entries: Mapping[str, Any] | RepeatedKeys | Problem | None = None
    if finish == "stop":
        entries = _as_it_should_be(text, question, options)
    if entries is None:
        entries = _decode(text, finish)
    if isinstance(entries, Problem):
        return Reading({}, {element.id: entries for element in question.elements})
    verdicts: dict[str, Verdict] = {}
    problems: dict[str, Problem] = {}
    for element in question.elements:
        found = _entry(element.id, entries, first, last, options)
        if isinstance(found, Verdict):
            verdicts[element.id] = found
        else:
            problems[element.id] = found
    return Reading(verdicts, problems)


_PLAIN: Final = msgspec.json.Decoder(dict[str, _Plain])
_KEYS: Final = ('"evidence":', '"reason":', '"score":')


def _as_it_should_be(
    text: str, question: Question, options: LlmOptions
) -> Mapping[str, Any] | None:
    """Return the entries of an answer that fits its schema; None if it needs a closer look.

    Much faster than that look. A key that is there twice would go unnoticed, but not
    uncounted, unless it is written in escapes.
    """
    count = len(question.elements)
    if options.quotes or "\\u" in text or any(text.count(key) != count for key in _KEYS):
        return None
    try:
        entries = _PLAIN.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return entries if len(entries) == count else None


class RepeatedKeys:
    """An object of an answer that names a key more than once: what it means is unknown."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        self.last: dict[str, Any] = dict(pairs)
        counts = Counter(name for name, _ in pairs)
        self.repeated = sorted(name for name, count in counts.items() if count > 1)


def _from_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any] | RepeatedKeys:
    found = dict(pairs)
    return found if len(found) == len(pairs) else RepeatedKeys(pairs)


def _whole_number(digits: str) -> float:
    # Python refuses to read numbers of thousands of digits; infinity is no sentence either.
    return int(digits) if len(digits) <= _DIGITS else math.inf


# The standard library's reader: it tells where the JSON ends and shows repeated keys.
_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_from_pairs, parse_int=_whole_number, strict=False
)


def _decode(text: str, finish: Finish) -> dict[str, Any] | RepeatedKeys | Problem:
    """Return the object in an answer, or what is wrong with all of it."""
    if finish == "filtered":
        return Problem("filtered", "the server withheld the answer (content filter)")
    body = text.strip(_BLANKS)
    if not body:
        return Problem("blank", "the answer is empty")
    if body.startswith(_FENCE):
        body = body.partition("\n")[2].lstrip(_BLANKS)
    try:
        value, end = _DECODER.raw_decode(body)
    except json.JSONDecodeError as error:
        return _unreadable(text, finish, f"{error.msg} at character {error.pos}")
    except RecursionError:
        return _unreadable(text, finish, "brackets nested too deeply")
    if body[end:].strip(_BLANKS) not in ("", _FENCE):
        return Problem("not-json", "there is text after the JSON object")
    if not isinstance(value, (dict, RepeatedKeys)):
        return Problem("schema-broken", "the answer is JSON, but not an object")
    return value


def _unreadable(text: str, finish: Finish, reason: str) -> Problem:
    if len(text) >= _ENDLESS and text[-_ENDLESS:].isspace():
        return Problem("blank", "the answer ends in white space without end")
    if finish == "length":
        return Problem("cut-off", "the answer reached the limit of tokens before its end")
    return Problem("not-json", f"the answer is not JSON: {reason}")


def _entry(
    name: str, whole: Mapping[str, Any] | RepeatedKeys, first: int, last: int, options: LlmOptions
) -> Verdict | Problem:
    if isinstance(whole, RepeatedKeys):
        if name in whole.repeated:
            return _broken(name, "is there more than once")
        whole = whole.last
    if name not in whole:
        return _broken(name, "is missing")
    value = whole[name]
    if isinstance(value, RepeatedKeys):
        return _broken(name, f"has {', '.join(value.repeated)} more than once")
    try:
        if options.quotes:
            quoting = msgspec.convert(value, _Quoting)
            pieces = [Evidence(*e.sentences, e.quote or None) for e in quoting.evidence]
            return _verdict(name, quoting.score, pieces, quoting.reason, first, last, options)
        plain = value if isinstance(value, _Plain) else msgspec.convert(value, _Plain)
    except msgspec.ValidationError as error:
        return _broken(name, f"does not fit the schema: {error}")
    pieces = [Evidence(*sentences) for sentences in plain.evidence]
    return _verdict(name, plain.score, pieces, plain.reason, first, last, options)


def _broken(name: str, reason: str) -> Problem:
    return Problem("schema-broken", printable(f'"{name}" {reason}')[:_MESSAGE_CHARS])


def _verdict(
    name: str,
    score: int,
    pieces: list[Evidence],
    reason: str,
    first: int,
    last: int,
    options: LlmOptions,
) -> Verdict | Problem:
    """Return an entry that fits the schema if it also makes sense."""
    if len(pieces) > options.evidence:
        return _broken(name, f"has {len(pieces)} pieces of evidence, not {options.evidence}")
    for piece in pieces:
        shown = f"[{piece.first}, {piece.last}]"
        if not (first <= piece.first <= last and first <= piece.last <= last):
            message = f'"{name}" has evidence {shown}, but sentences {first} to {last} are shown'
            return Problem("unknown-sentence", message)
        if piece.first > piece.last:
            message = f'"{name}" has evidence {shown}, which ends before it begins'
            return Problem("reversed-range", message)
    if score and not pieces:
        message = f'"{name}" has score {score} but no evidence'
        return Problem("score-without-evidence", message)
    if pieces and not score:
        message = f'"{name}" has evidence {shown} but score 0'
        return Problem("evidence-without-score", message)
    return Verdict(score, tuple(dict.fromkeys(pieces)), _clean(reason, options.reason_chars))


def _clean(reason: str, limit: int) -> str:
    """Return a reason fit to be kept: one line, nothing invisible, cut to its limit."""
    if not reason.isprintable():
        reason = "".join(char for char in reason if _is_kept(char))
    return " ".join(reason.split())[:limit].rstrip()


def _is_kept(char: str) -> bool:
    if char.isspace() or char in _JOINERS:
        return True
    return unicodedata.category(char) not in ("Cc", "Cf", "Cs")
