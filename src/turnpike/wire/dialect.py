"""What a dialect can do: the interface that every folder under `dialects/` fills and the relay works through.

A dialect is a wire format of one operation in one API (`openai_chat`, `anthropic_messages`, `openai_embeddings`).
The same object serves as the caller's form and as the provider's. Two lanes:

* **Same dialect on both sides**: the caller's own bytes go on. `read_head` reads the few fields that the gateway
  owns, `splice` replaces them in place, `read_usage` and `tail` watch the answer go by. Unknown fields survive.
* **Different dialects**: `read_request` -> canonical -> `write_request`, and back with `read_response` /
  `write_response` or `reader` / `writer`. What the target cannot say raises `Inexpressible`, naming the field.

Everything here is pure and safe under retry: no method changes its arguments.
"""

from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

import msgspec

from turnpike.errors import TurnpikeError, UpstreamRefused
from turnpike.wire.operations import Operation
from turnpike.wire.types.conversation import Request, Response
from turnpike.wire.types.embeddings import EmbeddingsRequest, EmbeddingsResponse
from turnpike.wire.types.images import ImagesRequest, ImagesResponse
from turnpike.wire.types.rerank import RerankRequest, RerankResponse
from turnpike.wire.types.speech import SpeechRequest, TranscriptionRequest
from turnpike.wire.types.stream import Event
from turnpike.wire.types.usage import Usage

AnyRequest = Request | EmbeddingsRequest | RerankRequest | ImagesRequest | SpeechRequest | TranscriptionRequest
AnyResponse = Response | EmbeddingsResponse | RerankResponse | ImagesResponse
"""Canonical forms by operation. A dialect is only ever given those of its own operation."""


class Head(msgspec.Struct, gc=False):
    """The fields of a request that the gateway owns; each dialect adds its own. Decoding one validates that the body
    is JSON and skips everything else."""

    model: str
    stream: bool = False

    def output_bound(self) -> int | None:
        """The most output tokens that the caller allows, over all choices; None when it sets no limit."""
        return None

    def choices(self) -> int:
        """How many answers the caller asks for."""
        return 1

    def counted(self, usage: Usage | None) -> Usage | None:
        """A usage as the answer reported it, completed by what only the request tells: how large an image was asked
        for, how many characters to speak. Without a usage, what the request alone says of it; None: nothing.

        Asked for operations outside of `turnpike.wire.operations.PLAIN`, and where an answer reported nothing.
        """
        return usage

    def shape(self, response: "AnyResponse") -> "AnyResponse":
        """A translated answer, in the shape that only the request asks for: the encoding of vectors, say."""
        return response

    def echoed(self, answer: bytes) -> bytes:
        """A whole, translated answer with what the caller's form repeats of its request. Most forms repeat nothing."""
        return answer


class Target(msgspec.Struct, frozen=True):
    """What a written request must know of where it goes."""

    upstream_model: str
    max_output_tokens: int | None = None
    quirks: frozenset[str] = frozenset()


class Tail(Protocol):
    """Watches a same-dialect stream pass by. One per answer."""

    usage: Usage | None
    """What the stream reported so far; final once `finished`."""
    finished: bool
    """The dialect's own end marker came by (`[DONE]`, `message_stop`)."""
    error: UpstreamRefused | None
    """An error event that came by."""
    output_bytes: int
    """Bytes of events seen, for an estimate when no usage comes."""

    def feed(self, data: bytes) -> bytes:
        """Returns what goes on to the caller: `data` itself on the common path, or without the usage chunk that only
        the gateway had asked for. Never holds back more than the last, unfinished event."""
        ...

    def end(self) -> bytes:
        """What was held back; call once, when the upstream has ended."""
        ...


class StreamReader(Protocol):
    """Bytes of a provider's stream to canonical events, cut anywhere."""

    def feed(self, data: bytes) -> list[Event]:
        """Raises UpstreamGarbage for what is no stream of this dialect."""
        ...

    def end(self) -> list[Event]:
        """Events that only the end tells. Raises UpstreamCut when the dialect's end marker never came."""
        ...


class StreamWriter(Protocol):
    """Canonical events to bytes of the caller's stream."""

    def write(self, event: Event) -> bytes: ...


class Dialect(Protocol):
    name: str
    operation: Operation

    # ---- requests

    def read_head(self, body: bytes, /) -> Head:
        """Raises InvalidJson (with the byte position) or InvalidRequest (with `details["param"]`), also when a field
        that the gateway owns stands in the body twice."""
        ...

    @property
    def decode_head(self) -> Callable[[bytes], Head]:
        """What is under `read_head`, for the fast path: what it raises (`dialects.common.body.BODY_ERRORS`) is turned
        into an error by `head_error`."""
        ...

    def head_error(self, error: Exception, /) -> TurnpikeError: ...

    def splice(self, body: bytes, head: Head, upstream_model: str, quirks: frozenset[str] = frozenset()) -> bytes:
        """The caller's body with `model` replaced at the top level and, in a stream, usage asked for where the
        dialect needs asking. Returns `body` itself when nothing changes. `head` must have been read from this very
        body."""
        ...

    def read_request(self, body: bytes, /) -> AnyRequest: ...

    def write_request(self, request: AnyRequest, target: Target, /) -> bytes:
        """Raises Inexpressible, naming the field, before anything is sent."""
        ...

    # ---- whole answers

    def read_usage(self, body: bytes, /) -> Usage | None:
        """None when the answer reports none. Raises UpstreamGarbage when it is not JSON."""
        ...

    def read_response(self, body: bytes, /) -> AnyResponse:
        """Raises UpstreamGarbage."""
        ...

    def write_response(self, response: AnyResponse, model: str, /) -> bytes:
        """`model` is the name that the caller asked for."""
        ...

    # ---- streams

    def tail(self, head: Head) -> Tail: ...

    def reader(self) -> StreamReader: ...

    def writer(self, head: Head, model: str) -> StreamWriter: ...

    # ---- errors

    def read_error(self, status: int, body: bytes, /) -> UpstreamRefused:
        """Any body will do, JSON or not; the message is bounded in length."""
        ...

    def write_error(self, error: TurnpikeError, request_id: str, /) -> bytes:
        """The body of an error answer; its status is `error.status`."""
        ...

    def write_stream_error(self, error: TurnpikeError, request_id: str, /) -> bytes:
        """What ends a stream that has already begun: the dialect's own error event, never a clean end."""
        ...


@runtime_checkable
class StreamForms(Protocol):
    """Of a dialect whose streams have several framings, chosen in the query."""

    def form_for(self, query: Mapping[str, str], /) -> tuple[Dialect, str]:
        """The dialect that writes this framing, and its media type."""
        ...
