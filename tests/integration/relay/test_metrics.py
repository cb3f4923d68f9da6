"""Counters after a known traffic are what was sent; gauges are what is."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.http import CHAT, EMBEDDINGS, MESSAGES, request
from tests.support.relay_process import KEY, Stage, chat_body, messages_body, running_stage, value_of
from tests.support.upstream import (
    STREAM_HEAD,
    Received,
    Wire,
    answer,
    chat_events,
    chunk,
    completion,
    embeddings,
    refusal,
    serving,
    whole_stream,
)
from turnpike.contract.metrics import DURATION_BUCKETS_S, METRICS, Sample

pytestmark = pytest.mark.asyncio(loop_scope="module")

BY_CONTROL = {"turnpike_journal_segments"}
"""Counted by control, which drains the journals."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def samples(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Sample, ...]]:
    """A known traffic, and everything that was counted then."""
    async with running_stage(tmp_path_factory.mktemp("stage")) as stage:
        yield await traffic(stage)


async def traffic(stage: Stage) -> tuple[Sample, ...]:
    async def hang(wire: Wire, received: Received) -> None:
        await wire.write(STREAM_HEAD + b"".join(map(chunk, chat_events(["a", "b"])[:2])))
        await wire.gone()

    chat_steps = [
        *[answer(completion())] * 4,  # 3 of chat, 1 of messages
        whole_stream(chat_events(["a"])),
        refusal("503 Away"),  # tried again
        answer(completion()),
        refusal("400 Bad"),
        hang,
    ]
    async with serving(*chat_steps) as chat, serving(answer(completion())) as bare, serving(answer(embeddings())) as em:
        model = await stage.model(chat, name="chat", provider={"slug": "p-chat"})
        unpriced = await stage.model(bare, name="bare", provider={"slug": "p-bare"}, rates=None, price_source=None)
        embedder = await stage.model(em, dialect="openai_embeddings", name="embed", provider={"slug": "p-embed"})
        for _ in range(3):
            assert (await stage.chat(model)).status == 200
        assert (await stage.ask(MESSAGES, messages_body(model))).status == 200
        assert (await stage.ask(CHAT, chat_body(model, stream=True))).status == 200
        assert (await stage.chat(model)).headers["x-turnpike-attempts"] == "2"
        assert (await stage.chat(model)).status == 400
        async with stage.caller() as caller:
            body = chat_body(model, stream=True)
            await caller.send(request(CHAT, body, key=KEY, headers=[("X-Request-Id", "left")]))
            await caller.head()
            await caller.chunk()
            caller.leave()
            await stage.will_settle("left")
        other = stage.key()
        for _ in range(2):
            assert (await stage.chat(unpriced, key=other)).status == 200
        assert (await stage.ask(EMBEDDINGS, {"model": embedder, "input": "x"})).status == 200
        assert (await stage.chat("nothing")).status == 404
        assert (await stage.chat(model, key="tp-nobody")).status == 401
        assert (await stage.chat(model, key=None)).status == 401
        assert (await stage.ask("/v1/models", method="GET")).status == 200
        assert (await stage.ask("/v1/nowhere", {})).status == 403
        assert (await stage.ask(EMBEDDINGS, method="GET")).status == 405
        assert (await stage.ask("/health", method="GET")).status == 200
        assert (await stage.ask("/api/v1/keys", method="GET")).status == 503
        async with stage.caller() as caller:
            await caller.send(b"BROKEN\r\n\r\n")
            assert (await caller.answer()).status == 400
        await asyncio.sleep(0.05)
        return await stage.control.counters()


REQUESTS = {
    ("POST", CHAT, "200"): 7,
    ("POST", CHAT, "400"): 1,
    ("POST", CHAT, "401"): 2,
    ("POST", CHAT, "404"): 1,
    ("POST", CHAT, "499"): 1,
    ("POST", MESSAGES, "200"): 1,
    ("POST", EMBEDDINGS, "200"): 1,
    ("GET", "/v1/models", "200"): 1,
    ("GET", EMBEDDINGS, "405"): 1,
    ("POST", "*", "403"): 1,
    ("GET", "/health", "200"): 1,
    ("GET", "control", "503"): 1,
    ("-", "unreadable", "400"): 1,
}


def series(samples: tuple[Sample, ...], name: str) -> dict[tuple[str, ...], float]:
    return {sample.labels: sample.value for sample in samples if sample.name == name and sample.value}


async def test_requests_by_method_endpoint_and_status(samples: tuple[Sample, ...]) -> None:
    assert series(samples, "gateway_requests_total") == REQUESTS


async def test_totals_and_errors(samples: tuple[Sample, ...]) -> None:
    assert value_of(samples, "ai_gateway_total") == sum(REQUESTS.values())
    assert value_of(samples, "ai_gateway_errors_total") == sum(
        count for (_, _, status), count in REQUESTS.items() if status >= "400"
    )


async def test_durations_by_endpoint_count_every_request(samples: tuple[Sample, ...]) -> None:
    counted = {
        sample.labels[0]: sum(sample.buckets) for sample in samples if sample.name == "gateway_request_duration_seconds"
    }
    expected = Counter[str]()
    for (_, endpoint, _), count in REQUESTS.items():
        expected[endpoint] += count
    assert counted == expected
    for sample in samples:
        if sample.buckets:
            assert len(sample.buckets) == len(DURATION_BUCKETS_S) + 1
            assert 0 <= sample.value < 60


