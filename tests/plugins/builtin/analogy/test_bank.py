from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cogtrace.errors import OptionError
from cogtrace.plugins.builtin.analogy.bank import Bank
from cogtrace.plugins.builtin.analogy.similarity import Index, words

ROWS: list[dict[str, object]] = [
    {
        "problem": "Bob has 5 bags of 4 marbles and loses 6 marbles. How many are left?",
        "solution": "20 - 6 = 14",
        "type": "Story.",
        "method": "multiply, subtract",
    },
    {"problem": "Find the capital of France.", "solution": "Paris", "id": 7},
    {"problem": "Cleo has 2 crates of 9 eggs, and drops 1. How many are whole?", "solution": "17"},
]
QUESTION = "Ann has 3 boxes of 12 pens and gives away 7 pens. How many pens are left?"


def _bank(path: Path, rows: Sequence[object], needs: str = "solution") -> Bank:
    path.write_text("\n".join(r if isinstance(r, str) else json.dumps(r) for r in rows))
    return Bank.read(str(path), needs)


def test_the_most_similar_problems_come_first(tmp_path: Path) -> None:
    found = _bank(tmp_path / "bank.jsonl", [*ROWS, ""]).like(QUESTION, 2, 0.0)

    assert [one.solution for one in found] == ["20 - 6 = 14", "17"]
    assert found[0].method == "Story. multiply, subtract"


@pytest.mark.parametrize(
    "itself",
    [
        QUESTION,
        QUESTION.upper(),
        f"  {QUESTION.replace('?', ' ?')} Answer with a number.",
        "Solve this! " + QUESTION.replace(". ", ".\n"),
        QUESTION.replace("left?", "left now?"),
    ],
)
def test_the_question_itself_is_never_shown(itself: str, tmp_path: Path) -> None:
    rows: list[object] = [{"problem": itself, "solution": "29"}] * 9 + list(ROWS)
    found = _bank(tmp_path / "bank.jsonl", rows).like(QUESTION, 1, 0.0)

    assert [one.solution for one in found] == ["20 - 6 = 14"]


def test_the_same_story_with_other_numbers_may_be_shown(tmp_path: Path) -> None:
    other = "Ann has 5 boxes of 10 pens and gives away 4 pens. How many pens are left?"
    found = _bank(tmp_path / "bank.jsonl", [{"problem": other, "solution": "46"}]).like(
        QUESTION, 1, 0.0
    )

    assert [one.solution for one in found] == ["46"]


def test_what_is_not_similar_enough_is_not_shown(tmp_path: Path) -> None:
    bank = _bank(tmp_path / "bank.jsonl", list(ROWS))

    assert bank.like("Quarks?", 3, 0.0) == []
    assert bank.like(QUESTION, 3, 0.99) == []


@pytest.mark.parametrize(
    ("row", "needs", "said"),
    [
        ("{", "solution", "line 2"),
        ({"solution": "x"}, "solution", "problem"),
        ({"problem": " ", "solution": "x"}, "solution", "the problem is empty"),
        ({"problem": "x"}, "solution", "no solution"),
        ({"problem": "x", "solution": "y"}, "method", "neither type nor method"),
        ('{"problem": "\\ud83d", "solution": "\\ud83d"}', "solution", "line 2"),
        ("\xff\xfe", "solution", "line 2"),
    ],
)
def test_a_bad_line_is_named(row: object, needs: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "bank.jsonl"
    first = json.dumps(ROWS[0]) + "\n"
    text = row if isinstance(row, str) else json.dumps(row)
    path.write_bytes(first.encode() + text.encode("latin-1"))

    with pytest.raises(OptionError, match=said) as caught:
        Bank.read(str(path), needs)
    assert "bank.jsonl" in str(caught.value)


def test_a_bank_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="cannot be read"):
        Bank.read(str(tmp_path / "none.jsonl"), "solution")
    (tmp_path / "empty.jsonl").write_text("\n\n")
    with pytest.raises(OptionError, match="no problems"):
        Bank.read(str(tmp_path / "empty.jsonl"), "solution")


TEXTS = st.lists(st.sampled_from("a b c d e 1 2".split()), max_size=6).map(" ".join)


@settings(deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=8), TEXTS)
def test_similarity_is_the_cosine_that_it_is_said_to_be(texts: list[str], query: str) -> None:
    counts = [Counter(words(text)) for text in texts]
    seen = Counter(word for count in counts for word in count)

    def vector(text: str) -> dict[str, float]:
        count = Counter(w for w in words(text) if w in seen)
        return {
            w: (1 + math.log(n)) * math.log((1 + len(texts)) / seen[w]) for w, n in count.items()
        }

    def cosine(one: dict[str, float], other: dict[str, float]) -> float:
        lengths = math.hypot(*one.values()) * math.hypot(*other.values())
        return sum(v * other.get(w, 0) for w, v in one.items()) / lengths if lengths else 0.0

    found = Index(texts).nearest(query, len(texts))

    expected = {n: cosine(vector(query), vector(text)) for n, text in enumerate(texts)}
    assert dict(found) == pytest.approx({n: v for n, v in expected.items() if v > 0})
    assert [v for _, v in found] == sorted((v for _, v in found), reverse=True)
