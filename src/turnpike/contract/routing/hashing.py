"""Stable numbers from words: shares of callers, and sticky orders that hardly move when a deployment comes or goes.

Weighted rendezvous hashing (Thaler, Ravishankar 1998; weights by -w / ln h): a key goes to the deployment with the
highest score. Taking one away moves its own keys alone.
"""

from hashlib import blake2b
from math import log

_MASK = (1 << 64) - 1
_SPAN = float(1 << 64)


def hash64(text: bytes) -> int:
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "little")


def mixed(key: int, seed: int) -> int:
    """Two 64-bit numbers to one (the finaliser of SplitMix64)."""
    value = (key ^ seed) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


def score(key: int, seed: int, weight: float) -> float:
    """The higher the better; `weight` above 0."""
    return -weight / log((mixed(key, seed) + 1) / (_SPAN + 2))


def sticky_seed(deployment_id: str, credential_id: str | None) -> int:
    """Of one deployment with one credential, for `score`."""
    return hash64(f"{deployment_id}\0{credential_id or ''}".encode())


def in_share(salt: str, who: str, percent: float) -> bool:
    """Whether someone belongs to the share of so many percent. A share that grows keeps those it had."""
    return hash64(f"{salt}\0{who}".encode()) / _SPAN * 100 < percent


_BEGINNINGS = (b'"system"', b'"instructions"', b'"messages"', b'"input"', b'"contents"', b'"prompt"')
_LOOKED_AT_BYTES = 65_536
_PREFIX_BYTES = 4_096


def prompt_prefix(body: bytes) -> bytes:
    """The beginning of a prompt as it stands in a request's JSON: up to the end of its first message, which stays the
    same as a conversation grows."""
    start = 0
    for word in _BEGINNINGS:
        found = body.find(word, 0, _LOOKED_AT_BYTES)
        if found >= 0:
            start = found
            break
    end = body.find(b"}", start, start + _PREFIX_BYTES)
    return body[start : end if end >= 0 else start + _PREFIX_BYTES]
