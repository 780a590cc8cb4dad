"""A crosswalk turns labels of another scheme into elements of a taxonomy."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from labelled_rows import schoenfeld_row

from cogtrace.annotator.job import JobFolder, JobReader, verify_job
from cogtrace.corpora.importing import Crosswalk, Imported, ImportPlan, load_crosswalk, run_import
from cogtrace.errors import CogtraceError, InputError, OptionError, UnknownElement
from cogtrace.plugins import extensions
from cogtrace.taxonomy import load_taxonomy

RULES = [
    {"element": "verification", "label": "Verify", "relation": "exact"},
    {"element": "verification", "label": "paragraph Verify", "relation": "close", "note": "wide"},
    {"element": "backtracking", "label": "Explore", "relation": "close"},
    {"element": "forward-chaining", "label": "Implement", "relation": "broader"},
]


@pytest.fixture
def crosswalk(tmp_path: Path) -> Callable[..., Crosswalk]:
    """Return a maker of crosswalks, each written to a file and read back."""

    def make(rules: list[dict[str, Any]], **changes: Any) -> Crosswalk:
        path = tmp_path / "crosswalk.json"
        data = {"scheme": "episodes", "taxonomy": "cognitive", "rules": rules} | changes
        path.write_text(json.dumps(data), encoding="utf-8")
        return load_crosswalk(path)

    return make


@pytest.fixture
def run(tmp_path: Path, write_jsonl: Callable[..., Path]) -> Callable[..., tuple[JobReader, Any]]:
    def start(rules: Crosswalk, rows: list[Any] | None = None) -> tuple[JobReader, Imported]:
        folder = JobFolder(tmp_path / "out")
        done = run_import(
            ImportPlan(
                kind=extensions().reader("schoenfeld", "annotations"),
                paths=(str(write_jsonl(rows or [schoenfeld_row()])),),
                folder=folder,
                taxonomy=load_taxonomy(),
                crosswalk=rules,
            )
        )
        assert verify_job(folder).problems == []
        return JobReader(folder), done

    return start


def test_labels_become_elements_with_the_rules_as_explanation(
    crosswalk: Callable[..., Crosswalk], run: Callable[..., tuple[JobReader, Imported]]
) -> None:
    job, done = run(crosswalk(RULES))

    ((_, annotation),) = job.pairs()
    checking = annotation.of("verification")
    assert checking is not None
    # The sentence and its paragraph are the same words: one span, not two.
    assert [span.quote for span in checking.spans] == ["Check: 9 is 3 squared 🙂."]
    assert (checking.score, checking.explanation) == (2, "Verify (exact); paragraph Verify (close)")
    assert job.manifest.elements == ("verification", "forward-chaining")
    assert job.taxonomy().id == "cognitive"
    assert done.mapping.unseen == ("Explore",)  # backtracking was not looked for, for all we know
    assert done.mapping.unmapped == ("Read", "paragraph General")


def test_only_the_relations_asked_for_count(
    crosswalk: Callable[..., Crosswalk], run: Callable[..., tuple[JobReader, Imported]]
) -> None:
    job, _ = run(crosswalk(RULES).only(["broader"]))

    assert job.manifest.elements == ("forward-chaining",)


def test_a_bad_span_of_a_label_costs_the_elements_read_from_it(
    crosswalk: Callable[..., Crosswalk], run: Callable[..., tuple[JobReader, Imported]]
) -> None:
    row = schoenfeld_row()
    row["sentences"][5]["end"] += 500

    job, _ = run(crosswalk(RULES), [row, schoenfeld_row(8)])

    (first, second) = (annotation for _, annotation in job.pairs())
    assert [e.element for e in first.elements] == ["forward-chaining"]
    assert [e.element for e in second.elements] == ["verification", "forward-chaining"]


@pytest.mark.parametrize(
    ("rules", "changes", "error", "says"),
    [
        (RULES, {"taxonomy": "other"}, OptionError, "leads to the taxonomy 'other'"),
        ([RULES[0] | {"element": "verificaton"}], {}, UnknownElement, "did you mean verification"),
        ([RULES[0] | {"label": "Chek"}], {}, InputError, "no label of its rules is in the input"),
        ([RULES[0] | {"relation": "same"}], {}, InputError, r"\$\.rules\[0\]\.relation"),
        ([{"element": "verification"}], {}, InputError, "'label' is a required property"),
        (RULES, {"more": 1}, InputError, "Additional properties"),
    ],
)
def test_a_crosswalk_that_does_not_fit_is_refused_with_the_place(
    crosswalk: Callable[..., Crosswalk],
    run: Callable[..., tuple[JobReader, Imported]],
    rules: list[dict[str, Any]],
    changes: dict[str, Any],
    error: type[CogtraceError],
    says: str,
) -> None:
    with pytest.raises(error, match=says):
        run(crosswalk(rules, **changes))


@pytest.mark.parametrize("content", ["{", "[]", "\udcff", "[" * 100_000])
def test_a_file_that_is_no_crosswalk_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "crosswalk.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))

    with pytest.raises(InputError, match=r"crosswalk\.json: not "):
        load_crosswalk(path)
    with pytest.raises(InputError, match="cannot be read"):
        load_crosswalk(tmp_path / "none.json")


def test_the_example_of_the_schema_is_a_crosswalk() -> None:
    from cogtrace.schemas import load_schema

    for example in load_schema("crosswalk")["examples"]:
        assert Crosswalk(**example).taxonomy == "cognitive"
