"""What a relay writes down about a request: the journal's records and the ledger's rows.

`Caller` and `Served` are structures of their own because they are the same for thousands of requests: a relay
encodes each once (`msgspec.Raw`) and copies the bytes.
"""

from enum import IntEnum

import msgspec

from turnpike.contract.refusals import RefusalRecord
from turnpike.wire.types.usage import Usage


class Outcome(IntEnum):
    """How a request ended. Numbers are stored: append, never renumber."""

    OK = 0
    REFUSED = 1
    """By Turnpike, after the caller was known and before an upstream saw anything."""
    UPSTREAM_ERROR = 2
    CUT = 3
    """The upstream broke off in the middle of its answer."""
    CANCELLED = 4
    """The caller left."""
    INTERRUPTED = 5
    """A process of ours died: an open record without its settle record."""
    FAILED = 6
    """A fault of ours."""


class UsageSource(IntEnum):
    REPORTED = 0
    ESTIMATED = 1
    UNKNOWN = 2
    NONE = 3
    """No upstream saw the request: there is nothing to count."""


class Caller(msgspec.Struct, frozen=True, array_like=True, gc=False):
    key_id: str
    key_name: str
    user_id: str
    department_id: str | None


class Served(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where an attempt went."""

    provider_id: str
    provider: str
    """The provider's slug, kept beside the id so that a row outlives its provider."""
    deployment_id: str
    credential_id: str | None
    model: str
    upstream_model: str
    dialect: str
    price_source: str | None


class OpenRecord(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=1):
    """In the journal before an attempt's first byte goes upstream."""

    event_id: bytes
    """UUIDv7, 16 bytes: the ledger's key."""
    attempt: int
    """From 1."""
    started_at_ms: int
    reserved_nanousd: int
    request_id: str
    trace_id: str | None
    caller: Caller
    operation: str
    dialect: str
    stream: bool
    model_asked: str
    served: Served
    path: str | None = None
    """As in UsageEvent."""
    charged: tuple[str, ...] = ()
    """As in UsageEvent."""
    mirror_of: bytes | None = None
    """As in UsageEvent."""


class Abandoned(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An attempt that was given up: costed as an estimate, because its upstream may charge for it."""

    served: Served
    status: int
    error_code: str
    cost_nanousd: int | None


class UsageEvent(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=2):
    """One request, settled: one row of the ledger."""

    event_id: bytes
    started_at_ms: int
    request_id: str
    trace_id: str | None
    caller: Caller
    operation: str
    dialect: str
    stream: bool
    model_asked: str
    served: Served | None
    """None when nothing was sent to any upstream."""
    status: int
    """HTTP status that the caller got (499: the caller left before it had one)."""
    outcome: int
    error_code: str | None
    usage: Usage | None
    usage_source: int
    cost_nanousd: int | None
    """None: unpriced. Includes abandoned attempts."""
    first_byte_us: int
    """Microseconds from the request's head to the first byte of the answer; 0 when there was none."""
    total_us: int
    attempts: int
    abandoned: tuple[Abandoned, ...] = ()
    cache: str | None = None
    path: str | None = None
    """Of a call that was passed through: `POST /v1/files`, without anything that the caller chose in it."""
    charged: tuple[str, ...] = ()
    """Ids of the budget counters that the cost is added to in the transaction that writes the row."""
    saved_nanousd: int = 0
    """What an answer out of the cache had cost when it was made."""
    mirror_of: bytes | None = None
    """Of a copy that a route sent to another deployment: the event of the request that it is a copy of."""
    reason: str | None = None
    """Which limit, budget, policy or scope said no, where one did (turnpike.relay.refusals)."""


class Decision(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one guard found, and what came of it. Never the text."""

    policy_id: str
    policy: str
    guard: str
    kind: str
    """email, card, term, injection, parameter ..."""
    action: str
    """flag, mask, restore or block."""
    where: str
    """prompt or answer."""
    count: int


class GuardRecord(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=3):
    """The decisions about one side of a call: in the journal before the prompt goes upstream, or the answer's end to
    the caller."""

    event_id: bytes
    """Of the call, as in its UsageEvent."""
    number: int
    """Which record of the call's this is: 0 for the prompt, from 1 on for answers."""
    at_ms: int
    request_id: str
    caller: Caller
    operation: str
    model_asked: str
    decisions: tuple[Decision, ...]


Record = OpenRecord | UsageEvent | GuardRecord | RefusalRecord
