"""Running a worker over batches, here or in several processes, results in order."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Final

from cogtrace.annotator.job.work import Worker, WrittenPart
from cogtrace.annotator.registry import AnnotatorSpec
from cogtrace.errors import JobStopped
from cogtrace.jobs.batches import Batch
from cogtrace.records import Annotator

_PARTS_AT_ONCE: Final = 2
# Objects made before Python looks for cycles among them. With thousands of requests in
# flight, all of them alive, looking every 700 objects would take a fifth of the time.
_COLLECT_EVERY: Final = 50_000

_worker: Worker | None = None


def work_through(
    batches: Iterable[Batch],
    spec: AnnotatorSpec,
    annotator: Annotator,
    folder: Path,
    provenance: dict[str, str],
    workers: int,
) -> Iterator[WrittenPart]:
    """Yield the written part of each batch, in order.

    ``annotator`` is what ``spec`` built; worker processes build their own. At most
    ``workers + 1`` batches are in memory, however long the input is.

    Raises:
        JobStopped: a worker process died.
    """
    if spec.kind.needs_engine:
        yield from _with_engine(batches, Worker(annotator, folder, provenance), annotator)
    elif workers <= 1:
        yield from map(Worker(annotator, folder, provenance), batches)
    else:
        yield from _in_processes(batches, spec, folder, provenance, workers)


def _with_engine(
    batches: Iterable[Batch], worker: Worker, annotator: Annotator
) -> Iterator[WrittenPart]:
    """Work with one engine on two parts at a time, so that it never runs dry at a part's end."""
    executor = ThreadPoolExecutor(max_workers=_PARTS_AT_ONCE)
    before = gc.get_threshold()
    gc.set_threshold(_COLLECT_EVERY, *before[1:])
    try:
        parts = _in_order(batches, lambda batch: executor.submit(worker, batch), _PARTS_AT_ONCE)
        for part in parts:
            if part.stopped is not None:
                # The other part stops as well; the annotator keeps what it is still told.
                executor.shutdown(wait=True, cancel_futures=True)
            yield part
    except BaseException:
        annotator.close()  # ends what is in flight; nothing would take its results
        raise
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
        gc.set_threshold(*before)


def _in_processes(
    batches: Iterable[Batch],
    spec: AnnotatorSpec,
    folder: Path,
    provenance: dict[str, str],
    workers: int,
) -> Iterator[WrittenPart]:
    executor = ProcessPoolExecutor(
        max_workers=workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start,
        initargs=(spec, folder, provenance),
    )
    try:
        yield from _in_order(batches, lambda batch: executor.submit(_work, batch), workers + 1)
    except BrokenProcessPool as error:
        raise JobStopped(
            "a worker process died (out of memory?); continue with --resume, "
            "with fewer --workers if it was memory"
        ) from error
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _in_order(
    batches: Iterable[Batch], submit: Callable[[Batch], Future[WrittenPart]], limit: int
) -> Iterator[WrittenPart]:
    pending: deque[Future[WrittenPart]] = deque()
    for batch in batches:
        pending.append(submit(batch))
        if len(pending) >= limit:
            yield pending.popleft().result()
    while pending:
        yield pending.popleft().result()


def _start(spec: AnnotatorSpec, folder: Path, provenance: dict[str, str]) -> None:
    global _worker
    # Ctrl-C reaches every process of the terminal; only the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    _worker = Worker(spec.build(folder), folder, provenance)


def _die_with_parent() -> None:
    """End this process when its parent is gone: nobody would ever take its results."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(batch: Batch) -> WrittenPart:
    if _worker is None:
        raise RuntimeError("the worker process was not started by its pool")
    return _worker(batch)
