"""The canonical request written as a v2 chat one."""

from collections.abc import Iterable
from typing import Any

import msgspec

from turnpike.wire.dialect import Target
from turnpike.wire.dialects.cohere_chat.parts import FORMAT, write_block, write_call, write_document
from turnpike.wire.dialects.cohere_chat.request_read import NAME
from turnpike.wire.dialects.common.words import inexpressible
from turnpike.wire.profiles.command import reasons
from turnpike.wire.profiles.reasoning import budget_of
from turnpike.wire.types.conversation import (
    FilePart,
    Message,
    Part,
    Reasoning,
    Refusal,
    Request,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
    ToolResult,
)

Json = dict[str, Any]

MIN_P, MAX_P = 0.01, 0.99
"""What Cohere takes as `p`; 1, which other APIs have for no limit, is brought to the nearest."""
MAX_PENALTY = 1.0

_NO_ARGUMENTS = msgspec.Raw(b'{"type":"object","properties":{}}')


def write_request(request: Request, target: Target) -> bytes:
    """Raises Inexpressible for what the form has no word for."""
    _refuse_others_own(request)
    messages = _Messages()
    body: Json = {"model": target.upstream_model, "messages": messages.write(request.messages)}
    if messages.documents:
        body["documents"] = messages.documents
    if request.stream:
        body["stream"] = True
    if request.max_output_tokens is not None:
        body["max_tokens"] = request.max_output_tokens
    if request.tools:
        _tools(body, request)
    if request.response_format is not None and request.response_format.kind != "text":
        body["response_format"] = _response_format(request.response_format)
    _sampling(body, request)
    _thinking(body, request, target)
    body.update(request.extra)
    return msgspec.json.encode(body)


def _refuse_others_own(request: Request) -> None:
    if request.extra and request.extra_of != NAME:
        raise inexpressible(next(iter(request.extra)), FORMAT)
    if request.server_tools:
        raise inexpressible("tools", FORMAT, f"`{request.server_tools[0].kind}` is a tool of another provider's own.")
    if request.audio is not None:
        raise inexpressible("audio", FORMAT)
    if any(kind != "text" for kind in request.modalities):
        raise inexpressible("modalities", FORMAT, "It answers in text.")
    if request.top_logprobs:
        raise inexpressible("top_logprobs", FORMAT, "It has the log probabilities of the tokens that were chosen.")


def _tools(body: Json, request: Request) -> None:
    """One tool by name cannot be asked for: it alone is offered, and some tool required."""
    offered = request.tools
    choice = request.tool_choice
    if choice is not None and choice.mode == "tool":
        offered = tuple(tool for tool in offered if tool.name == choice.name) or offered
    body["tools"] = [_tool(tool) for tool in offered]
    if any(tool.strict for tool in offered):
        body["strict_tools"] = True
    if choice is not None and choice.mode != "auto":
        body["tool_choice"] = "NONE" if choice.mode == "none" else "REQUIRED"


def _tool(tool: Tool) -> Json:
    function: Json = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    function["parameters"] = tool.parameters or _NO_ARGUMENTS
    return {"type": "function", "function": function}


def _response_format(wanted: ResponseFormat) -> Json:
    written: Json = {"type": "json_object"}
    if wanted.json_schema is not None:
        written["json_schema"] = wanted.json_schema
    return written


def _sampling(body: Json, request: Request) -> None:
    for name in ("frequency_penalty", "presence_penalty"):
        value: float | None = getattr(request, name)
        if value is None:
            continue
        if not 0 <= value <= MAX_PENALTY:
            raise inexpressible(name, FORMAT, "It takes 0 to 1.")
        body[name] = value
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.top_p is not None:
        body["p"] = min(max(request.top_p, MIN_P), MAX_P)
    if request.top_k is not None:
        body["k"] = request.top_k
    if request.stop:
        body["stop_sequences"] = list(request.stop)
    if request.seed is not None:
        body["seed"] = request.seed
    if request.logprobs:
        body["logprobs"] = True


