"""Thought signatures: opaque bytes by which a Gemini knows its own thoughts again.

A caller that speaks Gemini's form gets signatures and hidden thinking of other providers in the same field, in an
envelope that tells them from Gemini's own: sent back, they reach their provider as it made them. Gemini itself never
gets another's.

Source: Google's guide "Thought signatures".
"""

import base64
import binascii
from typing import Literal

Kind = Literal["signature", "redacted"]

_MARKS: dict[Kind, bytes] = {"signature": b"turnpike:s:", "redacted": b"turnpike:r:"}

UNSIGNED = "skip_thought_signature_validator"
"""What Google names for calls that another model made: a Gemini 3 refuses a call without any signature."""


def wrap(kind: Kind, value: str) -> str:
    return base64.b64encode(_MARKS[kind] + value.encode()).decode()


def unwrap(signature: str) -> tuple[Kind, str] | None:
    """What another provider signed or hid; None for a signature of Gemini's own."""
    if not signature.startswith("dHVybnBpa2U6"):  # base64 of `turnpike:`
        return None
    try:
        data = base64.urlsafe_b64decode(signature.replace("+", "-").replace("/", "_"))
        for kind, mark in _MARKS.items():
            if data.startswith(mark):
                return kind, data.removeprefix(mark).decode()
    except (binascii.Error, UnicodeDecodeError):
        pass
    return None
