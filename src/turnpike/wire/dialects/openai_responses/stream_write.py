"""Canonical events written as a Responses stream.

The last event holds the whole answer, so what was written is kept until then. Texts that follow one another are parts
of one message, as in an answer that is not streamed.
"""

from typing import Any

import msgspec

from turnpike.kit.sse import encode_sse
from turnpike.wire.dialect import Head
from turnpike.wire.dialects.common.logprobs import write_logprobs
from turnpike.wire.dialects.openai_responses.error import error_event
from turnpike.wire.dialects.openai_responses.head import ECHO, ResponsesHead
from turnpike.wire.dialects.openai_responses.items import call_item, made_up, message_item
from turnpike.wire.dialects.openai_responses.parts import NAME, write_annotation, write_output_part
from turnpike.wire.dialects.openai_responses.reasoning import write_reasoning
from turnpike.wire.dialects.openai_responses.response import finish, frame, incomplete_reason
from turnpike.wire.types.conversation import Citation, Part, Reasoning, Refusal, ServerItem, TextPart, ToolCall
from turnpike.wire.types.stream import (
    ArgumentsDelta,
    AudioDelta,
    CitationAdded,
    Event,
    Failed,
    Finished,
    LogprobsDelta,
    PartClosed,
    PartOpened,
    SignatureDelta,
    Started,
    TextDelta,
)

Json = dict[str, Any]


class _Open:
    """A part that is being written."""

    __slots__ = ("closed", "content_index", "item", "output_index", "part", "pieces", "silent", "written")

    def __init__(self, part: Part, output_index: int, item: Json, content_index: int = 0) -> None:
        self.part = part
        self.output_index = output_index
        self.item = item
        self.content_index = content_index
        self.pieces: list[str] = []
        self.written: Json = {}
        """Of a text: its content part."""
        self.closed = False
        self.silent = True
        """Of reasoning: no piece of its summary has come."""

    def text(self) -> str:
        return "".join(self.pieces)


