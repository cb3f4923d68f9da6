"""Errors in Anthropic's form: `{"type": "error", "error": {"type", "message"}, "request_id"}`."""

import msgspec

from turnpike.errors import BudgetSpent, RefusalKind, TurnpikeError, UpstreamRefused
from turnpike.kit.sse import encode_sse

TYPES: dict[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
STATUS: dict[str, int] = {kind: status for status, kind in TYPES.items()}
"""What status an error has that comes amid a stream."""

_REFUSALS: dict[RefusalKind, str] = {
    RefusalKind.BAD_KEY: "authentication_error",
    RefusalKind.QUOTA: "billing_error",
    RefusalKind.RATE_LIMITED: "rate_limit_error",
    RefusalKind.NOT_FOUND: "not_found_error",
    RefusalKind.OVERLOADED: "overloaded_error",
    RefusalKind.FORBIDDEN: "permission_error",
}
"""What a provider's words mean, where that says more than its own type."""


def _body(error: TurnpikeError, request_id: str) -> bytes:
    kind = TYPES.get(error.status, "invalid_request_error" if error.status < 500 else "api_error")
    if isinstance(error, UpstreamRefused):
        known = _REFUSALS.get(error.kind) if error.kind is not None else None
        kind = known or (error.upstream_type if error.upstream_type in STATUS else None) or kind
    elif isinstance(error, BudgetSpent):
        kind = "billing_error"
    body: dict[str, object] = {"type": "error", "error": {"type": kind, "message": error.message}}
    if request_id:
        body["request_id"] = request_id
    return msgspec.json.encode(body)


def write_error(error: TurnpikeError, request_id: str) -> bytes:
    return _body(error, request_id)


def write_stream_error(error: TurnpikeError, request_id: str) -> bytes:
    """An `error` event: the official SDKs raise on it."""
    return encode_sse(_body(error, request_id), event="error")
