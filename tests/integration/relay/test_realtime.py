"""Realtime sessions through a relay: sizes, times, both ends, and the journal's record of every response."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Request, Response, ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support.relay_process import KEY, SECRET, Stage, running_stage
from turnpike.contract.events import Outcome, UsageSource

MIB = 1024 * 1024
Script = Callable[[ServerConnection], Awaitable[None]]


class Provider:
    """A realtime provider that follows a test's script."""

    def __init__(self, script: Script, refuse: int | None = None) -> None:
        self._script = script
        self._refuse = refuse
        self.requests: list[Request] = []
        self.sockets: list[ServerConnection] = []
        self.url = ""

    async def handle(self, socket: ServerConnection) -> None:
        self.sockets.append(socket)
        try:
            await self._script(socket)
        except ConnectionClosed:
            pass

    def check(self, socket: ServerConnection, request: Request) -> Response | None:
        self.requests.append(request)
        return socket.respond(self._refuse, '{"error": {"message": "No."}}') if self._refuse else None


@asynccontextmanager
async def providing(script: Script, refuse: int | None = None) -> AsyncIterator[Provider]:
    provider = Provider(script, refuse)
    async with serve(provider.handle, "127.0.0.1", 0, process_request=provider.check, max_size=64 * MIB) as server:
        provider.url = f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/v1"
        yield provider


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with running_stage(tmp_path, realtime_message_limit_bytes=MIB) as running:
        yield running


async def model_at(stage: Stage, *providers: Provider) -> str:
    return await stage.model(*(provider.url for provider in providers), dialect="openai_media")


def caller(stage: Stage, model: str, request_id: str = "rt", *, key: str = KEY, **more: Any) -> connect:
    url = f"ws://127.0.0.1:{stage.port}/v1/realtime?model={model}&voice=a"
    headers = {"authorization": f"Bearer {key}", "x-request-id": request_id}
    return connect(url, additional_headers=headers, max_size=64 * MIB, **more)


def said(**event: Any) -> str:
    return json.dumps(event)


CREATE = said(type="response.create", event_id="e1")
CREATED = said(type="response.created", response={"id": "r1", "status": "in_progress"})
USAGE = {"input_tokens": 30, "output_tokens": 20, "output_token_details": {"audio_tokens": 15, "text_tokens": 5}}
DONE = said(type="response.done", response={"id": "r1", "status": "completed", "usage": USAGE})


async def echo(socket: ServerConnection) -> None:
    async for message in socket:
        await socket.send(message)


async def answering(socket: ServerConnection) -> None:
    async for message in socket:
        if "response.create" in str(message):
            await socket.send(CREATED)
            await socket.send(DONE)


async def begun(socket: ServerConnection) -> None:
    """Begins a response and never ends it."""
    await socket.recv()
    await socket.send(CREATED)
    await socket.send(said(type="response.output_text.delta", response_id="r1", delta="word " * 40))
    await socket.wait_closed()


async def end_of(socket: ClientConnection | ServerConnection) -> tuple[int | None, str | None]:
    """The code and reason of the close that comes, whatever comes before it."""
    async with asyncio.timeout(10):
        try:
            while isinstance(socket, ClientConnection):
                await socket.recv()
        except ConnectionClosed:
            pass
        await socket.wait_closed()
    return socket.close_code, socket.close_reason


# ---- opening


async def test_the_provider_gets_its_own_credential_and_nothing_of_the_callers(stage: Stage) -> None:
    async with providing(echo) as provider:
        model = await model_at(stage, provider)
        url = f"ws://127.0.0.1:{stage.port}/v1/realtime?model={model}&voice=a%26b"
        offered: Any = ["realtime", f"openai-insecure-api-key.{KEY}", "openai-beta.realtime-v1"]
        async with connect(url, subprotocols=offered, additional_headers={"openai-beta": "realtime=v1"}):
            pass
        (request,) = provider.requests

    assert request.path == "/v1/realtime?model=upstream-model&voice=a%26b"
    assert request.headers["authorization"] == f"Bearer {SECRET}"
    assert request.headers["sec-websocket-protocol"] == "realtime, openai-beta.realtime-v1"
    assert request.headers["openai-beta"] == "realtime=v1"
    assert KEY not in str(request.headers)


