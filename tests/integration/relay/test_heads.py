"""What of a caller's head reaches a provider or control, and what is refused in it."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.http import CHAT, EMBEDDINGS, MESSAGES, request
from tests.support.relay_process import KEY, SECRET, Stage, chat_body, messages_body
from tests.support.upstream import Upstream, answer, completion, message, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def upstream() -> AsyncIterator[Upstream]:
    async with serving(answer(completion())) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def anthropic() -> AsyncIterator[Upstream]:
    async with serving(answer(message())) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def model(stage: Stage, upstream: Upstream) -> str:
    return await stage.model(upstream)


async def test_exactly_what_a_provider_is_sent(stage: Stage, upstream: Upstream, model: str) -> None:
    answered = await stage.chat(model)
    received = upstream.requests[0]
    assert received.line == "POST /v1/chat/completions HTTP/1.1"
    assert received.headers == {
        "host": f"127.0.0.1:{upstream.port}",
        "authorization": f"Bearer {SECRET}",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "x-request-id": answered.headers["x-request-id"],
        "content-length": str(len(received.body)),
    }
    assert received.body.decode() == request(CHAT, chat_body("upstream-model")).split(b"\r\n\r\n", 1)[1].decode()


@pytest.mark.parametrize(
    "header",
    [
        ("x-api-key", "secret"),
        ("Api-Key", "secret"),
        ("X-Goog-Api-Key", "secret"),
        ("Cookie", "session=secret"),
        ("Proxy-Authorization", "Basic secret"),
        ("Proxy-Connection", "secret"),
        ("Keep-Alive", "secret"),
        ("TE", "secret"),
        ("Trailer", "secret"),
        ("X-Turnpike-User", "secret"),
        ("X-Turnpike-Anything", "secret"),
        ("X-Forwarded-For", "10.9.8.7"),
        ("X-Forwarded-Host", "secret"),
        ("Forwarded", "for=secret"),
        ("Via", "secret"),
        ("X-Real-IP", "10.9.8.7"),
        ("True-Client-IP", "10.9.8.7"),
        ("CF-Connecting-IP", "10.9.8.7"),
    ],
    ids=lambda pair: pair[0],
)
async def test_credentials_and_words_about_the_connection_end_here(
    stage: Stage, upstream: Upstream, model: str, header: tuple[str, str]
) -> None:
    assert (await stage.chat(model, headers=[header])).status == 200
    received = upstream.requests[0]
    assert header[0].lower() not in received.headers
    assert header[1] not in " ".join(received.headers.values()).replace(SECRET, "")
    assert KEY not in " ".join(received.headers.values())


async def test_headers_named_in_connection_end_here(stage: Stage, upstream: Upstream, model: str) -> None:
    headers = [("Connection", "keep-alive, X-Hop , x-other"), ("X-Hop", "1"), ("X-Other", "2"), ("X-Kept", "3")]
    assert (await stage.chat(model, headers=headers)).status == 200
    received = upstream.requests[0].headers
    assert received["x-kept"] == "3"
    assert not {"x-hop", "x-other", "connection"} & set(received)


async def test_other_headers_reach_the_provider_of_the_same_dialect(
    stage: Stage, upstream: Upstream, model: str
) -> None:
    kept = {"openai-organization": "org", "x-note": "a  b", "user-agent": "test/1", "accept": "text/plain"}
    assert (await stage.chat(model, headers=kept.items())).status == 200
    received = upstream.requests[0].headers
    assert kept.items() <= received.items()


async def test_headers_of_one_api_do_not_reach_another(stage: Stage, anthropic: Upstream) -> None:
    model = await stage.model(
        anthropic, dialect="anthropic_messages", provider={"headers": {"anthropic-version": "2023-06-01"}}
    )
    sent = [("OpenAI-Organization", "org"), ("OpenAI-Beta", "x"), ("X-Stainless-Lang", "python"), ("X-Note", "kept")]
    assert (await stage.chat(model, headers=sent)).status == 200
    received = anthropic.requests[0].headers
    assert received["x-note"] == "kept"
    assert received["x-api-key"] == SECRET
    assert received["anthropic-version"] == "2023-06-01"
    assert not {"openai-organization", "openai-beta", "x-stainless-lang", "authorization"} & set(received)


async def test_the_callers_own_version_replaces_the_providers(stage: Stage, anthropic: Upstream) -> None:
    model = await stage.model(
        anthropic, dialect="anthropic_messages", provider={"headers": {"Anthropic-Version": "2023-06-01"}}
    )
    answered = await stage.ask(MESSAGES, messages_body(model), headers=[("Anthropic-Version", "2024-01-01")])
    assert answered.status == 200
    assert anthropic.requests[0].headers["anthropic-version"] == "2024-01-01"


async def test_the_callers_header_never_replaces_the_credential(stage: Stage, anthropic: Upstream) -> None:
    model = await stage.model(anthropic, dialect="anthropic_messages")
    async with stage.caller() as caller:
        answered = await caller.ask(MESSAGES, messages_body(model), headers=[("X-Api-Key", KEY)])
    assert answered.status == 200
    assert anthropic.requests[0].headers["x-api-key"] == SECRET


async def test_the_query_goes_on_in_the_same_dialect_only(stage: Stage, anthropic: Upstream) -> None:
    model = await stage.model(anthropic, dialect="anthropic_messages")
    assert (await stage.ask(f"{MESSAGES}?beta=true", messages_body(model))).status == 200
    assert (await stage.ask(f"{CHAT}?beta=true", chat_body(model))).status == 200
    assert [received.path for received in anthropic.requests] == ["/v1/messages?beta=true", "/v1/messages"]


async def test_a_request_id_of_the_caller_is_kept_everywhere(stage: Stage, upstream: Upstream, model: str) -> None:
    answered = await stage.chat(model, headers=[("X-Request-Id", "mine-1")])
    assert answered.headers["x-request-id"] == "mine-1"
    assert upstream.requests[0].headers["x-request-id"] == "mine-1"
    assert stage.settled(answered).request_id == "mine-1"


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "<script>", 'a"b'])
async def test_a_request_id_of_another_form_is_replaced(stage: Stage, model: str, given: str) -> None:
    answered = await stage.chat(model, headers=[("X-Request-Id", given)])
    assert answered.status == 200
    assert re.fullmatch("[0-9a-f]{32}", answered.headers["x-request-id"])


async def test_a_trace_goes_on_and_is_written_down(stage: Stage, upstream: Upstream, model: str) -> None:
    parent = f"00-{'a' * 32}-{'b' * 16}-01"
    answered = await stage.chat(model, headers=[("Traceparent", parent), ("Tracestate", "x=y")])
    assert upstream.requests[0].headers["traceparent"] == parent
    assert upstream.requests[0].headers["tracestate"] == "x=y"
    assert stage.settled(answered).trace_id == "a" * 32


@pytest.mark.parametrize(
    "name", ["Authorization", "X-Api-Key", "Content-Type", "Content-Encoding", "X-Request-Id", "Host", "Expect"]
)
async def test_a_header_that_decides_something_may_not_stand_twice(stage: Stage, model: str, name: str) -> None:
    value = "100-continue" if name == "Expect" else "same"
    answered = await stage.chat(model, key=None, headers=[("Authorization", f"Bearer {KEY}")] + [(name, value)] * 2)
    assert answered.status == 400
    assert name.lower() in answered.message


@pytest.mark.parametrize(
    "path",
    [
        "//v1/chat/completions",
        "/v1//chat/completions",
        "/v1/./chat/completions",
        "/v1/../v1/chat/completions",
        "/v1/chat/completions/..",
        "/v1/chat%2fcompletions",
        "/v1/chat%2Fcompletions",
        "/v1/%2e%2e/health",
        "/v1\\chat\\completions",
        "/v1/chat%5ccompletions",
        "/v1/chat/completions%00",
        "/api/v1/%2e%2e/keys",
        "http://gateway.test//v1/chat/completions",
        "*",
        "gateway.test:80",
        "v1/chat/completions",
    ],
)
async def test_an_ambiguous_path_is_refused(stage: Stage, model: str, path: str) -> None:
    answered = await stage.ask(path, chat_body(model))
    assert answered.status == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("PUT", CHAT, 405), ("DELETE", EMBEDDINGS, 405), ("POST", "/v1/models", 405), ("POST", "/v1", 404)],
)
async def test_what_is_not_there_says_so_in_the_apis_own_form(
    stage: Stage, method: str, path: str, status: int
) -> None:
    answered = await stage.ask(path, {} if method == "POST" else None, method=method)
    assert answered.status == status
    assert answered.json()["error"]["type"] == "invalid_request_error"
    if status == 405:
        assert answered.headers["allow"] in {"GET", "POST"}


async def test_an_unknown_path_of_an_anthropic_client_is_answered_in_its_form(stage: Stage) -> None:
    answered = await stage.ask("/v1/nowhere", {}, headers=[("Anthropic-Version", "2023-06-01")])
    assert answered.json()["type"] == "error"


async def test_a_personal_header_of_one_caller_is_not_sent_for_the_next(
    stage: Stage, upstream: Upstream, model: str
) -> None:
    async with stage.caller() as caller:
        for note in ("one", "two", "one"):
            await caller.ask(CHAT, chat_body(model), key=KEY, headers=[("X-Note", note)])
    await asyncio.sleep(0)
    assert [received.headers["x-note"] for received in upstream.requests] == ["one", "two", "one"]
