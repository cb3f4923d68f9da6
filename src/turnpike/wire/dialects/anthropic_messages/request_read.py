"""A Messages request read into the canonical one."""

from typing import cast, get_args

import msgspec

from turnpike.wire.dialects.anthropic_messages.citations import NAME
from turnpike.wire.dialects.anthropic_messages.parts import read_blocks, read_mark, read_message
from turnpike.wire.dialects.anthropic_messages.shapes import (
    RequestShape,
    ToolChoiceShape,
    ToolShape,
)
from turnpike.wire.dialects.common.body import BODY_ERRORS, body_error, shaped
from turnpike.wire.dialects.common.reading import kept
from turnpike.wire.dialects.common.turns import turns_of
from turnpike.wire.dialects.common.words import invalid
from turnpike.wire.types.conversation import (
    Effort,
    Message,
    ReasoningConfig,
    Request,
    ResponseFormat,
    ServerTool,
    TextPart,
    Tool,
    ToolChoice,
)

DROPPED: dict[str, str] = {
    "cache_control": "a caching hint for the whole prompt; other providers cache unasked",
    "context_management": "trims a long prompt at the provider, to save tokens",
    "diagnostics": "explains a prompt cache's misses",
    "speed": "a faster serving of the same model",
}
"""Fields that other dialects do not have and that may be left out without changing the answer's meaning, and why."""

_TIERS = {"auto": "auto", "standard_only": "default"}
_EFFORTS: tuple[str, ...] = get_args(Effort)
_MODES = ("enabled", "disabled", "adaptive", "between_tools")

_tool_shape = msgspec.json.Decoder(ToolShape).decode
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
    choice = shape.tool_choice
    tools, server_tools = _tools(shape)
    return Request(
        model=shape.model,
        messages=tuple(_messages(shape)),
        stream=bool(shape.stream),
        tools=tools,
        server_tools=server_tools,
        tool_choice=_tool_choice(choice),
        parallel_tool_calls=None if choice is None or not choice.disable_parallel_tool_use else False,
        response_format=_response_format(shape),
        reasoning=_reasoning(shape),
        max_output_tokens=shape.max_tokens,
        temperature=shape.temperature,
        top_p=shape.top_p,
        top_k=shape.top_k,
        stop=tuple(shape.stop_sequences or ()),
        user=None if shape.metadata is None else shape.metadata.user_id,
        service_tier=None if shape.service_tier is None else _TIERS.get(shape.service_tier, "auto"),
        extra_of=NAME if extra else None,
        extra=extra,
    )


def _messages(shape: RequestShape) -> list[Message]:
    messages: list[Message] = []
    if shape.system:
        parts = read_blocks(shape.system, "system")
        for number, part in enumerate(parts):
            if not isinstance(part, TextPart):
                raise invalid(f"system[{number}].type", "must be text.")
        messages.append(Message("system", tuple(parts)))
    for number, message in enumerate(shape.messages):
        param = f"messages[{number}]"
        messages += turns_of(message.role, read_message(message.content, f"{param}.content"), param)
    return messages


def _tools(shape: RequestShape) -> tuple[tuple[Tool, ...], tuple[ServerTool, ...]]:
    tools: list[Tool] = []
    own: list[ServerTool] = []
    for number, raw in enumerate(shape.tools or ()):
        param = f"tools[{number}]"
        tool = shaped(_tool_shape, raw, param)
        if tool.type in (None, "custom"):
            tools.append(_tool(tool, param))
        else:
            own.append(ServerTool(NAME, tool.type, msgspec.Raw(bytes(raw)), f"{param}.type"))
    return tuple(tools), tuple(own)


def _tool(shape: ToolShape, param: str) -> Tool:
    if not shape.name:
        raise invalid(f"{param}.name", "is required.")
    return Tool(
        shape.name,
        shape.description,
        kept(shape.input_schema),
        shape.strict,
        read_mark(shape.cache_control),
    )


def _tool_choice(choice: ToolChoiceShape | None) -> ToolChoice | None:
    if choice is None:
        return None
    match choice.type:
        case "auto":
            return ToolChoice("auto")
        case "none":
            return ToolChoice("none")
        case "any":
            return ToolChoice("required")
        case "tool" if choice.name:
            return ToolChoice("tool", choice.name)
        case _:
            raise invalid("tool_choice", "must be of type auto, any, none, or tool with a name.")


def _response_format(shape: RequestShape) -> ResponseFormat | None:
    wanted = None if shape.output_config is None else shape.output_config.format
    if wanted is None:
        return None
    schema = kept(wanted.schema)
    if wanted.type != "json_schema" or schema is None:
        raise invalid("output_config.format", "must be of type json_schema, with a schema.")
    return ResponseFormat("json_schema", schema)


def _reasoning(shape: RequestShape) -> ReasoningConfig | None:
    effort = None if shape.output_config is None else shape.output_config.effort
    if effort is not None and effort not in _EFFORTS:
        raise invalid("output_config.effort", "must be low, medium, high, xhigh or max.")
    asked = cast("Effort | None", effort)
    thinking = shape.thinking
    if thinking is None:
        return None if asked is None else ReasoningConfig(asked)
    if thinking.type not in _MODES:
        raise invalid("thinking.type", f"must be one of {', '.join(_MODES)}.")
    display = thinking.display if thinking.display in ("summarized", "omitted") else None
    return ReasoningConfig(asked, thinking.budget_tokens, thinking.type, display)
