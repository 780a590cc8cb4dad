"""Running a job, from its first row or from where it stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import msgspec

from cogtrace.annotator.job.folder import JobFolder
from cogtrace.annotator.job.ledger import Entry, Ledger
from cogtrace.annotator.job.manifest import Manifest, read_manifest
from cogtrace.annotator.job.pool import work_through
from cogtrace.annotator.job.work import WrittenPart
from cogtrace.annotator.registry import AnnotatorSpec
from cogtrace.errors import JobError, JobStopped
from cogtrace.jobs.batches import PART_TRACES, Batch, Intake, batches
from cogtrace.jobs.files import (
    append_durably,
    publish,
    temporary,
    truncate,
    write_atomically,
)
from cogtrace.jobs.provenance import InputRef, Order, Status, here, now
from cogtrace.jobs.resuming import explaining, skip_done
from cogtrace.records import Annotator, AnnotatorRef, SourceRow

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
    update: bool = False  # resume under other settings; what they touch is done again
    part_traces: int = PART_TRACES
    order: Order = field(default_factory=Order)  # in which ``rows`` come
    rows_in_input: int | None = None
    options: dict[str, Any] = field(default_factory=dict)


def run_job(plan: JobPlan, rows: Iterable[SourceRow], progress: Progress | None = None) -> Manifest:
    """Annotate ``rows`` into the folder of ``plan``; return the finished manifest.

    ``rows`` are all rows of the input, also when a job is resumed: those already dealt
    with are recognised and skipped. ``progress`` is called after each committed part.

    Raises:
        JobError: the folder is not fit for the job; nothing was touched.
        JobLocked: another process works in the folder.
        JobStopped: the job could not go on (a full disk, a dead worker, a spent budget); it
            can be resumed.
        KeyboardInterrupt: passed on after the manifest says "interrupted".
    """
    folder = plan.folder
    _require_fit(plan)
    entries: list[Entry] = []
    with folder.locked(), explaining(folder, entries):
        _require_fit(plan)
        with closing(plan.spec.build(folder.path)) as annotator:
            return _run(plan, annotator, rows, entries, progress)


def _run(
    plan: JobPlan,
    annotator: Annotator,
    rows: Iterable[SourceRow],
    entries: list[Entry],
    progress: Progress | None,
) -> Manifest:
    folder = plan.folder
    manifest = _open(plan, annotator.ref)
    ledger = Ledger(folder.ledger)
    entries += ledger.read()
    anew = plan.update and folder.is_job()
    intake = Intake()
    remaining = skip_done(folder, rows, plan.limit, intake, [] if anew else entries)
    if anew:
        # From here on the old parts are gone; what was asked for them is kept.
        ledger.clear()
        entries.clear()
    _clean(folder, ledger, entries)
    todo = batches(remaining, intake, len(entries), plan.part_traces)
    state = _State(manifest, annotator, entries)
    try:
        state.now("running").write(folder)
        _keep_taxonomy(plan)
        for entry in _work(plan, state, todo):
            ledger.append(entry)
            entries.append(entry)
            if progress is not None:
                progress(entry)
        done = state.now("finished")
        done.write(folder)
    except BaseException as error:
        _leave(folder, state, error)
        raise
    return done


@dataclass(frozen=True, slots=True)
class _State:
    """A running job: its manifest as it began, and what has become of it."""

    begun: Manifest
    annotator: Annotator
    entries: list[Entry]

    def now(self, status: Status, stopped: str | None = None) -> Manifest:
        """Return the manifest as it stands now."""
        current = self.begun.progressed(status, self.entries)
        return msgspec.structs.replace(current, usage=self.annotator.spent(), stopped=stopped)


def _require_fit(plan: JobPlan) -> None:
    if not (plan.resume and plan.folder.is_job()):
        plan.folder.require_free()


def _open(plan: JobPlan, annotator: AnnotatorRef) -> Manifest:
    """Return the manifest to work under: the one in the folder, or a new one."""
    taxonomy = plan.spec.taxonomy
    manifest = Manifest(
        created=now(),
        updated=now(),
        inputs=plan.inputs,
        taxonomy=taxonomy.ref,
        annotator=annotator,
        elements=taxonomy.element_ids,
        options=plan.options,
        order=plan.order,
        rows_in_input=plan.rows_in_input,
        platform=here(),
    )
    if not plan.folder.is_job():
        return manifest
    found = read_manifest(plan.folder)
    if plan.update:
        return msgspec.structs.replace(manifest, created=found.created)
    for what, before, asked in (
        ("taxonomy", found.taxonomy, manifest.taxonomy),
        ("annotator", found.annotator, manifest.annotator),
        ("order", found.order, manifest.order),
    ):
        if before != asked:
            raise JobError(
                f"{plan.folder.path}: the job was begun with {what} {_show(before)}, not "
                f"{_show(asked)}; resume with the same, choose another --out, or do again "
                "what the change touches with --update"
            )
    if plan.limit is not None and plan.limit <= found.counts.rows:
        return found  # nothing more will be read under this limit
    return msgspec.structs.replace(
        found, options=plan.options, rows_in_input=plan.rows_in_input or found.rows_in_input
    )


def _keep_taxonomy(plan: JobPlan) -> None:
    """Put the taxonomy beside the manifest, unless it is there."""
    if plan.update or not plan.folder.taxonomy.exists():
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


def _work(plan: JobPlan, state: _State, todo: Iterator[Batch]) -> Iterator[Entry]:
    """Yield an entry for each part, its files in place, to be committed by the caller."""
    entries = state.entries
    size = entries[-1].quarantine_bytes if entries else 0
    provenance = {"cogtrace": json.dumps(_provenance(state.begun))}
    folder = plan.folder
    for part in work_through(
        todo, plan.spec, state.annotator, folder.path, provenance, plan.workers
    ):
        if part.batch.rows > (entries[-1].rows if entries else 0):
            entry = _commit(folder, part, size)
            size = entry.quarantine_bytes
            yield entry
        if part.stopped is not None:
            safe = f"{len(entries)} parts are safe. Continue with --resume"
            raise JobStopped(f"{part.stopped}; {safe}", part.stopped)


def _commit(folder: JobFolder, part: WrittenPart, quarantine_bytes: int) -> Entry:
    batch = part.batch
    for ref in part.files:
        path = folder.path / ref.table / ref.name
        publish(temporary(path, part.process), path)
    rejected = [*batch.quarantined, *part.failed]
    lost = sorted([*rejected, *part.unanswered], key=lambda row: (row.file, row.line))
    if lost:
        lines = b"".join(msgspec.json.encode(row) + b"\n" for row in lost)
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
        unanswered=len(part.unanswered),
        tally=part.tally,
    )


def _provenance(manifest: Manifest) -> dict[str, Any]:
    """Return what each file says of its own origin."""
    return {
        "format": manifest.format,
        "cogtrace": manifest.cogtrace,
        "taxonomy": msgspec.to_builtins(manifest.taxonomy),
        "annotator": msgspec.to_builtins(manifest.annotator),
    }


def _leave(folder: JobFolder, state: _State, error: BaseException) -> None:
    """Write down that the job stopped, and why, if the disk allows."""
    try:
        state.now("interrupted", _reason(error)).write(folder)
    except OSError as failure:
        # The manifest still says "running", which readers take for a killed job; the
        # ledger alone decides what counts.
        error.add_note(f"the manifest could not be updated: {failure}")


def _reason(error: BaseException) -> str:
    """Return why a job stopped, for the manifest."""
    if isinstance(error, JobStopped):
        return error.reason
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if isinstance(error, SystemExit):  # what a signal to end becomes
        return "terminated"
    return str(error) or type(error).__name__
