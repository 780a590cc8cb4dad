"""How many requests per second a whole job with a language model makes.

    python benchmarks/bench_llm_job.py [--traces N] [--concurrency N] [--delay-ms MS]

The server runs in a process of its own and answers at once (or after ``--delay-ms``) with
the smallest JSON that fits the schema. Timed is `cogtrace annotate --engine openai` inside
this process: reading, segmenting, prompts, requests, parsing, keeping every answer, tables.
Beside it, in the same run: the engine alone, and the plain `openai` client, with the very
same requests. The program's own time is what the job takes beyond the engine alone.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
import openai

from cogtrace.annotator.builtin import LLM
from cogtrace.annotator.job import JobFolder, JobPlan, run_job
from cogtrace.annotator.llm.layout import Layout
from cogtrace.annotator.llm.model import LlmOptions
from cogtrace.annotator.registry import AnnotatorSpec
from cogtrace.annotator.sentences import sentence_ranges
from cogtrace.corpora.sample import sample_path
from cogtrace.engines import EngineInfo, EngineSettings, Request
from cogtrace.engines.openai_engine import OpenAIEngine
from cogtrace.extensions import AnnotatorSetup, EngineKind
from cogtrace.records import SourceRow, Trace
from cogtrace.taxonomy import load_taxonomy

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from loopback import served

_SAMPLES_PER_TRACE = 2


def _traces(count: int, pieces: int) -> list[Trace]:
    """Return traces, all different, of some pieces of the sample corpus each."""
    texts = [msgspec.json.decode(line)["text"] for line in sample_path().read_bytes().splitlines()]
    draw = random.Random(5)
    return [
        Trace(trace_id=f"t{n}", text=" ".join([f"Number {n}.", *draw.choices(texts, k=pieces)]))
        for n in range(count)
    ]


def _requests(traces: list[Trace], settings: EngineSettings) -> list[Request]:
    info = EngineInfo(engine="openai", model="tiny")
    layout = Layout.of(load_taxonomy(), LlmOptions(), info, settings, "0" * 8)
    found = []
    for trace in traces:
        (sheet,) = layout.sheets(trace, sentence_ranges(trace.text))
        found += [layout.request(question, sheet, "") for question in layout.questions]
    return found


async def _engine(requests: list[Request], settings: EngineSettings) -> float:
    engine = OpenAIEngine(settings)
    await engine.start()
    began = time.perf_counter()
    await engine.complete(requests)
    seconds = time.perf_counter() - began
    await engine.close()
    return seconds


async def _raw(requests: list[Request], settings: EngineSettings) -> float:
    """Return the seconds that the plain client takes."""
    waiting = iter(requests)

    async def work(client: openai.AsyncOpenAI) -> None:
        for request in waiting:
            messages: Any = msgspec.to_builtins(request.messages)
            form: Any = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": request.schema},
            }
            await client.chat.completions.create(
                model="tiny",
                messages=messages,
                max_tokens=request.max_tokens,
                temperature=0.0,
                response_format=form,
            )

    async with openai.AsyncOpenAI(
        base_url=settings.base_url, api_key="none", http_client=openai.DefaultAioHttpClient()
    ) as client:
        began = time.perf_counter()
        await asyncio.gather(*(work(client) for _ in range(settings.concurrency or 1)))
        return time.perf_counter() - began


def _job(traces: list[Trace], settings: EngineSettings) -> tuple[float, float]:
    """Return the seconds that a job takes, and those of this process's processor."""
    spec = AnnotatorSpec(
        LLM,
        AnnotatorSetup(
            taxonomy=load_taxonomy(),
            engine=EngineKind(name="openai", summary="", build=OpenAIEngine),
            engine_settings=settings,
        ),
    )
    rows = (SourceRow(file="f", line=n, value=t) for n, t in enumerate(traces, 1))
    with tempfile.TemporaryDirectory() as folder:
        began, cpu = time.perf_counter(), time.process_time()
        done = run_job(
            JobPlan(folder=JobFolder(Path(folder) / "out"), spec=spec, part_traces=1_024), rows
        )
        seconds = time.perf_counter() - began
        cpu = time.process_time() - cpu
    if done.usage is None or (done.counts.traces, done.usage.requests) != (
        len(traces),
        4 * len(traces) + 0,
    ):
        raise SystemExit(f"not the requests that were to be timed: {done.counts}, {done.usage}")
    return seconds, cpu


def main() -> None:
    """Print requests per second of the plain client, the engine, and a whole job."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--traces", type=int, default=1_000)
    parser.add_argument("--pieces", type=int, default=_SAMPLES_PER_TRACE)
    parser.add_argument("--concurrency", type=int, default=256)
    parser.add_argument("--delay-ms", type=float, default=0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    traces = _traces(options.traces, options.pieces)
    characters = sum(len(trace.text) for trace in traces) / len(traces)
    best: dict[str, float] = {}
    cpu = float("inf")
    with served("--delay-ms", str(options.delay_ms)) as url:
        settings = EngineSettings(base_url=url, concurrency=options.concurrency)
        requests = _requests(traces, settings)
        for _ in range(options.rounds):
            whole, used = _job(traces, settings)
            cpu = min(cpu, used)
            for name, seconds in (
                ("openai client, aiohttp transport", asyncio.run(_raw(requests, settings))),
                ("engine alone", asyncio.run(_engine(requests, settings))),
                ("whole job", whole),
            ):
                best[name] = min(best.get(name, seconds), seconds)
    print(
        f"{len(requests):,} requests about {len(traces):,} traces of {characters:,.0f} characters, "
        f"{options.concurrency} at a time, answers after {options.delay_ms:g} ms, "
        f"best of {options.rounds} rounds"
    )
    print(f"{'':34}{'seconds':>9}{'requests/s':>12}")
    for name, seconds in best.items():
        print(f"{name:34}{seconds:9.2f}{len(requests) / seconds:12,.0f}")
    print(
        f"the job's processor time: {cpu:.2f} s, {1000 * cpu / len(requests):.2f} ms a request; "
        f"{cpu / (len(requests) * max(options.delay_ms, 1e-9) / 1000):.1%} of the time that "
        "the answers take in all"
        if options.delay_ms
        else f"the job's processor time: {cpu:.2f} s, {1000 * cpu / len(requests):.2f} ms a request"
    )


if __name__ == "__main__":
    main()
