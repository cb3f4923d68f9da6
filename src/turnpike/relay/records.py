"""The journal's two records of a model call, as the fast path writes them: contract.events' types field for field, with
their constant part already encoded. A test holds them against those."""

import msgspec

from turnpike.contract.events import Abandoned, Caller
from turnpike.wire.types.usage import Usage

encode = msgspec.msgpack.Encoder().encode


class Open(msgspec.Struct, array_like=True, gc=False, tag=1):
    """contract.events.OpenRecord, field for field, with its constant part already encoded. The fast path makes two
    records a request; a test holds them against the contract's types."""

    event_id: bytes
    attempt: int
    started_at_ms: int
    reserved_nanousd: int
    request_id: str
    trace_id: str | None
    caller: Caller
    operation: str
    dialect: str
    stream: bool
    model_asked: str
    served: msgspec.Raw
    path: str | None
    charged: tuple[str, ...]
    mirror_of: bytes | None


class Settled(msgspec.Struct, array_like=True, gc=False, tag=2):
    """contract.events.UsageEvent, likewise."""

    event_id: bytes
    started_at_ms: int
    request_id: str
    trace_id: str | None
    caller: Caller
    operation: str
    dialect: str
    stream: bool
    model_asked: str
    served: msgspec.Raw | None
    status: int
    outcome: int
    error_code: str | None
    usage: Usage | None
    usage_source: int
    cost_nanousd: int | None
    first_byte_us: int
    total_us: int
    attempts: int
    abandoned: tuple[Abandoned, ...]
    cache: str | None
    path: str | None
    charged: tuple[str, ...]
    saved_nanousd: int
    mirror_of: bytes | None
    reason: str | None
