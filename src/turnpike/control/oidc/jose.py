"""Looking into a token before anything of it is believed: which key and whose rules to check it by."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import msgspec

MAX_TOKEN_CHARACTERS = 16_384
_object = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(frozen=True)
class Peeked:
    """Unchecked: for choosing how to check."""

    header: dict[str, Any]
    claims: dict[str, Any]


def looks_like_jwt(token: str) -> bool:
    """Three parts, the first of which begins as the base64 of `{"` does."""
    return token.startswith("eyJ") and token.count(".") == 2 and len(token) <= MAX_TOKEN_CHARACTERS


def peek(token: str) -> Peeked | None:
    """None for what is no JWT in compact form (RFC 7519)."""
    if not looks_like_jwt(token):
        return None
    header, claims, _ = token.split(".")
    try:
        return Peeked(_object(_decoded(header)), _object(_decoded(claims)))
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return None


def _decoded(part: str) -> bytes:
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
