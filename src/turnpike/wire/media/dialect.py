"""The interface of dialects whose requests are forms or whose answers are no JSON.

Where both sides speak one, the caller's bytes go on, with `model` replaced, and the answer passes as it comes, followed
by a watch. A provider's own form (`turnpike.wire.media.provider_form`) is written from what is read here.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, NoReturn, cast

import msgspec

from turnpike.errors import InvalidRequest, UnsupportedMedia, UnsupportedOperation
from turnpike.wire.dialect import AnyRequest, AnyResponse, Head, StreamReader, StreamWriter, Tail, Target
from turnpike.wire.dialects.common.body import body_error
from turnpike.wire.dialects.common.errors import read_error
from turnpike.wire.dialects.openai_chat.error import write_error, write_stream_error
from turnpike.wire.forms import Field, FilePart
from turnpike.wire.media.watch import EventWatch, JsonWatch, Passing, read_answer
from turnpike.wire.operations import Operation
from turnpike.wire.types.speech import Transcript
from turnpike.wire.types.usage import Usage


class MediaHead(Head):
    """What the gateway knows of such a request."""

    model: str
    stream: bool = False
    fields: dict[str, str] = msgspec.field(default_factory=dict)
    """The fields of a form that its dialect asked to see."""
    audio_ms: int | None = None
    """How long the sound is that was sent, where its format tells."""
    file_bytes: int = 0
    text_bytes: int = 0
    """Of what was sent to be understood or spoken, without files."""
    characters: int = 0


class MediaDialect(ABC):
    """Fills `turnpike.wire.dialect.Dialect` for one operation; a folder under `dialects/` adds what differs."""

    name: str = ""
    operation: Operation
    takes_form: ClassVar[bool] = True
    """False: its requests are JSON."""
    watched: ClassVar[frozenset[str]] = frozenset(("model", "stream"))
    """Fields of the form whose values are read."""
    needs_file: ClassVar[str] = ""
    has_default: ClassVar[bool] = False
    """Its callers may leave `model` out; the head's is empty then."""

    head_error = staticmethod(body_error)
    read_error = staticmethod(read_error)
    write_error = staticmethod(write_error)
    write_stream_error = staticmethod(write_stream_error)

    def read_form(self, fields: dict[str, Field], files: list[FilePart], size: int) -> MediaHead:
        """`size`: the whole body's. Raises InvalidRequest with `details["param"]`."""
        model = fields.get("model")
        if (model is None and not self.has_default) or (model is not None and not model.value):
            raise InvalidRequest("`model` is required.", details={"param": "model"})
        if self.needs_file and not any(each.name in (self.needs_file, self.needs_file + "[]") for each in files):
            raise InvalidRequest(f"`{self.needs_file}` is required, as a file.", details={"param": self.needs_file})
        streams = fields["stream"].value.strip().lower() if "stream" in fields else ""
        if streams not in ("", "true", "false", "1", "0"):
            raise InvalidRequest("`stream` must be true or false.", details={"param": "stream"})
        file_bytes = sum(each.size for each in files)
        return MediaHead(
            model=model.value if model is not None else "",
            stream=streams in ("true", "1"),
            fields={name: field.value for name, field in fields.items()},
            file_bytes=file_bytes,
            text_bytes=max(0, size - file_bytes),
        )

    def watch(self, head: MediaHead, content_type: str) -> Passing:
        """What follows an answer of that type (in lower case)."""
        if content_type.startswith("text/event-stream"):
            return EventWatch()
        if "json" in content_type:
            return JsonWatch(read_answer)
        return Passing()

    def usage(self, head: MediaHead, reported: Usage) -> Usage:
        """A reported usage, with counts that the request itself tells."""
        return reported

    def by_piece(self, head: MediaHead) -> Usage | None:
        """What a whole answer without a report is billed for by the piece: what the request itself says of characters,
        images or seconds. None where it does not tell."""
        return None

    @abstractmethod
    def estimate(self, head: MediaHead, output_bytes: int) -> Usage:
        """For an answer of so many bytes that reported nothing. Never all zeros."""

    # ---- JSON requests, where the operation has them

    @property
    def decode_head(self) -> Callable[[bytes], Head]:
        return self.read_head

    def read_head(self, body: bytes, /) -> Head:
        raise UnsupportedMedia("This operation takes multipart/form-data.")

    def splice(self, body: bytes, head: Head, upstream_model: str, quirks: frozenset[str] = frozenset()) -> bytes:
        self._never()

    def read_usage(self, body: bytes, /) -> Usage | None:
        return read_answer(body)

    # ---- towards providers' own forms, where the operation has them

    def read_request(self, body: bytes, /) -> AnyRequest:
        """`body`: of a form, its fields as a JSON object."""
        self._never()

    def write_transcript(self, heard: Transcript, form: str, /) -> tuple[bytes, bytes]:
        """Content type and body of an answer that another form told, as `form` says. Raises UpstreamGarbage where it
        lacks what that needs."""
        self._never()

    # ---- what has no meaning for them

    def write_request(self, request: AnyRequest, target: Target, /) -> bytes:
        self._never()

    def read_response(self, body: bytes, /) -> AnyResponse:
        self._never()

    def write_response(self, response: AnyResponse, model: str, /) -> bytes:
        self._never()

    def tail(self, head: Head) -> Tail:
        return cast("Tail", EventWatch())

    def reader(self) -> StreamReader:
        self._never()

    def writer(self, head: Head, model: str) -> StreamWriter:
        self._never()

    def _never(self) -> NoReturn:
        raise UnsupportedOperation(f"The form {self.name} is not translated into another.")
