"""Who may call: keys known, unknown, expired, revoked, bound to scopes, models networks; and control out of reach."""

import asyncio
import time
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from tests.support.http import CHAT, EMBEDDINGS, MESSAGES, request
from tests.support.relay_process import KEY, SECRET, Stage, chat_body, messages_body
from tests.support.upstream import Upstream, answer, completion, serving
from turnpike.contract.grants import PersonalAccess
from turnpike.contract.scopes import to_bits

pytestmark = pytest.mark.asyncio(loop_scope="module")

CACHE = 20
SETTINGS = {"key_cache_size": CACHE, "negative_cache_s": 0.5, "trusted_proxies": ("127.0.0.0/8",)}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def upstream() -> AsyncIterator[Upstream]:
    async with serving(answer(completion())) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model(stage: Stage, upstream: Upstream) -> str:
    return await stage.model(upstream, name="open-model")


# ---- unknown, expired, revoked


async def test_an_unknown_key_is_refused_and_control_asked_once(stage: Stage, model: str) -> None:
    for _ in range(5):
        answered = await stage.chat(model, key="tp-nobody-has-this")
        assert answered.status == 401
        assert answered.json()["error"]["code"] == "invalid_api_key"
        assert "tp-nobody-has-this" not in answered.body.decode()
        assert "Bearer" in answered.headers["www-authenticate"]
    assert stage.control.times_asked("tp-nobody-has-this") == 1


async def test_an_unknown_key_is_asked_for_again_after_a_while(stage: Stage, model: str) -> None:
    assert (await stage.chat(model, key="tp-made-later")).status == 401
    stage.key("tp-made-later")
    await asyncio.sleep(0.7)
    assert (await stage.chat(model, key="tp-made-later")).status == 200


async def test_a_key_made_just_now_works_when_control_says_that_grants_changed(stage: Stage, model: str) -> None:
    assert (await stage.chat(model, key="tp-made-now")).status == 401
    stage.key("tp-made-now")
    stage.control.forget()
    await stage.control.settle()
    assert (await stage.chat(model, key="tp-made-now")).status == 200


async def test_a_known_key_is_asked_for_once(stage: Stage, model: str) -> None:
    key = stage.key()
    for _ in range(5):
        assert (await stage.chat(model, key=key)).status == 200
    assert stage.control.times_asked(key) == 1


async def test_callers_with_the_same_unknown_key_wait_for_one_answer(stage: Stage, model: str) -> None:
    key = stage.key()
    stage.control.delay_s = 0.1
    try:
        answers = await asyncio.gather(*(stage.chat(model, key=key) for _ in range(8)))
    finally:
        stage.control.delay_s = 0.0
    assert {each.status for each in answers} == {200}
    assert stage.control.times_asked(key) == 1


@pytest.mark.parametrize("headers", [[("Authorization", "Basic dHA6eA==")], [("Authorization", "Bearer")], []])
async def test_no_key_is_said_as_such(stage: Stage, model: str, headers: list[tuple[str, str]]) -> None:
    answered = await stage.chat(model, key=None, headers=headers)
    assert answered.status == 401
    assert "No API key" in answered.message


async def test_a_key_may_come_as_x_api_key(stage: Stage, model: str) -> None:
    answered = await stage.chat(model, key=None, headers=[("x-api-key", KEY)])
    assert answered.status == 200


async def test_an_expired_key_is_refused_also_when_it_was_known_before(stage: Stage, model: str) -> None:
    key = stage.key(expires_at_ms=int(time.time() * 1000) + 700)
    async with stage.caller() as caller:
        assert (await caller.ask(CHAT, chat_body(model), key=key)).status == 200
        await asyncio.sleep(0.9)
        answered = await caller.ask(CHAT, chat_body(model), key=key)
    assert answered.status == 401
    assert "expired" in answered.message


