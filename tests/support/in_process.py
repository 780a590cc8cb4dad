"""The command line run in this process: as the program does it, without starting one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cogtrace.cli.main import main


class InProcess:
    """Runs `cogtrace` with arguments; gives its exit code and what it printed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        monkeypatch.setattr(signal, "signal", lambda *_: None)  # those of pytest stay

    def __call__(
        self, *arguments: object, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run it, in a folder, with variables of the environment."""
        given = [*map(str, arguments)]
        code: Any = 0
        with self._monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["cogtrace", *given])
            patch.chdir(cwd or os.curdir)
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            try:
                main()
            except SystemExit as ended:
                code = ended.code
        return subprocess.CompletedProcess(given, code, *self._capsys.readouterr())
