"""A provider made of raw bytes: it says what a test tells it to, and keeps every byte that it was sent."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ssl import SSLContext
from typing import Any

WAIT_S = 10.0


@dataclass
class Received:
    line: str
    pairs: list[tuple[str, str]]
    """Headers as they came."""
    body: bytes
    connection: int
    """Number of the connection, from 1."""

    @property
    def headers(self) -> dict[str, str]:
        assert len({name for name, _ in self.pairs}) == len(self.pairs), f"a header came twice: {self.pairs}"
        return dict(self.pairs)

    @property
    def path(self) -> str:
        return self.line.split(" ")[1]

    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """The provider's end of one connection."""

    def __init__(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.number = number
        self.reader = reader
        self.writer = writer

    async def write(self, *pieces: bytes) -> None:
        """Each piece on its own: the gateway reads them one by one, as far as the system lets it."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()

    def close(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        self.writer.transport.abort()

    async def gone(self, timeout_s: float = WAIT_S) -> None:
        """Returns when the gateway has closed the connection."""
        async with asyncio.timeout(timeout_s):
            try:
                while await self.reader.read(65536):
                    pass
            except ConnectionError:
                pass


Step = bytes | Callable[[Wire, Received], Awaitable[None]]


class Upstream:
    """Answers the requests in turn with its steps; the last one stays."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.requests: list[Received] = []
        self.connections = 0
        self.port = 0
        self.news = asyncio.Condition()
        self.faults: list[BaseException] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def start(self, ssl: SSLContext | None = None) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=ssl, limit=2**20)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def asked(self, times: int = 1, timeout_s: float = WAIT_S) -> Received:
        """Waits for so many requests in all; the last of them."""
        async with asyncio.timeout(timeout_s), self.news:
            await self.news.wait_for(lambda: len(self.requests) >= times)
        return self.requests[times - 1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        wire = Wire(self.connections, reader, writer)
        try:
            while not writer.is_closing():
                received = await self._read(wire)
                step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
                async with self.news:
                    self.requests.append(received)
                    self.news.notify_all()
                if isinstance(step, bytes):
                    await wire.write(step)
                else:
                    await step(wire, received)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        except Exception as error:
            self.faults.append(error)
            raise
        finally:
            writer.close()

    async def _read(self, wire: Wire) -> Received:
        """Strict: the gateway sends one plain form of requests, and anything else is a defect."""
        raw = await wire.reader.readuntil(b"\r\n\r\n")
        line, *rest = raw[:-4].decode("latin-1").split("\r\n")
        pairs = [tuple(each.split(": ", 1)) for each in rest]
        assert all(len(pair) == 2 and pair[0] == pair[0].lower() for pair in pairs), rest
        lengths = [value for name, value in pairs if name == "content-length"]
        assert len(lengths) == 1, pairs
        assert not any(name == "transfer-encoding" for name, _ in pairs)
        return Received(line, pairs, await wire.reader.readexactly(int(lengths[0])), wire.number)  # pyright: ignore[reportArgumentType]


@asynccontextmanager
async def serving(*steps: Step, ssl: SSLContext | None = None) -> AsyncIterator[Upstream]:
    upstream = Upstream(*steps)
    await upstream.start(ssl)
    try:
        yield upstream
    finally:
        await upstream.stop()
        assert not upstream.faults, upstream.faults


# ---- what providers say


def answer(
    body: bytes | dict[str, Any], status: str = "200 OK", *headers: str, content_type: str = "application/json"
) -> bytes:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status}", f"content-type: {content_type}", *headers, f"content-length: {len(raw)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + raw


def completion(text: str = "Hello.", prompt: int = 7, output: int = 3) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "upstream-model",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output},
    }


def message(text: str = "Hello.", prompt: int = 7, output: int = 3) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "upstream-model",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": prompt, "output_tokens": output},
    }


def embeddings(prompt: int = 7) -> dict[str, Any]:
    return {
        "object": "list",
        "model": "upstream-model",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5, -0.5]}],
        "usage": {"prompt_tokens": prompt, "total_tokens": prompt},
    }


def refusal(status: str, text: str = "No.", *headers: str, kind: str = "refused_error", code: str = "refused") -> bytes:
    return answer({"error": {"message": text, "type": kind, "code": code, "param": None}}, status, *headers)


STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
STREAM_END = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(data: Any, name: str = "") -> bytes:
    raw = data if isinstance(data, str) else json.dumps(data, separators=(",", ":"))
    return (f"event: {name}\n" if name else "").encode() + b"data: " + raw.encode() + b"\n\n"


def chat_events(words: list[str], prompt: int = 7, output: int = 3, *, usage: bool = True) -> list[bytes]:
    """A stream of Chat Completions: a chunk a word, the finish reason, the usage chunk, the end marker."""
    frame = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "upstream-model"}

    def of(delta: dict[str, Any], finish: str | None = None) -> bytes:
        return event({**frame, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    counts = {"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output}
    events = [of({"role": "assistant", "content": ""}), *(of({"content": word}) for word in words), of({}, "stop")]
    if usage:
        events.append(event({**frame, "choices": [], "usage": counts}))
    return [*events, event("[DONE]")]


def message_events(words: list[str], prompt: int = 7, output: int = 3) -> list[bytes]:
    """A stream of Messages."""

    def of(kind: str, **fields: Any) -> bytes:
        return event({"type": kind, **fields}, kind)

    start = {**message("", prompt, 1), "content": [], "stop_reason": None}
    deltas = [of("content_block_delta", index=0, delta={"type": "text_delta", "text": word}) for word in words]
    return [
        of("message_start", message=start),
        of("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        *deltas,
        of("content_block_stop", index=0),
        of(
            "message_delta",
            delta={"stop_reason": "end_turn", "stop_sequence": None},
            usage={"output_tokens": output},
        ),
        of("message_stop"),
    ]


def whole_stream(events: list[bytes]) -> bytes:
    """A stream in one piece."""
    return STREAM_HEAD + b"".join(map(chunk, events)) + STREAM_END
