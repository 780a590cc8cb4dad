"""What a person sees and does while a job runs: progress, and Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from cogtrace.cli.console import console, err

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from cogtrace.annotator.job import Entry
    from cogtrace.records import SourceRow, Usage

_EVERY_S: Final = 10.0  # between plain lines
_REDRAW_S: Final = 0.1  # of the bar


class Interrupts:
    """Turns the first Ctrl-C into a stop at a safe place; the second one stops at once.

    Python may raise KeyboardInterrupt inside any library call, and not all libraries
    come through that unharmed.
    """

    def __init__(self) -> None:
        self._asked = False
        self._before: Any = None

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked = True
        signal.signal(signal.SIGINT, self._before)
        # Not print, which must not be entered twice.
        os.write(sys.stderr.fileno(), b"stopping; Ctrl-C again to stop at once\n")

    @property
    def asked(self) -> bool:
        """Whether Ctrl-C was pressed."""
        return self._asked

    def check(self) -> None:
        """Raise KeyboardInterrupt if Ctrl-C was pressed."""
        if self._asked:
            raise KeyboardInterrupt

    def watch(self, rows: Iterable[SourceRow]) -> Iterator[SourceRow]:
        """Pass rows on until Ctrl-C is pressed."""
        for row in rows:
            self.check()
            yield row


class JobDisplay:
    """Shows how far a job is. Told of each commit, and of each answer of a model."""

    def __init__(
        self,
        interrupts: Interrupts,
        *,
        quiet: bool = False,
        what: str = "traces",
        doing: str = "annotating",
    ) -> None:
        self._interrupts = interrupts
        self._what = what
        self._doing = doing
        self.bytes_now = 0  # of text annotated in this run
        self.cost: float | None = None  # of the whole job, where there are prices
        self._traces = 0  # committed in this run
        self._requests_before: int | None = None
        self._rows: int | None = None  # expected in all
        self._quiet = quiet
        self._last = time.monotonic()
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        if not self._quiet and sys.stderr.isatty():
            self._progress = _bar()
            self._task = self._progress.add_task(self._doing, total=None, detail="")
            self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def says(self, what: str) -> None:
        """Show what is going on before the first result."""
        self._show(None, what, now=True)

    def expects(self, rows: int | None) -> None:
        """Take note of how many rows there are in all."""
        self._rows = rows

    def committed(self, entry: Entry) -> None:
        """Take note of a committed part."""
        self.bytes_now += entry.text_bytes
        self._traces += entry.traces
        if self._requests_before is None:
            rate = f"{self.bytes_now / 1e6 / self._seconds():.1f} MB/s"
            self._show(entry.rows, f"{entry.rows:,} rows, {self._traces:,} traces, {rate}")
        self._interrupts.check()

    def stop_reason(self) -> str | None:
        """Return "interrupted" once Ctrl-C was pressed."""
        return "interrupted" if self._interrupts.asked else None

    def progressed(self, traces: int, usage: Usage, cost: float | None) -> None:
        """Take note of the answers of a model: traces of this run, cost of the whole job."""
        self.cost = cost
        if self._requests_before is None:
            self._requests_before = usage.requests - 1
        if not self._due():
            return  # called for every answer, so nothing is worked out in vain
        requests = usage.requests - self._requests_before
        cached = usage.cached_tokens / usage.prompt_tokens if usage.prompt_tokens else 0.0
        tokens = usage.prompt_tokens + usage.completion_tokens
        price = "" if cost is None else f", cost {cost:,.2f}"
        self._show(
            traces,
            f"{traces:,} {self._what}, {requests / self._seconds():,.1f} requests/s, "
            f"{tokens / 1e6:,.1f} M tokens ({cached:.0%} cached){price}",
        )

    def _due(self) -> bool:
        """Say whether it is time to show something again."""
        every = _EVERY_S if self._progress is None else _REDRAW_S
        return not self._quiet and time.monotonic() - self._last >= every

    def _seconds(self) -> float:
        return max(1e-9, time.monotonic() - self._began)

    def _show(self, done: int | None, detail: str, *, now: bool = False) -> None:
        """Move the bar, or print a line now and then where there is no terminal."""
        if self._quiet or not (self._due() or (now and self._progress is not None)):
            return
        self._last = time.monotonic()
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=done or 0, total=self._rows, detail=detail)
        else:
            share = f"{done / self._rows:.0%}, " if done and self._rows else ""
            err(f"  {share}{detail}")


def _bar() -> Progress:
    from rich.progress import (
        BarColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[detail]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console(stderr=True),
        transient=True,
    )
