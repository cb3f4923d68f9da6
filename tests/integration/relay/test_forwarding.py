"""What is not the relay's own goes to control's socket and back; WebSockets become a tunnel."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.support.http import CHAT, Caller, chunked, request
from tests.support.relay_process import KEY, Stage, chat_body, running_stage
from tests.support.upstream import Received, Upstream, Wire, answer, chunk, completion, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = {"trusted_proxies": ("127.0.0.0/8",)}
PATH = "/api/v1/things"
UPGRADE = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("Sec-WebSocket-Version", "13"),
]
SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: x\r\n\r\n"
)


class Control(Upstream):
    """Control's forward socket. Takes requests without a Content-Length too: an upgrade has none."""

    def __init__(self, path: str) -> None:
        super().__init__(answer({"ok": True}))
        self.path = path

    async def open(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self.path, limit=2**20)

    async def _read(self, wire: Wire) -> Received:
        raw = await wire.reader.readuntil(b"\r\n\r\n")
        line, *rest = raw[:-4].decode().split("\r\n")
        pairs: list[Any] = [tuple(each.split(": ", 1)) for each in rest]
        length = int(dict(pairs).get("content-length", 0))
        return Received(line, pairs, await wire.reader.readexactly(length), wire.number)

    def say(self, *steps: Any) -> None:
        self.steps = list(steps)
        self.requests.clear()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def socket(stage: Stage) -> AsyncIterator[Control]:
    control = Control(str(stage.folder / "forward.sock"))
    await control.open()
    yield control
    await control.stop()
    assert not control.faults, control.faults


@pytest.fixture
def control(socket: Control) -> Control:
    socket.say(answer({"ok": True}))
    return socket


async def test_a_request_goes_to_control_and_the_answer_back(stage: Stage, control: Control) -> None:
    control.say(answer({"made": 1}, "201 Created", "x-extra: yes", "set-cookie: a=b"))
    answered = await stage.ask(f"{PATH}?page=2", {"name": "x"}, headers=[("Cookie", "session=1")])
    assert answered.status == 201
    assert answered.json() == {"made": 1}
    assert answered.headers["x-extra"] == "yes"
    assert answered.headers["set-cookie"] == "a=b"
    received = control.requests[0]
    assert received.line == f"POST {PATH}?page=2 HTTP/1.1"
    assert received.json() == {"name": "x"}
    assert received.headers["cookie"] == "session=1"
    assert received.headers["authorization"] == f"Bearer {KEY}"
    assert received.headers["host"] == "gateway.test"
    assert received.headers["x-request-id"] == answered.headers["x-request-id"]


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_every_method_goes_on(stage: Stage, control: Control, method: str) -> None:
    answered = await stage.ask(PATH, method=method)
    assert answered.status == 200
    assert control.requests[0].line.startswith(f"{method} ")


async def test_head_is_answered_without_a_body(stage: Stage, control: Control) -> None:
    for size in (10, 500_000):
        control.say(answer(b"x" * size, content_type="text/plain"))
        async with stage.caller() as caller:
            for _ in range(2):
                await caller.send(request(PATH, method="HEAD"))
                answered = await caller.answer(bodiless=True)
                assert answered.status == 200
                assert answered.headers["content-length"] == str(size)
                assert answered.headers["content-type"] == "text/plain"


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
async def test_a_bodiless_answer_stays_one(stage: Stage, control: Control, status: str) -> None:
    control.say(f"HTTP/1.1 {status}\r\netag: x\r\n\r\n".encode())
    async with stage.caller() as caller:
        for _ in range(2):
            answered = await caller.ask(PATH, method="GET")
            assert str(answered.status) == status[:3]
            assert answered.headers["etag"] == "x"
            assert "content-length" not in answered.headers


async def test_a_chunked_body_arrives_whole(stage: Stage, control: Control) -> None:
    head = request(PATH).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    async with stage.caller() as caller:
        await caller.send(head + chunked(b"abc", b"def"))
        assert (await caller.answer()).status == 200
    assert control.requests[0].body == b"abcdef"
    assert "transfer-encoding" not in control.requests[0].headers


async def test_a_streamed_answer_passes_as_it_comes(stage: Stage, control: Control) -> None:
    go = asyncio.Event()

    async def stream(wire: Wire, received: Received) -> None:
        await wire.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunk(b"one"))
        await go.wait()
        await wire.write(chunk(b"two") + b"0\r\n\r\n")

    control.say(stream)
    async with stage.caller() as caller:
        await caller.send(request(PATH, method="GET"))
        assert (await caller.head()).status == 200
        assert await caller.chunk() == b"one"
        go.set()
        assert await caller.chunk() == b"two"
        assert await caller.chunk() == b""


async def test_a_stream_that_control_breaks_off_is_not_ended_cleanly(stage: Stage, control: Control) -> None:
    async def cut(wire: Wire, received: Received) -> None:
        await wire.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunk(b"one"))
        wire.reset()

    control.say(cut)
    async with stage.caller() as caller:
        answered = await caller.ask(PATH, method="GET")
        assert not answered.whole


