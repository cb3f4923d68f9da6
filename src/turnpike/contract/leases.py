"""A slice of a shared limit, handed to one relay.

The types are part of the contract from now on; until limits and budgets exist control grants none and the relay's
admit step asks for none.
"""

import msgspec


class LeaseRequest(msgspec.Struct, frozen=True, tag="lease_request"):
    id: int
    scope: str
    """`key:<id>`, `user:<id>`, `department:<id>`, `provider:<id>`, `gateway`."""
    resource: str
    """`requests`, `tokens`, `concurrency`, `nanousd`."""
    amount: int


class Lease(msgspec.Struct, frozen=True, tag="lease"):
    id: int
    scope: str
    resource: str
    granted: int
    expires_at_ms: int
    """0: never expires by the clock (money)."""
    window_ends_at_ms: int = 0
