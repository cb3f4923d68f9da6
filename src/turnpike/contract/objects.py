"""Objects that were made at a provider through the gateway, and whose they are.

A relay asks and tells, control keeps them. An object has one owner for ever: who comes second with the same id at the
same provider changes nothing.
"""

from hashlib import blake2b

import msgspec

from turnpike.contract.events import Caller


class BatchFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a batch, or a file of one, was admitted for."""

    lines: int = 0
    endpoints: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    """As the catalog names them."""


class OwnedObject(msgspec.Struct, frozen=True, array_like=True):
    provider_id: str
    kind: str
    """With its API: `openai.files`."""
    object_id: str
    owner: Caller
    """Who made it. It belongs to the user, with whichever key."""
    credential_id: str | None
    """The account at the provider that holds it."""
    batch: BatchFacts | None = None
    """Of a file or batch whose every line was admitted."""
    usage_later: bool = False
    """Control asks for its usage until it is done."""
    charged: tuple[str, ...] = ()
    """As UsageEvent.charged: the counters that its usage is added to."""
    reserved_nanousd: int = 0
    """Lent by each of those that are hard, until its usage is known."""


class KeepObjects(msgspec.Struct, frozen=True, tag="keep_objects"):
    """Relay to control: these were made. Answered by ObjectsKept, before the caller has its answer."""

    id: int
    objects: tuple[OwnedObject, ...]


class DropObject(msgspec.Struct, frozen=True, tag="drop_object"):
    """Relay to control: deleted at its provider. Answered by ObjectsKept."""

    id: int
    provider_id: str
    kind: str
    object_id: str


class FindObjects(msgspec.Struct, frozen=True, tag="find_objects"):
    """Relay to control: whose are these? Pairs of kind and object id. Answered by ObjectsFound."""

    id: int
    wanted: tuple[tuple[str, str], ...]


class ObjectSeen(msgspec.Struct, frozen=True, tag="object_seen"):
    """Relay to control: this one has ended, and its usage can be asked for now. Not answered."""

    provider_id: str
    kind: str
    object_id: str


class ObjectsKept(msgspec.Struct, frozen=True, tag="objects_kept"):
    """`ok` false: the truth could not be reached."""

    id: int
    ok: bool


class ObjectsFound(msgspec.Struct, frozen=True, tag="objects_found"):
    """`objects` None: the truth could not be reached."""

    id: int
    objects: tuple[OwnedObject, ...] | None


def late_event_id(provider_id: str, kind: str, object_id: str, model: str) -> bytes:
    """The ledger's event id of what an object used: the same whoever finds it out, so it is written once. 16 bytes."""
    text = f"{provider_id}\0{kind}\0{object_id}\0{model}"
    return blake2b(text.encode(), digest_size=16, person=b"turnpike.late").digest()
