"""Errors in the Responses form: OpenAI's usual error object, and in a stream an `error` event.

The reference has the event's members at its top level; the API itself also nests them under `error`, which is what the
official SDK raises on. Both are written.
"""

from typing import Any

import msgspec

from turnpike.errors import TurnpikeError
from turnpike.kit.sse import encode_sse
from turnpike.wire.dialects.openai_chat.error import error_body, write_error

__all__ = ["STATUS", "error_event", "status_of", "write_error", "write_stream_error"]

STATUS: dict[str, int] = {
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "slow_down": 429,
    "server_is_overloaded": 503,
    "server_error": 500,
    "vector_store_timeout": 504,
    "failed_to_download_image": 400,
    "context_length_exceeded": 400,
    "content_filter": 400,
    "bio_policy": 400,
    "cyber_policy": 400,
    "data_residency_mismatch": 400,
    "misalignment_policy_violation": 400,
    "unsupported_image_media_type": 400,
    "model_not_found": 404,
}
"""What status an error has that comes in an answer of status 200, by its code."""


def status_of(code: str | None) -> int:
    if code is None:
        return 502
    known = STATUS.get(code)
    if known is not None:
        return known
    return 400 if code.startswith(("invalid_", "image_", "empty_image")) else 502


def error_event(error: TurnpikeError, request_id: str, sequence_number: int) -> bytes:
    body = error_body(error, request_id)
    inner: dict[str, Any] = body["error"]
    event = {
        "type": "error",
        "sequence_number": sequence_number,
        "code": inner["code"],
        "message": inner["message"],
        "param": inner["param"],
        **body,
    }
    return encode_sse(msgspec.json.encode(event), event="error")


def write_stream_error(error: TurnpikeError, request_id: str) -> bytes:
    """How far the stream has come is not known here: its number is 0."""
    return error_event(error, request_id, 0)
