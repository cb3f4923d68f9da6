"""Forms (multipart/form-data, RFC 7578) read as they come: where each part stands, and the few fields that matter.

Nothing of a file is kept but its beginning. The reading is stricter than the RFC wherever two readers of one form could
see different parts: what a caller may use is decided by the fields that are seen here, so the provider must see the
same. The delimiter therefore stands in the body nowhere but between parts, plainly; nothing precedes the first and
follows the last; a part has one disposition with one plain name.
"""

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

import msgspec
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from turnpike.errors import InvalidRequest, UnsupportedMedia

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_PARTS = 512
MAX_VALUE_BYTES = 4096
"""Of a field whose value is read."""
MAX_FREE_VALUE_BYTES = 64 * 1024
"""Of any field, where all are read."""
BEGINNING_BYTES = 4096
"""Of a file, kept for a look at its format."""

_BOUNDARY = re.compile(
    rb'multipart/form-data\s*;(?:.*;)?\s*(?i:boundary)=(?:"([^"\\]{1,70})"|([^\s;",]{1,70}))\s*(?:;.*)?'
)
_PLAIN_BOUNDARY = re.compile(rb"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_PARAMETER = re.compile(r';\s*([A-Za-z0-9_-]+\*?)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))\s*')
_CODED = frozenset(("", "7bit", "8bit", "binary"))


class Field(msgspec.Struct, frozen=True):
    """A field that was watched for, and where its value stands in the body."""

    value: str
    start: int
    end: int


class FilePart(msgspec.Struct):
    """A part with a file name."""

    name: str
    filename: str
    start: int = 0
    """Where its content begins in the body."""
    size: int = 0
    beginning: bytes = b""


def is_multipart(content_type: bytes | None) -> bool:
    return (content_type or b"").strip().lower().startswith(b"multipart/form-data")


def boundary_of(content_type: bytes | None) -> bytes:
    """Raises UnsupportedMedia for another type, InvalidRequest for a form without a usable boundary."""
    kind = (content_type or b"").strip()
    if not is_multipart(kind):
        shown = kind.decode("latin-1")[:80] or "none"
        raise UnsupportedMedia(f"This takes a form: Content-Type multipart/form-data, not '{shown}'.")
    match = _BOUNDARY.fullmatch(kind[: len(b"multipart/form-data")].lower() + kind[len(b"multipart/form-data") :])
    boundary = (match[1] or match[2]) if match else None
    if boundary is None or kind.lower().count(b"boundary=") != 1 or not _PLAIN_BOUNDARY.fullmatch(boundary):
        raise InvalidRequest("The Content-Type of a form names its boundary once, with at most 70 plain characters.")
    return boundary


def broken(what: str) -> InvalidRequest:
    return InvalidRequest(f"The body is no well-formed multipart/form-data: {what}.")


class FormScanner:
    """Fed with the body as it comes, in pieces of any size."""

    def __init__(self, boundary: bytes, watched: frozenset[str], *, keeps_all: bool = False) -> None:
        """`watched`: names, without what stands in brackets, that only plain fields may have. `keeps_all`: the values
        of all fields are kept, not of these alone."""
        self.fields: dict[str, Field] = {}
        """The watched fields, by name; empty where all are kept."""
        self.plain: list[tuple[str, Field]] = []
        """All fields, with their names, where all are kept."""
        self.files: list[FilePart] = []
        self.size = 0
        """Bytes of the body so far."""
        self._watched = watched
        self._keeps_all = keeps_all
        self._value_limit = MAX_FREE_VALUE_BYTES if keeps_all else MAX_VALUE_BYTES
        self._delimiter = b"--" + boundary
        self._seen = self._seen_between = self._parts = 0
        self._edge = b""
        """The body's last bytes, in which a delimiter may have begun."""
        self._ended = False
        self._piece = b""
        self._name = self._value = b""
        self._headers: dict[bytes, bytes] = {}
        self._field: str | None = None
        self._file: FilePart | None = None
        self._pieces: list[bytes] = []
        self._start = self._length = 0
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._part_begins,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_ends,
            "on_headers_finished": self._headers_end,
            "on_part_data": self._part_data,
            "on_part_end": self._part_ends,
            "on_end": self._end,
        }
        self._parser = MultipartParser(boundary, callbacks)

    def feed(self, data: bytes) -> None:
        """Raises InvalidRequest as soon as something is wrong."""
        if not data:
            return
        self._piece = data
        self._count(data)
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise broken(str(error)[:200].rstrip(".")) from error
        self._piece = b""
        self.size += len(data)

    def finish(self) -> None:
        """Call once, at the body's end. Raises InvalidRequest when it is not a form's."""
        delimiter = self._delimiter
        last = delimiter + b"--"
        if not self._ended or not self._edge.endswith((last, last + b"\r\n")):
            raise broken("its last boundary is missing")
        if self._seen != self._parts + 1 or self._seen_between != self._parts:
            raise broken("its boundary stands elsewhere than between its parts; choose a longer one")

    def part_before(self, name: str, value: str) -> bytes:
        """A further field, to stand before the body's first byte."""
        head = f'Content-Disposition: form-data; name="{name}"'.encode()
        return self._delimiter + b"\r\n" + head + b"\r\n\r\n" + value.encode() + b"\r\n"

    def file_opening(self, name: str, filename: str) -> bytes:
        """What stands before a file's bytes. `filename`: as another form had it."""
        head = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'.encode()
        return self._delimiter + b"\r\n" + head + b"Content-Type: application/octet-stream\r\n\r\n"

    def closing(self) -> bytes:
        """What stands behind the last part's bytes."""
        return b"\r\n" + self._delimiter + b"--\r\n"

    # ---- delimiters

    def _count(self, data: bytes) -> None:
        """Counts every place where some reader could see a boundary."""
        delimiter = self._delimiter
        between = delimiter + b"\r\n"
        text = self._edge + data
        begins = min(len(self._edge), len(delimiter) + 4)
        if self.size < len(between) and not between.startswith(text[: len(between)]):
            raise broken("it does not begin with its boundary")
        # Only what ends in the new bytes is new.
        self._seen += text.count(delimiter, max(0, begins - len(delimiter) + 1))
        self._seen_between += text.count(between, max(0, begins - len(between) + 1))
        self._edge = text[-(len(delimiter) + 4) :]

    # ---- the parser's words

    def _part_begins(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise broken(f"it has more than {MAX_PARTS} parts")
        self._headers = {}
        self._field = self._file = None
        self._pieces = []
        self._start = self._length = 0

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_ends(self) -> None:
        name = self._name.lower()
        if name in self._headers:
            raise broken(f"a part has the header '{name.decode('latin-1')}' twice")
        self._headers[name] = self._value
        self._name = self._value = b""

    def _headers_end(self) -> None:
        disposition = self._headers.get(b"content-disposition", b"").decode("utf-8", "replace")
        name, filename = _disposition(disposition)
        bare = name.partition("[")[0].lower() if self._keeps_all else name
        if bare not in self._watched:
            if unquote(bare).replace("\\", "") in self._watched:
                raise broken(f"the name '{name[:80]}' is written so that it could be read in two ways")
            if filename is not None:
                self._file = FilePart(name, filename)
                self.files.append(self._file)
                return
            if not self._keeps_all:
                return
        coding = self._headers.get(b"content-transfer-encoding", b"").strip().lower().decode("latin-1")
        if filename is not None or coding not in _CODED:
            raise InvalidRequest(f"`{name}` must be a plain field of the form.", details={"param": name})
        if name in self.fields and not self._keeps_all:
            raise InvalidRequest(f"`{name}` stands in the body twice.", details={"param": name})
        self._field = name

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        size = end - start
        if not self._length:
            # What looked like the beginning of a boundary is told later, out of another buffer than the piece's.
            self._start = self.size + start if data is self._piece else self.size - size
        self._length += size
        if self._field is not None:
            if self._length > self._value_limit:
                raise InvalidRequest(f"`{self._field}` is too long.", details={"param": self._field})
            self._pieces.append(data[start:end])
        elif self._file is not None and len(self._file.beginning) < BEGINNING_BYTES:
            self._file.beginning += data[start : min(end, start + BEGINNING_BYTES)]

    def _part_ends(self) -> None:
        if self._file is not None:
            self._file.start, self._file.size = self._start, self._length
        if self._field is None:
            return
        try:
            value = b"".join(self._pieces).decode()
        except UnicodeDecodeError as error:
            raise InvalidRequest(f"`{self._field}` is not UTF-8.", details={"param": self._field}) from error
        field = Field(value, self._start, self._start + self._length)
        if self._keeps_all:
            self.plain.append((self._field, field))
        else:
            self.fields[self._field] = field

    def _end(self) -> None:
        self._ended = True


def _disposition(value: str) -> tuple[str, str | None]:
    """Name and file name of a part."""
    kind, semicolon, rest = value.partition(";")
    parameters: dict[str, str] = {}
    place = 0
    text = semicolon + rest
    while place < len(text):
        match = _PARAMETER.match(text, place)
        if match is None or match[1].lower() in parameters:
            raise broken("a part's Content-Disposition cannot be read")
        parameters[match[1].lower()] = match[2] if match[2] is not None else match[3]
        place = match.end()
    if kind.strip().lower() != "form-data" or "name" not in parameters or "name*" in parameters:
        raise broken("a part has no Content-Disposition of form-data with a name")
    filename = parameters.get("filename", parameters.get("filename*"))
    return parameters["name"], filename
