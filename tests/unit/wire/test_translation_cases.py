"""The case table: what is said in one dialect, and exactly how it is said in the other."""

import json

import pytest

from turnpike.wire.dialect import Target
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.profiles import quirks as q

from .cases import CASES, HI, PNG, TOOL_A, Case, Json

OPENAI = DIALECTS["openai_chat"]
ANTHROPIC = DIALECTS["anthropic_messages"]


def written(body: bytes) -> Json:
    return json.loads(body)


@pytest.mark.parametrize("case_", CASES, ids=[case_.name for case_ in CASES])
def test_openais_words_in_anthropics(case_: Case) -> None:
    body = json.dumps({"model": "asked", **case_.openai}).encode()
    out = ANTHROPIC.write_request(OPENAI.read_request(body), Target(case_.model))
    assert written(out) == {"model": case_.model, **case_.anthropic}


@pytest.mark.parametrize("case_", CASES, ids=[case_.name for case_ in CASES])
def test_anthropics_words_in_openais(case_: Case) -> None:
    body = json.dumps({"model": "asked", **case_.anthropic}).encode()
    out = written(OPENAI.write_request(ANTHROPIC.read_request(body), Target("up")))
    expected: Json = {"model": "up", **case_.openai, **case_.back}
    if case_.back.get("messages") is ...:
        expected["messages"] = out["messages"]
    assert out == {name: value for name, value in expected.items() if value is not None}


# ---- one way only


def to_openai(anthropic: Json, *quirks: str, model: str = "up") -> Json:
    body = json.dumps({"model": "asked", "max_tokens": 9, "messages": [HI], **anthropic}).encode()
    return written(OPENAI.write_request(ANTHROPIC.read_request(body), Target(model, quirks=frozenset(quirks))))


def to_anthropic(openai: Json, model: str = "claude-opus-4-5") -> Json:
    body = json.dumps({"model": "asked", "messages": [HI], **openai}).encode()
    return written(ANTHROPIC.write_request(OPENAI.read_request(body), Target(model)))


def test_a_failed_result_says_so_in_its_text() -> None:
    content = [{"type": "tool_result", "tool_use_id": "c", "content": "no such city", "is_error": True}]
    (message,) = to_openai({"messages": [{"role": "user", "content": content}]})["messages"]
    assert message == {"role": "tool", "tool_call_id": "c", "content": "Error: no such city"}


def test_an_image_in_a_result_follows_in_the_users_words() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    content = [
        {"type": "tool_result", "tool_use_id": "c", "content": [image]},
        {"type": "tool_result", "tool_use_id": "d", "content": [{"type": "text", "text": "t"}]},
    ]
    messages = to_openai({"messages": [{"role": "user", "content": content}]})["messages"]
    assert [message["role"] for message in messages] == ["tool", "tool", "user"]
    assert messages[0]["content"] == "The result is in the next message."
    assert messages[2]["content"][0]["image_url"]["url"].endswith(PNG)


def test_a_plain_text_document_becomes_text() -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "words"}
    content = [{"type": "document", "source": source}]
    (message,) = to_openai({"messages": [{"role": "user", "content": content}]})["messages"]
    assert message["content"] == [{"type": "text", "text": "words"}]


@pytest.mark.parametrize(("budget", "effort"), [(1024, "low"), (8191, "low"), (8192, "medium"), (16384, "high")])
def test_a_budget_becomes_an_effort_that_every_reasoning_model_knows(budget: int, effort: str) -> None:
    thinking = {"type": "enabled", "budget_tokens": budget}
    assert to_openai({"thinking": thinking})["reasoning_effort"] == effort
    assert "reasoning_effort" not in to_openai({"thinking": thinking}, model="gpt-4o")
    assert "reasoning_effort" not in to_openai({"thinking": thinking}, q.NO_REASONING_EFFORT)


def test_a_model_that_samples_as_it_must_gets_no_temperature() -> None:
    assert to_openai({"temperature": 0.5})["temperature"] == 0.5
    assert "temperature" not in to_openai({"temperature": 0.5, "top_p": 0.1}, model="gpt-5.2")
    assert "temperature" not in to_anthropic({"temperature": 0.5, "top_p": 0.1}, "claude-opus-4-7")


