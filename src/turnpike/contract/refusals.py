"""What a relay refused before it knew who was calling: in its journal, so that no crash loses it, and from there in the
audit log."""

import msgspec


class RefusalRecord(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=4):
    event_id: bytes
    """Its own: there is no call that it belongs to."""
    number: int
    """From 1, of one relay incarnation: what was read twice is known by it."""
    at_ms: int
    address: str
    """The caller's; empty: of many, who were too many to tell apart."""
    code: str
    """Of turnpike.errors: UNAUTHENTICATED, ADDRESS_FORBIDDEN, RATE_LIMITED."""
    count: int
    """More than 1 where like ones were put together."""
