"""Groups of options of `cogtrace serve`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cogtrace.cli.flags import finite
from cogtrace.cli.options import option

_ACCESS = "Access and records"
_LIMITS = "Limits"


def _in(panel: str, flag: str, **settings: Any) -> Any:
    return option(flag, rich_help_panel=panel, **settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyFlags:
    """Who may use the proxy, for what, and what is kept."""

    api_key: Annotated[
        str | None,
        _in(
            _ACCESS,
            "--api-key",
            metavar="KEY",
            help="Key that clients must show; better set in the environment or a file.",
        ),
    ] = None
    api_key_file: Annotated[
        Path | None,
        _in(_ACCESS, "--api-key-file", metavar="FILE", help="File with that key."),
    ] = None
    forward_auth: Annotated[
        bool,
        _in(
            _ACCESS,
            "--forward-auth",
            help="Show the upstream each client's own key; a key of the proxy's is then taken "
            "from the header x-cogtrace-key.",
        ),
    ] = False
    allow: Annotated[
        str | None,
        _in(
            _ACCESS,
            "--allow",
            metavar="A,B,...",
            help="Plugins that requests may ask for [default: all installed; '' for none].",
        ),
    ] = None
    no_suffix: Annotated[
        bool,
        _in(_ACCESS, "--no-suffix", help="Names of models may hold a +; they choose no guidance."),
    ] = False
    list_suffix: Annotated[
        list[str] | None,
        _in(
            _ACCESS,
            "--list",
            metavar="A+B",
            help="Offer each model in /v1/models with this guidance too; repeat as needed.",
        ),
    ] = None
    cors: Annotated[
        list[str] | None,
        _in(
            _ACCESS,
            "--cors",
            metavar="ORIGIN",
            help="Web pages that may use the proxy, e.g. http://localhost:3000; repeat as needed.",
        ),
    ] = None
    allow_host: Annotated[
        list[str] | None,
        _in(
            _ACCESS,
            "--allow-host",
            metavar="NAME",
            help="Further names of this machine that clients may use on loopback.",
        ),
    ] = None
    record: Annotated[
        Path | None,
        _in(
            _ACCESS,
            "--record",
            metavar="DIR",
            help="Keep records of guided requests, with all texts, as JSON Lines.",
        ),
    ] = None
    log: Annotated[
        bool,
        _in(_ACCESS, "--log", help="Write a line of JSON about each request; no texts, no keys."),
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyLimitFlags:
    """How much of anything the proxy takes."""

    max_calls: Annotated[
        int,
        _in(_LIMITS, "--max-calls", min=1, help="Calls to the upstream per guided request."),
    ] = 100
    max_tokens_per_request: Annotated[
        int | None,
        _in(
            _LIMITS,
            "--max-tokens-per-request",
            min=1,
            help="Tokens per guided request, prompts and answers together [default: no bound].",
        ),
    ] = None
    max_concurrent: Annotated[
        int,
        _in(_LIMITS, "--max-concurrent", min=1, help="Requests at a time; more get a 503."),
    ] = 1_024
    max_body: Annotated[
        float,
        _in(_LIMITS, "--max-body", callback=finite, min=0.001, help="Size of a request, in MiB."),
    ] = 32.0
    timeout: Annotated[
        float,
        _in(
            _LIMITS,
            "--timeout",
            callback=finite,
            min=0.1,
            envvar="COGTRACE_SERVE_TIMEOUT",
            help="Seconds for which the upstream may be silent.",
        ),
    ] = 600.0
    grace: Annotated[
        float,
        _in(
            _LIMITS,
            "--grace",
            callback=finite,
            min=1.0,
            help="Seconds for requests in flight to end on SIGTERM.",
        ),
    ] = 30.0
