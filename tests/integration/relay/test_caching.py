"""The relay's cache in its own memory: what is given again, for how long, and what is not."""

import asyncio
import json

import pytest

from tests.support.http import CHAT, EMBEDDINGS, MESSAGES
from tests.support.relay_caching import ANSWERED, cache_of, fresh_rule, rules, said
from tests.support.relay_process import Stage, chat_body, cost_nanousd, messages_body
from tests.support.upstream import (
    answer,
    chat_events,
    completion,
    embeddings,
    message,
    message_events,
    refusal,
    serving,
    whole_stream,
)
from turnpike.contract.events import Outcome, UsageSource

pytestmark = pytest.mark.asyncio(loop_scope="module")
SETTINGS = {"cache_bytes": 40_000}


async def test_without_a_rule_nothing_is_kept_and_nothing_is_said_of_a_cache(stage: Stage) -> None:
    await rules(stage)
    async with serving(said("one"), said("two")) as upstream:
        model = await stage.model(upstream)
        replies = [await stage.chat(model) for _ in range(2)]
    assert [reply.json()["choices"][0]["message"]["content"] for reply in replies] == ["one", "two"]
    assert all("x-turnpike-cache" not in reply.headers for reply in replies)


async def test_the_same_question_is_answered_again_without_an_upstream(stage: Stage) -> None:
    await fresh_rule(stage)
    async with serving(said("one"), said("two")) as upstream:
        model = await stage.model(upstream)
        first, second = [await stage.chat(model) for _ in range(2)]
        other = await stage.ask(CHAT, chat_body(model, "Something else."))
    assert cache_of(first) == "miss"
    assert second.headers["x-turnpike-cache"].startswith("hit; age=")
    assert second.body == first.body
    assert second.headers["age"] == "0"
    assert second.headers["x-turnpike-cost"] == "0.000000000"
    assert len(upstream.requests) == 2
    assert other.json()["choices"][0]["message"]["content"] == "two"


async def test_a_hit_is_in_the_journal_with_its_tokens_at_no_cost_and_with_what_it_saved(stage: Stage) -> None:
    await fresh_rule(stage)
    async with serving(said("one")) as upstream:
        model = await stage.model(upstream)
        await stage.chat(model)
        event = stage.settled(await stage.chat(model))
    assert (event.cache, event.cost_nanousd, event.saved_nanousd) == ("exact", 0, cost_nanousd(ANSWERED))
    assert (event.usage, event.usage_source) == (ANSWERED, UsageSource.REPORTED)
    assert (event.outcome, event.status, event.attempts, event.served) == (Outcome.OK, 200, 0, None)


async def test_spelling_order_and_books_do_not_make_another_question(stage: Stage) -> None:
    await fresh_rule(stage)
    async with serving(said("one")) as upstream:
        model = await stage.model(upstream)
        await stage.ask(CHAT, chat_body(model, "Naïve?", temperature=0.5))
        body = json.dumps({"temperature": 0.5, "user": "u", **chat_body(model, "Naïve?")}, indent=3).encode()
        again = await stage.ask(CHAT, body)
        warmer = await stage.ask(CHAT, chat_body(model, "Naïve?", temperature=0.6))
    assert [cache_of(reply) for reply in (again, warmer)] == ["hit", "miss"]