async def test_another_deployment_is_asked_when_one_refuses(stage: Stage) -> None:
    async with providing(echo, refuse=429) as one, providing(echo) as two:
        model = await model_at(stage, one, two)
        async with caller(stage, model) as socket:
            await socket.send(said(type="x"))
            assert await socket.recv() == said(type="x")

    assert len(one.requests) + len(two.requests) >= 1
    assert len(two.requests) == 1


async def test_a_refusal_of_every_deployment_is_an_answer(stage: Stage) -> None:
    async with providing(echo, refuse=429) as one:
        model = await model_at(stage, one)
        with pytest.raises(InvalidStatus) as refused:
            async with caller(stage, model, "refused"):
                pass

    assert refused.value.response.status_code == 429
    assert b'"No."' in (refused.value.response.body or b"")
    assert stage.settles("refused")[0].status == 429


async def test_a_request_without_an_upgrade_says_what_is_missing(stage: Stage) -> None:
    answered = await stage.ask("/v1/realtime?model=m", method="GET", key=KEY)

    assert (answered.status, answered.code) == (400, "INVALID_REQUEST")
    assert "WebSocket" in answered.message


# ---- responses


async def test_a_response_is_in_the_journal_before_the_provider_is_asked(stage: Stage) -> None:
    opened: list[int] = []

    async def looking(socket: ServerConnection) -> None:
        await socket.recv()
        opened.append(len(stage.opens("rt-journal")))
        await socket.send(CREATED)
        await socket.send(DONE)
        await socket.wait_closed()

    async with providing(looking) as provider:
        model = await model_at(stage, provider)
        async with caller(stage, model, "rt-journal") as socket:
            await socket.send(CREATE)
            assert await socket.recv() == CREATED
            assert await socket.recv() == DONE
            (row,) = stage.settles("rt-journal")

    assert opened == [1]
    assert (row.outcome, row.operation, row.usage_source) == (Outcome.OK, "realtime", UsageSource.REPORTED)
    assert row.usage is not None
    assert (row.usage.input_tokens, row.usage.output_tokens, row.usage.output_audio_tokens) == (30, 20, 15)


async def test_a_caller_that_vanishes_is_charged_and_the_provider_told(stage: Stage) -> None:
    async with providing(begun) as provider:
        model = await model_at(stage, provider)
        socket = await caller(stage, model, "rt-gone")
        await socket.send(CREATE)
        await socket.recv()
        await socket.recv()
        socket.transport.abort()
        assert await end_of(provider.sockets[0]) == (1001, "the caller is gone")
        row = await stage.will_settle("rt-gone")

    assert (row.outcome, row.status, row.usage_source) == (Outcome.CANCELLED, 499, UsageSource.ESTIMATED)
    assert row.usage is not None
    assert row.usage.output_tokens == 50


