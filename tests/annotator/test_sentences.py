"""Sentences tile the text, never cut mathematics or code, and take linear time."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cogtrace.annotator.sentences import sentence_ranges, sentence_starts

_MARKS = [
    *("\n", "\n\n", "\r\n", "\t", " ", "   ", "\u00a0", "\u2028", "\x1f"),
    *(".", "?", "!", "…", "...", "。", "？", '"', "”", "」", ")", "**", "|", "~~~", "`", "```"),
    *("$", "$$", "\\", "\\(", "\\)", "\\[", "\\]", "\\begin{align}", "\\end{align}", "\\$"),
    *("<", "<think>", "</think>", "<|user|>", "# ", "- ", "1. ", "(b) ", "> ", "Step 2"),
    *("a", "B", "word", "Word", "3.14", "e.g.", "Dr.", "J.", "No.", "p.m.", "中文", "É", "😀"),
]
TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from(_MARKS), max_size=40).map("".join),
)

_PROSE = st.sampled_from(
    [
        " so it is. ",
        " and then ",
        ". Now ",
        "? Yes! ",
        ", where ",
        " holds.\n\nNext, ",
        "\n- item ",
        "。",
    ]
)
# Inside a formula or a piece of code these would end a sentence or open a region.
_BODY = st.lists(
    st.sampled_from(
        "a. B|? Yes|! No|。|x = 3. |... So|2.5|\n|`|~~~|# |<|i.e. it|5\\$. It".split("|")
    ),
    min_size=1,
    max_size=6,
).map(lambda pieces: "x" + "".join(pieces) + "y")
_LINE = _BODY.map(lambda body: body.replace("\n", " "))
_CODE_LINE = _LINE.map(lambda body: body.replace("`", "'").replace("~", "-"))


def _between(opening: str, body: st.SearchStrategy[str], closing: str) -> st.SearchStrategy[str]:
    return body.map(lambda text: opening + text + closing)


_PROTECTED = st.one_of(
    _between("$", _LINE, "$"),
    _between("$$", _BODY, "$$"),
    _between("$$\n\n", _BODY, "\n\n$$"),
    _between("\\(", _LINE, "\\)"),
    _between("\\[\n", _BODY, "\n\n\\]"),
    _between("\\begin{align}", _BODY, "\\end{align}"),
    _between("\\begin{cases*}\n\n", _BODY, "\\end{cases*}"),
    _between("`", _CODE_LINE, "`"),
    _between("``", _CODE_LINE, "``"),
    _between("\n```python\n\n", _CODE_LINE, "\n\nB. C\n```\n"),
    _between("\n~~~\n", _CODE_LINE, "\n# D. E\n~~~\n"),
    st.floats(0, 1000, allow_nan=False).map(lambda number: f"{number:.3f}"),
)


_FAR = " ".join(["b"] * 600)


def _sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_ranges(text)]


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_sentences_tile_the_text(text: str) -> None:
    starts = sentence_starts(text)

    assert starts[:1] == ([0] if text else [])
    assert all(here < there for here, there in pairwise([*starts, len(text)]))
    assert "".join(text[a:b] for a, b in pairwise([*starts, len(text)])) == text


@given(TEXTS)
@example("\n\nOne. Two")
@example("  <think>One")
@example(" ```\nOne\n```\n")
@settings(max_examples=300, deadline=None)
def test_ranges_are_the_sentences_without_the_white_space_around_them(text: str) -> None:
    starts = sentence_starts(text)
    ranges = sentence_ranges(text)

    assert len(ranges) == len(starts)
    for (start, end), (first, last) in zip(ranges, pairwise([*starts, len(text)]), strict=True):
        assert first <= start <= end <= last
        assert text[start:end] == text[first:last].strip()
        assert start < end or not text.strip(), "a blank sentence"


@given(_PROSE, st.lists(st.tuples(_PROTECTED, _PROSE), min_size=1, max_size=5))
@settings(max_examples=300, deadline=None)
def test_no_sentence_begins_inside_mathematics_code_or_a_decimal(
    opening: str, rest: list[tuple[str, str]]
) -> None:
    text = "Take" + opening
    inside: set[int] = set()
    for protected, prose in rest:
        begin = len(text) + len(protected) - len(protected.lstrip())
        inside |= set(range(begin + 1, len(text) + len(protected.rstrip())))
        text += protected + prose

    assert inside.isdisjoint(sentence_starts(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("One", ["One"], id="no end"),
        pytest.param(
            "It is so. Good! Why? Well", ["It is so.", "Good!", "Why?", "Well"], id="ends"
        ),
        pytest.param("It is so.\tGood", ["It is so.", "Good"], id="tab"),
        pytest.param("Really?! Yes.", ["Really?!", "Yes."], id="several marks"),
        pytest.param("Hmm... maybe. Hmm… yes", ["Hmm... maybe.", "Hmm… yes"], id="pause"),
        pytest.param(
            "Hmm... Maybe. Hmm… Yes", ["Hmm...", "Maybe.", "Hmm…", "Yes"], id="trailing off"
        ),
        pytest.param(
            "Is it? no, it is not.", ["Is it?", "no, it is not."], id="lower case goes on"
        ),
        pytest.param(
            '"Why?" she said. "So!" he said.', ['"Why?" she said.', '"So!" he said.'], id="said"
        ),
        pytest.param("He said “Stop.” I went.", ["He said “Stop.”", "I went."], id="closing quote"),
        pytest.param(
            "(It works.) So **done.** Go", ["(It works.)", "So **done.**", "Go"], id="closers"
        ),
        pytest.param("Total: ? minutes. Done.", ["Total: ? minutes.", "Done."], id="? on its own"),
        pytest.param("a.b c?d v1.2.3 end.It", ["a.b c?d v1.2.3 end.It"], id="no space after"),
        pytest.param("It is 3.14. Then 2.5.", ["It is 3.14.", "Then 2.5."], id="decimals"),
        pytest.param(
            "It is 7. therefore odd.", ["It is 7.", "therefore odd."], id="number ends it"
        ),
        pytest.param("x = 3. so y = 4.", ["x = 3.", "so y = 4."], id="equation ends it"),
        pytest.param("Dr. Ada met Mr. Bo. Yes", ["Dr. Ada met Mr. Bo.", "Yes"], id="titles"),
        pytest.param(
            "Take e.g. Rome, i.e. Italy. Go", ["Take e.g. Rome, i.e. Italy.", "Go"], id="e.g."
        ),
        pytest.param("Rivers (cf. Nile). Next", ["Rivers (cf. Nile).", "Next"], id="in brackets"),
        pytest.param("At 5 p.m. sharp we ate.", ["At 5 p.m. sharp we ate."], id="p.m. inside"),
        pytest.param(
            "We ate at 5 p.m. Then we left.", ["We ate at 5 p.m.", "Then we left."], id="p.m. end"
        ),
        pytest.param("Bread, etc. Then tea.", ["Bread, etc.", "Then tea."], id="etc. end"),
        pytest.param(
            "See Fig. 3 and No. 5. Next", ["See Fig. 3 and No. 5.", "Next"], id="numbered"
        ),
        pytest.param(
            "Wait, no. If so, stop.", ["Wait, no.", "If so, stop."], id="no before a word"
        ),
        pytest.param("By Anna K. Stone. Next", ["By Anna K. Stone.", "Next"], id="initial"),
        pytest.param("J. K. Stone ran. Next", ["J. K. Stone ran.", "Next"], id="two initials"),
        pytest.param("It is option B. So we go.", ["It is option B.", "So we go."], id="option B"),
        pytest.param(
            "We take Option B. So we go.", ["We take Option B.", "So we go."], id="Option B"
        ),
        pytest.param(
            "It is approx. Pi, or so. Go", ["It is approx. Pi, or so.", "Go"], id="approx."
        ),
        pytest.param("We want x. Now go.", ["We want x.", "Now go."], id="variable"),
        pytest.param("First point A. Now go.", ["First point A.", "Now go."], id="label"),
        pytest.param(
            "这是一。这是二！好吗？好", ["这是一。", "这是二！", "好吗？", "好"], id="Chinese"
        ),
        pytest.param("他说「好。」我走。", ["他说「好。」", "我走。"], id="Chinese quote"),
    ],
)
def test_prose_is_cut_where_a_reader_would(text: str, expected: list[str]) -> None:
    assert _sentences(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("1. One,\n2. Two", ["1. One,", "2. Two"], id="numbers"),
        pytest.param(
            "1. Add it. Stop.\n2. Go.", ["1. Add it.", "Stop.", "2. Go."], id="in an item"
        ),
        pytest.param("**2.** Do it. Go", ["**2.** Do it.", "Go"], id="bold number"),
        pytest.param("Step 4. Do it. Go", ["Step 4. Do it.", "Go"], id="step"),
        pytest.param("(a) One. (b) Two.", ["(a) One.", "(b) Two."], id="letters in a line"),
        pytest.param("a) one,\nb) two", ["a) one,", "b) two"], id="letters"),
        pytest.param("i. one,\nii. two", ["i. one,", "ii. two"], id="Roman"),
        pytest.param("so,\n- a,\n* b,\n• c", ["so,", "- a,", "* b,", "• c"], id="bullets"),
        pytest.param(
            "# Part 2. End\nbody text", ["# Part 2. End", "body text"], id="numbered heading"
        ),
        pytest.param("so,\n## Part\nbody text", ["so,", "## Part", "body text"], id="heading"),
        pytest.param("so,\n**Part**\nbody", ["so,", "**Part**", "body"], id="bold line"),
        pytest.param("one\n\ntwo", ["one", "two"], id="blank line"),
        pytest.param("one\n \t\n\ntwo", ["one", "two"], id="blank lines with spaces"),
        pytest.param("One.\r\nTwo\r\n\r\nthree", ["One.", "Two", "three"], id="Windows"),
        pytest.param("One\nTwo", ["One", "Two"], id="capital on a new line"),
        pytest.param("the cat\nsat", ["the cat\nsat"], id="lower case on a new line"),
        pytest.param("so we have,\nAnna and I", ["so we have,\nAnna and I"], id="comma before"),
        pytest.param("we get\n$x$ here", ["we get\n$x$ here"], id="formula on a new line"),
        pytest.param(
            "An editor wrapped this line of text at some sixty-four columns\nOld habits stay. Yes",
            [
                "An editor wrapped this line of text at some sixty-four columns\nOld habits stay.",
                "Yes",
            ],
            id="hard-wrapped",
        ),
        pytest.param("| a. | B |\n| - | - |\nend", ["| a. | B |\n| - | - |\nend"], id="table"),
        pytest.param("so,\n> one,\n> two", ["so,", "> one,", "> two"], id="block quote"),
        pytest.param(
            "<think>\nOkay. Go\n</think>\n\nFive",
            ["<think>", "Okay.", "Go", "</think>", "Five"],
            id="think tags",
        ),
        pytest.param(
            "done</think>Okay", ["done", "</think>", "Okay"], id="think tag without spaces"
        ),
        pytest.param("<|user|>hello", ["<|user|>", "hello"], id="chat mark"),
        pytest.param("if a < b and c <d> e", ["if a < b and c <d> e"], id="less than"),
    ],
)
def test_layout_cuts_lines_that_stand_by_themselves(text: str, expected: list[str]) -> None:
    assert _sentences(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a:\n```\nB. C\n```\nend", ["a:", "```\nB. C\n```", "end"], id="fence"),
        pytest.param("```\nB. C\n\nD", ["```\nB. C\n\nD"], id="open fence runs to the end"),
        pytest.param("One. Two.\n```\n\nX. Y", ["One.", "Two.", "```", "X. Y"], id="stray fence"),
        pytest.param("Say `a. B` twice. Go", ["Say `a. B` twice.", "Go"], id="inline code"),
        pytest.param("A `tick. Now ten. Go", ["A `tick.", "Now ten.", "Go"], id="stray tick"),
        pytest.param(
            "A `tick. Now\nten` it. Go", ["A `tick.", "Now\nten` it.", "Go"], id="tick, next line"
        ),
        pytest.param("It is $5. (Or ~$6.) Go", ["It is $5.", "(Or ~$6.)", "Go"], id="digit after"),
        pytest.param("It costs $5. Or $10. Go", ["It costs $5.", "Or $10.", "Go"], id="money"),
        pytest.param(
            "It is \\$5. But \\$6. Go", ["It is \\$5.", "But \\$6.", "Go"], id="escaped dollar"
        ),
        pytest.param("So $a. We\n\nC$ end", ["So $a.", "We", "C$ end"], id="blank line in dollars"),
        pytest.param("So \\(a. We\n\nC\\) end", ["So \\(a.", "We", "C\\) end"], id="in brackets"),
        pytest.param("Some \\[ open. Now go", ["Some \\[ open.", "Now go"], id="stray \\["),
        pytest.param(
            "\\begin{a} open. Now go", ["\\begin{a} open.", "Now go"], id="stray environment"
        ),
        pytest.param(f"So $a {_FAR}. We go$", [f"So $a {_FAR}.", "We go$"], id="dollars far apart"),
        pytest.param(
            f"So \\(a {_FAR}. We\\)", [f"So \\(a {_FAR}.", "We\\)"], id="brackets far apart"
        ),
    ],
)
def test_a_mark_without_its_partner_protects_nothing(text: str, expected: list[str]) -> None:
    assert _sentences(text) == expected


_HOSTILE = [
    *("\\[", "\\(", "$", "$$", "`", "<", "(", "\n", " ", "。", "\\", "*", ".", "?", "!", "…", ".)"),
    *('?"', "<|", "<think>", "A. ", "1. ", "$\\$", "$a ", "`a ", "```\n", "```\n\n", "~~~\n"),
    *("\\begin{align} ", "- \n", "\nA", "\\( a\n\n"),
]


@pytest.mark.parametrize("unit", _HOSTILE, ids=map(repr, _HOSTILE))
def test_time_grows_with_the_text_and_no_faster(unit: str) -> None:
    for count in (10_000, 100_000):
        text = unit * count + "x"
        begun = time.perf_counter()
        sentence_starts(text)
        assert time.perf_counter() - begun < 0.25 + 25e-6 * count, count


def test_sentences_of_real_traces_tile_them(dev_data: Path) -> None:
    texts = pl.read_ndjson(dev_data / "traces_dev.jsonl.gz")["response"].to_list()
    assert texts
    for text in texts:
        starts = sentence_starts(text)
        assert starts[0] == 0
        assert all(here < there for here, there in pairwise([*starts, len(text)]))
        for start, end in sentence_ranges(text):
            assert text[start:end] == text[start:end].strip()
