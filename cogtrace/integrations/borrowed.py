"""An engine that asks through somebody else's model object."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from cogtrace.engines import EngineInfo, Failure, Request, Result

Ask = Callable[[Request], Awaitable[Result]]


class BorrowedEngine:
    """Passes each request to a function; connecting, waiting and retrying are its owner's."""

    trouble: str | None = None  # the owner's errors are those of single requests

    def __init__(self, ask: Ask, *, framework: str, model: str, concurrency: int = 1024) -> None:
        self._ask = ask
        self._info = EngineInfo(engine=framework, model=model, concurrency=concurrency)

    async def start(self) -> EngineInfo:
        """Return what is known of the model."""
        return self._info

    async def complete(self, requests: Sequence[Request]) -> list[Result]:
        """Answer requests, all at once; one result each, in the same order."""
        return list(await asyncio.gather(*(self._answer(request) for request in requests)))

    def count_tokens(self, text: str) -> int | None:
        """Return None: the tokens of a text are not known here."""
        return None

    async def close(self) -> None:
        """Do nothing; the model is not ours to end."""

    async def _answer(self, request: Request) -> Result:
        try:
            return await self._ask(request)
        except Exception as error:
            # Whatever the framework raises is the failure of one request, as with any engine.
            message = f"{type(error).__name__}: {error}"[:500]
            return Result(finish="failed", failure=Failure(kind="server-error", message=message))
