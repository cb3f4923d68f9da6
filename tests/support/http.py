"""HTTP/1.1 by hand: requests as bytes, answers read strictly, a caller that may do anything with its connection."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Any

CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"
EMBEDDINGS = "/v1/embeddings"
WAIT_S = 10.0

Headers = Iterable[tuple[str, str]]


def request(
    path: str = CHAT,
    body: Any = None,
    *,
    key: str | None = None,
    headers: Headers = (),
    method: str = "POST",
    version: str = "1.1",
) -> bytes:
    """A request with a Content-Length. `body`: bytes, or what becomes JSON."""
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/{version}", "Host: gateway.test"]
    if key is not None:
        lines.append(f"Authorization: Bearer {key}")
    lines += [f"{name}: {value}" for name, value in headers]
    if raw or method == "POST":
        lines.append(f"Content-Length: {len(raw)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + raw


def chunked(*pieces: bytes, trailers: bytes = b"") -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n" + trailers + b"\r\n"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    """Lower-case names; no name stands there twice."""
    body: bytes = b""
    pieces: list[bytes] = field(default_factory=list)
    """The chunks of a chunked body."""
    whole: bool = True
    """False: the connection ended in the middle of the body."""

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str | None:
        """Ours, of an error."""
        return self.headers.get("x-turnpike-error")

    @property
    def message(self) -> str:
        said = self.json()
        return said["error"]["message"]


async def read_answer(reader: asyncio.StreamReader, *, bodiless: bool = False, interim: bool = False) -> Answer:
    """One answer; `interim`: takes 1xx for one. Raises IncompleteReadError when none comes."""
    answer = await read_head(reader)
    while 100 <= answer.status < 200 and not interim and answer.status != 101:
        answer = await read_head(reader)
    if bodiless or answer.status in {101, 204, 304} or answer.status < 200:
        return answer
    if answer.headers.get("transfer-encoding") == "chunked":
        assert "content-length" not in answer.headers
        try:
            while piece := await read_chunk(reader):
                answer.pieces.append(piece)
        except (asyncio.IncompleteReadError, ConnectionError):
            answer.whole = False
        answer.body = b"".join(answer.pieces)
    elif "content-length" in answer.headers:
        answer.body = await reader.readexactly(int(answer.headers["content-length"]))
    else:
        answer.body = await reader.read()
    return answer


async def read_head(reader: asyncio.StreamReader) -> Answer:
    raw = await reader.readuntil(b"\r\n\r\n")
    first, *lines = raw[:-4].decode("latin-1").split("\r\n")
    version, status, _ = first.split(" ", 2)
    assert version == "HTTP/1.1"
    pairs = [line.split(": ", 1) for line in lines]
    names = [name.lower() for name, _ in pairs]
    assert len(set(names)) == len(names), f"a header stands there twice: {names}"
    return Answer(int(status), dict(zip(names, (value for _, value in pairs), strict=True)))


async def read_chunk(reader: asyncio.StreamReader) -> bytes:
    """One chunk; empty for the last one."""
    size = int((await reader.readuntil(b"\r\n"))[:-2], 16)
    data = await reader.readexactly(size + 2)
    assert data.endswith(b"\r\n")
    return data[:-2]


class Caller:
    """A connection to the gateway."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *pieces: bytes) -> None:
        """Each piece in a write of its own."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()

    async def answer(self, *, bodiless: bool = False, interim: bool = False, timeout_s: float = WAIT_S) -> Answer:
        async with asyncio.timeout(timeout_s):
            return await read_answer(self.reader, bodiless=bodiless, interim=interim)

    async def head(self) -> Answer:
        async with asyncio.timeout(WAIT_S):
            return await read_head(self.reader)

    async def chunk(self) -> bytes:
        async with asyncio.timeout(WAIT_S):
            return await read_chunk(self.reader)

    async def ask(self, *arguments: Any, **more: Any) -> Answer:
        """Sends what `request` makes and reads the answer."""
        await self.send(request(*arguments, **more))
        return await self.answer()

    async def rest(self, timeout_s: float = WAIT_S) -> bytes:
        """Everything until the gateway closes."""
        async with asyncio.timeout(timeout_s):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""

    def leave(self) -> None:
        """Gone without a word: a reset."""
        self.writer.transport.abort()


@asynccontextmanager
async def caller_at(port: int, *, ssl: SSLContext | None = None, limit: int = 2**20) -> AsyncIterator[Caller]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=ssl, limit=limit)
    try:
        yield Caller(reader, writer)
    finally:
        writer.close()
        try:
            await writer.wait_closed()
        except (ConnectionError, TimeoutError):
            pass
