"""Mathematical equality by math-verify, with a limit on time that works in any thread.

math-verify's own limits are signals, which only a main thread may set, and sympy can be
busy for hours. So answers are compared in a process that is ended when it takes too long.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib.util
import json
import os
import queue
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import Final

MOST_CHARS: Final = 400  # of an answer; a longer one is compared as text only
SECONDS: Final = 3.0  # for one pair
_STARTING: Final = 60.0  # seconds for the process to be ready
_MISSING: Final = (
    "math-verify is not installed: answers of the kind 'maths' are compared as numbers and "
    "text only; pip install 'cogtrace[math]'"
)


class GradingWarning(UserWarning):
    """Answers are compared less well than asked for."""


def maths_note() -> str | None:
    """Return what is missing for the kind "maths", or None if nothing is."""
    return None if _installed() else _MISSING


def same_maths(one: str, other: str) -> bool:
    """Say whether math-verify holds two answers to be the same.

    False for answers that are too long, take longer than `SECONDS`, or where math-verify
    is not installed, about which it warns once.
    """
    if not _installed():
        _warn()
        return False
    if max(len(one), len(other)) > MOST_CHARS:
        return False
    return _remembered(*sorted((one, other)))


@functools.cache
def _installed() -> bool:
    return importlib.util.find_spec("math_verify") is not None


@functools.cache
def _warn() -> None:
    warnings.warn(_MISSING, GradingWarning, stacklevel=4)


@functools.lru_cache(maxsize=65_536)
def _remembered(one: str, other: str) -> bool:
    return _worker.ask(one, other)


class _Worker:
    """The process that compares; started when first asked, again after it was ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str] = queue.Queue()
        self._owner = 0  # a fork must not use its parent's pipes

    def ask(self, one: str, other: str) -> bool:
        with self._lock:
            process = self._running()
            if process is None or process.stdin is None:
                return False
            try:
                process.stdin.write(json.dumps([one, other]) + "\n")
                process.stdin.flush()
                line = self._lines.get(timeout=SECONDS)
            except (queue.Empty, OSError):
                line = ""
            if not line:
                self.close()
            return line == "true\n"

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _running(self) -> subprocess.Popen[str] | None:
        if self._process is not None and self._owner == os.getpid():
            return self._process
        self._owner = os.getpid()
        self._lines = queue.Queue()
        script = Path(__file__).with_name("maths_worker.py")
        self._process = process = subprocess.Popen(
            [sys.executable, "-P", "-W", "ignore", str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        threading.Thread(
            target=_read, args=(process, self._lines), name="cogtrace-maths", daemon=True
        ).start()
        with contextlib.suppress(queue.Empty):
            if self._lines.get(timeout=_STARTING):
                return process
        self.close()
        return None


def _read(process: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
    """Hand on what a process says; an empty line says that it is gone."""
    try:
        for line in process.stdout or ():
            lines.put(line)
    except (OSError, ValueError):
        pass  # closed while it was read
    lines.put("")


_worker: Final = _Worker()
atexit.register(_worker.close)
