"""What choosing looks at of a call."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from turnpike.relay.head import RequestHead
    from turnpike.relay.keys import Entry


class Asked(Protocol):
    entry: "Entry"
    head: "RequestHead"
    body: bytes
    streams: bool


class Opening:
    """A realtime session that is being opened: it has no body."""

    body = b""
    streams = True

    def __init__(self, entry: "Entry", head: "RequestHead") -> None:
        self.entry = entry
        self.head = head
