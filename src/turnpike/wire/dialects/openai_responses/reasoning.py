"""Reasoning items, and what of them goes where.

OpenAI's own reasoning goes back to it whole, by id and encrypted content. What another provider signed is carried by a
caller of this form in `encrypted_content`, marked as what it is, and never sent to OpenAI.
"""

from typing import Any

from turnpike.wire.dialects.common.signatures import of_openai, openai_signature
from turnpike.wire.dialects.openai_responses.shapes import ReasoningItem
from turnpike.wire.types.conversation import Reasoning

Json = dict[str, Any]

_SIGNED = "turnpike-signature:"
_REDACTED = "turnpike-redacted:"
JOINT = "\n\n"
"""Between the pieces of a summary."""


def read_reasoning(item: ReasoningItem) -> Reasoning | None:
    """None for an item that says nothing."""
    pieces = item.content or item.summary or ()
    text = JOINT.join(piece.text for piece in pieces if piece.text)
    return sealed(text, item.id, item.encrypted_content) or (Reasoning(text) if text else None)


def sealed(text: str, item_id: str, encrypted: str | None) -> Reasoning | None:
    """None for an item that holds nothing but text."""
    if not encrypted:
        return None
    if encrypted.startswith(_REDACTED):
        return Reasoning(redacted=encrypted.removeprefix(_REDACTED))
    if encrypted.startswith(_SIGNED):
        return Reasoning(text, encrypted.removeprefix(_SIGNED))
    return Reasoning(text, openai_signature(item_id, encrypted))


def seal_of(part: Reasoning, item_id: str) -> str | None:
    """`encrypted_content` of the item with this id, for a caller."""
    if part.redacted is not None:
        return _REDACTED + part.redacted
    if part.signature is None:
        return None
    own = of_openai(part.signature)
    return own[1] if own is not None and own[0] == item_id else _SIGNED + part.signature


def own_id(part: Reasoning, made_up: str) -> str:
    """OpenAI's for its own reasoning."""
    own = of_openai(part.signature)
    return own[0] if own is not None and own[0] else made_up


def write_reasoning(part: Reasoning, item_id: str) -> Json:
    """The item as a caller gets it."""
    item: Json = {
        "id": item_id,
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": part.text}] if part.text else [],
    }
    seal = seal_of(part, item_id)
    if seal is not None:
        item["encrypted_content"] = seal
    return item


def give_back(part: Reasoning, *, plain: bool) -> Json | None:
    """The item as a provider takes it back: its own sealed reasoning, and unsealed text where it wants that (`plain`).
    None for what it must not get."""
    own = of_openai(part.signature)
    if own is not None:
        summary = [{"type": "summary_text", "text": part.text}] if part.text else []
        named: Json = {"id": own[0]} if own[0] else {}
        return {"type": "reasoning", **named, "summary": summary, "encrypted_content": own[1]}
    if plain and part.text:
        return {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": part.text}]}
    return None