async def test_a_revoked_key_is_refused_at_once_on_a_kept_connection(stage: Stage, model: str) -> None:
    key, other = stage.key(), stage.key()
    async with stage.caller() as caller:
        for each in (key, other, key):
            assert (await caller.ask(CHAT, chat_body(model), key=each)).status == 200
        stage.control.revoke(stage.grant_of(key).key_id)
        await stage.control.settle()
        assert (await caller.ask(CHAT, chat_body(model), key=key)).status == 401
        assert (await caller.ask(CHAT, chat_body(model), key=other)).status == 200
    assert stage.control.times_asked(other) == 1


async def test_a_changed_grant_is_at_work_on_a_kept_connection(stage: Stage, model: str) -> None:
    key = stage.key()
    async with stage.caller() as caller:
        assert (await caller.ask(CHAT, chat_body(model), key=key)).status == 200
        grant = msgspec.structs.replace(stage.grant_of(key), scopes=to_bits(["models:read"]))
        stage.control.allow(key, grant)
        stage.control.forget(grant.key_id)
        await stage.control.settle()
        assert (await caller.ask(CHAT, chat_body(model), key=key)).status == 403


# ---- scopes, models, networks


@pytest.mark.parametrize(
    ("path", "scope"), [(CHAT, "inference:text"), (MESSAGES, "inference:text"), (EMBEDDINGS, "embeddings")]
)
async def test_a_missing_scope_is_named(stage: Stage, model: str, path: str, scope: str) -> None:
    key = stage.key(scopes=to_bits(["models:read", "admin"]))
    answered = await stage.ask(path, messages_body(model), key=key)
    assert (answered.status, answered.code) == (403, "SCOPE_MISSING")
    assert scope in answered.message


async def test_listing_models_asks_for_its_scope(stage: Stage, model: str) -> None:
    key = stage.key(scopes=to_bits(["inference:text"]))
    answered = await stage.ask("/v1/models", key=key, method="GET")
    assert (answered.status, answered.code) == (403, "SCOPE_MISSING")


async def test_allowed_models_take_wildcards(stage: Stage, upstream: Upstream, model: str) -> None:
    await stage.model(upstream, name="gpt-4o-mini")
    await stage.model(upstream, name="gpt-5")
    key = stage.key(models=("gpt-4*", "*-nothing"))
    assert (await stage.chat("gpt-4o-mini", key=key)).status == 200
    answered = await stage.chat("gpt-5", key=key)
    assert (answered.status, answered.code) == (403, "MODEL_FORBIDDEN")
    listed = await stage.ask("/v1/models", key=key, method="GET")
    assert [each["id"] for each in listed.json()["data"]] == ["gpt-4o-mini"]


async def test_an_unknown_model_names_only_those_that_this_key_may_use(stage: Stage, upstream: Upstream) -> None:
    await stage.model(upstream, name="near-one")
    await stage.model(upstream, name="near-secret")
    answered = await stage.chat("near-onf", key=stage.key(models=("near-one",)))
    assert (answered.status, answered.code) == (404, "MODEL_NOT_FOUND")
    assert "near-one" in answered.message
    assert "near-secret" not in answered.body.decode()


async def test_an_operation_that_the_model_cannot_do_names_those_that_can(stage: Stage, model: str) -> None:
    async with serving(answer(b"{}")) as other:
        able = await stage.model(other, dialect="openai_embeddings", name="embedder")
        answered = await stage.ask(EMBEDDINGS, {"model": model, "input": "x"})
    assert (answered.status, answered.code) == (400, "UNSUPPORTED_OPERATION")
    assert able in answered.message


@pytest.mark.parametrize(
    ("networks", "said", "status"),
    [
        (("127.0.0.1/32",), None, 200),
        (("10.0.0.0/8",), None, 403),
        (("203.0.113.0/24",), "203.0.113.9", 200),
        (("203.0.113.0/24",), "198.51.100.1, 203.0.113.9", 200),
        (("198.51.100.0/24",), "198.51.100.1, 203.0.113.9", 403),
        (("127.0.0.1/32",), "203.0.113.9", 403),
        (("2001:db8::/32",), "2001:db8::7", 200),
        (("2001:db8::/32", "127.0.0.0/8"), None, 200),
    ],
)
async def test_a_key_may_be_bound_to_networks(
    stage: Stage, model: str, networks: tuple[str, ...], said: str | None, status: int
) -> None:
    headers = [("X-Forwarded-For", said)] if said else []
    answered = await stage.chat(model, key=stage.key(networks=networks), headers=headers)
    assert answered.status == status
    if status == 403:
        assert answered.code == "ADDRESS_FORBIDDEN"


