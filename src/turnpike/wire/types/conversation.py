"""Canonical conversation: a request and an answer between two dialects."""

from typing import Any

import msgspec

from turnpike.wire.types.usage import Usage


class Request(msgspec.Struct):
    model: str


class Response(msgspec.Struct):
    id: str
    model: str
    usage: Usage | None = None
    raw: Any = None
