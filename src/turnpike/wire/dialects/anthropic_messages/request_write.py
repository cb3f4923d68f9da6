"""The canonical request written as a Messages one."""

from collections.abc import Iterable
from typing import Any

import msgspec

from turnpike.wire.dialect import Target
from turnpike.wire.dialects.anthropic_messages.parts import FORMAT, mark_of, write_blocks
from turnpike.wire.dialects.anthropic_messages.request_read import NAME
from turnpike.wire.dialects.anthropic_messages.thinking import thinking_of
from turnpike.wire.dialects.common.schema import for_anthropic
from turnpike.wire.dialects.common.words import inexpressible, refuse_own_tools
from turnpike.wire.profiles.claude import Claude, claude
from turnpike.wire.types.conversation import (
    Message,
    Reasoning,
    Request,
    ResponseFormat,
    TextPart,
    Tool,
    ToolChoice,
)

Json = dict[str, Any]

DEFAULT_MAX_TOKENS = 4096
"""Anthropic requires `max_tokens`: used where neither the caller nor the catalog sets a limit."""

_NO_ARGUMENTS = msgspec.Raw(b'{"type":"object","properties":{}}')
_TIERS = {"default": "standard_only", "flex": "standard_only"}


def write_request(request: Request, target: Target) -> bytes:
    """Raises Inexpressible for what the form, or this model by what is known of it, has no word for."""
    return msgspec.json.encode(write_members(request, target, counting=False))


def write_members(request: Request, target: Target, *, counting: bool) -> Json:
    """`counting` leaves out what a count of tokens does not take."""
    if request.extra and request.extra_of != NAME:
        raise inexpressible(next(iter(request.extra)), FORMAT)
    refuse_own_tools(request, NAME, FORMAT)
    facts = claude(target.upstream_model)
    limit = request.max_output_tokens or target.max_output_tokens or DEFAULT_MAX_TOKENS
    system, messages = _Messages(facts).write(request.messages)
    body: Json = {"model": target.upstream_model}
    if system:
        body["system"] = system
    body["messages"] = messages
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    choice = _tool_choice(request.tool_choice, request.parallel_tool_calls) if request.tools else None
    if choice is not None:
        body["tool_choice"] = choice
    thinking, effort = thinking_of(request, facts, limit)
    if thinking is not None:
        body["thinking"] = thinking
    output_config: Json = {} if effort is None else {"effort": effort}
    if request.response_format is not None and request.response_format.kind != "text":
        output_config["format"] = _format(request.response_format, facts)
    if output_config:
        body["output_config"] = output_config
    if not counting:
        body["max_tokens"] = limit
        _sampling(body, request, facts, thinks=thinking is not None and thinking["type"] in ("enabled", "adaptive"))
        _account(body, request)
    return body


def _account(body: Json, request: Request) -> None:
    if request.user is not None:
        body["metadata"] = {"user_id": request.user}
    if request.service_tier is not None:
        body["service_tier"] = _TIERS.get(request.service_tier, "auto")
    if request.stream:
        body["stream"] = True
    body.update(request.extra)


def _sampling(body: Json, request: Request, facts: Claude, *, thinks: bool) -> None:
    for name in ("frequency_penalty", "presence_penalty"):
        if getattr(request, name):
            raise inexpressible(name, FORMAT)
    for text in request.stop:
        if not text.strip():
            raise inexpressible("stop", FORMAT, "A stop sequence needs more than white space.")
    if request.stop:
        body["stop_sequences"] = list(request.stop)
    if not facts.sampling or thinks:
        return  # the model samples as it must: a temperature would be an error
    if request.temperature is not None:
        body["temperature"] = min(request.temperature, 1.0)
    if request.top_p is not None and (request.temperature is None or not facts.is_claude):
        body["top_p"] = request.top_p  # Claude takes one of the two
    if request.top_k is not None:
        body["top_k"] = request.top_k


def _tool(tool: Tool) -> Json:
    written: Json = {"name": tool.name}
    if tool.description is not None:
        written["description"] = tool.description
    written["input_schema"] = tool.parameters or _NO_ARGUMENTS
    if tool.strict:
        written["strict"] = True
        if tool.parameters is not None:
            written["input_schema"] = for_anthropic(tool.parameters)
    return {**written, **mark_of(tool.cache)}


def _tool_choice(choice: ToolChoice | None, parallel: bool | None) -> Json | None:
    if choice is None and parallel is not False:
        return None
    mode = choice.mode if choice is not None else "auto"
    written: Json = {"type": {"required": "any"}.get(mode, mode)}
    if mode == "tool" and choice is not None:
        written["name"] = choice.name
    if parallel is False and mode != "none":
        written["disable_parallel_tool_use"] = True
    return written


def _format(wanted: ResponseFormat, facts: Claude) -> Json:
    if wanted.kind == "json_object":
        raise inexpressible("response_format", FORMAT, "It takes a JSON schema: use `json_schema`.")
    if not facts.json_schema:
        raise inexpressible("response_format", "this model's form", "It has no JSON schema output; use a tool.")
    if wanted.json_schema is None:
        raise inexpressible("response_format", FORMAT, "It needs a schema.")
    return {"type": "json_schema", "schema": for_anthropic(wanted.json_schema)}


class _Messages:
    """Writes the messages of one request."""

    def __init__(self, facts: Claude) -> None:
        self._facts = facts

    def write(self, messages: Iterable[Message]) -> tuple[str | list[Json], list[Json]]:
        """System prompts stand apart, at the beginning; those that come later stay in their place for models that
        take them there, behind a user's turn, and are moved to the others for models that do not."""
        system: list[Json] = []
        written: list[Json] = []
        for number, message in enumerate(messages):
            param = f"messages[{number}]"
            if message.role in ("system", "developer"):
                blocks = self._system(message, param)
                if not blocks:
                    continue
                if self._facts.midway_system and written and written[-1]["role"] == "user":
                    written.append({"role": "system", "content": blocks})
                else:
                    system += blocks
            else:
                self._add(written, message, param)
        if len(system) == 1 and "cache_control" not in system[0]:
            return system[0]["text"], written
        return system, written

    def _system(self, message: Message, param: str) -> list[Json]:
        for number, part in enumerate(message.parts):
            if not isinstance(part, TextPart):
                raise inexpressible(f"{param}.content[{number}]", FORMAT, "A system prompt is text.")
        return write_blocks(message.parts, f"{param}.content")

    def _add(self, written: list[Json], message: Message, param: str) -> None:
        role = "assistant" if message.role == "assistant" else "user"
        parts = message.parts
        if role == "assistant" and self._facts.is_claude:
            # Claude takes back only thinking that it signed.
            parts = tuple(
                part
                for part in parts
                if not isinstance(part, Reasoning) or part.signature is not None or part.redacted is not None
            )
        blocks = write_blocks(parts, f"{param}.content")
        last = written[-1] if written else None
        if message.role == "user" and last is not None and _holds_results(last):
            last["content"] += blocks  # what the user says beside results belongs to the same turn
            return
        if not blocks and role == "assistant":
            return
        plain = len(blocks) == 1 and blocks[0]["type"] == "text" and "cache_control" not in blocks[0]
        written.append({"role": role, "content": blocks[0]["text"] if plain else blocks})


def _holds_results(turn: Json) -> bool:
    content: str | list[Json] = turn["content"]
    return isinstance(content, list) and len(content) > 0 and content[-1]["type"] == "tool_result"
