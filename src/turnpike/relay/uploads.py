"""Forms on their way in: checked as they come, kept in memory while small, else in a file without a name.

The whole form is kept until the call is over, because `model` may stand behind the files and another attempt sends it
again. What is kept is bounded for one form and for all of a relay; the file has no name from the beginning, so nothing
is left behind by a crash.
"""

import errno
import logging
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from turnpike.errors import InvalidRequest, StorageFull, TurnpikeError, Unauthenticated, Unavailable, UnsupportedMedia
from turnpike.relay.admit import check_caller, identify
from turnpike.relay.endpoints import Kind
from turnpike.relay.journal import full_error
from turnpike.relay.keys import Entry
from turnpike.relay.passage.asked import api_of
from turnpike.relay.passage.prefix import take_slug
from turnpike.relay.reading import too_large
from turnpike.wire.forms import FormScanner, boundary_of, is_multipart
from turnpike.wire.media.dialect import MediaHead
from turnpike.wire.passage.references import plain_fields

if TYPE_CHECKING:
    from turnpike.relay.core import Relay
    from turnpike.relay.head import RequestHead
    from turnpike.relay.protocol import ClientConnection
    from turnpike.wire.media.dialect import MediaDialect

IN_MEMORY_BYTES = 256 * 1024
PIECE_BYTES = 256 * 1024
_LATER_S = 5.0

# What is wrong with a form is told to its caller; the library's own line about it would tell nobody anything more.
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)


class Spool:
    """Bytes in memory or in a file; written once, read any number of times."""

    __slots__ = ("_file", "_kept", "_memory", "_owner", "closed", "size")

    def __init__(self, owner: "Uploads") -> None:
        self._owner = owner
        self._memory = bytearray()
        self._file: BinaryIO | None = None
        self._kept = 0
        """Of it, what the owner counts."""
        self.size = 0
        self.closed = False

    @property
    def on_disk(self) -> bool:
        return self._file is not None

    def write(self, data: bytes) -> None:
        """Raises StorageFull when there is no room."""
        self.size += len(data)
        if self._file is None:
            self._memory += data
            if self.size <= IN_MEMORY_BYTES:
                return
            data = bytes(self._memory)
            self._file = self._owner.open()
            self._memory = bytearray()
        self._owner.take(len(data))
        self._kept += len(data)
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise _no_room(error) from error

    def read(self, start: int, end: int) -> bytes:
        """Raises Unavailable when the file cannot be read."""
        if self._file is None:
            return bytes(self._memory[start:end])
        try:
            data = os.pread(self._file.fileno(), end - start, start)
        except OSError as error:
            raise Unavailable(f"The upload cannot be read again: {error.strerror}.") from error
        if len(data) != end - start:
            raise Unavailable("The upload cannot be read again: it is cut short.")
        return data

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        if self._file is not None:
            self._file.close()
            self._owner.give_back(self._kept)
        self._memory = bytearray()


Change = tuple[int, int, "bytes | Spool"]
"""From where to where in a body, and what stands there instead."""


