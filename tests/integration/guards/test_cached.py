"""The cache under guards: the question is what they let go on, and an answer that one of them touched is not kept."""

import itertools
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.guarding import EMAIL, asking, pii, policy, repeating
from tests.support.http import Answer
from tests.support.relay_process import Stage
from tests.support.upstream import serving
from turnpike.contract.caching import CacheRule, Caching, Sharing
from turnpike.contract.events import GuardRecord
from turnpike.contract.policies import GuardSpec, PolicySpec

pytestmark = pytest.mark.asyncio(loop_scope="module")
SETTINGS = {"cache_bytes": 200_000}
BOTH_WAYS = pytest.mark.parametrize("stream", [False, True])
_numbers = itertools.count(1)


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def _without_policies_afterwards(stage: Stage) -> AsyncIterator[None]:
    yield
    await stage.change(guard_policies=())


async def under(stage: Stage, *policies: PolicySpec) -> None:
    """Under these, with a rule of the cache that nothing was kept under yet."""
    rule = CacheRule(f"guarded-{next(_numbers)}", 1, sharing=Sharing.GATEWAY)
    await stage.change(guard_policies=policies, caching=Caching((rule,), ()))


def words(action: str, *terms: str, on: str = "answer") -> GuardSpec:
    return GuardSpec("words", "terms", action, on, terms=terms)


async def ask(stage: Stage, model: str, text: str, *, stream: bool = False) -> tuple[int, str, Answer]:
    path, body = asking("openai_chat", model, text, stream=stream)
    reply = await stage.ask(path, body)
    return reply.status, reply.headers.get("x-turnpike-cache", "").partition(";")[0], reply


def told(stage: Stage, reply: Answer) -> int:
    records = [each for each in stage.relay.records() if isinstance(each, GuardRecord)]
    return sum(each.request_id == reply.headers["x-request-id"] for each in records)


@BOTH_WAYS
async def test_the_masked_prompt_is_the_question(stage: Stage, stream: bool) -> None:
    await under(stage, policy(pii("mask", "prompt")))
    async with serving(repeating(), repeating()) as upstream:
        model = await stage.model(upstream)
        first = await ask(stage, model, f"write to {EMAIL}", stream=stream)
        other = await ask(stage, model, "write to alice@example.org", stream=stream)
        assert (first[:2], other[:2]) == ((200, "miss"), (200, "hit"))
        assert len(upstream.requests) == 1
    assert b"[EMAIL]" in other[2].body
    assert EMAIL.encode() not in other[2].body
    assert told(stage, other[2]) == 1, "what was found in a prompt is told whoever answers it"


@BOTH_WAYS
async def test_an_answer_in_which_a_guard_finds_nothing_is_kept_for_who_is_under_the_same(
    stage: Stage, stream: bool
) -> None:
    house = policy(words("block", "bluebird"))
    await under(stage, house)
    async with serving(*[repeating()] * 2) as upstream:
        model = await stage.model(upstream)
        seen = [(await ask(stage, model, "a robin", stream=stream))[:2] for _ in range(2)]
        assert seen == [(200, "miss"), (200, "hit")]
        await stage.change(guard_policies=(policy(words("block", "robin")),))
        status, state, _ = await ask(stage, model, "a robin", stream=stream)
        assert state != "hit"
        assert status == 400 or stream
        assert len(upstream.requests) == 2


@BOTH_WAYS
@pytest.mark.parametrize("action", ["mask", "block", "flag"])
async def test_what_a_guard_touched_is_not_kept(stage: Stage, action: str, stream: bool) -> None:
    await under(stage, policy(words(action, "bluebird")))
    async with serving(*[repeating()] * 2) as upstream:
        model = await stage.model(upstream)
        replies = [await ask(stage, model, "a bluebird", stream=stream) for _ in range(2)]
        assert [state for _, state, _ in replies] == ["miss", "miss"]
        assert len(upstream.requests) == 2
    assert all(told(stage, reply) == 1 for *_, reply in replies), "each is told of"


async def test_what_comes_back_to_its_own_caller_is_kept_for_nobody(stage: Stage) -> None:
    await under(stage, policy(pii("restore", "prompt")))
    async with serving(*[repeating()] * 2) as upstream:
        model = await stage.model(upstream)
        first = await ask(stage, model, f"write to {EMAIL}")
        other = await ask(stage, model, "write to alice@example.org")
        assert (first[1], other[1]) == ("bypass", "bypass")
        assert len(upstream.requests) == 2
    assert EMAIL.encode() in first[2].body
    assert EMAIL.encode() not in other[2].body
