"""What the proxy says on stderr: one line of JSON per event, and never what people wrote."""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path
from typing import Any, Final

import msgspec

from cogtrace.printable import json_printable
from cogtrace.server.exchange import Exchange

# Said by uvicorn of connections that were cut on purpose, and of a client's bad HTTP.
_QUIET: Final = (
    "ASGI callable returned without completing response",
    "Invalid HTTP request received",
    "Unsupported upgrade request",
    "No supported WebSocket library",
)


def say(event: str, **fields: Any) -> None:
    """Write a line about an event."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    line = msgspec.json.encode({"time": now, "event": event, **fields}).decode()
    print(json_printable(line), file=sys.stderr, flush=True)  # noqa: T201 - the proxy's log


def note(exchange: Exchange, took: float) -> None:
    """Write a line about a request."""
    more: dict[str, Any] = {}
    if exchange.plugins:
        more = {
            "plugins": exchange.plugins,
            "calls": exchange.calls,
            "tokens": exchange.tokens,
        }
    if exchange.skipped:
        more["skipped"] = exchange.skipped
    say(
        "request",
        method=exchange.scope["method"],
        route=exchange.route,
        status=exchange.status,
        ms=round(took * 1_000, 2),
        upstream_ms=round(exchange.waited * 1_000, 2),
        **more,
    )


def note_bug(error: BaseException) -> None:
    """Write where something of ours went wrong; not its message, which may quote a request."""
    say("bug", error=type(error).__name__, at=_place(error))


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "?"
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


class _Lines(logging.Handler):
    """Shows what uvicorn and aiohttp have to say in our manner."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line for a record; a traceback becomes the place that it ends at."""
        message = str(record.msg)
        if record.args:
            message = message % record.args
        if message.startswith(_QUIET):
            return
        more: dict[str, Any] = {}
        if record.exc_info is not None and record.exc_info[1] is not None:
            error = record.exc_info[1]
            more = {"error": type(error).__name__, "at": _place(error)}
        say(record.levelname.lower(), source=record.name, message=message[:300], **more)


def take_over(*names: str) -> None:
    """Show warnings and errors of libraries in our manner, and nothing else of theirs."""
    for name in names:
        logger = logging.getLogger(name)
        logger.handlers = [_Lines()]
        logger.propagate = False
        logger.setLevel(logging.WARNING)
