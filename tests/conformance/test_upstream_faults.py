"""When the provider fails, the caller gets a clear answer in its own dialect, another deployment, or a second try."""

import json
from collections.abc import Callable
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from tests.support.cases import GREETING
from tests.support.dialects import DIALECTS as EVERY_DIALECT
from tests.support.gateway import SIDES, UPSTREAM_KEY, RunningGateway, wait_for
from tests.support.sdks import Calls

HELLO: list[Any] = [{"role": "user", "content": "hello"}]
FaultyModel = Callable[[str, str], str]
PATHS = {
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "anthropic_messages": "/v1/messages",
}
ASKED: dict[str, dict[str, Any]] = {
    "openai_chat": {"messages": HELLO},
    "openai_responses": {"input": HELLO},
    "anthropic_messages": {"messages": HELLO, "max_tokens": 100},
}
ENDS = {"openai_chat": "[DONE]", "openai_responses": "response.completed", "anthropic_messages": "message_stop"}
ERRORS = {"openai_chat": '"error"', "openai_responses": "event: error", "anthropic_messages": '"error"'}
DIALECTS = tuple(name for name in EVERY_DIALECT if name != "gemini")
"""Google's SDK has tests of its own: tests/conformance/test_gemini.py."""
SLUGS = tuple(side.slug for side in SIDES.values())


async def ask(calls: Calls, caller: str, model: str, *, stream: bool, **extra: Any) -> Any:
    arguments: dict[str, Any] = {"model": model, "messages": HELLO, **extra}
    if caller == "openai_chat":
        return await (calls.chat_stream if stream else calls.chat)(**arguments)
    if caller == "openai_responses":
        arguments["input"] = arguments.pop("messages")
        return await (calls.responses_stream if stream else calls.responses)(**arguments)
    return await (calls.messages_stream if stream else calls.messages)(max_tokens=100, **arguments)


def sdk_of(caller: str) -> Any:
    return anthropic if caller == "anthropic_messages" else openai


STATUSES = {
    400: "BadRequestError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    422: "UnprocessableEntityError",
    429: "RateLimitError",
    500: "InternalServerError",
    503: "InternalServerError",
}


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("caller", DIALECTS)
async def test_a_providers_status_and_message_come_through(
    one_kind: Calls, faulty_model: FaultyModel, caller: str, slug: str, status: int
) -> None:
    model = faulty_model(slug, f"status={status}")
    with pytest.raises(getattr(sdk_of(caller), STATUSES[status]), match=f"fail with status {status}") as caught:
        await ask(one_kind, caller, model, stream=False)

    assert UPSTREAM_KEY not in caught.value.response.text


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("caller", DIALECTS)
async def test_retry_after_reaches_the_caller(calls: Calls, faulty_model: FaultyModel, caller: str, slug: str) -> None:
    model = faulty_model(slug, "retry-after=17")
    with pytest.raises(sdk_of(caller).RateLimitError) as caught:
        await ask(calls, caller, model, stream=True)

    assert caught.value.response.headers["retry-after"] == "17"


@pytest.mark.parametrize("fault", ["status=500", "status=503", "cut=0", "reset=0", "garbage", "bad-json", "cut"])
@pytest.mark.parametrize("slug", SLUGS)
async def test_a_failed_first_try_is_tried_again(
    gateway: RunningGateway, one_kind: Calls, faulty_model: FaultyModel, slug: str, fault: str, request_id: str
) -> None:
    model = faulty_model(slug, f"fail=1,{fault}")
    completion = await ask(one_kind, "openai_chat", model, stream=False, extra_headers={"x-request-id": request_id})

    assert completion.choices[0].message.content == f"{GREETING} You said: hello"
    assert len(gateway.simulator.calls_of(request_id)) == 2
    row = gateway.ledger_row(request_id)
    assert row["status"] == 200
    # A kept connection that the provider closes without a byte is replaced: that is no attempt of its own.
    assert row["attempts"] in ({1, 2} if fault in {"cut=0", "reset=0"} else {2})


async def test_a_failing_deployment_is_replaced_by_another(
    gateway: RunningGateway, one_kind: Calls, faulty_model: FaultyModel, request_id: str
) -> None:
    model = faulty_model(SLUGS[0], "status=500")
    gateway.add_model(SLUGS[1], model, f"healthy-{model}")
    # The relay may be a moment behind its list: both deployments must have been tried before it counts.
    wait_for("both deployments are used", lambda: _used_twice(gateway, model))
    for number in range(4):
        headers = {"x-request-id": f"{request_id}-{number}"}
        completion = await ask(one_kind, "openai_chat", model, stream=False, extra_headers=headers)
        assert completion.choices[0].message.content == f"{GREETING} You said: hello"
        assert gateway.ledger_row(f"{request_id}-{number}")["provider"] == SLUGS[1]


def _used_twice(gateway: RunningGateway, model: str) -> bool | None:
    answer = httpx2.post(
        f"{gateway.url}/v1/chat/completions",
        json={"model": model, "messages": HELLO},
        headers={"authorization": f"Bearer {gateway.admin_key}"},
    )
    return True if answer.status_code == 200 else None