class Form:
    """A whole form, or bytes of any kind that were too many for memory: what it says, and its bytes."""

    __slots__ = ("_made", "_owner", "_scanner", "_spool", "content_type", "fault", "size")

    def __init__(self, scanner: FormScanner | None, spool: Spool, content_type: bytes, owner: "Uploads") -> None:
        self._scanner = scanner
        self._spool = spool
        self._owner = owner
        self._made: list[Spool] = []
        self.content_type = content_type
        self.size = spool.size
        self.fault: InvalidRequest | None = None
        try:
            if scanner is not None:
                scanner.finish()
        except InvalidRequest as error:
            self.fault = error

    def read_head(self, dialect: "MediaDialect") -> MediaHead:
        """Raises InvalidRequest for a form that lacks what the operation needs."""
        if self.fault is not None:
            raise self.fault
        scanner = self.scanner
        return dialect.read_form(scanner.fields, scanner.files, self.size)

    @property
    def is_form(self) -> bool:
        return self._scanner is not None

    @property
    def scanner(self) -> FormScanner:
        """Of a form."""
        assert self._scanner is not None
        return self._scanner

    def looked_through(self) -> FormScanner:
        """All its fields and files, by another look at every byte."""
        scanner = FormScanner(boundary_of(self.content_type), frozenset(), keeps_all=True)
        for piece in self.pieces():
            scanner.feed(piece)
        scanner.finish()
        return scanner

    def with_model(self, model: str) -> "bytes | Replay":
        """The form as it goes upstream: every byte as it came, but for the value of `model`. Raises InvalidRequest."""
        field = self.scanner.fields.get("model")
        if field is None:
            return self.changed(((0, 0, self.scanner.part_before("model", model)),))
        if not field.value:
            raise InvalidRequest("`model` is empty: name one, or leave the field out.", details={"param": "model"})
        return self.changed(((field.start, field.end, model.encode()),))

    def changed(self, changes: Sequence[Change]) -> "bytes | Replay":
        """Every byte as it came but for these, which are in the body's order."""
        replay = Replay(self._spool, changes)
        return replay if self._spool.on_disk else b"".join(replay.pieces())

    def pieces(self) -> Iterator[bytes]:
        """As it came. Raises Unavailable."""
        return Replay(self._spool, ()).pieces()

    def rewritten(self, changes: Sequence[Change], scanner: FormScanner) -> "Form":
        """Another form with these changes, for a scanner that has read nothing; this one is closed."""
        spool = Spool(self._owner)
        for piece in Replay(self._spool, changes).pieces():
            scanner.feed(piece)
            spool.write(piece)
        self.close()
        return Form(scanner, spool, self.content_type, self._owner)

    def read(self, start: int, end: int) -> bytes:
        """Raises Unavailable."""
        return self._spool.read(start, end)

    def lines(self, start: int, end: int, limit_bytes: int) -> Iterator[bytes]:
        """A part's lines, without their ends. Raises BodyTooLarge for one over the limit, Unavailable."""
        rest = b""
        while start < end:
            stop = min(end, start + PIECE_BYTES)
            *whole, rest = (rest + self._spool.read(start, stop)).split(b"\n")
            yield from whole
            if len(rest) > limit_bytes:
                raise too_large(limit_bytes)
            start = stop
        yield rest

    def new_spool(self) -> Spool:
        """For what is put in a part's place; closed with the form."""
        spool = Spool(self._owner)
        self._made.append(spool)
        return spool

    def close(self) -> None:
        for spool in (self._spool, *self._made):
            spool.close()


class Replay:
    """A body's bytes with some spans replaced. Its length is known before it is read."""

    __slots__ = ("_changes", "_size", "_spool")

    def __init__(self, spool: Spool, changes: Sequence[Change]) -> None:
        self._spool = spool
        self._changes = changes
        self._size = spool.size + sum(_size_of(new) - (end - start) for start, end, new in changes)

    def __len__(self) -> int:
        return self._size

    def pieces(self) -> Iterator[bytes]:
        """From the beginning, whenever asked. Raises Unavailable."""
        place = 0
        for start, end, new in self._changes:
            yield from _span(self._spool, place, start)
            if isinstance(new, bytes):
                yield new
            else:
                yield from _span(new, 0, new.size)
            place = end
        yield from _span(self._spool, place, self._spool.size)


def _size_of(new: bytes | Spool) -> int:
    return len(new) if isinstance(new, bytes) else new.size


def _span(spool: Spool, start: int, end: int) -> Iterator[bytes]:
    while start < end:
        stop = min(end, start + PIECE_BYTES)
        yield spool.read(start, stop)
        start = stop