async def test_what_the_caller_says_of_itself_is_rewritten(stage: Stage, control: Control) -> None:
    headers = [
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "evil.test"),
        ("Forwarded", "for=1.2.3.4"),
        ("X-Real-IP", "1.2.3.4"),
        ("X-Turnpike-User", "root"),
        ("Proxy-Authorization", "Basic x"),
        ("Connection", "X-Hop"),
        ("X-Hop", "1"),
    ]
    await stage.ask(PATH, method="GET", headers=headers)
    received = control.requests[0].headers
    assert received["x-forwarded-for"] == "127.0.0.1"
    assert received["x-forwarded-proto"] == "http"
    gone = {"x-forwarded-host", "forwarded", "x-real-ip", "x-turnpike-user", "proxy-authorization", "x-hop"}
    assert not gone & set(received)


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7, 127.0.0.9", "203.0.113.7"),
        ("198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("nonsense", "127.0.0.1"),
        ("203.0.113.7, nonsense", "127.0.0.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("", "127.0.0.1"),
    ],
)
async def test_trusted_proxies_are_believed_from_the_right(
    stage: Stage, control: Control, said: str, address: str
) -> None:
    await stage.ask(PATH, method="GET", headers=[("X-Forwarded-For", said)])
    assert control.requests[0].headers["x-forwarded-for"] == address


async def test_a_request_id_of_the_caller_reaches_control(stage: Stage, control: Control) -> None:
    answered = await stage.ask(PATH, method="GET", headers=[("X-Request-Id", "mine")])
    assert control.requests[0].headers["x-request-id"] == "mine"
    assert answered.headers["x-request-id"] == "mine"


async def test_connections_to_control_are_kept(stage: Stage, control: Control) -> None:
    before = control.connections
    for _ in range(5):
        await stage.ask(PATH, method="GET")
    assert control.connections <= before + 1


# ---- websockets


async def open_socket(caller: Caller, *more: bytes) -> None:
    await caller.send(request("/ws/inference/1", method="GET", headers=UPGRADE) + b"".join(more))
    answered = await caller.answer(interim=True)
    assert answered.status == 101
    assert answered.headers["upgrade"] == "websocket"
    assert answered.headers["sec-websocket-accept"] == "x"


async def test_a_websocket_is_a_tunnel_both_ways(stage: Stage, control: Control) -> None:
    async def talk(wire: Wire, received: Received) -> None:
        assert received.headers["upgrade"] == "websocket"
        assert received.headers["connection"] == "upgrade"
        assert received.headers["sec-websocket-key"] == UPGRADE[2][1]
        await wire.write(SWITCH + b"hello")
        while data := await wire.reader.read(1000):
            await wire.write(data.upper())
        wire.close()

    control.say(talk)
    async with stage.caller() as caller:
        await open_socket(caller)
        assert await caller.reader.readexactly(5) == b"hello"
        for word in (b"one", b"two\r\n\r\n", b"\0\xff"):
            await caller.send(word)
            assert await caller.reader.readexactly(len(word)) == word.upper()
        caller.writer.write_eof()
        assert await caller.rest() == b""


async def test_what_was_sent_ahead_of_the_switch_arrives(stage: Stage, control: Control) -> None:
    async def talk(wire: Wire, received: Received) -> None:
        await wire.write(SWITCH)
        await wire.write(await wire.reader.readexactly(10))
        wire.close()

    control.say(talk)
    async with stage.caller() as caller:
        await open_socket(caller, b"early", b"bytes")
        assert await caller.rest() == b"earlybytes"


