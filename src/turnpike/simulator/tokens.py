"""The simulator's tokeniser: one word is one token, so that anybody can predict a figure by counting words."""

import re

IMAGE_TOKENS = 10
"""An image, a document or any other attachment in a prompt."""
TOOL_TOKENS = 8
"""A tool that is offered."""
CALL_TOKENS = 5
"""A tool call: in the history as input, in an answer as output."""

_PIECE = re.compile(r"\s*\S+")


def count(text: str) -> int:
    """Words of a text, as `str.split()` sees them."""
    return len(text.split())


def pieces(text: str) -> list[str]:
    """The text in tokens that join to it exactly: each word with the white space before it."""
    found = _PIECE.findall(text)
    rest = text[sum(map(len, found)) :]
    if rest and found:
        found[-1] += rest
    elif rest:
        found.append(rest)
    return found
