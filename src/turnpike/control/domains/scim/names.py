"""How names of people and groups are compared: in any case, in Unicode's composed form."""

from unicodedata import normalize


def name_key(text: str) -> str:
    """The same for names that count as one; gives itself when it is given again."""
    return normalize("NFC", normalize("NFC", text.strip()).lower())
