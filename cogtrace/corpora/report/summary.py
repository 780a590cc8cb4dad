"""Section: the report in words, for who has never seen the tool."""

from __future__ import annotations

from collections.abc import Iterator

from cogtrace.corpora.report.findings import findings
from cogtrace.corpora.report.labels import SMALL, count, label, listed, number, percent, plural
from cogtrace.corpora.report.provenance import describe, model_of
from cogtrace.corpora.report.source import Job, ReportInput
from cogtrace.sections import Facts, Points, Prose, Section


def build(report: ReportInput) -> Section:
    """Build the section."""
    return Section(
        blocks=(
            Prose(_what(report)),
            Prose(" ".join(_by_what(report))),
            Facts(tuple(_facts(report))),
            Points("What stands out", findings(report)),
            Points("Keep in mind", tuple(("", caveat) for caveat in _caveats(report))),
        )
    )


def _what(report: ReportInput) -> str:
    everything = report.everything
    questions = everything.clusters - everything.without_question
    if not questions:
        about = "whose questions are not known"
    else:
        about = f"answering {plural(questions, 'question')}"
        if everything.without_question:
            about += f" ({count(everything.without_question)} have no question)"
    names = listed(
        dict.fromkeys(label(job.taxonomy.name) for job in report.jobs if job.taxonomy is not None)
    )
    taxonomy = f" (“{names}”)" if names else ""
    return (
        f"This report is about {plural(everything.n, 'reasoning trace')} {about}. A trace is the "
        "text in which a model, or a person thinking aloud, works towards an answer. Each was "
        f"searched for signs of {plural(len(report.elements), 'element')} of thinking"
        f"{taxonomy}, such as {_examples(report)}."
    )


def _examples(report: ReportInput) -> str:
    """Return a few elements by name, from different dimensions where there are some."""
    of: dict[str, str] = {}
    for element in report.elements:
        of.setdefault(report.dimensions.get(element, element), report.names[element])
    return listed(list(of.values())[:4])


def _by_what(report: ReportInput) -> Iterator[str]:
    """Yield a sentence per annotator."""
    kinds: dict[tuple[str, str | None], list[Job]] = {}
    for job in report.jobs:
        kinds.setdefault((job.manifest.annotator.name, model_of(job)), []).append(job)
    for (name, model), jobs in kinds.items():
        where = "" if len(kinds) == 1 else f" of {listed(label(job.folder) for job in jobs)}"
        asked = f" ({label(model)})" if model else ""
        yield f"The annotator{where}, “{label(name)}”{asked}, {describe(name)}."


def _facts(report: ReportInput) -> Iterator[tuple[str, str]]:
    everything = report.everything
    yield "traces", count(everything.n)
    questions = everything.clusters - everything.without_question
    yield "questions", count(questions) if questions else "unknown"
    yield "elements", count(len(report.elements))
    if everything.graded:
        yield (
            f"right, of {plural(everything.graded, 'graded trace')}",
            percent(everything.correct / everything.graded),
        )
    else:
        yield "graded as right or wrong", "none"
    yield "characters in the median trace", number(everything.length_median)


def _caveats(report: ReportInput) -> Iterator[str]:
    yield (
        "Words are not the process behind them. A trace that shows an element says so in its "
        "text; that is no proof that the model or the person thought so, nor that it helped."
    )
    names = {job.manifest.annotator.name for job in report.jobs}
    if "cue" in names:
        yield (
            "The cue annotator goes by wording. Its annotations are indications: it misses what "
            "is said in other words and is fooled by words that mean something else. Compare its "
            "figures with each other rather than taking them as true shares."
        )
    if names & {"merged", "model", "encoder"}:
        yield (
            "A trained model did the annotating, by wording and what stands around it. Its "
            "annotations are indications: texts unlike those it learnt from fool it. Compare its "
            "figures with each other rather than taking them as true shares."
        )
    if names & {"llm", "hybrid"}:
        yield (
            "A language model did the annotating. It errs, and not at random: check a sample by "
            "reading before relying on a figure."
        )
    yield (
        "Long traces show more of everything. Groups that differ in length differ in nearly all "
        "elements; only figures at equal length make up for that."
    )
    yield "Association is not cause, of success or of anything else."
    yield (
        "Intervals are at 95% and take all answers to a question as one observation. "
        f"{SMALL} marks figures that rest on fewer than {report.min_n} traces."
    )
    yield from report.statistics.notes
