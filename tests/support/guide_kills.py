"""A guidance job in a process of its own, whose engine writes down what it was asked.

Run as a program: ``python guide_kills.py FOLDER LOG TASKS``.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from guide_jobs import adds, run_job, task_row

from cogtrace.engines import Request, Result
from cogtrace.engines.scripted import ScriptedEngine

CONCURRENCY = 16


class Logging:
    """Answers as the engine of the other tests does, and takes its time."""

    trouble = None

    def __init__(self, log: Path) -> None:
        self._inner = ScriptedEngine.from_function(adds, concurrency=CONCURRENCY)
        self.start, self.close = self._inner.start, self._inner.close
        self.count_tokens = self._inner.count_tokens
        self._log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def complete(self, requests: Sequence[Request]) -> list[Result]:
        """Answer a batch, and write its keys down in the moment before it is returned."""
        await asyncio.sleep(0.005)
        results = await self._inner.complete(requests)
        os.write(self._log, "".join(f"{request.key}\n" for request in requests).encode())
        return results


def main() -> None:
    """Run the job."""
    folder, log, tasks = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    run_job(folder, [task_row(n) for n in range(tasks)], engine=Logging(log), part_tasks=32)


if __name__ == "__main__":
    main()
