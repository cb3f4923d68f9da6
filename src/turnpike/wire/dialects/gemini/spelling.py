"""Google takes field names in camel case and in snake case, mixed as one likes, and its own SDK mixes them.

What the gateway reads is brought to camel case first; what is the caller's own (arguments, results, schemas' property
names, labels) keeps its spelling. A body that has no snake case in it is not touched.
"""

import re

import msgspec

_SNAKE_KEY = re.compile(rb'"\$?[a-z]+(?:_[a-z0-9]+)+"[ \t\r\n]*:')
_WORD = re.compile(r"(?<=[a-z0-9])_([a-z0-9])")
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.json.encode

_OPAQUE = frozenset(
    ("args", "response", "labels", "parametersJsonSchema", "responseJsonSchema", "enum", "default", "example")
)
"""Members whose value is the caller's own."""
_NAMED = frozenset(("properties", "defs", "$defs"))
"""Members whose own members are named by the caller and hold schemas."""
_DEEPEST = 24
"""Nothing that the gateway knows stands deeper."""


def camel(name: str) -> str:
    return _WORD.sub(lambda match: match[1].upper(), name)


def in_camel_case(body: bytes) -> bytes:
    """`body` itself where nothing is in snake case. Raises what decoding JSON raises."""
    if _SNAKE_KEY.search(body) is None:
        return body
    return bytes(_value(msgspec.Raw(body.strip()), 0))


def _value(raw: msgspec.Raw, depth: int) -> msgspec.Raw:
    text = bytes(raw)
    if depth > _DEEPEST or _SNAKE_KEY.search(text) is None:
        return raw
    if text.startswith(b"["):
        return msgspec.Raw(_encode([_value(item, depth + 1) for item in _items(text)]))
    if not text.startswith(b"{"):
        return raw
    return msgspec.Raw(_encode({camel(name): _member(camel(name), v, depth) for name, v in _members(text).items()}))


def _member(name: str, raw: msgspec.Raw, depth: int) -> msgspec.Raw:
    if name in _OPAQUE:
        return raw
    if name in _NAMED and bytes(raw).startswith(b"{"):
        return msgspec.Raw(_encode({own: _value(each, depth + 2) for own, each in _members(bytes(raw)).items()}))
    return _value(raw, depth + 1)
