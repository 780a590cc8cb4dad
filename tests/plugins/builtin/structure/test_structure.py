from __future__ import annotations

import itertools
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from guided import HOSTILE, TASK, Reply, asked, cut_off, guided

from cogtrace.errors import OptionError
from cogtrace.plugins.builtin.analogy.similarity import Index
from cogtrace.plugins.builtin.structure.phases import read_moves
from cogtrace.plugins.builtin.structure.plugin import KIND
from cogtrace.plugins.builtin.structure.walks import ALL, bundled_walks, trimmed
from cogtrace.taxonomy import load_taxonomy

PACKAGE = Path(__file__).parents[4] / "cogtrace"
UNTYPED = {"task_id": "pens", "question": TASK.question}


def _walk(kind: str, *nodes: str, relation: str = "next", variant: str = "success") -> Any:
    edges = [
        {"source": a, "target": b, "relation": relation, "npmi": 0.1}
        for a, b in itertools.pairwise(nodes)
    ]
    return {"problem_type": kind, "variant": variant, "nodes": nodes, "edges": edges, "ties": []}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    def write(*walks: Any, name: str = "walks.json") -> str:
        path = tmp_path / name
        path.write_text(json.dumps({"mode": "corrected", "walks": walks}))
        return str(path)

    return write


def test_the_walk_of_the_tasks_type_is_shown_as_phases(write: Callable[..., str]) -> None:
    path = write(
        _walk("story", "selective-attention", "verification"),
        _walk("story", "abstraction", "evaluation", variant="all"),
        _walk(ALL, "backtracking", "evaluation"),
    )

    run = guided([(KIND, {"walks": path})])

    text = asked(run)
    assert text.startswith('The task below is a problem of the type "Story"')
    assert "Reasoning that succeeded on such problems" in text
    assert text.index("Phase 1: Keep to what matters.") < text.index("Phase 2: Check what")
    assert "Phase 3" not in text
    assert text.endswith(f"\n\n{TASK.question}")
    assert "structure" not in run.usage_by_plugin
    other = asked(guided([(KIND, {"walks": path, "variant": "all"})]))
    assert "mostly went through" in other
    assert "Phase 1: Go from the case to the rule." in other


@pytest.mark.parametrize(
    ("relation", "said"),
    [("contains", "happens within phase 1"), ("parallel", "along with phase 1")],
)
def test_what_lies_in_or_beside_another_phase_says_so(
    relation: str, said: str, write: Callable[..., str]
) -> None:
    path = write(_walk("story", "forward-chaining", "verification", relation=relation))

    assert said in asked(guided([(KIND, {"walks": path})]))


def test_a_type_without_a_walk_of_its_own_has_that_of_all_types(
    write: Callable[..., str],
) -> None:
    path = write(_walk("story", "evaluation"), _walk(ALL, "backtracking", "evaluation"))

    text = asked(guided([(KIND, {"walks": path})]))

    assert "Turn back where it leads nowhere" in text
    assert "problems of many types" in text
    only = write(_walk("design", "evaluation", "backtracking"), name="only.json")
    assert asked(guided([(KIND, {"walks": only})])) == TASK.question


def test_the_type_may_be_given_for_the_run_by_id_name_or_alias() -> None:
    for name in ("troubleshooting", "Troubleshooting", " TROUBLESHOOTING "):
        run = guided([(KIND, {"problem_type": name})])
        assert 'type "Troubleshooting"' in asked(run)


def test_the_model_may_be_asked_for_the_type() -> None:
    reply = json.dumps({"reason": "a pump", "problem_type": "troubleshooting"})
    run = guided("structure:classify=llm", {"structure": reply}, UNTYPED)

    assert 'type "Troubleshooting"' in asked(run)
    assert run.usage_by_plugin["structure"].requests == 1
    known = guided("structure:classify=llm", {"structure": reply})
    assert "structure" not in known.usage_by_plugin


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "story",
        "null",
        "[]",
        '{"problem_type": "riddle"}',
        '{"problem_type": ["story"]}',
        cut_off('{"reason": "'),
    ],
)
def test_without_a_sensible_type_the_walk_over_all_types_is_shown(reply: Reply) -> None:
    run = guided("structure:classify=llm", {"structure": reply}, UNTYPED)

    assert "The task below is to be reasoned through." in asked(run)
    assert run.outcome == "answered"


