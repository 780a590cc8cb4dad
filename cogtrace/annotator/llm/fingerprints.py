"""Names for everything that decides an answer, so that equal names mean equal answers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from cogtrace.annotator.llm.model import LlmOptions, Question
from cogtrace.records import Trace

# Goes up with every change to the code that may change an annotation.
VERSION: Final = "1"

# Engine arguments that decide how fast an answer comes, not what it says. The length of
# the context is among them because the size of the windows, which follows from it, is
# named on its own.
_NEUTRAL: Final = frozenset(
    "tensor_parallel_size pipeline_parallel_size data_parallel_size gpu_memory_utilization "
    "max_model_len max_num_seqs max_num_batched_tokens enforce_eager disable_log_stats "
    "kv_cache_memory_bytes latency_ms".split()
)


def run_fingerprint(
    *,
    model: str,
    arguments: Mapping[str, Any],
    options: LlmOptions,
    window_tokens: int,
    exact_tokens: bool,
    prompts: str,
    system: str,
) -> str:
    """Return the name of all that is common to the questions of a run."""
    deciding = msgspec.structs.asdict(options)
    # What is asked at once is named by each question; the audit changes no answer; the
    # prompts go by content.
    for name in ("ask", "audit", "prompts", "window_tokens", "shots_tokens"):
        del deciding[name]
    return digest(
        VERSION,
        model,
        {name: value for name, value in arguments.items() if name not in _NEUTRAL},
        deciding | {"temperature": options.resolved_temperature()},
        window_tokens,
        exact_tokens,
        prompts,
        system,
    )


def question_fingerprint(run: str, question: Question, rendered: str) -> str:
    """Return the name of a question: its elements and its words."""
    return digest(run, [element.id for element in question.elements], rendered)


def trace_name(trace: Trace) -> bytes:
    """Return what stands for all of a trace that a model is shown."""
    text = trace.text.encode("utf-8", "surrogatepass")
    # Its length says where it ends, whatever characters it and the question hold.
    name = hashlib.blake2b(len(text).to_bytes(8, "big"), digest_size=16)
    name.update(text)
    # None and an empty question are shown alike, but told apart all the same.
    name.update(b"\0" if trace.question is None else b"\1")
    name.update((trace.question or "").encode("utf-8", "surrogatepass"))
    return name.digest()


def unit_key(trace: bytes, question_fingerprint: str) -> bytes:
    """Return the key under which the answer to a question about a trace is kept."""
    return hashlib.blake2b(trace + question_fingerprint.encode(), digest_size=16).digest()


def digest(*parts: Any) -> str:
    """Return 32 hexadecimal digits that stand for ``parts``."""
    content = msgspec.json.encode(parts, order="deterministic")
    return hashlib.blake2b(content, digest_size=16).hexdigest()