async def test_attempts_by_provider_and_status(samples: tuple[Sample, ...]) -> None:
    assert series(samples, "ai_gateway_requests_total") == {
        ("p-chat", "200"): 6,
        ("p-chat", "400"): 1,
        ("p-chat", "499"): 1,
        ("p-chat", "503"): 1,
        ("p-bare", "200"): 2,
        ("p-embed", "200"): 1,
    }
    durations = {
        sample.labels[0]: sum(sample.buckets)
        for sample in samples
        if sample.name == "ai_gateway_request_duration_seconds"
    }
    assert durations == {"p-chat": 9, "p-bare": 2, "p-embed": 1}


async def test_retries_by_provider(samples: tuple[Sample, ...]) -> None:
    assert series(samples, "turnpike_retries_total") == {("p-chat",): 1}


async def test_inferences_by_model_and_kind(samples: tuple[Sample, ...]) -> None:
    assert series(samples, "inference_requests_total") == {
        ("chat", "chat"): 8,
        ("bare", "chat"): 2,
        ("embed", "embeddings"): 1,
    }


async def test_tokens_and_costs_by_model(samples: tuple[Sample, ...]) -> None:
    tokens = series(samples, "turnpike_tokens_total")
    estimate_in = tokens["chat", "input"] - 6 * 7
    estimate_out = tokens["chat", "output"] - 6 * 3
    assert estimate_in > 0, "the caller who left is charged an estimate"
    assert estimate_out > 0
    assert (tokens["bare", "input"], tokens["bare", "output"]) == (14, 6)
    assert tokens["embed", "input"] == 7
    costs = series(samples, "turnpike_cost_nanousd_total")
    assert costs == {
        ("chat",): 6 * 13_000 + estimate_in * 1000 + estimate_out * 2000,
        ("embed",): 7000,
    }


async def test_what_has_no_price_is_counted(samples: tuple[Sample, ...]) -> None:
    assert series(samples, "turnpike_unpriced_requests_total") == {("bare",): 2}


async def test_gauges(samples: tuple[Sample, ...]) -> None:
    assert value_of(samples, "turnpike_requests_in_flight") == 0
    assert value_of(samples, "turnpike_client_connections") == 0
    assert value_of(samples, "turnpike_key_cache_entries") == 2
    assert value_of(samples, "gateway_active_users") == 2
    assert value_of(samples, "turnpike_snapshot_version") == 4
    assert value_of(samples, "turnpike_upstream_connections", "busy") == 0
    assert 1 <= value_of(samples, "turnpike_upstream_connections", "idle") <= 3


async def test_gauges_move(stage: Stage) -> None:
    go = asyncio.Event()

    async def slow(wire: Wire, received: Received) -> None:
        await go.wait()
        await wire.write(answer(completion()))

    async with serving(slow) as upstream, stage.caller() as one, stage.caller() as two:
        model = await stage.model(upstream)
        for caller in (one, two):
            await caller.send(request(CHAT, chat_body(model), key=KEY))
        await upstream.asked(2)
        counted = await stage.control.counters()
        assert value_of(counted, "turnpike_requests_in_flight") == 2
        assert value_of(counted, "turnpike_client_connections") == 2
        assert value_of(counted, "turnpike_upstream_connections", "busy") == 2
        go.set()
        for caller in (one, two):
            assert (await caller.answer()).status == 200
        counted = await stage.control.counters()
        assert value_of(counted, "turnpike_requests_in_flight") == 0
        assert value_of(counted, "turnpike_upstream_connections", "idle") == 2


async def test_every_metric_that_relays_fill_is_there_with_its_labels(samples: tuple[Sample, ...]) -> None:
    filled = {sample.name for sample in samples}
    known = {metric.name: metric for metric in METRICS}
    assert filled <= set(known)
    # These are there once there is reason: the tests of retries, resilience, overload, caching and guards look at them.
    assert set(known) - filled - BY_CONTROL == {
        "turnpike_breaker_open", "turnpike_breaker_state", "turnpike_cooldown_seconds", "turnpike_provider_unhealthy",
        "turnpike_queue_length", "turnpike_queue_age_seconds", "turnpike_queued_total", "turnpike_shed_total",
        "turnpike_retry_budget_exhausted_total", "turnpike_cache_requests_total", "turnpike_cache_late_total",
        "turnpike_cache_entries", "turnpike_cache_bytes", "turnpike_cache_saved_nanousd_total",
        "turnpike_guard_decisions_total",
    }  # fmt: skip
    for sample in samples:
        metric = known[sample.name]
        assert len(sample.labels) == len(metric.labels), sample
        assert bool(sample.buckets) == (metric.kind == "histogram"), sample


async def test_no_label_is_a_callers_free_text(samples: tuple[Sample, ...]) -> None:
    labels = {label for sample in samples for label in sample.labels}
    assert "nothing" not in labels
    assert "/v1/nowhere" not in labels
    assert "/api/v1/keys" not in labels


async def test_counters_are_sent_unasked(stage: Stage) -> None:
    stage.control.samples = ()
    await stage.control.until(lambda: stage.control.samples, 4)
    assert any(sample.name == "ai_gateway_total" for sample in stage.control.samples)
