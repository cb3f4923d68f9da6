"""multipart/form-data (RFC 7578), whole in memory: its parts, and the same body with one of them replaced."""

import re

import msgspec

from turnpike.errors import InvalidRequest

_BOUNDARY = re.compile(r"""boundary=(?:"([^"]{1,70})"|([^\s;,"]{1,70}))""", re.IGNORECASE)
_NAME = re.compile(r"""(?:^|[;\s])name=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))""", re.IGNORECASE)
_PARTS_AT_MOST = 1000


class Part(msgspec.Struct):
    head: bytes
    """Its header lines, without the blank line."""
    name: str
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")


def is_multipart(content_type: bytes | None) -> bool:
    return (content_type or b"").lower().startswith(b"multipart/form-data")


def boundary_of(content_type: bytes) -> bytes:
    """Raises InvalidRequest when there is none."""
    found = _BOUNDARY.search(content_type.decode("latin-1"))
    if found is None:
        raise InvalidRequest("The multipart body's Content-Type names no boundary.")
    return (found[1] or found[2]).encode("latin-1")


def read_parts(body: bytes, boundary: bytes) -> list[Part]:
    """Raises InvalidRequest for a body that is not well-formed, and for a part without a name."""
    mark = b"--" + boundary
    pieces = (b"\r\n" + body).split(b"\r\n" + mark)
    if len(pieces) < 3 or not pieces[-1].startswith(b"--") or pieces[0].strip():
        raise InvalidRequest("The body is no well-formed multipart/form-data.")
    if len(pieces) > _PARTS_AT_MOST:
        raise InvalidRequest(f"The body has more than {_PARTS_AT_MOST} parts.")
    return [_part(piece) for piece in pieces[1:-1]]


def _part(piece: bytes) -> Part:
    line, separator, rest = piece.partition(b"\r\n")
    head, blank, content = rest.partition(b"\r\n\r\n")
    found = _NAME.search(_disposition(head))
    if line.strip(b" \t") or not separator or not blank or found is None:
        raise InvalidRequest("A part of the multipart body has no name, or no head at all.")
    return Part(head, found[1] if found[1] is not None else found[2], content)


def _disposition(head: bytes) -> str:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-disposition":
            return value.decode("utf-8", "replace")
    return ""


def write_parts(parts: list[Part], boundary: bytes) -> bytes:
    """The body of these parts. Raises InvalidRequest when a part holds the boundary, which would end it early."""
    mark = b"--" + boundary
    written: list[bytes] = []
    for part in parts:
        if b"\r\n" + mark in b"\r\n" + part.content:
            raise InvalidRequest("A part of the multipart body holds the boundary itself.")
        written.append(mark + b"\r\n" + part.head + b"\r\n\r\n" + part.content + b"\r\n")
    return b"".join(written) + mark + b"--\r\n"
