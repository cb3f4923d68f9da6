"""A whole Messages answer, read and written."""

from typing import Any

import msgspec

from turnpike.errors import UpstreamGarbage
from turnpike.wire.dialects.anthropic_messages.citations import write_citation
from turnpike.wire.dialects.anthropic_messages.parts import read_block, write_block
from turnpike.wire.dialects.anthropic_messages.shapes import AnswerShape, Block
from turnpike.wire.dialects.anthropic_messages.usage import reported_in, to_usage, write_usage
from turnpike.wire.dialects.common.reading import decode_answer
from turnpike.wire.dialects.common.signatures import signed_call
from turnpike.wire.types.conversation import (
    AudioPart,
    ImagePart,
    Part,
    Refusal,
    Response,
    ServerItem,
    StopReason,
    TextPart,
    ToolCall,
)

Json = dict[str, Any]

READ_STOP: dict[str, StopReason] = {
    "end_turn": StopReason.END,
    "max_tokens": StopReason.MAX_TOKENS,
    "stop_sequence": StopReason.STOP_SEQUENCE,
    "tool_use": StopReason.TOOL_CALLS,
    "refusal": StopReason.REFUSAL,
    "pause_turn": StopReason.PAUSED,
    "model_context_window_exceeded": StopReason.CONTEXT_EXCEEDED,
}
WRITE_STOP: dict[StopReason, str] = {stop: name for name, stop in READ_STOP.items()}

READABLE = frozenset(("text", "thinking", "redacted_thinking", "tool_use"))
"""Blocks of an answer that have a canonical word. Others come only from tools of Anthropic's own, which a caller of
another form cannot ask for."""

_decode = msgspec.json.Decoder(AnswerShape).decode


def read_parts(blocks: list[Block]) -> list[Part]:
    return [read_block(block, "content") for block in blocks if block.type in READABLE]


def read_response(body: bytes) -> Response:
    """Raises UpstreamGarbage."""
    answer = decode_answer(_decode, body, "a message of Anthropic's form")
    if answer.content is None:
        raise UpstreamGarbage("The provider's answer is not a message of Anthropic's form: it has no content.")
    reported = reported_in(answer.usage)
    return Response(
        id=answer.id or "",
        model=answer.model or "",
        parts=tuple(read_parts(answer.content)),
        stop_reason=READ_STOP.get(answer.stop_reason or "end_turn", StopReason.END),
        stop_sequence=answer.stop_sequence,
        usage=None if reported is None else to_usage(reported),
    )


def write_response(response: Response, model: str) -> bytes:
    return msgspec.json.encode(
        {
            "id": response.id or "msg_0",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": [answer_block(part) for part in response.parts if _said(part)],
            "stop_reason": WRITE_STOP[response.stop_reason],
            "stop_sequence": response.stop_sequence,
            "usage": write_usage(response.usage),
        }
    )


def answer_block(part: Part) -> Json:
    """A block as a caller gets it: with what it may have to bring back to another provider."""
    block = write_block(part, "content")
    if isinstance(part, ToolCall):
        block.update(signed_call(part.signature))
    elif isinstance(part, TextPart) and part.citations:
        cited = (write_citation(citation) for citation in part.citations)
        block["citations"] = [citation for citation in cited if citation is not None]
    return block


def _said(part: Part) -> bool:
    if isinstance(part, (ServerItem, ImagePart, AudioPart)):
        return False  # another provider's own tools, and media, have no block here
    return not (isinstance(part, (TextPart, Refusal)) and not part.text)
