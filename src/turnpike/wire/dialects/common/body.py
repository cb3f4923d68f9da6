"""Reading the caller's bytes: what is wrong with them and where, and finding a key at the top level in place.

That `model` stands there once was settled when the head was read (`owned`): finding it then needs no look at the whole
body in the common cases.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TypeVar

import msgspec

from turnpike.errors import InvalidJson, InvalidRequest, TurnpikeError
from turnpike.wire.dialects.common.owned import TWICE

T = TypeVar("T")

_AT_BYTE = re.compile(r"\(byte (\d+)\)")
_AT_PATH = re.compile(r" - at `\$\.?([^`]*)`")
_MISSING = re.compile(r"missing required field `([^`]+)`")
_VALUE = re.compile(rb'[ \t\n\r]*:[ \t\n\r]*("(?:[^"\\]|\\.)*"|[^\s,}]+)', re.DOTALL)
_COLON = re.compile(rb"[ \t\n\r]*:[ \t\n\r]*")


class _Named(msgspec.Struct, gc=False):
    model: str


_named = msgspec.json.Decoder(_Named).decode
_encode = msgspec.json.encode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def body_error(error: Exception) -> TurnpikeError:
    """Turns what decoding a request's body raised (msgspec, bad UTF-8, nesting too deep) into the error to answer."""
    text = str(error)
    if isinstance(error, msgspec.ValidationError):
        path = _AT_PATH.search(text)
        missing = _MISSING.search(text)
        where = path.group(1) if path else ""
        if missing:
            param = f"{where}.{missing.group(1)}" if where else missing.group(1)
            return InvalidRequest(f"`{param}` is required.", details={"param": param})
        plain = _AT_PATH.sub("", text)
        if plain == TWICE:
            return InvalidRequest(f"`{where}` {TWICE}.", details={"param": where})
        if not where:
            return InvalidRequest(f"The body is not what it should be: {plain}.")
        return InvalidRequest(f"`{where}` is wrong: {plain}.", details={"param": where})
    if isinstance(error, RecursionError):
        return InvalidJson("The body is nested too deeply to be read.")
    if isinstance(error, UnicodeDecodeError):
        return InvalidJson("The body is not valid UTF-8.")
    found = _AT_BYTE.search(text)
    if found:
        position = int(found.group(1))
        reason = _AT_BYTE.sub("", text).removeprefix("JSON is malformed: ").strip()
        return InvalidJson(f"The body is not valid JSON: {reason} at byte {position}.", details={"position": position})
    return InvalidJson("The body is not valid JSON: it ends before its JSON does.")


