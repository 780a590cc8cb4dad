"""`cogtrace verify`: prove that a job is whole."""

from __future__ import annotations

from dataclasses import asdict

import typer

from cogtrace.cli.console import err, out, out_json
from cogtrace.cli.options import AsJson, JobDir


def verify(folder: JobDir, as_json: AsJson = False) -> None:
    """Prove that every row is done, quarantined or pending, and none twice.

    Checks each part against the ledger (size, hash, rows, columns), each trace against
    its hash, each span against its quote, and that no trace or row is there twice.

    Exit codes: 0 sound and finished, 1 problems found, 3 sound but unfinished (resume it),
    2 no job there.
    """
    from cogtrace.annotator.job import JobFolder, verify_job
    from cogtrace.cli.compare_status import experiment_verify, is_experiment
    from cogtrace.cli.guide_summary import guided_verify, is_guided

    if is_guided(folder):
        if code := guided_verify(folder, as_json):
            raise typer.Exit(code)
        return
    if is_experiment(folder):
        if code := experiment_verify(folder, as_json):
            raise typer.Exit(code)
        return
    report = verify_job(JobFolder(folder))
    if as_json:
        out_json(asdict(report))
    else:
        out(
            f"{folder}: {report.status}; {report.rows:,} rows read: {report.traces:,} traces "
            f"({report.units:,} trace-element units, {report.spans:,} spans), "
            f"{report.duplicates:,} duplicates, {report.quarantined:,} quarantined"
        )
        for problem in report.problems:
            err(f"  problem: {problem}")
        if report.uncommitted:
            err(f"  {len(report.uncommitted)} uncommitted parts; --resume removes them")
    if report.problems:
        raise typer.Exit(1)
    if report.status != "finished":
        err("sound so far, but not finished; go on with: cogtrace annotate … --resume")
        raise typer.Exit(3)
    if not as_json:
        out("sound: nothing lost, nothing doubled")
