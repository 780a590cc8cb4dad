"""Running things in a new process, as a worker or the next run will."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Final

from cogtrace.plugins.testing.running import PropertyBroken

_SECONDS: Final = 120.0


def in_new_process(*arguments: str, given: str = "", **variables: str) -> str:
    """Return what Python prints when it is started with arguments.

    Raises:
        PropertyBroken: it fails; says how.
    """
    path = os.pathsep.join(filter(None, sys.path))
    try:
        done = subprocess.run(
            [sys.executable, *arguments],
            env=os.environ | {"PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"} | variables,
            input=given,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise PropertyBroken(f"a new process takes more than {_SECONDS:g} seconds") from error
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise PropertyBroken(f"in a new process: {reason}")
    return done.stdout
