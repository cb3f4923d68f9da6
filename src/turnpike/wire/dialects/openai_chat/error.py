"""Errors in OpenAI's form: `{"error": {"message", "type", "param", "code"}}`."""

from typing import Any

import msgspec

from turnpike.errors import ModelNotFound, TurnpikeError, Unauthenticated, UpstreamRefused

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    404: "invalid_request_error",
    405: "invalid_request_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "invalid_request_error",
    415: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
    431: "invalid_request_error",
}

_CODES: dict[type[TurnpikeError], str] = {
    Unauthenticated: "invalid_api_key",
    ModelNotFound: "model_not_found",
}
"""Where OpenAI has a code of its own that clients look for."""


def error_body(error: TurnpikeError, request_id: str) -> dict[str, Any]:
    """OpenAI's error object, which all its dialects share."""
    kind = _TYPES.get(error.status, "invalid_request_error" if error.status < 500 else "server_error")
    param: str | None = error.details.get("param")
    code: str | None = _CODES.get(type(error))
    if isinstance(error, UpstreamRefused):
        kind = error.upstream_type or kind
        param = error.param
        code = error.upstream_code
    elif code is None:
        code = "rate_limit_exceeded" if error.status == 429 else error.code.lower()
    body: dict[str, Any] = {"error": {"message": error.message, "type": kind, "param": param, "code": code}}
    if request_id:
        body["request_id"] = request_id
    return body


def write_error(error: TurnpikeError, request_id: str) -> bytes:
    return msgspec.json.encode(error_body(error, request_id))


def write_stream_error(error: TurnpikeError, request_id: str) -> bytes:
    """One event without the end marker: the official SDKs raise on it."""
    return b"data: " + msgspec.json.encode(error_body(error, request_id)) + b"\n\n"
