"""`cogtrace status`: how far a job is, what it has cost, and what is asked already."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cogtrace.cli.console import out, out_json
from cogtrace.cli.job_summary import Losses, cost_of, losses, usage_lines
from cogtrace.cli.options import AsJson, JobDir
from cogtrace.printable import printable

if TYPE_CHECKING:
    from cogtrace.annotator.job import JobReader, Manifest
    from cogtrace.annotator.llm.store import GroupCount
    from cogtrace.records import Usage


def status(folder: JobDir, as_json: AsJson = False) -> None:
    """Show how far a job is: rows, units, what they cost, and the answers that are kept.

    Of a job with a language model it lists, per question and fingerprint, how many
    answers are kept. A changed prompt, model, element or parameter has another
    fingerprint; going on with `--update` asks only what has no answer under it.

    Exit codes: 0 finished, 1 damaged, 2 no job there, 3 unfinished.
    """
    import typer

    from cogtrace.annotator.job import JobReader
    from cogtrace.cli.compare_status import experiment_status, is_experiment
    from cogtrace.cli.guide_summary import guided_status, is_guided

    if is_guided(folder):
        if not guided_status(folder, as_json):
            raise typer.Exit(3)
        return
    if is_experiment(folder):
        if not experiment_status(folder, as_json):
            raise typer.Exit(3)
        return
    reader = JobReader(folder)
    kept = _kept(reader)
    manifest = _as_of_now(reader, kept)
    lost = losses(reader.quarantined())
    units = _units(manifest, lost)
    cost = cost_of(manifest)
    if as_json:
        from msgspec import to_builtins

        usage = manifest.usage
        found = {
            # Without the zeros that records leave out, a script would have to know them.
            "usage": usage and {name: getattr(usage, name) for name in usage.__struct_fields__},
            "units": units,
            "cost": cost,
            "quarantine_reasons": lost.reasons,
            "kept_answers": to_builtins(kept.answers),
            "running": kept.running,
        }
        out_json(to_builtins(manifest) | found)
    else:
        for line in _lines(str(folder), manifest, units, cost, lost, kept):
            out(printable(line))
    if manifest.status != "finished":
        raise typer.Exit(3)


@dataclass(frozen=True, slots=True)
class _Kept:
    """The answers kept, as far as they can be looked at."""

    answers: list[GroupCount]
    spent: Usage | None = None  # over all runs; None: no answers, or not to be had
    running: bool = False  # a job holds them
    unseen: str | None = None  # why else they cannot be looked at


def _kept(reader: JobReader) -> _Kept:
    from cogtrace.annotator.llm.store import AnswerStore
    from cogtrace.errors import JobDamaged, JobError, JobLocked

    path = reader.folder.path / AnswerStore.NAME
    try:
        with reader.folder.locked():
            if not path.exists():
                return _Kept([])
            store = AnswerStore(path)
            try:
                return _Kept(store.counts(), store.spent())
            finally:
                store.close()
    except JobLocked:
        return _Kept([], running=True)
    except JobDamaged:
        raise
    except JobError as error:  # a folder that may only be read
        return _Kept([], unseen=str(error))


def _as_of_now(reader: JobReader, kept: _Kept) -> Manifest:
    """Return the manifest as ledger and answers have it; a job writes it only now and then.

    Raises:
        JobDamaged: they contradict each other.
    """
    import msgspec

    from cogtrace.errors import JobDamaged

    written = reader.manifest
    now = written.progressed(written.status, reader.entries)
    if written.status == "finished" and now.counts != written.counts:
        raise JobDamaged(
            f"{reader.folder.path}: finished with {written.counts.rows:,} rows, but the ledger "
            f"has {now.counts.rows:,}; see cogtrace verify"
        )
    # A running job writes what it has spent only at its end, and keeps the answers to itself.
    usage = None if kept.running else kept.spent or written.usage
    # The time of the last change is the job's, not that of looking at it.
    return msgspec.structs.replace(now, updated=written.updated, usage=usage)


def _units(manifest: Manifest, lost: Losses) -> dict[str, int | None]:
    """Return how many pairs of trace and element are done, without answer, and to come."""
    counts = manifest.counts
    each = len(manifest.elements)
    rows = _rows(manifest)
    return {
        "done": counts.traces * each - lost.pairs,
        "failed": lost.pairs,
        "pending": None if rows is None else max(0, rows - counts.rows) * each,
    }


def _rows(manifest: Manifest) -> int | None:
    """Return how many rows the job is to deal with, where that is known."""
    limit: int | None = manifest.options.get("limit")
    if manifest.rows_in_input is None:
        return None
    return min(manifest.rows_in_input, limit or manifest.rows_in_input)


def _lines(
    folder: str,
    manifest: Manifest,
    units: dict[str, Any],
    cost: float | None,
    lost: Losses,
    kept: _Kept,
) -> Iterator[str]:
    counts, annotator, rows = manifest.counts, manifest.annotator, _rows(manifest)
    yield f"{folder}: {_state(manifest, kept)}"
    of = "" if rows is None else f" of {rows:,}"
    share = "" if rows is None else f" ({counts.rows / rows if rows else 1:.0%})"
    yield (
        f"{counts.rows:,}{of} rows{share}: {counts.traces:,} traces, "
        f"{counts.duplicates:,} duplicates, {counts.quarantined:,} quarantined"
    )
    pending = units["pending"]
    yield (
        f"{units['done']:,} units (trace x element) done, {units['failed']:,} without a usable "
        "answer" + ("" if pending is None else f", {pending:,} pending")
    )
    yield f"annotator {annotator.name} {annotator.version}, fingerprint {annotator.fingerprint}"
    if manifest.order.kind == "random" and manifest.status != "finished":
        yield f"what is done is a random sample of the input (seed {manifest.order.seed})"
    yield from usage_lines(manifest, cost)
    for reason, count in lost.reasons.items():
        yield f"  quarantined {count:,} {reason}"
    if kept.running:
        yield "costs and answers kept are shown when no job is running"
    if kept.unseen is not None:
        yield f"the answers kept cannot be looked at: {kept.unseen}"
    yield from _answers(kept.answers)


def _state(manifest: Manifest, kept: _Kept) -> str:
    if kept.running:
        return "running"
    if manifest.status == "finished":
        return "finished"
    if manifest.status == "running" and kept.unseen is not None:
        return "running or killed"
    how = "killed" if manifest.status == "running" else manifest.status
    return f"{how}{f': {manifest.stopped}' if manifest.stopped else ''} (go on with --resume)"


def _answers(groups: list[GroupCount]) -> Iterator[str]:
    if groups:
        yield "answers kept, by question and fingerprint:"
    width = max((len(group.question) for group in groups), default=0)
    for group in groups:
        yield (
            f"  {group.question:{width}}  {group.fingerprint[:12]}  "
            f"{group.answered:>10,} answered  {group.failed:>6,} unusable"
        )
