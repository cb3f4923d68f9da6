"""Messages on the contract socket: a 4-byte big-endian length, then one msgpack message of the unions below."""

import struct
from collections.abc import Iterator

import msgspec

from turnpike.contract.backends import BackendState
from turnpike.contract.budgets import AskMoney, MoneyLent, RecallMoney
from turnpike.contract.caching import FindSimilar, GetKept, Kept, PutKept
from turnpike.contract.grants import KeyGrant
from turnpike.contract.leases import LeaseAnswer, LeaseAsk, LimitsReset
from turnpike.contract.metrics import Sample
from turnpike.contract.objects import DropObject, FindObjects, KeepObjects, ObjectSeen, ObjectsFound, ObjectsKept
from turnpike.contract.snapshot import Snapshot
from turnpike.errors import TurnpikeError

MAX_MESSAGE_BYTES = 256 * 1024 * 1024
_LENGTH = struct.Struct(">I")


# ---- relay to control


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """First message of a relay. `incarnation` names its journal folder."""

    contract: int
    relay: int
    incarnation: str
    pid: int


class ResolveKey(msgspec.Struct, frozen=True, tag="resolve_key"):
    id: int
    digest: bytes
    token: bytes | None = None
    """What the digest is of, where that is no key but a token (a JWT), which is stored nowhere."""


class Counters(msgspec.Struct, frozen=True, tag="counters"):
    """All of a relay's metrics as totals since its start; sent every two seconds and in answer to AskCounters."""

    ask: int
    """The AskCounters this answers; 0 when unasked."""
    samples: tuple[Sample, ...]
    backends: tuple[BackendState, ...] = ()
    """Those that were asked of late, or rest."""


class AskHealth(msgspec.Struct, frozen=True, tag="ask_health"):
    id: int


# ---- control to relay


class PushSnapshot(msgspec.Struct, frozen=True, tag="snapshot"):
    snapshot: Snapshot


class KeyResolved(msgspec.Struct, frozen=True, tag="key_resolved"):
    """`grant` is None for a key that does not exist, is revoked or expired; `unavailable` when the truth could not
    be reached (then the relay answers 503 and remembers nothing)."""

    id: int
    digest: bytes
    grant: KeyGrant | None
    unavailable: bool = False


class GrantsChanged(msgspec.Struct, frozen=True, tag="grants_changed"):
    """Forget these keys' grants; None: forget all, and all negative answers."""

    key_ids: tuple[str, ...] | None


class AskCounters(msgspec.Struct, frozen=True, tag="ask_counters"):
    id: int


class Health(msgspec.Struct, frozen=True, tag="health"):
    """Control's own state: name of a dependency to `ok` or what is wrong with it."""

    id: int
    checks: dict[str, str]


class ProvidersDown(msgspec.Struct, frozen=True, tag="providers_down"):
    """All providers that fail their health check at the moment; those who are not named are well, or not checked."""

    slugs: tuple[str, ...]


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """Control will not talk to this relay (another contract version); the connection closes."""

    reason: str


ToControl = (
    Hello | ResolveKey | Counters | AskHealth | LeaseAsk | KeepObjects | DropObject | FindObjects | ObjectSeen
    | GetKept | FindSimilar | PutKept | AskMoney
)  # fmt: skip
ToRelay = (
    PushSnapshot | KeyResolved | GrantsChanged | AskCounters | Health | ProvidersDown | Refused | LeaseAnswer
    | LimitsReset | ObjectsKept | ObjectsFound | Kept | MoneyLent | RecallMoney
)  # fmt: skip

_encode = msgspec.msgpack.Encoder().encode


class MessageError(TurnpikeError):
    """The other side of the contract socket sent what is no message."""

    code = "CONTRACT"


def pack(message: ToControl | ToRelay) -> bytes:
    payload = _encode(message)
    return _LENGTH.pack(len(payload)) + payload


class Unpacker:
    """Cuts a byte stream into messages.

    `decoder` is `msgspec.msgpack.Decoder(ToControl)` or `msgspec.msgpack.Decoder(ToRelay)`.
    """

    def __init__(self, decoder: "msgspec.msgpack.Decoder[ToControl] | msgspec.msgpack.Decoder[ToRelay]") -> None:
        self._decode = decoder.decode
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[ToControl | ToRelay]:
        """Raises MessageError on a length or payload that cannot be one of ours."""
        buffer = self._buffer
        buffer += data
        while len(buffer) >= 4:
            (length,) = _LENGTH.unpack_from(buffer)
            if length > MAX_MESSAGE_BYTES:
                raise MessageError(f"a message of {length} bytes is over the limit of {MAX_MESSAGE_BYTES}")
            if len(buffer) < 4 + length:
                return
            payload = bytes(buffer[4 : 4 + length])
            del buffer[: 4 + length]
            try:
                message = self._decode(payload)
            except msgspec.DecodeError as error:
                raise MessageError(f"unreadable message: {error}") from error
            yield message
