"""Deployments that fail in part, hang or want a rest, beside a healthy one: callers hardly notice."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import pytest
import pytest_asyncio

from tests.support.http import CHAT, caller_at, request
from tests.support.relay_process import KEY, Stage, chat_body, value_of
from tests.support.upstream import (
    Received,
    Upstream,
    Wire,
    answer,
    chat_events,
    completion,
    refusal,
    serving,
    whole_stream,
)
from turnpike.contract.messages import ProvidersDown

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = {"first_byte_timeout_s": 20.0}
GOOD = answer(completion("good"))
LATENCY_S = 0.15
Step = Callable[[Wire, Received], Awaitable[None]]


def slow(said: bytes, seconds: float = LATENCY_S) -> Step:
    async def step(wire: Wire, received: Received) -> None:
        await asyncio.sleep(seconds)
        await wire.write(said)

    return step


def failing(said: bytes, tenths: int) -> Step:
    """Fails in so many of ten calls."""
    numbers = itertools.count()

    async def step(wire: Wire, received: Received) -> None:
        await asyncio.sleep(LATENCY_S)
        await wire.write(said if next(numbers) * 7 % 10 < tenths else GOOD)

    return step


async def silent(wire: Wire, received: Received) -> None:
    await wire.gone()


def healthy() -> AbstractAsyncContextManager[Upstream]:
    return serving(slow(GOOD))


async def load(port: int, model: str, calls: int, *, callers: int = 32, key: str = KEY) -> list[tuple[int, float]]:
    """Status and seconds of each call."""
    done: list[tuple[int, float]] = []
    left = itertools.count()
    raw = request(CHAT, chat_body(model), key=key)

    async def one() -> None:
        async with caller_at(port) as caller:
            while next(left) < calls:
                start = time.monotonic()
                await caller.send(raw)
                answered = await caller.answer(timeout_s=30)
                done.append((answered.status, time.monotonic() - start))

    async with asyncio.timeout(60):
        await asyncio.gather(*(one() for _ in range(callers)))
    return done


def share_well(done: list[tuple[int, float]]) -> float:
    return sum(status == 200 for status, _ in done) / len(done)


def p99(done: list[tuple[int, float]]) -> float:
    return sorted(seconds for _, seconds in done)[int(len(done) * 0.99)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def usual(stage: Stage) -> float:
    """99 of 100 calls take no longer, with two healthy deployments on the machine as it is."""
    await stage.policies()
    async with healthy() as one, healthy() as two:
        return p99(await load(stage.port, await stage.model(one, two), 400))


@pytest.mark.parametrize(
    "bad",
    [
        failing(refusal("500 Oops"), 3),
        failing(refusal("429 Slow", "Slow.", "retry-after: 1"), 3),
        failing(refusal("503 Away"), 10),
        failing(refusal("429 Slow"), 10),
        failing(refusal("429 Slow", "Slow.", "retry-after: 2"), 10),
    ],
    ids=["30 % 500", "30 % 429 with a time", "503", "429", "429 with a time"],
)
async def test_callers_are_served_beside_a_healthy_deployment(stage: Stage, usual: float, bad: Step) -> None:
    await stage.policies()
    async with serving(bad) as one, healthy() as two:
        done = await load(stage.port, await stage.model(one, two), 1000)
    assert share_well(done) >= 0.999
    # One retry takes what one call takes. A busy machine adds something to each: bench.failing has the figures.
    assert p99(done) <= 4 * (usual + LATENCY_S)


async def test_a_deployment_that_hangs_costs_a_bounded_wait_and_then_nothing(stage: Stage, usual: float) -> None:
    await stage.policies(hang_timeout_whole_s=0.5, breaker_open_s=30.0)
    async with serving(silent) as one, healthy() as two:
        model = await stage.model(one, two)
        first = await load(stage.port, model, 64)
        then = await load(stage.port, model, 400)
        assert len(one.requests) <= 32, "its breaker opened with the first ones"
    assert share_well([*first, *then]) == 1
    assert max(seconds for _, seconds in first) < 0.5 + 0.3 + 3 * usual
    assert p99(then) - usual <= usual


async def test_where_there_is_nowhere_else_a_slow_deployment_has_its_time(stage: Stage) -> None:
    await stage.policies(hang_timeout_whole_s=0.2)
    async with serving(slow(GOOD, 0.8)) as upstream:
        answered = await stage.chat(await stage.model(upstream))
        assert (answered.status, answered.headers["x-turnpike-attempts"]) == (200, "1")


async def test_a_slow_deployment_has_its_time_when_the_other_one_rests(stage: Stage) -> None:
    await stage.policies(hang_timeout_whole_s=0.2, breaker_failures=1, breaker_open_s=30.0)
    async with serving(refusal("500 Oops")) as bad, serving(slow(GOOD, 0.8)) as upstream:
        model = await stage.model(bad, upstream)
        assert [(await stage.chat(model)).status for _ in range(2)] == [200, 200]
        answered = await stage.chat(model)
        assert (answered.status, answered.headers["x-turnpike-attempts"]) == (200, "1")
        assert len(bad.requests) == 1


async def test_calls_that_hang_go_elsewhere_once_another_deployment_is_back(stage: Stage) -> None:
    """Those that found it resting, and those that it had refused: once it answers others."""
    await stage.policies(hang_timeout_whole_s=0.2, breaker_failures=1000, breaker_min_requests=1000)
    rest = refusal("429 Slow", "Slow.", "retry-after: 2")
    async with serving(rest, rest, GOOD) as other, serving(silent) as hanging:
        model = await stage.model(other, hanging)
        start = time.monotonic()
        answers = await asyncio.gather(*(stage.chat(model) for _ in range(3)))
        assert {each.status for each in answers} == {200}
        assert sorted(each.headers["x-turnpike-attempts"] for each in answers) == ["2", "3", "3"]
        assert 1.5 < time.monotonic() - start < 8
        assert len(hanging.requests) == 3


async def test_what_usually_takes_long_is_no_hang(stage: Stage) -> None:
    await stage.policies(hang_timeout_whole_s=0.6)
    async with serving(slow(GOOD, 0.4), slow(GOOD, 0.9)) as one, healthy() as two:
        model = await stage.model(one, two)
        answers = [await stage.chat(model) for _ in range(4)]
        assert [each.headers["x-turnpike-attempts"] for each in answers] == ["1"] * 4


async def test_a_stream_that_does_not_begin_is_asked_for_elsewhere(stage: Stage) -> None:
    await stage.policies(hang_timeout_s=0.3)
    async with serving(silent) as bad, serving(whole_stream(chat_events(["two"]))) as good:
        answered = await stage.ask(CHAT, chat_body(await stage.model(bad, good), stream=True))
        assert (answered.status, answered.headers["x-turnpike-attempts"]) == (200, "2")
        assert b"two" in answered.body
        assert len(bad.requests) == 1


# ---- rests


async def test_a_named_rest_is_kept_by_all_calls(stage: Stage) -> None:
    await stage.policies()
    async with serving(refusal("429 Slow", "Slow.", "retry-after: 2"), GOOD) as one, healthy() as two:
        model = await stage.model(one, two)
        for _ in range(8):
            assert (await stage.chat(model)).status == 200
        assert len(one.requests) == 1
        provider = stage.control.snapshot.providers[-2].slug
        assert 0 < await stage.sample("turnpike_cooldown_seconds", provider, model) <= 2
        assert await stage.sample("turnpike_breaker_open", provider, model) == 0
        await asyncio.sleep(2.2)
        for _ in range(4):
            assert (await stage.chat(model)).status == 200
        assert len(one.requests) > 1


async def test_when_all_rest_shortly_calls_wait(stage: Stage) -> None:
    await stage.policies(max_attempts=1)
    short = refusal("429 Slow", "Slow.", "retry-after: 1")
    async with serving(short, GOOD) as one, serving(short, GOOD) as two:
        model = await stage.model(one, two)
        assert [(await stage.chat(model)).status for _ in range(2)] == [429, 429]
        start = time.monotonic()
        assert (await stage.chat(model)).status == 200
        assert 0.5 < time.monotonic() - start < 2.5


async def test_when_all_rest_for_long_the_shortest_is_told(stage: Stage) -> None:
    await stage.policies(max_attempts=2)
    async with (
        serving(refusal("429 Slow", "Slow.", "retry-after: 90")) as one,
        serving(refusal("503 Away", "Away.", "retry-after: 40")) as two,
    ):
        model = await stage.model(one, two)
        await stage.chat(model)
        answered = await stage.chat(model)
        assert (answered.status, answered.code) == (429, "RATE_LIMITED")
        assert 35 <= int(answered.headers["retry-after"]) <= 40
        assert (len(one.requests), len(two.requests)) == (1, 1)


async def test_a_refused_credential_is_passed_over_and_told_where_it_is_the_only_one(stage: Stage) -> None:
    await stage.policies()
    async with serving(refusal("401 Key")) as one, healthy() as two:
        alone, both = await stage.model(one), await stage.model(one, two)
        for _ in range(5):
            assert (await stage.chat(alone)).status == 401
        asked = len(one.requests)
        for _ in range(6):
            assert (await stage.chat(both)).status == 200
        assert len(one.requests) <= asked + 2


# ---- retries


async def test_retries_have_a_budget(stage: Stage) -> None:
    await stage.policies(
        max_attempts=3, retry_share=0.2, retry_floor=5, breaker_failures=100_000, breaker_min_requests=100_000
    )
    async with serving(refusal("500 Oops")) as one, serving(refusal("500 Oops")) as two:
        model = await stage.model(one, two)
        done = await load(stage.port, model, 200)
        assert {status for status, _ in done} == {500}
        asked = len(one.requests) + len(two.requests)
    assert 200 + 5 < asked <= 200 * 1.2 + 6
    assert await stage.sample("turnpike_retry_budget_exhausted_total", model) >= 100


# ---- every end is counted once


async def test_nothing_is_in_hand_when_all_is_over(stage: Stage) -> None:
    """Whatever became of the attempts: answered, refused, cut, hung, garbage, left by their callers."""
    await stage.policies(
        max_attempts=2, breaker_failures=100_000, breaker_min_requests=100_000, hang_timeout_whole_s=0.3
    )
    turns = itertools.cycle(range(8))

    async def anything(wire: Wire, received: Received) -> None:
        match next(turns):
            case 0:
                wire.reset()
            case 1:
                await wire.write(b"no http\r\n\r\n")
            case 2:
                await wire.write(refusal("500 Oops"))
            case 3:
                await wire.write(refusal("400 No"))
            case 4:
                await wire.write(answer(b"no json"))
            case 5:
                await wire.write(whole_stream(chat_events(["half"]))[:-60])
                wire.reset()
            case 6:
                await asyncio.sleep(0.4)
                await wire.write(GOOD)
            case _:
                await wire.write(GOOD)

    async with serving(anything) as one, serving(anything) as two:
        model = await stage.model(one, two)
        providers = [each.slug for each in stage.control.snapshot.providers[-2:]]

        async def one_call(number: int) -> None:
            async with stage.caller() as caller:
                await caller.send(request(CHAT, chat_body(model, stream=number % 3 == 0), key=KEY))
                if number % 5 == 0:
                    await asyncio.sleep(0.01 * (number % 4))
                    caller.leave()
                else:
                    await caller.answer()

        for start in range(0, 160, 20):
            await asyncio.gather(*(one_call(start + number) for number in range(20)))
        await asyncio.sleep(0.6)
        counted = await stage.control.counters()
        for provider in providers:
            assert value_of(counted, "turnpike_backend_in_flight", provider, model) == 0
            assert value_of(counted, "turnpike_backend_latency_seconds", provider, model) > 0
            assert value_of(counted, "turnpike_backend_failing", provider, model) > 0


# ---- active health checks


async def test_a_provider_that_fails_its_checks_is_passed_over_while_there_is_another(stage: Stage) -> None:
    await stage.policies()
    async with serving(GOOD) as one, serving(GOOD) as two:
        model = await stage.model(one, two)
        slugs = [each.slug for each in stage.control.snapshot.providers[-2:]]
        stage.control.tell(ProvidersDown((slugs[0],)))
        await stage.control.settle()
        for _ in range(4):
            assert (await stage.chat(model)).status == 200
        assert (len(one.requests), len(two.requests)) == (0, 4)
        assert await stage.sample("turnpike_provider_unhealthy", slugs[0]) == 1
        stage.control.tell(ProvidersDown(tuple(slugs)))
        await stage.control.settle()
        assert (await stage.chat(model)).status == 200, "a check that fails is no reason to give nothing"
        stage.control.tell(ProvidersDown(()))
        await stage.control.settle()
        one.requests.clear()
        for _ in range(4):
            assert (await stage.chat(model)).status == 200
        assert len(one.requests) == 2


# ---- other lanes


async def test_calls_of_other_lanes_are_counted_too(stage: Stage) -> None:
    await stage.policies()
    go = asyncio.Event()

    async def sound(wire: Wire, received: Received) -> None:
        await go.wait()
        await wire.write(answer(b"sound", content_type="audio/mpeg"))

    async with serving(sound) as upstream:
        model = await stage.model(upstream, dialect="openai_media")
        provider = stage.control.snapshot.providers[-1].slug
        body = {"model": model, "input": "Hello.", "voice": "alloy"}
        call = asyncio.create_task(stage.ask("/v1/audio/speech", body))
        await upstream.asked()
        assert await stage.sample("turnpike_backend_in_flight", provider, model) == 1
        go.set()
        assert (await call).status == 200
        assert await stage.sample("turnpike_backend_in_flight", provider, model) == 0
        assert await stage.sample("turnpike_backend_latency_seconds", provider, model) > 0