# ---- control out of reach


async def test_a_mute_control_is_a_503_within_three_seconds_and_no_401(stage: Stage, model: str) -> None:
    key = stage.key()
    stage.control.mute = True
    try:
        start = time.monotonic()
        answered = await stage.chat(model, key=key)
        took = time.monotonic() - start
    finally:
        stage.control.mute = False
    assert answered.status == 503
    assert int(answered.headers["retry-after"]) > 0
    assert 2 < took < 4.5
    assert (await stage.chat(model, key=key)).status == 200, "it is asked for again"


async def test_a_control_without_its_database_is_a_503_that_is_not_remembered(stage: Stage, model: str) -> None:
    key = stage.key()
    stage.control.unavailable = True
    try:
        assert (await stage.chat(model, key=key)).status == 503
    finally:
        stage.control.unavailable = False
    assert (await stage.chat(model, key=key)).status == 200


async def test_known_keys_are_served_without_control_and_open_questions_asked_when_it_is_back(
    stage: Stage, model: str
) -> None:
    known, unknown = stage.key(), stage.key()
    assert (await stage.chat(model, key=known)).status == 200
    hellos = len(stage.control.hellos)
    await stage.control.stop()
    try:
        assert (await stage.chat(model, key=known)).status == 200
        waiting = asyncio.create_task(stage.chat(model, key=unknown))
        await asyncio.sleep(0.3)
        assert not waiting.done()
    finally:
        await stage.control.start()
    assert (await waiting).status == 200
    assert len(stage.control.hellos) == hellos + 1
    assert stage.control.hellos[-1].incarnation == stage.control.hellos[0].incarnation


async def test_a_control_that_is_slow_but_answers_is_never_given_up(stage: Stage, model: str) -> None:
    """A question is always open for longer than one may be: every one of them is answered in time all the same."""
    stage.control.delay_s = 0.3
    try:
        asked: list[asyncio.Task] = []
        for _ in range(42):
            asked.append(asyncio.create_task(stage.chat(model, key=stage.key())))
            await asyncio.sleep(0.09)
        answers = await asyncio.gather(*asked)
    finally:
        stage.control.delay_s = 0.0
    assert [each.status for each in answers] == [200] * 42


async def test_the_cache_is_bounded_and_forgets_who_was_not_seen(stage: Stage, model: str) -> None:
    often = stage.key()
    assert (await stage.chat(model, key=often)).status == 200
    keys = [stage.key() for _ in range(3 * CACHE)]
    for key in keys:
        assert (await stage.chat(model, key=key)).status == 200
        assert (await stage.chat(model, key=often)).status == 200
        assert await stage.sample("turnpike_key_cache_entries") <= CACHE
        await asyncio.sleep(0.02)
    assert (await stage.chat(model, key=keys[0])).status == 200
    assert stage.control.times_asked(keys[0]) == 2, "it was forgotten and asked for again"
    assert stage.control.times_asked(often) <= 3, "who calls all the time is hardly ever forgotten"


# ---- providers' credentials


def personal_of(provider_id: str, secret: str, *, shared: bool = False) -> tuple[PersonalAccess, ...]:
    return (PersonalAccess(provider_id, shared, f"own-{secret}", secret),)


async def credential_sent(upstream: Upstream) -> str:
    return upstream.requests[-1].headers["authorization"].removeprefix("Bearer ")


async def test_a_personal_credential_serves_its_owner_only(stage: Stage, upstream: Upstream) -> None:
    model = await stage.model(upstream)
    provider = stage.control.snapshot.providers[-1].id
    owner = stage.key(personal=personal_of(provider, "sk-own"))
    other = stage.key()
    async with stage.caller() as caller:
        for key, secret in ((owner, "sk-own"), (other, SECRET), (owner, "sk-own")):
            assert (await caller.ask(CHAT, chat_body(model), key=key)).status == 200
            assert await credential_sent(upstream) == secret
    served = stage.settles()[-1].served
    assert served is not None
    assert served.credential_id == "own-sk-own"


