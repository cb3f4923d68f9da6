"""Forms on their way in: checked as they come, kept in memory while small, else in a file without a name.

The whole form is kept until the call is over, because `model` may stand behind the files and another attempt sends it
again. What is kept is bounded for one form and for all of a relay; the file has no name from the beginning, so nothing
is left behind by a crash.
"""

import errno
import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from turnpike.errors import InvalidRequest, StorageFull, TurnpikeError, Unauthenticated, Unavailable, UnsupportedMedia
from turnpike.relay.admit import check_caller, identify
from turnpike.relay.journal import full_error
from turnpike.relay.keys import Entry
from turnpike.relay.reading import too_large
from turnpike.wire.forms import FormScanner, boundary_of
from turnpike.wire.media.dialect import MediaHead

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


class Form:
    """A whole form: what it says, and its bytes."""

    __slots__ = ("_scanner", "_spool", "content_type", "fault", "fields", "size")

    def __init__(self, scanner: FormScanner, spool: Spool, content_type: bytes) -> None:
        self._scanner = scanner
        self._spool = spool
        self.content_type = content_type
        self.size = spool.size
        self.fault: InvalidRequest | None = None
        try:
            scanner.finish()
        except InvalidRequest as error:
            self.fault = error

    def read_head(self, dialect: "MediaDialect") -> MediaHead:
        """Raises InvalidRequest for a form that lacks what the operation needs."""
        if self.fault is not None:
            raise self.fault
        return dialect.read_form(self._scanner.fields, self._scanner.files, self.size)

    def as_it_came(self) -> "bytes | Replay":
        return self._replay(0, 0, b"")

    def with_model(self, model: str) -> "bytes | Replay":
        """The form as it goes upstream: every byte as it came, but for the value of `model`."""
        field = self._scanner.fields.get("model")
        if field is None:
            return self._replay(0, 0, self._scanner.part_before("model", model))
        return self._replay(field.start, field.end, model.encode())

    def _replay(self, start: int, end: int, new: bytes) -> "bytes | Replay":
        replay = Replay(self._spool, start, end, new)
        return replay if self._spool.on_disk else b"".join(replay.pieces())

    def close(self) -> None:
        self._spool.close()


class Replay:
    """A form's bytes with one span replaced. Its length is known before it is read."""

    __slots__ = ("_end", "_new", "_size", "_spool", "_start")

    def __init__(self, spool: Spool, start: int, end: int, new: bytes) -> None:
        self._spool = spool
        self._start = start
        self._end = end
        self._new = new
        self._size = spool.size - (end - start) + len(new)

    def __len__(self) -> int:
        return self._size

    def pieces(self) -> Iterator[bytes]:
        """From the beginning, whenever asked. Raises Unavailable."""
        yield from self._span(0, self._start)
        yield self._new
        yield from self._span(self._end, self._spool.size)

    def _span(self, start: int, end: int) -> Iterator[bytes]:
        while start < end:
            stop = min(end, start + PIECE_BYTES)
            yield self._spool.read(start, stop)
            start = stop


class Upload:
    """A form that is being read."""

    __slots__ = (
        "_connection", "_content_type", "_limit", "_relay", "_scanner", "_spool", "_waiting", "refusal", "welcome",
    )  # fmt: skip

    def __init__(self, relay: "Relay", connection: "ClientConnection", head: "RequestHead") -> None:
        """Raises UnsupportedMedia or InvalidRequest for what is no form."""
        media = head.route.media
        assert media is not None
        if head.encoding is not None:
            raise UnsupportedMedia("A form is taken without a content encoding only.")
        self._relay = relay
        self._connection = connection
        self._content_type = head.header(b"content-type") or b""
        self._scanner = FormScanner(boundary_of(self._content_type), media.watched)
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
        self._scanner.feed(data)
        self._spool.write(data)

    def finish(self) -> Form:
        return Form(self._scanner, self._spool, self._content_type)

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
        relay.keys.resolve(head.digest, relay.now(), lambda found: self._identified(head, found))
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
            return tempfile.TemporaryFile(buffering=0, dir=self._folder or None)  # pyright: ignore[reportReturnType]
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


def _no_room(error: OSError) -> StorageFull:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StorageFull("The gateway has no room for this upload at the moment. Try again.", retry_after_s=_LATER_S)
    return StorageFull(f"The gateway cannot keep this upload: {error.strerror}.", retry_after_s=_LATER_S)
