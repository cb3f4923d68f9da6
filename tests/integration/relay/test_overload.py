"""More calls than the deployments take: who waits, who goes first, who is turned away, and how it is over."""

import asyncio
import time
from collections import Counter
from contextlib import asynccontextmanager

import pytest

from tests.support.http import CHAT, caller_at, request
from tests.support.relay_process import KEY, Stage, chat_body, value_of
from tests.support.upstream import Received, Wire, answer, completion, refusal, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

GOOD = answer(completion("good"))


class Bounded:
    """A deployment that serves so many at a time, and says how many it had at most."""

    def __init__(self, seconds: float = 0.1) -> None:
        self.seconds = seconds
        self.now = self.most = 0

    async def __call__(self, wire: Wire, received: Received) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.now -= 1
        await wire.write(GOOD)


class Crowd:
    """Callers of one key who ask again and again."""

    def __init__(self, stage: Stage, key: str, model: str) -> None:
        self._stage = stage
        self._raw = request(CHAT, chat_body(model), key=key)
        self.statuses: Counter[int] = Counter()
        self.codes: set[str | None] = set()
        self.seconds: list[float] = []

    async def _one(self) -> None:
        async with caller_at(self._stage.port) as caller:
            while True:
                start = time.monotonic()
                await caller.send(self._raw)
                answered = await caller.answer(timeout_s=30)
                self.statuses[answered.status] += 1
                self.codes.add(answered.code)
                self.seconds.append(time.monotonic() - start)
                if answered.code == "OVERLOADED":
                    assert int(answered.headers["retry-after"]) >= 1
                if answered.status != 200:
                    await asyncio.sleep(0.1)

    @asynccontextmanager
    async def of(self, number: int):
        tasks = [asyncio.create_task(self._one()) for _ in range(number)]
        try:
            yield self
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def test_calls_wait_for_room_and_all_are_served(stage: Stage) -> None:
    await stage.policies(concurrency_max=3)
    work = Bounded()
    async with serving(work) as upstream:
        model = await stage.model(upstream)
        answers = await asyncio.gather(*(stage.chat(model) for _ in range(20)))
        assert {each.status for each in answers} == {200}
        assert work.most == 3
        counted = await stage.control.counters()
    provider = stage.control.snapshot.providers[-1].slug
    assert value_of(counted, "turnpike_backend_limit", provider, model) == 3
    assert value_of(counted, "turnpike_backend_in_flight", provider, model) == 0
    assert value_of(counted, "turnpike_queued_total", "free") >= 17
    assert value_of(counted, "turnpike_queue_length", "free") == 0


async def test_another_deployment_with_room_is_taken_before_waiting(stage: Stage) -> None:
    await stage.policies(concurrency_max=2)
    works = Bounded(0.3), Bounded(0.3)
    async with serving(works[0]) as one, serving(works[1]) as two:
        model = await stage.model(one, two)
        start = time.monotonic()
        answers = await asyncio.gather(*(stage.chat(model) for _ in range(8)))
        assert {each.status for each in answers} == {200}
        assert time.monotonic() - start < 1.5
        assert (works[0].most, works[1].most) == (2, 2)


async def test_a_wait_that_is_too_long_is_refused_and_says_when_to_come_back(stage: Stage) -> None:
    await stage.policies(concurrency_max=1, queue_wait_s=0.3)
    async with serving(Bounded(1.5)) as upstream:
        model = await stage.model(upstream)
        first = asyncio.create_task(stage.chat(model))
        await upstream.asked()
        start = time.monotonic()
        answered = await stage.chat(model)
        assert (answered.status, answered.code) == (503, "OVERLOADED")
        assert 0.2 < time.monotonic() - start < 1.2
        assert int(answered.headers["retry-after"]) >= 1
        assert "busy" in answered.message
        assert stage.settled(answered).attempts == 0
        assert (await first).status == 200
        assert len(upstream.requests) == 1


