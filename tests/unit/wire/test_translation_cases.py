"""The case table: what is said in one dialect, and exactly how it is said in the other."""

import json
from typing import Any, NamedTuple

import pytest

from turnpike.wire.dialect import Target
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.profiles import quirks as q

OPENAI = DIALECTS["openai_chat"]
ANTHROPIC = DIALECTS["anthropic_messages"]

Json = dict[str, Any]
PNG = "iVBORw0KGgo="
PDF = "JVBERi0xLjQ="
WEATHER: Json = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CLOSED: Json = {**WEATHER, "additionalProperties": False}
TOOL_O: Json = {"type": "function", "function": {"name": "weather", "description": "d", "parameters": WEATHER}}
TOOL_A: Json = {"name": "weather", "description": "d", "input_schema": WEATHER}
HI: Json = {"role": "user", "content": "Hi"}


class Case(NamedTuple):
    name: str
    openai: Json
    anthropic: Json
    back: Json = {}  # noqa: RUF012 - what differs when Anthropic's form is brought back to OpenAI's; None: left out
    model: str = "claude-opus-4-5"


def case(name: str, openai: Json, anthropic: Json, back: Json | None = None, model: str = "claude-opus-4-5") -> Case:
    return Case(
        name, {"messages": [HI], **openai}, {"messages": [HI], "max_tokens": 4096, **anthropic}, back or {}, model
    )


LIMIT: Json = {"max_completion_tokens": 4096}

