"""What an operation is given, what it returns, and what it may refuse: the simulator's own small vocabulary."""

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from turnpike.simulator.faults import Faults
from turnpike.simulator.forms import File
from turnpike.simulator.store import Store

Headers = list[tuple[bytes, bytes]]


class Call(msgspec.Struct):
    """One request as it arrived. `data` is the decoded JSON body of a POST, `rest` what a path pattern left open."""

    number: int
    method: str
    path: str
    rest: str
    query: str
    headers: dict[str, str]
    body: bytes
    data: Any
    faults: Faults
    files: list[File] = []
    """Of a form, whose fields are `data`."""
    raw_path: str = ""
    """As it came, percent-encoded: what a signature is over."""
    store: Store = msgspec.field(default_factory=Store)
    """What the simulator keeps between requests."""


class Answer(msgspec.Struct):
    """A whole answer (`body`) or a stream (`events`, each a framed SSE event)."""

    status: int
    headers: Headers
    body: bytes = b""
    events: list[bytes] | None = None


class Refused(Exception):
    """The vendor would refuse this request. `kind` is the vendor's error type, where it is not the status's usual."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        param: str | None = None,
        code: str | None = None,
        kind: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.param = param
        self.code = code
        self.kind = kind


class Vendor(Protocol):
    """How one company's API looks around its operations."""

    def is_authorized(self, headers: dict[str, str], api_key: str) -> bool: ...

    def unauthorized(self) -> Refused: ...

    def not_json(self) -> Refused: ...

    def headers(self, call_number: int) -> Headers:
        """Headers of every answer: request id and the like."""
        ...

    def error(self, refused: Refused, call_number: int) -> Answer: ...

    def error_event(self, refused: Refused, call_number: int) -> bytes:
        """An error inside a stream that has begun, framed."""
        ...


class Operation(msgspec.Struct, frozen=True):
    """One endpoint. A `path` that ends in `/*` matches what is below it too.

    `answer` raises Refused for a request that the vendor would refuse.
    """

    method: str
    path: str
    vendor: Callable[[dict[str, str]], Vendor]
    """By the request's headers: some paths are shared by two APIs."""
    answer: Callable[[Call], Answer]
    form: bool = False
    """The body of a POST is a form's, not JSON."""
    needs_json: bool = True
    """A POST without a JSON object is refused before the operation sees it."""


def json_answer(value: Any, headers: Headers, status: int = 200) -> Answer:
    return Answer(status, [(b"content-type", b"application/json"), *headers], msgspec.json.encode(value))


def stream_answer(events: list[bytes], headers: Headers) -> Answer:
    kind = (b"content-type", b"text/event-stream; charset=utf-8")
    return Answer(200, [kind, (b"cache-control", b"no-cache"), *headers], events=events)
