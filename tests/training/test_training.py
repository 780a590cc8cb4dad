"""Training: labels from anywhere become a model that finds them again."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cogtrace.annotator.model.annotator import ModelAnnotator
from cogtrace.annotator.model.features import FeatureSettings
from cogtrace.annotator.model.files import Weights
from cogtrace.annotator.model.scorer import chain
from cogtrace.annotator.sentences import sentence_ranges
from cogtrace.corpora.gold import GoldPassage, GoldSentence
from cogtrace.errors import InputError, ModelError, OptionError, UnknownElement
from cogtrace.records import Annotation, AnnotatorRef, ElementAnnotation, Span, Trace, text_sha256
from cogtrace.taxonomy import Taxonomy, build_taxonomy, load_taxonomy
from cogtrace.training import LabelledTrace, TrainSettings, train
from cogtrace.training.calibrating import score_cuts, span_cut, successions
from cogtrace.training.labels import NOT_JUDGED, of_annotation, of_examples, of_passages
from cogtrace.training.packaging import package
from cogtrace.training.sources import read_sources

FAST = TrainSettings(strengths=(1.0,), features=FeatureSettings(buckets=2**14))


@pytest.fixture(scope="module")
def taxonomy(tiny_taxonomy: dict[str, Any]) -> Taxonomy:
    """Return a taxonomy that is not the bundled one."""
    return build_taxonomy(tiny_taxonomy, "tiny")


def _labelled(taxonomy: Taxonomy, first: int, count: int) -> list[LabelledTrace]:
    """Return traces in which "Blue N." is a guess and "Red N." a turn back."""
    found = []
    for number in range(first, first + count):
        text = f"Blue {number} it is today. The sum grows by {number}. Red {number} it was before."
        scores = np.zeros((3, 3), dtype=np.int64)
        scores[0, taxonomy.element_ids.index("guessing")] = 2
        scores[1, taxonomy.element_ids.index("re-reading")] = 1
        scores[2, taxonomy.element_ids.index("turning-back")] = 2
        found.append(LabelledTrace(Trace(trace_id=f"t{number}", text=text), scores))
    return found


@pytest.mark.parametrize("exclusive", [False, True])
def test_a_model_finds_what_it_was_taught(taxonomy: Taxonomy, exclusive: bool) -> None:
    how = msgspec.structs.replace(FAST, exclusive=exclusive)
    trained = train(_labelled(taxonomy, 0, 20), _labelled(taxonomy, 20, 8), taxonomy, how)
    trace = Trace(trace_id="new", text="Red 99 it was before. Blue 98 it is today.")
    (found,) = ModelAnnotator(trained.model, taxonomy).annotate([trace])

    spans = {entry.element: [s.quote for s in entry.spans] for entry in found.elements}
    assert spans["guessing"] == ["Blue 98 it is today."]
    assert spans["turning-back"] == ["Red 99 it was before."]
    assert trained.figures.macro_f1 == 1.0
    assert trained.figures.accuracy == (1.0 if exclusive else None)


def test_the_same_labels_and_seed_give_the_same_model(taxonomy: Taxonomy) -> None:
    one, other = (
        train(_labelled(taxonomy, 0, 12), _labelled(taxonomy, 12, 6), taxonomy, FAST).model
        for _ in range(2)
    )
    for name in Weights.__slots__:
        assert np.array_equal(getattr(one.weights, name), getattr(other.weights, name)), name
    assert one.config == other.config


def test_an_element_without_labels_is_never_found(taxonomy: Taxonomy) -> None:
    column = taxonomy.element_ids.index("guessing")

    def without(labelled: list[LabelledTrace]) -> list[LabelledTrace]:
        parts = []
        for each in labelled:
            scores = each.scores.copy()
            scores[:, column] = NOT_JUDGED
            parts.append(dataclasses.replace(each, scores=scores))
        return parts

    fit, dev = without(_labelled(taxonomy, 0, 12)), without(_labelled(taxonomy, 12, 6))
    model = train(fit, dev, taxonomy, msgspec.structs.replace(FAST, unjudged=0.0)).model
    found = ModelAnnotator(model, taxonomy).annotate([each.trace for each in fit])

    assert {a.elements[column].score for a in found} == {0}


def test_labels_that_do_not_fit_the_sentences_are_refused(taxonomy: Taxonomy) -> None:
    (bad,) = _labelled(taxonomy, 0, 1)
    bad = dataclasses.replace(bad, scores=bad.scores[:2])

    with pytest.raises(ModelError, match="t0: 2 sentences are labelled"):
        train([bad], [bad], taxonomy, FAST)


def test_spans_become_labels_of_the_sentences_they_lie_in() -> None:
    taxonomy = load_taxonomy().only(["verification", "backtracking", "abstraction"])
    text = "It is 41. Let me check that again, slowly. So it is. Done."
    quote = "check that"
    start = text.index(quote)
    span = Span(
        start=start,
        end=start + len(quote),
        quote=quote,
        first_sentence=2,
        last_sentence=2,
        anchor="exact",
        source="llm",
    )
    annotation = Annotation(
        trace_id="t",
        text_sha256=text_sha256(text),
        sentences=4,
        taxonomy=taxonomy.ref,
        annotator=AnnotatorRef(name="llm", version="1", fingerprint="x"),
        elements=(
            ElementAnnotation(element="verification", score=2, spans=(span,)),
            ElementAnnotation(element="abstraction", score=0),
        ),
    )
    scores = of_annotation(Trace(trace_id="t", text=text), annotation, taxonomy).scores

    columns = {name: scores[:, k].tolist() for k, name in enumerate(taxonomy.element_ids)}
    assert columns["verification"] == [0, 2, 0, 0]
    assert columns["abstraction"] == [0, 0, 0, 0]
    assert set(columns["backtracking"]) == {NOT_JUDGED}


def test_worked_examples_are_labels_of_their_own_element_alone() -> None:
    taxonomy = load_taxonomy()
    found = of_examples(taxonomy)

    assert len(found) == sum(len(element.examples) for element in taxonomy.elements)
    for each in found:
        assert len(each.scores) == len(sentence_ranges(each.trace.text))
        judged = (each.scores != NOT_JUDGED).any(axis=0)
        assert judged.sum() == 1
        assert taxonomy.element_ids[int(judged.argmax())] == each.trace.trace_id.partition("/")[0]


def test_passages_keep_what_was_not_judged() -> None:
    taxonomy = load_taxonomy().only(["verification", "backtracking"])
    passage = GoldPassage(
        id="p",
        element="verification",
        register="model",
        domain="tests",
        sentences=(GoldSentence(text="It rains.", labels={"verification": 0}),),
    )
    (found,) = of_passages([passage], taxonomy)

    assert sorted(found.scores[0].tolist()) == [NOT_JUDGED, 0]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(0.01, 5), st.integers(0, 2)), min_size=2, max_size=12))
def test_score_cuts_are_the_best_of_all(pairs: list[tuple[float, int]]) -> None:
    values = np.array([value for value, _ in pairs])
    gold = np.array([score for _, score in pairs])

    def agreement(low: float, high: float) -> float:
        scores = (values >= low).astype(int) + (values >= high)
        expected = ((scores[:, None] - gold[None, :]) ** 2).mean()
        return float(1 - ((scores - gold) ** 2).mean() / expected) if expected else 0.0

    levels = np.unique(values)
    tried = [levels[0] / 2, *((levels[1:] + levels[:-1]) / 2), levels[-1] + 1]
    best = max(agreement(low, high) for low in tried for high in tried if high >= low)
    assert agreement(*score_cuts(values, gold)) == pytest.approx(best)


def test_a_cut_lies_between_what_is_shown_and_what_is_not() -> None:
    rows = np.array([0.1] * 20 + [0.8] * 10)

    assert 0.1 < span_cut(rows, rows > 0.5) <= 0.8


def test_a_chain_leans_on_neighbours_and_sums_to_one() -> None:
    scores = np.zeros((40, 2), dtype=np.int64)
    scores[:20, 0] = scores[20:, 1] = 2
    follows, common = successions(scores, np.array([40]))
    single = np.array([[0.9, 0.1], [0.49, 0.51], [0.9, 0.1]])
    chained = chain(single, follows, common)

    assert np.allclose(chained.sum(axis=1), 1)
    assert chained[1, 0] > 0.5


def _write(path: Path, *passages: GoldPassage) -> str:
    path.write_bytes(b"\n".join(map(msgspec.json.encode, passages)))
    return str(path)


def test_a_source_without_dev_is_split_by_ids_and_the_seed(tmp_path: Path) -> None:
    passages = [
        GoldPassage(
            id=f"p{n}",
            element="verification",
            register="model",
            domain="tests",
            sentences=(GoldSentence(text=f"It rains {n}.", labels={"verification": 1}),),
        )
        for n in range(60)
    ]
    name = _write(tmp_path / "own.jsonl", *passages)
    one, again, other = (read_sources([name], seed=seed) for seed in (0, 0, 1))

    def ids(labelled: list[LabelledTrace]) -> list[str]:
        return [each.trace.trace_id for each in labelled]

    assert ids(one.dev) == ids(again.dev) != ids(other.dev)
    assert sorted(ids(one.train) + ids(one.dev)) == sorted(p.id for p in passages)
    assert 4 <= len(one.dev) <= 24


def test_a_bad_line_of_passages_is_named(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text('\n{"id": 1}\n', encoding="utf-8")

    with pytest.raises(InputError, match=r"own.jsonl:2: no passage"):
        read_sources([str(path)])


def test_a_label_that_is_no_element_is_named(tmp_path: Path) -> None:
    sentence = GoldSentence(text="It rains.", labels={"verificaton": 1})
    passage = GoldPassage(
        id="p", element="rain", register="model", domain="tests", sentences=(sentence,)
    )
    with pytest.raises(UnknownElement, match="verification"):
        read_sources([_write(tmp_path / "own.jsonl", passage)])


def test_labels_that_show_nothing_are_refused(tmp_path: Path) -> None:
    sentence = GoldSentence(text="It rains.", labels={"verification": 0})
    passage = GoldPassage(
        id="p", element="verification", register="model", domain="tests", sentences=(sentence,)
    )
    with pytest.raises(ModelError, match="no label to learn from"):
        read_sources([_write(tmp_path / "own.jsonl", passage)])


@pytest.mark.parametrize(
    ("name", "version"), [("../up", "1.0.0"), ("Model", "1.0.0"), ("m", "one"), ("m", "1.0.0\n")]
)
def test_a_package_needs_a_name_and_a_version(tmp_path: Path, name: str, version: str) -> None:
    with pytest.raises(OptionError):
        package(tmp_path, tmp_path / "out", name, version)
    assert not (tmp_path / "out").exists()
