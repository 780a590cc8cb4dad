"""`cogtrace train` and `cogtrace package-model`, from labels to a package that pip installs."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

Run = Callable[..., subprocess.CompletedProcess[str]]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def labels(write_jsonl: Callable[..., Path]) -> Path:
    """Return a file of passages with one habit: whoever says "once over" checks."""
    rows = [
        {
            "id": f"p{n}",
            "element": "verification",
            "register": "model",
            "domain": "tests",
            "sentences": [
                {"text": f"The total is {n}.", "labels": {"verification": 0}},
                {"text": f"Once over, {n} it stays.", "labels": {"verification": 2}},
            ],
        }
        for n in range(40)
    ]
    return write_jsonl(rows, "labels.jsonl")


@pytest.fixture
def model(cogtrace: Run, labels: Path, tmp_path: Path) -> Path:
    """Return the folder of a model trained on the labels."""
    folder = tmp_path / "model"
    done = cogtrace(
        "train", labels, "-o", folder, "--elements", "verification,backtracking", "--strength", 1
    )
    assert done.returncode == 0, done.stderr
    assert "verification" in done.stdout
    assert f"--annotator model:{folder}" in done.stderr
    return folder


def test_a_trained_model_annotates(
    cogtrace: Run, model: Path, write_jsonl: Callable[..., Path], tmp_path: Path
) -> None:
    traces = write_jsonl([{"trace_id": "t", "text": "The total is 7. Once over, 7 it stays."}])
    out = tmp_path / "out"
    done = cogtrace("annotate", traces, "-o", out, "--annotator", f"model:{model}")
    assert done.returncode == 0, done.stderr

    exported = cogtrace("export", out, "--to", "jsonl")
    (row,) = [json.loads(line) for line in exported.stdout.splitlines()]
    spans = {entry["element"]: entry["spans"] for entry in row["elements"]}
    assert set(spans) == {"verification", "backtracking"}
    assert [span["quote"] for span in spans["verification"]] == ["Once over, 7 it stays."]
    assert row["annotator"]["name"] == "model"


def test_training_with_json_prints_figures_alone(
    cogtrace: Run, labels: Path, tmp_path: Path
) -> None:
    done = cogtrace(
        *("train", labels, "-o", tmp_path / "m", "--elements", "verification"),
        *("--strength", 1, "--json"),
    )
    found = json.loads(done.stdout)
    assert done.stderr == ""
    assert found["elements"][0]["element"] == "verification"
    assert found["training"]["strength"] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["annotate", "@sample", "--annotator", "model"], "model:FOLDER", id="none"),
        pytest.param(["annotate", "@sample", "--annotator", "model:nowhere"], "cogtrace train"),
        pytest.param(["annotate", "@sample", "--annotator", "cue:x"], "colon"),
        pytest.param(["train", "nowhere.jsonl"], "nowhere.jsonl"),
        pytest.param(["package-model", "nowhere"], "cogtrace train"),
    ],
)
def test_what_cannot_be_done_is_said_and_exits_2(
    cogtrace: Run, tmp_path: Path, arguments: list[str], message: str
) -> None:
    done = cogtrace(*arguments, "-o", tmp_path / "out")

    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_with_something_in_it_is_left_alone(
    cogtrace: Run, labels: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    done = cogtrace("train", labels, "-o", tmp_path)

    assert done.returncode == 2
    assert "not empty" in done.stderr
    assert not (tmp_path / "config.json").exists()


def test_the_merged_annotator_can_be_asked_for_by_name(cogtrace: Run, tmp_path: Path) -> None:
    done = cogtrace("annotate", "@sample", "-o", tmp_path / "out", "--annotator", "merged")

    assert done.returncode == 0, done.stderr
    assert cogtrace("verify", tmp_path / "out").returncode == 0


@pytest.mark.slow
def test_a_package_of_a_model_installs_and_loads(
    cogtrace: Run, model: Path, tmp_path: Path
) -> None:
    assert cogtrace("package-model", model, "-o", tmp_path / "packages").returncode == 0
    home = tmp_path / "venv"
    venv.create(home, with_pip=False)
    python = home / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    (site,) = home.glob("**/site-packages")
    # What is installed here is there as well; only the package itself is new.
    paths = [ROOT, *(path for path in sys.path if path.endswith("site-packages"))]
    (site / "here.pth").write_text("\n".join(map(str, paths)), encoding="utf-8")
    made = tmp_path / "packages" / "en_cogtrace_model-1.0.0"
    install = ["-m", "pip", "install", "--no-deps", "--no-build-isolation", "--no-index", str(made)]
    done = subprocess.run([python, *install], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    code = (
        "import spacy; nlp = spacy.load('en_cogtrace_model'); "
        "doc = nlp('The total is 7. Once over, 7 it stays.'); "
        "print([s.text for s in doc.spans['cognitive_elements'] if s.label_ == 'verification'])"
    )
    shown = subprocess.run(
        [python, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert shown.stdout.strip() == "['Once over, 7 it stays.']", shown.stderr
