"""Cohere's chat form: conversations and answers come back as they were, streams wherever they are cut; and what stands
for what beside the other forms."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnpike.errors import Inexpressible, InvalidRequest
from turnpike.wire.dialect import Target
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.types.conversation import (
    FilePart,
    Message,
    Reasoning,
    ReasoningConfig,
    Request,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

from .strategies import assistants, conversations, ids, images, names, requests, results, text

COHERE = DIALECTS["cohere_chat"]
OPENAI = DIALECTS["openai_chat"]
ANTHROPIC = DIALECTS["anthropic_messages"]
TARGET = Target("m")
HI: list[Any] = [{"role": "user", "content": "Hi"}]


def through(request: Request) -> Request:
    read = COHERE.read_request(COHERE.write_request(request, TARGET))
    assert isinstance(read, Request)
    return read


def read(body: dict[str, Any]) -> Request:
    request = COHERE.read_request(json.dumps({"model": "m", "messages": HI, **body}).encode())
    assert isinstance(request, Request)
    return request


def written(request: Request, model: str = "m") -> dict[str, Any]:
    return json.loads(COHERE.write_request(request, Target(model)))


def of_openai(body: dict[str, Any], model: str = "m") -> dict[str, Any]:
    asked = OPENAI.read_request(json.dumps({"model": "m", "messages": HI, **body}).encode())
    assert isinstance(asked, Request)
    return written(asked, model)


# ---- requests


documents = st.builds(lambda said, name: FilePart(text=said, name=name), text, st.none() | names)


@st.composite
def cohere_messages(draw: st.DrawFn) -> tuple[Message, ...]:
    """As all forms say them; documents stand at the beginning of the last user's message."""
    messages: list[Message] = [
        Message(
            message.role, tuple(part for part in message.parts if not isinstance(part, FilePart)) or (TextPart("x"),)
        )
        for message in draw(conversations())
    ]
    found = draw(st.lists(documents, max_size=2))
    if found:
        messages.append(Message("user", (*found, draw(st.builds(TextPart, text)))))
    return tuple(messages)


@given(messages=cohere_messages(), request_=requests(), schema=st.booleans())
def test_a_request_survives_the_form(messages: tuple[Message, ...], request_: Request, *, schema: bool) -> None:
    request_.messages = messages
    request_.user = None
    request_.parallel_tool_calls = None
    if request_.tool_choice is not None and request_.tool_choice.mode in ("auto", "tool"):
        request_.tool_choice = None
    format_ = request_.response_format
    request_.response_format = type(format_)("json_schema", format_.json_schema) if format_ and schema else None
    request_.top_p, request_.top_k, request_.seed = 0.5, 5, 7
    request_.frequency_penalty = request_.presence_penalty = 0.25
    request_.reasoning = ReasoningConfig(mode="enabled", budget_tokens=500)
    assert through(request_) == request_


@given(made=assistants(), answer=results(errors=False), thought=text)
def test_thinking_and_results_survive_the_form(made: Message, answer: Message, thought: str) -> None:
    messages = (Message("assistant", (Reasoning(thought), *made.parts)), answer)
    assert through(Request(model="m", messages=messages)).messages == messages


@given(ids, documents, text)
def test_documents_in_a_result_are_text_to_others(call_id: str, document: FilePart, said: str) -> None:
    asked = Request(model="m", messages=(Message("tool", (ToolResult(call_id, (TextPart(said), document)),)),))
    (_, block) = written(asked)["messages"][0]["content"]
    assert block["document"]["data"]["text"] == document.text
    texts = (TextPart(said), TextPart(document.text or ""))
    assert through(asked).messages == (Message("tool", (ToolResult(call_id, texts),)),)


@given(ids, images)
def test_an_image_in_a_result_follows_in_a_message(call_id: str, image: Any) -> None:
    messages = (Message("tool", (ToolResult(call_id, (TextPart("one"), image)),)),)
    assert through(Request(model="m", messages=messages)).messages == (
        Message("tool", (ToolResult(call_id, (TextPart("one"),)),)),
        Message("user", (image,)),
    )


def test_a_failed_result_says_so_in_its_text() -> None:
    messages = (Message("tool", (ToolResult("c", (TextPart("no signal"),), is_error=True),)),)
    assert written(Request(model="m", messages=messages))["messages"][0]["content"] == "Error: no signal"


