"""Where the pieces of text are in the events of each form's stream, and which events end which texts.

An event is decoded JSON. What it holds beside pieces is treated as any whole answer's text.
"""

from collections.abc import Callable, Hashable
from typing import Any, NamedTuple, cast

Members = dict[str, Any]
Channel = tuple[Hashable, ...]
"""Which text a piece belongs to. What ends a text is named by the beginning of its channel."""


class Piece(NamedTuple):
    channel: Channel
    holder: Members
    key: str
    is_json: bool


class Seen(NamedTuple):
    pieces: list[Piece]
    ends: list[Channel]
    """Texts whose channels begin so are over, this event's pieces included. () ends all."""


def _members(value: Any) -> Members:
    return cast("Members", value) if isinstance(value, dict) else {}


def _items(value: Any) -> list[Members]:
    return [_members(each) for each in cast("list[Any]", value)] if isinstance(value, list) else []


def _piece(found: list[Piece], holder: Members, key: str, channel: Channel, *, is_json: bool = False) -> None:
    if isinstance(holder.get(key), str):
        found.append(Piece((*channel, key), holder, key, is_json))


def openai_chat(event: Members) -> Seen:
    pieces: list[Piece] = []
    ends: list[Channel] = []
    choices = _items(event.get("choices"))
    for choice in choices:
        index = choice.get("index", 0)
        delta = _members(choice.get("delta"))
        for key in ("content", "reasoning_content", "reasoning", "refusal"):
            _piece(pieces, delta, key, (index,))
        _piece(pieces, choice, "text", (index,))
        _piece(pieces, _members(delta.get("audio")), "transcript", (index, "audio"))
        _piece(pieces, _members(delta.get("function_call")), "arguments", (index, "function"), is_json=True)
        for call in _items(delta.get("tool_calls")):
            channel = (index, "tool", call.get("index", 0))
            _piece(pieces, _members(call.get("function")), "arguments", channel, is_json=True)
            _piece(pieces, _members(call.get("custom")), "input", channel)
        if choice.get("finish_reason") is not None:
            ends.append((index,))
    if not choices and ("usage" in event or "error" in event):
        ends.append(())
    return Seen(pieces, ends)


def anthropic_messages(event: Members) -> Seen:
    pieces: list[Piece] = []
    kind, index = event.get("type"), event.get("index", 0)
    delta = _members(event.get("delta"))
    if kind == "content_block_delta":
        _piece(pieces, delta, "text", (index,))
        _piece(pieces, delta, "thinking", (index,))
        _piece(pieces, delta, "partial_json", (index,), is_json=True)
        return Seen(pieces, [])
    if kind in ("content_block_stop", "content_block_start"):
        return Seen(pieces, [(index,)])
    return Seen(pieces, [()] if kind in ("message_delta", "message_stop", "error") else [])


_RESPONSES_JSON = ("response.function_call_arguments", "response.mcp_call_arguments")


def openai_responses(event: Members) -> Seen:
    kind = str(event.get("type", ""))
    if kind.endswith(".delta"):
        pieces: list[Piece] = []
        name = kind.removesuffix(".delta")
        place = (event.get("item_id"), event.get("output_index"))
        part = event.get("content_index", event.get("summary_index"))
        if "audio.delta" not in kind:
            _piece(pieces, event, "delta", (*place, name, part), is_json=name in _RESPONSES_JSON)
        return Seen(pieces, [])
    if kind.endswith(".done") and "item_id" in event:
        return Seen([], [(event.get("item_id"), event.get("output_index"))])
    if kind == "response.output_item.done":
        return Seen([], [(_members(event.get("item")).get("id"), event.get("output_index"))])
    ends = kind in ("response.completed", "response.incomplete", "response.failed", "response.done", "error")
    return Seen([], [()] if ends else [])


_TRANSCRIBED = "conversation.item.input_audio_transcription."


def openai_realtime(event: Members) -> Seen:
    """As the Responses API's, and the transcript of what was heard."""
    kind = str(event.get("type", ""))
    if kind.startswith(_TRANSCRIBED) and not kind.endswith(".delta"):
        return Seen([], [(event.get("item_id"), None)])
    return openai_responses(event)


def gemini(event: Members) -> Seen:
    pieces: list[Piece] = []
    ends: list[Channel] = []
    candidates = _items(event.get("candidates"))
    for candidate in candidates:
        index = candidate.get("index", 0)
        for part in _items(_members(candidate.get("content")).get("parts")):
            _piece(pieces, part, "text", (index, bool(part.get("thought"))))
        if candidate.get("finishReason") is not None:
            ends.append((index,))
    if "error" in event:
        ends.append(())
    return Seen(pieces, ends)


