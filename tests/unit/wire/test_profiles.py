"""Facts of model families by name, and guesses from a name or a list's row."""

from typing import Any

import pytest

from turnpike.wire.operations import Operation
from turnpike.wire.profiles.capabilities import guess_capabilities, operations_of
from turnpike.wire.profiles.claude import claude
from turnpike.wire.profiles.gpt import gpt
from turnpike.wire.profiles.reasoning import BUDGETS, budget_of, effort_of, nearest


@pytest.mark.parametrize(
    ("model", "facts"),
    [
        ("claude-2.1", {"thinking": "none", "json_schema": False, "sampling": True}),
        ("claude-3-haiku-20240307", {"thinking": "none"}),
        ("claude-3-5-sonnet-latest", {"thinking": "none"}),
        ("claude-3-7-sonnet-20250219", {"thinking": "manual", "json_schema": False}),
        ("claude-sonnet-4-20250514", {"thinking": "manual", "json_schema": False, "efforts": ()}),
        ("claude-opus-4-1-20250805", {"thinking": "manual", "json_schema": True}),
        ("claude-opus-4-5-20251101", {"thinking": "manual", "efforts": ("low", "medium", "high")}),
        ("anthropic/claude-sonnet-4.5", {"thinking": "manual", "efforts": ()}),
        ("claude-haiku-4-5", {"thinking": "manual", "thinking_off": "omit"}),
        ("us.anthropic.claude-opus-4-6-v1", {"thinking": "both", "sampling": True}),
        ("claude-opus-4-7", {"thinking": "adaptive", "sampling": False, "midway_system": False}),
        ("claude-opus-4-8", {"thinking_off": "omit", "midway_system": True}),
        ("claude-sonnet-5", {"thinking_off": "disabled", "midway_system": False}),
        ("claude-opus-5", {"thinking_off": "disabled", "midway_system": True}),
        ("claude-haiku-5-5", {"thinking_off": "disabled"}),
        ("claude-sonnet-5-5", {"thinking_off": "between_tools"}),
        ("claude-opus-5-5", {"thinking_off": "never"}),
        ("claude-fable-5", {"thinking_off": "never"}),
        ("claude-mythos-5-2", {"thinking_off": "never", "is_claude": True}),
        ("claude-opus-latest", {"thinking": "adaptive"}),
        ("qwen3-coder", {"is_claude": False, "thinking": "manual", "sampling": True}),
    ],
)
def test_a_claude_is_known_by_its_name(model: str, facts: dict[str, Any]) -> None:
    assert {name: getattr(claude(model), name) for name in facts} == facts


@pytest.mark.parametrize(
    ("model", "facts"),
    [
        ("gpt-4o-mini", {"reasons": False, "sampling": True}),
        ("openai/gpt-4.1", {"reasons": False}),
        ("chatgpt-4o-latest", {"reasons": False}),
        ("o3-mini", {"reasons": True, "sampling": False}),
        ("gpt-5.2", {"reasons": True, "sampling": False, "cache_breakpoints": False}),
        ("gpt-5.3-chat-latest", {"reasons": False, "sampling": True}),
        ("gpt-5.6", {"cache_breakpoints": True}),
        ("gpt-6-astra", {"cache_breakpoints": True, "sampling": False}),
        ("openai/gpt-oss-120b", {"reasons": True, "sampling": True}),
        ("llama-3.3-70b", {"reasons": True, "sampling": True}),
    ],
)
def test_an_openai_model_is_known_by_its_name(model: str, facts: dict[str, Any]) -> None:
    assert {name: getattr(gpt(model), name) for name in facts} == facts


def test_effort_and_budget_follow_each_other() -> None:
    assert list(BUDGETS.values()) == sorted(BUDGETS.values())
    for word in ("low", "medium", "high"):
        assert effort_of(budget_of(word)) == word
    assert effort_of(10**6) == "high"


def test_an_effort_is_brought_to_the_nearest_that_is_known() -> None:
    assert nearest("minimal", ("low", "medium", "high")) == "low"
    assert nearest("xhigh", ("low", "medium", "high", "max")) == "high"
    assert nearest("max", ("low", "medium", "high", "xhigh", "max")) == "max"


@pytest.mark.parametrize(
    ("name", "capabilities"),
    [
        ("gpt-5.2", ("chat",)),
        ("llama-3.3-70b-versatile", ("chat",)),
        ("gpt-5.2-codex", ("chat", "code")),
        ("deepseek-coder-v2", ("chat", "code")),
        ("text-embedding-3-small", ("embeddings",)),
        ("nomic-embed-text:latest", ("embeddings",)),
        ("BAAI/bge-m3", ("embeddings",)),
        ("gemini-embedding-001", ("embeddings",)),
        ("whisper-large-v3-turbo", ("speech_to_text",)),
        ("gpt-4o-transcribe", ("speech_to_text",)),
        ("gpt-4o-mini-tts", ("audio",)),
        ("tts-1-hd", ("audio",)),
        ("dall-e-3", ("image",)),
        ("gpt-image-1-mini", ("image",)),
        ("black-forest-labs/FLUX.1-schnell", ("image",)),
        ("imagen-4.0-generate-001", ("image",)),
        ("sora-2-pro", ("video",)),
        ("veo-3.1-generate", ("video",)),
        ("omni-moderation-latest", ("moderation",)),
        ("rerank-v3.5", ("rerank",)),
        ("jina-reranker-v2-base-multilingual", ("rerank",)),
        ("meta-llama/llama-guard-4-12b", ()),
        ("gpt-realtime", ("realtime",)),
        ("babbage-002", ()),
    ],
)
def test_capabilities_are_guessed_from_the_name(name: str, capabilities: tuple[str, ...]) -> None:
    assert guess_capabilities(name) == capabilities


def test_what_the_list_says_outweighs_the_name() -> None:
    assert guess_capabilities("whisper-like-chat", declared=["chat"]) == ("chat",)
    assert guess_capabilities("x", declared=["completion", "tools", "vision"]) == ("chat",)
    assert guess_capabilities("x", declared=["embedding"]) == ("embeddings",)
    assert guess_capabilities("x", modalities=["image"]) == ("image",)
    assert guess_capabilities("x", modalities=["text", "image"]) == ("chat",)


def test_operations_follow_from_capabilities() -> None:
    assert operations_of(("chat", "code")) == (Operation.CHAT, Operation.COUNT_TOKENS)
    assert operations_of(("embeddings",)) == (Operation.EMBEDDINGS,)
    pictures = (Operation.IMAGE_GENERATION, Operation.IMAGE_EDIT, Operation.IMAGE_VARIATION)
    assert operations_of(("image", "video")) == (*pictures, Operation.VIDEO)
    assert operations_of(("audio", "speech_to_text", "realtime")) == (
        Operation.TRANSCRIPTION,
        Operation.TRANSLATION,
        Operation.SPEECH,
        Operation.REALTIME,
    )
    assert operations_of(("rerank", "moderation")) == (Operation.RERANK, Operation.MODERATION)
