"""Items of a conversation, between the Responses form and the canonical messages and parts.

Items that follow one another on the model's side (reasoning, a message, calls, items of OpenAI's own tools) are one
assistant message; results of calls that follow one another are one tool message.
"""

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

from turnpike.errors import UpstreamGarbage
from turnpike.wire.dialects.common.body import shaped
from turnpike.wire.dialects.common.signatures import call_signature, signed_call
from turnpike.wire.dialects.common.words import foreign, inexpressible, invalid
from turnpike.wire.dialects.openai_responses.parts import (
    FORMAT,
    NAME,
    read_content,
    read_part,
    write_output_part,
)
from turnpike.wire.dialects.openai_responses.reasoning import own_id, read_reasoning, write_reasoning
from turnpike.wire.dialects.openai_responses.shapes import CallItem, ItemKind, MessageItem, ReasoningItem, ResultItem
from turnpike.wire.types.conversation import (
    FilePart,
    ImagePart,
    Message,
    Part,
    Reasoning,
    Refusal,
    Role,
    ServerItem,
    TextPart,
    ToolCall,
    ToolResult,
)

Json = dict[str, Any]

_kind = msgspec.json.Decoder(ItemKind).decode
_message = msgspec.json.Decoder(MessageItem).decode
_call = msgspec.json.Decoder(CallItem).decode
_result = msgspec.json.Decoder(ResultItem).decode
_reasoning = msgspec.json.Decoder(ReasoningItem).decode

_ROLES: dict[str, Role] = {"user": "user", "system": "system", "developer": "developer", "assistant": "assistant"}


# ---- requests


def read_items(raws: Iterable[msgspec.Raw]) -> list[Message]:
    """Raises InvalidRequest, or Inexpressible for a stored item that is only named."""
    messages: list[Message] = []
    for number, raw in enumerate(raws):
        role, parts = _read_item(raw, f"input[{number}]")
        last = messages[-1] if messages else None
        if last is not None and last.role == role and role in ("assistant", "tool"):
            messages[-1] = Message(role, last.parts + parts)
        elif parts or role not in ("assistant", "tool"):
            messages.append(Message(role, parts))
    return messages


def _read_item(raw: msgspec.Raw, param: str) -> tuple[Role, tuple[Part, ...]]:
    kind = shaped(_kind, raw, param)
    match kind.type if kind.type is not None or kind.role is None else "message":
        case "message":
            item = shaped(_message, raw, param)
            if item.role not in _ROLES:
                raise invalid(f"{param}.role", "must be one of user, system, developer, assistant.")
            return _ROLES[item.role], tuple(read_content(item.content, f"{param}.content"))
        case "function_call":
            return "assistant", (_read_call(shaped(_call, raw, param)),)
        case "function_call_output":
            return "tool", (_read_result(shaped(_result, raw, param), param),)
        case "reasoning":
            thought = read_reasoning(shaped(_reasoning, raw, param))
            return "assistant", () if thought is None else (thought,)
        case None if kind.id is None:
            raise invalid(f"{param}.type", "is required.")
        case None | "item_reference":
            raise inexpressible(
                f"{param}.id", "any form but OpenAI's Responses", "It names a stored item: send the item itself."
            )
        case other:
            return "assistant", (ServerItem(NAME, other, msgspec.Raw(bytes(raw))),)


def _read_call(item: CallItem) -> ToolCall:
    return ToolCall(item.call_id, item.name, item.arguments, signature=call_signature(item.extra_content))


def _read_result(item: ResultItem, param: str) -> ToolResult:
    parts: list[TextPart | ImagePart | FilePart] = []
    for number, part in enumerate(read_content(item.output, f"{param}.output")):
        if not isinstance(part, (TextPart, ImagePart, FilePart)):
            raise invalid(f"{param}.output[{number}].type", "must be input_text, input_image or input_file.")
        parts.append(part)
    return ToolResult(item.call_id, tuple(parts))


# ---- answers


def read_output(raws: Iterable[msgspec.Raw]) -> list[Part]:
    """Raises UpstreamGarbage. Empty texts are left out, as a stream has them."""
    parts: list[Part] = []
    for raw in raws:
        parts += answer_item(raw)
    return parts


def answer_item(raw: msgspec.Raw) -> list[Part]:
    try:
        return _answer_item(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UpstreamGarbage(f"An item of the provider's answer is not of its form: {str(error)[:200]}.") from error


def _answer_item(raw: msgspec.Raw) -> list[Part]:
    kind = _kind(raw)
    match kind.type:
        case "message":
            content = _message(raw).content
            shapes = [] if content is None or isinstance(content, str) else content
            parts: list[Part] = [TextPart(content)] if isinstance(content, str) and content else []
            parts += [read_part(shape, "content") for shape in shapes if _said(shape.text or shape.refusal)]
            return parts
        case "function_call":
            return [_read_call(_call(raw))]
        case "reasoning":
            thought = read_reasoning(_reasoning(raw))
            return [] if thought is None else [thought]
        case None:
            return []
        case other:
            return [ServerItem(NAME, other, msgspec.Raw(bytes(raw)))]


def _said(text: str | None) -> bool:
    return bool(text)


# ---- writing


def made_up(kind: str, answer_id: str, number: int) -> str:
    """An id for an item that its provider gave none: the same for the same answer, streamed or not."""
    return f"{kind}_" + hashlib.sha256(f"{answer_id}/{number}".encode()).hexdigest()[:32]


def call_item(call: ToolCall, *, signed: bool) -> Json:
    """`signed`: with the signature of a call that Google asks back, for a caller to keep."""
    item: Json = {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments or "{}"}
    return {**item, **(signed_call(call.signature) if signed else {})}


def server_item(part: ServerItem, param: str) -> msgspec.Raw:
    if part.dialect != NAME:
        raise foreign(part, param, FORMAT)
    return part.raw


def write_output(parts: Iterable[Part], answer_id: str) -> list[Any]:
    """Items of an answer. Texts that follow one another are one message."""
    items: list[Any] = []
    content: list[Json] | None = None
    for part in parts:
        if isinstance(part, (TextPart, Refusal)):
            if content is None:
                content = []
                items.append(message_item(made_up("msg", answer_id, len(items)), content, "completed"))
            content.append(write_output_part(part))
            continue
        item: Any = None
        match part:
            case ToolCall():
                item = {
                    "id": made_up("fc", answer_id, len(items)),
                    **call_item(part, signed=True),
                    "status": "completed",
                }
            case Reasoning():
                item = write_reasoning(part, own_id(part, made_up("rs", answer_id, len(items))))
            case ServerItem() if part.dialect == NAME:
                item = part.raw
            case _:
                pass  # what another provider's own tools did, and media, have no item here
        if item is not None:
            content = None
            items.append(item)
    return items


def message_item(item_id: str, content: list[Json], status: str) -> Json:
    return {"id": item_id, "type": "message", "status": status, "role": "assistant", "content": content}
