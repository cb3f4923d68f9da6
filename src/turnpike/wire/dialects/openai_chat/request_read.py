"""A Chat Completions request read into the canonical one."""

from typing import Any, cast, get_args

import msgspec

from turnpike.wire.dialects.common.body import BODY_ERRORS, body_error, shaped
from turnpike.wire.dialects.common.reading import kept
from turnpike.wire.dialects.common.signatures import call_signature
from turnpike.wire.dialects.common.words import inexpressible, invalid
from turnpike.wire.dialects.openai_chat.parts import arguments_text, read_content, read_reasoning
from turnpike.wire.dialects.openai_chat.shapes import (
    AllowedTools,
    AudioAsked,
    MessageShape,
    RequestShape,
    ToolChoiceShape,
    ToolShape,
)
from turnpike.wire.types.conversation import (
    AudioConfig,
    AudioPart,
    CacheMark,
    Effort,
    FilePart,
    ImagePart,
    Message,
    Part,
    ReasoningConfig,
    Refusal,
    Request,
    ResponseFormat,
    Role,
    ServerTool,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

NAME = "openai_chat"

DROPPED: dict[str, str] = {
    "stream_options": "the gateway asks for usage itself",
    "prompt_cache_retention": "a caching hint of OpenAI's",
    "prompt_cache_options": "a caching hint of OpenAI's",
    "prediction": "a hint that only makes an answer faster",
    "moderation": "OpenAI's own moderation of the request",
    "n": "dropped when 1",
}
"""Fields that other dialects do not have and that may be left out without changing the answer's meaning, and why."""

_HARMLESS: dict[str, tuple[Any, ...]] = {"n": (1, None)}

_tool_shape = msgspec.json.Decoder(ToolShape).decode
_shape = msgspec.json.Decoder(RequestShape).decode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_any = msgspec.json.Decoder().decode
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
        messages=tuple(_messages(shape.messages)),
        stream=bool(shape.stream),
        parallel_tool_calls=shape.parallel_tool_calls,
        response_format=_response_format(shape),
        reasoning=_reasoning(shape),
        max_output_tokens=shape.max_tokens if shape.max_completion_tokens is None else shape.max_completion_tokens,
        temperature=shape.temperature,
        top_p=shape.top_p,
        top_k=shape.top_k,
        frequency_penalty=shape.frequency_penalty,
        presence_penalty=shape.presence_penalty,
        stop=(shape.stop,) if isinstance(shape.stop, str) else tuple(shape.stop or ()),
        seed=shape.seed,
        verbosity=shape.verbosity,
        user=shape.safety_identifier or shape.user,
        metadata=shape.metadata,
        service_tier=shape.service_tier,
        store=shape.store,
        prompt_cache_key=shape.prompt_cache_key,
        logprobs=shape.logprobs or None,
        top_logprobs=shape.top_logprobs or None,
        modalities=() if shape.modalities == ["text"] else tuple(shape.modalities or ()),
        audio=_audio(shape.audio),
        extra_of=NAME if extra else None,
        extra=extra,
    )
    _read_tools(request, shape)
    return request