class Upload:
    """A form, or another large body, that is being read."""

    __slots__ = (
        "_connection", "_content_type", "_limit", "_relay", "_scanner", "_spool", "_waiting", "refusal", "welcome",
    )  # fmt: skip

    def __init__(self, relay: "Relay", connection: "ClientConnection", head: "RequestHead") -> None:
        """Raises UnsupportedMedia or InvalidRequest for what is no form."""
        if head.encoding is not None:
            raise UnsupportedMedia("A form, or file, is taken without a content encoding only.")
        self._relay = relay
        self._connection = connection
        self._content_type = head.header(b"content-type") or b""
        self._scanner = _scanner(relay, head, self._content_type)
        self._spool = Spool(relay.uploads)
        self._limit = relay.settings.upload_limit_bytes
        self.welcome = False
        """Its caller is known and may send it."""
        self.refusal: TurnpikeError | None = None
        self._waiting = False

    def feed(self, data: bytes) -> None:
        """Raises what there is to answer at once: BodyTooLarge, InvalidRequest, StorageFull."""
        if self._spool.size + len(data) > self._limit:
            raise too_large(self._limit)
        if self._scanner is not None:
            self._scanner.feed(data)
        self._spool.write(data)

    def finish(self) -> Form:
        return Form(self._scanner, self._spool, self._content_type, self._relay.uploads)

    def close(self) -> None:
        self._spool.close()

    def identify(self, head: "RequestHead") -> None:
        """Asks who the caller is; the connection is told when control answers later. Raises what is known at once."""
        relay = self._relay
        entry = head.entry
        if entry is None or not entry.alive:
            entry = identify(relay, self._connection, head)
        if entry is not None:
            self._check(head, entry)
            return
        assert head.digest is not None
        relay.keys.resolve(head.digest, relay.now(), lambda found: self._identified(head, found), head.token)
        if self.refusal is not None:
            raise self.refusal
        self._waiting = not self.welcome

    def _identified(self, head: "RequestHead", found: Entry | Unauthenticated | Unavailable) -> None:
        if isinstance(found, Entry):
            head.entry = found
            try:
                self._check(head, found)
            except TurnpikeError as error:
                self.refusal = error
        else:
            self.refusal = found
        if self._waiting:
            self._connection.upload_checked(self, self.refusal)

    def _check(self, head: "RequestHead", entry: Entry) -> None:
        """Raises what `check_caller` raises, Unavailable when no new work is taken."""
        relay = self._relay
        now_ms = int(relay.now() * 1000 + relay.wall_offset_ms)
        check_caller(relay, self._connection, head, entry, now_ms)
        if relay.journal.fault is not None and relay.journal.refuses_work:
            raise full_error()
        self.welcome = True


class Uploads:
    """All forms on their way through a relay."""

    def __init__(self, relay: "Relay") -> None:
        self._relay = relay
        self._folder = relay.settings.spool_dir
        self.kept_bytes = 0
        """In files, at the moment."""

    def wants(self, head: "RequestHead") -> bool:
        """Whether a body comes this way: forms of media calls, and forms and files that are passed through."""
        if head.is_call:
            return False
        is_form = is_multipart(head.header(b"content-type"))
        if is_form and head.route.kind is Kind.FORWARD:
            # Behind a provider's slug may be any of the others.
            take_slug(self._relay.catalog, head)
        if head.route.kind is Kind.PASSAGE:
            return is_form or _is_file(head)
        return head.route.takes_form

    def begin(self, connection: "ClientConnection", head: "RequestHead") -> Upload:
        """Raises what can be said before the body: it is no form, its key or scope is wrong, there is no room."""
        upload = Upload(self._relay, connection, head)
        if (head.content_length or 0) > IN_MEMORY_BYTES:
            self._check_room(head.content_length or 0)
        upload.identify(head)
        return upload

    def open(self) -> BinaryIO:
        """Raises StorageFull."""
        try:
            if self._folder:
                Path(self._folder).mkdir(mode=0o700, parents=True, exist_ok=True)
            return tempfile.TemporaryFile(buffering=0, dir=self._folder or None)  # pyright: ignore[reportReturnType] - unbuffered, it is a FileIO, which does all that is asked
        except OSError as error:
            raise _no_room(error) from error

    def take(self, size: int) -> None:
        """Raises StorageFull beyond the relay's limit."""
        self._check_room(size)
        self.kept_bytes += size

    def give_back(self, size: int) -> None:
        self.kept_bytes -= size

    def _check_room(self, size: int) -> None:
        if self.kept_bytes + size > self._relay.settings.spool_limit_bytes:
            raise StorageFull(
                "The gateway holds as many uploads as it may at the moment. Try again.", retry_after_s=_LATER_S
            )


def _scanner(relay: "Relay", head: "RequestHead", content_type: bytes) -> FormScanner | None:
    """None: no form, but a file. Raises UnsupportedMedia or InvalidRequest."""
    media = head.route.media
    if media is not None:
        return FormScanner(boundary_of(content_type), media.watched)
    if not is_multipart(content_type):
        return None
    return FormScanner(boundary_of(content_type), plain_fields(api_of(head, relay.catalog)), keeps_all=True)


def _is_file(head: "RequestHead") -> bool:
    """Gemini's uploads: the bytes of a file and nothing else."""
    kind = (head.header(b"content-type") or b"").lower()
    return head.path.startswith(b"/upload/") and not kind.startswith(b"application/json")


def _no_room(error: OSError) -> StorageFull:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StorageFull("The gateway has no room for this upload at the moment. Try again.", retry_after_s=_LATER_S)
    return StorageFull(f"The gateway cannot keep this upload: {error.strerror}.", retry_after_s=_LATER_S)
