"""The gold corpus is what its card says, and its lint finds what may go wrong."""

from __future__ import annotations

import json
import re
from importlib.resources import files

import msgspec
import pytest

from cogtrace import schemas
from cogtrace.corpora import gold
from cogtrace.corpora.gold import SPLITS, GoldPassage, GoldSentence, read_gold, splits
from cogtrace.corpora.gold.counting import count, is_hedged
from cogtrace.corpora.gold.linting import lint_gold
from cogtrace.taxonomy import load_taxonomy

ELEMENTS = load_taxonomy().element_ids


def _passage(name: str, *texts: str, element: str = "verification") -> GoldPassage:
    sentences = tuple(GoldSentence(text=text, labels={element: 1}) for text in texts)
    return GoldPassage(
        id=name, element=element, register="model", domain="tests", sentences=sentences
    )


def _faults(*passages: GoldPassage) -> list[str]:
    """Return what lint finds in a part of the corpus with passages added."""
    part = [passage for passage in read_gold() if passage.element == "verification"]
    return lint_gold([*part, *passages], load_taxonomy())


def test_the_corpus_has_no_fault() -> None:
    assert lint_gold(read_gold(), load_taxonomy()) == []


def test_every_passage_fits_its_schema() -> None:
    for passage in read_gold():
        assert schemas.problems("gold-passage", json.loads(msgspec.json.encode(passage))) == []


def test_every_passage_is_in_exactly_one_split_and_every_element_in_each() -> None:
    parts = {split: read_gold(split) for split in SPLITS}
    names = [passage.id for part in parts.values() for passage in part]

    assert sorted(names) == sorted(passage.id for passage in read_gold())
    assert len(set(names)) == len(names)
    for part in parts.values():
        assert {passage.element for passage in part if not passage.complete} == set(ELEMENTS)
        assert any(passage.complete for passage in part if passage.element)


@pytest.mark.parametrize(("whole", "test", "dev"), [(False, 0.25, 0.15), (True, 0.1, 0.1)])
def test_each_split_has_its_share(whole: bool, test: float, dev: float) -> None:
    counts = {
        split: sum(whole != bool(passage.element) for passage in read_gold(split))
        for split in SPLITS
    }
    assert counts["test"] / sum(counts.values()) == pytest.approx(test, abs=0.02)
    assert counts["dev"] / sum(counts.values()) == pytest.approx(dev, abs=0.02)


def test_whole_traces_are_judged_for_everything_and_show_every_element() -> None:
    traces = [passage for passage in read_gold() if not passage.element]

    assert all(trace.complete for trace in traces)
    assert {label for t in traces for s in t.sentences for label in s.labels} == set(ELEMENTS)


def test_the_split_rests_on_ids_alone() -> None:
    passages = read_gold()
    other_texts = [msgspec.structs.replace(p, sentences=()) for p in reversed(passages)]

    assert splits(other_texts) == splits(passages)


def test_every_sentence_stands_in_the_text_where_the_passage_says() -> None:
    for passage in read_gold():
        texts = [passage.text[start:end] for start, end in passage.ranges]
        assert texts == [sentence.text.strip() for sentence in passage.sentences]


def test_what_was_not_judged_is_zero_only_in_complete_passages() -> None:
    passage = _passage("x", "It rains.")

    assert passage.score(0, "verification") == 1
    assert passage.score(0, "backtracking") is None
    assert msgspec.structs.replace(passage, complete=True).score(0, "backtracking") == 0


def test_a_paragraph_begins_where_a_sentence_brings_its_line_breaks() -> None:
    assert _passage("x", "One.", "\n\nTwo.", "Three.").text == "One.\n\nTwo. Three."


@pytest.mark.parametrize(
    ("passage", "fault"),
    [
        pytest.param(_passage("verification-001", "It rains."), "2 passages", id="same id"),
        pytest.param(_passage("x", "It rains.", element="rain"), "no element", id="no element"),
        pytest.param(_passage("x", "It rains. It pours."), "splitter", id="two sentences"),
    ],
)
def test_lint_names_a_fault(passage: GoldPassage, fault: str) -> None:
    assert any(passage.id in line and fault in line for line in _faults(passage))


def test_lint_finds_a_sentence_that_two_splits_share() -> None:
    known = max((s.text.strip() for s in read_gold()[-1].sentences), key=len)
    # Of several passages some are in another split.
    copies = [_passage(f"copy-{n}", known[:-1] + "!") for n in range(8)]

    assert any("nearly the same" in line for line in _faults(*copies))


def test_lint_finds_a_worked_example_in_the_test_split() -> None:
    example = load_taxonomy().element("verification").examples[0]
    quote = max(example.quotes, key=len)
    copies = [_passage(f"copy-{n}", quote) for n in range(12)]

    assert any("worked example" in line for line in _faults(*copies))


def test_lint_finds_lengths_that_tell_the_score() -> None:
    long = "It rains on the roof and on the road and on the hill, " * 6 + "and so it goes on."
    passages = [_passage(f"long-{n}", long) for n in range(120)]

    assert any("verification" in line and "length" in line for line in _faults(*passages))


@pytest.mark.parametrize("element", ELEMENTS)
def test_hedges_at_the_end_do_not_tell_partial_from_clear(element: str) -> None:
    found = count(read_gold(), element)

    assert found.hedged[1] <= 0.1 * found.sentences[1]


def test_a_hedge_is_one_at_the_end_alone() -> None:
    assert is_hedged("That should do, I think.")
    assert not is_hedged("I think that should do it.")


def test_the_card_states_the_numbers_of_passages_and_sentences() -> None:
    card = files(gold).joinpath("README.md").read_text(encoding="utf-8")
    parts = [[p for p in read_gold() if whole != bool(p.element)] for whole in (False, True)]
    numbers = re.findall(r"[\d,]+(?= (?:short passages|whole traces|sentences\b))", card)

    assert numbers[:4] == [
        f"{number:,}" for p in parts for number in (len(p), sum(len(t.sentences) for t in p))
    ]
