"""Errors in OpenAI's form: `{"error": {"message", "type", "param", "code"}}`."""

import re
from typing import Any

import msgspec

from turnpike.errors import BudgetSpent, ModelNotFound, RefusalKind, TurnpikeError, Unauthenticated, UpstreamRefused

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
    BudgetSpent: "insufficient_quota",
}
"""Where OpenAI has a code of its own that clients look for."""

_REFUSALS: dict[RefusalKind, tuple[str, str]] = {
    RefusalKind.BAD_KEY: ("authentication_error", "invalid_api_key"),
    RefusalKind.QUOTA: ("insufficient_quota", "insufficient_quota"),
    RefusalKind.RATE_LIMITED: ("rate_limit_error", "rate_limit_exceeded"),
    RefusalKind.CONTEXT: ("invalid_request_error", "context_length_exceeded"),
    RefusalKind.CONTENT: ("invalid_request_error", "content_policy_violation"),
    RefusalKind.NOT_FOUND: ("invalid_request_error", "model_not_found"),
    RefusalKind.OVERLOADED: ("server_error", "server_overloaded"),
}
"""OpenAI's type and code for what a provider's words mean."""
_WORD = re.compile(r"[a-z][a-z_]*")
_OWN_TYPES = frozenset((*_TYPES.values(), "server_error", "tokens", "requests", "image_generation_user_error"))


def error_body(error: TurnpikeError, request_id: str) -> dict[str, Any]:
    """OpenAI's error object, which all its dialects share."""
    kind = _TYPES.get(error.status, "invalid_request_error" if error.status < 500 else "server_error")
    param: str | None = error.details.get("param")
    code: str | None = _CODES.get(type(error))
    if isinstance(error, BudgetSpent):
        kind = "insufficient_quota"
    if isinstance(error, UpstreamRefused):
        own = _REFUSALS.get(error.kind) if error.kind is not None else None
        theirs = error.upstream_type
        kind = theirs if theirs and (own is None or theirs in _OWN_TYPES) else own[0] if own else kind
        param = error.param
        code = own[1] if own is not None and not _is_openais(error.upstream_code) else error.upstream_code
    elif code is None:
        code = "rate_limit_exceeded" if error.status == 429 else error.code.lower()
    body: dict[str, Any] = {"error": {"message": error.message, "type": kind, "param": param, "code": code}}
    if request_id:
        body["request_id"] = request_id
    return body


def _is_openais(code: str | None) -> bool:
    """A code in OpenAI's manner, which clients may know: a word, and not the type over again."""
    return code is not None and _WORD.fullmatch(code) is not None and not code.endswith("_error")


def write_error(error: TurnpikeError, request_id: str) -> bytes:
    return msgspec.json.encode(error_body(error, request_id))


def write_stream_error(error: TurnpikeError, request_id: str) -> bytes:
    """One event without the end marker: the official SDKs raise on it."""
    return b"data: " + msgspec.json.encode(error_body(error, request_id)) + b"\n\n"
