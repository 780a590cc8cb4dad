"""What the tests of `cogtrace plan` share."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cogtrace.annotator.job import JobReader

Run = Callable[..., subprocess.CompletedProcess[str]]

SCRIPTED = ("--engine", "scripted", "--engine-arg", "fill=random")
SERVER = ("--engine", "openai", "--model", "large", "--base-url", "http://127.0.0.1:9/v1")
PRICES = {"small": {"input": 0.1, "output": 0.4}, "large": {"input": 3, "output": 15, "cached": 1}}
# Every name of the JSON that scripts may rely on.
NAMES = {
    *("rows", "limit", "unreadable", "copies", "sampled", "too_long", "several_windows"),
    *("window_tokens", "exact", "questions", "asked_share", "requests", "prompt_tokens"),
    *("cached_share", "completion_tokens", "seconds", "cost", "probe"),
    *("covered", "prompts", "command"),
}


def plan(cogtrace: Run, folder: Path, *arguments: object) -> dict[str, Any]:
    """Return the plan that the command prints as JSON; run in ``folder``."""
    done = cogtrace("plan", *arguments, "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found.keys() == NAMES
    return found


def usage_of(folder: Path) -> Any:
    """Return what a job has cost."""
    return JobReader(folder).manifest.usage