def _thinking(body: Json, request: Request, target: Target) -> None:
    config = request.reasoning
    if config is None or not reasons(target.upstream_model):
        return
    if config.mode == "disabled" or config.effort == "none":
        body["thinking"] = {"type": "disabled"}
        return
    budget = config.budget_tokens
    if budget is None and config.effort is not None:
        budget = budget_of(config.effort)
    body["thinking"] = {"type": "enabled"} if budget is None else {"type": "enabled", "token_budget": budget}


class _Messages:
    """Writes the messages of one request, and collects the documents that came in them."""

    def __init__(self) -> None:
        self.documents: list[Json] = []

    def write(self, messages: Iterable[Message]) -> list[Json]:
        written: list[Json] = []
        for number, message in enumerate(messages):
            param = f"messages[{number}]"
            if message.role == "tool":
                written += self._results(message.parts, param)
            elif message.role == "assistant":
                written.append(_assistant(message, param))
            else:
                role = "user" if message.role == "user" else "system"
                written.append({"role": role, "content": self._content(message.parts, f"{param}.content")})
        return written

    def _content(self, parts: Iterable[Part], param: str) -> str | list[Json]:
        kept: list[Part] = []
        for number, part in enumerate(parts):
            if isinstance(part, FilePart):
                self.documents.append(write_document(part, f"{param}[{number}]"))
            else:
                kept.append(part)
        if len(kept) == 1 and isinstance(kept[0], TextPart):
            return kept[0].text
        return [write_block(part, f"{param}[{number}]") for number, part in enumerate(kept)] or ""

    def _results(self, parts: Iterable[Part], param: str) -> list[Json]:
        """A message for each result; images of theirs follow in one user message, since a result is text."""
        written: list[Json] = []
        images: list[Json] = []
        for number, result in enumerate(parts):
            if not isinstance(result, ToolResult):
                raise inexpressible(f"{param}.content[{number}]", FORMAT)
            content: list[Json] = []
            for part in result.parts:
                match part:
                    case TextPart():
                        content.append({"type": "text", "text": part.text})
                    case FilePart():
                        content.append({"type": "document", "document": write_document(part, f"{param}.content")})
                    case _:
                        images.append(write_block(part, f"{param}.content"))
            written.append({"role": "tool", "tool_call_id": result.call_id, "content": _result(content, result)})
        if images:
            written.append({"role": "user", "content": images})
        return written


def _result(content: list[Json], result: ToolResult) -> str | list[Json]:
    if result.is_error:  # the form has no flag for a failed call: the text says so
        text = content[0].get("text", "") if content else ""
        if not text.lower().startswith("error"):
            said = {"type": "text", "text": f"Error: {text}".rstrip(": ")}
            content = [said, *(content[1:] if text else content)]
    if not content:
        return "The result is in the next message." if result.parts else ""
    if len(content) == 1 and content[0]["type"] == "text":
        return content[0]["text"]
    return content


def _assistant(message: Message, param: str) -> Json:
    """What a model said before it called is its plan."""
    entry: Json = {"role": "assistant"}
    thoughts: list[Json] = []
    texts: list[Json] = []
    calls: list[Json] = []
    for number, part in enumerate(message.parts):
        match part:
            case Reasoning():
                if part.text:
                    thoughts.append({"type": "thinking", "thinking": part.text})
            case TextPart() | Refusal():
                texts.append({"type": "text", "text": part.text})
            case ToolCall():
                calls.append(write_call(part))
            case _:
                raise inexpressible(f"{param}.content[{number}]", FORMAT)
    if calls:
        entry["tool_calls"] = calls
        if texts:
            entry["tool_plan"] = "".join(text["text"] for text in texts)
        texts = []
    if thoughts or len(texts) > 1:
        entry["content"] = thoughts + texts
    elif texts or not calls:
        entry["content"] = texts[0]["text"] if texts else ""
    return entry
