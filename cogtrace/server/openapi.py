"""The proxy's own description, as OpenAPI 3.1."""

from __future__ import annotations

from typing import Any, Final

import cogtrace

_ERROR: Final = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": ["string", "null"]},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "integer", "null"]},
            },
        }
    },
}
_PLUGIN: Final = {
    "oneOf": [
        {"type": "string", "description": "As in --with, e.g. restate or analogy:k=2."},
        {
            "type": "object",
            "required": ["plugin"],
            "additionalProperties": False,
            "properties": {"plugin": {"type": "string"}, "options": {"type": "object"}},
        },
    ]
}
_GUIDANCE: Final = {
    "type": ["object", "null"],
    "description": "Guidance for this request; goes before the model's suffix and the default.",
    "additionalProperties": False,
    "properties": {
        "with": {
            "oneOf": [
                {"type": "null"},
                {"type": "string"},
                {"type": "array", "items": _PLUGIN},
            ],
            "description": "Plugins in order; none at all passes the request through.",
        },
        "samples": {
            "type": ["integer", "null"],
            "minimum": 1,
            "description": "Answers that are put to the vote.",
        },
    },
}
_CHAT: Final = {
    "type": "object",
    "required": ["messages"],
    "description": "OpenAI's chat request; fields not listed here go to the upstream as they are.",
    "properties": {
        "model": {
            "type": ["string", "null"],
            "description": "The upstream's name, perhaps with guidance: NAME+restate+vote.",
        },
        "messages": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["role"],
                "properties": {
                    "role": {"type": "string"},
                    "content": {
                        "oneOf": [
                            {"type": "null"},
                            {"type": "string"},
                            {"type": "array", "items": {"type": "object"}},
                        ]
                    },
                },
            },
        },
        "stream": {"type": ["boolean", "null"]},
        "cogtrace": _GUIDANCE,
    },
}
_NAMED: Final = {
    "parameters": [{"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}]
}
_ANY_OBJECT: Final = {"type": "object"}
# What the gate may answer to any request, and what comes of the upstream's state.
_GATE: Final = ("401", "403", "408", "413", "421", "431", "500", "503")
_UPSTREAM: Final = ("400", "404", "409", "415", "422", "429", "502", "504")


def description() -> dict[str, Any]:
    """Return the description of all routes."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "cogtrace proxy",
            "version": cogtrace.__version__,
            "description": "An OpenAI-compatible server that guides a language model.",
        },
        "paths": {
            "/v1/chat/completions": {
                "post": _operation("Answer a chat, with guidance", _CHAT, stream=True)
            },
            "/v1/completions": {"post": _operation("Passed through", _ANY_OBJECT, stream=True)},
            "/v1/embeddings": {"post": _operation("Passed through", _ANY_OBJECT)},
            "/v1/models": {"get": _operation("The upstream's models, and those with a suffix")},
            "/v1/models/{name}": {"get": _operation("A model of the upstream's") | _NAMED},
            "/health": {"get": _own("Whether requests can be served", "application/json")},
            "/metrics": {"get": _own("Figures for Prometheus", "text/plain")},
            "/openapi.json": {"get": _own("This description", "application/json")},
        },
        "components": {
            "schemas": {"Error": _ERROR},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"key": []}],
    }


def _operation(
    summary: str, body: dict[str, Any] | None = None, *, stream: bool = False
) -> dict[str, Any]:
    content: dict[str, Any] = {"application/json": {"schema": {}}}
    if stream:
        content["text/event-stream"] = {}
    found = _own(summary, "application/json")
    found["responses"]["200"] = {"description": "The answer", "content": content}
    found["responses"] |= _errors(_UPSTREAM)
    if body is not None:
        found["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": body}},
        }
    return found


def _own(summary: str, kind: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"} if kind == "text/plain" else {"type": "object"}
    good = {"description": "As asked", "content": {kind: {"schema": schema}}}
    return {"summary": summary, "responses": {"200": good} | _errors(_GATE)}


def _errors(statuses: tuple[str, ...]) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {status: {"description": "An error", "content": content} for status in statuses}
