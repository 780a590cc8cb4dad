"""Running a job, from its first row or from where it stopped."""

from __future__ import annotations

import errno
import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from cogtrace.annotator.job.batches import PART_TRACES, Batch, Intake, batches
from cogtrace.annotator.job.folder import (
    JobFolder,
    append_durably,
    publish,
    temporary,
    write_atomically,
)
from cogtrace.annotator.job.ledger import Entry, Ledger, truncate
from cogtrace.annotator.job.manifest import InputRef, Manifest, here, now, read_manifest
from cogtrace.annotator.job.pool import work_through
from cogtrace.annotator.job.work import WrittenPart
from cogtrace.annotator.registry import AnnotatorSpec
from cogtrace.errors import JobError, JobStopped
from cogtrace.records import SourceRow

Progress = Callable[[Entry], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlan:
    """What a job is to do."""

    folder: JobFolder
    spec: AnnotatorSpec
    inputs: tuple[InputRef, ...] = ()
    workers: int = 1
    limit: int | None = None  # rows to read, from the first one of the input
    resume: bool = False
    part_traces: int = PART_TRACES
    options: dict[str, Any] = field(default_factory=dict)


def run_job(plan: JobPlan, rows: Iterable[SourceRow], progress: Progress | None = None) -> Manifest:
    """Annotate ``rows`` into the folder of ``plan``; return the finished manifest.

    ``rows`` are all rows of the input, also when a job is resumed: those already dealt
    with are recognised and skipped. ``progress`` is called after each committed part.

    Raises:
        JobError: the folder is not fit for the job; nothing was touched.
        JobLocked: another process works in the folder.
        JobStopped: the job could not go on (a full disk, a dead worker); it can be resumed.
        KeyboardInterrupt: passed on after the manifest says "interrupted".
    """
    folder = plan.folder
    _require_fit(plan)
    entries: list[Entry] = []
    with folder.locked(), _explaining(folder, entries):
        _require_fit(plan)
        manifest = _open(plan)
        ledger = Ledger(folder.ledger)
        entries += ledger.read()
        intake = Intake()
        remaining = _skip_done(plan, rows, intake, entries)
        _clean(folder, ledger, entries)
        todo = batches(remaining, intake, len(entries), plan.part_traces)
        try:
            manifest.progressed("running", entries).write(folder)
            _keep_taxonomy(plan)
            for entry in _work(plan, manifest, todo, entries):
                ledger.append(entry)
                entries.append(entry)
                if progress is not None:
                    progress(entry)
            manifest = manifest.progressed("finished", entries)
            manifest.write(folder)
        except BaseException as error:
            _leave(folder, manifest, entries, error)
            raise
    return manifest


def _require_fit(plan: JobPlan) -> None:
    if not (plan.resume and plan.folder.is_job()):
        plan.folder.require_free()


@contextmanager
def _explaining(folder: JobFolder, entries: list[Entry]) -> Iterator[None]:
    """Turn a write that failed into an error that says what is safe and what to do."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        what = "no space left on the disk" if full else f"cannot write ({error.strerror or error})"
        raise JobStopped(
            f"{folder.path}: {what}; {len(entries)} parts are safe. Make room, then continue "
            "with --resume"
        ) from error


def _open(plan: JobPlan) -> Manifest:
    """Return the manifest to work under: the one in the folder, or a new one."""
    annotator = plan.spec.build()
    taxonomy = plan.spec.taxonomy
    manifest = Manifest(
        created=now(),
        updated=now(),
        inputs=plan.inputs,
        taxonomy=taxonomy.ref,
        annotator=annotator.ref,
        elements=taxonomy.element_ids,
        options=plan.options,
        platform=here(),
    )
    if not plan.folder.is_job():
        return manifest
    found = read_manifest(plan.folder)
    for what, before, asked in (
        ("taxonomy", found.taxonomy, manifest.taxonomy),
        ("annotator", found.annotator, manifest.annotator),
    ):
        if before != asked:
            raise JobError(
                f"{plan.folder.path}: the job was begun with {what} {_show(before)}, not "
                f"{_show(asked)}; resume with the same, or choose another --out"
            )
    if plan.limit is not None and plan.limit <= found.counts.rows:
        return found  # nothing more will be read under this limit
    return msgspec.structs.replace(found, options=plan.options)


def _keep_taxonomy(plan: JobPlan) -> None:
    """Put the taxonomy beside the manifest, unless it is there."""
    if not plan.folder.taxonomy.exists():
        content = msgspec.json.format(msgspec.json.encode(plan.spec.taxonomy), indent=1)
        write_atomically(plan.folder.taxonomy, content + b"\n")


def _show(ref: msgspec.Struct) -> str:
    return " ".join(str(value)[:16] for value in msgspec.structs.astuple(ref))


def _clean(folder: JobFolder, ledger: Ledger, entries: list[Entry]) -> None:
    """Remove what a crash left behind beyond the last committed part."""
    ledger.trim()
    committed = {folder.path / ref.table / ref.name for e in entries for ref in e.files}
    folder.remove_uncommitted(committed)
    truncate(folder.quarantine, entries[-1].quarantine_bytes if entries else 0)


def _skip_done(
    plan: JobPlan, rows: Iterable[SourceRow], intake: Intake, done: list[Entry]
) -> Iterator[SourceRow]:
    """Take in the rows that are done; return the others. Nothing is written yet."""
    remaining = itertools.islice(iter(rows), plan.limit)
    last = done[-1].rows if done else 0
    for row in itertools.islice(remaining, last):
        intake.take(row)
    short = plan.limit is not None and intake.rows == plan.limit
    if (
        done
        and not (short and intake.rows < last)
        and (intake.rows != last or intake.rows_sha256() != done[-1].rows_sha256)
    ):
        raise JobError(
            f"{plan.folder.path}: the input is not the one the job was begun with (its first "
            f"{last} rows differ); nothing was touched. Give the same input in the same order, "
            "or choose another --out"
        )
    return remaining


def _work(
    plan: JobPlan, manifest: Manifest, todo: Iterator[Batch], done: list[Entry]
) -> Iterator[Entry]:
    """Yield an entry for each part, its files in place, to be committed by the caller."""
    size = done[-1].quarantine_bytes if done else 0
    provenance = {"cogtrace": json.dumps(_provenance(manifest))}
    for part in work_through(todo, plan.spec, plan.folder.path, provenance, plan.workers):
        entry = _commit(plan.folder, part, size)
        size = entry.quarantine_bytes
        yield entry


def _commit(folder: JobFolder, part: WrittenPart, quarantine_bytes: int) -> Entry:
    batch = part.batch
    for ref in part.files:
        path = folder.path / ref.table / ref.name
        publish(temporary(path, part.process), path)
    rejected = sorted([*batch.quarantined, *part.failed], key=lambda row: (row.file, row.line))
    if rejected:
        lines = b"".join(msgspec.json.encode(row) + b"\n" for row in rejected)
        quarantine_bytes = append_durably(folder.quarantine, lines)
    return Entry(
        part=batch.part,
        rows=batch.rows,
        rows_sha256=batch.rows_sha256,
        quarantine_bytes=quarantine_bytes,
        files=part.files,
        traces=part.traces,
        duplicates=batch.duplicates,
        quarantined=len(rejected),
        sentences=part.sentences,
        spans=part.spans,
        text_bytes=part.text_bytes,
        seconds=part.seconds,
    )


def _provenance(manifest: Manifest) -> dict[str, Any]:
    """Return what each file says of its own origin."""
    return {
        "format": manifest.format,
        "cogtrace": manifest.cogtrace,
        "taxonomy": msgspec.to_builtins(manifest.taxonomy),
        "annotator": msgspec.to_builtins(manifest.annotator),
    }


def _leave(
    folder: JobFolder, manifest: Manifest, entries: list[Entry], error: BaseException
) -> None:
    """Write down that the job stopped, if the disk allows."""
    try:
        manifest.progressed("interrupted", entries).write(folder)
    except OSError as failure:
        # The manifest still says "running", which readers take for a killed job; the
        # ledger alone decides what counts.
        error.add_note(f"the manifest could not be updated: {failure}")
