"""Answers kept as they come: none lost by a kill, a full disk or a closed store."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cogtrace.annotator.llm.store import (
    AnswerStore,
    GroupCount,
    Outcome,
    Unit,
    with_quotes,
    without_quotes,
)
from cogtrace.jobs.budget import added
from cogtrace.records import ANCHORS, ElementAnnotation, Span, Unanswered, Usage

# Half a surrogate pair never gets here: answers that hold one are unusable.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
COUNTS = st.integers(0, 2**62)
USAGES = st.builds(
    Usage,
    requests=COUNTS,
    prompt_tokens=COUNTS,
    cached_tokens=COUNTS,
    completion_tokens=COUNTS,
    seconds=st.floats(0, 1e9),
)
SPANS = st.builds(
    Span,
    start=st.integers(0, 10),
    end=st.integers(10, 30),
    quote=st.just(""),
    first_sentence=st.integers(1, 9),
    last_sentence=st.integers(1, 9),
    anchor=st.sampled_from(ANCHORS),
    source=TEXT,
    confidence=st.none() | st.floats(0, 1),
)
ENTRIES = st.builds(
    ElementAnnotation,
    element=TEXT,
    score=st.integers(0, 2),
    spans=st.lists(SPANS, max_size=3).map(tuple),
    explanation=st.none() | TEXT,
)
LOST = st.builds(
    Unanswered,
    elements=st.lists(TEXT, max_size=3).map(tuple),
    reason=TEXT,
    message=TEXT,
    raw=st.none() | TEXT,
)
OUTCOMES = st.builds(
    Outcome,
    elements=st.lists(ENTRIES, max_size=4).map(tuple),
    unanswered=st.lists(LOST, max_size=2).map(tuple),
    usage=USAGES,
    tally=st.dictionaries(TEXT, st.integers(), max_size=3),
)
UNITS = st.builds(Unit, key=st.binary(min_size=1, max_size=16), question=TEXT, fingerprint=TEXT)
FAILED = Outcome(unanswered=(Unanswered(elements=("a",), reason="no", message="no"),))


def _unit(name: str, question: str = "q", fingerprint: str = "f") -> Unit:
    return Unit(key=name.encode(), question=question, fingerprint=fingerprint)


def _eventually(holds: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / AnswerStore.NAME


@pytest.fixture
def store(path: Path) -> Iterator[AnswerStore]:
    with closing(AnswerStore(path)) as opened:
        yield opened


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(UNITS, OUTCOMES), max_size=10), st.booleans())
def test_what_was_put_last_under_a_key_is_what_is_got(
    tmp_path_factory: pytest.TempPathFactory, puts: list[tuple[Unit, Outcome]], reopened: bool
) -> None:
    path = tmp_path_factory.mktemp("store") / AnswerStore.NAME
    store = AnswerStore(path)
    for unit, outcome in puts:
        store.put(unit, outcome)
    if reopened:
        store.close()
        store = AnswerStore(path)
    with closing(store):
        expected = {unit.key: outcome for unit, outcome in puts}
        assert store.get([*expected, b"unknown to all of them"]) == expected
        assert sum(g.answered + g.failed for g in store.counts()) == len(expected)


def test_any_number_of_keys_can_be_asked_for_at_once(store: AnswerStore) -> None:
    keys = [str(number).encode() for number in range(40_000)]
    for number in range(0, 40_000, 100):
        store.put(_unit(str(number)), Outcome(tally={"n": number}))

    found = store.get(keys + keys)

    assert found == {str(n).encode(): Outcome(tally={"n": n}) for n in range(0, 40_000, 100)}
    assert store.get([]) == {}


def test_units_are_counted_by_question_and_fingerprint(store: AnswerStore) -> None:
    for name in "abc":
        store.put(_unit(name, "planning", "old"), Outcome())
    store.put(_unit("d", "planning", "new"), Outcome())
    store.put(_unit("e", "planning", "new"), FAILED)
    store.put(_unit("f", "doubt's \"; DROP TABLE units; --", "new"), FAILED)

    assert [(g.question[:5], g.fingerprint, g.answered, g.failed) for g in store.counts()] == [
        ("doubt", "new", 0, 1),
        ("plann", "new", 1, 1),
        ("plann", "old", 3, 0),
    ]


def test_only_units_without_an_answer_are_forgotten(store: AnswerStore) -> None:
    store.put(_unit("good"), Outcome())
    store.put(_unit("bad"), FAILED)

    assert (store.forget_failed(), store.forget_failed()) == (1, 0)
    assert set(store.get([b"good", b"bad"])) == {b"good"}


def test_a_few_answers_before_a_long_silence_are_on_disk_soon(
    store: AnswerStore, path: Path
) -> None:
    journal = path.with_name(f"{path.name}-wal")
    store.put(_unit("before"), Outcome())
    assert _eventually(lambda: journal.stat().st_size > 0)
    size = journal.stat().st_size

    for number in range(3):
        store.put(_unit(f"in a burst {number}"), Outcome())

    assert _eventually(lambda: journal.stat().st_size > size)


def test_what_was_spent_without_an_answer_is_kept_too(path: Path) -> None:
    with closing(AnswerStore(path)) as store:
        store.spend(Usage(requests=3, prompt_tokens=100))
        store.spend(Usage(requests=1, prompt_tokens=5))
    with closing(AnswerStore(path)) as store:
        assert store.spent() == Usage(requests=4, prompt_tokens=105)


def test_what_was_spent_can_be_asked_for_after_closing(path: Path) -> None:
    store = AnswerStore(path)
    store.spend(Usage(requests=3))
    store.close()
    store.close()
    assert store.spent() == Usage(requests=3)


def test_a_closed_store_says_so_and_blames_no_damage(path: Path) -> None:
    store = AnswerStore(path)
    store.close()
    uses: list[Callable[[], object]] = [
        lambda: store.put(_unit("a"), Outcome()),
        lambda: store.get([b"a"]),
        store.counts,
        store.forget_failed,
        store.flush,
    ]
    for use in uses:
        with pytest.raises(ValueError, match="closed"):
            use()


def test_threads_may_put_and_get_and_spend_at_once(path: Path) -> None:
    failures: list[BaseException] = []
    store = AnswerStore(path)

    def work(thread: int) -> None:
        try:
            for number in range(300):
                store.put(_unit(f"{thread}-{number}"), Outcome(tally={"n": number}))
                store.spend(Usage(requests=1))
                if number % 10 == 0:
                    key = f"{thread}-{number // 2}".encode()
                    assert store.get([key])[key].tally == {"n": number // 2}
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.close()

    assert failures == []
    with closing(AnswerStore(path)) as again:
        assert again.counts() == [
            GroupCount(question="q", fingerprint="f", answered=1_200, failed=0)
        ]
        assert again.spent().requests == 1_200


@given(USAGES, USAGES)
def test_costs_add_up(one: Usage, other: Usage) -> None:
    both = added(one, other)
    assert both == added(other, one)
    for name in ("requests", "prompt_tokens", "cached_tokens", "completion_tokens"):
        assert getattr(both, name) == getattr(one, name) + getattr(other, name)
    assert both.seconds == pytest.approx(one.seconds + other.seconds, abs=1e-6)


def test_many_short_times_are_not_rounded_away() -> None:
    total = Usage()
    for _ in range(1_000):
        total = added(total, Usage(seconds=0.0004))
    assert total.seconds == pytest.approx(0.4)


@given(st.lists(ENTRIES, max_size=3), st.text(min_size=30, max_size=40))
def test_quotes_are_left_out_and_cut_from_the_text_again(
    entries: list[ElementAnnotation], text: str
) -> None:
    full = with_quotes(entries, text)
    for entry in full:
        assert all(span.quote == text[span.start : span.end] for span in entry.spans)
    assert without_quotes(full) == tuple(entries)


def test_an_outcome_that_cannot_be_stored_leaves_the_others_alone(store: AnswerStore) -> None:
    store.put(_unit("before"), Outcome())
    spoilt = Unanswered(elements=("a",), reason="no", message="no", raw="half \ud800 a pair")
    with pytest.raises(UnicodeEncodeError):
        store.put(_unit("spoilt"), Outcome(unanswered=(spoilt,)))
    store.put(_unit("after"), Outcome())
    assert set(store.get([b"before", b"spoilt", b"after"])) == {b"before", b"after"}
