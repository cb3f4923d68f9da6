"""What a request's head alone decides: its address, and what a script of another origin may do."""

from typing import Any

import pytest

from tests.support.http import CHAT, request
from tests.support.relay_process import KEY, Stage, chat_body
from tests.support.upstream import answer, completion, serving
from turnpike.contract.refusals import RefusalRecord
from turnpike.contract.snapshot import NetworkRules

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = {
    "trusted_proxies": ("127.0.0.0/8", "10.0.0.0/8"),
    "cors_origins": ("https://app.example.com", "https://*.example.org"),
    "cors_credentials": True,
}
PATHS = (
    (CHAT, "POST"), ("/v1/messages", "POST"), ("/v1/models", "GET"), ("/v1/files", "GET"), ("/v1/audio/speech", "POST"),
    ("/v1/audio/transcriptions", "POST"), ("/v1/realtime", "GET"), ("/api/v1/keys", "GET"), ("/metrics", "GET"),
    ("/nothing", "GET"), ("/v1/nothing", "PUT"), ("/health/relay/metrics", "GET"),
)  # fmt: skip


def coming_from(address: str) -> dict[str, Any]:
    return {"headers": [("X-Forwarded-For", address)]}


@pytest.mark.parametrize(("path", "method"), PATHS)
async def test_a_denied_address_gets_nowhere_and_its_body_is_not_waited_for(
    stage: Stage, path: str, method: str
) -> None:
    await stage.change(networks=NetworkRules(denied=("203.0.113.0/24", "2001:db8::/32")))
    for address in ("203.0.113.9", "::ffff:203.0.113.9", "2001:db8::1", "[2001:db8::1]:4711"):
        async with stage.caller() as caller:
            head = request(path, method=method, key=KEY, headers=[("X-Forwarded-For", address)])
            await caller.send(head.replace(b"Content-Length: 0", b"Content-Length: 5000000"))
            refused = await caller.answer(timeout_s=3)
        assert (refused.status, refused.headers["x-turnpike-error"]) == (403, "ADDRESS_FORBIDDEN"), address
    await stage.change(networks=NetworkRules())


async def test_denied_wins_over_allowed_and_health_is_for_everyone(stage: Stage) -> None:
    await stage.change(networks=NetworkRules(allowed=("192.0.2.0/24",), denied=("192.0.2.66/32",)))
    seen = {
        address: (await stage.ask("/health/relay/metrics", method="GET", **coming_from(address))).status
        for address in ("192.0.2.1", "192.0.2.66", "198.51.100.1", "127.0.0.1")
    }
    assert seen == {"192.0.2.1": 200, "192.0.2.66": 403, "198.51.100.1": 403, "127.0.0.1": 403}
    assert (await stage.ask("/health", method="GET", **coming_from("198.51.100.1"))).status != 403
    await stage.change(networks=NetworkRules())


async def test_a_kept_connection_is_looked_at_anew_when_the_rules_change(stage: Stage) -> None:
    async with serving(answer(completion())) as upstream:
        model = await stage.model(upstream)
        async with stage.caller() as caller:
            for _ in range(3):
                assert (await caller.ask(CHAT, chat_body(model), key=KEY)).status == 200
            await stage.change(networks=NetworkRules(denied=("127.0.0.1",)))
            assert (await caller.ask(CHAT, chat_body(model), key=KEY)).status == 403
        await stage.change(networks=NetworkRules())


@pytest.mark.parametrize(
    ("headers", "believed"),
    [
        (["203.0.113.9"], True),
        (["1.1.1.1, 203.0.113.9"], True),
        (["203.0.113.9, 10.0.0.7"], True),
        (["203.0.113.9", "10.0.0.7, 10.1.1.1"], True),
        (["203.0.113.9, 1.1.1.1"], False),
        (["203.0.113.9, junk"], False),
        (["203.0.113.9, "], False),
        (["203.0.113.9:80, 10.0.0.7:1234"], True),
    ],
)
async def test_only_what_trusted_proxies_wrote_is_believed(stage: Stage, headers: list[str], believed: bool) -> None:
    await stage.change(networks=NetworkRules(denied=("203.0.113.0/24",)))
    pairs = [("X-Forwarded-For", value) for value in headers]
    status = (await stage.ask("/health/relay/metrics", method="GET", headers=pairs)).status
    assert (status == 403) is believed
    await stage.change(networks=NetworkRules())


