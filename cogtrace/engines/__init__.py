"""Language models behind one small protocol: vLLM in process, any OpenAI-compatible
server, and a scripted one for tests.
"""

from cogtrace.engines.base import (
    Engine,
    EngineInfo,
    EngineSettings,
    Failure,
    Message,
    Request,
    Result,
    TokenUsage,
)

__all__ = [
    "Engine",
    "EngineInfo",
    "EngineSettings",
    "Failure",
    "Message",
    "Request",
    "Result",
    "TokenUsage",
]
