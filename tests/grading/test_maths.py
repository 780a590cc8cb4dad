from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from cogtrace.grading import GradingWarning, maths, maths_note, same_answer

pytest.importorskip("math_verify")

SAME = [
    ("x^2+2x+1", "(x+1)^2"),
    ("\\sqrt{8}", "2\\sqrt{2}"),
    ("\\{1,2\\}", "\\{2,1\\}"),
    ("\\frac{\\pi}{2}", "\\pi/2"),
    ("sqrt(2)/2", "1/sqrt(2)"),
    ("12 km", "12"),
    ("tree", "Tree."),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_mathematics_is_compared_by_value(one: str, other: str) -> None:
    assert same_answer(one, other, "maths")
    assert same_answer(other, one, "maths")


@pytest.mark.parametrize(("one", "other"), [("(1,2)", "(2,1)"), ("x", "y"), ("\\pi", "3.14")])
def test_what_has_another_value_is_not_the_same(one: str, other: str) -> None:
    assert not same_answer(one, other, "maths")
    assert not same_answer(other, one, "maths")


@pytest.mark.slow
def test_endless_work_is_given_up_in_any_thread_and_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found: list[bool] = []
    same_answer("x", "y", "maths")  # so that what is timed is not the start
    monkeypatch.setattr(maths, "SECONDS", 1.0)
    began = time.perf_counter()
    thread = threading.Thread(
        target=lambda: found.append(same_answer("9^{9^{9^{9}}}", "8^{8^{8^{8}}}+1", "maths"))
    )
    thread.start()
    thread.join(timeout=30)

    assert found == [False]
    assert time.perf_counter() - began < 10
    monkeypatch.undo()
    assert same_answer("a+b", "b+a", "maths")


@pytest.mark.parametrize("text", ["\n", "]", '"', "\x00", "\ud800", "import os", "{" * 30])
def test_hostile_answers_do_not_disturb_the_next(text: str) -> None:
    assert not same_answer(text, "y + x", "maths")
    assert same_answer("x + y", "y + x", "maths")


def test_without_math_verify_numbers_and_text_count_and_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(maths, "_installed", lambda: False)
    maths._warn.cache_clear()

    assert "cogtrace[math]" in (maths_note() or "")
    assert same_answer("1/2", "0.5", "maths")
    with pytest.warns(GradingWarning, match="numbers and text only"):
        assert not same_answer("x+y", "y+x", "maths")


def test_comparing_loads_nothing_heavy_until_it_is_needed() -> None:
    code = (
        "import sys; from cogtrace.grading import same_answer, extract_answer;"
        "assert same_answer('1/2', '0.5', 'maths') and extract_answer('The answer is 4.');"
        "print(*sorted({n.partition('.')[0] for n in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert not {"sympy", "math_verify", "jsonschema", "numpy"} & set(done.stdout.split())


@pytest.mark.slow
def test_the_process_that_compares_ends_with_its_parent() -> None:
    code = (
        "from cogtrace.grading import same_answer, maths;"
        "assert same_answer('a*(b+c)', 'a*b+a*c', 'maths'); print(maths._worker._process.pid)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert done.stderr == ""
    listed = subprocess.run(["kill", "-0", done.stdout.strip()], capture_output=True, check=False)
    assert listed.returncode != 0
