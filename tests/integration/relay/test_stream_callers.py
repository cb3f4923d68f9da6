"""Callers of streams who are slow, who stop reading, or who leave."""

import asyncio

import pytest

from tests.support.http import CHAT, MESSAGES, request
from tests.support.relay_process import KEY, Stage, cost_nanousd
from tests.support.streams import PAIRS, body_for, events_of
from tests.support.upstream import STREAM_HEAD, Received, Wire, chat_events, chunk, serving
from turnpike.contract.events import Outcome, UsageSource

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = {"first_byte_timeout_s": 1.0, "read_timeout_s": 1.5}


async def endless(wire: Wire, received: Received, written: list[int]) -> None:
    """Says words until the connection is gone; `written` counts bytes."""
    piece = chunk(chat_events(["x" * 2000])[1]) * 20
    await wire.write(STREAM_HEAD)
    while True:
        await wire.write(piece)
        written[0] += len(piece)


@pytest.mark.parametrize(("path", "dialect"), [(CHAT, "openai_chat"), (MESSAGES, "openai_chat")])
async def test_a_slow_caller_pauses_the_provider(stage: Stage, path: str, dialect: str) -> None:
    written = [0]

    async def say(wire: Wire, received: Received) -> None:
        await endless(wire, received, written)

    before = stage.relay.rss_bytes()
    async with serving(say) as upstream, stage.caller() as caller:
        model = await stage.model(upstream, dialect=dialect)
        await caller.send(request(path, body_for(path, model), key=KEY))
        await caller.head()
        stopped = -1
        async with asyncio.timeout(5):
            while stopped != written[0]:
                stopped = written[0]
                await asyncio.sleep(0.25)
        assert stage.relay.rss_bytes() - before < 16_000_000
        assert stopped < 40_000_000, "no more than the sockets' buffers hold"
        while len(await caller.chunk()) and written[0] == stopped:
            pass
        assert written[0] > stopped, "it goes on when the caller reads"


async def test_a_caller_who_takes_nothing_of_a_stream_is_left_after_a_while(stage: Stage) -> None:
    written = [0]
    gone = asyncio.Event()

    async def say(wire: Wire, received: Received) -> None:
        try:
            await endless(wire, received, written)
        finally:
            gone.set()

    async with serving(say) as upstream, stage.caller() as caller:
        body = body_for(CHAT, await stage.model(upstream))
        await caller.send(request(CHAT, body, key=KEY, headers=[("X-Request-Id", "stuck")]))
        async with asyncio.timeout(8):
            await gone.wait()
        settled = await stage.will_settle("stuck")
    assert settled.outcome == Outcome.CANCELLED


@pytest.mark.parametrize(("path", "dialect"), PAIRS)
async def test_a_caller_who_left_stops_the_provider_within_a_second_and_is_charged(
    stage: Stage, path: str, dialect: str
) -> None:
    gone = asyncio.Event()

    async def say(wire: Wire, received: Received) -> None:
        await wire.write(STREAM_HEAD + b"".join(map(chunk, events_of(dialect)[:4])))
        await wire.gone()
        gone.set()

    request_id = f"left-{path[-4:]}-{dialect}"
    async with serving(say) as upstream, stage.caller() as caller:
        body = body_for(path, await stage.model(upstream, dialect=dialect))
        await caller.send(request(path, body, key=KEY, headers=[("X-Request-Id", request_id)]))
        await caller.head()
        await caller.chunk()
        caller.leave()
        async with asyncio.timeout(1):
            await gone.wait()
        settled = await stage.will_settle(request_id)
    assert (settled.outcome, settled.status, settled.usage_source) == (Outcome.CANCELLED, 499, UsageSource.ESTIMATED)
    assert settled.usage is not None
    assert settled.usage.input_tokens > 0
    assert settled.usage.output_tokens > 0
    assert settled.cost_nanousd == cost_nanousd(settled.usage)


async def test_a_caller_who_left_before_anything_was_said_is_charged_for_the_prompt(stage: Stage) -> None:
    gone = asyncio.Event()

    async def say(wire: Wire, received: Received) -> None:
        await wire.gone()
        gone.set()

    async with serving(say) as upstream, stage.caller() as caller:
        body = body_for(CHAT, await stage.model(upstream))
        await caller.send(request(CHAT, body, key=KEY, headers=[("X-Request-Id", "early")]))
        await upstream.asked()
        caller.leave()
        async with asyncio.timeout(1):
            await gone.wait()
        settled = await stage.will_settle("early")
    assert settled.outcome == Outcome.CANCELLED
    assert settled.usage is not None
    assert (settled.usage.input_tokens > 0, settled.usage.output_tokens) == (True, 0)


async def test_a_caller_who_closed_its_half_is_gone(stage: Stage) -> None:
    """A shutdown of the sending side is what a killed client looks like through a proxy."""
    gone = asyncio.Event()

    async def say(wire: Wire, received: Received) -> None:
        await wire.write(STREAM_HEAD + chunk(chat_events(["x"])[1]))
        await wire.gone()
        gone.set()

    async with serving(say) as upstream, stage.caller() as caller:
        await caller.send(request(CHAT, body_for(CHAT, await stage.model(upstream)), key=KEY))
        await caller.head()
        caller.writer.write_eof()
        async with asyncio.timeout(1):
            await gone.wait()
