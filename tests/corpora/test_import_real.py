"""Real labels, where they are at hand, come in whole."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cogtrace.annotator.job import JobFolder, JobReader, verify_job
from cogtrace.corpora.importing import Crosswalk, ImportPlan, run_import
from cogtrace.corpora.importing.crosswalk import Rule
from cogtrace.plugins import extensions
from cogtrace.taxonomy import load_taxonomy

FILES = {
    "schoenfeld": "schoenfeld_dev.jsonl.gz",
    "reasoningflow": "reasoningflow_gold_dev.jsonl.gz",
}


def _import(form: str, data: Path, out: Path, crosswalk: Crosswalk | None = None) -> JobReader:
    folder = JobFolder(out)
    kind = extensions().reader(form, "annotations")
    path = str(data / FILES[form])
    taxonomy = load_taxonomy()
    run_import(
        ImportPlan(kind=kind, paths=(path,), folder=folder, taxonomy=taxonomy, crosswalk=crosswalk)
    )
    report = verify_job(folder)
    assert (report.problems, report.status) == ([], "finished")
    assert (report.quarantined, report.unanswered) == (0, 0)
    return JobReader(folder)


def _rows(form: str, data: Path) -> list[dict[str, Any]]:
    with gzip.open(data / FILES[form], "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _labelled(job: JobReader) -> Counter[tuple[str, str, int, int]]:
    names = {e.id: e.name for e in job.taxonomy().elements}
    return Counter(
        (trace.text, names[entry.element], span.start, span.end)
        for trace, annotation in job.pairs()
        for entry in annotation.elements
        for span in entry.spans
        if not names[entry.element].startswith("paragraph ")
    )


def test_every_sentence_label_comes_in_at_its_place(dev_data: Path, tmp_path: Path) -> None:
    expected = Counter(
        (row["response"], s["sentence_label"], s["start"], s["end"])
        for row in _rows("schoenfeld", dev_data)
        for s in row["sentences"]
        if not s["boundary"] and not (s["fragment"] and s["sentence_label"] == "Monitor")
    )

    found = _labelled(_import("schoenfeld", dev_data, tmp_path / "out"))

    assert found == expected
    assert sum(found.values()) > 1_000


def test_every_node_and_edge_label_comes_in_at_its_place(dev_data: Path, tmp_path: Path) -> None:
    expected = set()
    for row in _rows("reasoningflow", dev_data):
        nodes = {n["id"]: n for n in row["nodes"] if n["start"] is not None}
        marks = [(n["label"], n) for n in nodes.values()]
        marks += [(e["label"], nodes[e["dest"]]) for e in row["edges"] if e["dest"] in nodes]
        expected |= {(row["response"], label, n["start"], n["end"]) for label, n in marks}

    found = _labelled(_import("reasoningflow", dev_data, tmp_path / "out"))

    assert set(found) == expected
    assert set(found.values()) == {1}


@pytest.mark.parametrize("form", ["schoenfeld", "reasoningflow"])
def test_a_crosswalk_gives_each_element_the_text_of_its_labels(
    dev_data: Path, tmp_path: Path, form: str
) -> None:
    rules = []
    for found in json.loads((dev_data / "crosswalk.json").read_text("utf-8"))["crosswalk"]:
        match = re.fullmatch(
            r"(?:sentence|node) (\w+)|(paragraph \w+)|dest of ([\w:|-]+)", found["rule"]
        )
        if found["dataset"] == form and match:
            relation = found["relation"].split()[0]
            rules += [
                Rule(element=found["element"], label=label, relation=relation)
                for label in (match[1] or match[2] or match[3]).split("|")
            ]
    crosswalk = Crosswalk(scheme=form, taxonomy="cognitive", rules=tuple(rules))
    crosswalk = crosswalk.only(["exact", "close"])

    own = _import(form, dev_data, tmp_path / "own")
    mapped = _import(form, dev_data, tmp_path / "mapped", crosswalk)

    names = {e.id: e.name for e in own.taxonomy().elements}
    taxonomy = load_taxonomy()
    checked = 0
    for (_, labels), (_, elements) in zip(own.pairs(), mapped.pairs(), strict=True):
        for entry in elements.elements:
            wanted = {
                rule.label
                for rule in crosswalk.rules
                if taxonomy.element(rule.element).id == entry.element
            }
            covered = {
                offset
                for label in labels.elements
                if names[label.element] in wanted
                for span in label.spans
                for offset in range(span.start, span.end)
            }
            assert covered == {o for s in entry.spans for o in range(s.start, s.end)}
            checked += bool(covered)
    assert checked > 10
