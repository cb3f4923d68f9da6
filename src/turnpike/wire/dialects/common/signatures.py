"""Whose a signature of reasoning is, so that a provider is only given back what it signed itself.

A canonical `Reasoning` has one `signature`, in the words of its provider. Anthropic's is base64 and stands as it is.
OpenAI's reasoning is an item with an id and encrypted content, which only go back together: they are one canonical
signature, `openai:<item id>:<encrypted content>`, that callers of any dialect keep and send back unread.

Google signs calls of tools. In Google's own compatible form of OpenAI's a call has the signature in `extra_content`;
callers of every dialect get it there, and no provider does: its own dialect has another place for it.
"""

from typing import Any

import msgspec

_OPENAI = "openai:"


def openai_signature(item_id: str, encrypted: str) -> str:
    return f"{_OPENAI}{item_id}:{encrypted}"


def of_openai(signature: str | None) -> tuple[str, str] | None:
    """Id and encrypted content of the item that OpenAI signed so; None for another provider's signature."""
    if signature is None or not signature.startswith(_OPENAI):
        return None
    item_id, _, encrypted = signature[len(_OPENAI) :].partition(":")
    return item_id, encrypted


class GoogleContent(msgspec.Struct):
    thought_signature: str | None = None


class ExtraContent(msgspec.Struct):
    google: GoogleContent | None = None


def call_signature(extra: ExtraContent | None) -> str | None:
    return None if extra is None or extra.google is None else extra.google.thought_signature


def signed_call(signature: str | None) -> dict[str, Any]:
    """The member of a written call; none for one that is not signed."""
    return {} if signature is None else {"extra_content": {"google": {"thought_signature": signature}}}
