"""Each class of a provider's error, seen by a caller of each API through its own SDK: the status, the type and the
exception that people expect, whatever API the provider speaks."""

from collections.abc import Callable
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from tests.support.gateway import SIDES, UPSTREAM_KEY, RunningGateway
from tests.support.sdks import Calls

HELLO: list[Any] = [{"role": "user", "content": "hello"}]
FaultyModel = Callable[[str, str], str]
SLUGS = {dialect: side.slug for dialect, side in SIDES.items()}

OPENAI: dict[str, tuple[type[openai.APIStatusError], int, str | None]] = {
    "bad-key": (openai.AuthenticationError, 401, "invalid_api_key"),
    "permission": (openai.PermissionDeniedError, 403, None),
    "quota": (openai.RateLimitError, 429, "insufficient_quota"),
    "rate-limit": (openai.RateLimitError, 429, "rate_limit_exceeded"),
    "context": (openai.BadRequestError, 400, "context_length_exceeded"),
    "refused": (openai.BadRequestError, 400, "content_policy_violation"),
    "overloaded": (openai.InternalServerError, 503, None),
    "not-found": (openai.NotFoundError, 404, "model_not_found"),
    "internal": (openai.InternalServerError, 500, None),
}
"""Exception, status and code."""
ANTHROPIC: dict[str, tuple[type[anthropic.APIStatusError], int, str]] = {
    "bad-key": (anthropic.AuthenticationError, 401, "authentication_error"),
    "permission": (anthropic.PermissionDeniedError, 403, "permission_error"),
    "quota": (anthropic.APIStatusError, 402, "billing_error"),
    "rate-limit": (anthropic.RateLimitError, 429, "rate_limit_error"),
    "context": (anthropic.BadRequestError, 400, "invalid_request_error"),
    "refused": (anthropic.BadRequestError, 400, "invalid_request_error"),
    "overloaded": (anthropic.InternalServerError, 529, "overloaded_error"),
    "not-found": (anthropic.NotFoundError, 404, "not_found_error"),
    "internal": (anthropic.InternalServerError, 500, "api_error"),
}
"""Exception, status and type."""
COHERE: dict[str, int] = {
    "bad-key": 401,
    "permission": 403,
    "quota": 402,
    "rate-limit": 429,
    "context": 400,
    "refused": 498,
    "overloaded": 503,
    "not-found": 404,
    "internal": 500,
}
"""Status: Cohere's SDK picks its exception by it, as tests/conformance/test_sdks.py shows."""


def told(trouble: str, provider: str) -> str:
    """Google has one word for an empty account and for too many requests."""
    return "rate-limit" if (trouble, provider) == ("quota", "gemini") else trouble


EVERY_PROVIDER = pytest.mark.parametrize("provider", SLUGS, ids=lambda name: f"to-{name}")
STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@STREAMED
@EVERY_PROVIDER
@pytest.mark.parametrize("trouble", OPENAI)
async def test_openais_sdk_raises_what_its_users_expect(
    one_kind: Calls, faulty_model: FaultyModel, trouble: str, provider: str, *, stream: bool
) -> None:
    exception, status, code = OPENAI[told(trouble, provider)]
    model = faulty_model(SLUGS[provider], f"error={trouble}")
    ask = one_kind.chat_stream if stream else one_kind.chat
    with pytest.raises(exception) as caught:
        await ask(model=model, messages=HELLO)

    assert caught.value.status_code == status
    assert code is None or caught.value.code == code
    assert caught.value.type in {
        "authentication_error", "permission_error", "insufficient_quota", "rate_limit_error", "requests",
        "invalid_request_error", "server_error",
    }  # fmt: skip
    assert UPSTREAM_KEY not in caught.value.response.text


@STREAMED
@EVERY_PROVIDER
@pytest.mark.parametrize("trouble", ANTHROPIC)
async def test_anthropics_sdk_raises_what_its_users_expect(
    one_kind: Calls, faulty_model: FaultyModel, trouble: str, provider: str, *, stream: bool
) -> None:
    exception, status, kind = ANTHROPIC[told(trouble, provider)]
    model = faulty_model(SLUGS[provider], f"error={trouble}")
    ask = one_kind.messages_stream if stream else one_kind.messages
    with pytest.raises(exception) as caught:
        await ask(model=model, messages=HELLO, max_tokens=50)

    error = caught.value.response.json()["error"]
    assert (caught.value.status_code, error["type"]) == (status, kind)
    if trouble == "context":
        assert "prompt is too long" in error["message"], "what its clients look for"


@EVERY_PROVIDER
@pytest.mark.parametrize("trouble", COHERE)
async def test_a_cohere_caller_gets_coheres_status(
    gateway: RunningGateway, caller_key: str, faulty_model: FaultyModel, trouble: str, provider: str
) -> None:
    answer = httpx2.post(
        f"{gateway.url}/v2/chat",
        json={"model": faulty_model(SLUGS[provider], f"error={trouble}"), "messages": HELLO},
        headers={"authorization": f"Bearer {caller_key}"},
        timeout=20,
    )

    assert answer.status_code == COHERE[told(trouble, provider)]
    assert set(answer.json()) == {"id", "message"}


@pytest.mark.parametrize(
    ("provider", "caller", "kind"),
    [
        ("anthropic_messages", "openai", "server_error"),
        ("openai_chat", "anthropic", "overloaded_error"),
        ("cohere_chat", "anthropic", "overloaded_error"),
    ],
)
async def test_an_error_amid_a_stream_is_of_the_callers_kind(
    one_kind: Calls, faulty_model: FaultyModel, provider: str, caller: str, kind: str
) -> None:
    model = faulty_model(SLUGS[provider], "error-event=4,error=overloaded")
    if caller == "openai":
        with pytest.raises(openai.APIError) as by_openai:
            await one_kind.chat_stream(model=model, messages=HELLO)
        assert by_openai.value.type == kind
    else:
        with pytest.raises(anthropic.APIStatusError) as by_anthropic:
            await one_kind.messages_stream(model=model, messages=HELLO, max_tokens=50)
        body: Any = by_anthropic.value.body
        assert body["error"]["type"] == kind
