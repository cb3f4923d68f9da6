"""A provider's error is recognised by what providers are known to say, and said as the caller's API would."""

import pytest

from turnpike.errors import RefusalKind, UpstreamRefused
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.dialects.common.refusals import kind_of
from turnpike.wire.refusals import SAID, said_in


def refused(status: int, message: str = "x", code: str | None = None, kind: str | None = None) -> UpstreamRefused:
    return UpstreamRefused(message, status=status, upstream_code=code, upstream_type=kind, retry_after_s=3)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (refused(401), RefusalKind.BAD_KEY),
        (refused(400, "API key not valid. Please pass a valid API key."), RefusalKind.BAD_KEY),
        (refused(402), RefusalKind.QUOTA),
        (refused(429, code="insufficient_quota"), RefusalKind.QUOTA),
        (refused(400, "Your credit balance is too low to access the API."), RefusalKind.QUOTA),
        (refused(429), RefusalKind.RATE_LIMITED),
        (refused(429, "You exceeded your current quota", kind="RESOURCE_EXHAUSTED"), RefusalKind.RATE_LIMITED),
        (refused(400, code="context_length_exceeded"), RefusalKind.CONTEXT),
        (refused(400, "prompt is too long: 9 tokens > 8 maximum"), RefusalKind.CONTEXT),
        (refused(400, "too many tokens: size limit exceeded by 1 tokens."), RefusalKind.CONTEXT),
        (refused(400, "The input token count (9) exceeds the maximum number of tokens (8)."), RefusalKind.CONTEXT),
        (refused(498), RefusalKind.CONTENT),
        (refused(400, "Output blocked by content filtering policy"), RefusalKind.CONTENT),
        (refused(529), RefusalKind.OVERLOADED),
        (refused(502, "Overloaded"), RefusalKind.OVERLOADED),
        (refused(404), RefusalKind.NOT_FOUND),
        (refused(400, "temperature: must be at most 1"), None),
        (refused(500, "it broke"), None),
    ],
)
def test_an_error_is_recognised(error: UpstreamRefused, kind: RefusalKind | None) -> None:
    assert kind_of(error.status, error.upstream_code, error.upstream_type, error.message) is kind


def test_within_one_api_an_error_stays_as_it_is() -> None:
    error = refused(429, code="whatever")
    assert said_in(error, "openai_chat", "openai_embeddings") is error
    assert said_in(error, "cohere_chat", "cohere_chat") is error


@pytest.mark.parametrize("caller", ["openai_chat", "anthropic_messages", "cohere_chat"])
@pytest.mark.parametrize("kind", list(SAID["openai"]))
def test_every_class_has_its_words_in_every_api(kind: RefusalKind, caller: str) -> None:
    said = SAID[caller.partition("_")[0]][kind]
    codes = {RefusalKind.CONTEXT: "context_length_exceeded", RefusalKind.CONTENT: "content_filter"}
    status = {RefusalKind.BAD_KEY: 401, RefusalKind.FORBIDDEN: 403, RefusalKind.QUOTA: 402,
              RefusalKind.RATE_LIMITED: 429, RefusalKind.OVERLOADED: 503, RefusalKind.NOT_FOUND: 404}  # fmt: skip
    error = said_in(refused(status.get(kind, 400), "what it said", codes.get(kind)), "bedrock_converse", caller)
    assert (error.status, error.upstream_type, error.upstream_code) == (said.status, said.type, said.code)
    assert error.message.endswith("what it said")
    assert error.retry_after_s == 3
    assert b"what it said" in DIALECTS[caller].write_error(error, "r")


def test_what_is_of_no_class_loses_words_that_mean_nothing_to_the_caller() -> None:
    error = said_in(refused(422, "odd", "their_code", "their_type"), "anthropic_messages", "openai_chat")
    assert (error.status, error.upstream_type, error.upstream_code, error.message) == (422, None, None, "odd")


def test_what_clients_look_for_is_put_before_a_message_once() -> None:
    for message in ("The input is too long.", "prompt is too long: 9 > 8"):
        error = said_in(refused(400, message, "context_length_exceeded"), "openai_chat", "anthropic_messages")
        assert error.message.count("prompt is too long") == 1