def test_claude_gets_one_of_temperature_and_top_p() -> None:
    assert "top_p" not in to_anthropic({"temperature": 0.5, "top_p": 0.1})
    assert to_anthropic({"top_p": 0.1})["top_p"] == 0.1


def test_a_tool_loop_of_another_provider_goes_on_without_thinking() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    loop = [
        HI,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "x"},
    ]
    asked = {"messages": loop, "reasoning_effort": "high", "max_completion_tokens": 20_000}
    assert "thinking" not in to_anthropic(asked, "claude-sonnet-4-5")
    assert "thinking" in to_anthropic(asked, "claude-opus-4-8")


def test_a_schema_is_brought_to_what_anthropics_grammar_takes() -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer", "minimum": 1, "description": "How many"}},
        "oneOf": [{"type": "object", "properties": {}}],
        "$schema": "x",
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    out = to_anthropic({"response_format": wanted})["output_config"]["format"]["schema"]
    assert out == {
        "type": "object",
        "properties": {"n": {"type": "integer", "description": "How many\n\n{minimum: 1}"}},
        "anyOf": [{"type": "object", "properties": {}, "additionalProperties": False}],
        "additionalProperties": False,
    }


def test_a_schema_with_optional_members_is_not_called_strict() -> None:
    loose = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}
    out = to_openai({"output_config": {"format": {"type": "json_schema", "schema": loose}}})
    assert out["response_format"]["json_schema"] == {"name": "response", "schema": loose}


@pytest.mark.parametrize(
    ("quirk", "said", "expected"),
    [
        (q.MAX_TOKENS, {}, {"max_tokens": 9, "max_completion_tokens": None}),
        (q.NO_STREAM_OPTIONS, {"stream": True}, {"stream": True, "stream_options": None}),
        (q.NO_USER, {"metadata": {"user_id": "u"}}, {"user": None}),
        (q.NO_METADATA, {"service_tier": "auto"}, {"service_tier": None}),
        (q.TOP_K, {"top_k": 5}, {"top_k": 5}),
        (q.THINKING_SWITCH, {"thinking": {"type": "disabled"}}, {"thinking": {"type": "disabled"}}),
        (
            q.THINKING_SWITCH,
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
            {"thinking": {"type": "enabled"}, "reasoning_effort": "high"},
        ),
        (
            q.NO_PARALLEL_TOOL_CALLS,
            {"tools": [TOOL_A], "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
            {"parallel_tool_calls": None},
        ),
        (
            q.TEXT_AS_STRING,
            {"system": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {"messages": [{"role": "system", "content": "a\nb"}, HI]},
        ),
    ],
)
def test_quirks_change_the_words(quirk: str, said: Json, expected: Json) -> None:
    out = to_openai(said, quirk)
    assert {name: out.get(name) for name in expected} == expected


def test_quirks_of_roles_seeds_ids_and_marks() -> None:
    def again(openai: Json, *quirks: str, model: str = "up") -> Json:
        body = json.dumps({"model": "m", "messages": [HI], **openai}).encode()
        return written(OPENAI.write_request(OPENAI.read_request(body), Target(model, quirks=frozenset(quirks))))

    developer = {"messages": [{"role": "developer", "content": "d"}]}
    assert again(developer)["messages"][0]["role"] == "developer"
    assert again(developer, q.NO_DEVELOPER_ROLE)["messages"][0]["role"] == "system"
    assert again({"seed": 3}, q.RANDOM_SEED)["random_seed"] == 3
    result = {"messages": [{"role": "tool", "tool_call_id": "toolu_01ABC", "content": "x"}]}
    short = again(result, q.SHORT_TOOL_IDS)["messages"][0]["tool_call_id"]
    assert len(short) == 9
    assert short.isalnum()
    marked = {"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    said = {"messages": [{"role": "user", "content": [marked]}]}
    assert again(said, q.CACHE_CONTROL)["messages"][0]["content"] == [marked]
    (part,) = again(said, q.CACHE_BREAKPOINTS, model="gpt-5.6")["messages"][0]["content"]
    assert part["prompt_cache_breakpoint"] == {"mode": "explicit", "ttl": "12h"}
    assert again(said, q.CACHE_BREAKPOINTS, model="gpt-4o")["messages"][0]["content"] == "a"


def test_a_very_long_end_user_is_hashed_to_what_openai_takes() -> None:
    assert len(to_openai({"metadata": {"user_id": "u" * 200}})["user"]) == 64