@pytest.mark.parametrize("dialect", ["openai_chat", "anthropic_messages"])
@pytest.mark.parametrize("provider", ["openai_chat", "anthropic_messages"])
@pytest.mark.parametrize("first_streams", [True, False])
async def test_streams_and_whole_answers_replay_as_each_other(
    stage: Stage, dialect: str, provider: str, first_streams: bool
) -> None:
    await fresh_rule(stage)
    words = ["Good", " day."]
    whole = {"openai_chat": completion, "anthropic_messages": message}[provider]("".join(words))
    events = {"openai_chat": chat_events, "anthropic_messages": message_events}[provider](words)
    path, make = (CHAT, chat_body) if dialect == "openai_chat" else (MESSAGES, messages_body)
    step = whole_stream(events) if first_streams else answer(whole)
    async with serving(step) as upstream:
        model = await stage.model(upstream, dialect=provider)
        first = await stage.ask(path, make(model, stream=first_streams))
        streamed = await stage.ask(path, make(model, stream=True))
        plain = await stage.ask(path, make(model, stream=False))
    assert [cache_of(reply) for reply in (first, streamed, plain)] == ["miss", "hit", "hit"]
    assert len(upstream.requests) == 1
    assert "Good day." in plain.body.decode()
    assert plain.json().get("usage")
    text = streamed.body.decode()
    assert "Good" in text
    assert text.rstrip().endswith("[DONE]" if dialect == "openai_chat" else '"message_stop"}')
    assert stage.settled(streamed).usage == ANSWERED


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("no-cache", "miss"),
        ("max-age=0", "miss"),
        ("max-age=60", "hit"),
        ('max-age="60"', "hit"),
        ("no-store", "hit"),
        ("only-if-cached", "hit"),
        ("Only-If-Cached, Max-Age=100", "hit"),
        ("no-cache, no-store", "miss"),
        ("public, nonsense=1", "hit"),
        ("max-age=never", "hit"),
    ],
)
async def test_cache_control_of_the_request_is_obeyed(stage: Stage, header: str, expected: str) -> None:
    await fresh_rule(stage)
    async with serving(said("one"), said("two"), said("three")) as upstream:
        model = await stage.model(upstream)
        await stage.chat(model)
        reply = await stage.ask(CHAT, chat_body(model), headers=[("cache-control", header)])
        last = await stage.chat(model)
    assert reply.status == 200
    assert cache_of(reply) == expected
    renewed = expected == "miss" and "no-store" not in header
    assert last.json()["choices"][0]["message"]["content"] == ("two" if renewed else "one")


async def test_no_store_keeps_nothing(stage: Stage) -> None:
    await fresh_rule(stage)
    async with serving(said("one")) as upstream:
        model = await stage.model(upstream)
        await stage.ask(CHAT, chat_body(model), headers=[("cache-control", "no-store")])
        assert cache_of(await stage.chat(model)) == "miss"


@pytest.mark.parametrize("header", ["only-if-cached", "only-if-cached, no-cache"])
async def test_only_if_cached_without_an_answer_is_a_504_that_says_so(stage: Stage, header: str) -> None:
    await fresh_rule(stage)
    async with serving(said("one")) as upstream:
        model = await stage.model(upstream)
        reply = await stage.ask(CHAT, chat_body(model), headers=[("cache-control", header)])
    assert (reply.status, reply.headers["x-turnpike-error"]) == (504, "NOT_CACHED")
    assert "only-if-cached" in reply.json()["error"]["message"]
    assert upstream.requests == []
    assert stage.settled(reply).outcome == Outcome.REFUSED


async def test_an_answer_is_given_until_its_time_is_over(stage: Stage) -> None:
    await fresh_rule(stage, ttl_s=1)
    async with serving(said("one"), said("two")) as upstream:
        model = await stage.model(upstream)
        await stage.chat(model)
        assert cache_of(await stage.chat(model)) == "hit"
        await asyncio.sleep(1.1)
        assert cache_of(await stage.chat(model)) == "miss"


async def test_max_age_is_the_callers_own_limit(stage: Stage) -> None:
    await fresh_rule(stage)
    async with serving(said("one"), said("two")) as upstream:
        model = await stage.model(upstream)
        await stage.chat(model)
        await asyncio.sleep(1.1)
        aged = await stage.chat(model)
        assert int(aged.headers["age"]) >= 1
        young = await stage.ask(CHAT, chat_body(model), headers=[("cache-control", "max-age=1")])
    assert cache_of(young) == "miss"


