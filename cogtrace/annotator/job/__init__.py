"""Batch jobs: traces in, a folder of Parquet parts out, and proof that none is missing.

A job folder holds::

    manifest.json               what was asked, where it came from, how far it got
    taxonomy.json               the taxonomy used, whole
    ledger.jsonl                one line per committed part; the line is the commit
    quarantine.jsonl            rows that could not be annotated, and why
    traces/part-00000.parquet        the traces of a part, one row each
    annotations/part-00000.parquet   one row per trace and element

Parts are written under temporary names, synced and renamed, and count only once their
ledger line is on disk. What a killed job leaves behind beyond its last ledger line is
removed when the job is resumed.
"""

from cogtrace.annotator.job.folder import JobFolder
from cogtrace.annotator.job.ledger import Entry, Ledger
from cogtrace.annotator.job.manifest import Counts, Manifest
from cogtrace.annotator.job.reading import JobReader
from cogtrace.annotator.job.runner import JobPlan, Progress, run_job
from cogtrace.annotator.job.verify import Report, verify_job
from cogtrace.jobs.provenance import InputRef, Order

__all__ = [
    "Counts",
    "Entry",
    "InputRef",
    "JobFolder",
    "JobPlan",
    "JobReader",
    "Ledger",
    "Manifest",
    "Order",
    "Progress",
    "Report",
    "run_job",
    "verify_job",
]
