"""The LLM annotator over a model that a function plays."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from asking import answer, asked_of, limits_of, llm

from cogtrace.engines import Failure, Request, Result
from cogtrace.errors import EngineError, OptionError, SchemaIgnored, Stopped
from cogtrace.records import Trace, Usage
from cogtrace.taxonomy import Taxonomy
from cogtrace.taxonomy.loader import build_taxonomy

TEXT = "First we add. Then we add again. Let me check the sum. It holds. So it is nine."


@pytest.fixture
def taxonomy(tiny_taxonomy: dict[str, Any]) -> Taxonomy:
    return build_taxonomy(tiny_taxonomy, "tiny")


def trace(name: str = "t", text: str = TEXT) -> Trace:
    return Trace(trace_id=name, text=text)


def test_evidence_becomes_spans_of_whole_sentences(taxonomy: Taxonomy) -> None:
    def model(request: Request) -> str | None:
        return answer(request, re_reading=(2, [[3, 4]]))

    annotator = llm(model, taxonomy)
    (found,) = annotator.annotate([trace()])
    annotator.close()

    entry = found.of("re-reading")
    assert entry is not None
    assert (entry.score, entry.explanation) == (2, "because")
    (span,) = entry.spans
    assert TEXT[span.start : span.end] == span.quote
    assert span.quote.strip() == "Let me check the sum. It holds."
    assert (span.first_sentence, span.last_sentence, span.anchor) == (3, 4, "sentence")
    assert span.source == "llm"
    assert [e.element for e in found.elements] == list(taxonomy.element_ids)
    assert [e.score for e in found.elements] == [2, 0, 0]


@pytest.mark.parametrize(("ask", "questions"), [("element", 3), ("group", 2), ("all", 1)])
def test_a_trace_is_asked_one_question_per_element_or_dimension_or_one_in_all(
    taxonomy: Taxonomy, ask: str, questions: int
) -> None:
    seen: list[list[str]] = []

    def model(request: Request) -> str | None:
        seen.append(asked_of(request))
        return answer(request)

    annotator = llm(model, taxonomy, options={"ask": ask})
    (found,) = annotator.annotate([trace()])
    annotator.close()

    asked = [names for names in seen if names]
    assert len(asked) == questions
    assert sorted(name for names in asked for name in names) == sorted(taxonomy.element_ids)
    assert found.usage is not None
    assert found.usage.requests == questions
    assert found.tally["questions"] == questions


def test_a_contradictory_answer_is_asked_again_once_and_only_for_what_was_wrong(
    taxonomy: Taxonomy,
) -> None:
    seen: list[list[str]] = []

    def model(request: Request) -> str | None:
        seen.append(asked_of(request))
        if len(request.messages) > 2:
            return answer(request, turning_back=(1, [[2, 2]]))
        return answer(request, turning_back=(2, []), guessing=(1, [[1, 1]]))

    annotator = llm(model, taxonomy, options={"ask": "all"})
    (found,) = annotator.annotate([trace()])
    annotator.close()

    assert [names for names in seen if names] == [list(taxonomy.element_ids), ["turning-back"]]
    assert [e.score for e in found.elements] == [0, 1, 1]
    assert found.unanswered == ()
    assert found.tally["repairs"] == 1


def test_what_stays_contradictory_is_set_aside_and_the_rest_of_the_trace_stays(
    taxonomy: Taxonomy,
) -> None:
    def model(request: Request) -> str | None:
        return answer(request, turning_back=(2, [[4, 2]]), re_reading=(1, [[1, 1]]))

    annotator = llm(model, taxonomy)
    (found,) = annotator.annotate([trace()])
    annotator.close()

    assert [e.element for e in found.elements] == ["re-reading", "guessing"]
    (lost,) = found.unanswered
    assert (lost.elements, lost.reason) == (("turning-back",), "reversed-range")
    assert lost.raw is not None
    assert json.loads(lost.raw)["turning-back"]["evidence"] == [[4, 2]]


def test_votes_are_counted_and_their_agreement_is_the_confidence(taxonomy: Taxonomy) -> None:
    votes = Counter[str]()

    def model(request: Request) -> str | None:
        if "re-reading" not in asked_of(request):
            return answer(request)
        votes[request.key] += 1
        number = int(request.key.rpartition("/")[2])
        assert request.temperature > 0
        return answer(request, re_reading=(2, [[3, 3]]) if number < 2 else (0, []))

    annotator = llm(model, taxonomy, options={"votes": 3})
    (found,) = annotator.annotate([trace()])
    annotator.close()

    entry = found.of("re-reading")
    assert entry is not None
    assert entry.score == 2
    assert [span.confidence for span in entry.spans] == [0.667]
    assert sorted(votes.values()) == [1, 1, 1]


def test_a_long_trace_is_read_in_windows_and_every_sentence_is_shown(taxonomy: Taxonomy) -> None:
    text = " ".join(f"This is sentence number {n} of a long trace." for n in range(1, 201))
    shown: set[int] = set()

    def model(request: Request) -> str | None:
        names = asked_of(request)
        if not names:
            return None
        first, last = limits_of(request)
        shown.update(range(first, last + 1))
        return answer(request, re_reading=(1, [[last, last]]))

    annotator = llm(model, taxonomy, options={"window_tokens": 512, "max_windows": 20})
    (found,) = annotator.annotate([trace(text=text)])
    annotator.close()

    assert shown == set(range(1, 201))
    entry = found.of("re-reading")
    assert entry is not None
    assert entry.score == 1
    assert len(entry.spans) == found.tally["windows"] / 2 > 2
    assert all(text[span.start : span.end] == span.quote for span in entry.spans)


def test_a_trace_with_too_many_windows_has_no_entries_and_says_why(taxonomy: Taxonomy) -> None:
    text = " ".join(f"This is sentence number {n} of a long trace." for n in range(1, 201))

    annotator = llm(answer, taxonomy, options={"window_tokens": 256, "max_windows": 2})
    found = annotator.annotate([trace("long", text), trace("short")])
    annotator.close()

    assert found[0].elements == ()
    (lost,) = found[0].unanswered
    assert lost.reason == "too-many-windows"
    assert "--max-windows 2" in lost.message
    assert lost.elements == taxonomy.element_ids
    assert len(found[1].elements) == 3


def test_a_window_that_the_server_finds_too_long_is_split(taxonomy: Taxonomy) -> None:
    def model(request: Request) -> str | Result | None:
        if not asked_of(request):
            return None
        first, last = limits_of(request)
        if last - first >= 2:
            return Result(
                finish="failed", failure=Failure(kind="too-long", message="context is 40 tokens")
            )
        return answer(request, re_reading=(1, [[first, first]]))

    annotator = llm(model, taxonomy)
    (found,) = annotator.annotate([trace()])
    annotator.close()

    entry = found.of("re-reading")
    assert entry is not None
    assert entry.spans[0].first_sentence == 1
    assert len(entry.spans) >= 2
    assert found.unanswered == ()


def test_copies_of_a_text_are_asked_about_once(taxonomy: Taxonomy, tmp_path: Path) -> None:
    seen: list[str] = []

    def model(request: Request) -> str | None:
        seen.extend(asked_of(request))
        return answer(request)

    annotator = llm(model, taxonomy, folder=tmp_path)
    annotator.annotate([trace("a"), trace("b"), trace("c")])
    annotator.annotate([trace("d")])
    annotator.close()
    again = llm(model, taxonomy, folder=tmp_path)
    (found,) = again.annotate([trace("e")])
    spent = again.spent()
    again.close()

    assert sorted(seen) == sorted(taxonomy.element_ids)
    assert found.trace_id == "e"
    assert spent.requests == 2


def test_a_changed_element_asks_again_only_the_question_it_is_in(
    tiny_taxonomy: dict[str, Any], tmp_path: Path
) -> None:
    seen: list[str] = []

    def model(request: Request) -> str | None:
        seen.extend(asked_of(request))
        return answer(request)

    options = {"shots_tokens": 0}
    with_old = llm(model, build_taxonomy(tiny_taxonomy, "tiny"), folder=tmp_path, options=options)
    with_old.annotate([trace()])
    with_old.close()
    seen.clear()
    changed = json.loads(json.dumps(tiny_taxonomy))
    changed["elements"][0]["definition"] = "The reasoner reads something for a second time."
    with_new = llm(model, build_taxonomy(changed, "tiny"), folder=tmp_path, options=options)
    with_new.annotate([trace()])
    with_new.close()

    assert seen == ["re-reading"]
    assert with_old.ref.fingerprint != with_new.ref.fingerprint


@pytest.mark.parametrize(
    "change",
    [
        {"votes": 2},
        {"evidence": 2},
        {"reason_chars": 40},
        {"quotes": True},
        {"temperature": 0.5},
        {"overlap": 1},
        {"window_tokens": 700},
        {"shots_tokens": 100},
    ],
)
def test_whatever_decides_an_answer_changes_the_fingerprint(
    taxonomy: Taxonomy, change: dict[str, Any]
) -> None:
    plain = llm(answer, taxonomy)
    changed = llm(answer, taxonomy, options=change)
    plain.close()
    changed.close()

    assert plain.ref.fingerprint != changed.ref.fingerprint


def test_what_decides_no_answer_leaves_the_fingerprint(taxonomy: Taxonomy) -> None:
    plain = llm(answer, taxonomy)
    other = llm(
        answer, taxonomy, arguments={"latency_ms": 1}, options={"audit": 0.5}, fence="ffffffff"
    )
    plain.close()
    other.close()

    assert plain.ref.fingerprint == other.ref.fingerprint


def test_a_spent_budget_stops_with_the_traces_that_are_whole(
    taxonomy: Taxonomy, tmp_path: Path
) -> None:
    annotator = llm(
        answer, taxonomy, folder=tmp_path, limits={"max_tokens_total": 20_000}, concurrency=4
    )
    traces = [trace(f"t{n}", f"{TEXT} This is trace {n}.") for n in range(200)]
    with pytest.raises(Stopped) as stop:
        annotator.annotate(traces)
    annotator.close()

    assert "--max-tokens-total 20,000 reached" in stop.value.reason
    done = stop.value.done
    assert [a.trace_id for a in done] == [t.trace_id for t in traces[: len(done)]]
    assert 0 < len(done) < 200
    again = llm(answer, taxonomy, folder=tmp_path)
    assert [a.trace_id for a in again.annotate(traces)] == [t.trace_id for t in traces]
    again.close()


def test_a_limit_on_the_cost_needs_prices(taxonomy: Taxonomy) -> None:
    with pytest.raises(OptionError, match="--price-in"):
        llm(answer, taxonomy, limits={"max_cost": 1.0})


def test_a_model_that_ignores_the_schema_is_refused_before_anything_is_asked(
    taxonomy: Taxonomy,
) -> None:
    with pytest.raises(SchemaIgnored):
        llm(lambda request: "Sure! Here is what I think.", taxonomy)


def test_a_context_that_is_too_small_is_refused_with_advice(taxonomy: Taxonomy) -> None:
    with pytest.raises(EngineError, match="--ask element"):
        llm(answer, taxonomy, arguments={"context_tokens": 600})


class _Watch:
    """Asks to stop once so many traces are done."""

    def __init__(self, after: int) -> None:
        self.after, self.traces = after, 0

    def stop_reason(self) -> str | None:
        return "interrupted" if self.traces >= self.after else None

    def progressed(self, traces: int, usage: Usage, cost: float | None) -> None:
        self.traces = traces


def test_whoever_waits_may_stop_it_and_keeps_what_is_whole(taxonomy: Taxonomy) -> None:
    annotator = llm(answer, taxonomy, watch=_Watch(5), arguments={"latency_ms": 5})
    with pytest.raises(Stopped, match="interrupted") as stop:
        annotator.annotate([trace(f"t{n}", f"{TEXT} Trace {n}.") for n in range(500)])
    annotator.close()

    assert 5 <= len(stop.value.done) < 500


@pytest.fixture
def texts() -> list[str]:
    return ["", " \n ", "\u200b", "x" * 50_000, "é" * 10, "[1] [2] [3]", "\x00\x1b[31m", "。" * 400]


def test_no_text_breaks_it(taxonomy: Taxonomy, texts: list[str]) -> None:
    def model(request: Request) -> str | None:
        if not asked_of(request):
            return None
        first, last = limits_of(request)
        return answer(request, re_reading=(1, [[first, last]]))

    annotator = llm(model, taxonomy, options={"quotes": False})
    found = annotator.annotate([trace(str(n), text) for n, text in enumerate(texts)])
    annotator.close()

    for text, annotation in zip(texts, found, strict=True):
        for entry in annotation.elements:
            for span in entry.spans:
                assert text[span.start : span.end] == span.quote != ""
