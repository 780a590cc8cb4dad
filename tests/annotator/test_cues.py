"""Where a cue counts, and what speaks against it."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cogtrace.annotator.cues import CueAnnotator
from cogtrace.annotator.cues.folding import fold
from cogtrace.taxonomy import Cue, Scoring, load_taxonomy

# One cue is enough for score 1, and its span is its sentence.
ONE_IS_ENOUGH = Scoring(partial=0.1, present=50.0, after=0)


_BASE = load_taxonomy(Path(__file__).parents[1] / "taxonomy" / "small.json")


def _annotator(cue: str | Cue) -> CueAnnotator:
    """Return an annotator of one cue; a string is a strong cue."""
    cues = (Cue(text=cue, strength="strong") if isinstance(cue, str) else cue,)
    element = msgspec.structs.replace(_BASE.elements[1], cues=cues, scoring=ONE_IS_ENOUGH)
    return CueAnnotator(msgspec.structs.replace(_BASE, elements=(element,)))


def _shown(text: str, cue: str | Cue = "let me check", question: str | None = None) -> list[str]:
    """Return the stretches of a text in which a cue counts."""
    (entry,) = _annotator(cue).annotate_text(text, question).elements
    return [span.quote for span in entry.spans]


def _start(text: str) -> Cue:
    return Cue(text=text, strength="strong", at="start")


@given(st.text(max_size=40))
@example("İI\u0307ŞΣΑΣ ẞ\u1f88ǅ")
@example("a\u00a0b\tc\nd’e‘f")
@hypothesis_settings(max_examples=300, deadline=None)
def test_folding_keeps_every_character_where_it_was(text: str) -> None:
    folded = fold(text)

    assert len(folded) == len(text)
    for before, after in zip(text, folded, strict=True):
        if before in "\n\t\u00a0":
            assert after == " "
        elif before in "’‘":
            assert after == "'"
        elif before == "Σ":
            assert after in "σς"
        else:
            assert after == (before.lower() if len(before.lower()) == 1 else before)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Let me check.", id="alone"),
        pytest.param("Now LET ME CHECK the sum.", id="capitals"),
        pytest.param("So (let me check): yes", id="brackets"),
        pytest.param("**Let me check**", id="bold"),
        pytest.param("Fine—let me check—yes.", id="dashes"),
        pytest.param("Fine…let me check…", id="ellipsis"),
        pytest.param("Let me\ncheck.", id="line break"),
        pytest.param("Let\u00a0me\tcheck.", id="odd spaces"),
        pytest.param("İİ: let me check", id="after capitals that grow when lowered"),
        pytest.param("$x$let me check$y$", id="between formulas"),
        pytest.param("«let me check»", id="guillemets"),
        pytest.param("让我看看。Let me check。", id="Chinese full stops"),
        pytest.param("好，let me check，好", id="Chinese commas"),
        pytest.param("\u3000let me check\u3000好", id="ideographic spaces"),
    ],
)
def test_a_cue_counts_at_word_boundaries_in_any_case(text: str) -> None:
    assert len(_shown(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Outlet me check", id="word before"),
        pytest.param("let me checker", id="word after"),
        pytest.param("let me check2", id="digit after"),
        pytest.param("_let me check_", id="underscores"),
        pytest.param("élet me check", id="accented letter before"),
        pytest.param("let me checké", id="accented letter after"),
        pytest.param("let me double check", id="word between"),
        pytest.param("Let me. Check", id="two sentences"),
        pytest.param("Let me\nCheck", id="two lines"),
        pytest.param("Let me\n\ncheck", id="two paragraphs"),
        pytest.param("- let me\n- check", id="two list items"),
    ],
)
def test_a_piece_of_a_word_or_of_two_sentences_is_no_cue(text: str) -> None:
    assert _shown(text) == []


@pytest.mark.parametrize(
    ("cue", "text"),
    [
        pytest.param("well, let's see", "Well, let's see.", id="as written"),
        pytest.param("well, let's see", "Well let's see.", id="no comma in the text"),
        pytest.param("well, let's see", "Well, let’s see.", id="curly apostrophe in the text"),
        pytest.param("well, let’s see", "Well let's see.", id="curly apostrophe in the cue"),
        pytest.param("if so, ... then", "If so we go home then.", id="comma in a gap cue"),
        pytest.param("c++", "I like C++20 more.", id="symbols end a word"),
    ],
)
def test_commas_are_optional_and_apostrophes_alike(cue: str, text: str) -> None:
    assert len(_shown(text, cue)) == 1


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("First we add.", id="at once"),
        pytest.param("Okay, so first we add.", id="fillers"),
        pytest.param("Hmm... wait, but actually, first we add.", id="many fillers"),
        pytest.param("2. First we add.", id="list number"),
        pytest.param("- **First we** add.", id="markup"),
        pytest.param("It is done. First we add.", id="second sentence"),
        pytest.param("It is 5\n\nFirst we add.", id="after a blank line"),
        pytest.param("<think>First we add.", id="after a tag"),
    ],
)
def test_a_starting_cue_counts_after_nothing_but_fillers(text: str) -> None:
    assert len(_shown(text, _start("first we"))) == 1


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Adding, first we see.", id="another word"),
        pytest.param("The sofa, first we see.", id="a word that ends like a filler"),
        pytest.param("Sofa first we see.", id="a word that begins like a filler"),
        pytest.param("So, " * 20 + "first we see.", id="more fillers than anyone says"),
    ],
)
def test_a_starting_cue_does_not_count_later_in_a_sentence(text: str) -> None:
    assert _shown(text, _start("first we")) == []
    assert len(_shown(text, "first we")) == 1


_IF = "if ... then"
_PLAN = "we go ... turn ... stop"


@pytest.mark.parametrize(
    ("cue", "text", "count"),
    [
        pytest.param(_IF, "If it rains then we stay.", 1, id="near"),
        pytest.param(_IF, "If, then.", 1, id="no word between"),
        pytest.param(_IF, f"If {'w ' * 12}then.", 1, id="twelve words"),
        pytest.param(_IF, f"If {'w ' * 13}then.", 0, id="thirteen words"),
        pytest.param(_IF, f"If {'w ' * 13}if it rains then.", 1, id="a nearer first part"),
        pytest.param(_IF, "If a then so. It rains. If c then no.", 2, id="twice"),
        pytest.param(_IF, "Then if.", 0, id="wrong order"),
        pytest.param(_IF, "If it rains. Then we stay.", 0, id="two sentences"),
        pytest.param(_IF, "If it rains we stay.", 0, id="first part alone"),
        pytest.param(_IF, "Then we stay.", 0, id="last part alone"),
        pytest.param(_IF, "Iffy weather then.", 0, id="a piece of a word"),
        pytest.param(_IF, "If it rains then?", 0, id="question"),
        pytest.param(_IF, "Not if it rains then.", 0, id="negated"),
        pytest.param(_PLAN, "We go on, turn left and stop.", 1, id="three parts"),
        pytest.param(_PLAN, "We go on, stop and turn left.", 0, id="three parts, wrong order"),
        pytest.param(_PLAN, f"We go {'w ' * 12}turn {'w ' * 12}stop.", 1, id="both gaps full"),
        pytest.param(_PLAN, f"We go {'w ' * 3}turn {'w ' * 13}stop.", 0, id="second too wide"),
        pytest.param(_start(_PLAN), "So we go, turn and stop.", 1, id="at the start"),
        pytest.param(_start(_PLAN), "Today we go, turn and stop.", 0, id="not at the start"),
    ],
)
def test_a_gap_stands_for_up_to_twelve_words_of_one_sentence(
    cue: str | Cue, text: str, count: int
) -> None:
    assert len(_shown(text, cue)) == count


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("I did not let me check.", id="not"),
        pytest.param("They had no wish to let me check.", id="two words between"),
        pytest.param("He won't let me check.", id="contraction"),
        pytest.param("He won’t let me check.", id="curly contraction"),
        pytest.param("Rather than let me check, he left.", id="rather than"),
        pytest.param("He failed to let me check.", id="failed to"),
        pytest.param("NEVER EVER LET ME CHECK", id="capitals"),
    ],
)
def test_a_cue_that_is_negated_does_not_count(text: str) -> None:
    assert _shown(text) == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Not today or tomorrow but later let me check.", id="far before"),
        pytest.param("Not bad, let me check.", id="comma between"),
        pytest.param("Not only let me check.", id="not only"),
        pytest.param("Knot: let me check.", id="a piece of a word"),
        pytest.param("Let me check, not guess.", id="after the cue"),
        pytest.param("I think not. Let me check.", id="full stop between"),
        pytest.param("Is it prime? No! Let me check.", id="exclamation mark between"),
        pytest.param("It is prime, is it not? Let me check.", id="question mark between"),
        pytest.param("The answer is no\n\nLet me check.", id="paragraphs"),
        pytest.param("- is it prime: no\n- let me check", id="list items"),
    ],
)
def test_a_negation_far_off_or_of_another_sentence_changes_nothing(text: str) -> None:
    assert len(_shown(text)) == 1


@pytest.mark.parametrize(
    ("cue", "text", "count"),
    [
        pytest.param("not sure", "I am not sure.", 1, id="plain"),
        pytest.param("doesn't work", "This doesn’t work.", 1, id="contraction"),
        pytest.param("no way to tell", "There is no way to tell.", 1, id="no"),
        pytest.param("not sure", "I was never really not sure.", 0, id="negated once more"),
    ],
)
def test_a_cue_with_a_negation_of_its_own_is_not_negated_by_it(
    cue: str, text: str, count: int
) -> None:
    assert len(_shown(text, cue)) == count


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Should you let me check?", id="plain"),
        pytest.param('Should you let me check "it?"', id="a quotation at its end"),
        pytest.param("**Why let me check?**", id="in bold"),
        pytest.param("(Why let me check?)", id="in brackets"),
    ],
)
def test_a_question_shows_only_cues_that_may_be_asked(text: str) -> None:
    either = Cue(text="let me check", strength="strong", in_question=True)

    assert _shown(text) == []
    assert _shown(text, either) == [text]
    assert len(_shown(f"{text} Let me check.")) == 1


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('He said "let me check" twice.', id="straight"),
        pytest.param("He said “well, let me check” twice.", id="curly"),
        pytest.param('"A", "let me check"', id="second quotation"),
        pytest.param("> let me check", id="block quote"),
        pytest.param("It is 5.\n\n> Well, let me check", id="block quote further down"),
    ],
)
def test_words_of_others_do_not_count(text: str) -> None:
    assert _shown(text) == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('He said "yes" and let me check.', id="straight"),
        pytest.param("He said “yes” and let me check.", id="curly"),
        pytest.param('He has 5" pipes. Let me check.', id="inches in another sentence"),
        pytest.param("It is 5 > let me check", id="greater than"),
    ],
)
def test_words_after_a_quotation_count(text: str) -> None:
    assert len(_shown(text)) == 1


PROBLEM = "Let me check.  Let me check all\nof the boxes, said Tom. How long will it take him?"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        pytest.param("Let me check all of the boxes, said Tom.", 0, id="word for word"),
        pytest.param("LET ME CHECK all of\nthe boxes, said Tom!", 0, id="other case and lines"),
        pytest.param("Let me check, said Tom, all of the boxes.", 1, id="other words"),
        pytest.param("Let me check.", 1, id="too short to be a quotation"),
    ],
)
def test_a_sentence_of_the_problem_does_not_count(text: str, count: int) -> None:
    assert len(_shown(text, question=PROBLEM)) == count
    assert len(_shown(text, question="Which box is it?")) == 1


@pytest.mark.parametrize(
    ("cue", "units"),
    [
        pytest.param("let me check", ("not let me check ",), id="negated"),
        pytest.param("let me check", ("no ", "let me check "), id="many negations"),
        pytest.param("let me check", ('"let me check ',), id="quotation marks"),
        pytest.param("let me check", ("> let me check\n",), id="block quotes"),
        pytest.param(_start("let me"), ("so ", "let me "), id="fillers"),
        pytest.param(_IF, ("if then ",), id="gap cues"),
        pytest.param(_IF, ("if ", "so " * 20, "then "), id="first parts, then last ones"),
        pytest.param(_IF, ("then ", "if "), id="last parts, then first ones"),
        pytest.param("a ... b ... c", ("b ", "a ", "b "), id="parts without an end"),
    ],
)
def test_time_grows_with_the_text_and_no_faster(cue: str | Cue, units: tuple[str, ...]) -> None:
    annotator = _annotator(cue)
    for count in (2_000, 20_000):
        text = "".join(unit * count for unit in units) + "c"
        begun = time.perf_counter()
        annotator.annotate_text(text)
        assert time.perf_counter() - begun < 0.25 + 50e-6 * count, count
