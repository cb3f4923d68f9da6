"""A Converse request read into the canonical one. The model and whether it streams stand in the path: the relay puts
them in their place."""

from typing import cast, get_args

import msgspec

from turnpike.wire.dialects.bedrock_converse.parts import read_blocks
from turnpike.wire.dialects.bedrock_converse.shapes import (
    OutputConfig,
    RequestShape,
    ToolConfig,
    ToolSpec,
)
from turnpike.wire.dialects.common.body import BODY_ERRORS, body_error
from turnpike.wire.dialects.common.reading import kept
from turnpike.wire.dialects.common.turns import turns_of
from turnpike.wire.dialects.common.words import inexpressible, invalid
from turnpike.wire.types.conversation import (
    CacheMark,
    Effort,
    Message,
    ReasoningConfig,
    Request,
    ResponseFormat,
    TextPart,
    Tool,
    ToolChoice,
)

NAME = "bedrock_converse"

DROPPED: dict[str, str] = {
    "additionalModelResponseFieldPaths": "asks for more to be shown of an answer",
    "performanceConfig": "a faster serving of the same model",
}
"""Fields that other dialects do not have and that may be left out without changing the answer's meaning, and why."""

_EFFORTS: tuple[str, ...] = get_args(Effort)
_shape = msgspec.json.Decoder(RequestShape).decode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_KNOWN = frozenset(field.encode_name for field in msgspec.structs.fields(RequestShape))


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
    inference = shape.inference_config
    return Request(
        model="",
        messages=tuple(_messages(shape)),
        tools=tuple(_tools(shape.tool_config)),
        tool_choice=_tool_choice(shape.tool_config),
        response_format=_response_format(shape.output_config),
        reasoning=_reasoning(shape.output_config),
        max_output_tokens=None if inference is None else inference.max_tokens,
        temperature=None if inference is None else inference.temperature,
        top_p=None if inference is None else inference.top_p,
        stop=() if inference is None else tuple(inference.stop_sequences or ()),
        metadata=shape.request_metadata,
        service_tier=None if shape.service_tier is None else shape.service_tier.type,
        extra_of=NAME if extra else None,
        extra=extra,
    )


def _messages(shape: RequestShape) -> list[Message]:
    messages: list[Message] = []
    if shape.system:
        parts = read_blocks(shape.system, "system")
        for number, part in enumerate(parts):
            if not isinstance(part, TextPart):
                raise invalid(f"system[{number}]", "must be text.")
        messages.append(Message("system", tuple(parts)))
    for number, message in enumerate(shape.messages):
        param = f"messages[{number}]"
        messages += turns_of(message.role, read_blocks(message.content, f"{param}.content"), param)
    return messages


def _tools(config: ToolConfig | None) -> list[Tool]:
    tools: list[Tool] = []
    for number, shape in enumerate(() if config is None else config.tools):
        if shape.cache_point is not None:
            if tools:
                tools[-1] = msgspec.structs.replace(tools[-1], cache=CacheMark(shape.cache_point.ttl))
        elif shape.tool_spec is not None:
            tools.append(_tool(shape.tool_spec))
        else:
            raise inexpressible(f"toolConfig.tools[{number}]", "any form but Bedrock's", "Only toolSpec is translated.")
    return tools


def _tool(spec: ToolSpec) -> Tool:
    schema = None if spec.input_schema is None else kept(spec.input_schema.json)
    return Tool(spec.name, spec.description, schema, spec.strict)


def _tool_choice(config: ToolConfig | None) -> ToolChoice | None:
    choice = None if config is None else config.tool_choice
    if choice is None:
        return None
    if choice.tool is not None:
        return ToolChoice("tool", choice.tool.name)
    if choice.any is not None:
        return ToolChoice("required")
    if choice.auto is not None:
        return ToolChoice("auto")
    raise invalid("toolConfig.toolChoice", "must be auto, any or tool.")


def _response_format(config: OutputConfig | None) -> ResponseFormat | None:
    wanted = None if config is None else config.text_format
    if wanted is None:
        return None
    schema = None if wanted.structure is None else wanted.structure.json_schema
    if wanted.type != "json_schema" or schema is None:
        raise invalid("outputConfig.textFormat", "must be of type json_schema, with structure.jsonSchema.")
    try:
        _members(schema.schema)
    except BODY_ERRORS as error:
        raise invalid(
            "outputConfig.textFormat.structure.jsonSchema.schema", "must be a JSON schema as text."
        ) from error
    raw = msgspec.Raw(schema.schema.encode())
    return ResponseFormat("json_schema", raw, schema.name, schema.description)


def _reasoning(config: OutputConfig | None) -> ReasoningConfig | None:
    effort = None if config is None else config.effort
    if effort is None:
        return None
    if effort not in _EFFORTS:
        raise invalid("outputConfig.effort", f"must be one of {', '.join(_EFFORTS)}.")
    return ReasoningConfig(effort=cast("Effort", effort))
