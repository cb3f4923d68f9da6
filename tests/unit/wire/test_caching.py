"""Which requests ask for the same, which are good for one call only, and that providers' own caches are left alone."""

import json
from typing import Any

import pytest

from turnpike.wire.caching import FACTS, canonical_body, question_of
from turnpike.wire.dialects import DIALECTS

CHAT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi."}]}
MESSAGES: dict[str, Any] = {**CHAT, "max_tokens": 5}
GEMINI: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "Hi."}]}]}
RESPONSES: dict[str, Any] = {"model": "m", "input": "Hi.", "store": False}
CONVERSE: dict[str, Any] = {"messages": [{"role": "user", "content": [{"text": "Hi."}]}]}
PLAIN = {
    "openai_chat": CHAT,
    "anthropic_messages": MESSAGES,
    "gemini": GEMINI,
    "openai_responses": RESPONSES,
    "bedrock_converse": CONVERSE,
}


def canonical(dialect: str, body: dict[str, Any]) -> bytes | None:
    return canonical_body(FACTS[dialect], json.dumps(body).encode())


@pytest.mark.parametrize("dialect", PLAIN)
def test_an_ordinary_question_can_be_kept(dialect: str) -> None:
    assert canonical(dialect, PLAIN[dialect]) is not None


@pytest.mark.parametrize("dialect", FACTS)
def test_facts_are_of_dialects_that_there_are(dialect: str) -> None:
    assert dialect in DIALECTS


@pytest.mark.parametrize(
    ("dialect", "more"),
    [
        ("openai_chat", {"stream": True, "stream_options": {"include_usage": True}}),
        ("openai_chat", {"user": "u", "metadata": {"a": "b"}, "prompt_cache_key": "k", "store": False}),
        ("anthropic_messages", {"stream": True, "metadata": {"user_id": "u"}}),
        ("gemini", {"labels": {"team": "a"}}),
        ("openai_responses", {"stream": True, "prompt_cache_key": "k", "model": "other"}),
        ("bedrock_converse", {"requestMetadata": {"a": "b"}}),
    ],
)
def test_what_changes_no_answer_makes_no_other_question(dialect: str, more: dict[str, Any]) -> None:
    assert canonical(dialect, {**PLAIN[dialect], **more}) == canonical(dialect, PLAIN[dialect])


FILE = {"type": "file", "file": {"file_id": "file-1"}}
UNFIT: list[tuple[str, dict[str, Any]]] = [
    ("openai_chat", {"store": True}),
    ("openai_chat", {"n": 3}),
    ("openai_chat", {"tools": [{"type": "web_search"}]}),
    ("openai_chat", {"tools": "nonsense"}),
    ("openai_chat", {"web_search_options": {}}),
    ("openai_chat", {"messages": [{"role": "user", "content": [FILE]}]}),
    ("openai_responses", {"store": True}),
    ("openai_responses", {"store": None}),
    ("openai_responses", {"previous_response_id": "resp_1"}),
    ("openai_responses", {"conversation": "conv_1"}),
    ("openai_responses", {"background": True}),
    ("openai_responses", {"tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]}),
    ("openai_responses", {"input": [{"type": "item_reference", "id": "msg_1"}]}),
    ("anthropic_messages", {"container": "c_1"}),
    ("anthropic_messages", {"mcp_servers": [{"url": "https://example.com"}]}),
    ("anthropic_messages", {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}),
    ("gemini", {"cachedContent": "cachedContents/1"}),
    ("gemini", {"tools": [{"googleSearch": {}}]}),
    ("gemini", {"generationConfig": {"candidateCount": 2}}),
    ("gemini", {"contents": [{"parts": [{"fileData": {"fileUri": "https://example.com/files/1"}}]}]}),
    ("bedrock_converse", {"toolConfig": {"tools": [{"systemTool": {"name": "t"}}]}}),
    ("bedrock_converse", {"guardrailConfig": {"guardrailIdentifier": "g"}}),
]


@pytest.mark.parametrize(("dialect", "more"), UNFIT)
def test_what_is_good_for_one_call_only_is_never_kept(dialect: str, more: dict[str, Any]) -> None:
    assert canonical(dialect, {**PLAIN[dialect], **more}) is None


def test_a_reference_that_is_spelled_otherwise_is_still_one() -> None:
    body = json.dumps({**CHAT, "messages": [{"role": "user", "content": [FILE]}]}).replace("file_id", "file\\u005fid")
    assert canonical_body(FACTS["openai_chat"], body.encode()) is None


def test_words_about_a_reference_are_none() -> None:
    text = 'What does "file_id": mean?'
    assert canonical("openai_chat", {**CHAT, "messages": [{"role": "user", "content": text}]}) is not None


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff"])
def test_what_is_no_object_is_never_kept(body: bytes) -> None:
    assert canonical_body(FACTS["openai_chat"], body) is None


@pytest.mark.parametrize("dialect", PLAIN)
def test_the_question_is_the_last_text_and_its_context_all_the_rest(dialect: str) -> None:
    first = PLAIN[dialect]
    other = json.loads(json.dumps(first).replace("Hi.", "Hello there."))
    found = [question_of(DIALECTS[dialect], json.dumps(body).encode(), longest=100) for body in (first, other)]
    assert [each.text for each in found if each is not None] == ["Hi.", "Hello there."]
    assert found[0] is not None
    assert found[1] is not None
    assert found[0].context == found[1].context


@pytest.mark.parametrize(
    "more",
    [
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
        {"response_format": {"type": "json_object"}},
        {"messages": [{"role": "assistant", "content": "I am last."}]},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://e.com/a"}}]}]},
        {"messages": [{"role": "user", "content": "x" * 101}]},
    ],
)
def test_where_near_is_not_near_enough_there_is_no_question(more: dict[str, Any]) -> None:
    body = json.dumps({**CHAT, **more}).encode()
    assert question_of(DIALECTS["openai_chat"], body, longest=100) is None


@pytest.mark.parametrize(
    ("dialect", "more"),
    [
        ("anthropic_messages", {"system": [{"type": "text", "text": "S", "cache_control": {"type": "ephemeral"}}]}),
        ("openai_chat", {"prompt_cache_key": "tenant-7"}),
        ("gemini", {"cachedContent": "cachedContents/1"}),
    ],
)
def test_fields_of_providers_own_caches_go_on_as_they_came(dialect: str, more: dict[str, Any]) -> None:
    body = json.dumps({**PLAIN[dialect], **more}).encode()
    spoken = DIALECTS[dialect]
    head = spoken.read_head(body)
    sent = json.loads(spoken.splice(body, head, "upstream"))
    assert all(sent[name] == value for name, value in more.items())
