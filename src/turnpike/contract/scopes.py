"""Scopes of an API key: text at every edge, bits of an integer on the fast path."""

from collections.abc import Iterable

SCOPES: tuple[str, ...] = (
    "models:read",
    "inference:text",
    "inference:image",
    "inference:audio",
    "embeddings",
    "video",
    "passthrough",
    "ledger:read",
    "cluster:read",
    "cluster:write",
    "admin",
)
"""In the order of their bits; new scopes are appended, never inserted."""

SCOPE_BIT: dict[str, int] = {name: 1 << position for position, name in enumerate(SCOPES)}
DEFAULT_SCOPES: tuple[str, ...] = ("models:read", "inference:text", "inference:image", "inference:audio", "embeddings")
"""What a key gets when nobody says otherwise: model calls, nothing administrative."""


def to_bits(names: Iterable[str]) -> int:
    """Raises KeyError for a name that is no scope."""
    bits = 0
    for name in names:
        bits |= SCOPE_BIT[name]
    return bits


def to_names(bits: int) -> list[str]:
    return [name for name in SCOPES if bits & SCOPE_BIT[name]]
