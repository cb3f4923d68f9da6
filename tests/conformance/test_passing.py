"""Same dialect on both sides: what the gateway does not own passes as it is."""

import json
from typing import Any

import httpx2
import pytest

from tests.support.gateway import SIDES, UPSTREAM_KEY, UPSTREAM_MODEL, RunningGateway
from tests.support.sdks import Calls

HELLO: list[Any] = [{"role": "user", "content": "hello"}]
PATHS = {"openai_chat": "/v1/chat/completions", "anthropic_messages": "/v1/messages"}
VERSION = {"anthropic-version": "2023-06-01"}


def send(
    gateway: RunningGateway, key: str, dialect: str, body: bytes, request_id: str, **headers: str
) -> httpx2.Response:
    sent = {"authorization": f"Bearer {key}", "x-request-id": request_id, "content-type": "application/json"}
    if dialect == "anthropic_messages":
        sent.update(VERSION)
    sent.update({name.replace("_", "-"): value for name, value in headers.items()})
    return httpx2.post(gateway.url + PATHS[dialect], content=body, headers=sent, timeout=20)


@pytest.mark.parametrize("dialect", PATHS)
async def test_unknown_fields_reach_the_provider_byte_for_byte(
    gateway: RunningGateway, caller_key: str, dialect: str, request_id: str
) -> None:
    model = SIDES[dialect].model
    body = (
        '{ "max_tokens": 100, "vendor_field" : {"deep": [1, 2.50, "\\u00e9"], "null": null},\n  "model": "MODEL",'
        ' "messages": [{"role": "user", "content": "hi", "x-mark": 1e3}] }'
    ).replace("MODEL", model)
    assert send(gateway, caller_key, dialect, body.encode(), request_id).status_code == 200

    received = gateway.upstream_call(request_id)["body"]
    assert received == body.replace(f'"{model}"', f'"{UPSTREAM_MODEL}"')


@pytest.mark.parametrize("dialect", PATHS)
async def test_the_answers_own_fields_reach_the_caller(
    gateway: RunningGateway, caller_key: str, dialect: str, request_id: str
) -> None:
    body = {"model": SIDES[dialect].model, "max_tokens": 50, "messages": HELLO}
    through = send(gateway, caller_key, dialect, json.dumps(body).encode(), request_id).json()
    direct = httpx2.post(
        gateway.simulator.url + PATHS[dialect], json={**body, "model": UPSTREAM_MODEL}, headers=VERSION
    ).json()

    assert set(through) == set(direct)
    assert through["usage"] == direct["usage"]


@pytest.mark.parametrize("dialect", PATHS)
async def test_the_callers_credentials_and_our_headers_stay_here(
    gateway: RunningGateway, caller_key: str, dialect: str, request_id: str
) -> None:
    body = json.dumps({"model": SIDES[dialect].model, "max_tokens": 50, "messages": HELLO}).encode()
    send(
        gateway,
        caller_key,
        dialect,
        body,
        request_id,
        cookie="session=1",
        x_turnpike_secret="1",
        x_own_header="kept",
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )
    call = gateway.upstream_call(request_id)

    assert call["key_hint"] == UPSTREAM_KEY[-4:]
    headers = call["headers"]
    assert headers["x-own-header"] == "kept"
    assert headers["traceparent"].startswith("00-0af7651916cd43dd8448eb211c80319c-")
    assert headers["accept-encoding"] == "identity"
    assert "cookie" not in headers
    assert not [name for name in headers if name.startswith("x-turnpike-")]


async def test_usage_is_asked_for_upstream_but_kept_from_who_did_not_ask(
    gateway: RunningGateway, calls: Calls, request_id: str
) -> None:
    chunks = await calls.chat_stream(
        model=SIDES["openai_chat"].model, messages=HELLO, extra_headers={"x-request-id": request_id}
    )

    assert json.loads(gateway.upstream_call(request_id)["body"])["stream_options"] == {"include_usage": True}
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)
    assert gateway.ledger_row(request_id)["output_tokens"] == 12


async def test_the_request_id_comes_back(calls: Calls, one_kind: Calls, request_id: str) -> None:
    answer: Any = await one_kind.openai.chat.completions.with_raw_response.create(
        model=SIDES["openai_chat"].model, messages=HELLO, extra_headers={"x-request-id": request_id}
    )
    assert answer.headers["x-request-id"] == request_id