def cohere_chat(event: Members) -> Seen:
    pieces: list[Piece] = []
    kind, index = event.get("type"), event.get("index", 0)
    message = _members(_members(event.get("delta")).get("message"))
    match kind:
        case "content-delta":
            content = _members(message.get("content"))
            _piece(pieces, content, "text", ("content", index))
            _piece(pieces, content, "thinking", ("content", index))
        case "tool-plan-delta":
            _piece(pieces, message, "tool_plan", ("plan",))
        case "tool-call-delta":
            function = _members(_members(message.get("tool_calls")).get("function"))
            _piece(pieces, function, "arguments", ("tool", index), is_json=True)
        case "content-end":
            return Seen(pieces, [("content", index)])
        case "tool-call-end":
            return Seen(pieces, [("tool", index)])
        case "content-start" | "tool-call-start":
            return Seen(pieces, [("plan",)])
        case "message-end":
            return Seen(pieces, [()])
        case _:
            pass
    return Seen(pieces, [])


def bedrock_converse(event: Members) -> Seen:
    """The event's members stand under its type, as the binary framing's headers tell it."""
    pieces: list[Piece] = []
    if "contentBlockDelta" in event:
        block = _members(event["contentBlockDelta"])
        index = block.get("contentBlockIndex", 0)
        delta = _members(block.get("delta"))
        _piece(pieces, delta, "text", (index,))
        _piece(pieces, _members(delta.get("toolUse")), "input", (index, "tool"), is_json=True)
        _piece(pieces, _members(delta.get("reasoningContent")), "text", (index, "reasoning"))
        return Seen(pieces, [])
    if "contentBlockStop" in event:
        return Seen(pieces, [(_members(event["contentBlockStop"]).get("contentBlockIndex", 0),)])
    return Seen(pieces, [()] if "messageStop" in event else [])


def openai_transcription(event: Members) -> Seen:
    pieces: list[Piece] = []
    if event.get("type") == "transcript.text.delta":
        _piece(pieces, event, "delta", ("transcript",))
        return Seen(pieces, [])
    return Seen(pieces, [()])


def openai_thread(event: Members) -> Seen:
    """Of the Assistants API's runs."""
    pieces: list[Piece] = []
    kind, name = str(event.get("object", "")), event.get("id")
    delta = _members(event.get("delta"))
    if kind == "thread.message.delta":
        for part in _items(delta.get("content")):
            channel = (name, part.get("index", 0))
            _piece(pieces, _members(part.get("text")), "value", channel)
            _piece(pieces, part, "refusal", channel)
        return Seen(pieces, [])
    if kind == "thread.run.step.delta":
        for call in _items(_members(delta.get("step_details")).get("tool_calls")):
            channel = (name, call.get("index", 0))
            _piece(pieces, _members(call.get("function")), "arguments", channel, is_json=True)
            _piece(pieces, _members(call.get("function")), "output", channel)
            code = _members(call.get("code_interpreter"))
            _piece(pieces, code, "input", channel)
            for output in _items(code.get("outputs")):
                _piece(pieces, output, "logs", (*channel, output.get("index", 0)))
        return Seen(pieces, [])
    over = kind in ("thread.message", "thread.run.step") and event.get("status") != "in_progress"
    return Seen([], [(name,)] if over else [()] if kind == "thread.run" else [])


_ANTHROPIC = frozenset(
    (
        "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta",
        "message_stop", "ping",
    )
)  # fmt: skip


def any_form(event: Members) -> Seen | None:
    """Of a path that is only passed through: the form is told by the event. None: it is none that is known."""
    kind, what = event.get("type"), event.get("object")
    if isinstance(what, str) and what.startswith("thread."):
        return openai_thread(event)
    if "choices" in event:
        return openai_chat(event)
    if "candidates" in event or "usageMetadata" in event:
        return gemini(event)
    if isinstance(kind, str) and kind in _ANTHROPIC:
        return anthropic_messages(event)
    if isinstance(kind, str) and kind.startswith("response."):
        return openai_responses(event)
    if isinstance(kind, str) and kind.startswith("transcript.text."):
        return openai_transcription(event)
    return Seen([], [()]) if kind == "error" or "error" in event else None


ANY_FORM = "any"
READERS: dict[str, Callable[[Members], Seen | None]] = {
    "openai_chat": openai_chat,
    "openai_responses": openai_responses,
    "openai_realtime": openai_realtime,
    "anthropic_messages": anthropic_messages,
    "gemini": gemini,
    "cohere_chat": cohere_chat,
    "bedrock_converse": bedrock_converse,
    "openai_transcription": openai_transcription,
    "openai_translation": openai_transcription,
    ANY_FORM: any_form,
}
"""By dialect. A form without streams of text has none."""
