"""The real vLLM for tests: a tiny model, settings that suit a CPU, a server on loopback.

`scripts/test-vllm` sets what vLLM needs in its environment and runs these tests; without
it: HF_HUB_OFFLINE=1 VLLM_CPU_KVCACHE_SPACE=2 pytest -m vllm tests/real_vllm
"""

from __future__ import annotations

import importlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Final

import tiny_model

from cogtrace.engines.base import EngineSettings

_START_SECONDS: Final = 300
# Compiling takes longer than these tests.
ARGUMENTS: Final[dict[str, Any]] = {"enforce_eager": True, "max_model_len": 8192}
_STRUCTURED: Final = '{"backend":"xgrammar","disable_any_whitespace":true}'
# Read here: fixtures remove variables of this kind later.
_READY_MADE: Final = os.environ.get("COGTRACE_TINY_MODEL")


@cache
def tiny() -> Path:
    """Return the folder of the tiny model: the one made before, or a new one."""
    if _READY_MADE:
        return Path(_READY_MADE)
    return tiny_model.build(Path(tempfile.mkdtemp(prefix="tiny-model-")))


def settings(**arguments: Any) -> EngineSettings:
    """Return settings for the engine in process."""
    return EngineSettings(model=str(tiny()), arguments=ARGUMENTS | arguments)


@contextmanager
def served(log: Path) -> Iterator[str]:
    """Run vLLM's OpenAI-compatible server; gives its base URL once it is ready."""
    port = _free_port()
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server"]
    command += ["--model", str(tiny()), "--served-model-name", "tiny"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--enforce-eager"]
    command += ["--max-model-len", str(ARGUMENTS["max_model_len"])]
    command += ["--structured-outputs-config", _STRUCTURED, "--enable-prompt-tokens-details"]
    with log.open("wb") as out:
        server = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        _wait(server, f"http://127.0.0.1:{port}", log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        _stop(server)


def processes() -> list[str]:
    """Return the names of all processes below this one, but Python's own helper."""
    psutil = importlib.import_module("psutil")  # comes with vLLM
    names = []
    for process in psutil.Process().children(recursive=True):
        try:
            helper = "resource_tracker" in " ".join(process.cmdline())
        except psutil.ZombieProcess:
            helper = False
        except psutil.NoSuchProcess:
            continue
        if not helper:
            names.append(f"{process.name()} ({process.status()})")
    return names


def kill_core() -> None:
    """Kill the process that holds vLLM's engine, as the operating system would."""
    psutil = importlib.import_module("psutil")
    for process in psutil.Process().children():
        if "EngineCor" in process.name():
            process.kill()
            return
    raise AssertionError("no engine is running")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.25)  # not yet
    tail = log.read_text(encoding="utf-8", errors="replace")[-3000:]
    raise AssertionError(f"vLLM's server did not start:\n{tail}")


def _stop(server: subprocess.Popen[bytes]) -> None:
    """End the server and all its processes."""
    server.terminate()
    with suppress(subprocess.TimeoutExpired):  # then with force
        server.wait(timeout=30)
    with suppress(ProcessLookupError):  # nothing of it is left
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()
