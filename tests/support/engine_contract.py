"""What every engine must keep, as checks that any test can run on an engine.

One check per sentence of `cogtrace.engines.base`; each takes a started engine::

    subject = Subject(engine=engine, info=await engine.start(), failing=..., cut=...)
    await check_all(subject)          # closes the engine in the end
    await CHECKS["some_check"](...)   # or one by one

Engines with a real model pass them as well: answers are judged by their schema only.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import jsonschema

from cogtrace.engines.base import Engine, EngineInfo, Message, Request, Result

SCHEMAS: Final[tuple[dict[str, Any], ...]] = (
    {
        "type": "object",
        "properties": {
            "evidence": {
                "type": "array",
                "maxItems": 2,
                "items": {
                    "type": "array",
                    "items": {"type": "integer", "minimum": 7, "maximum": 31},
                    "minItems": 2,
                    "maxItems": 2,
                },
            },
            "reason": {"type": "string", "maxLength": 20},
            "score": {"enum": [0, 1, 2]},
        },
        "required": ["evidence", "reason", "score"],
        "additionalProperties": False,
    },
    {
        "type": "object",
        "properties": {"word": {"enum": ["red", "green"]}, "sure": {"type": "boolean"}},
        "required": ["word", "sure"],
        "additionalProperties": False,
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A started engine, and requests that only its test can know."""

    engine: Engine
    info: EngineInfo
    failing: Request | None = None  # one that it refuses
    cut: Request | None = None  # one whose answer does not fit max_tokens


def request(text: str, schema: dict[str, Any] | None = None, *, limit: int = 200) -> Request:
    """Return a request with a system message and one question."""
    messages = (
        Message(role="system", content="Answer with JSON that fits the schema."),
        Message(role="user", content=text),
    )
    return Request(messages=messages, max_tokens=limit, schema=schema or SCHEMAS[0])


def numbered(number: int) -> Request:
    """Return a request whose only possible answer holds a number."""
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer", "enum": [number]}},
        "required": ["n"],
        "additionalProperties": False,
    }
    return request(f"What is {number}?", schema)


def is_number(result: Result, number: int) -> bool:
    """Say whether a result answers `numbered`."""
    return result.failure is None and json.loads(result.text) == {"n": number}


async def it_says_what_it_is(subject: Subject) -> None:
    """Name, model and concurrency are known once it runs, and it is in no trouble."""
    assert subject.info.engine
    assert subject.info.model
    assert subject.info.concurrency >= 1
    assert subject.info.context_tokens is None or subject.info.context_tokens > 0
    assert subject.engine.trouble is None


async def results_come_in_the_order_of_the_requests(subject: Subject) -> None:
    """One result per request, in the same order."""
    results = await subject.engine.complete([numbered(n) for n in range(30)])

    assert len(results) == 30
    assert all(is_number(result, n) for n, result in enumerate(results))


async def calls_may_overlap(subject: Subject) -> None:
    """Calls at the same time do not mix up their results."""
    batches = [range(first, first + 3) for first in range(100, 130, 3)]

    answers = await asyncio.gather(
        *(subject.engine.complete([numbered(n) for n in batch]) for batch in batches)
    )

    for batch, results in zip(batches, answers, strict=True):
        assert len(results) == len(batch)
        assert all(is_number(result, n) for n, result in zip(batch, results, strict=True))


async def no_requests_have_no_results(subject: Subject) -> None:
    """An empty call is answered at once."""
    assert await subject.engine.complete([]) == []


async def one_request_twice_has_two_results(subject: Subject) -> None:
    """Nothing is left out because it was asked already."""
    results = await subject.engine.complete([numbered(5), numbered(5)])

    assert len(results) == 2
    assert all(is_number(result, 5) for result in results)


async def answers_fit_their_schemas(subject: Subject) -> None:
    """Each answer is JSON that its own request's schema admits."""
    asked = [request(f"Look {n}.", SCHEMAS[n % len(SCHEMAS)]) for n in range(8)]

    for one, result in zip(asked, await subject.engine.complete(asked), strict=True):
        assert result.failure is None, result.failure
        assert one.schema is not None
        jsonschema.validate(json.loads(result.text), one.schema)


