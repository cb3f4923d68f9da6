"""A call that fails at one deployment: tried elsewhere, tried again, or told; and breakers that give it a rest."""

import asyncio
import time

import msgspec
import pytest

from tests.support.http import CHAT, request
from tests.support.relay_process import KEY, Stage, chat_body, cost_nanousd
from tests.support.upstream import (
    STREAM_HEAD,
    Received,
    Wire,
    answer,
    chat_events,
    chunk,
    completion,
    event,
    refusal,
    serving,
    whole_stream,
)
from turnpike.contract.events import Outcome, UsageSource

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = {"first_byte_timeout_s": 0.6}
GOOD = answer(completion("good"))
FAILURES = ["500 Oops", "502 Bad", "503 Away", "504 Late", "529 Overloaded"]


async def cut(wire: Wire, received: Received) -> None:
    wire.reset()


async def silent(wire: Wire, received: Received) -> None:
    await wire.gone()


# ---- elsewhere


@pytest.mark.parametrize(
    "status", [*FAILURES, "401 No", "403 No", "404 No", "408 Late", "409 No", "425 Early", "429 Slow"]
)
async def test_another_deployment_answers_for_one_that_cannot(stage: Stage, status: str) -> None:
    await stage.policies()
    async with serving(refusal(status)) as bad, serving(GOOD) as good:
        answered = await stage.chat(await stage.model(bad, good))
        assert (answered.status, len(bad.requests), len(good.requests)) == (200, 1, 1)
        assert bad.requests[0].body == good.requests[0].body
        assert bad.requests[0].headers["x-request-id"] == good.requests[0].headers["x-request-id"]
    assert answered.headers["x-turnpike-attempts"] == "2"
    assert answered.headers["x-turnpike-deployment"].endswith("-1")
    settled = stage.settled(answered)
    assert settled.attempts == 2
    assert [each.status for each in settled.abandoned] == [int(status[:3])]
    assert settled.abandoned[0].served.deployment_id.endswith("-0")
    assert [record.attempt for record in stage.opens(settled.request_id)] == [1, 2]


@pytest.mark.parametrize("status", ["400 No", "402 Pay", "413 Large", "422 No"])
async def test_what_is_wrong_with_the_request_is_not_tried_elsewhere(stage: Stage, status: str) -> None:
    async with serving(refusal(status)) as bad, serving(GOOD) as good:
        answered = await stage.chat(await stage.model(bad, good))
        assert answered.status == int(status[:3])
        assert good.requests == []


@pytest.mark.parametrize("step", [cut, b"garbage\r\n\r\n", silent, answer(b"no json")])
async def test_another_deployment_answers_for_one_that_breaks(stage: Stage, step) -> None:
    async with serving(step) as bad, serving(GOOD) as good:
        answered = await stage.chat(await stage.model(bad, good))
        assert (answered.status, len(good.requests)) == (200, 1)
    assert answered.headers["x-turnpike-attempts"] == "2"


async def test_another_deployment_answers_for_one_that_is_not_there(stage: Stage) -> None:
    async with serving(GOOD) as good:
        answered = await stage.chat(await stage.model("http://127.0.0.1:9/v1", good))
    assert answered.status == 200


async def test_deployments_of_different_dialects_stand_in_for_each_other(stage: Stage) -> None:
    async with serving(refusal("500 Oops")) as bad, serving(GOOD) as good:
        model = await stage.model(bad, dialect="anthropic_messages", name="mixed")
        await stage.model(good, dialect="openai_chat", name="mixed")
        answered = await stage.chat(model)
        assert answered.json()["choices"][0]["message"]["content"] == "good"
        assert (bad.requests[0].path, good.requests[0].path) == ("/v1/messages", "/v1/chat/completions")


async def test_work_that_was_given_up_is_in_the_cost(stage: Stage) -> None:
    """The first provider answered nonsense, and will charge for it all the same."""
    nonsense = answer(b"x" * 400)
    async with serving(nonsense) as bad, serving(GOOD) as good:
        answered = await stage.chat(await stage.model(bad, good))
    settled = stage.settled(answered)
    given_up = settled.abandoned[0].cost_nanousd
    assert given_up is not None
    assert given_up >= 200_000, "a hundred tokens came"
    assert settled.usage is not None
    assert settled.cost_nanousd == cost_nanousd(settled.usage) + given_up
    assert answered.headers["x-turnpike-cost"] == f"0.{settled.cost_nanousd:09d}"


