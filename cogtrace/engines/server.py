"""Finding an OpenAI-compatible server: where it is, who it is, which models it has."""

from __future__ import annotations

import base64
import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit, urlunsplit

import msgspec

from cogtrace.engines.answers import read_error
from cogtrace.engines.wire import CONNECT_SECONDS
from cogtrace.errors import EngineError
from cogtrace.printable import printable

if TYPE_CHECKING:
    import openai

OPENAI: Final = "https://api.openai.com/v1"
_PLACEHOLDER: Final = "none"  # the client wants a key, even where the server does not
_SHOWN: Final = 10
_START_SECONDS: Final = 30.0
# vLLM knows its own field `structured_outputs` from 0.12 on; before, the portable form.
_OLD_VLLM: Final = re.compile(r"0\.([2-9]|1[01])(\.|$)")


class _Model(msgspec.Struct):
    id: str
    owned_by: str | None = None
    max_model_len: int | None = None


class _Listing(msgspec.Struct):
    data: list[_Model] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What is known of a server once it has been asked."""

    model: str
    context_tokens: int | None = None
    vllm_field: bool = False  # whether it takes vLLM's own field for schemas
    version: str | None = None


def base_url(given: str | None) -> str:
    """Return the address to use: the one given, else the environment's, else OpenAI's.

    Without a path, ``/v1`` is meant; the full address of the chat is understood too.

    Raises:
        EngineError: it is no http(s) address.
    """
    url = given or os.environ.get("OPENAI_BASE_URL") or os.environ.get("OPENAI_API_BASE") or OPENAI
    url = url.strip().rstrip("/").removesuffix("/chat/completions")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        shown = printable(url.rpartition("@")[2])
        raise EngineError(
            f"{shown!r} is no address of a server; give one like http://127.0.0.1:8000/v1"
        )
    return url if parts.path else f"{url}/v1"


def without_password(url: str) -> tuple[str, str | None, str | None]:
    """Take user and password out of an address, since addresses end up in messages.

    Returns the address, the value of an Authorization header and the password, which are
    None where there is neither user nor password.
    """
    parts = urlsplit(url)
    named, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, None, None
    user, _, password = unquote(named).partition(":")
    header = base64.b64encode(f"{user}:{password}".encode()).decode()
    bare = urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
    return bare, f"Basic {header}", password


def api_key(url: str) -> str:
    """Return the key from the environment, or a placeholder where none is needed.

    Raises:
        EngineError: OpenAI itself is asked and there is no key, or the key is no such.
    """
    key = os.environ.get("OPENAI_API_KEY") or os.environ.get("VLLM_API_KEY") or ""
    key = key.strip()
    if not key and url == OPENAI:
        raise EngineError(
            "no key for api.openai.com: set OPENAI_API_KEY, or give --base-url for another server"
        )
    if not key.isascii() or not key.isprintable():
        raise EngineError("the key in the environment has characters that no key has")
    return key or _PLACEHOLDER


async def ask_server(client: openai.AsyncOpenAI, wanted: str) -> Server:
    """Ask a server for its models and settle on one.

    Raises:
        EngineError: it cannot be reached, refuses the key or lacks the model.
    """
    models = await _models(client)
    if models is None:
        if not wanted:
            raise EngineError("the server does not list its models; give one with --model")
        return Server(model=wanted)
    model = _choose(models, wanted)
    if model.owned_by != "vllm":
        return Server(model=model.id, context_tokens=model.max_model_len)
    version = await _vllm_version(client)
    return Server(
        model=model.id,
        context_tokens=model.max_model_len,
        vllm_field=not _OLD_VLLM.match(version or ""),
        version=version,
    )


async def _models(client: openai.AsyncOpenAI) -> list[_Model] | None:
    """Return the models that a server lists; None if it has no such list."""
    import openai

    url = str(client.base_url)
    patient = client.with_options(max_retries=2, timeout=_START_SECONDS)
    try:
        found = await patient.get("/models", cast_to=object)
    except openai.APIStatusError as error:
        if error.status_code in (404, 405, 501):
            return None
        failure = read_error(error.status_code, error.response.content)
        raise EngineError(f"{url} refused to list its models: {failure.message}") from None
    except openai.APIConnectionError:
        raise EngineError(
            f"no answer from {url}: is the server running, and is --base-url right? "
            f"(it has {CONNECT_SECONDS:.0f} seconds to accept a connection)"
        ) from None
    except ValueError:
        raise EngineError(f"{url} answers, but not as an OpenAI-compatible server") from None
    try:
        return msgspec.convert(found, _Listing).data
    except msgspec.ValidationError:
        raise EngineError(f"{url} answers, but not as an OpenAI-compatible server") from None


def _choose(models: list[_Model], wanted: str) -> _Model:
    for model in models:
        if model.id == wanted:
            return model
    names = [model.id for model in models]
    if not wanted and len(models) == 1:
        return models[0]
    if wanted and not models:
        return _Model(id=wanted)  # a list without entries says nothing
    near = difflib.get_close_matches(wanted, names, _SHOWN, 0.4) or names
    shown = ", ".join(printable(name) for name in near[:_SHOWN])
    more = f" and {len(names) - len(near[:_SHOWN])} more" if len(names) > _SHOWN else ""
    problem = f"the server has no model {wanted!r}" if wanted else "which model?"
    raise EngineError(f"{problem}; give --model one of: {shown or 'none is served'}{more}")


async def _vllm_version(client: openai.AsyncOpenAI) -> str | None:
    """Return the version of a vLLM server, or None if it keeps that to itself."""
    import openai

    parts = urlsplit(str(client.base_url))
    try:
        found = await client.with_options(timeout=_START_SECONDS).get(
            f"{parts.scheme}://{parts.netloc}/version", cast_to=object
        )
    except (openai.APIError, ValueError):
        return None  # a detail; servers behind a gateway often do not show it
    version = found.get("version") if isinstance(found, Mapping) else None
    return version if isinstance(version, str) else None


def schema_field(schema: dict[str, Any], *, vllm: bool) -> dict[str, Any]:
    """Return the part of a request that binds its answer to a schema."""
    if vllm:
        return {"structured_outputs": {"json": schema}}
    described = {"name": "answer", "schema": schema, "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": described}}
