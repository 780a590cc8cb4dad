"""Windows show every character of every sentence, and fit."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogtrace.annotator.llm.model import Line, Ranges, Window
from cogtrace.annotator.llm.windows import LABEL_TOKENS, estimate_tokens, halve, plan_windows
from cogtrace.annotator.sentences import sentence_ranges

_TEXTS = st.lists(
    st.sampled_from(["Short one.", "A rather longer sentence, with a clause.", "Y?", "x" * 90])
    | st.text("ab 9.\n", max_size=40),
    max_size=30,
).map("\n\n".join)


def _letters(text: str) -> int:
    return len(text)


def _cost(window: Window) -> int:
    return sum(line.end - line.start + LABEL_TOKENS for line in window.lines)


def _sentences(count: int, length: int = 10) -> tuple[str, Ranges]:
    text = "x" * (count * length)
    return text, [(at, at + length) for at in range(0, count * length, length)]


@given(_TEXTS, st.integers(1, 120), st.integers(0, 6))
def test_every_character_of_every_sentence_is_shown_in_order_and_fits(
    text: str, size: int, overlap: int
) -> None:
    ranges = sentence_ranges(text)
    windows = plan_windows(text, ranges, size, overlap, _letters)
    shown: dict[int, set[int]] = {number: set() for number in range(1, len(ranges) + 1)}
    for window in windows:
        numbers = [line.sentence for line in window.lines]
        assert numbers == list(range(window.first, window.last + 1))
        assert _cost(window) <= max(size, LABEL_TOKENS + 1)
        for line in window.lines:
            start, end = ranges[line.sentence - 1]
            assert start <= line.start <= line.end <= end
            shown[line.sentence] |= set(range(line.start, line.end))
    assert shown == {n: set(range(*at)) for n, at in enumerate(ranges, 1)}
    for one, other in pairwise(windows):
        assert other.lines[-1].end > one.lines[-1].end, "each window shows something new"
        assert other.lines[0].start > one.lines[0].start


def test_a_window_repeats_the_last_sentences_of_the_one_before() -> None:
    text, ranges = _sentences(20)
    windows = plan_windows(text, ranges, 10 * (10 + LABEL_TOKENS), 3, _letters)
    assert [(w.first, w.last) for w in windows] == [(1, 10), (8, 17), (15, 20)]


def test_repeated_sentences_take_no_more_than_half_of_a_window() -> None:
    text, ranges = _sentences(20)
    windows = plan_windows(text, ranges, 4 * (10 + LABEL_TOKENS), 50, _letters)
    assert [(w.first, w.last) for w in windows][:3] == [(1, 4), (3, 6), (5, 8)]


def test_a_sentence_longer_than_a_window_goes_through_several_under_one_number() -> None:
    text = "Yes. " + "word " * 60 + "end. No."
    ranges = sentence_ranges(text)
    windows = plan_windows(text, ranges, 100, 2, _letters)
    pieces = [line for w in windows for line in w.lines if line.sentence == 2]
    assert len(pieces) > 2
    assert "".join(text[p.start : p.end] for p in pieces) == text[slice(*ranges[1])]
    assert all(text[p.end - 1] == " " for p in pieces[:-1]), "pieces end between words"


def test_a_text_that_fits_is_one_window_and_no_sentences_are_none() -> None:
    text, ranges = _sentences(5)
    assert len(plan_windows(text, ranges, 1_000, 4, _letters)) == 1
    assert plan_windows("", [], 1_000, 4, _letters) == []


@pytest.mark.parametrize(("size", "counted"), [(200, 51), (10_000, 1)])
def test_a_text_is_counted_once_and_if_it_does_not_fit_each_line_once(
    size: int, counted: int
) -> None:
    seen: list[str] = []

    def count(text: str) -> int:
        seen.append(text)
        return len(text)

    text, ranges = _sentences(50, 30)
    plan_windows(text, ranges, size, 4, count)
    # Where the labels alone fill a window, there is no need to count the whole.
    assert len(seen) == counted - (size < 50 * LABEL_TOKENS)


@given(st.integers(1, 12), st.integers(1, 9))
def test_halves_of_a_window_show_what_it_showed(lines: int, length: int) -> None:
    window = Window(tuple(Line(n, n * length, (n + 1) * length) for n in range(1, lines + 1)))
    halves = halve(window)
    if halves is None:
        assert lines == length == 1
        return
    seen = [(x.sentence, at) for half in halves for x in half.lines for at in range(x.start, x.end)]
    assert seen == [(x.sentence, at) for x in window.lines for at in range(x.start, x.end)]
    assert all(_cost(half) < _cost(window) + LABEL_TOKENS for half in halves)
    assert all(half.lines for half in halves)


def test_halving_again_and_again_comes_to_an_end() -> None:
    left = [Window((Line(1, 0, 300), Line(2, 301, 700)))]
    pieces = 0
    while left:
        halves = halve(left.pop())
        pieces += halves is None
        left += halves or ()
    assert pieces == 699


@given(st.text(), st.text())
def test_an_estimate_is_about_the_sum_of_its_parts(one: str, other: str) -> None:
    whole = estimate_tokens(one + other)
    parts = estimate_tokens(one) + estimate_tokens(other)
    assert parts - 2 <= whole <= parts + 2


# Counted once with the tokenizers of GPT-4 (cl100k) and Qwen 2.5; the larger number.
@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Let me check that again: the sum of both sides must be equal.", 15),
        ("So 12345 + 67890 = 80235, and 3.14159 * 2 = 6.28318.", 44),
        (r"$\frac{a}{b} + \sqrt{x^2 + y^2} \leq \int_0^1 f(t)\,dt$", 33),
        ("我们先计算总数，然后再检查结果是否正确。", 16),
        ("Проверим ещё раз: сумма должна совпасть.", 19),
    ],
)
def test_an_estimate_is_hardly_below_a_real_count_and_never_far_above_it(
    text: str, tokens: int
) -> None:
    assert 0.85 * tokens <= estimate_tokens(text) <= 2.5 * tokens


def test_planning_takes_linear_time() -> None:
    text = "One sentence after another, and so on. " * 25_000 + "y" * 1_000_000
    began = time.perf_counter()
    windows = plan_windows(text, sentence_ranges(text), 4_000, 4, estimate_tokens)
    assert len(windows) > 50
    assert time.perf_counter() - began < 10