async def test_a_provider_that_vanishes_ends_the_session(stage: Stage) -> None:
    async def vanish(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send(CREATED)
        await asyncio.sleep(0.05)
        socket.transport.abort()

    async with providing(vanish) as provider:
        model = await model_at(stage, provider)
        async with caller(stage, model, "rt-cut") as socket:
            await socket.send(CREATE)
            assert await end_of(socket) == (1011, "the provider broke off")
        row = await stage.will_settle("rt-cut")

    assert row.outcome == Outcome.CUT


async def test_a_revoked_key_gets_no_further_response(stage: Stage) -> None:
    key = stage.key()
    async with providing(answering) as provider:
        model = await model_at(stage, provider)
        async with caller(stage, model, "rt-revoked", key=key) as socket:
            await socket.send(CREATE)
            await socket.recv()
            await socket.recv()
            stage.control.revoke(stage.grant_of(key).key_id)
            await stage.control.settle()
            await socket.send(CREATE)
            assert '"error"' in str(await socket.recv())
            assert (await end_of(socket))[0] == 1008
    assert len(stage.opens("rt-revoked")) == 1


async def test_a_key_that_was_only_forgotten_goes_on(stage: Stage) -> None:
    key = stage.key()
    async with providing(answering) as provider:
        model = await model_at(stage, provider)
        async with caller(stage, model, "rt-forgot", key=key) as socket:
            for _ in range(2):
                await socket.send(CREATE)
                assert await socket.recv() == CREATED
                assert await socket.recv() == DONE
                stage.control.forget(stage.grant_of(key).key_id)
                await stage.control.settle()
    assert len(stage.settles("rt-forgot")) == 2


# ---- bounds


async def test_a_message_that_is_too_large_ends_both_sides(stage: Stage) -> None:
    async with providing(echo) as provider:
        model = await model_at(stage, provider)
        async with caller(stage, model) as socket:
            await socket.send(said(type="x", text="y" * (MIB + 100)))
            assert (await end_of(socket))[0] == 1009
        assert (await end_of(provider.sockets[0]))[0] == 1009


async def test_messages_of_every_size_pass_whole(stage: Stage) -> None:
    async with providing(echo) as provider:
        model = await model_at(stage, provider)
        async with caller(stage, model) as socket:
            for size in (0, 1, 125, 126, 65_535, 65_536, MIB - 200):
                text = said(type="é", text="y" * size)
                await socket.send(text)
                assert await socket.recv() == text
            await socket.send([said(type="x")[:5], said(type="x")[5:]])
            assert await socket.recv() == said(type="x")


async def test_a_caller_that_does_not_listen_holds_the_provider_back(stage: Stage) -> None:
    sent = 0

    async def flood(socket: ServerConnection) -> None:
        nonlocal sent
        text = said(type="x", text="y" * 500_000)
        while sent < 120:
            await socket.send(text)
            sent += 1
        await socket.wait_closed()

    async with providing(flood) as provider:
        model = await model_at(stage, provider)
        before = stage.relay.rss_bytes()
        async with caller(stage, model, max_queue=1) as socket:
            await asyncio.sleep(1.0)
            held, grown = sent, stage.relay.rss_bytes() - before
            for _ in range(120):
                await asyncio.wait_for(socket.recv(), 10)

    assert held < 100
    assert grown < 30 * MIB


async def test_pings_reach_the_provider(stage: Stage) -> None:
    async with providing(echo) as provider:
        model = await model_at(stage, provider)
        async with caller(stage, model, ping_interval=None) as socket:
            await asyncio.wait_for(await socket.ping(b"ours"), 5)
            await asyncio.wait_for(await provider.sockets[0].ping(b"theirs"), 5)


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"realtime_idle_timeout_s": 0.5}, "nothing was said"), ({"realtime_limit_s": 0.5}, "time is over")],
)
async def test_a_session_has_its_time(tmp_path: Path, settings: dict[str, float], words: str) -> None:
    async with running_stage(tmp_path, **settings) as stage, providing(echo) as provider:
        model = await model_at(stage, provider)
        async with caller(stage, model, ping_interval=None) as socket:
            code, reason = await end_of(socket)
        assert (await end_of(provider.sockets[0]))[0] == 1001

    assert code == 1001
    assert words in (reason or "")


async def test_a_relay_that_stops_lets_a_response_end_first(stage: Stage) -> None:
    finish = asyncio.Event()

    async def patient(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send(CREATED)
        await finish.wait()
        await socket.send(DONE)
        await socket.wait_closed()

    async with providing(patient) as provider:
        model = await model_at(stage, provider)
        async with caller(stage, model, "rt-busy") as busy, caller(stage, model, "rt-idle") as idle:
            await busy.send(CREATE)
            assert await busy.recv() == CREATED
            stage.relay.signal(signal.SIGTERM)
            assert (await end_of(idle))[0] == 1001
            finish.set()
            assert await busy.recv() == DONE
            assert (await end_of(busy))[0] == 1001
        assert await stage.relay.ended() == 0

    (row,) = stage.settles("rt-busy")
    assert (row.outcome, row.usage_source) == (Outcome.OK, UsageSource.REPORTED)
