"""Heads of the chain, signed with Ed25519 (RFC 8032): what makes it evidence against who can write to the database.

The key is derived from the gateway's pepper (infra/secrets/keyring.py): every control process has the same one, the
database and the relays have none, and it survives the rotation of encryption keys.
"""

from typing import Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_DOMAIN = "turnpike-audit-head-1"
HEAD, CUT = "head", "cut"


class Checkpoint(msgspec.Struct, frozen=True):
    """`head`: the chain stood here then. `cut`: what came up to here was removed by retention."""

    kind: Literal["head", "cut"]
    seq: int
    hash: str
    at_ms: int
    public_key: str
    """Hex of 32 bytes."""
    signature: str
    """Hex of 64 bytes, over `message_of`."""


def message_of(kind: str, seq: int, hash_: str, at_ms: int) -> bytes:
    """What is signed: five lines, joined by LF."""
    return "\n".join((_DOMAIN, kind, str(seq), hash_, str(at_ms))).encode()


class Signer:
    def __init__(self, seed: bytes) -> None:
        """`seed`: 32 secret bytes."""
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key = self._key.public_key().public_bytes_raw().hex()

    def sign(self, kind: Literal["head", "cut"], seq: int, hash_: str, at_ms: int) -> Checkpoint:
        signature = self._key.sign(message_of(kind, seq, hash_, at_ms)).hex()
        return Checkpoint(kind, seq, hash_, at_ms, self.public_key, signature)


def is_signed(checkpoint: Checkpoint, public_key: str) -> bool:
    """Whether this very key signed it."""
    if checkpoint.public_key != public_key:
        return False
    message = message_of(checkpoint.kind, checkpoint.seq, checkpoint.hash, checkpoint.at_ms)
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(
            bytes.fromhex(checkpoint.signature), message
        )
    except (InvalidSignature, ValueError):
        return False
    return True
