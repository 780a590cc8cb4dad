"""The engines that come with cogtrace, registered as anybody's are.

Nothing of an engine is imported until it is built.
"""

from __future__ import annotations

from typing import Final

import pluggy

from cogtrace.engines.base import Engine, EngineSettings
from cogtrace.engines.kinds import EngineKind

# The same marker as `cogtrace.extensions.hookimpl`, which lies above the engines.
_hookimpl: Final = pluggy.HookimplMarker("cogtrace")


def build_vllm(settings: EngineSettings) -> Engine:
    """Build an engine that runs vLLM in this process."""
    from cogtrace.engines.vllm_engine import VllmEngine

    return VllmEngine(settings)


def build_openai(settings: EngineSettings) -> Engine:
    """Build an engine that asks an OpenAI-compatible server."""
    from cogtrace.engines.openai_engine import OpenAIEngine

    return OpenAIEngine(settings)


def build_scripted(settings: EngineSettings) -> Engine:
    """Build an engine that answers from rules or a recording."""
    from cogtrace.engines.scripted import ScriptedEngine

    return ScriptedEngine(settings)


VLLM: Final = EngineKind(
    name="vllm", summary="vLLM in this process, on a GPU", build=build_vllm, extra="vllm"
)
OPENAI: Final = EngineKind(
    name="openai",
    summary="any OpenAI-compatible server",
    build=build_openai,
    extra="llm",
)
SCRIPTED: Final = EngineKind(
    name="scripted",
    summary="rules, a recording or made-up answers; no model",
    build=build_scripted,
)


@_hookimpl
def cogtrace_engines() -> list[EngineKind]:
    """Register the engines."""
    return [VLLM, OPENAI, SCRIPTED]