def test_a_long_walk_is_cut() -> None:
    text = asked(guided("structure:max_elements=2,problem_type=troubleshooting"))

    assert "Phase 2" in text
    assert "Phase 3" not in text


def test_words_for_elements_of_ones_own_taxonomy_are_given_by_a_file(
    write: Callable[..., str], tmp_path: Path
) -> None:
    path = write(_walk(ALL, "guessing", "verification"))
    moves = tmp_path / "moves.json"
    moves.write_text(json.dumps({"guessing": {"goal": "Guess", "do": ["$1?"], "done": "bored"}}))

    with pytest.raises(OptionError, match="no wording for guessing"):
        guided([(KIND, {"walks": path})])
    text = asked(guided([(KIND, {"walks": path, "moves": str(moves)})]))
    assert "Phase 1: Guess.\n- $1?\nGo on when bored." in text


@pytest.mark.parametrize(
    ("options", "content", "said"),
    [
        ({"walks": "FILE"}, None, "cannot be read"),
        ({"walks": "FILE"}, "{", "cogtrace structure --json"),
        ({"walks": "FILE"}, '{"walks": [3]}', "cogtrace structure --json"),
        ({"walks": "FILE"}, '{"walks": []}', "--min-support"),
        ({"moves": "FILE"}, "[]", "moves"),
        ({"moves": "FILE"}, None, "cannot be read"),
        ({"problem_type": "riddle"}, None, "unknown; there is algorithmic"),
        ({"problem_type": "story", "classify": "llm"}, None, "leave one out"),
    ],
)
def test_files_and_options_that_cannot_be_used_are_refused(
    options: dict[str, str], content: str | None, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "file.json"
    if content is not None:
        path.write_text(content)
    given = {name: str(path) if value == "FILE" else value for name, value in options.items()}

    with pytest.raises(OptionError, match=said):
        guided([(KIND, given)])


def test_a_task_chooses_nothing_but_its_type() -> None:
    task = {
        "question": HOSTILE.question,
        "problem_type": "../../etc/passwd",
        "meta": {"walks": "x"},
    }

    run = guided("structure", {}, task)

    assert "passwd" not in asked(run)
    assert asked(run).endswith(HOSTILE.question)


def test_every_element_of_the_bundled_taxonomy_has_its_wording() -> None:
    moves = read_moves(None)

    assert set(moves) == {element.id for element in load_taxonomy().elements}
    assert all(len(move.do) == 2 for move in moves.values())
    assert len({move.goal for move in moves.values()}) == len(moves)


def test_the_elements_that_it_means_to_raise_are_those_of_the_bundled_walks() -> None:
    shown = {
        n for walk in bundled_walks("success").values() if len(walk.nodes) > 1 for n in walk.nodes
    }

    assert set(KIND.raises) == shown


@pytest.mark.slow
def test_the_bundled_walks_are_what_the_sample_corpus_gives(
    cogtrace: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    job, made = tmp_path / "sample", tmp_path / "structure.json"
    assert cogtrace("annotate", "@sample", "--out", job, "--annotator", "cue").returncode == 0
    cogtrace("structure", job, "--min-score", 1, "--min-support", 2, "--json", made)

    own = asked(guided([(KIND, {"walks": str(made)})]))
    assert own.replace("that succeeded on", "on") == asked(guided("structure")).replace(
        "can go through", "went through"
    )
    bundled = (PACKAGE / "plugins/builtin/structure/walks.json").read_bytes()
    assert trimmed(made.read_bytes()) == bundled, (
        "the sample corpus, the cues or the structure changed; make walks.json again as "
        "cogtrace/plugins/builtin/structure/walks.py says"
    )


def test_words_alone_do_not_tell_the_problem_type() -> None:
    """Why there is no classify=words: by similarity to the definitions, 7 of 46 are right."""
    types = load_taxonomy().problem_types
    rows = [
        json.loads(line)
        for line in (PACKAGE / "corpora/sample/traces.jsonl").read_text().splitlines()
    ]
    index = Index([f"{kind.name} {kind.definition}" for kind in types])

    right = 0
    for row in rows:
        best = index.nearest(row["question"], 1)
        right += bool(best) and types[best[0][0]].id == row["problem_type"]

    assert (right, len(rows)) == (7, 46)
