"""The canonical request written as a Responses one.

Nothing is kept at the provider unless the caller asked for that: reasoning then comes back sealed, and the next request
brings it along.
"""

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

from turnpike.wire.dialect import Target
from turnpike.wire.dialects.common.schema import fits_openai_strict
from turnpike.wire.dialects.common.words import inexpressible
from turnpike.wire.dialects.openai_responses.items import call_item, server_item
from turnpike.wire.dialects.openai_responses.parts import FORMAT, NAME, write_input_part, write_output_part
from turnpike.wire.dialects.openai_responses.reasoning import give_back
from turnpike.wire.profiles import quirks as q
from turnpike.wire.profiles.gpt import gpt
from turnpike.wire.profiles.reasoning import effort_of
from turnpike.wire.types.conversation import (
    AudioPart,
    CacheMark,
    Message,
    Part,
    Reasoning,
    Refusal,
    Request,
    ResponseFormat,
    ServerItem,
    TextPart,
    Tool,
    ToolCall,
    ToolResult,
)

Json = dict[str, Any]

_MAX_USER_CHARS = 64
_NO_ARGUMENTS = msgspec.Raw(b'{"type":"object","properties":{}}')


def write_request(request: Request, target: Target) -> bytes:
    """Raises Inexpressible for what the form, or this provider by its quirks, has no word for."""
    return msgspec.json.encode(write_members(request, target, counting=False))


def write_members(request: Request, target: Target, *, counting: bool) -> Json:
    """`counting` leaves out what a count of tokens does not take."""
    if request.extra and request.extra_of != NAME:
        raise inexpressible(next(iter(request.extra)), FORMAT)
    instructions, items = _Items(target).write(request.messages)
    body: Json = {"model": target.upstream_model}
    if instructions is not None:
        body["instructions"] = instructions
    body["input"] = items
    _tools(body, request, target.quirks)
    _text(body, request, target.quirks)
    _reasoning(body, request, target)
    if not counting:
        _sampling(body, request, target)
        _account(body, request, target)
        if request.stream:
            body["stream"] = True
        if request.max_output_tokens is not None:
            body["max_output_tokens"] = request.max_output_tokens
    body.update(request.extra)
    return body


def _sampling(body: Json, request: Request, target: Target) -> None:
    for name in ("frequency_penalty", "presence_penalty"):
        if getattr(request, name):
            raise inexpressible(name, FORMAT)
    if request.stop:
        raise inexpressible("stop", FORMAT)
    if request.audio is not None or "audio" in request.modalities:
        raise inexpressible("modalities" if request.modalities else "audio", FORMAT, "Its answers are text.")
    if gpt(target.upstream_model).sampling:
        for name in ("temperature", "top_p"):
            value: float | None = getattr(request, name)
            if value is not None:
                body[name] = value
        if request.top_k is not None and q.TOP_K in target.quirks:
            body["top_k"] = request.top_k
    if request.top_logprobs is not None:
        body["top_logprobs"] = request.top_logprobs


def _account(body: Json, request: Request, target: Target) -> None:
    quirks = target.quirks
    include: list[str] = []
    if not request.store and gpt(target.upstream_model).reasons and q.NO_REASONING_EFFORT not in quirks:
        include.append("reasoning.encrypted_content")
    if request.logprobs:
        include.append("message.output_text.logprobs")
    if include:
        body["include"] = include
    if request.user is not None and q.NO_USER not in quirks:
        user = request.user
        body["user"] = user if len(user) <= _MAX_USER_CHARS else hashlib.sha256(user.encode()).hexdigest()
    if q.NO_METADATA in quirks:
        return
    body["store"] = bool(request.store)
    for name in ("metadata", "service_tier", "prompt_cache_key"):
        value: Any = getattr(request, name)
        if value is not None:
            body[name] = value


def _reasoning(body: Json, request: Request, target: Target) -> None:
    config = request.reasoning
    if config is None or q.NO_REASONING_EFFORT in target.quirks or not gpt(target.upstream_model).reasons:
        return
    wanted: Json = {}
    if config.effort is not None:
        wanted["effort"] = config.effort
    elif config.mode == "disabled":
        wanted["effort"] = "none"
    elif config.budget_tokens is not None:
        wanted["effort"] = effort_of(config.budget_tokens)
    shown = config.mode not in (None, "disabled") and config.display != "omitted"
    if config.display == "summarized" or shown:
        wanted["summary"] = "auto"
    if wanted:
        body["reasoning"] = wanted


def _tools(body: Json, request: Request, quirks: frozenset[str]) -> None:
    tools: list[Any] = [_tool(tool) for tool in request.tools]
    for tool in request.server_tools:
        if tool.dialect != NAME:
            raise inexpressible(tool.param, FORMAT, f"{tool.kind!r} is a tool of another API's own.")
        tools.append(tool.raw)
    if not tools:
        return
    body["tools"] = tools
    choice = request.tool_choice
    if choice is not None:
        body["tool_choice"] = {"type": "function", "name": choice.name} if choice.mode == "tool" else choice.mode
    if request.parallel_tool_calls is not None and q.NO_PARALLEL_TOOL_CALLS not in quirks:
        body["parallel_tool_calls"] = request.parallel_tool_calls


def _tool(tool: Tool) -> Json:
    """`strict` is always said: the form's own default is not that of others."""
    written: Json = {"type": "function", "name": tool.name}
    if tool.description is not None:
        written["description"] = tool.description
    written["parameters"] = tool.parameters or _NO_ARGUMENTS
    written["strict"] = bool(tool.strict)
    return written


