"""Errors of providers read whatever their form, and errors of ours written in each caller's."""

import json
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from turnpike.errors import (
    InvalidRequest,
    ModelNotFound,
    RateLimited,
    ScopeMissing,
    TurnpikeError,
    Unauthenticated,
    Unavailable,
    UpstreamCut,
    UpstreamRefused,
    UpstreamTimeout,
)
from turnpike.wire.dialects import DIALECTS

OPENAI = DIALECTS["openai_chat"]
ANTHROPIC = DIALECTS["anthropic_messages"]


@pytest.mark.parametrize(
    ("status", "body", "message", "code", "kind"),
    [
        (
            401,
            {"error": {"message": "No", "type": "invalid_request_error", "param": "x", "code": "invalid_api_key"}},
            "No",
            "invalid_api_key",
            "invalid_request_error",
        ),
        (
            529,
            {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
            "Overloaded",
            None,
            "overloaded_error",
        ),
        (404, {"error": "model 'x' not found"}, "model 'x' not found", None, None),
        (422, {"detail": [{"loc": ["body", "model"], "msg": "field required"}]}, "model: field required", None, None),
        (
            400,
            [{"error": {"code": 400, "message": "Bad", "status": "INVALID_ARGUMENT"}}],
            "Bad",
            "400",
            "INVALID_ARGUMENT",
        ),
        (
            400,
            {"object": "error", "message": "Bad", "type": "BadRequestError", "code": 400},
            "Bad",
            "400",
            "BadRequestError",
        ),
        (500, {"message": "Internal"}, "Internal", None, None),
        (503, "busy", "busy", None, None),
        (502, {}, "status 502", None, None),
    ],
)
@pytest.mark.parametrize("name", list(DIALECTS))
def test_any_form_of_error_is_read(
    name: str, status: int, body: Any, message: str, code: str | None, kind: str | None
) -> None:
    error = DIALECTS[name].read_error(status, json.dumps(body).encode())
    assert message in error.message
    if name.startswith(("gemini", "vertex", "imagen")) and kind == "INVALID_ARGUMENT":
        code, kind = kind, None  # its own word is what an error of this API is known by
    assert (error.status, error.upstream_code, error.upstream_type) == (status, code, kind)


@pytest.mark.parametrize("body", [b"", b"<html><h1>502 Bad Gateway</h1></html>", b"\xff\xfe\x00", b"null", b"[]", b"5"])
def test_what_is_no_error_is_an_error_all_the_same(body: bytes) -> None:
    error = OPENAI.read_error(503, body)
    assert error.status == 503
    assert error.message
    assert "<" not in error.message


def test_a_message_is_bounded_and_shows_no_credential() -> None:
    secrets = [
        "sk-proj-abc123DEF456",
        "sk-ant-api03-xyz_abc",
        "gsk_abcdefghij",
        "AIzaSyA1234567890abcdef",
        "sk-ab***yz",
    ]
    for secret in secrets:
        body = json.dumps({"error": {"message": f"Incorrect API key provided: {secret}. See docs."}}).encode()
        assert secret not in OPENAI.read_error(401, body).message
    assert "secret-token" not in OPENAI.read_error(401, b'{"message":"bad header Bearer secret-token"}').message
    assert len(OPENAI.read_error(400, b"x" * 100_000).message) < 2100


# ---- written: read by the official SDKs

KEY = "k"


def openai_error(status: int, body: bytes) -> openai.APIStatusError:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(status, content=body))
    client = openai.OpenAI(api_key=KEY, http_client=httpx2.Client(transport=transport), max_retries=0)
    with client, pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model="m", messages=[])
    return caught.value


def anthropic_error(status: int, body: bytes) -> anthropic.APIStatusError:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(status, content=body))
    client = anthropic.Anthropic(api_key=KEY, http_client=httpx2.Client(transport=transport), max_retries=0)
    with client, pytest.raises(anthropic.APIStatusError) as caught:
        client.messages.create(model="m", max_tokens=5, messages=[])
    return caught.value