@pytest.mark.parametrize("fault", ["garbage", "html", "bad-json", "oversize=70MB", "cut=0", "cut"])
@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("caller", DIALECTS)
async def test_an_unreadable_answer_is_a_clear_502(
    one_kind: Calls, faulty_model: FaultyModel, caller: str, slug: str, fault: str
) -> None:
    model = faulty_model(slug, fault)
    with pytest.raises(sdk_of(caller).InternalServerError) as caught:
        await ask(one_kind, caller, model, stream=False)

    assert caught.value.status_code == 502
    assert "provider" in caught.value.message.lower()


# ---- streams


@pytest.mark.parametrize("fault", ["cut=4", "reset=4", "no-end"])
@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("caller", DIALECTS)
async def test_a_stream_that_breaks_off_never_ends_cleanly(
    gateway: RunningGateway,
    one_kind: Calls,
    faulty_model: FaultyModel,
    caller: str,
    slug: str,
    fault: str,
    request_id: str,
) -> None:
    model = faulty_model(slug, fault)
    with pytest.raises(sdk_of(caller).APIError) as caught:
        await ask(one_kind, caller, model, stream=True, extra_headers={"x-request-id": request_id})
    row = gateway.ledger_row(request_id)

    # A stream that came in one read and lacks its end is refused before the caller has a byte of it.
    answer = getattr(caught.value, "response", None)
    refused = fault == "no-end" and answer is not None and answer.status_code != 200
    assert row["outcome"] == ("upstream_error" if refused else "cut")
    assert row["usage_source"] == "estimated"
    assert row["output_tokens"] > 0


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("caller", DIALECTS)
async def test_an_error_event_in_a_stream_reaches_the_caller(
    one_kind: Calls, faulty_model: FaultyModel, caller: str, slug: str
) -> None:
    model = faulty_model(slug, "error-event=4,status=503")
    with pytest.raises(sdk_of(caller).APIError, match="503"):
        await ask(one_kind, caller, model, stream=True)


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("caller", DIALECTS)
async def test_broken_json_in_a_stream_ends_it_with_an_error_or_passes(
    gateway: RunningGateway, caller_key: str, faulty_model: FaultyModel, caller: str, slug: str, request_id: str
) -> None:
    """Between two dialects it cannot be read; within one it is the provider's own bytes. Never is it a bare break."""
    model = faulty_model(slug, "bad-json")
    answer = httpx2.post(
        gateway.url + PATHS[caller],
        json={"model": model, "stream": True, **ASKED[caller]},
        headers={
            "authorization": f"Bearer {caller_key}",
            "anthropic-version": "2023-06-01",
            "x-request-id": request_id,
        },
    )
    text = answer.text

    if answer.status_code != 200:  # it came in one read: nothing of it had gone on
        assert (answer.status_code, "error" in answer.json()) == (502, True)
        return
    assert (ENDS[caller] in text) != (ERRORS[caller] in text)
    assert gateway.ledger_row(request_id)["request_id"] == request_id


@pytest.mark.parametrize("fault", ["drip", "pace=5ms"])
@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("caller", DIALECTS)
async def test_a_slow_stream_is_still_whole(
    one_kind: Calls, faulty_model: FaultyModel, caller: str, slug: str, fault: str
) -> None:
    events = await ask(one_kind, caller, faulty_model(slug, fault), stream=True)

    if caller == "openai_chat":
        text = "".join(choice.delta.content or "" for chunk in events for choice in chunk.choices)
    elif caller == "openai_responses":
        text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    else:
        text = "".join(event.delta.text for event in events if event.type == "content_block_delta")
    assert text == f"{GREETING} You said: hello"


async def test_a_caller_that_leaves_stops_the_provider(
    gateway: RunningGateway, caller_key: str, faulty_model: FaultyModel, request_id: str
) -> None:
    model = faulty_model(SLUGS[0], "pace=50ms")
    body = {"model": model, "messages": [{"role": "user", "content": "[words:1000]"}], "stream": True}
    headers = {"authorization": f"Bearer {caller_key}", "x-request-id": request_id}
    with httpx2.stream("POST", f"{gateway.url}/v1/chat/completions", json=body, headers=headers) as answer:
        next(answer.iter_lines())
    row = gateway.ledger_row(request_id)
    ended = wait_for("the provider is stopped", lambda: gateway.upstream_call(request_id)["ended"])

    assert ended == "client_left"
    assert (row["status"], row["outcome"]) == (499, "cancelled")
    assert row["cost_nanousd"] is None or row["cost_nanousd"] > 0


async def test_a_breaker_opens_and_says_when_to_come_back(
    gateway: RunningGateway, one_kind: Calls, faulty_model: FaultyModel, request_id: str
) -> None:
    model = faulty_model(SLUGS[0], "status=500")
    for _ in range(4):
        with pytest.raises(openai.InternalServerError):
            await one_kind.chat(model=model, messages=HELLO)
    with pytest.raises(openai.InternalServerError) as caught:
        await one_kind.chat(model=model, messages=HELLO, extra_headers={"x-request-id": request_id})

    assert caught.value.status_code == 503
    assert int(caught.value.response.headers["retry-after"]) > 0
    assert gateway.simulator.calls_of(request_id) == []
    assert json.loads(caught.value.response.text)["error"]["message"]
