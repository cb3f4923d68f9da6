"""Decoding whole answers of providers."""

import hashlib
from collections.abc import Callable
from typing import TypeVar

import msgspec

from turnpike.errors import UpstreamGarbage
from turnpike.kit.sse import SseEvent, SseOverflow, SseParser

T = TypeVar("T")


def decode_answer(decode: Callable[[bytes], T], body: bytes, what: str) -> T:
    """Raises UpstreamGarbage, which says what was expected and shows nothing of the body."""
    try:
        return decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UpstreamGarbage(f"The provider's answer is not {what}: {str(error)[:200]}.") from error


def feed_sse(parser: SseParser, data: bytes) -> list[SseEvent]:
    """Raises UpstreamGarbage for an event beyond all bounds."""
    try:
        return parser.feed(data)
    except SseOverflow as error:
        raise UpstreamGarbage(f"The provider's stream is not one of events: {error}.") from error


def made_up_id(answer_id: str, number: int) -> str:
    """An id for a tool call that its server gave none: the same for the same answer, streamed or not."""
    return "call_" + hashlib.sha256(f"{answer_id}:{number}".encode()).hexdigest()[:24]


def seconds(stamp: float | None) -> int:
    """A time of creation, 0 for none and for what is none."""
    return int(stamp) if stamp is not None and 0 <= stamp < 2**40 else 0


def kept(raw: msgspec.Raw) -> msgspec.Raw | None:
    """A piece of JSON that passes through, apart from the body that it came in; None when it is absent or null."""
    data = bytes(raw)
    return None if data in (b"", b"null") else msgspec.Raw(data)
