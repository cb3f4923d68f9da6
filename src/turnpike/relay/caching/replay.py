"""A kept answer, given again: whole or as a stream, whichever way it came the first time."""

from typing import TYPE_CHECKING

from turnpike.errors import TurnpikeError
from turnpike.relay.settle import settle_kept
from turnpike.wire.types.conversation import Response
from turnpike.wire.types.stream import collect, events_of

if TYPE_CHECKING:
    from turnpike.contract.caching import KeptAnswer
    from turnpike.relay.call import Call
    from turnpike.wire.types.usage import Usage

_UNREADABLE = (TurnpikeError, KeyError, TypeError, ValueError)
"""What a stream may raise that its provider ended well and our reader does not understand after all."""


def replay(call: "Call", kept: "KeptAnswer", similarity: float | None) -> bool:
    """Answers a call and settles it; False, and nothing was done, when this answer cannot be told as a stream.

    `similarity` None: the question is the same.
    """
    data = kept.body
    if call.streams:
        streamed = _as_stream(call, data)
        if streamed is None:
            return False
        data = streamed
    age_s = max(0, call.started_at_ms - kept.made_at_ms) // 1000
    call.cache = "exact" if similarity is None else "semantic"
    settle_kept(call, kept)
    headers = b"x-request-id: %b\r\nx-turnpike-attempts: 0\r\nx-turnpike-cost: 0.000000000\r\nage: %d\r\n" % (
        call.request_id_raw, age_s,
    )  # fmt: skip
    if similarity is None:
        headers += b"x-turnpike-cache: hit; age=%d\r\n" % age_s
    else:
        headers += b"x-turnpike-cache: semantic; age=%d; similarity=%.4f\r\n" % (age_s, similarity)
    call.answer_kept(headers, data)
    return True


def _as_stream(call: "Call", body: bytes) -> bytes | None:
    try:
        response = call.route.call_dialect.read_response(body)
    except _UNREADABLE:
        return None
    if not isinstance(response, Response):
        return None
    writer = call.dialect.writer(call.fields, call.model)
    return b"".join(writer.write(event) for event in events_of(response))


def whole_of_stream(call: "Call", data: bytes, usage: "Usage | None") -> bytes | None:
    """A stream that went to the caller, as the whole answer that says the same; None when it cannot be read."""
    try:
        reader = call.dialect.reader()
        events = reader.feed(data)
        response = collect([*events, *reader.end()])
        response.usage = usage
        return call.fields.echoed(call.route.call_dialect.write_response(response, call.model))
    except _UNREADABLE:
        return None
