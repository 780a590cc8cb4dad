"""Results of OpenAI's Batch API: one chat completion a line, by ``custom_id``.

The results lack the question. It is taken from the requests, where their file lies beside
the results: ``NAME.requests.jsonl`` beside ``NAME.jsonl``, compressed or not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from cogtrace.corpora.readers.chat import content_of, numbered, turn_of
from cogtrace.corpora.readers.formats import jsonl_rows
from cogtrace.corpora.readers.raw import RawRow, shown
from cogtrace.corpora.readers.streams import COMPRESSED, STDIN

_FAILED: Final = 400  # from here on, the status of an answer is an error


class _Bad(ValueError):
    """A result that holds no completion; the reason is a short code."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def batch_rows(path: str) -> Iterator[RawRow]:
    """Read results; each choice is a trace, numbered over the whole file.

    A request that failed is a bad row, with the error as its message.
    """
    questions = _questions(path)
    number = 0
    for row in jsonl_rows(path):
        for found in [row] if row.data is None else _choices(row.line, row.data, questions):
            number += 1
            yield RawRow(number, found.data, found.reason, found.message, found.raw)


def _choices(line: int, result: dict[str, Any], questions: dict[str, str]) -> list[RawRow]:
    try:
        body = _body(result)
        choices = [choice for choice in body.get("choices") or () if isinstance(choice, Mapping)]
        turns = [turn_of(choice.get("message") or {}) for choice in choices]
        if not turns or None in turns:
            raise _Bad("no-turn", "the completion says nothing")
    except _Bad as error:
        return [RawRow(line, None, error.reason, f"line {line}: {error}", shown(result))]
    except (AttributeError, KeyError, TypeError, ValueError):
        message = f"line {line}: no result of a batch of chat completions"
        return [RawRow(line, None, "bad-result", message, shown(result))]
    name = str(result.get("custom_id") or body.get("id") or f"line-{line}")
    rows = []
    for number, turn in enumerate((turn for turn in turns if turn is not None), start=1):
        data = {
            "trace_id": numbered(name, number, len(turns)),
            "text": turn.text,
            "question": questions.get(name),
            "model": body.get("model"),
            "model_answer": turn.answer,
            "finish_reason": choices[number - 1].get("finish_reason"),
        }
        rows.append(RawRow(line, data))
    return rows


def _body(result: Mapping[str, Any]) -> Mapping[str, Any]:
    response = result.get("response")
    if response is None:
        error = result.get("error")
        said = error.get("message") if isinstance(error, Mapping) else error
        raise _Bad("request-failed", f"the request failed: {said!r:.200}")
    body = response["body"]
    if int(response.get("status_code") or 200) >= _FAILED:
        error = body.get("error") if isinstance(body, Mapping) else body
        said = error.get("message") if isinstance(error, Mapping) else error
        raise _Bad(
            "request-failed", f"the request failed with {response['status_code']}: {said!r:.200}"
        )
    if not isinstance(body, Mapping):
        raise TypeError
    return body


def _questions(path: str) -> dict[str, str]:
    """Return the last user message of each request, where their file is there."""
    questions: dict[str, str] = {}
    for file in _beside(path):
        for row in jsonl_rows(str(file)):
            request = row.data or {}
            body = request.get("body")
            messages = body.get("messages") if isinstance(body, Mapping) else None
            for message in messages if isinstance(messages, list) else ():
                if isinstance(message, Mapping) and message.get("role") == "user":
                    questions[str(request.get("custom_id"))] = content_of(message) or ""
    return questions


def _beside(path: str) -> list[Path]:
    if path == STDIN:
        return []
    plain = path
    for suffix in COMPRESSED:
        plain = plain.removesuffix(suffix)
    requests = Path(plain).with_suffix(f".requests{Path(plain).suffix}")
    names = [requests, *(Path(f"{requests}{suffix}") for suffix in COMPRESSED)]
    return [file for file in names if file.is_file()][:1]
