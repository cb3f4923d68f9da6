"""The model that a path names, in those APIs that name it there."""

import re
from urllib.parse import unquote_to_bytes

_PLACES = re.compile(
    rb"^/model/([^/]+)/|^/openai/deployments/([^/]+)/|/models/([^/:?]+(?:%3A[^/:?]+)?):[A-Za-z]+$", re.IGNORECASE
)


def model_in(path: bytes) -> str | None:
    """`path` as on the wire, percent-encoded."""
    match = _PLACES.search(path)
    if match is None:
        return None
    return unquote_to_bytes(next(part for part in match.groups() if part is not None)).decode("utf-8", "replace")
