"""The canonical request written as a Converse one. The model stands in the path, and so does whether it streams."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from turnpike.wire.dialect import Target
from turnpike.wire.dialects.anthropic_messages.thinking import thinking_of
from turnpike.wire.dialects.bedrock_converse.parts import FORMAT, BlockWriter, cache_point
from turnpike.wire.dialects.bedrock_converse.request_read import NAME
from turnpike.wire.dialects.common.schema import for_anthropic
from turnpike.wire.dialects.common.words import inexpressible
from turnpike.wire.profiles.claude import Claude, claude
from turnpike.wire.profiles.gpt import gpt
from turnpike.wire.types.conversation import (
    Message,
    Reasoning,
    Request,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

Json = dict[str, Any]

DEFAULT_MAX_TOKENS = 4096
"""For thinking budgets, where nobody sets a limit."""
_NO_ARGUMENTS = msgspec.Raw(b'{"type":"object","properties":{}}')
_METADATA = re.compile(r"[A-Za-z0-9\s:_@$#=/+,.-]{1,256}")
_METADATA_AT_MOST = 16
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_ADDITIONAL = "additionalModelRequestFields"


def write_request(request: Request, target: Target) -> bytes:
    """Raises Inexpressible for what the form, or this model by what is known of it, has no word for."""
    if request.extra and request.extra_of != NAME:
        raise inexpressible(next(iter(request.extra)), FORMAT)
    _refuse_foreign(request)
    facts = claude(target.upstream_model)
    limit = request.max_output_tokens or target.max_output_tokens
    system, messages = _write_messages(request.messages)
    body: Json = {"messages": messages}
    if system:
        body["system"] = system
    config = _tool_config(request)
    if config is not None:
        body["toolConfig"] = config
    additional, output, thinks = _reasoning(request, target.upstream_model, facts, limit)
    inference = _inference(request, facts, limit, thinks=thinks)
    if inference:
        body["inferenceConfig"] = inference
    if request.top_k is not None and not thinks and facts.sampling:
        if not facts.is_claude:
            raise inexpressible("top_k", FORMAT)
        additional["top_k"] = request.top_k
    if request.response_format is not None and request.response_format.kind != "text":
        output["textFormat"] = _format(request.response_format, facts)
    if output:
        body["outputConfig"] = output
    _account(body, request, additional)
    return msgspec.json.encode(body)


def _refuse_foreign(request: Request) -> None:
    """What an answer of this form could not hold."""
    if request.server_tools:
        raise inexpressible("tools", FORMAT, f"{request.server_tools[0].kind!r} is a tool of another provider's own.")
    if request.logprobs:
        raise inexpressible("logprobs", FORMAT)
    if any(modality != "text" for modality in request.modalities):
        raise inexpressible("modalities", FORMAT, "It answers in text.")
    if request.audio is not None:
        raise inexpressible("audio", FORMAT, "It answers in text.")


def _account(body: Json, request: Request, additional: Json) -> None:
    if request.service_tier in ("default", "flex", "priority"):
        body["serviceTier"] = {"type": request.service_tier}
    if request.metadata:
        fit = [pair for pair in request.metadata.items() if all(_METADATA.fullmatch(word) for word in pair)]
        if fit:  # it only marks the call in AWS's own logs
            body["requestMetadata"] = dict(fit[:_METADATA_AT_MOST])
    for name, raw in request.extra.items():
        if name == _ADDITIONAL:
            additional = {**additional, **_members(raw)}
        else:
            body[name] = raw
    if additional:
        body[_ADDITIONAL] = additional


def _reasoning(request: Request, model: str, facts: Claude, limit: int | None) -> tuple[Json, Json, bool]:
    """Additional fields, output config, and whether the model will think so that it samples as it must."""
    if facts.is_claude:
        thinking, effort = thinking_of(request, facts, limit or DEFAULT_MAX_TOKENS)
        additional: Json = {} if thinking is None else {"thinking": thinking}
        output: Json = {} if effort is None else {"effort": effort}
        return additional, output, thinking is not None and thinking["type"] in ("enabled", "adaptive")
    config = request.reasoning
    if config is not None and config.effort is not None and "gpt-oss" in model and gpt(model).reasons:
        effort = config.effort if config.effort in ("low", "medium", "high") else "high"
        return {"reasoning_effort": "low" if config.effort in ("none", "minimal") else effort}, {}, False
    return {}, {}, False


def _inference(request: Request, facts: Claude, limit: int | None, *, thinks: bool) -> Json:
    for name in ("frequency_penalty", "presence_penalty"):
        if getattr(request, name):
            raise inexpressible(name, FORMAT)
    config: Json = {}
    if limit is not None:
        config["maxTokens"] = limit
    if request.stop:
        config["stopSequences"] = list(request.stop)
    if thinks or not facts.sampling:
        return config  # the model samples as it must: a temperature would be an error
    if request.temperature is not None:
        config["temperature"] = min(request.temperature, 1.0)
    if request.top_p is not None and (request.temperature is None or not facts.is_claude):
        config["topP"] = request.top_p  # Claude takes one of the two
    return config


def _tool_config(request: Request) -> Json | None:
    if not request.tools:
        return None
    if request.parallel_tool_calls is False and not (request.tool_choice and request.tool_choice.mode == "none"):
        raise inexpressible("parallel_tool_calls", FORMAT, "The model decides how many tools it calls at a time.")
    choice = request.tool_choice
    if choice is not None and choice.mode == "none":
        if _has_calls(request.messages):
            raise inexpressible("tool_choice", FORMAT, "Tools that were used cannot be forbidden: use `auto`.")
        return None
    tools: list[Json] = []
    for tool in request.tools:
        tools.append({"toolSpec": _tool(tool)})
        if tool.cache is not None:
            tools.append(cache_point(tool.cache))
    config: Json = {"tools": tools}
    written = _tool_choice(choice)
    if written is not None:
        config["toolChoice"] = written
    return config


def _has_calls(messages: Iterable[Message]) -> bool:
    return any(isinstance(part, ToolCall | ToolResult) for message in messages for part in message.parts)


def _tool(tool: Tool) -> Json:
    written: Json = {"name": tool.name}
    if tool.description:
        written["description"] = tool.description
    schema = tool.parameters or _NO_ARGUMENTS
    if tool.strict:
        written["strict"] = True
        schema = for_anthropic(schema)
    written["inputSchema"] = {"json": schema}
    return written


def _tool_choice(choice: ToolChoice | None) -> Json | None:
    match None if choice is None else choice.mode:
        case "auto":
            return {"auto": {}}
        case "required":
            return {"any": {}}
        case "tool" if choice is not None:
            return {"tool": {"name": choice.name}}
        case _:
            return None


def _format(wanted: ResponseFormat, facts: Claude) -> Json:
    if wanted.kind == "json_object":
        raise inexpressible("response_format", FORMAT, "It takes a JSON schema: use `json_schema`.")
    if facts.is_claude and not facts.json_schema:
        raise inexpressible("response_format", "this model's form", "It has no JSON schema output; use a tool.")
    if wanted.json_schema is None:
        raise inexpressible("response_format", FORMAT, "It needs a schema.")
    schema: Json = {"schema": bytes(for_anthropic(wanted.json_schema)).decode()}
    if wanted.name is not None:
        schema["name"] = wanted.name
    if wanted.description is not None:
        schema["description"] = wanted.description
    return {"type": "json_schema", "structure": {"jsonSchema": schema}}


def _write_messages(messages: Iterable[Message]) -> tuple[list[Json], list[Json]]:
    """System prompts stand apart; turns of the same side that follow each other become one, as Converse wants."""
    writer = BlockWriter()
    system: list[Json] = []
    written: list[Json] = []
    for number, message in enumerate(messages):
        param = f"messages[{number}]"
        if message.role in ("system", "developer"):
            for place, part in enumerate(message.parts):
                if not isinstance(part, TextPart):
                    raise inexpressible(f"{param}.content[{place}]", FORMAT, "A system prompt is text.")
            system += writer.write(message.parts, f"{param}.content")
            continue
        role = "assistant" if message.role == "assistant" else "user"
        # A model takes back only thinking that it signed.
        parts = [part for part in message.parts if not isinstance(part, Reasoning) or _is_signed(part)]
        blocks = writer.write(parts, f"{param}.content")
        if not blocks:
            continue
        if written and written[-1]["role"] == role:
            written[-1]["content"] += blocks
        else:
            written.append({"role": role, "content": blocks})
    return system, written


def _is_signed(part: Reasoning) -> bool:
    return part.signature is not None or part.redacted is not None
