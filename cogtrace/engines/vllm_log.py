"""What vLLM's processes print: kept aside, or shown on stderr if a person asked for it.

Nothing of it may reach stdout, which belongs to the command line's own output; vLLM and
the libraries in C++ below it print there. What is kept tells why a start failed or an
engine died.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final

_CAUSE: Final = re.compile(rb"(?:^|[\s\]])((?:\w+\.)*\w*(?:Error|Exception|OutOfMemory)\w*: .+)")
_KEPT: Final = 4_000_000  # bytes at the beginning that are searched


class ProcessLog:
    """Takes the output of processes that are started while it is open."""

    def __init__(self, *, shown: bool) -> None:
        self._file: IO[bytes] | None = None
        if not shown:
            # Without a name: it is gone with the last process that writes to it.
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the engine

    @contextmanager
    def open(self) -> Iterator[None]:
        """Take stdout and stderr of this process for a while.

        Processes started meanwhile keep them so until they end.
        """
        target = 2 if self._file is None else self._file.fileno()
        kept = {number: os.dup(number) for number in (1, 2)}
        sys.stdout.flush()
        sys.stderr.flush()
        try:
            for number in kept:
                os.dup2(target, number)
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, copy in kept.items():
                os.dup2(copy, number)
                os.close(copy)

    def cause(self) -> str | None:
        """Return the first error that was printed; None if none is known here."""
        if self._file is None:
            return None
        # Not through the file object: its position is shared with the processes.
        text = os.pread(self._file.fileno(), _KEPT, 0)
        for line in text.splitlines():
            if found := _CAUSE.search(line):
                return found[1].decode("utf-8", "replace")
        return None

    def close(self) -> None:
        """Let go of what is kept."""
        if self._file is not None:
            self._file.close()
            self._file = None
