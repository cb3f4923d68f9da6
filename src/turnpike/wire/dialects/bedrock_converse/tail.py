"""Watching a Converse stream go by unchanged."""

import msgspec

from turnpike.errors import UpstreamGarbage
from turnpike.kit.eventstream import EventStreamDecoder
from turnpike.wire.dialects.bedrock_converse.error import stream_error
from turnpike.wire.dialects.bedrock_converse.shapes import EventShape
from turnpike.wire.dialects.bedrock_converse.stream_read import feed_messages
from turnpike.wire.dialects.bedrock_converse.usage import usage_in
from turnpike.wire.dialects.common.watching import Watch

_decode = msgspec.json.Decoder(EventShape).decode


class ConverseTail(Watch):
    """Counts stand in the last message, whose header tells it: the others are only measured."""

    __slots__ = ("_decoder", "_stopped")

    def __init__(self) -> None:
        super().__init__()
        self._decoder = EventStreamDecoder()
        self._stopped = False

    def feed(self, data: bytes) -> bytes:
        """Raises UpstreamGarbage where a checksum is wrong: what is damaged must not go on."""
        self.output_bytes += len(data)
        for message in feed_messages(self._decoder, data):
            error = stream_error(message)
            kind = message.headers.get(":event-type")
            if error is not None:
                self._failed(error)
            elif kind == "messageStop":
                self._stopped = True
            elif kind == "metadata":
                self._count(message.payload)
                self.finished = self._stopped
        return data

    def end(self) -> bytes:
        self.finished = self.finished or self._stopped
        return b""

    def _count(self, payload: bytes) -> None:
        try:
            event = _decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UpstreamGarbage("The provider's stream ends in something that is no event of Converse's.") from error
        self._counted(usage_in(event.usage))