def _extra(members: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    """What only this dialect can say. Several choices are one conversation no more, so `n` ends here."""
    extra: dict[str, msgspec.Raw] = {}
    for name, raw in members.items():
        if name in _HARMLESS:
            if _any(raw) in _HARMLESS[name]:
                continue
            if name == "n":
                raise inexpressible("n", "any form but OpenAI's", "Ask for one answer at a time.")
        elif name in _KNOWN or name in DROPPED or bytes(raw) == b"null":
            continue
        extra[name] = msgspec.Raw(bytes(raw))
    return extra


def _messages(shapes: list[MessageShape]) -> list[Message]:
    """The results of calls that stand in messages of their own are gathered into one."""
    messages: list[Message] = []
    results: list[Part] = []
    for number, shape in enumerate(shapes):
        param = f"messages[{number}]"
        if shape.role == "tool":
            results.append(_tool_result(shape, param))
            continue
        if results:
            messages.append(Message("tool", tuple(results)))
            results = []
        messages.append(_message(shape, param))
    if results:
        messages.append(Message("tool", tuple(results)))
    return messages


def _message(shape: MessageShape, param: str) -> Message:
    if shape.role not in ("system", "developer", "user", "assistant"):
        if shape.role == "function":
            raise inexpressible(
                f"{param}.role", "any form but OpenAI's", "Use a `tool` message instead of the deprecated `function`."
            )
        raise invalid(f"{param}.role", "must be one of developer, system, user, assistant, tool.")
    role: Role = shape.role
    parts: list[Part] = []
    if role == "assistant":
        parts += read_reasoning(shape)
    parts += read_content(shape.content, f"{param}.content")
    if shape.audio is not None and shape.audio.id is not None:
        parts.append(AudioPart("", "wav", id=shape.audio.id))
    if shape.refusal:
        parts.append(Refusal(shape.refusal))
    for number, call in enumerate(shape.tool_calls or ()):
        where = f"{param}.tool_calls[{number}]"
        if call.type not in (None, "function"):
            raise inexpressible(f"{where}.type", "any form but OpenAI's")
        if call.function is None or not call.function.name:
            raise invalid(f"{where}.function.name", "is required.")
        text = arguments_text(call.function)
        parts.append(ToolCall(call.id or "", call.function.name, text, signature=call_signature(call.extra_content)))
    return Message(role, tuple(parts), shape.name)


def _tool_result(shape: MessageShape, param: str) -> ToolResult:
    if not shape.tool_call_id:
        raise invalid(f"{param}.tool_call_id", "is required.")
    parts: list[TextPart | ImagePart | FilePart] = []
    mark: CacheMark | None = None
    for number, part in enumerate(read_content(shape.content, f"{param}.content")):
        if not isinstance(part, (TextPart, ImagePart, FilePart)):
            raise invalid(f"{param}.content[{number}].type", "must be text.")
        parts.append(part)
    return ToolResult(shape.tool_call_id, tuple(parts), cache=mark)


def _audio(asked: AudioAsked | None) -> AudioConfig | None:
    if asked is None:
        return None
    if not isinstance(asked.voice, str):
        raise inexpressible("audio.voice", "any form but OpenAI's", "Name one of the provider's voices.")
    return AudioConfig(asked.voice, asked.format)


def _read_tools(request: Request, shape: RequestShape) -> None:
    tools: list[Tool] = []
    own: list[ServerTool] = []
    for number, raw in enumerate(shape.tools or ()):
        param = f"tools[{number}]"
        tool = shaped(_tool_shape, raw, param)
        if tool.type == "function":
            tools.append(_tool(tool, param))
        else:
            own.append(ServerTool(NAME, tool.type, msgspec.Raw(bytes(raw)), f"{param}.type"))
    request.tools, request.server_tools = tuple(tools), tuple(own)
    choice = shape.tool_choice
    if isinstance(choice, ToolChoiceShape) and choice.allowed_tools is not None:
        _allow(request, choice.allowed_tools)
    else:
        request.tool_choice = _tool_choice(choice)


def _allow(request: Request, allowed: AllowedTools) -> None:
    """A choice among some of the tools is the same as offering only those."""
    if allowed.mode not in ("auto", "required"):
        raise invalid("tool_choice.allowed_tools.mode", "must be auto or required.")
    names = {tool.function.name for tool in allowed.tools if tool.function is not None}
    request.tool_choice = ToolChoice("auto" if allowed.mode == "auto" else "required")
    request.tools = tuple(tool for tool in request.tools if tool.name in names)
    request.server_tools = tuple(
        tool for tool in request.server_tools if tool.kind in {each.type for each in allowed.tools}
    )


def _tool(shape: ToolShape, param: str) -> Tool:
    function = shape.function
    if function is None:
        raise invalid(f"{param}.function", "is required.")
    return Tool(
        function.name,
        function.description,
        kept(function.parameters),
        function.strict,
        None if shape.cache_control is None else CacheMark(shape.cache_control.ttl),
    )


def _tool_choice(choice: str | ToolChoiceShape | None) -> ToolChoice | None:
    if choice is None:
        return None
    if isinstance(choice, str):
        if choice == "any":  # Mistral's word
            return ToolChoice("required")
        if choice not in ("auto", "none", "required"):
            raise invalid("tool_choice", "must be auto, none, required or an object that names a function.")
        return ToolChoice(choice)
    if choice.type != "function":
        raise inexpressible("tool_choice.type", "any form but OpenAI's")
    if choice.function is None:
        raise invalid("tool_choice.function", "is required.")
    return ToolChoice("tool", choice.function.name)


def _response_format(shape: RequestShape) -> ResponseFormat | None:
    wanted = shape.response_format
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object":
        return ResponseFormat("json_object")
    if wanted.type != "json_schema":
        raise inexpressible("response_format.type", "any form but OpenAI's")
    schema = wanted.json_schema
    if schema is None:
        raise invalid("response_format.json_schema", "is required.")
    return ResponseFormat("json_schema", kept(schema.schema), schema.name, schema.description, schema.strict)


def _reasoning(shape: RequestShape) -> ReasoningConfig | None:
    effort = shape.reasoning_effort
    more = shape.reasoning
    if effort is None and more is not None:
        effort = more.effort
    if effort is not None and effort not in _EFFORTS:
        raise invalid("reasoning_effort", f"must be one of {', '.join(_EFFORTS)}.")
    config = ReasoningConfig(effort=cast("Effort | None", effort))
    if more is not None:
        mode = None if more.enabled is None else "enabled" if more.enabled else "disabled"
        display = "omitted" if more.exclude else None
        config = ReasoningConfig(config.effort, more.max_tokens, mode, display)
    if shape.thinking is not None:
        switched = "disabled" if shape.thinking.type == "disabled" else "enabled"
        config = ReasoningConfig(config.effort, config.budget_tokens, switched, config.display)
    return None if config == ReasoningConfig() else config
