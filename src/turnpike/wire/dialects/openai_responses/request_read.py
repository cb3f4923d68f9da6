"""A Responses request read into the canonical one."""

from typing import Any, cast, get_args

import msgspec

from turnpike.wire.dialects.common.body import BODY_ERRORS, body_error, shaped
from turnpike.wire.dialects.common.reading import kept
from turnpike.wire.dialects.common.words import inexpressible, invalid
from turnpike.wire.dialects.openai_responses.items import read_items
from turnpike.wire.dialects.openai_responses.parts import NAME
from turnpike.wire.dialects.openai_responses.shapes import AllowedTool, RequestShape, ToolChoiceShape, ToolShape
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
    "stream_options": "obfuscation of a stream's sizes",
    "include": "asks for details of OpenAI's own tools; reasoning and logprobs are asked for by other means",
    "max_tool_calls": "bounds OpenAI's own tools, which other providers do not run",
    "prompt_cache_retention": "a caching hint of OpenAI's",
    "prompt_cache_options": "a caching hint of OpenAI's",
    "moderation": "OpenAI's own moderation of the request",
    "background": "dropped when false",
    "truncation": "dropped when disabled",
}
"""Fields that other dialects do not have and that may be left out without changing the answer's meaning, and why."""

STATEFUL: dict[str, str] = {
    "previous_response_id": "Send the whole conversation as `input`.",
    "conversation": "Send the whole conversation as `input`.",
    "background": "Ask for the answer at once, or for a stream.",
}
"""What needs a provider that keeps responses, and what to do instead."""

_HARMLESS: dict[str, tuple[Any, ...]] = {"background": (False, None), "truncation": ("disabled", None)}
_LOGPROBS = "message.output_text.logprobs"
_MODES = ("auto", "none", "required")

_shape = msgspec.json.Decoder(RequestShape).decode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_any = msgspec.json.Decoder().decode
_tool = msgspec.json.Decoder(ToolShape).decode
_choice = msgspec.json.Decoder(ToolChoiceShape).decode
_KNOWN = frozenset(RequestShape.__struct_fields__)
_EFFORTS: tuple[str, ...] = get_args(Effort)


def read_request(body: bytes) -> Request:
    """Raises InvalidJson, InvalidRequest or, for what has no canonical word, Inexpressible."""
    try:
        shape = _shape(body)
        members = _members(body)
    except BODY_ERRORS as error:
        raise body_error(error) from error
    extra = _extra(members)
    request = Request(
        model=shape.model,
        messages=tuple(_messages(shape)),
        stream=bool(shape.stream),
        parallel_tool_calls=shape.parallel_tool_calls,
        response_format=_response_format(shape),
        reasoning=_reasoning(shape),
        max_output_tokens=shape.max_output_tokens,
        temperature=shape.temperature,
        top_p=shape.top_p,
        verbosity=None if shape.text is None else shape.text.verbosity,
        user=shape.safety_identifier or shape.user,
        metadata=shape.metadata,
        service_tier=shape.service_tier,
        store=shape.store,
        prompt_cache_key=shape.prompt_cache_key,
        logprobs=True if _LOGPROBS in (shape.include or ()) else None,
        top_logprobs=shape.top_logprobs or None,
        extra_of=NAME if extra else None,
        extra=extra,
    )
    _read_tools(request, shape)
    return request


def _extra(members: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    """What only this dialect can say. What leans on a conversation that the provider keeps ends here: without it the
    answer would be to another question."""
    extra: dict[str, msgspec.Raw] = {}
    for name, raw in members.items():
        if bytes(raw) == b"null" or (name in _HARMLESS and _any(raw) in _HARMLESS[name]):
            continue
        if name in STATEFUL:
            raise inexpressible(name, "any form but OpenAI's Responses", STATEFUL[name])
        if name in _KNOWN or (name in DROPPED and name not in _HARMLESS):
            continue
        extra[name] = msgspec.Raw(bytes(raw))
    return extra


def _messages(shape: RequestShape) -> list[Message]:
    messages: list[Message] = []
    if shape.instructions:
        messages.append(Message("system", (TextPart(shape.instructions),)))
    if isinstance(shape.input, str):
        messages.append(Message("user", (TextPart(shape.input),)))
    elif shape.input is not None:
        messages += read_items(shape.input)
    return messages


# ---- tools


def _read_tools(request: Request, shape: RequestShape) -> None:
    tools: list[Tool] = []
    own: list[ServerTool] = []
    for number, raw in enumerate(shape.tools or ()):
        param = f"tools[{number}]"
        tool = shaped(_tool, raw, param)
        if tool.type != "function":
            own.append(ServerTool(NAME, tool.type, msgspec.Raw(bytes(raw)), f"{param}.type"))
        elif tool.name is None:
            raise invalid(f"{param}.name", "is required.")
        else:
            tools.append(Tool(tool.name, tool.description, kept(tool.parameters), tool.strict or None))
    request.tools, request.server_tools = tuple(tools), tuple(own)
    if kept(shape.tool_choice) is not None:
        _read_choice(request, shape.tool_choice)


def _read_choice(request: Request, raw: msgspec.Raw) -> None:
    said: Any = _any(raw)
    if isinstance(said, str):
        if said not in _MODES:
            raise invalid("tool_choice", "must be auto, none, required or an object that names a tool.")
        request.tool_choice = ToolChoice(cast("Any", said))
        return
    choice = shaped(_choice, raw, "tool_choice")
    match choice.type:
        case "function":
            if choice.name is None:
                raise invalid("tool_choice.name", "is required.")
            request.tool_choice = ToolChoice("tool", choice.name)
        case "allowed_tools":
            mode = choice.mode or "auto"
            if mode not in ("auto", "required"):
                raise invalid("tool_choice.mode", "must be auto or required.")
            request.tool_choice = ToolChoice(mode)
            _allow(request, choice.tools or [])
        case _:
            request.extra["tool_choice"] = msgspec.Raw(bytes(raw))
            request.extra_of = NAME


def _allow(request: Request, allowed: list[AllowedTool]) -> None:
    """A choice among some of the tools is the same as offering only those."""
    functions = {tool.name for tool in allowed if tool.type == "function"}
    kinds = {tool.type for tool in allowed}
    request.tools = tuple(tool for tool in request.tools if tool.name in functions)
    request.server_tools = tuple(tool for tool in request.server_tools if tool.kind in kinds)


# ---- the answer's form


def _response_format(shape: RequestShape) -> ResponseFormat | None:
    wanted = None if shape.text is None else shape.text.format
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object":
        return ResponseFormat("json_object")
    if wanted.type != "json_schema":
        raise inexpressible("text.format.type", "any form but OpenAI's Responses")
    schema = kept(wanted.schema)
    if schema is None:
        raise invalid("text.format.schema", "is required.")
    return ResponseFormat("json_schema", schema, wanted.name, wanted.description, wanted.strict)


def _reasoning(shape: RequestShape) -> ReasoningConfig | None:
    wanted = shape.reasoning
    if wanted is None:
        return None
    if wanted.effort is not None and wanted.effort not in _EFFORTS:
        raise invalid("reasoning.effort", f"must be one of {', '.join(_EFFORTS)}.")
    config = ReasoningConfig(
        effort=cast("Effort | None", wanted.effort),
        display="summarized" if wanted.summary or wanted.generate_summary else None,
    )
    return None if config == ReasoningConfig() else config
