"""A guidance job in a few lines, and how far one is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cogtrace.cli.console import err, out, out_json
from cogtrace.printable import printable

if TYPE_CHECKING:
    from cogtrace.plugins.job import GuidePlan, Manifest


def is_guided(folder: Path) -> bool:
    """Say whether a folder is that of a guidance job."""
    from cogtrace.jobs.folder import kind_of

    return kind_of(folder) == "guidance"


def lines(manifest: Manifest, cost: float | None) -> Iterator[str]:
    """Yield what came of the tasks and what it cost."""
    counts, usage = manifest.counts, manifest.usage
    yield (
        f"{counts.runs:,} tasks: {counts.answered:,} answered, {counts.unanswered:,} without an "
        f"answer, {counts.clarification:,} asked back, {counts.failed:,} failed; "
        f"{counts.duplicates:,} duplicates, {counts.quarantined:,} rows that are no task"
    )
    if counts.graded:
        share = counts.correct / counts.graded
        yield f"{counts.correct:,} of {counts.graded:,} answers right ({share:.1%})"
    if counts.cut_off:
        yield (
            f"{counts.cut_off:,} candidates were cut off and count only if they state an answer "
            f"before; --max-tokens was {manifest.sampling.max_tokens:,}"
        )
    cached = usage.cached_tokens / usage.prompt_tokens if usage.prompt_tokens else 0.0
    price = "" if cost is None else f"; cost {cost:,.2f}"
    yield (
        f"{usage.requests:,} requests, {usage.prompt_tokens:,} prompt tokens ({cached:.0%} "
        f"cached), {usage.completion_tokens:,} completion tokens{price}"
    )


def summary(
    job: GuidePlan, manifest: Manifest, seconds: float, cost: float | None, as_json: bool
) -> None:
    """Say what came of the tasks, what it cost, and what failed."""
    if as_json:
        from msgspec import to_builtins

        out_json(to_builtins(manifest) | {"out": str(job.folder.path), "cost": cost})
        return
    for line in lines(manifest, cost):
        err(line)
    err(f"{seconds:.1f} s; written to {job.folder.path}")
    if manifest.counts.clarification:
        err(
            "  the questions back are in the records (clarification); answer them in a file by "
            f"task id, and run again with --answers FILE --reuse {job.folder.path} --out OTHER"
        )
    if manifest.counts.failed or manifest.counts.quarantined:
        from cogtrace.cli.job_summary import losses
        from cogtrace.plugins.job import RunReader

        lost = losses(RunReader(job.folder).quarantined())
        for reason, count in lost.reasons.items():
            err(f"  {count:,} {reason}, first at {lost.first[reason]}")
        err(f"  all of them with their reasons: {job.folder.quarantine}")


def guided_status(folder: Path, as_json: bool) -> bool:
    """Show how far a guidance job is; return whether it is finished.

    Raises:
        JobDamaged: manifest or ledger cannot be read.
    """
    import msgspec

    from cogtrace.cli.job_summary import losses
    from cogtrace.plugins.job import RunReader

    reader = RunReader(folder)
    written = reader.manifest
    now = msgspec.structs.replace(
        written.progressed(written.status, reader.entries), updated=written.updated
    )
    # The manifest also has what unfinished parts have cost, as of when it was written.
    if written.usage.requests > now.usage.requests:
        now = msgspec.structs.replace(now, usage=written.usage)
    cost = _cost(now)
    lost = losses(reader.quarantined())
    if as_json:
        found: dict[str, Any] = {"cost": cost, "quarantine_reasons": lost.reasons}
        out_json(msgspec.to_builtins(now) | found)
        return now.status == "finished"
    how = {"running": "running or killed", "interrupted": "interrupted"}.get(now.status, now.status)
    why = f": {now.stopped}" if now.stopped else ""
    out(printable(f"{folder}: {how}{why}"))
    of = "" if now.rows_in_input is None else f" of {now.rows_in_input:,}"
    out(f"{now.counts.rows:,}{of} rows in {now.counts.parts:,} parts")
    out(
        printable(
            f"plan {','.join(s.plugin for s in now.plan) or 'no plugins'}; model {now.model.model}"
        )
    )
    for line in lines(now, cost):
        out(line)
    for reason, count in lost.reasons.items():
        out(printable(f"  quarantined {count:,} {reason}"))
    return now.status == "finished"


def guided_verify(folder: Path, as_json: bool) -> int:
    """Prove that a guidance job is whole; return the exit code."""
    from dataclasses import asdict

    from cogtrace.plugins.job import GuideFolder, verify_runs

    report = verify_runs(GuideFolder(folder))
    if as_json:
        out_json(asdict(report))
    else:
        out(
            f"{folder}: {report.status}; {report.rows:,} rows read: {report.runs:,} tasks "
            f"({report.failed:,} failed, {report.calls:,} calls), {report.duplicates:,} "
            f"duplicates, {report.quarantined:,} rows that are no task"
        )
        for problem in report.problems:
            err(f"  problem: {problem}")
        if report.uncommitted:
            err(f"  {len(report.uncommitted)} uncommitted parts; --resume removes them")
    if report.problems:
        return 1
    if report.status != "finished":
        err("sound so far, but not finished; go on with: cogtrace guide … --resume")
        return 3
    if not as_json:
        out("sound: nothing lost, nothing doubled")
    return 0


def guided_export(folder: Path, form: str) -> Iterator[str]:
    """Yield the records of a guidance job, one a line.

    Raises:
        OptionError: another form was asked for.
    """
    import msgspec

    from cogtrace.errors import OptionError
    from cogtrace.plugins.job import RunReader

    if form != "jsonl":
        raise OptionError(f"--to {form}: a guidance job is exported as jsonl only")
    for run in RunReader(folder).runs():
        yield msgspec.json.encode(run).decode() + "\n"


def _cost(manifest: Manifest) -> float | None:
    import msgspec

    from cogtrace.jobs.budget import Prices

    given = manifest.options.get("prices")
    return None if given is None else msgspec.convert(given, Prices).cost(manifest.usage)
