"""Prompt tokens that vLLM computes: our order of a prompt against the question first.

    HF_HUB_OFFLINE=1 VLLM_CPU_KVCACHE_SPACE=2 \\
        .venv-vllm/bin/python benchmarks/bench_prompts.py [INPUT] [--traces 10] [--model FOLDER]

The same questions about the same traces are asked twice of one engine, whose prefix cache
is emptied in between: instructions, trace, question (ours), and instructions, question,
trace. Each order is sent as suits it best: ours trace by trace, the other question by
question. The engine counts the tokens. Without --model a tiny one with random weights is
made (tests/support/tiny_model.py): it counts as a real one does, with its own tokenizer.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from cogtrace.annotator.llm.layout import Layout
from cogtrace.annotator.llm.model import LlmOptions
from cogtrace.annotator.sentences import sentence_ranges
from cogtrace.corpora.readers import open_inputs, read_traces
from cogtrace.engines.base import EngineSettings, Message, Request, Result, TokenUsage
from cogtrace.engines.vllm_engine import VllmEngine
from cogtrace.records import Trace
from cogtrace.taxonomy import load_taxonomy

ROOT = Path(__file__).parents[1]
_DEFAULT = ROOT / "../shared/data/traces_dev.jsonl.gz"


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("input", nargs="?", default=str(_DEFAULT))
    parser.add_argument("--traces", type=int, default=10, help="the first so many")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--ask", default="element", choices=["element", "group", "all"])
    parser.add_argument("--temperature", type=float, default=0.0)
    # A cache holds whole blocks. 16 is usual on a GPU; on the CPU vLLM takes no fewer than 32.
    parser.add_argument("--block-size", type=int, default=32)
    options = parser.parse_args()
    rows = read_traces(open_inputs([options.input]), {})
    traces = [row.value for row in rows if isinstance(row.value, Trace)][: options.traces]
    with tempfile.TemporaryDirectory() as folder:
        model = options.model or _tiny(Path(folder))
        asyncio.run(_measure(traces, model, options))


def _tiny(folder: Path) -> Path:
    sys.path.insert(0, str(ROOT / "tests" / "support"))
    import tiny_model

    return tiny_model.build(folder)


async def _measure(traces: list[Trace], model: Path, given: argparse.Namespace) -> None:
    arguments = {"enforce_eager": True, "block_size": given.block_size}
    settings = EngineSettings(model=str(model), arguments=arguments)
    options = LlmOptions(ask=given.ask, temperature=given.temperature)
    engine = VllmEngine(settings)
    try:
        info = await engine.start()
        layout = Layout.of(load_taxonomy(), options, info, settings, "0f1e2d3c4b5a", engine)
        ours, other = _requests(layout, traces)
        print(f"{len(traces)} traces, {len(layout.questions)} questions each, {len(ours)} prompts")
        print(f"instructions: {layout.count(layout.system):,} tokens")
        print(f"{'order':30}{'prompt':>12}{'cached':>12}{'computed':>12}{'seconds':>10}")
        first = await _asked(engine, "trace, then question", ours)
        second = await _asked(engine, "question, then trace", other)
    finally:
        await engine.close()
    ratio = _total(second).computed / _total(first).computed
    print(f"computed tokens, question first / trace first: {ratio:.1f} (target: at least 10)")
    _completions(first)


def _requests(layout: Layout, traces: list[Trace]) -> tuple[list[Request], list[Request]]:
    """Return all requests in our order, and those with the question before the trace."""
    sheets = [s for trace in traces for s in layout.sheets(trace, sentence_ranges(trace.text))]
    ours = [
        layout.request(question, sheet, "")
        for sheet, question in itertools.product(sheets, layout.questions)
    ]
    other = []
    for question, sheet in itertools.product(layout.questions, sheets):
        request = layout.request(question, sheet, "")
        asked = layout.prompts.question(question, sheet.window, layout.options)
        turned = Message(role="user", content=f"{asked}\n\n{sheet.text}")
        other.append(_with(request, (request.messages[0], turned)))
    return ours, other


def _with(request: Request, messages: tuple[Message, ...]) -> Request:
    fields: dict[str, Any] = {name: getattr(request, name) for name in request.__struct_fields__}
    return Request(**fields | {"messages": messages})


async def _asked(engine: VllmEngine, order: str, requests: list[Request]) -> list[Result]:
    await engine.forget_prefixes()
    begin = time.perf_counter()
    results = await engine.complete(requests)
    seconds = time.perf_counter() - begin
    failed = [result.failure.message for result in results if result.failure]
    if failed:
        raise SystemExit(f"{len(failed)} requests failed: {failed[0]}")
    usage = _total(results)
    numbers = f"{usage.prompt:12,}{usage.cached:12,}{usage.computed:12,}"
    print(f"{order:30}{numbers}{seconds:10.1f}")
    return results


def _total(results: list[Result]) -> TokenUsage:
    return sum((result.usage for result in results), TokenUsage())


def _completions(results: list[Result]) -> None:
    """Print how long the answers are that fill the schema."""
    whole = sorted(r.usage.completion for r in results if r.finish == "stop")
    mean = sum(whole) / len(whole) if whole else 0.0
    longest = whole[-1] if whole else 0
    print(f"answers that end by themselves: {len(whole)} of {len(results)}")
    print(f"completion tokens of these: {mean:.1f} on average, {longest} at most (target: 60)")


if __name__ == "__main__":
    main()
