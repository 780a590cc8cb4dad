"""What the proxy refuses or cannot do, in the form of OpenAI's errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

_KINDS: Final = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}


class ProxyError(Exception):
    """A request ends here, with this status.

    Attributes:
        status: of HTTP.
        code: a word for programs, e.g. "unknown_guidance".
        param: the field of the request that it is about, if it is about one.
        headers: further headers of the answer.
    """

    def __init__(
        self,
        status: int,
        message: str,
        code: str,
        *,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param
        self.headers = dict(headers or {})

    def body(self) -> bytes:
        """Return the JSON of it."""
        kind = _KINDS.get(self.status) or (
            "invalid_request_error" if self.status < 500 else "server_error"
        )
        error = {"message": str(self), "type": kind, "param": self.param, "code": self.code}
        return msgspec.json.encode({"error": error})


class UpstreamRefused(ProxyError):
    """The upstream answered with an error, which is the client's to see as it is."""

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        super().__init__(status, "the upstream refused", "upstream", headers=headers)
        self._body = body

    def body(self) -> bytes:
        """Return what the upstream said, if that is an error in JSON; else one that says so."""
        try:
            found = msgspec.json.decode(self._body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            found = None
        if isinstance(found, dict) and found:
            return self._body
        own = ProxyError(self.status, f"the upstream answered with status {self.status}", self.code)
        return own.body()


class Cut(Exception):
    """The answer has begun and cannot be finished: the connection is to be cut."""
