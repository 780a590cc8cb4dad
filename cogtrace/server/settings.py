"""All that a proxy is told when it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cogtrace.errors import OptionError
from cogtrace.plugins.guidance import GuidanceKind

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
# A plugin by name, or as registered, alone or with its options.
Wanted = str | GuidanceKind | tuple[str | GuidanceKind, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of anything the proxy takes."""

    body_bytes: int = 32 << 20
    header_bytes: int = 32 << 10  # of all headers of a request together
    depth: int = 128  # of nested JSON
    concurrent: int = 1_024  # requests at a time; more are told to come back
    calls: int = 100  # to the upstream, for one guided request
    tokens: int | None = None  # of prompts and answers of one guided request; None: no bound
    answer_bytes: int = 64 << 20  # of an answer that is not streamed, or one event of a stream
    timeout: float = 600.0  # seconds without a byte from the upstream, or taken by the client
    connect_timeout: float = 10.0  # seconds
    receive_timeout: float = 30.0  # seconds for a request to arrive whole


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxySettings:
    """What a proxy does, and for whom.

    Attributes:
        upstream: the server's address, with ``/v1``.
        with_: the guidance of requests that ask for none themselves.
        samples: answers to each question, put to the vote, unless the request says.
        max_tokens: of one call of a plugin, unless it or the request says.
        host, port: where it listens; 0 is any free port.
        api_key: what clients must show; needed unless it listens on loopback only.
        upstream_key: what it shows to the upstream.
        forward_auth: show the upstream the client's own ``Authorization`` instead.
        suffixes: whether ``model+plugin`` chooses guidance.
        listed: suffixes that ``/v1/models`` offers beside each model.
        allowed: the plugins that requests may name; None: all.
        origins: of web pages that may use it from a browser.
        hosts: names besides loopback's under which it may be addressed.
        record: a folder for records of guided requests; None: none are kept.
        log: write a line about each request.
        progress_after: seconds before a stream tells what is going on.
        shared_metrics: a folder where the workers of one server leave their figures.
    """

    upstream: str
    with_: tuple[Wanted, ...] = ()
    samples: int = 1
    max_tokens: int = 2_048
    host: str = "127.0.0.1"
    port: int = 8_000
    api_key: str | None = field(default=None, repr=False)
    upstream_key: str | None = field(default=None, repr=False)
    forward_auth: bool = False
    suffixes: bool = True
    listed: tuple[str, ...] = ()
    allowed: tuple[str, ...] | None = None
    origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    record: Path | None = None
    record_bytes: int = 64 << 20  # of one file
    log: bool = False
    progress_after: float = 0.25
    shared_metrics: Path | None = None
    limits: Limits = field(default_factory=Limits)

    @property
    def on_loopback(self) -> bool:
        """Say whether only this machine can reach it."""
        return self.host in LOOPBACK

    def require_safe(self) -> None:
        """Raise OptionError for what would let strangers in, or keep everybody out."""
        if self.api_key is not None and not _is_key(self.api_key):
            raise OptionError(
                "--api-key: a key has 8 or more characters, printable ASCII without blanks"
            )
        if self.upstream_key is not None and not _is_key(self.upstream_key, 1):
            raise OptionError("OPENAI_API_KEY has characters that no key has")
        if not self.on_loopback and self.api_key is None:
            raise OptionError(
                f"--host {self.host}: others could reach the proxy there, so it needs a key; set "
                "COGTRACE_API_KEY or give --api-key-file FILE (or stay on 127.0.0.1)"
            )


def _is_key(key: str, least: int = 8) -> bool:
    return len(key) >= least and key.isascii() and key.isprintable() and " " not in key
