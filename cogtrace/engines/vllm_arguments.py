"""How vLLM is imported, and which of its arguments and environment variables are set here."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import os
import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from cogtrace.engines.base import EngineSettings
from cogtrace.errors import EngineError
from cogtrace.printable import printable

TEMPLATE_ARGUMENTS: Final = "chat_template_kwargs"  # ours: goes to the chat template
_DEFAULTS: Final[dict[str, Any]] = {
    "enable_prefix_caching": True,
    "disable_log_stats": True,
    "use_tqdm_on_load": False,
}
# A model that may print blanks between the parts of an answer may do so for ever.
_STRUCTURED: Final = {"backend": "xgrammar", "disable_any_whitespace": True}
_REMEDY_BY_NAME: Final = {
    "model": "give the model as --model",
    # Arguments are written into the manifest of a job.
    "hf_token": "set HF_TOKEN in the environment; arguments are recorded",
}
_REASON_LIMIT: Final = 600
_LEVEL: Final = "VLLM_LOGGING_LEVEL"
_set_here: set[str] = set()  # environment variables; not a person's wish the next time


def import_vllm(name: str = "vllm") -> Any:
    """Return a module of vLLM.

    Raises:
        EngineError: it is not installed, or its installation is broken.
    """
    _set_environment()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != "vllm":
            raise EngineError(_broken(error)) from error
        raise EngineError(
            "the engine vllm needs the package vllm, which is not installed; run "
            "pip install 'cogtrace[vllm]' on a machine with a GPU, or use --engine openai "
            "with a server"
        ) from error
    except (ImportError, OSError, RuntimeError) as error:
        raise EngineError(_broken(error)) from error


def wants_log() -> bool:
    """Say whether a person asked to see what vLLM says."""
    return "COGTRACE_LOG" in os.environ or (_LEVEL in os.environ and _LEVEL not in _set_here)


def _broken(error: Exception) -> str:
    return (
        f"the package vllm is installed but cannot be imported ({reason(error)}); "
        "install it anew into a virtual environment of its own"
    )


def engine_arguments(settings: EngineSettings, known: Collection[str]) -> dict[str, Any]:
    """Return the arguments of vLLM's engine for these settings; ``known`` are its own.

    A dash in a name is read as an underscore.

    Raises:
        EngineError: an argument that is unknown, or not to be given here.
    """
    if not settings.model:
        raise EngineError("the engine vllm needs a model; give its name or folder as --model")
    arguments = {name.replace("-", "_"): value for name, value in settings.arguments.items()}
    arguments.pop(TEMPLATE_ARGUMENTS, None)
    for name in arguments:
        if name in _REMEDY_BY_NAME:
            raise EngineError(f"--engine-arg {name}: not here; {_REMEDY_BY_NAME[name]}")
        if name not in known:
            raise EngineError(_unknown(name, known))
    structured = arguments.pop("structured_outputs_config", None) or {}
    if not isinstance(structured, Mapping):
        raise EngineError("--engine-arg structured_outputs_config: must be a JSON object")
    return {
        "model": settings.model,
        **{name: value for name, value in _DEFAULTS.items() if name in known},
        **arguments,
        "structured_outputs_config": {**_STRUCTURED, **structured},
    }


def template_arguments(settings: EngineSettings) -> dict[str, Any]:
    """Return what goes to the chat template, e.g. ``{"enable_thinking": False}``.

    Raises:
        EngineError: it is no object.
    """
    names = (TEMPLATE_ARGUMENTS, TEMPLATE_ARGUMENTS.replace("_", "-"))
    found: Any = next((settings.arguments[n] for n in names if n in settings.arguments), {})
    if not isinstance(found, Mapping):
        raise EngineError(f"--engine-arg {TEMPLATE_ARGUMENTS}: must be a JSON object")
    return dict(found)


def known_arguments(record: Any) -> frozenset[str]:
    """Return the names of the fields of vLLM's own record of arguments."""
    names = (entry.name for entry in dataclasses.fields(record))
    return frozenset(name for name in names if not name.startswith("_"))


def _unknown(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.5)
    near += [k for k in sorted(known) if k.startswith(name) and k not in near][: 3 - len(near)]
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    return f"--engine-arg {name}: vLLM has no such argument{hint}"


def reason(error: BaseException | str) -> str:
    """Return what an error of vLLM says, on one line, without the noise of pydantic."""
    text = re.sub(r"For further information visit \S+|\[type=[^\n]*\]", "", str(error))
    line = printable(" ".join(text.split())) or type(error).__name__
    return line if len(line) <= _REASON_LIMIT else f"{line[:_REASON_LIMIT]}…"


def _set_environment() -> None:
    """Set what vLLM reads once, at its import; what a person has set stays."""
    level = os.environ.get("COGTRACE_LOG", "").upper() or "ERROR"
    for name, value in {
        _LEVEL: level,
        "VLLM_LOGGING_STREAM": "ext://sys.stderr",  # its default is stdout
        "VLLM_NO_USAGE_STATS": "1",  # nothing about a run is sent anywhere
        # Other libraries here run threads, which a forked process would inherit locked.
        "VLLM_WORKER_MULTIPROCESSING_METHOD": "spawn",
    }.items():
        if name not in os.environ:
            os.environ[name] = value
            _set_here.add(name)
