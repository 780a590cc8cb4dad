"""A first small request that tells whether an engine keeps to the schema of an answer.

The question pulls away from the schema: its natural answer is a sentence of prose. A
server that drops the schema without a word answers with that, and every answer of a long
job would be as useless; so the job does not begin.
"""

from __future__ import annotations

import json
from typing import Any, Final

from cogtrace.engines.base import Engine, Message, Request, Result
from cogtrace.errors import EngineError, SchemaIgnored
from cogtrace.printable import printable

_WORDS: Final = ("zinc", "quartz", "basalt")
_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "stone": {"type": "string", "enum": list(_WORDS)},
        "count": {"type": "integer", "minimum": 3, "maximum": 7},
    },
    "required": ["stone", "count"],
    "additionalProperties": False,
}
_QUESTION: Final = "Say in one short English sentence what colour a clear sky has at noon."
_SHOWN: Final = 120
# A model that thinks first needs room to get to its answer.
_MAX_TOKENS: Final = 1_024

_FIX: Final = (
    "cogtrace needs answers bound to a JSON Schema. vLLM 0.12 or later does that with its "
    "default settings (a structured-outputs backend such as xgrammar); so do servers that "
    "know response_format of the type json_schema: OpenAI, SGLang, LM Studio, and recent "
    "llama.cpp (llama-server) and Ollama at their /v1 address. Update the server, choose "
    "another model or use another engine"
)
_BLANKS_FIX: Final = (
    "start vLLM with "
    '--structured-outputs-config \'{"backend":"xgrammar","disable_any_whitespace":true}\''
)


async def require_schema(engine: Engine) -> None:
    """Make sure that a started engine keeps to the schema of an answer.

    Raises:
        SchemaIgnored: it does not; says what it answered and how to fix it.
        EngineError: it did not answer at all.
    """
    request = Request(
        messages=(Message(role="user", content=_QUESTION),),
        max_tokens=_MAX_TOKENS,
        schema=_SCHEMA,
        key="canary",
    )
    (result,) = await engine.complete([request])
    if result.failure is not None:
        raise EngineError(f"the first request failed: {result.failure.message}")
    if problem := _problem(result):
        raise SchemaIgnored(problem)


def _problem(result: Result) -> str | None:
    """Return what is wrong with the answer to the first request, or None."""
    if _fits(result.text):
        return None
    if not result.text.strip() and result.finish == "length":
        if result.reasoning:
            return (
                f"the model spent all {_MAX_TOKENS} tokens of its first answer on thinking; "
                "switch that off, for many models with --engine-arg 'chat_template_kwargs="
                '{"enable_thinking": false}\''
            )
        return f"the model answers with blanks without end: {_BLANKS_FIX}"
    if result.finish == "length" and result.text.lstrip().startswith("{"):
        return f"the model does not finish a small JSON answer ({_seen(result)}): {_BLANKS_FIX}"
    return f"the server ignores the schema of an answer: it sent {_seen(result)}. {_FIX}"


def _fits(text: str) -> bool:
    try:
        answer = json.loads(text)
    except ValueError:
        return False
    return (
        isinstance(answer, dict)
        and answer.keys() == {"stone", "count"}
        and answer["stone"] in _WORDS
        and type(answer["count"]) is int
        and 3 <= answer["count"] <= 7
    )


def _seen(result: Result) -> str:
    text = printable(" ".join(result.text.split()))
    if not text:
        return "an empty answer"
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