OURS: list[tuple[TurnpikeError, type[openai.APIStatusError], str, type[anthropic.APIStatusError], str]] = [
    (InvalidRequest("bad", details={"param": "x"}), openai.BadRequestError, "invalid_request",
     anthropic.BadRequestError, "invalid_request_error"),
    (Unauthenticated("who?"), openai.AuthenticationError, "invalid_api_key",
     anthropic.AuthenticationError, "authentication_error"),
    (ScopeMissing("no"), openai.PermissionDeniedError, "scope_missing",
     anthropic.PermissionDeniedError, "permission_error"),
    (ModelNotFound("which?"), openai.NotFoundError, "model_not_found", anthropic.NotFoundError, "not_found_error"),
    (RateLimited("slow"), openai.RateLimitError, "rate_limit_exceeded", anthropic.RateLimitError, "rate_limit_error"),
    (Unavailable("later"), openai.InternalServerError, "unavailable",
     anthropic.ServiceUnavailableError, "overloaded_error"),
    (UpstreamTimeout("slow"), openai.InternalServerError, "upstream_timeout",
     anthropic.DeadlineExceededError, "timeout_error"),
    (UpstreamRefused("m", status=529, upstream_type="overloaded_error"), openai.InternalServerError, "",
     anthropic.OverloadedError, "overloaded_error"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "sdk_error", "code"), [row[:3] for row in OURS], ids=lambda v: type(v).__name__)
def test_openais_sdk_reads_our_errors(error: TurnpikeError, sdk_error: type[openai.APIStatusError], code: str) -> None:
    read = openai_error(error.status, OPENAI.write_error(error, "req-1"))
    assert type(read) is sdk_error
    assert (read.code or "", read.param) == (code, error.details.get("param"))
    assert error.message in str(read)
    assert isinstance(read.type, str)


@pytest.mark.parametrize(
    ("error", "sdk_error", "kind"), [(row[0], *row[3:]) for row in OURS], ids=lambda v: type(v).__name__
)
def test_anthropics_sdk_reads_our_errors(
    error: TurnpikeError, sdk_error: type[anthropic.APIStatusError], kind: str
) -> None:
    body = ANTHROPIC.write_error(error, "req-1")
    assert type(anthropic_error(error.status, body)) is sdk_error
    assert json.loads(body) == {
        "type": "error",
        "error": {"type": kind, "message": error.message},
        "request_id": "req-1",
    }


def test_a_providers_own_words_reach_a_caller_of_the_same_form() -> None:
    error = OPENAI.read_error(
        400,
        b'{"error":{"message":"m","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}',
    )
    assert json.loads(OPENAI.write_error(error, "r"))["error"] == {
        "message": "m",
        "type": "invalid_request_error",
        "param": "messages",
        "code": "context_length_exceeded",
    }


@pytest.mark.parametrize("error", [UpstreamCut("broke off"), UpstreamRefused("m", status=429)])
def test_an_error_amid_a_stream_is_raised_by_the_sdks(error: TurnpikeError) -> None:
    headers = {"content-type": "text/event-stream"}
    chunk = b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[]}\n\n'
    stream = chunk + OPENAI.write_stream_error(error, "req-1")
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, content=stream, headers=headers))
    with openai.OpenAI(api_key=KEY, http_client=httpx2.Client(transport=transport)) as client:
        events = client.chat.completions.create(model="m", messages=[], stream=True)
        assert next(events).id == "c"
        with pytest.raises(openai.APIError, match=error.message):
            next(events)
    stream = ANTHROPIC.write_stream_error(error, "req-1")
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, content=stream, headers=headers))
    with anthropic.Anthropic(api_key=KEY, http_client=httpx2.Client(transport=transport)) as client:
        messages = client.messages.create(model="m", max_tokens=5, messages=[], stream=True)
        with pytest.raises(anthropic.APIStatusError, match=error.message):
            next(messages)