async def test_a_key_may_be_denied_networks(stage: Stage) -> None:
    key = stage.key(networks=("192.0.2.0/24",), denied_networks=("192.0.2.128/25",))
    async with serving(answer(completion())) as upstream:
        model = await stage.model(upstream)
        seen = [
            (await stage.chat(model, key=key, **coming_from(address))).status
            for address in ("192.0.2.5", "192.0.2.200", "198.51.100.1")
        ]
    assert seen == [200, 403, 403]


async def test_strangers_are_in_the_journal_by_address_for_the_audit_log(stage: Stage) -> None:
    for _ in range(3):
        assert (await stage.chat("m", key="tp-nobody", **coming_from("198.51.100.77"))).status == 401
    # In the journal with the answer: no crash loses them.
    records = [each for each in stage.relay.records() if isinstance(each, RefusalRecord)]
    seen = [each for each in records if each.address == "198.51.100.77"]
    assert [(each.code, each.count) for each in seen] == [("UNAUTHENTICATED", 1)] * 3
    assert [each.number for each in records] == list(range(1, len(records) + 1))


# ---- CORS


def preflight(origin: str) -> list[tuple[str, str]]:
    return [
        ("Origin", origin),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "authorization, content-type"),
    ]


@pytest.mark.parametrize("path", [CHAT, "/v1/files", "/v1/nothing", "/api/v1/keys", "/v1/realtime"])
async def test_a_preflight_is_answered_without_a_key(stage: Stage, path: str) -> None:
    async with stage.caller() as caller:
        for origin, credentials in (("https://app.example.com", "true"), ("https://a.example.org", None)):
            await caller.send(request(path, method="OPTIONS", headers=preflight(origin)))
            answered = await caller.answer(bodiless=True)
            assert answered.status == 204
            headers = answered.headers
            assert headers["access-control-allow-origin"] == origin
            assert headers.get("access-control-allow-credentials") == credentials
            assert "POST" in headers["access-control-allow-methods"]
            assert headers["access-control-allow-headers"] == "authorization, content-type"


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example.net", "https://example.org", "http://app.example.com", "null", "https://a.example.org.evil"],
)
async def test_no_other_origin_is_let_in(stage: Stage, origin: str) -> None:
    async with stage.caller() as caller:
        await caller.send(request(CHAT, method="OPTIONS", headers=preflight(origin)))
        answered = await caller.answer(bodiless=True)
    assert not [name for name in answered.headers if name.startswith("access-control-allow")]
    answered = await stage.ask(CHAT, {}, headers=[("Origin", origin)])
    assert "access-control-allow-origin" not in answered.headers


async def test_answers_streams_and_errors_carry_the_lines_and_others_do_not(stage: Stage) -> None:
    origin = [("Origin", "https://app.example.com")]
    async with serving(answer(completion())) as upstream:
        model = await stage.model(upstream)
        async with stage.caller() as caller:
            for _ in range(3):  # the third is recognised by its bytes
                whole = await caller.ask(CHAT, chat_body(model), key=KEY, headers=origin)
                assert whole.headers["access-control-allow-origin"] == "https://app.example.com"
                exposed = whole.headers["access-control-expose-headers"].split(", ")
                ours = {name for name in whole.headers if name.startswith("x-turnpike-")}
                assert {"x-request-id", "x-turnpike-provider", *ours} <= set(exposed)
            plain = await caller.ask(CHAT, chat_body(model), key=KEY)
            assert "access-control-allow-origin" not in plain.headers
            assert plain.headers["vary"] == "origin"
    refused = await stage.ask(CHAT, {}, key=None, headers=origin)
    assert (refused.status, refused.headers["access-control-allow-origin"]) == (401, "https://app.example.com")
    assert refused.headers["x-content-type-options"] == "nosniff"


async def test_an_options_that_is_no_preflight_is_none(stage: Stage) -> None:
    assert (await stage.ask(CHAT, method="OPTIONS", headers=[("Origin", "https://app.example.com")])).status == 405


async def test_an_upstreams_own_words_about_origins_do_not_get_through(stage: Stage) -> None:
    async with serving(answer(completion(), "200 OK", "access-control-allow-origin: *")) as upstream:
        model = await stage.model(upstream)
        answered = await stage.chat(model, headers=[("Origin", "https://evil.example.net")])
    assert answered.status == 200
    assert "access-control-allow-origin" not in answered.headers
