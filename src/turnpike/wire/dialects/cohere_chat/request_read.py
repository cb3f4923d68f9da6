"""A v2 chat request read into the canonical one."""

from typing import Any, cast

import msgspec

from turnpike.wire.dialects.cohere_chat.parts import read_call, read_content, read_document, read_result
from turnpike.wire.dialects.cohere_chat.shapes import MessageShape, RequestShape, ToolShape
from turnpike.wire.dialects.common.body import BODY_ERRORS, body_error
from turnpike.wire.dialects.common.reading import kept
from turnpike.wire.dialects.common.words import inexpressible, invalid
from turnpike.wire.types.conversation import (
    FilePart,
    Message,
    Part,
    ReasoningConfig,
    Request,
    ResponseFormat,
    Role,
    TextPart,
    Tool,
    ToolChoice,
)

NAME = "cohere_chat"

DROPPED: dict[str, str] = {
    "citation_options": "how citations are made; other providers make theirs as they do",
    "priority": "Cohere's own order of requests under load",
}
"""Fields that other dialects do not have and that may be left out without changing the answer's meaning, and why."""

_CHOICES: dict[str, ToolChoice] = {"REQUIRED": ToolChoice("required"), "NONE": ToolChoice("none")}

_shape = msgspec.json.Decoder(RequestShape).decode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_KNOWN = frozenset(RequestShape.__struct_fields__)


def read_request(body: bytes) -> Request:
    """Raises InvalidJson, InvalidRequest or, for what has no canonical word, Inexpressible."""
    try:
        shape = _shape(body)
        members = _members(body)
    except BODY_ERRORS as error:
        raise body_error(error) from error
    extra = {
        name: msgspec.Raw(bytes(raw))
        for name, raw in members.items()
        if name not in _KNOWN and name not in DROPPED and bytes(raw) != b"null"
    }
    return Request(
        model=shape.model,
        messages=_with_documents(_messages(shape.messages), shape),
        stream=bool(shape.stream),
        tools=tuple(_tool(tool, shape.strict_tools, f"tools[{i}]") for i, tool in enumerate(shape.tools or ())),
        tool_choice=_tool_choice(shape.tool_choice),
        response_format=_response_format(shape),
        reasoning=_reasoning(shape),
        max_output_tokens=shape.max_tokens,
        temperature=shape.temperature,
        top_p=shape.p,
        top_k=shape.k or None,  # 0 switches it off
        frequency_penalty=shape.frequency_penalty,
        presence_penalty=shape.presence_penalty,
        stop=tuple(shape.stop_sequences or ()),
        seed=shape.seed,
        logprobs=shape.logprobs or None,
        extra_of=NAME if extra else None,
        extra=extra,
    )


def _messages(shapes: list[MessageShape]) -> list[Message]:
    """The results of calls that stand in messages of their own are gathered into one."""
    messages: list[Message] = []
    results: list[Part] = []
    for number, shape in enumerate(shapes):
        param = f"messages[{number}]"
        if shape.role == "tool":
            results.append(read_result(shape, param))
            continue
        if results:
            messages.append(Message("tool", tuple(results)))
            results = []
        messages.append(_message(shape, param))
    if results:
        messages.append(Message("tool", tuple(results)))
    return messages


def _message(shape: MessageShape, param: str) -> Message:
    if shape.role not in ("system", "user", "assistant"):
        raise invalid(f"{param}.role", "must be one of system, user, assistant, tool.")
    role: Role = shape.role
    parts = read_content(shape.content, f"{param}.content")
    if shape.tool_plan:
        parts.append(TextPart(shape.tool_plan))
    for number, call in enumerate(shape.tool_calls or ()):
        parts.append(read_call(call, f"{param}.tool_calls[{number}]"))
    return Message(role, tuple(parts))


def _with_documents(messages: list[Message], shape: RequestShape) -> tuple[Message, ...]:
    """Documents of the request are what the last user's message comes with."""
    documents: list[FilePart] = [read_document(document) for document in shape.documents or ()]
    if not documents:
        return tuple(messages)
    for number in range(len(messages) - 1, -1, -1):
        message = messages[number]
        if message.role == "user":
            messages[number] = Message("user", (*documents, *message.parts))
            return tuple(messages)
    raise inexpressible("documents", "any form but Cohere's", "There is no user's message to send them with.")


def _tool(shape: ToolShape, strict: bool | None, param: str) -> Tool:
    if shape.type not in (None, "function"):
        raise inexpressible(f"{param}.type", "any form but Cohere's", "Only function tools can be translated.")
    function = shape.function
    if function is None:
        raise invalid(f"{param}.function", "is required.")
    return Tool(function.name, function.description, kept(function.parameters), strict or None)


def _tool_choice(choice: str | None) -> ToolChoice | None:
    if choice is None:
        return None
    wanted = _CHOICES.get(choice.upper())
    if wanted is None:
        raise invalid("tool_choice", "must be REQUIRED or NONE; without it the model is free to choose.")
    return wanted


def _response_format(shape: RequestShape) -> ResponseFormat | None:
    wanted = shape.response_format
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type != "json_object":
        raise invalid("response_format.type", "must be text or json_object.")
    schema = kept(wanted.json_schema) or kept(wanted.schema)
    return ResponseFormat("json_object") if schema is None else ResponseFormat("json_schema", schema)


def _reasoning(shape: RequestShape) -> ReasoningConfig | None:
    thinking = shape.thinking
    if thinking is None:
        return None
    if thinking.type not in ("enabled", "disabled"):
        raise invalid("thinking.type", "must be enabled or disabled.")
    mode = cast("Any", thinking.type)
    return ReasoningConfig(budget_tokens=thinking.token_budget, mode=mode)