async def test_a_personal_credential_that_changed_is_used_at_once(stage: Stage, upstream: Upstream) -> None:
    model = await stage.model(upstream)
    provider = stage.control.snapshot.providers[-1].id
    key = stage.key()
    grant = stage.grant_of(key)
    async with stage.caller() as caller:
        for secret in ("sk-old", "sk-new"):
            personal = (PersonalAccess(provider, False, "own", secret),)
            stage.control.allow(key, msgspec.structs.replace(grant, personal=personal))
            stage.control.forget(grant.key_id)
            await stage.control.settle()
            assert (await caller.ask(CHAT, chat_body(model), key=key)).status == 200
            assert await credential_sent(upstream) == secret


@pytest.mark.parametrize("role", ["user", "department_admin", "admin", "super_admin"])
@pytest.mark.parametrize("for_users", [True, False])
@pytest.mark.parametrize("for_admins", [True, False])
@pytest.mark.parametrize("own", ["none", "own", "own but shared wanted"])
async def test_whose_credential_is_used(  # the table of turnpike.contract.access, at work
    stage: Stage, upstream: Upstream, role: str, for_users: bool, for_admins: bool, own: str
) -> None:
    facts = {"shared_for_users": for_users, "shared_for_normal_admins": for_admins}
    model = await stage.model(upstream, provider=facts)
    provider = stage.control.snapshot.providers[-1].id
    personal = () if own == "none" else personal_of(provider, "sk-own", shared=own != "own")
    answered = await stage.chat(model, key=stage.key(role=role, personal=personal))
    shares = role == "super_admin" or (for_users if role == "user" else for_admins)
    if own == "own" or (own != "none" and not shares):
        assert (answered.status, await credential_sent(upstream)) == (200, "sk-own")
    elif shares:
        assert (answered.status, await credential_sent(upstream)) == (200, SECRET)
    else:
        assert (answered.status, answered.code) == (403, "FORBIDDEN")


async def test_a_provider_without_any_credential_says_what_is_missing(stage: Stage, upstream: Upstream) -> None:
    model = await stage.model(upstream, provider={"credentials": ()})
    answered = await stage.chat(model)
    assert answered.status == 403
    assert "administrator" in answered.message


async def test_a_provider_that_asks_for_no_credential_is_sent_none(stage: Stage, upstream: Upstream) -> None:
    model = await stage.model(upstream, provider={"credentials": (), "needs_credential": False})
    assert (await stage.chat(model)).status == 200
    assert "authorization" not in upstream.requests[-1].headers


# ---- snapshots


async def test_a_change_is_at_work_for_known_keys_on_kept_connections(stage: Stage, upstream: Upstream) -> None:
    model = await stage.model(upstream)
    async with stage.caller() as caller:
        assert (await caller.ask(CHAT, chat_body(model), key=KEY)).status == 200
        snapshot = stage.control.snapshot
        row = msgspec.structs.replace(snapshot.models[-1], upstream_model="another")
        await stage.change(models=(*snapshot.models[:-1], row))
        assert (await caller.ask(CHAT, chat_body(model), key=KEY)).status == 200
        assert upstream.requests[-1].json()["model"] == "another"
        await stage.change(models=snapshot.models[:-1])
        assert (await caller.ask(CHAT, chat_body(model), key=KEY)).status == 404


async def test_a_request_under_way_is_finished_by_the_plan_it_began_with(stage: Stage) -> None:
    go = asyncio.Event()

    async def slow(wire, received) -> None:
        await go.wait()
        await wire.write(answer(completion("done")))

    async with serving(slow) as upstream, stage.caller() as caller:
        model = await stage.model(upstream)
        await caller.send(request(CHAT, chat_body(model), key=KEY))
        await upstream.asked()
        await stage.change(models=stage.control.snapshot.models[:-1], providers=stage.control.snapshot.providers[:-1])
        go.set()
        assert (await caller.answer()).status == 200
