"""What the store of answers withstands: kills, full disks, damage, other processes."""

from __future__ import annotations

import functools
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from cogtrace.annotator.llm.store import AnswerStore, Outcome, Unit
from cogtrace.errors import JobDamaged, JobLocked


def _unit(name: str) -> Unit:
    return Unit(key=name.encode(), question="q", fingerprint="f")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / AnswerStore.NAME


# Prints each unit once it has been put, for who kills the process to compare.
_PUTTING = """
import sys, time
from pathlib import Path
from cogtrace.annotator.llm.store import AnswerStore, Outcome, Unit
from cogtrace.records import Usage
store = AnswerStore(Path(sys.argv[1]))
for number in range(int(sys.argv[2]), 10**9):
    outcome = Outcome(tally={"n": number, "text": 0}, usage=Usage(requests=1))
    store.spend(Usage(requests=1))
    store.put(Unit(key=b"%d" % number, question="q", fingerprint="f"), outcome)
    sys.stdout.write(f"{number} {time.monotonic()}\\n")
    sys.stdout.flush()
    time.sleep(0.001)
"""


def test_a_process_killed_while_it_puts_loses_only_the_last_moment(path: Path) -> None:
    draw = random.Random(5)
    begin = 0
    for kills in range(1, 5):
        process = subprocess.Popen(
            [sys.executable, "-c", _PUTTING, str(path), str(begin)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        lines = [process.stdout.readline()]
        reader = threading.Thread(target=lambda out=process.stdout, to=lines: to.extend(out))
        reader.start()
        time.sleep(draw.uniform(0.05, 0.6))
        process.send_signal(signal.SIGKILL)
        process.wait()
        reader.join()
        process.stdout.close()
        put = [(int(n), float(at)) for n, at in (ln.split() for ln in lines if ln.endswith("\n"))]
        with closing(AnswerStore(path)) as store:
            known = store.get([str(number).encode() for number, _ in put])
            counted = sum(group.answered for group in store.counts())
            assert all(known[key].tally["n"] == int(key) for key in known)
            kept = begin + len(known)
            assert set(known) == {str(n).encode() for n in range(begin, kept)}, "no gap"
            # A busy machine may hold the writing up; then the number of units bounds the loss.
            lost = [at for number, at in put if number >= kept]
            assert not lost or put[-1][1] - lost[0] < 0.5 or len(lost) <= 64
            assert 0 <= store.spent().requests - counted <= kills
            begin = counted


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda content: b"not a database " * 100, id="something else"),
        pytest.param(lambda content: content[:5_000], id="cut off"),
        pytest.param(
            lambda content: content[:200] + b"\xff" * 9_000 + content[9_200:], id="spoilt"
        ),
        pytest.param(lambda content: content.replace(b'"tally"', b'"tal\x00\xff"'), id="rows"),
    ],
)
def test_a_damaged_file_is_named_with_what_to_do(
    path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    with closing(AnswerStore(path)) as store:
        for number in range(500):
            store.put(_unit(str(number)), Outcome(tally={"n": number}))
    path.write_bytes(spoil(path.read_bytes()))

    def use_it() -> None:
        with closing(AnswerStore(path)) as store:
            store.get([str(number).encode() for number in range(500)])

    with pytest.raises(JobDamaged, match=r"answers\.sqlite: damaged .* move it away"):
        use_it()


def test_a_journal_that_is_torn_costs_its_torn_end_alone(path: Path) -> None:
    script = f"""
import os, signal
from pathlib import Path
from cogtrace.annotator.llm.store import AnswerStore, Outcome, Unit
store = AnswerStore(Path({str(path)!r}))
for number in range(200):
    store.put(Unit(key=b"%d" % number, question="q", fingerprint="f"), Outcome())
    store.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", script], check=False)
    journal = path.with_name(f"{path.name}-wal")
    os.truncate(journal, journal.stat().st_size * 2 // 3)

    with closing(AnswerStore(path)) as store:
        found = store.get([str(number).encode() for number in range(200)])

    assert 50 < len(found) < 200
    assert set(found) == {str(number).encode() for number in range(len(found))}


def test_a_folder_in_place_of_the_file_is_an_error_that_says_so(path: Path) -> None:
    path.mkdir()
    with pytest.raises(JobDamaged, match=r"answers\.sqlite: cannot be used"):
        AnswerStore(path)


def test_a_file_that_another_process_has_open_is_not_called_damaged(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    AnswerStore(path).close()
    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", functools.partial(real, timeout=0.01))
    with closing(real(path)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(JobLocked, match="another process"):
            AnswerStore(path)


def test_on_a_full_disk_what_was_written_stays_and_what_was_not_waits(path: Path) -> None:
    # A process of its own, because the limit holds for all files of a process.
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _FILLING, str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.split("\n")[:-1], done.stderr) == (
        ["put: Input/output error", "get: known", "close: Input/output error", "close: done"],
        "",
    )
    with closing(AnswerStore(path)) as store:
        known = len(store.get([str(number).encode() for number in range(2_000)]))
        assert 64 <= known < 2_000


_FILLING = """
import resource, sys
from pathlib import Path
from cogtrace.annotator.llm.store import AnswerStore, Outcome, Unit
from cogtrace.records import Unanswered
lost = Unanswered(elements=("a",), reason="no", message="no", raw="x" * 4_000)
store = AnswerStore(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
try:
    for number in range(2_000):
        unit = Unit(key=b"%d" % number, question="q", fingerprint="f")
        store.put(unit, Outcome(unanswered=(lost,)))
except OSError as error:
    print("put:", error.strerror)
print("get: known" if store.get([unit.key]) else "get: unknown")
for _ in range(2):
    try:
        store.close()
        print("close: done")
    except OSError as error:
        print("close:", error.strerror)
"""


def test_when_there_is_room_again_nothing_has_been_lost(path: Path) -> None:
    script = f"""
import resource
from pathlib import Path
from cogtrace.annotator.llm.store import AnswerStore, Outcome, Unit
store = AnswerStore(Path({str(path)!r}))
unlimited = resource.RLIM_INFINITY
failed = 0
for number in range(500):
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000 if number < 250 else unlimited, unlimited))
    try:
        store.put(Unit(key=b"%d" % number, question="q", fingerprint="f"), Outcome())
    except OSError:
        failed += 1
store.close()
print(failed)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) > 0
    with closing(AnswerStore(path)) as store:
        assert len(store.get([str(number).encode() for number in range(500)])) == 500
