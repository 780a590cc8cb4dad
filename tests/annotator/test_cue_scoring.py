"""How evidence becomes signals, scores and spans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cogtrace.annotator.cues import CueAnnotator
from cogtrace.annotator.sentences import sentence_ranges
from cogtrace.records import ANCHORS, Trace, text_sha256
from cogtrace.schemas import problems
from cogtrace.taxonomy import Cue, Scoring, Strength, Taxonomy, load_taxonomy

_BASE = load_taxonomy(Path(__file__).parents[1] / "taxonomy" / "small.json")


def _taxonomy(cues: Mapping[str, Sequence[str | Cue]], **fields: Any) -> Taxonomy:
    """Return a taxonomy with these cues for each element; a string is a strong cue."""
    elements = tuple(
        msgspec.structs.replace(
            _BASE.elements[1],
            id=name,
            cues=tuple(Cue(text=c, strength="strong") if isinstance(c, str) else c for c in found),
            **fields,
        )
        for name, found in cues.items()
    )
    return msgspec.structs.replace(_BASE, elements=elements)


ONE_IS_ENOUGH = Scoring(partial=0.1, present=50.0, after=0)
STRENGTHS: tuple[Strength, ...] = ("weak", "medium", "strong")
CUES: dict[str, list[str | Cue]] = {
    "check": ["let me check", "to be sure", Cue(text="right", strength="weak", in_question=True)],
    "plan": [Cue(text="first", strength="medium", at="start"), "the plan is", "if ... then"],
    "doubt": ["not sure", Cue(text="wait", strength="weak")],
}
_PHRASES = [
    *(
        "let me check",
        "Let me check. ",
        "to be sure, ",
        "right? ",
        "First ",
        "the plan is ",
        "wait",
    ),
    *("If it rains ", "then we go. ", "I am not sure. ", "never ", '"', "“", "”", "> ", "# ", "- "),
    *(
        "The rain fell. ",
        "x = 3 ",
        "\\[ y \\] ",
        "\n",
        "\n\n",
        " ",
        "。",
        "</think>",
        "? ",
        "İ ",
        "😀",
    ),
]
TEXTS = st.lists(st.sampled_from(_PHRASES), max_size=25).map("".join)
SCORINGS = st.builds(
    lambda partial, more, span, before, after: Scoring(
        partial=partial, present=partial + more, span=span, before=before, after=after
    ),
    st.floats(0.01, 2),
    st.floats(0, 2),
    st.floats(0.01, 1),
    st.integers(0, 3),
    st.integers(0, 3),
)
SIGNALS = st.dictionaries(
    st.sampled_from(["heading", "display-math", "equation", "question"]),
    st.sampled_from(STRENGTHS),
)


@given(TEXTS, SCORINGS, SIGNALS)
@example("\n\nlet me check", Scoring(partial=0.1, before=1), {})
@example(" </think>let me check", Scoring(partial=0.1, before=2), {})
@settings(max_examples=300, deadline=None)
def test_every_annotation_is_sound(
    text: str, scoring: Scoring, signals: dict[str, Strength]
) -> None:
    annotator = CueAnnotator(_taxonomy(CUES, scoring=scoring, signals=signals))
    annotation = annotator.annotate_text(text)
    ranges = sentence_ranges(text)

    assert problems("annotation", msgspec.json.decode(msgspec.json.encode(annotation))) == []
    assert annotation.text_sha256 == text_sha256(text)
    assert annotation.sentences == len(ranges)
    assert [entry.element for entry in annotation.elements] == list(CUES)
    for entry in annotation.elements:
        assert (entry.score > 0) == bool(entry.spans)
        for span in entry.spans:
            assert text[span.start : span.end] == span.quote
            assert span.quote.strip() == span.quote != ""
            assert span.start == ranges[span.first_sentence - 1][0]
            assert span.end == ranges[span.last_sentence - 1][1]
            assert span.anchor in ANCHORS
            assert span.source == "cue"
        # Runs that touch are one.
        assert all(a.last_sentence + 1 < b.first_sentence for a, b in pairwise(entry.spans))


@given(st.permutations(range(8)), SCORINGS)
@settings(max_examples=60, deadline=None)
def test_more_evidence_never_lowers_a_score(order: list[int], scoring: Scoring) -> None:
    cues = [f"cue number {word}" for word in "one two three four five six seven eight".split()]
    annotator = CueAnnotator(_taxonomy({"x": cues}, scoring=scoring))
    sentences = ["Nothing is said."] * 8
    scores = [annotator.annotate_text(" ".join(sentences)).elements[0].score]
    for place in order:
        sentences[place] = f"Here is {cues[place]}."
        scores.append(annotator.annotate_text(" ".join(sentences)).elements[0].score)

    assert scores == sorted(scores)
    assert scores[0] == 0
    assert scores[-1] == 2


def test_a_score_is_0_then_1_then_2_as_cues_are_added() -> None:
    scoring = Scoring(partial=0.7, present=1.5)
    annotator = CueAnnotator(_taxonomy({"x": ["cue one", "cue two"]}, scoring=scoring))

    for text, score in [("Some rain.", 0), ("Cue one.", 1), ("Cue one. Cue two.", 2)]:
        assert annotator.annotate_text(text).elements[0].score == score


def test_a_stronger_cue_gives_more_confidence_and_two_more_than_one() -> None:
    def confidence(*strengths: Strength) -> float:
        cues = [Cue(text=f"cue {n}", strength=s) for n, s in enumerate(strengths)]
        annotator = CueAnnotator(_taxonomy({"x": cues}, scoring=ONE_IS_ENOUGH))
        text = " and ".join(cue.text for cue in cues)
        (span,) = annotator.annotate_text(text).elements[0].spans
        assert span.confidence is not None
        return span.confidence

    single = [confidence(strength) for strength in STRENGTHS]
    double = [confidence(strength, strength) for strength in STRENGTHS]
    assert 0 < single[0] < single[1] < single[2] < 1
    assert all(one < two < 1 for one, two in zip(single, double, strict=True))


def test_different_cues_say_more_than_one_cue_over_and_over() -> None:
    scoring = Scoring(partial=0.1, present=3.0)
    cues = [f"cue {letter}" for letter in "bcdefg"]
    annotator = CueAnnotator(_taxonomy({"x": cues}, scoring=scoring))

    repeated = annotator.annotate_text("Here is cue b. " * 6)
    varied = annotator.annotate_text("".join(f"Here is {cue}. " for cue in cues))
    assert [repeated.elements[0].score, varied.elements[0].score] == [1, 2]


def test_a_gap_cue_that_begins_once_counts_once_however_often_it_could_end() -> None:
    annotator = CueAnnotator(_taxonomy({"x": ["if ... then"]}, scoring=ONE_IS_ENOUGH))

    once = annotator.annotate_text("If it rains then we stay.")
    often = annotator.annotate_text("If it rains then we stay, then read, then sleep.")
    spans = [annotation.elements[0].spans[0] for annotation in (once, often)]
    assert spans[0].confidence == spans[1].confidence


def test_gap_cues_that_end_alike_are_different_cues() -> None:
    scoring = Scoring(partial=0.1, present=1.4)
    annotator = CueAnnotator(
        _taxonomy({"x": ["if ... then", "when ... then", "when ... now"]}, scoring=scoring)
    )

    unlike = annotator.annotate_text("If it rains then go. When it stops now stay.")
    alike = annotator.annotate_text("If it rains then go. When it stops then stay.")
    assert [unlike.elements[0].score, alike.elements[0].score] == [2, 2]


@pytest.mark.parametrize("words", ["The lorem ipsum dolor sit amet. ", "Zzz zzz\n\n", "3 4 5 "])
@pytest.mark.parametrize("bundled", [True, False], ids=["bundled taxonomy", "small taxonomy"])
def test_a_long_trace_without_cues_scores_0_everywhere(words: str, bundled: bool) -> None:
    taxonomy = load_taxonomy() if bundled else _taxonomy(CUES, scoring=ONE_IS_ENOUGH)
    annotation = CueAnnotator(taxonomy).annotate_text(words * 1000)

    assert [entry for entry in annotation.elements if entry.score or entry.spans] == []
    assert [entry.element for entry in annotation.elements] == list(taxonomy.element_ids)


@pytest.mark.parametrize("text", ["", " ", "\n\n \t\n"])
def test_a_blank_trace_scores_0_everywhere(text: str) -> None:
    annotator = CueAnnotator(_taxonomy(CUES, scoring=ONE_IS_ENOUGH))

    assert {entry.score for entry in annotator.annotate_text(text).elements} == {0}


@pytest.mark.parametrize(
    ("signal", "text", "expected"),
    [
        pytest.param("heading", "# Part 2\nIt is so.", ["# Part 2"], id="heading"),
        pytest.param("heading", "**Part**\nIt **is** so.", ["**Part**"], id="bold heading"),
        pytest.param("numbered-item", "So:\n1. one\nNo 1.", ["1. one"], id="number"),
        pytest.param("numbered-item", "So:\n(b) one\n\nA fox", ["(b) one"], id="letter"),
        pytest.param("bullet-item", "So:\n- one\n\n-5 is it", ["- one"], id="bullet"),
        pytest.param("code-block", "So:\n```\na.\n```\n`b` c", ["```\na.\n```"], id="code"),
        pytest.param(
            "display-math", "So \\[x = 3\\] it is. Yes", ["So \\[x = 3\\] it is."], id="[]"
        ),
        pytest.param(
            "display-math", "So \\[x > 3\\] it is. Yes", ["So \\[x > 3\\] it is."], id="[] >"
        ),
        pytest.param("display-math", "As $$x > 3$$ is. But $x$", ["As $$x > 3$$ is."], id="$$"),
        pytest.param("equation", "So x = 3. And x > 2.", ["So x = 3."], id="equation"),
        pytest.param("question", "Is it? It is.", ["Is it?"], id="question"),
        pytest.param("question", "(Is it?) It is! a ? b", ["(Is it?)"], id="question in brackets"),
    ],
)
def test_a_signal_marks_the_sentences_of_its_form(
    signal: str, text: str, expected: list[str]
) -> None:
    signals = {signal: "strong"}
    annotator = CueAnnotator(_taxonomy({"x": ["q"]}, scoring=ONE_IS_ENOUGH, signals=signals))

    assert [span.quote for span in annotator.annotate_text(text).elements[0].spans] == expected


_ANIMALS = "Ant. Bee. Cue. Cow. Dog. Eel. Elk. Cue. Fox. Gnu."


@pytest.mark.parametrize(
    ("strength", "before", "after", "expected"),
    [
        pytest.param("strong", 0, 0, ["Cue.", "Cue."], id="none"),
        pytest.param("strong", 0, 1, ["Cue. Cow.", "Cue. Fox."], id="after"),
        pytest.param("strong", 1, 0, ["Bee. Cue.", "Elk. Cue."], id="before"),
        pytest.param("strong", 1, 2, ["Bee. Cue. Cow. Dog.", "Elk. Cue. Fox. Gnu."], id="both"),
        pytest.param("strong", 2, 2, [_ANIMALS], id="until they touch"),
        pytest.param("weak", 2, 2, ["Cue.", "Cue."], id="too weak to carry"),
    ],
)
def test_evidence_carries_over_to_the_neighbours_of_a_sentence(
    strength: Strength, before: int, after: int, expected: list[str]
) -> None:
    scoring = Scoring(partial=0.1, present=50.0, span=0.15, before=before, after=after)
    cue = Cue(text="cue", strength=strength)
    annotator = CueAnnotator(_taxonomy({"x": [cue]}, scoring=scoring))

    spans = annotator.annotate_text(_ANIMALS).elements[0].spans
    assert [span.quote for span in spans] == expected


def test_sentences_that_touch_are_one_span_as_sure_as_the_surest() -> None:
    cues: list[str | Cue] = ["cue", Cue(text="hint", strength="medium")]
    annotator = CueAnnotator(_taxonomy({"x": cues}, scoring=ONE_IS_ENOUGH))

    spans = annotator.annotate_text("A hint. A cue. A hint. Ant. A hint.").elements[0].spans
    assert [(s.quote, s.first_sentence, s.last_sentence, s.confidence) for s in spans] == [
        ("A hint. A cue. A hint.", 1, 3, 0.8),
        ("A hint.", 5, 5, 0.5),
    ]


@given(st.lists(st.tuples(TEXTS, st.none() | TEXTS), max_size=5))
@example([("It is not", None), ("let me check", None), ("let me", None), ("check", None)])
@example([('He said "yes', None), ("let me check", None), ("> x", None), ("wait", None)])
@example([("\\[ y \\]", None), ("x = 3", None)])
@example([("if it rains", None), ("then we go", None), ("if it rains then", None), ("", None)])
@example(
    [("Let me check all of it.", "Let me check all of it."), ("Let me check all of it.", None)]
)
@settings(max_examples=200, deadline=None)
def test_a_trace_is_annotated_alike_in_any_company(rows: list[tuple[str, str | None]]) -> None:
    signals = {"display-math": "medium", "equation": "medium", "question": "weak"}
    scoring = Scoring(partial=0.1, present=1.5, before=1, after=2)
    annotator = CueAnnotator(_taxonomy(CUES, scoring=scoring, signals=signals))
    traces = [
        Trace(trace_id=str(number), text=text, question=question)
        for number, (text, question) in enumerate(rows)
    ]
    alone = [annotation for trace in traces for annotation in annotator.annotate([trace])]

    assert annotator.annotate(traces) == alone
    assert annotator.annotate(traces[::-1]) == alone[::-1]


@pytest.mark.slow
def test_many_traces_of_all_lengths_are_annotated_alike_in_any_company() -> None:
    annotator = CueAnnotator(_taxonomy(CUES, scoring=ONE_IS_ENOUGH))
    traces = [
        Trace(trace_id=str(number), text="".join(_PHRASES[number % 9 :: 2]) * (number**3 % 997))
        for number in range(60)
    ]
    alone = [annotation for trace in traces for annotation in annotator.annotate([trace])]

    assert annotator.annotate(traces) == alone
    assert len({len(annotation.elements[0].spans) for annotation in alone}) > 9
    again = CueAnnotator(_taxonomy(CUES, scoring=ONE_IS_ENOUGH))
    assert again.annotate(traces) == alone


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"cues": CUES | {"doubt": ["not sure"]}}, id="one cue less"),
        pytest.param({"cues": dict(reversed(CUES.items()))}, id="order of elements"),
        pytest.param({"scoring": Scoring(partial=0.2)}, id="scoring"),
        pytest.param({"signals": {"heading": "weak"}}, id="signal"),
    ],
)
def test_the_fingerprint_changes_with_the_taxonomy_and_only_with_it(change: dict[str, Any]) -> None:
    options = {"cues": CUES} | change

    before, same, after, after_too = (
        CueAnnotator(_taxonomy(**chosen)).ref.fingerprint
        for chosen in ({"cues": CUES}, {"cues": CUES}, options, options)
    )
    assert before == same
    assert after == after_too
    assert before != after
