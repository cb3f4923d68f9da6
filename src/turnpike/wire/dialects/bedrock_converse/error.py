"""Errors of Amazon's JSON APIs: `{"message"}` with a type in a header, and exceptions inside a stream.

Source: the errors of Converse and ConverseStream in the Bedrock API reference.
"""

import msgspec

from turnpike.errors import TurnpikeError, UpstreamRefused
from turnpike.kit.eventstream import EventMessage, encode_message
from turnpike.wire.dialects.common.errors import read_error as read_any_error
from turnpike.wire.dialects.common.errors import scrub

STATUS: dict[str, int] = {
    "validationException": 400,
    "accessDeniedException": 403,
    "resourceNotFoundException": 404,
    "throttlingException": 429,
    "serviceQuotaExceededException": 429,
    "modelNotReadyException": 429,
    "internalServerException": 500,
    "modelErrorException": 502,
    "modelStreamErrorException": 502,
    "serviceUnavailableException": 503,
    "modelTimeoutException": 504,
}
"""What an exception amid a stream means. A model that fails or times out is the provider's fault, whatever status
Amazon gives it."""
_MENDED = {408: 504, 424: 502}
_TYPES: dict[int, str] = {
    400: "ValidationException",
    401: "AccessDeniedException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
    504: "ModelTimeoutException",
}
_message = msgspec.json.Decoder(dict[str, object]).decode


def read_error(status: int, body: bytes) -> UpstreamRefused:
    """Amazon writes `Message` where a request never reached the model."""
    error = read_any_error(_MENDED.get(status, status), body)
    try:
        members = _message(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return error
    said = members.get("Message")
    if isinstance(said, str) and said:
        error.message = scrub(said)
    kind = members.get("__type")
    if isinstance(kind, str):
        error.upstream_type = kind.rpartition("#")[2]
    return error


def stream_error(message: EventMessage) -> UpstreamRefused | None:
    """The error that a message of a stream tells; None for an ordinary event."""
    how = message.headers.get(":message-type", "event")
    if how == "event":
        return None
    kind = message.headers.get(":exception-type") or message.headers.get(":error-code") or "unknown"
    said: object = message.headers.get(":error-message")
    try:
        members = _message(message.payload)
        said = members.get("message") or members.get("originalMessage") or said
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass  # an `error` message has no payload
    text = said if isinstance(said, str) and said else "The provider's stream failed without a message."
    return UpstreamRefused(scrub(text), status=STATUS.get(kind[:1].lower() + kind[1:], 502), upstream_type=kind)


def _type(error: TurnpikeError) -> str:
    return _TYPES.get(error.status, "ValidationException" if error.status < 500 else "InternalServerException")


def write_error(error: TurnpikeError, request_id: str) -> bytes:
    """With its type in the body, where Amazon's SDKs look for it when no header says it."""
    return msgspec.json.encode({"__type": _type(error), "message": error.message, "requestId": request_id})


def write_stream_error(error: TurnpikeError, request_id: str) -> bytes:
    kind = _type(error)
    headers = {
        ":exception-type": kind[:1].lower() + kind[1:],
        ":content-type": "application/json",
        ":message-type": "exception",
    }
    return encode_message(headers, msgspec.json.encode({"message": error.message}))
