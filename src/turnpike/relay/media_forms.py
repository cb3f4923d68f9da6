"""A media call to a provider with a form of its own: what the caller's form says as JSON, the provider's form around
the caller's file, and a head whose path goes on."""

from typing import TYPE_CHECKING

import msgspec

from turnpike.errors import InvalidRequest
from turnpike.relay.uploads import Form, Replay

if TYPE_CHECKING:
    from turnpike.wire.forms import FilePart
    from turnpike.wire.media.provider_form import Written

_LINE = b" HTTP/1.1\r\n"


def said_in(form: Form, file: str) -> bytes:
    """The form's fields as a JSON object, for its dialect to read. Files but the one called `file` are members, too: no
    other form has a word for them. Raises InvalidRequest for a field that stands there twice."""
    scanner = form.looked_through()
    said: dict[str, str | list[str]] = {}
    for name, field in scanner.plain:
        bare = name.removesuffix("[]")
        before = said.get(bare)
        if name != bare and isinstance(before, list):
            before.append(field.value)
        elif before is None:
            said[bare] = field.value if name == bare else [field.value]
        else:
            raise InvalidRequest(f"`{bare}` stands in the body twice.", details={"param": bare})
    for part in scanner.files:
        if part.name.removesuffix("[]") != file:
            said[part.name] = part.filename
    return msgspec.json.encode(said)


def provider_form(form: Form, file: str, written: "Written") -> "bytes | Replay":
    """The provider's fields, and the caller's file behind them; of the caller's form its boundary stays, which stands
    nowhere in the file. Raises InvalidRequest where there are several files."""
    scanner = form.scanner
    parts: list[FilePart] = [each for each in scanner.files if each.name.removesuffix("[]") == file]
    if len(parts) != 1:
        raise InvalidRequest(f"`{file}` is one file.", details={"param": file})
    part = parts[0]
    before = b"".join(scanner.part_before(name, value) for name, value in written.fields)
    before += scanner.file_opening(written.file, part.filename or file)
    end = part.start + part.size
    return form.changed(((0, part.start, before), (end, form.size, scanner.closing())))


def placed(head: bytes, place: str) -> bytes:
    """A request's head whose path goes on with `place`: more of the path, and what the query begins with."""
    line, _, rest = head.partition(_LINE)
    path, mark, query = line.partition(b"?")
    joint = (b"&" if "?" in place else b"?") if mark else b""
    return path + place.encode() + joint + query + _LINE + rest
