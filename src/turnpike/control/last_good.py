"""The last good state on disk: snapshot and grants in use, encrypted, for a start while the database is away."""

from pathlib import Path

import msgspec

from turnpike.contract.grants import KeyGrant
from turnpike.contract.snapshot import Snapshot
from turnpike.control.infra.secrets import CannotOpen, Sealer
from turnpike.kit.files import write_private

FORMAT = 1


class LastGood(msgspec.Struct, frozen=True):
    format: int
    snapshot: Snapshot
    version: int
    """Of the change log, up to which both parts hold."""
    contact_at_ms: int
    """When the database last said that they do."""
    grants: list[tuple[bytes, KeyGrant]]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(LastGood).decode


def save(path: Path, sealer: Sealer, state: LastGood) -> None:
    """Whole or not at all. Raises OSError."""
    write_private(path, sealer.seal_bytes(_encode(state)).decode("ascii"))


def load(path: Path, sealer: Sealer) -> tuple[LastGood | None, str | None]:
    """The state, or why there is none (nothing was saved yet: neither)."""
    try:
        state = _decode(sealer.open_bytes(path.read_bytes()))
    except FileNotFoundError:
        return None, None
    except OSError as error:
        return None, f"{path} cannot be read: {error.strerror}"
    except (CannotOpen, msgspec.DecodeError):
        return None, f"{path} was not written by this gateway, or is damaged"
    if state.format != FORMAT:
        return None, f"{path} has format {state.format}, which this release cannot read"
    return state, None
