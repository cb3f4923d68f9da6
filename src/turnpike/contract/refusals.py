"""What a relay refused before it knew who was calling: control puts it into the audit log."""

import msgspec


class RefusalSeen(msgspec.Struct, frozen=True, array_like=True, gc=False):
    address: str
    """The caller's; empty: of many, who were too many to tell apart."""
    code: str
    """Of turnpike.errors: UNAUTHENTICATED, ADDRESS_FORBIDDEN."""
    count: int


class RefusalsSeen(msgspec.Struct, frozen=True, tag="refusals_seen"):
    """Since the last such message; sent every two seconds while there are any."""

    seen: tuple[RefusalSeen, ...]
