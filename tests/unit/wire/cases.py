"""The case table: the same request in the words of each conversation dialect."""

from typing import Any, NamedTuple

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
