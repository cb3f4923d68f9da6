"""Reading the caller's bytes: what is wrong with them and where, and finding a key at the top level in place.

`model` at the top level is owned by the gateway: it is authorised, priced and replaced. A body that names it twice
would be read one way here and perhaps another way by the provider, so it is refused. The common case is settled by
counting; only where the count leaves a doubt is the body looked at exactly.
"""

import re
from functools import lru_cache

import msgspec

from turnpike.errors import InvalidJson, InvalidRequest, TurnpikeError

_AT_BYTE = re.compile(r"\(byte (\d+)\)")
_AT_PATH = re.compile(r" - at `\$\.?([^`]*)`")
_MISSING = re.compile(r"missing required field `([^`]+)`")
_VALUE = re.compile(rb'[ \t\n\r]*:[ \t\n\r]*("(?:[^"\\]|\\.)*"|[^\s,}]+)', re.DOTALL)
_COLON = re.compile(rb"[ \t\n\r]*:[ \t\n\r]*")

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


def doubtful(body: bytes) -> bool:
    """Whether the key `model` stands in the body more than once, or may be hidden behind an escape: each of its
    letters is `\\u006` and a digit."""
    return body.count(b'"model"') != 1 or (b"\\" in body and b"\\u006" in body)


def require_single(body: bytes, key: str) -> int | None:
    """The one position of a key at the top level, or None when it is not there. Raises InvalidRequest for two."""
    places = top_level(body, key)
    if len(places) > 1:
        raise InvalidRequest(f"`{key}` stands in the body twice.", details={"param": key})
    return places[0] if places else None


def key_position(body: bytes) -> int:
    """Where the top level's `model` key stands. Raises InvalidRequest when it stands there twice."""
    if not doubtful(body):
        return body.find(b'"model"')
    position = require_single(body, "model")
    if position is None:
        raise InvalidRequest("`model` is required.", details={"param": "model"})
    return position


def value_span(body: bytes, position: int) -> tuple[int, int]:
    """Start and end of the string or plain value of the key whose opening quote is at `position`."""
    match = _VALUE.match(body, body.index(b'"', position + 1) + 1)
    if match is None:
        raise InvalidRequest("The body's `model` is not a string.", details={"param": "model"})
    return match.span(1)


def replace_model(body: bytes, position: int, old: str, new: str) -> bytes:
    """The body with the value of the `model` key at `position` replaced; every other byte as it was."""
    written = _encode(old)
    start = position + 8
    if body.startswith(b'"model": ', position):
        start += 1
    if body.startswith(written, start) and body[position + 7] == 0x3A:  # a plain key, a colon, at most one space
        return body[:start] + _encode(new) + body[start + len(written) :]
    start, end = value_span(body, position)
    return body[:start] + _encode(new) + body[end:]


def replace_member(body: bytes, key: str, changes: dict[str, object]) -> bytes:
    """The body with members set in the object that is the value of a top-level key (or null: then it becomes one)."""
    position = require_single(body, key)
    if position is None:
        return body
    colon = _COLON.match(body, body.index(b'"', position + 1) + 1)
    start = colon.end() if colon else position
    raw = bytes(_members(body)[key])
    members: dict[str, object] = {}
    if raw != b"null":
        members.update(_members(raw))
    members.update(changes)
    return body[:start] + _encode(members) + body[start + len(raw) :]
