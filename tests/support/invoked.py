"""The command line within the test's own process: for fixtures of any scope, and for errors."""

from __future__ import annotations

import subprocess

from typer.testing import CliRunner

from cogtrace.cli.main import app


def here(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a command and return what it printed.

    Raises:
        CogtraceError: what the command line would show as a message, with its exit code.
    """
    done = CliRunner().invoke(app, [*map(str, arguments)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return subprocess.CompletedProcess([], done.exit_code, done.stdout, done.stderr)
