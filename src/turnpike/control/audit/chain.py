"""The hash chain: each entry's hash covers the one before it, so nothing can be changed, left out or moved unseen.

hash = SHA-256(`turnpike-audit-1` LF, previous hash (32 bytes), the entry as JSON with sorted members and no spaces).
The JSON holds every field of `Entry` but `previous_hash` and `hash`. `commitment` is the hex of
HMAC-SHA-256(salt, personal data as stored), or empty where there is none.
"""

import hmac
import secrets
from hashlib import sha256
from typing import Any, cast

import msgspec

from turnpike.control.audit.entries import Draft

_DOMAIN = b"turnpike-audit-1\n"
GENESIS = "0" * 64
"""What the first entry takes for the hash before it."""
SALT_BYTES = 32
CHANGES_BYTES = 32 * 1024
_encode = msgspec.json.Encoder(order="sorted", enc_hook=str).encode


class Entry(msgspec.Struct, frozen=True):
    seq: int
    at_ms: int
    action: str
    outcome: str
    error_code: str | None
    actor_kind: str
    actor_id: str | None
    key_id: str | None
    department_id: str | None
    object_kind: str | None
    object_id: str | None
    request_id: str | None
    count: int
    changes: str | None
    """JSON text as it is stored: the chain binds its very characters."""
    commitment: str
    previous_hash: str
    hash: str


class Personal(msgspec.Struct, frozen=True):
    """What can be erased of an entry."""

    salt: str
    data: str
    """JSON text."""


_UNBOUND = ("previous_hash", "hash")
FIELDS: tuple[str, ...] = Entry.__struct_fields__


def entry_hash(entry: Entry) -> str:
    """Hex of 32 bytes, over everything of the entry but its own hash."""
    bound = {name: value for name, value in msgspec.structs.asdict(entry).items() if name not in _UNBOUND}
    return sha256(_DOMAIN + bytes.fromhex(entry.previous_hash) + _encode(bound)).hexdigest()


def commitment(personal: Personal) -> str:
    return hmac.new(bytes.fromhex(personal.salt), personal.data.encode(), sha256).hexdigest()


def link(draft: Draft, seq: int, previous_hash: str) -> tuple[Entry, Personal | None]:
    """The entry that stands at `seq`, and what is kept apart from it."""
    personal = None
    if draft.personal:
        personal = Personal(secrets.token_hex(SALT_BYTES), _json(draft.personal))
    entry = Entry(
        seq=seq,
        at_ms=draft.at_ms,
        action=draft.action,
        outcome=draft.outcome,
        error_code=draft.error_code,
        actor_kind=draft.actor_kind,
        actor_id=draft.actor_id,
        key_id=draft.key_id,
        department_id=draft.department_id,
        object_kind=draft.object_kind,
        object_id=_plain(draft.object_id, 255),
        request_id=_plain(draft.request_id, 128),
        count=draft.count,
        changes=_changes(draft.changes),
        commitment=commitment(personal) if personal is not None else "",
        previous_hash=previous_hash,
        hash="",
    )
    return msgspec.structs.replace(entry, hash=entry_hash(entry)), personal


def _changes(value: object) -> str | None:
    if value is None:
        return None
    text = _json(value)
    if len(text) > CHANGES_BYTES:
        count = len(value) if isinstance(value, list) else 1  # pyright: ignore[reportUnknownArgumentType] - counted, whatever is in it
        return _json([{"omitted": count}])
    return text


def _json(value: Any) -> str:
    return _encode(_without_nul(value)).decode()


def _without_nul(value: Any) -> Any:
    """PostgreSQL takes none in text."""
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return {_without_nul(name): _without_nul(inner) for name, inner in members.items()}
    if isinstance(value, list | tuple):
        return [_without_nul(inner) for inner in cast("list[Any]", value)]
    return value


def _plain(text: str | None, limit: int) -> str | None:
    return None if text is None else text.replace("\x00", "")[:limit]
