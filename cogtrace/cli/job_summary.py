"""What is said of a job when it ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cogtrace.cli.console import err, out_json

if TYPE_CHECKING:
    from cogtrace.annotator.job import JobPlan, Manifest
    from cogtrace.cli.progress import JobDisplay
    from cogtrace.records import Quarantined


def summary(
    plan: JobPlan, manifest: Manifest, seconds: float, display: JobDisplay, as_json: bool
) -> None:
    """Say what was done, what it cost, and what went to quarantine."""
    counts = manifest.counts
    rate = display.bytes_now / 1e6 / seconds if seconds else 0.0
    if as_json:
        from msgspec import to_builtins

        found = {"out": str(plan.folder.path), "mb_per_s": round(rate, 2), "cost": display.cost}
        out_json(to_builtins(manifest) | found)
        return
    err(
        f"{counts.traces:,} traces, {counts.sentences:,} sentences, {counts.spans:,} spans, "
        f"{counts.duplicates:,} duplicates, {counts.quarantined:,} quarantined; "
        f"{display.bytes_now / 1e6:.1f} MB in {seconds:.1f} s ({rate:.1f} MB/s)"
    )
    for line in usage_lines(manifest, display.cost):
        err(line)
    if counts.quarantined or counts.unanswered:
        _quarantine(plan)
    err(f"written to {plan.folder.path}; look at one with: cogtrace show {plan.folder.path}")


def usage_lines(manifest: Manifest, cost: float | None) -> list[str]:
    """Return what a job asked of a model, and what a screen saved, for people."""
    from cogtrace.annotator.screened import savings

    lines = []
    usage = manifest.usage
    if usage is not None:
        share = usage.cached_tokens / usage.prompt_tokens if usage.prompt_tokens else 0.0
        price = "" if cost is None else f"; cost {cost:,.2f}"
        lines.append(
            f"{usage.requests:,} requests, {usage.prompt_tokens:,} prompt tokens "
            f"({share:.0%} cached), {usage.completion_tokens:,} completion tokens{price}"
        )
    found = savings(manifest.tally)
    if found is not None:
        lines.append(found.sentence(manifest.counts.traces * len(manifest.elements)))
    return lines


def cost_of(manifest: Manifest) -> float | None:
    """Return what a job has cost at the prices it was given; None if it was given none."""
    import msgspec

    from cogtrace.jobs.budget import Prices

    given = manifest.options.get("prices")
    if given is None or manifest.usage is None:
        return None
    return msgspec.convert(given, Prices).cost(manifest.usage)


@dataclass(frozen=True, slots=True)
class Losses:
    """What is in a quarantine."""

    reasons: dict[str, int]  # rows by reason, most frequent first
    first: dict[str, str]  # the first row of each reason: where, and what was wrong
    pairs: int  # of trace and element, in traces that are annotated otherwise


def losses(rows: Iterable[Quarantined]) -> Losses:
    """Return what rows of a quarantine hold, read once.

    The reasons of rows with some elements of a trace begin with "answers: ".
    """
    reasons: Counter[str] = Counter()
    first: dict[str, str] = {}
    pairs = 0
    for row in rows:
        reason = row.reason if row.elements is None else f"answers: {row.reason}"
        reasons[reason] += 1
        pairs += len(row.elements or ())
        first.setdefault(reason, f"{row.file}:{row.line}: {row.message}")
    return Losses(dict(reasons.most_common()), first, pairs)


def _quarantine(plan: JobPlan) -> None:
    from cogtrace.annotator.job import JobReader

    lost = losses(JobReader(plan.folder).quarantined())
    for reason, count in lost.reasons.items():
        err(f"  quarantined {count:,} {reason}, first at {lost.first[reason]}")
    err(f"  all of them with their reasons: {plan.folder.quarantine}")