async def test_a_tunnel_carries_more_than_fits_in_memory_buffers(stage: Stage, control: Control) -> None:
    size = 20_000_000

    async def talk(wire: Wire, received: Received) -> None:
        await wire.write(SWITCH)
        await wire.write(*[b"x" * 100_000] * (size // 100_000))
        wire.close()

    control.say(talk)
    async with stage.caller() as caller:
        await open_socket(caller)
        await asyncio.sleep(0.2)
        assert len(await caller.rest()) == size


async def test_control_ends_a_tunnel(stage: Stage, control: Control) -> None:
    async def talk(wire: Wire, received: Received) -> None:
        await wire.write(SWITCH)
        wire.close()

    control.say(talk)
    async with stage.caller() as caller:
        await open_socket(caller)
        assert await caller.rest() == b""


async def test_a_caller_ends_a_tunnel(stage: Stage, control: Control) -> None:
    gone = asyncio.Event()

    async def talk(wire: Wire, received: Received) -> None:
        await wire.write(SWITCH)
        await wire.gone()
        gone.set()

    control.say(talk)
    async with stage.caller() as caller:
        await open_socket(caller)
        caller.leave()
        async with asyncio.timeout(3):
            await gone.wait()


async def test_a_websocket_that_control_refuses_is_answered_and_closed(stage: Stage, control: Control) -> None:
    control.say(answer({"no": 1}, "403 Forbidden"))
    async with stage.caller() as caller:
        await caller.send(request("/ws/inference/1", method="GET", headers=UPGRADE))
        answered = await caller.answer()
        assert answered.status == 403
        assert answered.headers["connection"] == "close"
        assert await caller.rest() == b""


# ---- control is away


async def test_without_control_the_platform_says_so_and_model_calls_go_on(stage: Stage, socket: Control) -> None:
    async with serving(answer(completion())) as upstream:
        model = await stage.model(upstream)
        assert (await stage.chat(model)).status == 200
        await socket.stop()
        try:
            answered = await stage.ask(PATH, method="GET")
            assert answered.status == 503
            assert int(answered.headers["retry-after"]) > 0
            said = answered.json()
            assert said["success"] is False
            assert said["data"] is None
            assert said["error"]["code"] == "UNAVAILABLE"
            assert said["error"]["request_id"] == answered.headers["x-request-id"]
            assert (await stage.chat(model)).status == 200
        finally:
            await socket.open()
        socket.say(answer({"ok": True}))
        assert (await stage.ask(PATH, method="GET")).status == 200


async def test_control_that_answers_garbage_is_a_503(stage: Stage, control: Control) -> None:
    async def garbage(wire: Wire, received: Received) -> None:
        await wire.write(b"what?\r\n\r\n")
        wire.close()

    control.say(garbage)
    answered = await stage.ask(PATH, method="GET")
    assert answered.status == 503
    assert json.loads(answered.body)["success"] is False


async def test_a_caller_who_leaves_is_not_worked_for(stage: Stage, control: Control) -> None:
    gone = asyncio.Event()

    async def slow(wire: Wire, received: Received) -> None:
        await wire.gone()
        gone.set()

    control.say(slow)
    async with stage.caller() as caller:
        await caller.send(request(PATH, method="GET"))
        await control.asked()
        caller.leave()
        async with asyncio.timeout(3):
            await gone.wait()


async def test_health_tells_both_states(stage: Stage, control: Control) -> None:
    answered = await stage.ask("/health", method="GET")
    assert answered.status == 200
    said = answered.json()
    assert said["status"] == "healthy", said
    assert said["checks"]["journal"] == "ok"
    assert said["checks"]["database"] == "ok"
    assert answered.headers["cache-control"] == "no-store"


async def test_health_of_a_mute_control_is_degraded_within_half_a_second(stage: Stage) -> None:
    stage.control.mute = True
    try:
        async with stage.caller() as caller, asyncio.timeout(0.6):
            answered = await caller.ask("/health", method="GET")
    finally:
        stage.control.mute = False
    assert answered.status == 200
    assert answered.json()["status"] == "degraded"


async def test_health_names_what_control_says_is_wrong(stage: Stage) -> None:
    well, stage.control.health = stage.control.health, {"database": "no connection"}
    try:
        answered = await stage.ask("/health", method="GET")
    finally:
        stage.control.health = well
    assert answered.json()["status"] == "degraded"
    assert answered.json()["checks"]["database"] == "no connection"


async def test_a_relay_shows_its_own_metrics(stage: Stage) -> None:
    answered = await stage.ask("/health/relay/metrics", method="GET")
    assert answered.status == 200
    assert any(sample["name"] == "ai_gateway_total" for sample in answered.json()["samples"])


async def test_chat_is_never_forwarded(stage: Stage, control: Control) -> None:
    await stage.ask(CHAT, chat_body("nothing"))
    assert control.requests == []


async def test_an_answer_without_an_end_comes_as_it_is_made_and_ends_in_order_with_the_relay(tmp_path: Path) -> None:
    """A console's event stream: the relay neither keeps it back nor waits for it when it stops."""

    async def events(wire: Wire, received: Received) -> None:
        await wire.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-turnpike-endless: 1\r\n")
        await wire.write(b"transfer-encoding: chunked\r\n\r\n" + chunk(b"event: hello\ndata: {}\n\n"))
        await wire.gone()

    async with running_stage(tmp_path, drain_timeout_s=20.0) as stage:
        control = Control(str(stage.folder / "forward.sock"))
        await control.open()
        control.say(events)
        async with stage.caller() as caller:
            await caller.send(request("/api/v1/events", None, key=KEY, method="GET"))
            head = await caller.head()
            assert head.headers["content-type"] == "text/event-stream"
            assert "x-turnpike-endless" not in head.headers
            assert await caller.chunk() == b"event: hello\ndata: {}\n\n"
            began = asyncio.get_running_loop().time()
            stage.relay.signal(signal.SIGTERM)
            assert await caller.chunk() == b"", "it ends as a whole answer does"
            assert await stage.relay.ended() == 0
            assert asyncio.get_running_loop().time() - began < 10.0
        await control.stop()
        assert not control.faults, control.faults