# ---- again


async def test_a_single_deployment_is_tried_again(stage: Stage) -> None:
    await stage.policies(max_attempts=3)
    async with serving(refusal("503 Away"), refusal("500 Oops"), GOOD) as upstream:
        answered = await stage.chat(await stage.model(upstream))
    assert (answered.status, answered.headers["x-turnpike-attempts"]) == (200, "3")
    assert len(stage.settled(answered).abandoned) == 2


async def test_attempts_have_a_limit_and_the_last_error_is_told(stage: Stage) -> None:
    await stage.policies(max_attempts=2)
    async with serving(refusal("500 First"), refusal("503 Away", "The last."), GOOD) as upstream:
        answered = await stage.chat(await stage.model(upstream))
        assert len(upstream.requests) == 2
    assert (answered.status, answered.message) == (503, "The last.")
    assert answered.headers["x-turnpike-attempts"] == "2"
    assert stage.settled(answered).outcome == Outcome.UPSTREAM_ERROR


@pytest.mark.parametrize("status", ["401 No", "403 No", "404 No", "400 No"])
async def test_what_will_not_change_is_not_tried_again(stage: Stage, status: str) -> None:
    await stage.policies(max_attempts=3)
    async with serving(refusal(status)) as upstream:
        answered = await stage.chat(await stage.model(upstream))
        assert answered.status == int(status[:3])
        assert len(upstream.requests) == 1


@pytest.mark.parametrize(("header", "seconds"), [("retry-after: 1", 1.0), ("retry-after-ms: 400", 0.4)])
async def test_retry_after_is_honoured(stage: Stage, header: str, seconds: float) -> None:
    await stage.policies(max_attempts=3)
    times: list[float] = []

    async def refuse(wire: Wire, received: Received) -> None:
        times.append(time.monotonic())
        await wire.write(refusal("429 Slow", "Slow.", header))

    async def accept(wire: Wire, received: Received) -> None:
        times.append(time.monotonic())
        await wire.write(GOOD)

    async with serving(refuse, accept) as upstream:
        assert (await stage.chat(await stage.model(upstream))).status == 200
    assert seconds <= times[1] - times[0] < seconds + 0.6


async def test_a_long_retry_after_is_told_instead_of_waited_for(stage: Stage) -> None:
    await stage.policies(max_attempts=3)
    async with serving(refusal("429 Slow", "Slow.", "retry-after: 60")) as upstream:
        answered = await stage.chat(await stage.model(upstream))
        assert (answered.status, answered.headers["retry-after"]) == (429, "60")
        assert len(upstream.requests) == 1


async def test_a_timeout_is_not_doubled_at_the_same_deployment(stage: Stage) -> None:
    await stage.policies(max_attempts=3)
    async with serving(silent) as upstream:
        answered = await stage.chat(await stage.model(upstream))
        assert (answered.status, len(upstream.requests)) == (504, 1)


async def test_all_attempts_share_a_total_time(stage: Stage) -> None:
    await stage.policies(max_attempts=10, total_timeout_s=0.5)
    async with serving(refusal("503 Away")) as upstream:
        start = time.monotonic()
        answered = await stage.chat(await stage.model(upstream))
        assert answered.status in {503, 504}
        assert time.monotonic() - start < 1.5
        assert len(upstream.requests) < 6


async def test_a_caller_who_leaves_between_two_attempts_ends_the_call(stage: Stage) -> None:
    await stage.policies(max_attempts=3)
    nonsense = answer(b"x" * 400, "503 Away", "retry-after: 2")
    async with serving(nonsense) as upstream, stage.caller() as caller:
        body = chat_body(await stage.model(upstream))
        await caller.send(request(CHAT, body, key=KEY, headers=[("X-Request-Id", "between")]))
        await upstream.asked()
        await asyncio.sleep(0.1)
        caller.leave()
        settled = await stage.will_settle("between")
        assert settled.outcome == Outcome.CANCELLED
        await asyncio.sleep(2.2)
        assert len(upstream.requests) == 1


