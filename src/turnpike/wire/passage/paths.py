"""Paths of the APIs that are passed through, read into segments that can be compared with tables.

A path is taken in one spelling only: what a provider might read otherwise than we do is refused.
"""

import re
from enum import StrEnum
from urllib.parse import unquote_to_bytes

from turnpike.errors import InvalidRequest

_SEGMENT = re.compile(r"[A-Za-z0-9._~:@=+,-]{1,512}")
_VERSIONS = frozenset(("v1", "v1beta", "v1alpha"))


class Api(StrEnum):
    """A company's API. Its name is also the prefix that leads to it: `/openai/v1/files`."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GEMINI = "gemini"


DEFAULT_VERSION: dict[Api, str] = {Api.OPENAI: "v1", Api.ANTHROPIC: "v1", Api.GEMINI: "v1beta"}


def read_segments(path: bytes) -> tuple[str, ...]:
    """The segments of a path, percent-decoded once. Raises InvalidRequest for anything but plain ones.

    Letters, digits and `._~:@=+,-` are all that the ids of these APIs have; a semicolon, a second percent-encoding or
    an encoded slash might be read otherwise by a provider, and lead where this caller may not go.
    """
    segments: list[str] = []
    for raw in path.strip(b"/").split(b"/"):
        segment = unquote_to_bytes(raw).decode("latin-1")
        if not _SEGMENT.fullmatch(segment) or segment in {".", ".."}:
            raise InvalidRequest(
                "This path holds a segment that is empty, encoded twice or has a character that no id of this API has."
            )
        segments.append(segment)
    return tuple(segments)


def without_version(segments: tuple[str, ...]) -> tuple[str, ...]:
    """The segments behind the version, which some base addresses have and some have not."""
    return segments[1:] if segments and segments[0].lower() in _VERSIONS else segments


def versioned(api: Api, path: bytes) -> bytes:
    """The path with the API's usual version in front, unless one stands there."""
    word, slash, rest = path[1:].partition(b"/")
    first = word.lower()
    if first.decode("latin-1") in _VERSIONS or first == b"upload":
        return b"/" + first + slash + rest
    return b"/" + DEFAULT_VERSION[api].encode() + path
