"""Guidance as a batch job: tasks in, a folder of Parquet parts out, and proof that none is missing.

A job folder holds::

    manifest.json             what was asked, where it came from, how far it got
    ledger.jsonl              one line per committed part; the line is the commit
    quarantine.jsonl          rows that are no task, and tasks that failed, and why
    runs/part-00000.parquet   one row per task: all that happened to it
    pending/                  answers of parts that are not whole yet; gone at the end
"""

from cogtrace.plugins.job.asked import GuidePlan, Turns
from cogtrace.plugins.job.folder import RUNS, GuideFolder
from cogtrace.plugins.job.ledger import Entry
from cogtrace.plugins.job.manifest import Counts, Manifest
from cogtrace.plugins.job.reading import RunReader
from cogtrace.plugins.job.runner import guide_job, run_guide_job
from cogtrace.plugins.job.tasks import GivenTask, task_of_trace
from cogtrace.plugins.job.verify import Report, verify_runs

__all__ = [
    "RUNS",
    "Counts",
    "Entry",
    "GivenTask",
    "GuideFolder",
    "GuidePlan",
    "Manifest",
    "Report",
    "RunReader",
    "Turns",
    "guide_job",
    "run_guide_job",
    "task_of_trace",
    "verify_runs",
]
