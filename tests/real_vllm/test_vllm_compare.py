"""Arms compared on the real vLLM, in process: `scripts/test-vllm -k compare`.

The model is tiny and random, so only the form of what comes out can be told, not its sense.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from real_vllm import tiny

pytestmark = [pytest.mark.vllm, pytest.mark.filterwarnings("default")]

TASKS = 12


def _cogtrace(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cogtrace", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def test_arms_share_one_engine_and_are_compared(tmp_path: Path) -> None:
    out = tmp_path / "out"
    tasks = tmp_path / "tasks.jsonl"
    rows = [{"id": f"q{n}", "question": f"What is {n} + 1?", "answer": "7"} for n in range(TASKS)]
    tasks.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    command: list[object] = [
        *("compare", tasks, "--arms", "plain,restate:reply_tokens=48", "-o", out),
        *("--max-tokens", 24, "--temperature", 0.8, "--allow-failed"),
        *("--engine", "vllm", "--model", tiny()),
        *("--engine-arg", "enforce_eager=true", "--engine-arg", "max_model_len=4096"),
        *("--tournament", "--json"),
    ]

    done = _cogtrace(*command)

    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert [arm["arm"] for arm in found["arms"]] == ["plain", "restate", "control"]
    assert found["counts"]["compared"] == TASKS
    plain, restate, control = (arm["tokens"] for arm in found["arms"])
    assert plain < restate
    assert 0.5 * restate < control < 1.5 * restate
    assert all(-1 <= row["difference"] <= 1 for row in found["differences"])
    assert found["tournament"]["bias"]["judged"] == found["tournament"]["games"]
    assert found["tournament"]["games"] > 0
    for arm in ("plain", "restate", "control"):
        assert _cogtrace("verify", out / "arms" / arm).returncode == 0
    again = _cogtrace(*command, "--resume")
    assert json.loads(again.stdout)["arms"] == found["arms"], again.stderr