async def test_given_up_work_is_charged_once_when_no_other_attempt_follows(stage: Stage) -> None:
    await stage.policies(max_attempts=3)
    nonsense = answer(b"x" * 400)
    async with serving(nonsense) as upstream, stage.caller() as caller:
        body = chat_body(await stage.model(upstream))
        await caller.send(request(CHAT, body, key=KEY, headers=[("X-Request-Id", "once")]))
        await upstream.asked()
        await asyncio.sleep(0.04)  # the answer is in, the next attempt is not out
        caller.leave()
        settled = await stage.will_settle("once")
        if len(settled.abandoned) == 1:
            assert settled.cost_nanousd == settled.abandoned[0].cost_nanousd


# ---- nothing is sent twice once the caller has a byte


async def test_a_stream_that_broke_after_its_first_byte_is_not_tried_again(stage: Stage) -> None:
    await stage.policies(max_attempts=3)

    async def broken(wire: Wire, received: Received) -> None:
        await wire.write(STREAM_HEAD + chunk(chat_events(["one"])[1]))
        await asyncio.sleep(0.05)
        wire.reset()

    async with serving(broken) as bad, serving(whole_stream(chat_events(["two"]))) as good:
        answered = await stage.ask(CHAT, chat_body(await stage.model(bad, good), stream=True))
        assert (len(bad.requests), len(good.requests)) == (1, 0)
    assert b"one" in answered.body
    assert b"[DONE]" not in answered.body


async def test_a_stream_that_broke_before_its_first_byte_is_tried_elsewhere(stage: Stage) -> None:
    await stage.policies(max_attempts=3)

    async def broken(wire: Wire, received: Received) -> None:
        await wire.write(STREAM_HEAD)
        await asyncio.sleep(0.05)
        wire.reset()

    async with serving(broken) as bad, serving(whole_stream(chat_events(["two"]))) as good:
        answered = await stage.ask(CHAT, chat_body(await stage.model(bad, good), stream=True))
        assert (len(bad.requests), len(good.requests)) == (1, 1)
    assert b"two" in answered.body
    assert answered.body.endswith(event("[DONE]"))


# ---- breakers, and what opens them


async def breakers(stage: Stage, *, failures: int, open_s: float, attempts: int = 1) -> None:
    await stage.policies(max_attempts=attempts, breaker_failures=failures, breaker_open_s=open_s)


async def test_a_breaker_opens_half_opens_and_closes(stage: Stage) -> None:
    await breakers(stage, failures=3, open_s=0.6)
    bad = refusal("500 Oops")
    async with serving(bad, bad, bad, bad, GOOD) as upstream:
        model = await stage.model(upstream)
        provider = stage.control.snapshot.providers[-1].slug
        for _ in range(3):
            assert (await stage.chat(model)).status == 500
        answered = await stage.chat(model)
        assert (answered.status, answered.code) == (503, "UNAVAILABLE")
        assert answered.headers["retry-after"] == "1"
        assert len(upstream.requests) == 3, "the deployment rests"
        assert stage.settled(answered).usage_source == UsageSource.NONE
        assert await stage.sample("turnpike_breaker_open", provider, model) == 1
        await asyncio.sleep(0.7)
        assert (await stage.chat(model)).status == 500, "the probe fails"
        assert (await stage.chat(model)).status == 503, "and the deployment rests again"
        assert len(upstream.requests) == 4
        await asyncio.sleep(0.7)
        for _ in range(3):
            assert (await stage.chat(model)).status == 200
        assert await stage.sample("turnpike_breaker_open", provider, model) == 0


async def test_one_probe_passes_at_a_time(stage: Stage) -> None:
    await breakers(stage, failures=1, open_s=0.3)
    go = asyncio.Event()

    async def slow(wire: Wire, received: Received) -> None:
        await go.wait()
        await wire.write(GOOD)

    async with serving(refusal("500 Oops"), slow) as upstream:
        model = await stage.model(upstream)
        assert (await stage.chat(model)).status == 500
        await asyncio.sleep(0.5)
        probe = asyncio.create_task(stage.chat(model))
        await upstream.asked(2)
        assert (await stage.chat(model)).status == 503
        go.set()
        assert (await probe).status == 200
        assert (await stage.chat(model)).status == 200