async def test_a_full_queue_refuses_equals_and_makes_room_for_higher_tiers(stage: Stage) -> None:
    await stage.policies(concurrency_max=1, queue_length=2)
    high = stage.key(tier="enterprise")
    async with serving(Bounded(0.6)) as upstream:
        model = await stage.model(upstream)
        calls = [asyncio.create_task(stage.chat(model))]
        await upstream.asked()
        for _ in range(2):
            calls.append(asyncio.create_task(stage.chat(model)))
            await asyncio.sleep(0.05)
        refused = await stage.chat(model)
        assert (refused.status, refused.code) == (503, "OVERLOADED")
        favoured = await stage.chat(model, key=high)
        assert favoured.status == 200
        ends = [await call for call in calls]
        assert [each.status for each in ends] == [200, 200, 503], "the newest of the lowest tier made room"
        assert "higher tier" in ends[2].message
    counted = await stage.control.counters()
    assert value_of(counted, "turnpike_shed_total", "free", "full") >= 1
    assert value_of(counted, "turnpike_shed_total", "free", "displaced") >= 1


async def test_a_caller_who_leaves_is_taken_out(stage: Stage) -> None:
    await stage.policies(concurrency_max=1, queue_length=1)
    async with serving(Bounded(0.5)) as upstream:
        model = await stage.model(upstream)
        first = asyncio.create_task(stage.chat(model))
        await upstream.asked()
        async with stage.caller() as caller:
            await caller.send(request(CHAT, chat_body(model), key=KEY, headers=[("X-Request-Id", "left")]))
            await asyncio.sleep(0.1)
            assert await stage.sample("turnpike_queue_length", "free") == 1
            caller.leave()
            await asyncio.sleep(0.1)
            assert await stage.sample("turnpike_queue_length", "free") == 0
        second = await stage.chat(model)
        assert ((await first).status, second.status) == (200, 200)
        assert len(upstream.requests) == 2
        assert (await stage.will_settle("left")).attempts == 0


async def test_those_who_wait_for_a_deployment_that_breaks_are_told(stage: Stage) -> None:
    await stage.policies(concurrency_max=1, breaker_failures=1, breaker_open_s=30.0, max_attempts=1)

    async def fails(wire: Wire, received: Received) -> None:
        await asyncio.sleep(0.3)
        await wire.write(refusal("500 Oops"))

    async with serving(fails) as upstream:
        model = await stage.model(upstream)
        answers = await asyncio.gather(*(stage.chat(model) for _ in range(5)))
        assert sorted(each.status for each in answers) == [500, 503, 503, 503, 503]
        assert len(upstream.requests) == 1


async def test_the_lowest_tier_is_turned_away_first_the_highest_goes_on_and_all_come_back(stage: Stage) -> None:
    await stage.policies(concurrency_max=4, queue_wait_s=1.0, queue_length=60)
    high = stage.key(tier="enterprise")
    work = Bounded(0.1)
    async with serving(work) as upstream:
        model = await stage.model(upstream)
        async with Crowd(stage, KEY, model).of(70) as free, Crowd(stage, high, model).of(3) as enterprise:
            await asyncio.sleep(5.0)
            level = await stage.sample("turnpike_shed_level")
        assert set(enterprise.statuses) == {200}
        assert enterprise.statuses[200] > 60
        assert sorted(enterprise.seconds)[len(enterprise.seconds) // 2] < 0.6
        assert free.statuses[503] > free.statuses[200] > 10, "much is turned away, and yet nobody starves"
        assert free.codes == {None, "OVERLOADED"}
        assert level in {0, 1, 2}
        async with asyncio.timeout(15):
            while await stage.sample("turnpike_shed_level"):
                await asyncio.sleep(0.2)
        assert (await stage.chat(model)).status == 200


async def test_a_word_of_overload_lowers_the_limit_and_it_grows_again(stage: Stage) -> None:
    await stage.policies(max_attempts=3, retry_floor=1000)
    crowded = Counter[str]()
    work = Bounded(0.05)

    async def at_most_eight(wire: Wire, received: Received) -> None:
        if work.now >= 8:
            crowded["refused"] += 1
            await wire.write(refusal("503 Busy"))
        else:
            await work(wire, received)

    async with serving(at_most_eight) as upstream:
        model = await stage.model(upstream)
        provider = stage.control.snapshot.providers[-1].slug
        await stage.policies(max_attempts=3, retry_floor=1000, breaker_failures=10_000, breaker_min_requests=10_000)
        async with Crowd(stage, KEY, model).of(30) as crowd:
            await asyncio.sleep(3.0)
            limit = await stage.sample("turnpike_backend_limit", provider, model)
        assert 4 <= limit < 30
        share = crowd.statuses[200] / crowd.statuses.total()
        assert share > 0.8
        await asyncio.sleep(2.5)
        assert await stage.sample("turnpike_backend_limit", provider, model) > limit
