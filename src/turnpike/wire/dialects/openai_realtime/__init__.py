"""OpenAI's Realtime form: a session over WebSocket at `GET /v1/realtime?model=...`, one JSON event a message.

The events pass as they are; `events` reads the few that say what is asked for and what was used. Errors before the
session are those of the rest of OpenAI's API. Source: OpenAI's API reference, "Realtime".
"""

from turnpike.errors import UnsupportedOperation
from turnpike.wire.dialects.openai_realtime.events import (
    ClientEvent,
    ServerEvent,
    read_client_event,
    read_server_event,
    write_error_event,
)
from turnpike.wire.media.dialect import MediaDialect, MediaHead
from turnpike.wire.operations import Operation
from turnpike.wire.types.usage import Usage

__all__ = [
    "OPENAI_REALTIME",
    "ClientEvent",
    "ServerEvent",
    "read_client_event",
    "read_server_event",
    "write_error_event",
]


class OpenAIRealtime(MediaDialect):
    name = "openai_realtime"
    operation = Operation.REALTIME
    takes_form = False

    def estimate(self, head: MediaHead, output_bytes: int) -> Usage:
        raise UnsupportedOperation("A session is no one answer: its responses are estimated one by one.")


OPENAI_REALTIME = OpenAIRealtime()
