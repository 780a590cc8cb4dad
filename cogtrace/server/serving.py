"""Running the proxy: a socket, uvicorn in one process or several, an orderly end."""

from __future__ import annotations

import functools
import gc
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from cogtrace.errors import EngineError, OptionError
from cogtrace.server.app import create_app
from cogtrace.server.logs import take_over
from cogtrace.server.settings import ProxySettings

_BACKLOG: Final = 2_048
_KEEP_ALIVE: Final = 75  # seconds for which an idle client keeps its connection
_LOGGERS: Final = ("uvicorn", "uvicorn.error", "aiohttp", "asyncio")


def run(
    settings: ProxySettings,
    *,
    workers: int = 1,
    grace: float = 30.0,
    ready: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve until SIGTERM or Ctrl-C; requests in flight are finished within ``grace`` seconds.

    ``ready`` is told the address once connections are taken.

    Raises:
        OptionError: settings that cannot be served; a port that is taken.
        PluginError: a plugin that is broken.
        EngineError: no address of an upstream.
    """
    app = create_app(settings)  # so that what is wrong with it is said now
    with listening(settings) as listener:
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{port}/v1"
        if workers == 1:

            def begun() -> None:
                gc.collect()
                gc.freeze()  # what is loaded by now stays; no collection need look at it again
                ready(url)

            make_server(app, settings, grace, begun).run(sockets=[listener])
        else:
            ready(url)
            _run_many(settings, workers, grace, listener)


def make_server(app: Any, settings: ProxySettings, grace: float, ready: Callable[[], None]) -> Any:
    """Return a `uvicorn.Server` for an application; its ``run`` takes the sockets."""
    import uvicorn

    class Server(uvicorn.Server):
        """Says when it is ready, and ends without dying of the signal that ended it."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready()

        @contextmanager
        def capture_signals(self) -> Generator[None, None, None]:
            if threading.current_thread() is not threading.main_thread():
                yield
                return
            kept = {
                number: signal.signal(number, self.handle_exit)
                for number in (signal.SIGINT, signal.SIGTERM)
            }
            try:
                yield
            finally:
                for number, handler in kept.items():
                    signal.signal(number, handler)

    take_over(*_LOGGERS)
    return Server(_config(app, settings, grace))


def _run_many(settings: ProxySettings, workers: int, grace: float, listener: socket.socket) -> None:
    from uvicorn.config import STARTUP_FAILURE
    from uvicorn.supervisors import Multiprocess

    folder = Path(tempfile.mkdtemp(prefix="cogtrace-proxy-"))
    try:
        shared = replace(settings, shared_metrics=folder)
        make = functools.partial(_worker_app, shared)
        config = _config(make, settings, grace, factory=True, workers=workers)
        take_over(*_LOGGERS)
        supervisor = Multiprocess(config, sockets=[listener])
        supervisor.run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise EngineError("a worker could not start; the lines above say why")


def _worker_app(settings: ProxySettings) -> Any:
    """Return the application of a worker process."""
    from cogtrace.server.protocol import Guarded

    Guarded.limits = settings.limits
    take_over(*_LOGGERS)
    return create_app(settings)


def _config(app: Any, settings: ProxySettings, grace: float, **more: Any) -> Any:
    import uvicorn

    from cogtrace.server.protocol import Guarded, guarded

    return uvicorn.Config(
        app,
        http=guarded(settings.limits) if "workers" not in more else Guarded,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=max(1, round(grace)),
        **more,
    )


def listening(settings: ProxySettings) -> socket.socket:
    """Return a socket that listens.

    Raises:
        OptionError: the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server(
            (settings.host, settings.port), family=family, backlog=_BACKLOG
        )
    except OSError as error:
        raise OptionError(
            f"--host {settings.host} --port {settings.port}: {error.strerror}; choose another "
            "--port (0 for any free one)"
        ) from error
    listener.set_inheritable(True)
    return listener
