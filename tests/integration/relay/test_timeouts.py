"""Callers who keep the relay waiting: with a head, with a body, with nothing at all, with taking their answer."""

import asyncio
import time

import pytest

from tests.support.http import CHAT, request
from tests.support.relay_process import KEY, Stage, chat_body
from tests.support.upstream import Received, Wire, answer, completion, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = {
    "head_timeout_s": 0.6,
    "body_timeout_s": 0.6,
    "idle_timeout_s": 0.6,
    "read_timeout_s": 1.0,
    "first_byte_timeout_s": 1.2,
}


async def test_a_head_that_drips_has_its_time_in_all(stage: Stage) -> None:
    start = time.monotonic()
    async with stage.caller() as caller:
        await caller.send(f"POST {CHAT} HTTP/1.1\r\n".encode())

        async def drip() -> None:
            for number in range(30):
                await asyncio.sleep(0.1)
                await caller.send(b"x-%d: y\r\n" % number)

        dripping = asyncio.create_task(drip())
        answered = await caller.answer()
        dripping.cancel()
    assert (answered.status, answered.code) == (408, "REQUEST_TIMEOUT")
    assert "head" in answered.message
    assert 0.4 < time.monotonic() - start < 2


async def test_a_body_that_stops_is_not_waited_for(stage: Stage) -> None:
    raw = request(CHAT, chat_body("x"), key=KEY)
    async with stage.caller() as caller:
        await caller.send(raw[:-5])
        answered = await caller.answer()
    assert answered.status == 408
    assert "body" in answered.message


async def test_a_body_that_goes_on_may_take_its_time(stage: Stage) -> None:
    async with serving(answer(completion())) as upstream, stage.caller() as caller:
        raw = request(CHAT, chat_body(await stage.model(upstream)), key=KEY)
        start = raw.index(b"\r\n\r\n") + 4
        await caller.send(raw[:start])
        for place in range(start, len(raw), 25):
            await asyncio.sleep(0.3)
            await caller.send(raw[place : place + 25])
        assert (await caller.answer()).status == 200


async def test_an_idle_connection_is_closed_without_a_word(stage: Stage) -> None:
    async with stage.caller() as caller:
        await caller.ask("/health", method="GET")
        start = time.monotonic()
        assert await caller.rest() == b""
        assert 0.3 < time.monotonic() - start < 2


async def test_a_connection_without_any_request_is_closed(stage: Stage) -> None:
    async with stage.caller() as caller:
        assert await caller.rest() == b""


async def test_the_idle_time_begins_with_the_end_of_the_answer(stage: Stage) -> None:
    async def slow(wire: Wire, received: Received) -> None:
        await asyncio.sleep(0.9)
        await wire.write(answer(completion()))

    async with serving(slow, answer(completion())) as upstream, stage.caller() as caller:
        model = await stage.model(upstream)
        assert (await caller.ask(CHAT, chat_body(model), key=KEY)).status == 200
        await asyncio.sleep(0.3)
        assert (await caller.ask(CHAT, chat_body(model), key=KEY)).status == 200


async def test_who_does_not_take_a_long_answer_is_left(stage: Stage) -> None:
    async with serving(answer(completion("x" * 40_000_000))) as upstream, stage.caller() as caller:
        await caller.send(request(CHAT, chat_body(await stage.model(upstream)), key=KEY))
        await upstream.asked()
        await asyncio.sleep(2)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await caller.answer()
