"""Through a decoded body, text by text: every one is shown to a function and replaced by what that gives."""

from collections.abc import Callable
from typing import Any, cast

from turnpike.wire.guards.shapes import JSON_TEXTS, SEALED, Shape, is_media

Change = Callable[[str], str]

_LEAST_NUMBER = 9_999
"""Shorter numbers hold nothing that anyone could find."""
_DEEPEST = 200
_TOKENS = frozenset(("input", "prompt"))
"""Members that may hold tokens in place of text."""
_MEDIA_TYPES = frozenset(
    (
        "image_url",
        "input_image",
        "image",
        "input_audio",
        "audio",
        "input_file",
        "file",
        "video",
        "video_url",
        "document",
    )
)
_MEDIA_MEMBERS = frozenset(("inlineData", "inline_data", "fileData", "source", "image_url", "file", "file_data", "url"))


class TooDeep(Exception):
    """Nested beyond what any form asks for."""


class Walk:
    """One way through. `texts` and `media` say afterwards what was met."""

    __slots__ = ("_change", "_change_json", "_shape", "media", "texts")

    def __init__(self, shape: Shape, change: Change, change_json: Change) -> None:
        self._shape = shape
        self._change = change
        self._change_json = change_json
        self.texts = 0
        self.media = 0
        """Images, sounds and files that stand in the body: nobody looked at them."""

    def through(self, value: Any, key: str = "", *, free: bool = False, depth: int = 0) -> Any:
        """The value with its texts changed, in place where it is a list or an object. Raises TooDeep, and what the
        functions raise."""
        if isinstance(value, str):
            return self._text(value, key, free)
        if isinstance(value, dict):
            return self._members(cast("dict[str, Any]", value), free, depth + 1)
        if isinstance(value, list):
            if depth > _DEEPEST:
                raise TooDeep
            items = cast("list[Any]", value)
            if items and (len(items) > 32 or key in _TOKENS) and isinstance(items[0], int | float):
                self.media += key in _TOKENS
                return items  # tokens, which nobody can read here, or a vector
            for place, item in enumerate(items):
                items[place] = self.through(item, key, free=free, depth=depth + 1)
            return items
        if type(value) is int and free and abs(value) > _LEAST_NUMBER:
            text = str(value)
            changed = self._change(text)
            return value if changed == text else changed
        return value

    def _members(self, members: dict[str, Any], free: bool, depth: int) -> dict[str, Any]:
        if depth > _DEEPEST:
            raise TooDeep
        shape = self._shape
        before = self.media
        for key, value in list(members.items()):
            if key == "logprobs" and isinstance(value, dict | list):
                # Token by token it says again what was taken out.
                members[key] = [] if isinstance(value, list) else None
                continue
            changed = self.through(value, key, free=free or key in shape.free, depth=depth)
            if changed is not value:
                members[key] = changed
        if free:
            self._keys(members)
        elif self.media == before and _points_at_media(members):
            self.media += 1
        return members

    def _keys(self, members: dict[str, Any]) -> None:
        """Where a caller chose the names of members, they are texts too."""
        for key in list(members):
            changed = self._change(key) if len(key) > 4 else key
            if changed != key:
                members[changed] = members.pop(key)

    def _text(self, text: str, key: str, free: bool) -> str:
        if not free and self._shape.is_structure(key, text):
            return text
        if key in SEALED and not free:
            return text
        if is_media(key, text):
            self.media += 1
            return text
        self.texts += 1
        if key in JSON_TEXTS:
            return self._change_json(text)
        return self._change(text)


def _points_at_media(members: dict[str, Any]) -> bool:
    """A part that names an image or file by its address or id."""
    if "fileData" in members or "file_data" in members:
        return True
    kind = members.get("type")
    if isinstance(kind, str):
        source = members.get("source")
        if isinstance(source, dict) and cast("dict[str, Any]", source).get("type") in ("text", "content"):
            return False
        return kind in _MEDIA_TYPES and not _MEDIA_MEMBERS.isdisjoint(members)
    return isinstance(members.get("source"), dict) and "format" in members
