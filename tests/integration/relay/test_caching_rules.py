"""Whom the relay's cache gives what it keeps, and which rule decides."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.http import CHAT
from tests.support.relay_caching import cache_of, fresh_rule, rules, said
from tests.support.relay_process import KEY, Stage, chat_body
from tests.support.upstream import Received, Wire, serving
from turnpike.contract.caching import CacheClear, CacheMode, CacheRule, Sharing
from turnpike.contract.grants import KeyGrant

pytestmark = pytest.mark.asyncio(loop_scope="module")
SETTINGS = {"cache_bytes": 40_000}


# ---- who gets what


async def people(stage: Stage) -> list[tuple[str, KeyGrant]]:
    facts = [
        {"user_id": "ann", "department_id": "red"},
        {"user_id": "ann", "department_id": "red"},
        {"user_id": "bob", "department_id": "red"},
        {"user_id": "cat", "department_id": "blue"},
        {"user_id": "dan", "department_id": None},
        {"user_id": "eve", "department_id": None},
        {"user_id": "red", "department_id": None},
    ]
    keys = [stage.key(**each) for each in facts]
    return [(key, stage.grant_of(key)) for key in keys]


def may_share(sharing: str, maker: KeyGrant, taker: KeyGrant) -> bool:
    if sharing == Sharing.GATEWAY or maker.user_id == taker.user_id:
        return True
    together = maker.department_id is not None and maker.department_id == taker.department_id
    return sharing == Sharing.DEPARTMENT and together


@pytest.mark.parametrize("sharing", list(Sharing))
async def test_no_answer_crosses_users_or_departments_that_do_not_share(stage: Stage, sharing: Sharing) -> None:
    """Every pair of people, in both orders: an answer names who it was made for."""
    everyone = await people(stage)

    async def named(wire: Wire, received: Received) -> None:
        await wire.write(said(f"for {received.headers['x-request-id']}"))

    async with serving(named) as upstream:
        model = await stage.model(upstream)
        for maker_key, maker in everyone:
            await fresh_rule(stage, sharing=sharing)
            first = await stage.chat(model, key=maker_key)
            made = first.json()["choices"][0]["message"]["content"]
            for taker_key, taker in everyone:
                reply = await stage.ask(CHAT, chat_body(model), key=taker_key, headers=[("cache-control", "no-store")])
                got = reply.json()["choices"][0]["message"]["content"]
                assert (got == made) == may_share(sharing, maker, taker), (maker, taker)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_under_any_set_of_rules_an_answer_reaches_only_whom_its_rule_lets(
    stage: Stage, data: st.DataObject
) -> None:
    everyone = await people(stage)
    ids = st.sampled_from([None, *(grant.key_id for _, grant in everyone)])
    rule = st.builds(
        CacheRule,
        id=st.uuids().map(str),
        revision=st.just(1),
        model=st.sampled_from(["*", "model-*"]),
        key_id=ids,
        department_id=st.sampled_from([None, "red", "blue"]),
        mode=st.sampled_from([CacheMode.EXACT, CacheMode.OFF]),
        sharing=st.sampled_from(list(Sharing)),
        wait_s=st.sampled_from([0.0, 1.0]),
    )
    in_force = data.draw(st.lists(rule, min_size=1, max_size=4, unique_by=lambda each: each.id))
    made: dict[str, KeyGrant] = {}

    async def named(wire: Wire, received: Received) -> None:
        await wire.write(said(f"for {received.headers['x-request-id']}"))

    async with serving(named) as upstream:
        model = await stage.model(upstream)
        await rules(stage, *in_force)
        for key, grant in data.draw(st.lists(st.sampled_from(everyone), min_size=2, max_size=6)):
            reply = await stage.chat(model, key=key)
            text = reply.json()["choices"][0]["message"]["content"]
            if text == f"for {reply.headers['x-request-id']}":
                made[text] = grant
                continue
            allowed = {each.sharing for each in in_force if each.mode != CacheMode.OFF}
            assert any(may_share(sharing, made[text], grant) for sharing in allowed), (made[text], grant)


# ---- rules


async def test_the_most_exact_rule_decides_alone(stage: Stage) -> None:
    key, other = stage.key(), stage.key()
    wide = CacheRule("wide", 1)
    off = CacheRule("off", 1, key_id=stage.grant_of(key).key_id, mode=CacheMode.OFF)
    await rules(stage, wide, off)
    async with serving(said("one")) as upstream:
        model = await stage.model(upstream)
        assert "x-turnpike-cache" not in (await stage.chat(model, key=key)).headers
        assert cache_of(await stage.chat(model, key=other)) == "miss"


async def test_a_rule_for_other_models_does_not_concern_this_one(stage: Stage) -> None:
    await rules(stage, CacheRule("others", 1, model="gpt-*"))
    async with serving(said("one")) as upstream:
        model = await stage.model(upstream)
        assert "x-turnpike-cache" not in (await stage.chat(model)).headers


async def test_a_changed_rule_starts_with_nothing(stage: Stage) -> None:
    await rules(stage, CacheRule("changing", 1))
    async with serving(said("one")) as upstream:
        model = await stage.model(upstream)
        await stage.chat(model)
        await rules(stage, CacheRule("changing", 2))
        assert cache_of(await stage.chat(model)) == "miss"


@pytest.mark.parametrize("by", ["all", "model", "key_id", "user_id", "another"])
async def test_what_is_cleared_is_not_given_any_more(stage: Stage, by: str) -> None:
    rule = await fresh_rule(stage)
    async with serving(said("one")) as upstream:
        model = await stage.model(upstream)
        first = await stage.chat(model)
        assert cache_of(await stage.chat(model)) == "hit"
        grant = stage.grant_of(KEY)
        fields = {"model": model, "key_id": grant.key_id, "user_id": grant.user_id}
        wanted = {by: fields[by]} if by in fields else {"user_id": "somebody else"} if by == "another" else {}
        at_ms = stage.settled(first).started_at_ms + 60_000
        await rules(stage, rule, clears=(CacheClear(at_ms, **wanted),))
        assert cache_of(await stage.chat(model)) == ("hit" if by == "another" else "miss")
