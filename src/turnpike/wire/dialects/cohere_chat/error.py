"""Errors in Cohere's form: `{"id", "message"}`; the status says of what kind they are."""

import msgspec

from turnpike.errors import TurnpikeError
from turnpike.kit.sse import encode_sse


def write_error(error: TurnpikeError, request_id: str) -> bytes:
    body: dict[str, object] = {"id": request_id} if request_id else {}
    return msgspec.json.encode({**body, "message": error.message})


def write_stream_error(error: TurnpikeError, request_id: str) -> bytes:
    """The form's streams end in one event, good or bad: this one says `ERROR`, and why."""
    ended: dict[str, object] = {
        "type": "message-end",
        "delta": {"finish_reason": "ERROR", "error": error.message},
    }
    if request_id:
        ended["id"] = request_id
    return encode_sse(msgspec.json.encode(ended), event="message-end")