async def test_the_oldest_go_when_memory_is_full(stage: Stage) -> None:
    await fresh_rule(stage)
    async with serving(said("x" * 8_000)) as upstream:
        model = await stage.model(upstream)
        for number in range(4):
            await stage.ask(CHAT, chat_body(model, f"Question {number}"))
        await stage.ask(CHAT, chat_body(model, "Question 0"))  # used: it stays
        await stage.ask(CHAT, chat_body(model, "Question 4"))
        states = [cache_of(await stage.ask(CHAT, chat_body(model, f"Question {number}"))) for number in (0, 1)]
        assert await stage.sample("turnpike_cache_bytes") <= SETTINGS["cache_bytes"]
    assert states == ["hit", "miss"]


async def test_what_is_larger_than_the_rule_allows_is_not_kept(stage: Stage) -> None:
    await fresh_rule(stage, max_entry_bytes=1024)
    async with serving(said("x" * 2000)) as upstream:
        model = await stage.model(upstream)
        await stage.chat(model)
        assert cache_of(await stage.chat(model)) == "miss"


def ended_by(reason: str) -> bytes:
    body = completion("Half an ans")
    body["choices"][0]["finish_reason"] = reason
    return answer(body)


@pytest.mark.parametrize("step", [ended_by("length"), ended_by("content_filter"), refusal("400 Bad Request")])
async def test_what_was_cut_filtered_or_refused_is_not_kept(stage: Stage, step: bytes) -> None:
    await fresh_rule(stage)
    async with serving(step) as upstream:
        model = await stage.model(upstream)
        await stage.chat(model)
        assert cache_of(await stage.chat(model)) == "miss"
    assert len(upstream.requests) == 2


async def test_a_stream_that_breaks_off_is_not_kept(stage: Stage) -> None:
    await fresh_rule(stage)
    cut = whole_stream(chat_events(["One", " two"])[:-2])
    async with serving(cut) as upstream:
        model = await stage.model(upstream)
        await stage.ask(CHAT, chat_body(model, stream=True))
        assert cache_of(await stage.chat(model)) == "miss"


FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
UNFIT = {
    "several": {"n": 2},
    "searching": {"web_search_options": {}},
    "a provider's tool": {"tools": [{"type": "web_search"}]},
    "spoken": {"audio": {"voice": "alloy", "format": "wav"}, "modalities": ["text", "audio"]},
}


@pytest.mark.parametrize("name", UNFIT)
async def test_a_request_that_is_good_for_one_call_only_passes_by_the_cache(stage: Stage, name: str) -> None:
    await fresh_rule(stage)
    async with serving(said("one")) as upstream:
        model = await stage.model(upstream)
        replies = [await stage.ask(CHAT, chat_body(model, **UNFIT[name])) for _ in range(2)]
    assert [cache_of(reply) for reply in replies] == ["bypass", "bypass"]


async def test_functions_that_the_caller_runs_are_part_of_the_question(stage: Stage) -> None:
    await fresh_rule(stage)
    async with serving(said("one")) as upstream:
        model = await stage.model(upstream)
        bodies = [chat_body(model, tools=[FUNCTION]), chat_body(model, tools=[FUNCTION]), chat_body(model)]
        states = [cache_of(await stage.ask(CHAT, body)) for body in bodies]
    assert states == ["miss", "hit", "miss"]


async def test_embeddings_are_kept_too(stage: Stage) -> None:
    await fresh_rule(stage)
    async with serving(answer(embeddings())) as upstream:
        model = await stage.model(upstream, dialect="openai_embeddings")
        body = {"model": model, "input": "Some words."}
        states = [cache_of(await stage.ask(EMBEDDINGS, body)) for _ in range(2)]
    assert states == ["miss", "hit"]


async def test_metrics_tell_hits_and_what_they_saved(stage: Stage) -> None:
    await fresh_rule(stage)
    before = await stage.sample("turnpike_cache_requests_total", "hit")
    saved = await stage.sample("turnpike_cache_saved_nanousd_total")
    async with serving(said("one")) as upstream:
        model = await stage.model(upstream)
        await stage.chat(model)
        await stage.chat(model)
    assert await stage.sample("turnpike_cache_requests_total", "hit") == before + 1
    assert await stage.sample("turnpike_cache_saved_nanousd_total") == saved + cost_nanousd(ANSWERED)
