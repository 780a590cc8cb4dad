"""Section: the structure of reasoning, as walks from element to element."""

from __future__ import annotations

from typing import Final

from cogtrace.corpora.report.labels import count, label
from cogtrace.corpora.report.source import ReportInput
from cogtrace.corpora.structure import Structure, Walk
from cogtrace.corpora.structure.pictures import draw
from cogtrace.sections import Block, Cell, Column, Notice, Picture, Prose, Section, Table

MOST_PICTURES: Final = 24  # walks of all traces come first


def build(report: ReportInput) -> Section:
    """Build the section."""
    found = report.structure
    walks = [walk for walk in found.walks if walk.nodes]
    blocks: list[Block] = [
        Prose(
            "A walk starts at an element that traces begin with and always takes the strongest "
            "step to an element not visited yet: the most frequent one in all traces, the one "
            "that goes most with success in right traces. The next element comes after the one "
            "before it, or lies in it (contains), or is about the same stretch of text "
            "(parallel). A walk is one greedy path; it says nothing of the second best, and an "
            "association with success is no cause."
        ),
        Prose(_counts(found)),
    ]
    if report.structure_note:
        blocks.append(Notice(report.structure_note))
    if not walks:
        text = f"No walk has enough traces to begin with ({found.parameters['min_support']})."
        return Section(blocks=(*blocks, Notice(text)))
    if len(walks) > MOST_PICTURES:
        some = f"the first {MOST_PICTURES} of {count(len(walks))} walks"
        blocks.append(Notice(f"Shown are {some}; cogtrace structure gives them all."))
    return Section(
        blocks=(*blocks, *_pictures(found, walks[:MOST_PICTURES]), _table(report, walks))
    )


def _counts(found: Structure) -> str:
    known = found.parameters
    text = f"Computed from {count(known['traces'])} traces"
    if known["correct_traces"] is not None:
        text += f", {count(known['correct_traces'])} of them right"
    if known["traces_left_out"]:
        text += f"; {count(known['traces_left_out'])} without a grade are left out"
    return f"{text}. Only spans of elements with score {known['min_score']} or more count."


def _pictures(found: Structure, walks: list[Walk]) -> list[Block]:
    rows = {(row.problem_type, row.element): row for row in found.nodes}
    return [Picture(svg=draw(walk, rows), words=_words(walk)) for walk in walks]


def _words(walk: Walk) -> str:
    which = "right traces" if walk.variant == "success" else "all traces"
    steps = "".join(f", {step.relation} {label(step.target)}" for step in walk.edges)
    return f"{label(walk.problem_type)}, walk of {which}: {label(walk.nodes[0])}{steps}"


def _table(report: ReportInput, walks: list[Walk]) -> Table:
    shares = {(row.problem_type, row.element): row for row in report.structure.nodes}
    body: list[tuple[Cell, ...]] = []
    for walk in walks:
        steps = [("start", None), *((step.relation, step.npmi) for step in walk.edges)]
        for place, (element, (how, npmi)) in enumerate(zip(walk.nodes, steps, strict=True)):
            row = shares[walk.problem_type, element]
            which = "right traces" if walk.variant == "success" else "all traces"
            cells = (walk.problem_type, which, place + 1, how, element)
            body.append((*cells, row.traces, row.p_element, npmi, len(walk.ties[place]) > 1))
    return Table(
        name="walks",
        title="The walks, step by step",
        columns=(
            Column("problem_type", "problem type"),
            Column("walk", "walk of"),
            Column("step", "step", "count"),
            Column("relation", "by"),
            Column("element", "element"),
            Column("n", "traces with it (n)", "count"),
            Column("share", "share of traces", "share"),
            Column("npmi", "NPMI of the step", "number"),
            Column("tie", "others equally strong", "flag"),
        ),
        rows=tuple(body),
        folded=True,
    )
