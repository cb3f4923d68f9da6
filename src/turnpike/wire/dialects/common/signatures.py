"""Whose a signature of reasoning is, so that a provider is only given back what it signed itself.

A canonical `Reasoning` has one `signature`, in the words of its provider. Anthropic's is base64 and stands as it is.
OpenAI's reasoning is an item with an id and encrypted content, which only go back together: they are one canonical
signature, `openai:<item id>:<encrypted content>`, that callers of any dialect keep and send back unread.
"""

_OPENAI = "openai:"


def openai_signature(item_id: str, encrypted: str) -> str:
    return f"{_OPENAI}{item_id}:{encrypted}"


def of_openai(signature: str | None) -> tuple[str, str] | None:
    """Id and encrypted content of the item that OpenAI signed so; None for another provider's signature."""
    if signature is None or not signature.startswith(_OPENAI):
        return None
    item_id, _, encrypted = signature[len(_OPENAI) :].partition(":")
    return item_id, encrypted