async def usage_and_finish_are_told(subject: Subject) -> None:
    """Tokens are counted, cached ones among those of the prompt; a whole answer stops."""
    asked = request("The same beginning. " * 40)

    for result in [*(await subject.engine.complete([asked])), *await again(subject, asked)]:
        assert result.finish == "stop"
        assert result.failure is None
        assert result.usage.prompt > 0
        assert result.usage.completion > 0
        assert 0 <= result.usage.cached <= result.usage.prompt
        assert result.usage.computed == result.usage.prompt - result.usage.cached
        assert result.attempts >= 1
        assert result.seconds >= 0


async def again(subject: Subject, asked: Request) -> list[Result]:
    """Ask once more, after the first answer."""
    return await subject.engine.complete([asked])


async def an_answer_that_was_cut_says_so(subject: Subject) -> None:
    """An answer that reached max_tokens has the finish "length" and no failure."""
    if subject.cut is None:
        return
    (result,) = await subject.engine.complete([subject.cut])

    assert (result.finish, result.failure) == ("length", None)


async def a_failing_request_harms_no_other(subject: Subject) -> None:
    """What goes wrong with one request is in its own result."""
    if subject.failing is None:
        return
    before, failed, after = await subject.engine.complete(
        [numbered(1), subject.failing, numbered(2)]
    )

    assert is_number(before, 1)
    assert is_number(after, 2)
    assert failed.finish == "failed"
    assert failed.failure is not None
    assert not failed.failure.passing
    assert failed.failure.message
    assert failed.text == ""
    (later,) = await subject.engine.complete([numbered(3)])
    assert is_number(later, 3)


async def a_long_prompt_is_answered(subject: Subject) -> None:
    """Prompts may be long, as far as the context goes."""
    words = min(2_000, (subject.info.context_tokens or 8_000) // 8)
    (result,) = await subject.engine.complete([request("word " * words)])

    assert result.failure is None, result.failure
    assert result.usage.prompt >= words // 2


async def no_text_breaks_it(subject: Subject) -> None:
    """Whatever characters a prompt holds, each request has its own result."""
    texts = ["\0 \x1b[2J", "<|im_end|></s>[INST]", "{$name} %s {0}", "漢字 🙂 e\u0301", "\ud800"]

    results = await subject.engine.complete([*map(request, texts), numbered(9)])

    assert len(results) == len(texts) + 1
    assert all(result.failure is None for result in results[: len(texts) - 1])
    # Half a surrogate pair cannot be sent everywhere; a failure is as good as an answer.
    assert (results[-2].failure is None) == (results[-2].finish != "failed")
    assert is_number(results[-1], 9)


async def tokens_are_counted_or_it_says_that_it_cannot(subject: Subject) -> None:
    """Counts grow with the text; None where the engine does not know."""
    counts = [subject.engine.count_tokens("forty two " * times) for times in (1, 10, 100)]

    known = [count for count in counts if count is not None]
    assert known in ([], counts)
    assert known == sorted(set(known))


Check = Callable[[Subject], Awaitable[None]]
CHECKS: Final[dict[str, Check]] = {
    check.__name__: check
    for check in (
        it_says_what_it_is,
        results_come_in_the_order_of_the_requests,
        calls_may_overlap,
        no_requests_have_no_results,
        one_request_twice_has_two_results,
        answers_fit_their_schemas,
        usage_and_finish_are_told,
        an_answer_that_was_cut_says_so,
        a_failing_request_harms_no_other,
        a_long_prompt_is_answered,
        no_text_breaks_it,
        tokens_are_counted_or_it_says_that_it_cannot,
    )
}


async def it_can_be_closed_more_than_once(subject: Subject) -> None:
    """Closing again does nothing. Not among CHECKS: no check can follow it."""
    await subject.engine.close()
    await subject.engine.close()


async def check_all(subject: Subject) -> None:
    """Run all checks on one engine, which is closed in the end."""
    for check in CHECKS.values():
        await check(subject)
    await it_can_be_closed_more_than_once(subject)
