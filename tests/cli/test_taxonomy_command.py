"""`cogtrace taxonomy`, and a taxonomy of one's own on its way through all the verbs."""

from __future__ import annotations

import copy
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from in_process import InProcess

Run = Callable[..., subprocess.CompletedProcess[str]]
Write = Callable[..., Path]
Data = dict[str, Any]

_OPTIONAL = {
    "description", "group", "marr_level", "aliases", "scoring", "domain", "why",
    "hard_negative", "at", "in_question", "problem_types",
}  # fmt: skip


@pytest.fixture
def cogtrace(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return the command line, run in this process."""
    return InProcess(monkeypatch, capsys)


@pytest.fixture
def write_taxonomy(tmp_path: Path) -> Callable[[Any], Path]:
    def write(data: Any) -> Path:
        path = tmp_path / "own.json"
        path.write_text(data if isinstance(data, str) else json.dumps(data))
        return path

    return write


def _minimal(data: Any) -> Any:
    """Return a taxonomy without any field that may be left out."""
    if isinstance(data, dict):
        return {key: _minimal(value) for key, value in data.items() if key not in _OPTIONAL}
    return [_minimal(item) for item in data] if isinstance(data, list) else data


def _drives_all_verbs(cogtrace: Run, source: Path, folder: Path, traces: Path) -> None:
    out = folder / "out"
    for command in (
        ("annotate", traces, "--out", out, "--taxonomy", source),
        ("verify", out),
        ("show", out),
        ("export", out, "--to", "jsonl"),
        ("taxonomy", "list", "--taxonomy", source),
    ):
        done = cogtrace(*command, env=os.environ | {"COLUMNS": "200"})
        assert done.returncode == 0, (command, done.stderr)
        if command[0] == "show":
            (line,) = (x for x in done.stdout.splitlines() if "Back to square one." in x)
            assert "turning-back" in line
        elif command[0] == "export":
            (annotation,) = map(json.loads, done.stdout.splitlines())
            names = [entry["element"] for entry in annotation["elements"]]
            assert names == ["re-reading", "turning-back", "guessing"]
        elif command[0] == "taxonomy":
            assert "tiny 2.1.0, 3 elements" in done.stdout
            assert "Moving: Going somewhere else." in done.stdout
            for name in ("re-reading", "turning-back", "guessing"):
                assert f"{name}  " in done.stdout
            assert "verification" not in done.stdout


def test_a_taxonomy_of_ones_own_drives_all_verbs(
    cogtrace: Run,
    tiny_taxonomy: Data,
    write_taxonomy: Callable[[Any], Path],
    write_jsonl: Write,
    tmp_path: Path,
) -> None:
    source = write_taxonomy(tiny_taxonomy)
    traces = write_jsonl([{"text": "It rained. Back to square one."}])

    _drives_all_verbs(cogtrace, source, tmp_path, traces)


def test_a_taxonomy_of_only_what_must_be_there_drives_all_verbs_too(
    cogtrace: Run,
    tiny_taxonomy: Data,
    write_taxonomy: Callable[[Any], Path],
    write_jsonl: Write,
    tmp_path: Path,
) -> None:
    source = write_taxonomy(_minimal(tiny_taxonomy))
    traces = write_jsonl([{"text": "It rained. Back to square one."}])

    _drives_all_verbs(cogtrace, source, tmp_path, traces)


def test_a_folder_of_element_files_is_the_same_taxonomy_as_one_file(
    cogtrace: Run, tiny_taxonomy: Data, write_taxonomy: Callable[[Any], Path], tmp_path: Path
) -> None:
    folder = tmp_path / "own"
    (folder / "elements").mkdir(parents=True)
    for element in tiny_taxonomy["elements"]:
        (folder / "elements" / f"{element['id']}.json").write_text(json.dumps(element))
    names = [element["id"] for element in tiny_taxonomy["elements"]]
    (folder / "taxonomy.json").write_text(json.dumps(tiny_taxonomy | {"elements": names}))

    one = cogtrace("taxonomy", "list", "--taxonomy", write_taxonomy(tiny_taxonomy), "--json")
    other = cogtrace("taxonomy", "list", "--taxonomy", folder, "--json")

    assert (one.returncode, other.returncode) == (0, 0)
    assert other.stdout == one.stdout


@pytest.mark.parametrize("minimal", [False, True], ids=["full", "minimal"])
def test_a_taxonomy_printed_as_json_can_be_read_again(
    cogtrace: Run,
    tiny_taxonomy: Data,
    write_taxonomy: Callable[[Any], Path],
    tmp_path: Path,
    minimal: bool,
) -> None:
    source = write_taxonomy(_minimal(tiny_taxonomy) if minimal else tiny_taxonomy)
    printed = cogtrace("taxonomy", "list", "--taxonomy", source, "--json")
    again = tmp_path / "again.json"
    again.write_text(printed.stdout)

    done = cogtrace("taxonomy", "list", "--taxonomy", again, "--json")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == printed.stdout


def test_an_element_of_no_dimension_is_refused_or_shown_but_breaks_nothing(
    cogtrace: Run,
    tiny_taxonomy: Data,
    write_taxonomy: Callable[[Any], Path],
    write_jsonl: Write,
    tmp_path: Path,
) -> None:
    source = write_taxonomy(_with_unknown_dimension(copy.deepcopy(tiny_taxonomy)))
    traces = write_jsonl([{"text": "It rained. Back to square one."}])

    begun = cogtrace("annotate", traces, "--out", tmp_path / "out", "--taxonomy", source)

    if begun.returncode == 2:
        assert "nowhere" in begun.stderr
    else:
        shown = cogtrace("show", tmp_path / "out")
        assert (shown.returncode, shown.stderr) == (0, "")


def test_one_element_is_shown_by_any_of_its_names(
    cogtrace: Run, tiny_taxonomy: Data, write_taxonomy: Callable[[Any], Path]
) -> None:
    source = write_taxonomy(tiny_taxonomy)

    shown = cogtrace("taxonomy", "show", "Reading Again", "--taxonomy", source)
    as_json = cogtrace("taxonomy", "show", "re-reading", "--taxonomy", source, "--json")
    unknown = cogtrace("taxonomy", "show", "re-raeding", "--taxonomy", source)

    assert shown.returncode == 0
    for part in ("re-reading", "rereading", "let me reread", "It shows fully.", "score 1"):
        assert part in shown.stdout
    element = json.loads(as_json.stdout)
    assert element["definition"] == tiny_taxonomy["elements"][0]["definition"]
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "did you mean re-reading" in unknown.stderr


def _with_unknown_dimension(data: Data) -> Any:
    data["elements"][1]["dimension"] = "nowhere"
    return data


def _with_unfound_quote(data: Data) -> Any:
    data["elements"][0]["examples"][0]["quotes"] = ["These words are not there."]
    return data


def _with_missing_name(data: Data) -> Any:
    del data["elements"][2]["name"]
    return data


def _sound(data: Data) -> Any:
    """Add what the check asks for: two examples of each score, of like length."""
    for element in data["elements"]:
        cue = element["cues"][0]["text"]
        made = []
        for score, words in ((0, "it goes on"), (1, cue), (2, cue)):
            for place in ("the garden", "the office"):
                quote = f"Well, {words} for now."
                text = f"The sum in {place} is nine. {quote}"
                made.append({"text": text, "score": score, "quotes": [quote] if score else []})
        element["examples"] = made
    return data


@pytest.mark.parametrize(
    ("change", "options", "code", "says"),
    [
        pytest.param(_sound, [], 0, "0 errors, 0 warnings", id="clean"),
        pytest.param(_sound, ["--strict"], 0, "0 errors, 0 warnings", id="clean-strict"),
        pytest.param(lambda data: data, [], 0, "0 errors, 9 warnings", id="warnings"),
        pytest.param(lambda data: data, ["--strict"], 1, "9 warnings", id="warnings-strict"),
        pytest.param(_with_unknown_dimension, [], 1, "unknown dimension 'nowhere'", id="dimension"),
        pytest.param(_with_unfound_quote, [], 1, "is not in the text", id="quote"),
        pytest.param(_with_missing_name, [], 1, "$.elements[2]: 'name' is a required", id="schema"),
        pytest.param(lambda data: "{", [], 2, "own.json, line 1", id="no-json"),
        pytest.param(lambda data: "[]", [], 2, "a taxonomy is a JSON object", id="no-object"),
        pytest.param(None, [], 2, "no such taxonomy file", id="missing"),
    ],
)
def test_the_check_of_a_taxonomy_tells_its_result_by_the_exit_code(
    cogtrace: Run,
    tiny_taxonomy: Data,
    write_taxonomy: Callable[[Any], Path],
    tmp_path: Path,
    change: Callable[[Data], Any] | None,
    options: list[str],
    code: int,
    says: str,
) -> None:
    source = tmp_path / "gone.json"
    if change is not None:
        source = write_taxonomy(change(copy.deepcopy(tiny_taxonomy)))

    done = cogtrace("taxonomy", "lint", source, *options)

    assert done.returncode == code, done.stdout + done.stderr
    assert says in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_the_findings_are_printed_as_json_too(
    program: Run, tiny_taxonomy: Data, write_taxonomy: Callable[[Any], Path]
) -> None:
    source = write_taxonomy(_with_unfound_quote(copy.deepcopy(tiny_taxonomy)))

    done = program("taxonomy", "lint", source, "--json")

    first, *rest = json.loads(done.stdout)
    assert done.returncode == 1
    assert first["level"] == "error"
    assert first["place"] == "re-reading, example 1"
    assert {finding["level"] for finding in rest} == {"warning"}


def _hostile(data: Data) -> Data:
    """Put markup and control characters wherever a taxonomy holds free text."""
    words = "\x1b[2J\x07\u202e [/nope] [bold]b[/bold] [x]"
    data = copy.deepcopy(data)
    data["name"] += words
    for dimension in data["dimensions"]:
        dimension["name"] += words
        dimension["definition"] += words
    element = data["elements"][0]
    element["aliases"] = [f"again{words}"]
    for name in ("name", "definition", "group"):
        element[name] += words
    element["indicators"] = [words]
    element["rubric"]["1"] += words
    element["cues"][0]["text"] = f"let me{words}"
    element["examples"][0]["why"] = words
    element["sources"] = [words]
    return data


@pytest.mark.parametrize("arguments", [["list"], ["show", "re-reading"], ["lint"]], ids=" ".join)
def test_a_hostile_taxonomy_is_printed_as_it_stands_and_steers_no_terminal(
    cogtrace: Run,
    tiny_taxonomy: Data,
    write_taxonomy: Callable[[Any], Path],
    arguments: list[str],
) -> None:
    source = write_taxonomy(_hostile(tiny_taxonomy))
    option = [source] if arguments == ["lint"] else ["--taxonomy", source]

    done = cogtrace("taxonomy", *arguments, *option, env=os.environ | {"COLUMNS": "300"})

    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 1)
    assert not set(done.stdout + done.stderr) & set("\x1b\x07\u202e")
    if arguments != ["lint"]:
        assert "[/nope] [bold]b[/bold] [x]" in done.stdout
