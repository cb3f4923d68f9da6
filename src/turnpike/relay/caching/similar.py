"""The embedding of a question, asked for as an ordinary call on the caller's behalf: admitted, sent, settled and
written down like any other. Only its answer comes here instead of going to a connection, and the caller's limits have
counted the call that it is part of.
"""

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import msgspec

from turnpike.errors import TurnpikeError
from turnpike.relay.call import Call
from turnpike.relay.head import RequestHead
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.types.embeddings import EmbeddingsResponse

if TYPE_CHECKING:
    from turnpike.relay.caller_end import CallerEnd

Found = Callable[[bytes | None], None]
"""Little-endian 32-bit floats; None: there is no embedding."""
_PATH = b"/v1/embeddings"
_DIALECT = DIALECTS["openai_embeddings"]


class InnerConnection:
    """The caller's end of a call that the relay makes itself."""

    closed = False
    closing = False

    def __init__(self, client: str, answered: Callable[[int, bytes], None]) -> None:
        self.client = client
        self.head: RequestHead | None = None
        self.conversation: object = None
        self._answered = answered

    def answer_any(self, status: int, headers: bytes, body: bytes) -> None:
        self._tell(status, body)

    def answer(self, status: int, headers: bytes, body: bytes) -> None:
        self._tell(status, body)

    def start_stream(self, status: int, headers: bytes, data: bytes) -> None:
        """Embeddings do not stream."""
        self._tell(502, b"")

    def stream(self, data: bytes) -> None:
        return

    def end_stream(self, data: bytes) -> None:
        return

    def abort(self) -> None:
        self._tell(500, b"")

    def _tell(self, status: int, body: bytes) -> None:
        self.conversation = None
        self._answered(status, body)


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
    connection = InnerConnection(client, answered)
    body = msgspec.json.encode({"model": model, "input": text, "encoding_format": "float"})
    call = Call(relay, cast("CallerEnd", connection), head, body)
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
