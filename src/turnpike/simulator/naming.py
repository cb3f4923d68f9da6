"""Which model a request names, whatever API it is of: in its JSON, in a form's field, or in its path."""

import re
from typing import Any

_IN_PATH = (
    re.compile(r"/models/(?P<model>.+):[A-Za-z]+$"),
    re.compile(r"/models?/(?P<model>.+)/(?:converse|converse-stream|invoke|invoke-with-response-stream|predict)$"),
    re.compile(r"/deployments/(?P<model>.+?)/(?:chat|embeddings|images|audio)"),
)
_IN_FORM = re.compile(rb'\bname="?model"?\r?\n(?:[^\r\n]+\r?\n)*\r?\n(?P<model>[^\r\n]*)\r?\n', re.IGNORECASE)
FORM_HEAD_BYTES = 64 * 1024
"""How much of a form's beginning and of its end is searched for the field: files may stand before it."""


def model_of(path: str, headers: dict[str, str], body: bytes, data: dict[str, Any] | None) -> str | None:
    """`data` is the body as a JSON object, where it is one; `path` has its percent signs decoded."""
    named = (data.get("model") or data.get("model_id")) if data else None
    if isinstance(named, str):
        return named
    if headers.get("content-type", "").startswith("multipart/form-data"):
        found = _IN_FORM.search(body[:FORM_HEAD_BYTES]) or _IN_FORM.search(body[-FORM_HEAD_BYTES:])
        return found["model"].decode("utf-8", "replace") if found else None
    for pattern in _IN_PATH:
        match = pattern.search(path)
        if match is not None:
            return match["model"]
    return None
