"""Records of guided requests as JSON Lines, a new file whenever one is large enough.

Each line is a guidance run (schema "guidance-run"), as `cogtrace annotate` reads it. It
holds what was asked and answered; no key, no address, no header.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import BinaryIO

import msgspec

from cogtrace.errors import OptionError
from cogtrace.plugins.pipeline import GuidanceRun
from cogtrace.server.logs import say
from cogtrace.server.metrics import Metrics


class Recorder:
    """Writes records. A disk that is full costs records, not answers."""

    def __init__(self, folder: Path, most: int, metrics: Metrics) -> None:
        self._folder = folder
        self._most = most
        self._metrics = metrics
        self._file: BinaryIO | None = None
        self._size = 0
        self._number = 0
        self._failed = False

    def make_folder(self) -> None:
        """Make the folder.

        Raises:
            OptionError: it cannot be made or written to.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OptionError(f"--record {self._folder}: {error.strerror}") from error
        if not os.access(self._folder, os.W_OK):
            raise OptionError(f"--record {self._folder}: may not be written to")

    def keep(self, run: GuidanceRun) -> None:
        """Write a record."""
        line = msgspec.json.encode(run) + b"\n"
        try:
            if self._file is None or (self._size and self._size + len(line) > self._most):
                self._next()
            assert self._file is not None
            self._file.write(line)
            self._file.flush()
            self._size += len(line)
            self._failed = False
        except OSError as error:
            self._metrics.add("cogtrace_record_failures_total")
            if not self._failed:
                say("error", message=f"records cannot be written: {error.strerror}")
            self._failed = True

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _next(self) -> None:
        self.close()
        self._number += 1
        began = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        name = f"runs-{began}-{os.getpid()}-{self._number:04}.jsonl"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._file = os.fdopen(os.open(self._folder / name, flags, 0o600), "ab")
        self._size = 0
