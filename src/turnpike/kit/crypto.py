"""Secrets as text: making them, showing that one is there without showing it, and telling a weak one.

Encryption at rest is not here; it belongs to the room that has the keys (turnpike.control.infra.secrets).
"""

import secrets
from itertools import pairwise
from math import log2

_SHOWN_AT_END = 4
_SHOWN_AT_START = 3
_FEWEST_TO_SHOW = 16
MASK = "…"


def random_text(bits: int = 256) -> str:
    """URL-safe random text that holds at least `bits` bits: 43 characters for 256."""
    return secrets.token_urlsafe((bits + 7) // 8)


def mask(secret: str) -> str:
    """`sk-…abcd`: enough to tell which key it is. Short secrets are not shown at all."""
    if len(secret) < _FEWEST_TO_SHOW:
        return MASK
    return f"{secret[:_SHOWN_AT_START]}{MASK}{secret[-_SHOWN_AT_END:]}"


def scrub(text: str, hidden: list[str] | tuple[str, ...]) -> str:
    """`text` with every one of the secrets in `hidden` masked: for words that come from somebody else."""
    for secret in hidden:
        if secret:
            text = text.replace(secret, mask(secret))
    return text


def guessable(secret: str, *, bits: int = 128) -> str | None:
    """Why this secret may be guessed, or None. Judged by length and by how evenly its characters are spread, which
    tells `changeme` and `aaaa...` from random text; it cannot tell a published secret from a private one."""
    if len(secret) < 32:
        return f"it has {len(secret)} characters; 32 or more are needed"
    counts = [secret.count(character) for character in set(secret)]
    entropy = -sum(count / len(secret) * log2(count / len(secret)) for count in counts) * len(secret)
    pieces = {secret[at : at + 3] for at in range(len(secret) - 2)}
    if entropy < bits * 0.75 or len(pieces) < len(secret) / 2:
        return "its characters repeat too much to be random"
    steps = [abs(ord(left) - ord(right)) for left, right in pairwise(secret)]
    if sum(step <= 1 for step in steps) > len(steps) / 2:
        return "its characters follow each other as in a row of the keyboard or the alphabet"
    return None