async def test_a_probe_whose_caller_left_decides_nothing(stage: Stage) -> None:
    await breakers(stage, failures=1, open_s=0.3)
    async with serving(refusal("500 Oops"), silent, GOOD) as upstream:
        model = await stage.model(upstream)
        assert (await stage.chat(model)).status == 500
        await asyncio.sleep(0.5)
        async with stage.caller() as caller:
            await caller.send(request(CHAT, chat_body(model), key=KEY, headers=[("X-Request-Id", "probe")]))
            await upstream.asked(2)
            caller.leave()
        await stage.will_settle("probe")
        assert (await stage.chat(model)).status == 200


async def test_a_resting_deployment_is_passed_over(stage: Stage) -> None:
    await breakers(stage, failures=1, open_s=30, attempts=3)
    async with serving(refusal("500 Oops")) as bad, serving(GOOD) as good:
        model = await stage.model(bad, good)
        for _ in range(6):
            assert (await stage.chat(model)).status == 200
        assert len(bad.requests) == 1
    assert await stage.sample("turnpike_retries_total", "nobody") == 0


async def test_refusals_of_a_request_do_not_open_a_breaker(stage: Stage) -> None:
    await breakers(stage, failures=2, open_s=30)
    async with serving(refusal("400 No"), refusal("429 Slow"), refusal("404 No"), GOOD) as upstream:
        model = await stage.model(upstream)
        assert [(await stage.chat(model)).status for _ in range(4)] == [400, 429, 404, 200]


async def test_a_success_in_between_keeps_a_breaker_closed(stage: Stage) -> None:
    await breakers(stage, failures=2, open_s=30)
    bad = refusal("500 Oops")
    async with serving(bad, GOOD, bad, GOOD, bad, GOOD) as upstream:
        model = await stage.model(upstream)
        assert [(await stage.chat(model)).status for _ in range(6)] == [500, 200] * 3


async def test_a_breaker_outlives_a_snapshot(stage: Stage) -> None:
    await breakers(stage, failures=1, open_s=30)
    async with serving(refusal("500 Oops")) as upstream:
        model = await stage.model(upstream)
        assert (await stage.chat(model)).status == 500
        await stage.change()
        assert (await stage.chat(model)).status == 503
        assert len(upstream.requests) == 1


async def test_the_cost_of_given_up_work_is_counted_once_when_all_deployments_rest(stage: Stage) -> None:
    await breakers(stage, failures=1, open_s=30, attempts=3)
    nonsense = answer(b"x" * 400)
    async with serving(nonsense) as upstream:
        answered = await stage.chat(await stage.model(upstream))
    settled = stage.settled(answered)
    costs = [each.cost_nanousd or 0 for each in settled.abandoned]
    attempts = len(stage.opens(settled.request_id))
    assert attempts == 1
    one = cost_nanousd(msgspec.structs.replace(settled.usage)) if settled.usage is not None else sum(costs)
    assert settled.cost_nanousd == one, "one attempt worked"


# ---- turns


async def test_deployments_take_turns_by_their_weights(stage: Stage) -> None:
    await stage.policies()
    async with serving(GOOD) as heavy, serving(GOOD) as light:
        model = await stage.model(heavy, light)
        snapshot = stage.control.snapshot
        models = (*snapshot.models[:-2], msgspec.structs.replace(snapshot.models[-2], weight=3), snapshot.models[-1])
        await stage.change(models=models)
        for _ in range(12):
            assert (await stage.chat(model)).status == 200
        assert (len(heavy.requests), len(light.requests)) == (9, 3)


async def test_a_keys_default_provider_comes_first(stage: Stage) -> None:
    async with serving(GOOD) as one, serving(GOOD) as two:
        model = await stage.model(one, two)
        slug = stage.control.snapshot.providers[-1].slug
        key = stage.key(default_provider=slug)
        for _ in range(4):
            assert (await stage.chat(model, key=key)).status == 200
        assert (len(one.requests), len(two.requests)) == (0, 4)
        two.steps = [refusal("500 Oops")]
        assert (await stage.chat(model, key=key)).status == 200
        assert len(one.requests) == 1
