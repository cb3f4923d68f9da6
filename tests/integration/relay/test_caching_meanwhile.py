"""The relay's cache when several ask the same at the same time."""

import asyncio

import pytest

from tests.support.relay_caching import cache_of, fresh_rule, said
from tests.support.relay_process import Stage
from tests.support.upstream import Received, Wire, refusal, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")
SETTINGS = {"cache_bytes": 40_000}


async def slow(wire: Wire, received: Received) -> None:
    await asyncio.sleep(0.3)
    await wire.write(said("one"))


async def test_who_asks_the_same_meanwhile_waits_for_the_first(stage: Stage) -> None:
    await fresh_rule(stage, wait_s=5.0)
    async with serving(slow) as upstream:
        model = await stage.model(upstream)
        replies = await asyncio.gather(*(stage.chat(model) for _ in range(8)))
    assert sorted(cache_of(reply) for reply in replies) == ["hit"] * 7 + ["miss"]
    assert len(upstream.requests) == 1


async def test_nobody_waits_longer_than_the_rule_says(stage: Stage) -> None:
    await fresh_rule(stage, wait_s=0.1)
    async with serving(slow) as upstream:
        model = await stage.model(upstream)
        replies = await asyncio.gather(stage.chat(model), stage.chat(model))
    assert [cache_of(reply) for reply in replies] == ["miss", "miss"]
    assert len(upstream.requests) == 2


async def test_when_the_first_fails_the_next_one_asks(stage: Stage) -> None:
    await fresh_rule(stage, wait_s=5.0)

    async def failing(wire: Wire, received: Received) -> None:
        await asyncio.sleep(0.2)
        await wire.write(refusal("400 Bad Request"))

    async with serving(failing, said("one")) as upstream:
        model = await stage.model(upstream)
        replies = await asyncio.gather(*(stage.chat(model) for _ in range(4)))
    assert sorted(reply.status for reply in replies) == [200, 200, 200, 400]
    assert len(upstream.requests) == 2


async def test_a_caller_that_waits_may_leave(stage: Stage) -> None:
    await fresh_rule(stage, wait_s=5.0)
    async with serving(slow) as upstream:
        model = await stage.model(upstream)
        first = asyncio.create_task(stage.chat(model))
        await upstream.asked()
        second = asyncio.create_task(stage.chat(model))
        await asyncio.sleep(0.1)
        second.cancel()
        assert cache_of(await first) == "miss"
        assert cache_of(await stage.chat(model)) == "hit"
    assert stage.relay.faults() == []
