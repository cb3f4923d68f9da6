"""Responses of realtime sessions wait for room at their deployment as calls do, and are turned away alike."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import InvalidStatus

from tests.integration.relay.test_realtime import CREATE, CREATED, DONE, caller, providing
from tests.support.relay_process import Stage, running_stage
from tests.support.upstream import Received, Wire, answer, completion, serving


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with running_stage(tmp_path) as running:
        yield running


class Slow:
    """Ends a response when it is told to."""

    def __init__(self) -> None:
        self.asked = 0
        self.go = asyncio.Semaphore(0)

    async def __call__(self, socket: ServerConnection) -> None:
        async for message in socket:
            if "response.create" in str(message):
                self.asked += 1
                await socket.send(CREATED)
                await self.go.acquire()
                await socket.send(DONE)

    async def until_asked(self, times: int) -> None:
        async with asyncio.timeout(5):
            while self.asked < times:
                await asyncio.sleep(0.01)


async def heard(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(5):
        return json.loads(await socket.recv())


async def test_a_response_waits_for_room_at_its_deployment(stage: Stage) -> None:
    slow = Slow()
    async with providing(slow) as provider:
        model = await stage.model(provider.url, dialect="openai_media", max_in_flight=1)
        async with caller(stage, model, "one") as one, caller(stage, model, "two") as two:
            await one.send(CREATE)
            await slow.until_asked(1)
            await two.send(CREATE)
            await asyncio.sleep(0.3)
            assert slow.asked == 1
            assert await stage.sample("turnpike_queue_length", "free") == 1
            slow.go.release()
            await slow.until_asked(2)
            slow.go.release()
            for socket in (one, two):
                assert [(await heard(socket))["type"] for _ in range(2)] == ["response.created", "response.done"]
        assert await stage.sample("turnpike_queue_length", "free") == 0


async def test_a_response_that_waits_too_long_is_refused_and_the_session_goes_on(stage: Stage) -> None:
    await stage.policies(queue_wait_s=0.3)
    slow = Slow()
    async with providing(slow) as provider:
        model = await stage.model(provider.url, dialect="openai_media", max_in_flight=1)
        async with caller(stage, model, "one") as one, caller(stage, model, "two") as two:
            await one.send(CREATE)
            await slow.until_asked(1)
            await two.send(CREATE)
            refused = await heard(two)
            assert refused["type"] == "error"
            assert "busy" in refused["error"]["message"]
            slow.go.release()
            assert [(await heard(one))["type"] for _ in range(2)] == ["response.created", "response.done"]
            slow.go.release()
            await two.send(CREATE)
            assert [(await heard(two))["type"] for _ in range(2)] == ["response.created", "response.done"]


async def test_a_session_that_no_deployment_has_room_for_is_refused_by_an_answer(stage: Stage) -> None:
    await stage.policies(queue_wait_s=0.3)
    slow = Slow()
    async with providing(slow) as provider:
        model = await stage.model(provider.url, dialect="openai_media", max_in_flight=1)
        async with caller(stage, model, "one") as one:
            await one.send(CREATE)
            await slow.until_asked(1)
            with pytest.raises(InvalidStatus) as caught:
                async with caller(stage, model, "two"):
                    pass
            slow.go.release()
        response = caught.value.response
        assert (response.status_code, response.headers["x-turnpike-error"]) == (503, "OVERLOADED")
        assert int(response.headers["retry-after"]) >= 1


async def test_each_deployment_has_its_own_cap(stage: Stage) -> None:
    now = most = 0

    async def work(wire: Wire, received: Received) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.1)
        now -= 1
        await wire.write(answer(completion("good")))

    async with serving(work) as upstream:
        model = await stage.model(upstream, max_in_flight=2)
        other = await stage.model(upstream)
        answers = await asyncio.gather(*(stage.chat(model) for _ in range(8)))
        assert ({each.status for each in answers}, most) == ({200}, 2)
        await asyncio.gather(*(stage.chat(other) for _ in range(8)))
        assert most > 2