def test_documents_of_any_shape_come_with_the_last_user_message() -> None:
    asked = read({"documents": ["plain", {"data": {"title": "T", "snippet": "S"}}, {"id": "i", "data": {"a": 1}}]})
    assert asked.messages[0].parts == (
        FilePart(text="plain"),
        FilePart(text="S", name="T"),
        FilePart(text='{"a":1}', name="i"),
        TextPart("Hi"),
    )


def test_text_beside_calls_is_the_plan() -> None:
    parts = (TextPart("I look."), ToolCall("c", "f", '{"a": 1}'))
    entry = written(Request(model="m", messages=(Message("assistant", parts),)))["messages"][0]
    assert entry == {
        "role": "assistant",
        "tool_plan": "I look.",
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}],
    }


def test_a_tool_by_name_is_offered_alone_and_required() -> None:
    asked = Request(model="m", messages=(), tools=(Tool("a"), Tool("b")), tool_choice=ToolChoice("tool", "b"))
    body = written(asked)
    assert [tool["function"]["name"] for tool in body["tools"]] == ["b"]
    assert body["tool_choice"] == "REQUIRED"


def test_openais_words_in_coheres() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    body = of_openai(
        {
            "max_tokens": 5,
            "top_p": 1,
            "stop": "x",
            "seed": 3,
            "logprobs": False,
            "reasoning_effort": "low",
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}},
            "tools": [{"type": "function", "function": {"name": "f", "parameters": schema, "strict": True}}],
            "user": "u",
        },
        "command-a-reasoning-08-2025",
    )
    assert body == {
        "model": "command-a-reasoning-08-2025",
        "messages": HI,
        "max_tokens": 5,
        "tools": [{"type": "function", "function": {"name": "f", "parameters": schema}}],
        "strict_tools": True,
        "response_format": {"type": "json_object", "json_schema": schema},
        "p": 0.99,
        "stop_sequences": ["x"],
        "seed": 3,
        "thinking": {"type": "enabled", "token_budget": 2048},
    }


def test_a_model_that_does_not_think_is_not_asked_to() -> None:
    assert "thinking" not in of_openai({"reasoning_effort": "low"}, "command-r-plus-08-2024")
    assert of_openai({"reasoning_effort": "none"})["thinking"] == {"type": "disabled"}


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"logit_bias": {"5": 1}}, "logit_bias"),
        ({"frequency_penalty": -0.5}, "frequency_penalty"),
        ({"presence_penalty": 1.5}, "presence_penalty"),
    ],
)  # fmt: skip
def test_what_the_form_cannot_say_is_named(asked: dict[str, Any], param: str) -> None:
    with pytest.raises(Inexpressible, match=param) as caught:
        of_openai(asked)
    assert caught.value.details["param"] == param


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"safety_mode": "OFF"}, "safety_mode"),
        ({"raw_prompting": True}, "raw_prompting"),
    ],
)
def test_what_only_the_form_can_say_is_named(asked: dict[str, Any], param: str) -> None:
    request = read(asked)
    assert written(request)[param] == asked[param]
    for other in (OPENAI, ANTHROPIC):
        with pytest.raises(Inexpressible) as caught:
            other.write_request(request, TARGET)
        assert caught.value.details["param"] == param


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"tool_choice": "perhaps"}, "tool_choice"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"thinking": {"type": "maybe"}}, "thinking.type"),
        ({"messages": [{"role": "king", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        ({"messages": [{"role": "user", "content": [{"type": "video"}]}]}, "messages[0].content[0].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"messages": 5}, "messages"),
    ],
)
def test_a_wrong_field_is_named(asked: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read(asked)
    assert caught.value.details["param"] == param


def test_hints_are_left_out_for_others() -> None:
    request = read({"citation_options": {"mode": "FAST"}, "priority": 3})
    assert not request.extra
    assert json.loads(OPENAI.write_request(request, TARGET))["messages"] == HI


def test_a_body_that_is_spliced_changes_in_its_model_only() -> None:
    body = b'{"stream": true, "model": "mine", "safety_mode": "OFF", "max_tokens": 9}'
    head = COHERE.read_head(body)
    assert (head.model, head.stream, head.output_bound()) == ("mine", True, 9)
    assert COHERE.splice(body, head, "theirs") == body.replace(b"mine", b"theirs")
