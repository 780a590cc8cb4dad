"""Jobs with a language model as a user runs them, for tests: command line, server, accounts.

The server plays a model (`judge`): what it says depends on the trace and the element
alone, so two jobs over the same traces must end with the same tables, whatever happened
to them on the way. Each trace says "case N" once, by which the server knows it.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import re
import signal
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl
from behaviours import Behaviour, Body, Seen, answer
from halting import content
from loopback import LoopbackServer

from cogtrace.annotator.job import JobFolder, JobReader, verify_job
from cogtrace.cli.main import main

# Three questions of two elements, asked one by one and so in three requests per trace.
GROUPS = (
    ("logical-coherence", "compositionality"),
    ("self-awareness", "evaluation"),
    ("verification", "backtracking"),
)
ELEMENTS = tuple(name for group in GROUPS for name in group)
Make = Callable[..., Any]
Elsewhere = Callable[[int, tuple[str, ...], int], Behaviour | None]
_CASE = re.compile(r"\bcase (\d+)\b")


@dataclass(frozen=True, slots=True)
class Done:
    """A run of the command line that has ended."""

    code: int
    out: str
    err: str

    def says(self, *parts: str) -> bool:
        """Say whether all of these were told to the user."""
        told = " ".join(self.err.split())
        return "Traceback" not in self.err and all(part in told for part in parts)


def cogtrace_here(*arguments: object) -> Done:
    """Run the command line in this process, which saves the second that starting takes."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    before = signal.getsignal(signal.SIGTERM)
    try:
        with (
            mock.patch.object(sys, "argv", ["cogtrace", *map(str, arguments)]),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            main()
    except SystemExit as exit:
        code = exit.code if isinstance(exit.code, int) else int(exit.code is not None)
    finally:
        signal.signal(signal.SIGTERM, before)
    return Done(code, out.getvalue(), err.getvalue())


def command(source: Path, out: Path, server: LoopbackServer | str, *more: object) -> list[object]:
    """Return the arguments of a job that asks a server."""
    url = server if isinstance(server, str) else server.base_url
    what = ["annotate", source, "--out", out, "--elements", ",".join(ELEMENTS)]
    return [*what, "--engine", "openai", "--base-url", url, "--shots-tokens", 0, *more]


def annotate(source: Path, out: Path, server: LoopbackServer | str, *more: object) -> Done:
    """Run such a job in this process."""
    return cogtrace_here(*command(source, out, server, *more))


def cases(count: int) -> list[dict[str, str]]:
    """Return rows of an input: traces of three to five sentences."""
    closing = "So that is done. " * 3
    return [
        {
            "id": f"t{number}",
            "text": f"Let me look at case {number}. Wait, I have to check it. "
            + closing[: 17 * (1 + number % 3)],
        }
        for number in range(count)
    ]


def case_of(body: Body) -> int | None:
    """Return the number of the trace that a request is about; None for the canary."""
    if len(body["messages"]) < 2:
        return None
    found = _CASE.search(body["messages"][1]["content"])
    assert found is not None, "a request about no trace of these tests"
    return int(found[1])


def asked_about(body: Body) -> tuple[str, ...]:
    """Return the elements that a request asks about."""
    return tuple(_schema(body)["properties"])


def judge(body: Body) -> str:
    """Return what the played model answers: sound, and never the same for two elements."""
    case = case_of(body)
    if case is None:
        return json.dumps({"stone": "zinc", "count": 3})
    return json.dumps({name: _verdict(body, case, name) for name in asked_about(body)})


def _verdict(body: Body, case: int, element: str) -> dict[str, Any]:
    draw = hashlib.sha256(f"{case} {element}".encode()).digest()
    score, last = draw[0] % 3, 1 + draw[1] % 3  # each trace has three sentences at least
    evidence = [[1 + draw[2] % last, last]] if score else []
    return {"evidence": evidence, "reason": f"as drawn for case {case}", "score": score}


def _schema(body: Body) -> dict[str, Any]:
    schema: dict[str, Any] = body["structured_outputs"]["json"]
    return schema


def judging(**settings: Any) -> LoopbackServer:
    """Return a server that plays the model, not started yet."""
    return LoopbackServer(always=answer(judge), **settings)


def when(rule: Elsewhere) -> Callable[[Seen], Behaviour | None]:
    """Return a `LoopbackServer.decide`: ``rule`` of the case, the elements, and the try.

    Tries of a question count from 0, whatever words it is asked in. The canary is answered.
    """
    tries: Counter[tuple[int, tuple[str, ...]]] = Counter()

    def decide(seen: Seen) -> Behaviour | None:
        case = case_of(seen.body)
        if case is None:
            return None
        asked = asked_about(seen.body)
        tries[case, asked] += 1
        return rule(case, asked, tries[case, asked] - 1)

    return decide


def questions(server: LoopbackServer) -> list[tuple[int, tuple[str, ...]]]:
    """Return the questions that reached a server, canaries left out."""
    bodies = [seen.body for seen in server.chats]
    found = [(case_of(body), asked_about(body)) for body in bodies]
    return [(case, asked) for case, asked in found if case is not None]


def asked_by(server: LoopbackServer, run: Callable[[], Done]) -> list[tuple[int, tuple[str, ...]]]:
    """Return the questions of a run that ends well, in no order of their own."""
    server.requests.clear()
    done = run()
    assert done.code == 0, done.err
    return sorted(questions(server))


def whole(out: Path, ids: Sequence[str], elements: Sequence[str] = ELEMENTS) -> None:
    """Make sure that each pair of trace and element is answered or in quarantine, once.

    Counted from the files themselves, not by the code that also wrote them.
    """
    found: Counter[tuple[str, str]] = Counter()
    files = sorted((out / "annotations").glob("*.parquet"))
    if files:
        found.update(pl.read_parquet(files).select("trace_id", "element").iter_rows())
    for line in (out / "quarantine.jsonl").read_text().splitlines() if _set_aside(out) else []:
        row = json.loads(line)
        found.update((row["trace_id"], name) for name in row.get("elements") or elements)
    assert found == Counter({(name, element): 1 for name in ids for element in elements})


def _set_aside(out: Path) -> bool:
    return (out / "quarantine.jsonl").exists()


def sound(out: Path, status: str = "finished") -> None:
    """Make sure that `cogtrace verify` finds nothing."""
    report = verify_job(JobFolder(out))
    assert (report.problems, report.status) == ([], status)


def same(one: Path, other: Path, *, but: tuple[str, ...] = ()) -> bool:
    """Say whether two jobs hold the same, whatever they went through; ``but`` leaves out."""
    first, second = content(one), content(other)
    return all(first[key] == second[key] for key in first if key not in but)


def undisturbed(source: Path, out: Path, *more: object) -> Path:
    """Run a job with a server without faults; return its folder."""
    with judging() as server:
        done = annotate(source, out, server, *more)
    assert done.code == 0, done.err
    return out


def ids(out: Path) -> list[str]:
    """Return the ids of the traces in the tables of a job, in order."""
    return [trace.trace_id for trace, _ in JobReader(out).pairs()]


def snapshot(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path): path.read_bytes() for path in files}
