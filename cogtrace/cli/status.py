"""`cogtrace status`: how far a job is, what it has cost, and what is asked already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cogtrace.cli.console import out, out_json
from cogtrace.cli.job_summary import usage_lines
from cogtrace.cli.options import AsJson, JobDir

if TYPE_CHECKING:
    from cogtrace.annotator.job import JobReader, Manifest
    from cogtrace.annotator.llm.store import GroupCount


def status(folder: JobDir, as_json: AsJson = False) -> None:
    """Show how far a job is: rows, units, what they cost, and the answers that are kept.

    Of a job with a language model it lists, per question and fingerprint, how many
    answers are kept. A changed prompt, model, element or parameter has another
    fingerprint; going on with `--update` asks only what has no answer under it.

    Exit codes: 0 finished, 3 unfinished, 2 no job there.
    """
    import typer

    from cogtrace.annotator.job import JobReader

    reader = JobReader(folder)
    manifest = reader.manifest.progressed(reader.manifest.status, reader.entries)
    kept, running = _kept(reader)
    units = _units(manifest)
    if as_json:
        from msgspec import to_builtins

        found = {"units": units, "kept_answers": to_builtins(kept), "running": running}
        out_json(to_builtins(manifest) | found)
    else:
        for line in _lines(str(folder), manifest, units, kept, running):
            out(line)
    if manifest.status != "finished":
        raise typer.Exit(3)


def _units(manifest: Manifest) -> dict[str, int | None]:
    """Return the pairs of trace and element that are done, and those that are to come."""
    counts = manifest.counts
    each = len(manifest.elements)
    rows = manifest.rows_in_input
    return {
        "done": counts.traces * each,
        "pending": None if rows is None else max(0, rows - counts.rows) * each,
    }


def _kept(reader: JobReader) -> tuple[list[GroupCount], bool]:
    """Return what answers are kept, and whether a job is running and holds them."""
    from cogtrace.annotator.llm.store import AnswerStore
    from cogtrace.errors import JobLocked

    path = reader.folder.path / AnswerStore.NAME
    try:
        with reader.folder.locked():
            if not path.exists():
                return [], False
            store = AnswerStore(path)
            try:
                return store.counts(), False
            finally:
                store.close()
    except JobLocked:
        return [], True


def _lines(
    folder: str,
    manifest: Manifest,
    units: dict[str, Any],
    kept: list[GroupCount],
    running: bool,
) -> list[str]:
    counts = manifest.counts
    state: str = "running" if running else manifest.status
    if manifest.status == "running" and not running:
        state = "killed (go on with --resume)"
    of = "" if manifest.rows_in_input is None else f" of {manifest.rows_in_input:,}"
    annotator = manifest.annotator
    lines = [
        f"{folder}: {state}" + (f": {manifest.stopped}" if manifest.stopped else ""),
        f"{counts.rows:,}{of} rows: {counts.traces:,} traces, {counts.duplicates:,} duplicates, "
        f"{counts.quarantined:,} quarantined whole, {counts.unanswered:,} in part",
        f"{units['done']:,} units (trace x element) done"
        + ("" if units["pending"] is None else f", {units['pending']:,} pending"),
        f"annotator {annotator.name} {annotator.version}, fingerprint {annotator.fingerprint}",
    ]
    if manifest.order.kind == "random" and manifest.status != "finished":
        lines.append(f"what is done is a random sample of the input (seed {manifest.order.seed})")
    lines += usage_lines(manifest, None)
    if running:
        lines.append("the answers kept are shown when no job is running")
    if kept:
        width = max(len(group.question) for group in kept)
        lines.append("answers kept, by question and fingerprint:")
        lines += [
            f"  {group.question:{width}}  {group.fingerprint[:12]}  "
            f"{group.answered:>10,} answered  {group.failed:>6,} unusable"
            for group in kept
        ]
    return lines
