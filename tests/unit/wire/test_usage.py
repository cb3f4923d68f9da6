"""Usage as providers report it, brought to one form."""

import json
from typing import Any

import pytest

from tests.support.wire_dialects import TRANSLATED
from turnpike.errors import UpstreamGarbage
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.types.usage import MediaUsage, Usage


@pytest.mark.parametrize(
    ("dialect", "reported", "usage"),
    [
        # OpenAI
        (
            "openai_chat",
            {
                "prompt_tokens": 2006,
                "completion_tokens": 300,
                "total_tokens": 2306,
                "prompt_tokens_details": {"cached_tokens": 1920, "audio_tokens": 6, "cache_write_tokens": 40},
                "completion_tokens_details": {"reasoning_tokens": 128, "audio_tokens": 7},
            },
            Usage(2006, 300, 1920, 40, 0, 128, 6, 7),
        ),
        # null details, as many servers write them
        (
            "openai_chat",
            {"prompt_tokens": 5, "completion_tokens": 2, "prompt_tokens_details": None},
            Usage(5, 2),
        ),
        # DeepSeek
        (
            "openai_chat",
            {"prompt_tokens": 10, "completion_tokens": 4, "prompt_cache_hit_tokens": 8, "prompt_cache_miss_tokens": 2},
            Usage(10, 4, 8),
        ),
        # xAI: reasoning beside the completion
        (
            "openai_chat",
            {
                "prompt_tokens": 32,
                "completion_tokens": 9,
                "total_tokens": 135,
                "completion_tokens_details": {"reasoning_tokens": 94},
            },
            Usage(32, 103, reasoning_tokens=94),
        ),
        ("openai_embeddings", {"prompt_tokens": 8, "total_tokens": 8}, Usage(8)),
        # Anthropic
        (
            "anthropic_messages",
            {
                "input_tokens": 21,
                "output_tokens": 393,
                "cache_creation_input_tokens": 188,
                "cache_read_input_tokens": 1000,
                "cache_creation": {"ephemeral_5m_input_tokens": 88, "ephemeral_1h_input_tokens": 100},
                "output_tokens_details": {"thinking_tokens": 50},
                "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0},
                "service_tier": "standard",
            },
            Usage(1209, 393, 1000, 88, 100, 50, web_searches=2),
        ),
        (
            "anthropic_messages",
            {"input_tokens": 5, "output_tokens": 1, "cache_creation": None, "cache_read_input_tokens": None},
            Usage(5, 1),
        ),
    ],
)
def test_reported_usage_is_brought_to_one_form(dialect: str, reported: dict[str, Any], usage: Usage) -> None:
    assert DIALECTS[dialect].read_usage(json.dumps({"x": 1, "usage": reported}).encode()) == usage


@pytest.mark.parametrize("dialect", ["openai_chat", "anthropic_messages", "openai_embeddings"])
@pytest.mark.parametrize("body", [b"{}", b'{"usage":null}', b'{"usage":{}}', b'{"usage":{"prompt_tokens":"many"}}'])
def test_an_answer_without_usage_has_none(dialect: str, body: bytes) -> None:
    assert DIALECTS[dialect].read_usage(body) is None


@pytest.mark.parametrize("dialect", list(TRANSLATED))
@pytest.mark.parametrize("body", [b"", b"<html>", b'{"usage":', b"\xff"])
def test_what_is_no_json_is_garbage(dialect: str, body: bytes) -> None:
    with pytest.raises(UpstreamGarbage):
        DIALECTS[dialect].read_usage(body)


@pytest.mark.parametrize(
    ("tier", "media"),
    [
        ("flex", MediaUsage(service_tier="flex")),
        ("priority", MediaUsage(service_tier="priority")),
        ("default", None),
        (None, None),
        (7, None),
        ("scale", None),
    ],
)
def test_a_service_tier_with_a_price_of_its_own_is_told_whole_and_streamed(tier: Any, media: MediaUsage | None) -> None:
    dialect = DIALECTS["openai_chat"]
    answer = {"service_tier": tier, "usage": {"prompt_tokens": 3, "completion_tokens": 4}}
    assert dialect.read_usage(json.dumps(answer).encode()) == Usage(3, 4, media=media)
    if not isinstance(tier, int):
        tail = dialect.tail(dialect.read_head(b'{"model":"m","stream":true,"stream_options":{"include_usage":true}}'))
        tail.feed(b"data: " + json.dumps({**answer, "choices": []}).encode() + b"\n\ndata: [DONE]\n\n")
        assert tail.usage == Usage(3, 4, media=media)


def test_a_batch_of_anthropics_is_told() -> None:
    answer = {"usage": {"input_tokens": 3, "output_tokens": 4, "service_tier": "batch"}}
    usage = DIALECTS["anthropic_messages"].read_usage(json.dumps(answer).encode())
    assert usage == Usage(3, 4, media=MediaUsage(service_tier="batch"))
