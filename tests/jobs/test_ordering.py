"""Rows in random order: a fair order, the same for the same seed, and little memory."""

from __future__ import annotations

import errno
import gc
import resource
import subprocess
import sys
import tracemalloc
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cogtrace.jobs.ordering import ShuffledRows
from cogtrace.records import Quarantined, SourceRow, Trace

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
META = st.recursive(
    st.none()
    | st.booleans()
    | TEXT
    | st.integers(-(2**63) + 1, 2**63 - 1)
    # Not only the smallest: how a float is written matters at both ends.
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
TRACES = st.builds(
    Trace,
    trace_id=TEXT,
    text=TEXT,
    question=st.none() | TEXT,
    correct=st.none() | st.booleans(),
    meta=st.dictionaries(TEXT, META, max_size=3),
)
BAD = st.builds(
    Quarantined,
    file=TEXT,
    line=st.integers(1, 2**40),
    reason=st.just("bad-json"),
    message=TEXT,
    trace_id=st.none() | TEXT,
    raw=st.none() | TEXT,
    raw_truncated=st.booleans(),
    elements=st.none() | st.tuples(TEXT),
)
ROWS = st.lists(
    st.builds(SourceRow, file=TEXT, line=st.integers(1, 2**40), value=TRACES | BAD), max_size=20
)


def _numbered(count: int, text: str = ".") -> Iterator[SourceRow]:
    for line in range(count):
        yield SourceRow(file="f", line=line, value=Trace(trace_id=str(line), text=text))


def _order(count: int, seed: int) -> list[int]:
    with ShuffledRows(_numbered(count), seed) as shuffled:
        return [row.line for row in shuffled]


def _key(row: SourceRow) -> str:
    return repr(row)


@settings(max_examples=40)
@given(ROWS, st.integers(0, 2**32))
def test_every_row_comes_out_once_and_as_it_went_in(rows: list[SourceRow], seed: int) -> None:
    with ShuffledRows(iter(rows), seed) as shuffled:
        assert len(shuffled) == len(rows)
        assert sorted(shuffled, key=_key) == sorted(rows, key=_key)


@settings(max_examples=40)
@given(ROWS, st.integers(0, 2**32))
def test_the_order_depends_on_the_seed_and_the_number_of_rows_alone(
    rows: list[SourceRow], seed: int
) -> None:
    with ShuffledRows(rows, seed) as shuffled:
        expected = [rows[number] for number in _order(len(rows), seed)]
        assert list(shuffled) == expected
        assert list(shuffled) == expected, "and a second time"


def test_other_seeds_give_other_orders() -> None:
    assert len({tuple(_order(50, seed)) for seed in range(100)}) == 100


def test_two_readers_of_the_same_rows_do_not_disturb_each_other() -> None:
    with ShuffledRows(_numbered(50), seed=1) as shuffled:
        pairs = list(zip(shuffled, shuffled, strict=True))
    assert all(one == other for one, other in pairs)
    assert len(pairs) == 50


def test_each_row_is_as_likely_in_each_place() -> None:
    count, draws = 8, 4_000
    seen = Counter(
        (place, row) for seed in range(draws) for place, row in enumerate(_order(count, seed))
    )
    expected = draws / count
    chi_square = sum(
        (seen[place, row] - expected) ** 2 / expected
        for place in range(count)
        for row in range(count)
    )
    # 49 degrees of freedom: a fair shuffle exceeds 100 once in 20,000 times; leaving out
    # a swap, or one that never keeps a row in place, exceeds it by far.
    assert chi_square < 100


def test_memory_does_not_grow_with_the_size_of_the_texts() -> None:
    text = "A sentence of a long trace. " * 400
    count = 3_000
    tracemalloc.start()
    try:
        with ShuffledRows(_numbered(count, text), seed=0) as shuffled:
            total = sum(len(row.value.text) for row in shuffled if isinstance(row.value, Trace))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert total == count * len(text) > 30_000_000
    assert peak < 500_000


def test_nothing_is_left_in_the_folder(tmp_path: Path) -> None:
    with ShuffledRows(_numbered(10), seed=0, folder=tmp_path) as shuffled:
        assert len(list(shuffled)) == 10
    assert list(tmp_path.iterdir()) == []


def test_an_input_that_breaks_off_passes_its_error_on_and_leaves_nothing_open(
    tmp_path: Path,
) -> None:
    def broken() -> Iterator[SourceRow]:
        yield from _numbered(3)
        raise OSError(errno.EIO, "the input is gone")

    with warnings.catch_warnings(record=True) as unclosed:
        warnings.simplefilter("always")
        with pytest.raises(OSError, match="the input is gone"):
            ShuffledRows(broken(), seed=0, folder=tmp_path)
        gc.collect()
    assert unclosed == []


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="no limit on file sizes")
def test_a_full_disk_is_met_before_the_first_row_is_given_out(tmp_path: Path) -> None:
    # A process of its own, because the limit holds for all files of a process.
    script = f"""
import resource
from cogtrace.jobs.ordering import ShuffledRows
from cogtrace.records import SourceRow, Trace
from pathlib import Path
resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, resource.RLIM_INFINITY))
rows = [SourceRow(file="f", line=n, value=Trace(trace_id="a", text="x" * 100)) for n in range(40)]
try:
    ShuffledRows(rows, 0, Path({str(tmp_path)!r}))
except OSError as error:
    print("stopped:", error.strerror)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("stopped: File too large\n", "")


def test_a_negative_seed_is_a_seed() -> None:
    assert sorted(_order(20, -3)) == list(range(20))
