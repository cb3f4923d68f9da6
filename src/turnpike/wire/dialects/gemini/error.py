"""Errors in Google's form: `{"error": {"code", "message", "status", "details"}}`.

Source: Google's AIP-193 and `google.rpc.Code`.
"""

from typing import Any, cast

import msgspec

from turnpike.errors import TurnpikeError, Unauthenticated, UpstreamRefused
from turnpike.kit.sse import encode_sse
from turnpike.wire.dialects.common import errors as _common

WORDS: dict[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "RESOURCE_EXHAUSTED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
    529: "UNAVAILABLE",
}
"""By status. Others: INVALID_ARGUMENT below 500, INTERNAL above."""

_OWN_WORDS = frozenset(
    (*WORDS.values(), "FAILED_PRECONDITION", "OUT_OF_RANGE", "ALREADY_EXISTS", "UNKNOWN", "DATA_LOSS")
)
_STATUS: dict[str, int] = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
_TYPE = "type.googleapis.com/google.rpc."
_BAD_KEY = frozenset(("API_KEY_INVALID", "API_KEY_EXPIRED", "ACCESS_TOKEN_EXPIRED", "ACCESS_TOKEN_TYPE_UNSUPPORTED"))
_decode = msgspec.json.Decoder().decode


def error_object(error: TurnpikeError, request_id: str) -> dict[str, Any]:
    word = WORDS.get(error.status, "INVALID_ARGUMENT" if error.status < 500 else "INTERNAL")
    if isinstance(error, UpstreamRefused) and error.upstream_code in _OWN_WORDS:
        word = error.upstream_code or word
    return {
        "error": {
            "code": error.status,
            "message": error.message,
            "status": word,
            "details": _details(error, request_id),
        }
    }


def _details(error: TurnpikeError, request_id: str) -> list[dict[str, Any]]:
    reason = "API_KEY_INVALID" if isinstance(error, Unauthenticated) else error.code
    details: list[dict[str, Any]] = [{"@type": _TYPE + "ErrorInfo", "reason": reason, "domain": "turnpike"}]
    param = error.param if isinstance(error, UpstreamRefused) else error.details.get("param")
    if isinstance(param, str) and param:
        violation = {"field": param, "description": error.message}
        details.append({"@type": _TYPE + "BadRequest", "fieldViolations": [violation]})
    if error.retry_after_s is not None:
        details.append({"@type": _TYPE + "RetryInfo", "retryDelay": f"{max(1, round(error.retry_after_s))}s"})
    if request_id:
        details.append({"@type": _TYPE + "RequestInfo", "requestId": request_id})
    return details


def write_error(error: TurnpikeError, request_id: str) -> bytes:
    return msgspec.json.encode(error_object(error, request_id))


def write_stream_error(error: TurnpikeError, request_id: str) -> bytes:
    """An event that holds an error: the official SDKs raise on it."""
    return encode_sse(msgspec.json.encode(error_object(error, request_id)))


def read_error(status: int, body: bytes) -> UpstreamRefused:
    """Like every dialect's, and besides: a bad key, which Google answers with 400, is 401; `RetryInfo` says when to
    ask again. Google's word for the error is kept as its code."""
    read = _common.read_error(status, body)
    word, reasons, delay_s = _said(body)
    if reasons & _BAD_KEY:
        read.status = 401
    if word is not None:
        read.upstream_code, read.upstream_type = word, None
    read.retry_after_s = delay_s
    return read


def _said(body: bytes) -> tuple[str | None, set[str], float | None]:
    try:
        decoded: Any = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None, set(), None
    if isinstance(decoded, list) and decoded:
        decoded = cast("list[Any]", decoded)[0]
    error = _object(_object(decoded).get("error"))
    word = error.get("status")
    details = error.get("details")
    reasons: set[str] = set()
    delay_s: float | None = None
    for detail in cast("list[Any]", details) if isinstance(details, list) else []:
        entry = _object(detail)
        if isinstance(entry.get("reason"), str):
            reasons.add(entry["reason"])
        delay_s = _seconds(entry.get("retryDelay")) if delay_s is None else delay_s
    return (word if isinstance(word, str) and word in _OWN_WORDS else None), reasons, delay_s


def _object(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _seconds(text: Any) -> float | None:
    """A duration as Google's JSON writes it: `22s`, `8.9s`."""
    if not isinstance(text, str) or not text.endswith("s"):
        return None
    whole, _, part = text[:-1].partition(".")
    if not whole.isdecimal() or (part and not part.isdecimal()):
        return None
    return float(text[:-1])


def status_of(code: int | None, word: str | None) -> int:
    """Of an error amid a stream."""
    if code is not None and 400 <= code <= 599:
        return code
    return _STATUS.get(word or "", 502)