BODY_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding a body can raise; `body_error` takes each."""


def shaped(decode: Callable[[msgspec.Raw], T], raw: msgspec.Raw, param: str) -> T:
    """A piece of a body that was left to be read by itself, at `param`. Raises InvalidRequest that names the place
    within the body."""
    try:
        return decode(raw)
    except BODY_ERRORS as error:
        found = body_error(error)
        inner = found.details.get("param")
        reason = str(found.message).partition("` ")[2] or "is not what it should be."
        where = f"{param}.{inner}" if inner else param
        raise InvalidRequest(f"`{where}` {reason}", details={"param": where}) from error


@lru_cache(64)
def _spelled(key: str) -> re.Pattern[bytes]:
    """Every way to spell a key in JSON, escapes included."""
    letters = (f"(?:{re.escape(c)}|\\\\u{_hex(ord(c))})" for c in key)
    return re.compile(('"' + "".join(letters) + '"').encode())


def _hex(code: int) -> str:
    return "".join(f"[{d}{d.upper()}]" if d.isalpha() else d for d in f"{code:04x}")


def top_level(body: bytes, key: str) -> list[int]:
    """The positions of a key's opening quotes at the top level of a JSON object, however it is spelled.

    Exact, and one pass of the decoder: every candidate is renamed to a word of its own and the decoder is asked which
    of the words are members of the outermost object.
    """
    matches = list(_spelled(key).finditer(body))
    mark = _unused(body)
    pieces: list[bytes] = []
    last = 0
    for number, match in enumerate(matches):
        pieces += (body[last : match.start()], b'"%s%x"' % (mark, number))
        last = match.end()
    pieces.append(body[last:])
    try:
        members = _members(b"".join(pieces))
    except BODY_ERRORS as error:
        raise body_error(error) from error
    prefix = mark.decode()
    return [match.start() for number, match in enumerate(matches) if f"{prefix}{number:x}" in members]


def _unused(body: bytes) -> bytes:
    number = 0
    while (mark := b"~%x-" % number) in body:
        number += 1
    return mark


def key_position(body: bytes) -> int:
    """Where the top level's one `model` key stands.

    Either at the beginning, or it is the last of that name, which is at the top level exactly when what follows makes
    an object together with an opening brace. Only where neither holds is the body looked at as a whole.
    """
    if body.startswith(b'{"model"'):
        return 1
    position = body.rfind(b'"model"')
    if position > 0 and body[position - 1] != 0x5C:  # not a quote inside a string
        try:
            _named(b"{" + body[position:])
        except BODY_ERRORS:
            pass  # nested deeper, or a value: looked for exactly
        else:
            return position
    places = top_level(body, "model")
    if len(places) != 1:
        raise InvalidRequest("`model` must stand in the body once.", details={"param": "model"})
    return places[0]


def replace_model(body: bytes, position: int, new: str) -> bytes:
    """The body with the value of the `model` key at `position` replaced; every other byte as it was."""
    if body[position + 7] == 0x3A:  # a plain key and its colon
        start = position + (9 if body[position + 8] == 0x20 else 8)
        end = body.find(b'"', start + 1)
        if body[start] == 0x22 and body[end - 1] != 0x5C:
            return body[:start] + _encode(new) + body[end + 1 :]
    match = _VALUE.match(body, body.index(b'"', position + 1) + 1)
    if match is None:
        raise InvalidRequest("`model` must be a string.", details={"param": "model"})
    start, end = match.span(1)
    return body[:start] + _encode(new) + body[end:]


def replace_member(body: bytes, key: str, changes: dict[str, object]) -> bytes:
    """The body with members set in the object that is the value of a top-level key (or null: then it becomes one)."""
    places = top_level(body, key)
    if len(places) != 1:
        raise InvalidRequest(f"`{key}` must stand in the body once.", details={"param": key})
    colon = _COLON.match(body, body.index(b'"', places[0] + 1) + 1)
    start = colon.end() if colon else places[0]
    raw = bytes(_members(body)[key])
    members: dict[str, object] = {}
    if raw != b"null":
        members.update(_members(raw))
    members.update(changes)
    return body[:start] + _encode(members) + body[start + len(raw) :]


def change_members(body: bytes, removed: Iterable[str], added: Mapping[str, object]) -> bytes:
    """The body without the members `removed`, and with those of `added` in the place of any that it had under those
    names. Every other member's value keeps its own bytes, however it is nested."""
    try:
        members = _members(body)
    except BODY_ERRORS as error:
        raise body_error(error) from error
    for name in removed:
        members.pop(name, None)
    kept = [_encode(name) + b":" + bytes(raw) for name, raw in members.items() if name not in added]
    return b"{" + b",".join([*(_encode(name) + b":" + _encode(value) for name, value in added.items()), *kept]) + b"}"


def rename_member(body: bytes, old: str, new: str) -> bytes:
    """The body with a top-level key named otherwise; as it is where `old` is not there, or `new` is."""
    places = top_level(body, old)
    if len(places) != 1 or top_level(body, new):
        return body
    end = body.index(b'"', places[0] + 1) + 1
    return body[: places[0]] + _encode(new) + body[end:]


def replace_value(body: bytes, key: str, new: bytes) -> bytes:
    """The body with the JSON value of a top-level key replaced; as it is where the key is not there once."""
    places = top_level(body, key)
    if len(places) != 1:
        return body
    colon = _COLON.match(body, body.index(b'"', places[0] + 1) + 1)
    start = colon.end() if colon else places[0]
    return body[:start] + new + body[start + len(bytes(_members(body)[key])) :]


def members_beside(body: bytes, shape: type[msgspec.Struct]) -> tuple[str, ...]:
    """Names of what a body says, null apart, beyond a shape's own fields: what another API may have no word for."""
    try:
        members = _members(body)
    except BODY_ERRORS as error:
        raise body_error(error) from error
    return tuple(name for name, raw in members.items() if name not in shape.__struct_fields__ and bytes(raw) != b"null")
