"""`cogtrace evaluate` and the corrected shares of `cogtrace stats`, as a user runs them."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
from invoked import here
from spacy.tokens import DocBin

from cogtrace.annotator.job import JobReader
from cogtrace.errors import CogtraceError
from cogtrace.schemas import problems

Run = Callable[..., subprocess.CompletedProcess[str]]

# Enough of the 28 for what is asked here; each costs time.
_ELEMENTS = ("verification", "evaluation", "backtracking", "self-awareness", "forward-chaining")
_HOSTILE = "evil\x1b[31m\u202e|<b>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("evaluate")


@pytest.fixture(scope="module")
def job(folder: Path) -> Path:
    """Return an annotated sample corpus."""
    out = folder / "out"
    here("annotate", "@sample", "--out", out)
    return out


@pytest.fixture(scope="module")
def gold(folder: Path, job: Path) -> Path:
    """Return a gold of two people: one agrees with the annotator, one sees two elements less."""
    path = folder / "gold.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["trace_id", "annotator", "element", "score", "start", "end"])
        for number, (trace, annotation) in enumerate(JobReader(job).pairs()):
            for entry in annotation.elements:
                if entry.element not in _ELEMENTS:
                    continue
                for who in ("anna", _HOSTILE):
                    lost = who != "anna" and number % 3 == 0 and entry.element == "verification"
                    spans: list[list[object]] = (
                        [] if lost else [[span.start, span.end] for span in entry.spans]
                    )
                    head = [trace.trace_id, who, entry.element, 0 if lost else entry.score]
                    table.writerows([*head, *span] for span in spans or [["", ""]])
    return path


@pytest.fixture(scope="module")
def evaluation(folder: Path, job: Path, gold: Path) -> Path:
    path = folder / "evaluation.json"
    assert here("evaluate", job, "--gold", gold, "--bootstrap", 50, "--json", path).returncode == 0
    return path


def test_people_read_a_table_with_guesses_intervals_and_disagreements(
    cogtrace: Run, job: Path, gold: Path
) -> None:
    done = cogtrace("evaluate", job, "--gold", gold, "--bootstrap", 50, "--disagreements", 3)

    assert (done.returncode, done.stderr) == (0, "")
    (row,) = (line for line in done.stdout.splitlines() if line.startswith("verification "))
    assert "[" in row
    assert "(" in row
    assert "gold, mutual (mean)" in done.stdout
    assert "a guess from length alone" in done.stdout
    assert "most telling disagreements" in done.stdout
    assert "confidence of" in done.stdout
    assert not set("\x1b\u202e") & set(done.stdout)
    assert max(map(len, done.stdout.splitlines())) < 200


def test_json_and_markdown_are_written_and_json_is_the_same_on_standard_output(
    job: Path, gold: Path, tmp_path: Path
) -> None:
    options = ["--gold", gold, "--bootstrap", 20, "--gold-is-random-sample", "--by", "model"]

    printed = here("evaluate", job, *options, "--json", "-")
    written = here(
        *("evaluate", job, *options, "--json", tmp_path / "deep" / "e.json"),
        *("--markdown", tmp_path / "e.md"),
    )

    assert (printed.returncode, printed.stderr, written.returncode) == (0, "", 0)
    assert written.stdout == ""
    data = json.loads(printed.stdout)
    assert data == json.loads((tmp_path / "deep" / "e.json").read_text(encoding="utf-8"))
    assert problems("evaluation", data) == []
    assert data["gold"]["annotators"] == ["anna", _HOSTILE]
    assert data["gold"]["random_sample"] is True
    assert len(data["comparisons"]) == 3
    markdown = (tmp_path / "e.md").read_text(encoding="utf-8")
    assert "| verification |" in markdown
    assert "\\<b\\>" in markdown
    assert not set("\x1b\u202e") & set(markdown + printed.stdout)


def test_statistics_are_corrected_by_the_evaluation(job: Path, evaluation: Path) -> None:
    options = ["stats", job, "--evaluation", evaluation, "--bootstrap", 50]
    shown = here(*options)
    data = json.loads(here(*options, "--json", "-").stdout)

    assert (shown.returncode, shown.stderr) == (0, "")
    assert "corrected for the annotator's errors" in shown.stdout
    assert "Rogan-Gladen" in shown.stdout
    (row,) = (row for row in data["corrected"] if row["element"] == "verification")
    (raw,) = (row for row in data["prevalence"] if row["element"] == "verification")
    assert row["raw"] == raw["shown"]
    assert row["corrected"] < row["raw"]  # what one of the people does not see counts half
    assert data["parameters"]["evaluation"] == str(evaluation)


def test_a_label_studio_round_trip_is_a_gold(job: Path, tmp_path: Path) -> None:
    tasks = tmp_path / "tasks.json"
    assert here("export", job, "--to", "label-studio", "-o", tasks).returncode == 0
    content = json.loads(tasks.read_text(encoding="utf-8"))
    for number, task in enumerate(content):
        (made,) = task.pop("predictions")
        task |= {"id": number, "annotations": [{"completed_by": 5, "result": made["result"]}]}
    tasks.write_text(json.dumps(content), encoding="utf-8")

    done = here("evaluate", job, "--gold", tasks, "--bootstrap", 0, "--json", "-")
    imported = here("import", tasks, "--from", "label-studio", "--out", tmp_path / "gold")

    assert (done.returncode, done.stderr) == (0, "")
    (found,) = json.loads(done.stdout)["comparisons"]
    assert found["overall"]["span_exact_f1_pooled"]["value"] == 1.0
    assert found["overall"]["kappa_quadratic_pooled"]["value"] == 1.0
    assert imported.returncode == 0, imported.stderr
    assert here("verify", tmp_path / "gold").returncode == 0


def test_a_docbin_is_bytes_for_a_pipe_or_a_file(job: Path, tmp_path: Path) -> None:
    done = here("export", job, "--to", "docbin", "-o", tmp_path / "docs.spacy")

    assert done.returncode == 0, done.stderr
    docs = DocBin().from_disk(tmp_path / "docs.spacy").get_docs(spacy.blank("xx").vocab)
    texts = [doc.text for doc in docs]
    assert texts == [trace.text for trace, _ in JobReader(job).pairs()]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--gold", "none.csv"], "none.csv"),
        (["--gold", "gold.csv", "--gold-format", "nonsense"], "nonsense: unknown; there is"),
        (["--gold", "gold.csv", "--gold-annotator", "nobody"], "'nobody': there is anna"),
        (["--gold", "gold.csv", "--by", "modle"], "--by modle: no trace of the gold has it"),
        (["--gold", "gold.csv", "--elements", "verfication"], "did you mean verification"),
        (["--gold", "gold.csv", "--crosswalk", "none.json"], "none.json: cannot be read"),
        (["--gold", "gold.csv", "--json", "gold.csv/e.json"], "cannot be written"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_said(
    job: Path, gold: Path, options: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(gold.parent)

    with pytest.raises(CogtraceError, match=re.escape(message)) as caught:
        here("evaluate", job, "--bootstrap", 0, *options)

    assert caught.value.exit_code == 2


def test_a_gold_of_other_traces_names_ids_of_both(job: Path, tmp_path: Path) -> None:
    gold = tmp_path / "gold.csv"
    gold.write_text("trace_id,element,score\nmine-1,verification,2\n", encoding="utf-8")

    with pytest.raises(CogtraceError, match="the gold has 'mine-1'; the job has ") as caught:
        here("evaluate", job, "--gold", gold)

    assert caught.value.exit_code == 2
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("command", ["stats", "report"])
@pytest.mark.parametrize("change", ["empty", "figure", "overall"])
def test_a_file_that_is_no_evaluation_is_refused(
    job: Path, evaluation: Path, tmp_path: Path, command: str, change: str
) -> None:
    data = json.loads(evaluation.read_text(encoding="utf-8"))
    if change == "figure":
        del data["comparisons"][0]["elements"][0]["length_only"]["kappa_quadratic"]
    elif change == "overall":
        del data["comparisons"][0]["overall"]["brier_pooled"]
    path = tmp_path / "e.json"
    path.write_text("{}" if change == "empty" else json.dumps(data), encoding="utf-8")

    with pytest.raises(CogtraceError, match=r"e\.json: no evaluation") as caught:
        here(command, job, "--evaluation", path)

    assert caught.value.exit_code == 2
    assert [file.name for file in tmp_path.iterdir()] == ["e.json"]


def test_help_of_evaluate_names_every_option(cogtrace: Run) -> None:
    done = cogtrace("evaluate", "--help", env=os.environ | {"COLUMNS": "160", "NO_COLOR": "1"})

    assert (done.returncode, done.stderr) == (0, "")
    for option in (
        *("--gold", "--gold-format", "--gold-annotator", "--crosswalk", "--relations", "--by"),
        *("--elements", "--gold-is-random-sample", "--disagreements", "--json", "--markdown"),
        *("--bootstrap", "--seed", "--min-n", "COGTRACE_GOLD"),
    ):
        assert option in done.stdout
