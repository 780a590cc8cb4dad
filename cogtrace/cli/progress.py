"""Progress of a job: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from cogtrace.cli.console import console, err

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from cogtrace.annotator.job import Entry

_EVERY_S: Final = 10.0  # between plain lines


class JobDisplay:
    """Shows how far a job is. Tell it of each commit."""

    def __init__(self, *, quiet: bool = False) -> None:
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