def _text(body: Json, request: Request, quirks: frozenset[str]) -> None:
    text: Json = {}
    if request.response_format is not None:
        text["format"] = _format(request.response_format, quirks)
    if request.verbosity is not None and q.NO_METADATA not in quirks:
        text["verbosity"] = request.verbosity
    if text:
        body["text"] = text


def _format(wanted: ResponseFormat, quirks: frozenset[str]) -> Json:
    if wanted.kind != "json_schema":
        return {"type": wanted.kind}
    if q.NO_JSON_SCHEMA in quirks:
        raise inexpressible("response_format", "this provider's form", "It has no JSON schema output; use a tool.")
    if wanted.json_schema is None:
        raise inexpressible("response_format", FORMAT, "It needs a schema.")
    written: Json = {"type": "json_schema", "name": wanted.name or "response"}
    if wanted.description is not None:
        written["description"] = wanted.description
    written["schema"] = wanted.json_schema
    strict = wanted.strict
    if strict is None and fits_openai_strict(wanted.json_schema):
        strict = True
    if strict is not None:
        written["strict"] = strict
    return written


class _Items:
    """Writes the messages of one request."""

    def __init__(self, target: Target) -> None:
        self._plain_reasoning = bool(target.quirks & {q.REASONING_BACK, q.REASONING_CONTENT_BACK})
        self._breakpoints = q.CACHE_BREAKPOINTS in target.quirks and gpt(target.upstream_model).cache_breakpoints

    def write(self, messages: tuple[Message, ...]) -> tuple[str | None, list[Any]]:
        """`instructions`, for a system prompt that opens the conversation, and the items."""
        instructions = self._instructions(messages)
        items: list[Any] = []
        for number, message in enumerate(messages):
            if number == 0 and instructions is not None:
                continue
            param = f"messages[{number}]"
            if message.role == "tool":
                items += self._results(message.parts, param)
            elif message.role == "assistant":
                items += self._assistant(message.parts, param)
            else:
                content = self._content(message.parts, f"{param}.content")
                items.append({"type": "message", "role": message.role, "content": content})
        return instructions, items

    def _instructions(self, messages: tuple[Message, ...]) -> str | None:
        if not messages or messages[0].role != "system" or len(messages[0].parts) != 1:
            return None
        (part,) = messages[0].parts
        return part.text if isinstance(part, TextPart) and part.text and not self._marked(part) else None

    def _assistant(self, parts: Iterable[Part], param: str) -> list[Any]:
        """Texts that follow one another are one message."""
        items: list[Any] = []
        said: list[TextPart | Refusal] = []
        for number, part in enumerate(parts):
            place = f"{param}.content[{number}]"
            if isinstance(part, (TextPart, Refusal)):
                said.append(part)
                continue
            if said:
                items.append(_said(said))
                said = []
            match part:
                case ToolCall():
                    items.append(call_item(part, signed=False))
                case Reasoning():
                    item = give_back(part, plain=self._plain_reasoning)
                    items += () if item is None else (item,)
                case ServerItem():
                    items.append(server_item(part, place))
                case AudioPart(transcript=str() as transcript):
                    said.append(TextPart(transcript))
                case _:
                    raise inexpressible(place, FORMAT)
        if said:
            items.append(_said(said))
        return items

    def _results(self, parts: Iterable[Part], param: str) -> list[Any]:
        items: list[Any] = []
        for number, result in enumerate(parts):
            place = f"{param}.content[{number}]"
            if not isinstance(result, ToolResult):
                raise inexpressible(place, FORMAT)
            said = result.parts
            if result.is_error:
                said = _as_error(said)
            items.append(
                {"type": "function_call_output", "call_id": result.call_id, "output": self._content(said, place)}
            )
        return items

    def _content(self, parts: Iterable[Part], param: str) -> str | list[Json]:
        parts = list(parts)
        if not parts:
            return ""
        if len(parts) == 1 and isinstance(parts[0], TextPart) and not self._marked(parts[0]):
            return parts[0].text
        return [
            {**write_input_part(part, f"{param}[{number}]"), **self._marked(part)} for number, part in enumerate(parts)
        ]

    def _marked(self, part: Part) -> Json:
        mark: CacheMark | None = getattr(part, "cache", None)
        if mark is None or not self._breakpoints:
            return {}
        ttl = {"1h": "12h", "12h": "12h", "30m": "30m"}.get(mark.ttl or "")
        return {"prompt_cache_breakpoint": {"mode": "explicit"} | ({"ttl": ttl} if ttl else {})}


def _said(parts: list[TextPart | Refusal]) -> Json:
    first = parts[0]
    content: str | list[Json]
    if len(parts) == 1 and isinstance(first, TextPart) and not first.citations:
        content = first.text
    else:
        content = [_history(part) for part in parts]
    return {"type": "message", "role": "assistant", "content": content}


def _history(part: TextPart | Refusal) -> Json:
    written = write_output_part(part)
    written.pop("logprobs", None)
    return written


def _as_error(parts: tuple[Any, ...]) -> tuple[Any, ...]:
    """The form has no flag for a failed call: the text says so."""
    first = parts[0] if parts else None
    text = first.text if isinstance(first, TextPart) else ""
    if text.lower().startswith("error"):
        return parts
    rest = parts[1:] if isinstance(first, TextPart) else parts
    return (TextPart(f"Error: {text}".rstrip(": ")), *rest)
