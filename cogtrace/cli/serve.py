"""`cogtrace serve`: an OpenAI-compatible proxy that applies guidance."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated, Final

from cogtrace.cli.console import err
from cogtrace.cli.options import option
from cogtrace.cli.proxy_flags import ProxyFlags, ProxyLimitFlags
from cogtrace.errors import EngineError, InputError, OptionError

if TYPE_CHECKING:
    from cogtrace.server import ProxySettings

_KEY: Final = "COGTRACE_API_KEY"


def serve(
    upstream: Annotated[
        str,
        option(
            "--upstream",
            metavar="URL",
            help="The server behind, e.g. http://127.0.0.1:8001/v1. Its key is read from "
            "OPENAI_API_KEY.",
        ),
    ],
    with_: Annotated[
        list[str] | None,
        option(
            "--with",
            metavar="PLUGINS",
            envvar="COGTRACE_SERVE_WITH",
            help="Guidance of requests that name none themselves: restate,analogy:k=2. Repeat as "
            "needed; without it, such requests go through byte for byte.",
        ),
    ] = None,
    samples: Annotated[
        int,
        option(
            "--samples",
            min=1,
            envvar="COGTRACE_SERVE_SAMPLES",
            help="Answers to each question, put to the vote.",
        ),
    ] = 1,
    host: Annotated[
        str,
        option("--host", help="Where to listen; anything but loopback needs a key for clients."),
    ] = "127.0.0.1",
    port: Annotated[
        int, option("--port", min=0, max=65_535, help="Port to listen on; 0 for any free one.")
    ] = 8_000,
    workers: Annotated[
        int,
        option(
            "--workers",
            "-w",
            min=1,
            envvar="COGTRACE_SERVE_WORKERS",
            help="Processes; --max-concurrent holds for each.",
        ),
    ] = 1,
    *,
    access: ProxyFlags,
    limits: ProxyLimitFlags,
) -> None:
    """Serve an OpenAI-compatible proxy that applies guidance.

    Clients of OpenAI's API work with it unchanged. Guidance is chosen by the server
    (`--with`), by the model's name (`NAME+restate+vote`) or by the request's own field
    `cogtrace`; the last one that is given counts. All that guidance spends is in the usage.

    **Examples**

    - `cogtrace serve --upstream http://127.0.0.1:8001/v1 --with restate`

    - `curl http://127.0.0.1:8000/v1/chat/completions -H 'content-type: application/json' -d
      '{"model": "NAME+restate", "messages": [{"role": "user", "content": "17 + 24?"}]}'`

    **Exit codes**: 0 after SIGTERM or Ctrl-C, 1 a worker failed, 2 cannot start.
    """
    try:
        import starlette  # noqa: F401 - part of the extra
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise EngineError(f"serve needs {error.name}: pip install 'cogtrace[serve]'") from None
    _hide_key()
    from cogtrace.server.serving import run

    settings = _settings(upstream, with_, samples, host, port, access, limits)

    def ready(url: str) -> None:
        what = ",".join(with_ or ()) or "none, but what requests ask for"
        err(f"proxy: {url} -> {_shown(upstream)}; guidance: {what}")

    run(settings, workers=workers, grace=limits.grace, ready=ready)


def _settings(
    upstream: str,
    with_: list[str] | None,
    samples: int,
    host: str,
    port: int,
    access: ProxyFlags,
    limits: ProxyLimitFlags,
) -> ProxySettings:
    from cogtrace.engines.server import api_key, base_url, without_password
    from cogtrace.server import Limits, ProxySettings

    own = "" if access.forward_auth else api_key(without_password(base_url(upstream))[0])
    return ProxySettings(
        upstream=upstream,
        with_=tuple(with_ or ()),
        samples=samples,
        host=host,
        port=port,
        api_key=_client_key(access),
        upstream_key=own if own not in ("", "none") else None,
        forward_auth=access.forward_auth,
        suffixes=not access.no_suffix,
        listed=tuple(access.list_suffix or ()),
        allowed=None if access.allow is None else tuple(_names(access.allow)),
        origins=tuple(access.cors or ()),
        hosts=tuple(access.allow_host or ()),
        record=access.record,
        log=access.log,
        limits=Limits(
            body_bytes=round(limits.max_body * (1 << 20)),
            concurrent=limits.max_concurrent,
            calls=limits.max_calls,
            tokens=limits.max_tokens_per_request,
            timeout=limits.timeout,
        ),
    )


def _names(given: str) -> list[str]:
    return [name.strip() for name in given.split(",") if name.strip()]


def _client_key(access: ProxyFlags) -> str | None:
    if access.api_key_file is None:
        return access.api_key or None
    if access.api_key:
        raise OptionError("--api-key and --api-key-file: give one of them")
    try:
        key = access.api_key_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--api-key-file {access.api_key_file}: cannot be read") from error
    if not key:
        raise OptionError(f"--api-key-file {access.api_key_file}: is empty")
    return key


def _hide_key() -> None:
    """Start anew with the key in the environment if it stands among the arguments.

    There everybody on the machine can read it, as long as the process runs.
    """
    given = sys.orig_argv
    for place, argument in enumerate(given):
        name, equals, value = argument.partition("=")
        if name != "--api-key" or (not equals and place + 1 == len(given)):
            continue
        rest = given[place + 1 :] if equals else given[place + 2 :]
        os.environ[_KEY] = value if equals else given[place + 1]
        arguments = [sys.executable, *given[1:place], *rest]
        os.execv(sys.executable, arguments)


def _shown(url: str) -> str:
    """Return an address without the password that may be in it."""
    from cogtrace.engines.server import base_url, without_password

    return without_password(base_url(url))[0]
