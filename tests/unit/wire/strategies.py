"""Hypothesis strategies for conversations and answers, in the normal form that both dialects can say."""

import json
from typing import Any

import msgspec
from hypothesis import strategies as st

from turnpike.wire.types.conversation import (
    CacheMark,
    FilePart,
    ImagePart,
    Message,
    Part,
    Reasoning,
    ReasoningConfig,
    Refusal,
    Request,
    Response,
    ResponseFormat,
    StopReason,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from turnpike.wire.types.usage import Usage

text = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=40)
names = st.from_regex(r"[a-zA-Z][a-zA-Z0-9_-]{0,20}", fullmatch=True)
ids = st.from_regex(r"call_[a-zA-Z0-9]{1,20}", fullmatch=True)
base64_data = st.from_regex(r"[A-Za-z0-9+/]{4,24}={0,2}", fullmatch=True)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=5,
)
arguments = st.dictionaries(text, json_values, max_size=3).map(json.dumps)
counts = st.integers(0, 2**40)


def schemas() -> st.SearchStrategy[msgspec.Raw]:
    properties = st.dictionaries(
        st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.just({"type": "string"}), min_size=1, max_size=3
    )
    return properties.map(
        lambda members: msgspec.Raw(
            json.dumps(
                {
                    "type": "object",
                    "properties": members,
                    "required": list(members),
                    "additionalProperties": False,
                }
            ).encode()
        )
    )


images = st.builds(lambda data: ImagePart(data=data, media_type="image/png"), base64_data) | st.builds(
    lambda path: ImagePart(url=f"https://example.com/{path}.png"), names
)
files = st.builds(lambda data, name: FilePart(data=data, media_type="application/pdf", name=name), base64_data, names)
texts = st.builds(TextPart, text)
calls = st.builds(ToolCall, ids, names, arguments)


def systems() -> st.SearchStrategy[Message]:
    return st.builds(lambda part: Message("system", (part,)), texts)


def users(*, media: bool = True) -> st.SearchStrategy[Message]:
    part: st.SearchStrategy[Part] = texts | images | files if media else texts
    return st.builds(lambda parts: Message("user", tuple(parts)), st.lists(part, min_size=1, max_size=3))


def assistants() -> st.SearchStrategy[Message]:
    return st.builds(
        lambda said, made: Message("assistant", (said, *made)), texts, st.lists(calls, max_size=2)
    ) | st.builds(lambda made: Message("assistant", tuple(made)), st.lists(calls, min_size=1, max_size=2))


def results(*, errors: bool) -> st.SearchStrategy[Message]:
    flag = st.booleans() if errors else st.just(False)
    one = st.builds(lambda call, part, failed: ToolResult(call, (part,), failed), ids, texts, flag)
    return st.builds(lambda many: Message("tool", tuple(many)), st.lists(one, min_size=1, max_size=2))


@st.composite
def conversations(draw: st.DrawFn, *, errors: bool = False) -> tuple[Message, ...]:
    """A system prompt or none, and turns; results of calls stand together, followed by anything but results."""
    messages: list[Message] = []
    if draw(st.booleans()):
        messages.append(draw(systems()))
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(("user", "assistant", "loop")))
        if kind == "user":
            messages.append(draw(users()))
        elif kind == "assistant":
            messages.append(draw(assistants()))
        else:
            messages += (draw(assistants()), draw(results(errors=errors)))
    return tuple(messages)


tools = st.lists(st.builds(Tool, names, st.none() | text, schemas()), min_size=1, max_size=2).map(tuple)
choices = st.sampled_from((ToolChoice("auto"), ToolChoice("none"), ToolChoice("required"), ToolChoice("tool", "f")))
efforts = st.sampled_from(("low", "medium", "high", "xhigh", "max")).map(lambda word: ReasoningConfig(effort=word))


@st.composite
def requests(draw: st.DrawFn, *, errors: bool = False) -> Request:
    """What OpenAI's and Anthropic's forms can both say, in the same words."""
    request = Request(
        model="m",
        messages=draw(conversations(errors=errors)),
        stream=draw(st.booleans()),
        max_output_tokens=draw(st.integers(1, 100_000)),
        temperature=draw(st.none() | st.sampled_from((0.0, 0.5, 1.0))),
        stop=tuple(draw(st.lists(names, max_size=3))),
        user=draw(st.none() | names),
    )
    if draw(st.booleans()):
        request.tools = draw(tools)
        request.tool_choice = draw(choices)
        if request.tool_choice.mode != "none":
            request.parallel_tool_calls = draw(st.sampled_from((None, False)))
    if draw(st.booleans()):
        request.response_format = ResponseFormat("json_schema", draw(schemas()), "response", strict=True)
    return request


def usages() -> st.SearchStrategy[Usage]:
    """Of the kinds that both dialects report."""
    return st.builds(
        lambda fresh, read, written, reasoning, said: Usage(
            fresh + read + written, reasoning + said, read, written, 0, reasoning
        ),
        counts, counts, counts, counts, counts,
    )  # fmt: skip


@st.composite
def answers(draw: st.DrawFn) -> Response:
    """What both forms can answer: reasoning, then text, then calls."""
    parts: list[Part] = []
    if draw(st.booleans()):
        parts.append(draw(st.builds(Reasoning, text, st.none() | base64_data)))
    if draw(st.booleans()):
        parts.append(draw(texts))
    made = draw(st.lists(calls, max_size=3, unique_by=lambda call: call.id))
    parts += made
    if not parts:
        parts.append(draw(texts))
    ends = (StopReason.END, StopReason.MAX_TOKENS, StopReason.REFUSAL)
    stop = StopReason.TOOL_CALLS if made else draw(st.sampled_from(ends))
    return Response(id="id-1", model="up", parts=tuple(parts), stop_reason=stop, usage=draw(usages()))


refusals = st.builds(Refusal, text)
marks = st.sampled_from((CacheMark(), CacheMark("5m"), CacheMark("1h")))
