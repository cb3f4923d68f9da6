"""The embedding of a question, asked for as an ordinary call on the caller's behalf: admitted, sent, settled and
written down like any other. Only its answer comes here instead of going to a connection, and the caller's limits have
counted the call that it is part of.
"""

import struct
from collections.abc import Callable

import msgspec

from turnpike.errors import TurnpikeError
from turnpike.relay.call import Call
from turnpike.relay.caller_end import InnerEnd
from turnpike.relay.head import RequestHead
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.types.embeddings import EmbeddingsResponse

Found = Callable[[bytes | None], None]
"""Little-endian 32-bit floats; None: there is no embedding."""
_PATH = b"/v1/embeddings"
_DIALECT = DIALECTS["openai_embeddings"]


def embed(outer: Call, model: str, text: str, found: Found) -> None:
    """Tells `found` once, now or later."""
    relay = outer.relay
    request_id = f"{outer.request_id[:100]}:embedding"
    pairs = [(b"host", b"turnpike"), (b"content-type", b"application/json"), (b"x-request-id", request_id.encode())]
    head = RequestHead(b"POST", _PATH, pairs, http_1_0=False)
    head.token, head.digest, head.entry = outer.head.token, outer.head.digest, outer.entry.for_inner()
    head.trace_id, head.tags = outer.head.trace_id, outer.head.tags

    def answered(status: int, body: bytes) -> None:
        found(_vector(body) if status == 200 else None)

    client = relay.client_address(outer.connection, outer.head)
    body = msgspec.json.encode({"model": model, "input": text, "encoding_format": "float"})
    call = Call(relay, InnerEnd(client, answered), head, body)
    try:
        call.start()
    except Exception as error:  # noqa: BLE001 - the last line of defence, as in core.py
        call.fault(error)


def _vector(body: bytes) -> bytes | None:
    try:
        response = _DIALECT.read_response(body)
    except TurnpikeError:
        return None
    if not isinstance(response, EmbeddingsResponse) or len(response.vectors) != 1 or not response.vectors[0]:
        return None
    vector = response.vectors[0]
    return struct.pack(f"<{len(vector)}f", *vector)
