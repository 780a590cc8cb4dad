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
    from cogtrace.records import SourceRow

_EVERY_S: Final = 10.0  # between plain lines


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
    """Shows how far a job is. Tell it of each commit."""

    def __init__(self, interrupts: Interrupts, *, quiet: bool = False) -> None:
        self._interrupts = interrupts
        self.bytes_now = 0  # of text annotated in this run
        self._traces = 0
        self._quiet = quiet
        self._last = time.monotonic()
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        if not self._quiet and sys.stderr.isatty():
            self._progress = _bar()
            self._task = self._progress.add_task("annotating", total=None, detail="")
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

    def committed(self, entry: Entry) -> None:
        """Take note of a committed part."""
        self.bytes_now += entry.text_bytes
        self._traces += entry.traces
        seconds = max(1e-9, time.monotonic() - self._began)
        detail = (
            f"{entry.rows:,} rows, {self._traces:,} traces, "
            f"{self.bytes_now / 1e6 / seconds:.1f} MB/s"
        )
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=entry.rows, detail=detail)
        elif not self._quiet and time.monotonic() - self._last >= _EVERY_S:
            self._last = time.monotonic()
            err(f"  {detail}")
        self._interrupts.check()


def _bar() -> Progress:
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[detail]}"),
        TimeElapsedColumn(),
        console=console(stderr=True),
        transient=True,
    )