class ResponsesWriter:
    def __init__(self, head: Head, model: str) -> None:
        self._model = model
        self._echo: Json = head.echo() if isinstance(head, ResponsesHead) else ECHO
        self._number = 0
        self._answer: Json = {}
        self._output: list[Any] = []
        self._parts: dict[int, _Open] = {}
        self._message: tuple[int, Json] | None = None
        """Output index and item of the message that is under way."""
        self._refused = False

    def write(self, event: Event) -> bytes:
        match event:
            case Started():
                return self._start(event)
            case PartOpened():
                return self._open(event.index, event.part)
            case TextDelta():
                return self._text(event.index, event.text)
            case ArgumentsDelta():
                return self._arguments(event.index, event.json)
            case SignatureDelta():
                return self._sign(event.index, event.signature)
            case CitationAdded():
                return self._cite(event.index, event.citation)
            case LogprobsDelta():
                return self._logprobs(event)
            case PartClosed():
                return self._close(event.index)
            case Finished():
                return self._finish(event)
            case Failed():
                return error_event(event.to_error(), "", self._number)
            case AudioDelta():
                return b""  # its callers cannot ask for sound

    # ---- events

    def _event(self, kind: str, /, **members: Any) -> bytes:
        name = f"response.{kind}"
        event: Json = {"type": name, "sequence_number": self._number, **members}
        self._number += 1
        return encode_sse(msgspec.json.encode(event), event=name)

    def _at(self, kind: str, part: _Open, /, **members: Any) -> bytes:
        return self._event(kind, item_id=part.item["id"], output_index=part.output_index, **members)

    def _in(self, kind: str, part: _Open, /, **members: Any) -> bytes:
        return self._at(kind, part, content_index=part.content_index, **members)

    def _start(self, event: Started) -> bytes:
        self._answer = frame(event.id or "resp_0", event.created_s, self._model, event.service_tier)
        begun = {**self._answer, **self._echo}
        return self._event("created", response=begun) + self._event("in_progress", response=begun)

    # ---- parts

    def _open(self, index: int, part: Part) -> bytes:
        match part:
            case TextPart() | Refusal():
                return self._open_text(index, part)
            case ToolCall():
                number, out = self._place()
                item = {
                    "id": self._id("fc", number),
                    **call_item(part, signed=True),
                    "arguments": "",
                    "status": "in_progress",
                }
                out += self._add(index, part, number, item)
                return out + (self._arguments(index, part.arguments) if part.arguments else b"")
            case Reasoning():
                number, out = self._place()
                item = write_reasoning(part, self._id("rs", number))
                item["summary"] = []
                if part.redacted is None:
                    item.pop("encrypted_content", None)
                out += self._add(index, part, number, item)
                return out + (self._text(index, part.text) if part.text else b"")
            case ServerItem() if part.dialect == NAME:
                number, out = self._place()
                self._output.append(part.raw)
                out += self._event("output_item.added", output_index=number, item=part.raw)
                return out + self._event("output_item.done", output_index=number, item=part.raw)
            case _:
                return b""  # what another provider's own tools did, and media, have no item here

    def _id(self, kind: str, number: int) -> str:
        return made_up(kind, self._answer["id"], number)

    def _place(self) -> tuple[int, bytes]:
        """The next item's output index, and what ends the message before it."""
        return len(self._output), self._end_message()

    def _add(self, index: int, part: Part, number: int, item: Json) -> bytes:
        self._output.append(item)
        self._parts[index] = _Open(part, number, item)
        return self._event("output_item.added", output_index=number, item=item)

    def _open_text(self, index: int, part: TextPart | Refusal) -> bytes:
        out = b""
        if self._message is None:
            number = len(self._output)
            item = message_item(self._id("msg", number), [], "in_progress")
            self._output.append(item)
            self._message = (number, item)
            out = self._event("output_item.added", output_index=number, item=item)
        number, item = self._message
        opened = self._parts[index] = _Open(part, number, item, len(item["content"]))
        empty = TextPart("") if isinstance(part, TextPart) else Refusal("")
        self._refused = self._refused or isinstance(part, Refusal)
        opened.written = write_output_part(empty)
        item["content"].append(opened.written)
        out += self._in("content_part.added", opened, part=opened.written)
        return out + (self._text(index, part.text) if part.text else b"")

    def _text(self, index: int, text: str) -> bytes:
        part = self._parts.get(index)
        if part is None:
            return b""
        part.pieces.append(text)
        match part.part:
            case TextPart():
                return self._in("output_text.delta", part, delta=text, logprobs=[])
            case Refusal():
                return self._in("refusal.delta", part, delta=text)
            case _:
                out = b""
                if part.silent:
                    part.silent = False
                    summary = {"type": "summary_text", "text": ""}
                    out = self._at("reasoning_summary_part.added", part, summary_index=0, part=summary)
                return out + self._at("reasoning_summary_text.delta", part, summary_index=0, delta=text)

    def _arguments(self, index: int, piece: str) -> bytes:
        part = self._parts.get(index)
        if part is None:
            return b""
        part.pieces.append(piece)
        part.item["arguments"] = part.text() if part.closed else ""
        return self._at("function_call_arguments.delta", part, delta=piece)

    def _sign(self, index: int, signature: str) -> bytes:
        """Shown with the item when it is done."""
        part = self._parts.get(index)
        if part is not None and isinstance(part.part, Reasoning):
            part.part = Reasoning("", (part.part.signature or "") + signature)
        return b""

    def _cite(self, index: int, citation: Citation) -> bytes:
        part = self._parts.get(index)
        if part is None or not isinstance(part.part, TextPart):
            return b""
        annotation = write_annotation(citation, len(part.text()))
        if annotation is None:
            return b""
        annotations: list[Any] = part.written["annotations"]
        annotations.append(annotation)
        number = len(annotations) - 1
        return self._in("output_text.annotation.added", part, annotation_index=number, annotation=annotation)

    def _logprobs(self, event: LogprobsDelta) -> bytes:
        part = self._parts.get(event.index)
        if part is None or not isinstance(part.part, TextPart):
            return b""
        logprobs = write_logprobs(event.logprobs)
        part.written["logprobs"] += logprobs
        return self._in("output_text.delta", part, delta="", logprobs=logprobs)

    # ---- ends

    def _close(self, index: int) -> bytes:
        part = self._parts.get(index)
        if part is None or part.closed:
            return b""
        part.closed = True
        match part.part:
            case TextPart():
                return self._close_text(part, "text")
            case Refusal():
                return self._close_text(part, "refusal")
            case ToolCall():
                return self._close_call(part)
            case _:
                return self._close_reasoning(part)

    def _close_text(self, part: _Open, name: str) -> bytes:
        text = part.written[name] = part.text()
        done = "output_text.done" if name == "text" else "refusal.done"
        more = {"logprobs": part.written["logprobs"]} if name == "text" else {}
        out = self._in(done, part, **{name: text}, **more)
        return out + self._in("content_part.done", part, part=part.written)

    def _close_call(self, part: _Open) -> bytes:
        arguments = part.item["arguments"] = part.text() or "{}"
        part.item["status"] = "completed"
        out = self._at("function_call_arguments.done", part, arguments=arguments, name=part.item["name"])
        return out + self._event("output_item.done", output_index=part.output_index, item=part.item)

    def _close_reasoning(self, part: _Open) -> bytes:
        thought = part.part
        assert isinstance(thought, Reasoning)
        text, out = part.text(), b""
        if not part.silent:
            summary = {"type": "summary_text", "text": text}
            out = self._at("reasoning_summary_text.done", part, summary_index=0, text=text)
            out += self._at("reasoning_summary_part.done", part, summary_index=0, part=summary)
        whole = Reasoning(text, thought.signature, thought.redacted)
        part.item.update(write_reasoning(whole, part.item["id"]))
        return out + self._event("output_item.done", output_index=part.output_index, item=part.item)

    def _end_message(self) -> bytes:
        if self._message is None:
            return b""
        number, item = self._message
        self._message = None
        out = b"".join(self._close(index) for index, part in self._parts.items() if part.item is item)
        item["status"] = "completed"
        return out + self._event("output_item.done", output_index=number, item=item)

    def _finish(self, event: Finished) -> bytes:
        out = self._end_message()
        reason = incomplete_reason(event.stop_reason, refused=self._refused)
        finish(self._answer, self._output, reason, event.usage)
        kind = "completed" if reason is None else "incomplete"
        return out + self._event(kind, response={**self._answer, **self._echo})
