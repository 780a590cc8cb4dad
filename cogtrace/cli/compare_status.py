"""How far an experiment is, and whether it is whole: the same of each of its arms."""

from __future__ import annotations

from pathlib import Path

from cogtrace.cli.console import err, out, out_json
from cogtrace.printable import printable


def is_experiment(folder: Path) -> bool:
    """Say whether a folder is that of an experiment."""
    from cogtrace.jobs.folder import kind_of

    return kind_of(folder) == "experiment"


def experiment_status(path: Path, as_json: bool) -> bool:
    """Show how far each arm is; return whether the experiment is finished.

    Raises:
        JobDamaged: a manifest or ledger cannot be read.
    """
    from msgspec import to_builtins

    from cogtrace.cli.guide_summary import guided_status
    from cogtrace.experiments.folder import ExperimentFolder, read_experiment
    from cogtrace.plugins.job import GuideFolder, RunReader

    folder = ExperimentFolder(path)
    manifest = read_experiment(folder)
    begun = [arm for arm in manifest.arms if GuideFolder(folder.arm(arm.folder)).is_job()]
    if as_json:
        arms = {arm.name: RunReader(folder.arm(arm.folder)) for arm in begun}
        out_json(
            to_builtins(manifest)
            | {
                "jobs": {
                    name: to_builtins(one.manifest.progressed(one.manifest.status, one.entries))
                    for name, one in arms.items()
                }
            }
        )
        return manifest.status == "finished"
    out(printable(f"{path}: experiment, {manifest.status}; {len(manifest.arms)} arms"))
    for arm in begun:
        out("")
        guided_status(folder.arm(arm.folder), as_json=False)
    return manifest.status == "finished"


def experiment_verify(path: Path, as_json: bool) -> int:
    """Prove that each arm is whole; return the exit code."""
    from dataclasses import asdict

    from cogtrace.cli.guide_summary import guided_verify
    from cogtrace.experiments.folder import ExperimentFolder, read_experiment
    from cogtrace.plugins.job import GuideFolder, verify_runs

    folder = ExperimentFolder(path)
    manifest = read_experiment(folder)
    jobs = {arm.name: GuideFolder(folder.arm(arm.folder)) for arm in manifest.arms}
    begun = {name: job for name, job in jobs.items() if job.is_job()}
    if as_json:
        reports = {name: verify_runs(job) for name, job in begun.items()}
        out_json({name: asdict(report) for name, report in reports.items()})
        codes = [
            1 if report.problems else 0 if report.status == "finished" else 3
            for report in reports.values()
        ]
    else:
        codes = [guided_verify(job.path, as_json=False) for job in begun.values()]
    codes += [3] * (len(jobs) - len(begun))
    if 3 in codes and not as_json:
        err("not all arms are finished; go on with: cogtrace compare … --resume")
    return 1 if 1 in codes else max(codes)