CASES = [
    case("text", {}, {}, LIMIT),
    case("output limit", {"max_completion_tokens": 9}, {"max_tokens": 9}),
    case("old output limit", {"max_tokens": 9}, {"max_tokens": 9}, {"max_tokens": None, "max_completion_tokens": 9}),
    case(
        "system prompt",
        {"messages": [{"role": "system", "content": "Be kind."}, HI], **LIMIT},
        {"system": "Be kind."},
    ),
    case(
        "developer prompt and a later system prompt",
        {"messages": [{"role": "developer", "content": "A"}, HI, {"role": "system", "content": "B"}, HI], **LIMIT},
        {"system": [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}], "messages": [HI, HI]},
        {
            "messages": [
                {"role": "system", "content": [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]},
                HI,
                HI,
            ]
        },
    ),
    case(
        "a later system prompt stays where the model takes it",
        {"messages": [HI, {"role": "system", "content": "B"}], **LIMIT},
        {"messages": [HI, {"role": "system", "content": [{"type": "text", "text": "B"}]}]},
        model="claude-opus-5-5",
    ),
    case(
        "turns",
        {"messages": [HI, {"role": "assistant", "content": "Hello"}, HI], **LIMIT},
        {"messages": [HI, {"role": "assistant", "content": "Hello"}, HI]},
    ),
    case(
        "images",
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What?"},
                        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
                        {"type": "image_url", "image_url": {"url": "https://x.test/a.png", "detail": "low"}},
                    ],
                }
            ],
            **LIMIT,
        },
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What?"},
                        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
                        {"type": "image", "source": {"type": "url", "url": "https://x.test/a.png"}},
                    ],
                }
            ]
        },
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What?"},
                        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
                        {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}},
                    ],
                }
            ]
        },
    ),
    case(
        "a document",
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "file",
                            "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"},
                        }
                    ],
                }
            ],
            **LIMIT,
        },
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "document",
                            "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
                            "title": "a.pdf",
                        }
                    ],
                }
            ]
        },
    ),
    case(
        "tools, choice and no parallel calls",
        {"tools": [TOOL_O], "tool_choice": "required", "parallel_tool_calls": False, **LIMIT},
        {"tools": [TOOL_A], "tool_choice": {"type": "any", "disable_parallel_tool_use": True}},
    ),
    case(
        "no parallel calls without a choice",
        {"tools": [TOOL_O], "parallel_tool_calls": False, **LIMIT},
        {"tools": [TOOL_A], "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
        {"tool_choice": "auto"},
    ),
    case(
        "one tool by name",
        {"tools": [TOOL_O], "tool_choice": {"type": "function", "function": {"name": "weather"}}, **LIMIT},
        {"tools": [TOOL_A], "tool_choice": {"type": "tool", "name": "weather"}},
    ),
    case(
        "no tool now",
        {"tools": [TOOL_O], "tool_choice": "none", **LIMIT},
        {"tools": [TOOL_A], "tool_choice": {"type": "none"}},
    ),
    case(
        "a strict tool without arguments",
        {"tools": [{"type": "function", "function": {"name": "now", "strict": True}}], **LIMIT},
        {"tools": [{"name": "now", "input_schema": {"type": "object", "properties": {}}, "strict": True}]},
        {
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": "now",
                        "parameters": {"type": "object", "properties": {}},
                        "strict": True,
                    },
                }
            ]
        },
    ),
    case(
        "parallel calls and their results",
        {
            "messages": [
                HI,
                {
                    "role": "assistant",
                    "content": "Let me see.",
                    "tool_calls": [
                        {
                            "id": "c1",
                            "type": "function",
                            "function": {"name": "weather", "arguments": '{"city": "Bern"}'},
                        },
                        {"id": "c2", "type": "function", "function": {"name": "now", "arguments": "{}"}},
                    ],
                },
                {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
                {"role": "tool", "tool_call_id": "c2", "content": "noon"},
                HI,
            ],
            "tools": [TOOL_O],
            **LIMIT,
        },
        {
            "messages": [
                HI,
                {
                    "role": "assistant",
                    "content": [
                        {"type": "text", "text": "Let me see."},
                        {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Bern"}},
                        {"type": "tool_use", "id": "c2", "name": "now", "input": {}},
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "c1", "content": "sunny"},
                        {"type": "tool_result", "tool_use_id": "c2", "content": "noon"},
                        {"type": "text", "text": "Hi"},
                    ],
                },
            ],
            "tools": [TOOL_A],
        },
    ),
    case(
        "a call without arguments, whose id Anthropic would refuse",
        {
            "messages": [
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [{"id": "a.b:1", "type": "function", "function": {"name": "now", "arguments": ""}}],
                },
                {"role": "tool", "tool_call_id": "a.b:1", "content": "noon"},
            ],
            **LIMIT,
        },
        {
            "messages": [
                {
                    "role": "assistant",
                    "content": [
                        {"type": "tool_use", "id": "toolu_8a9a8289cf438afce700f7a2", "name": "now", "input": {}}
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "tool_result",
                            "tool_use_id": "toolu_8a9a8289cf438afce700f7a2",
                            "content": "noon",
                        }
                    ],
                },
            ]
        },
        {"messages": ...},
    ),
    case(
        "JSON by a schema",
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "response", "schema": CLOSED, "strict": True},
            },
            **LIMIT,
        },
        {"output_config": {"format": {"type": "json_schema", "schema": CLOSED}}},
    ),
    case(
        "sampling, stop and the end user",
        {"temperature": 0.5, "stop": ["a", "b"], "user": "u1", **LIMIT},
        {"temperature": 0.5, "stop_sequences": ["a", "b"], "metadata": {"user_id": "u1"}},
    ),
    case("one stop", {"stop": "a", **LIMIT}, {"stop_sequences": ["a"]}),
    case("hotter than Anthropic knows", {"temperature": 1.7, **LIMIT}, {"temperature": 1.0}, {"temperature": 1.0}),
    case(
        "a service tier",
        {"service_tier": "default", **LIMIT},
        {"service_tier": "standard_only"},
    ),
    case(
        "what may be left out",
        {
            "seed": 1,
            "logprobs": False,
            "n": 1,
            "store": True,
            "metadata": {"a": "b"},
            "prompt_cache_key": "k",
            "verbosity": "low",
            "prediction": {"type": "content", "content": "x"},
            "modalities": ["text"],
            "frequency_penalty": 0,
            "response_format": {"type": "text"},
            **LIMIT,
        },
        {},
        dict.fromkeys(
            (
                "seed",
                "logprobs",
                "n",
                "store",
                "metadata",
                "prompt_cache_key",
                "verbosity",
                "prediction",
                "modalities",
                "frequency_penalty",
                "response_format",
            )
        ),
    ),
    case(
        "a stream",
        {"stream": True, "stream_options": {"include_usage": True}, **LIMIT},
        {"stream": True},
    ),
    # ---- reasoning
    case(
        "effort for a model that takes a budget",
        {"reasoning_effort": "high", "max_completion_tokens": 20_000, "temperature": 0.5},
        {"max_tokens": 20_000, "thinking": {"type": "enabled", "budget_tokens": 16384}},
        {"temperature": None},
        model="claude-sonnet-4-5",
    ),
    case(
        "effort for a model that takes both",
        {"reasoning_effort": "medium", "max_completion_tokens": 20_000},
        {
            "max_tokens": 20_000,
            "thinking": {"type": "enabled", "budget_tokens": 8192},
            "output_config": {"effort": "medium"},
        },
    ),
    case(
        "effort for a model that decides by itself",
        {"reasoning_effort": "xhigh", "temperature": 0.5, **LIMIT},
        {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "xhigh"}},
        {"temperature": None},
        model="claude-opus-4-8",
    ),
    case(
        "effort that the model does not know",
        {"reasoning_effort": "xhigh", **LIMIT},
        {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "high"}},
        {"reasoning_effort": "high"},
        model="claude-opus-4-6",
    ),
    case(
        "no reasoning",
        {"reasoning_effort": "none", **LIMIT},
        {"thinking": {"type": "disabled"}},
        {"reasoning_effort": None},
        model="claude-opus-5",
    ),
    case(
        "no reasoning, for a model that cannot but think",
        {"reasoning_effort": "none", **LIMIT},
        {"output_config": {"effort": "low"}},
        {"reasoning_effort": "low"},
        model="claude-opus-5-5",
    ),
    case(
        "no reasoning, for a model that thinks between tools",
        {"reasoning_effort": "none", **LIMIT},
        {"thinking": {"type": "between_tools"}},
        {"reasoning_effort": None},
        model="claude-sonnet-5-5",
    ),
    case(
        "effort for a model that does not think",
        {"reasoning_effort": "high", **LIMIT},
        {},
        {"reasoning_effort": None},
        model="claude-3-5-haiku-latest",
    ),
    case(
        "effort beside a forced tool, for a model that takes a budget",
        {"reasoning_effort": "high", "tools": [TOOL_O], "tool_choice": "required", **LIMIT},
        {"tools": [TOOL_A], "tool_choice": {"type": "any"}},
        {"reasoning_effort": None},
        model="claude-sonnet-4-5",
    ),
    case(
        "effort with no room for a budget",
        {"reasoning_effort": "high", "max_completion_tokens": 1000},
        {"max_tokens": 1000},
        {"reasoning_effort": None},
        model="claude-sonnet-4-5",
    ),
    case(
        "signed thinking that a caller brings back",
        {
            "messages": [
                HI,
                {
                    "role": "assistant",
                    "content": "Hello",
                    "reasoning_content": "hm",
                    "reasoning_details": [
                        {"type": "reasoning.text", "text": "hm", "signature": "c2ln", "index": 0},
                        {"type": "reasoning.encrypted", "data": "cmVk", "index": 1},
                    ],
                },
                HI,
            ],
            **LIMIT,
        },
        {
            "messages": [
                HI,
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
                        {"type": "redacted_thinking", "data": "cmVk"},
                        {"type": "text", "text": "Hello"},
                    ],
                },
                HI,
            ]
        },
        {"messages": [HI, {"role": "assistant", "content": "Hello"}, HI]},
    ),
    case(
        "thinking that no Claude signed",
        {"messages": [HI, {"role": "assistant", "content": "Hello", "reasoning_content": "hm"}, HI], **LIMIT},
        {"messages": [HI, {"role": "assistant", "content": "Hello"}, HI]},
        {"messages": [HI, {"role": "assistant", "content": "Hello"}, HI]},
    ),
    case(
        "a cache mark in OpenAI's own words",
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}}
                    ],
                }
            ],
            **LIMIT,
        },
        {
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
                }
            ]
        },
        {"messages": [{"role": "user", "content": "a"}]},
    ),
]


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
