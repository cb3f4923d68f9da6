"""A whole Converse answer, read and written."""

import secrets
from typing import Any

import msgspec

from turnpike.errors import InvalidRequest, UpstreamGarbage
from turnpike.wire.dialects.bedrock_converse.citations import read_safety
from turnpike.wire.dialects.bedrock_converse.parts import BlockWriter, read_blocks
from turnpike.wire.dialects.bedrock_converse.shapes import AnswerShape, Block
from turnpike.wire.dialects.bedrock_converse.usage import usage_in, write_usage
from turnpike.wire.dialects.common.reading import decode_answer
from turnpike.wire.types.conversation import Part, Response, StopReason

Json = dict[str, Any]

READ_STOP: dict[str, StopReason] = {
    "end_turn": StopReason.END,
    "tool_use": StopReason.TOOL_CALLS,
    "max_tokens": StopReason.MAX_TOKENS,
    "stop_sequence": StopReason.STOP_SEQUENCE,
    "guardrail_intervened": StopReason.REFUSAL,
    "content_filtered": StopReason.REFUSAL,
    "model_context_window_exceeded": StopReason.CONTEXT_EXCEEDED,
}
WRITE_STOP: dict[StopReason, str] = {
    StopReason.END: "end_turn",
    StopReason.TOOL_CALLS: "tool_use",
    StopReason.MAX_TOKENS: "max_tokens",
    StopReason.STOP_SEQUENCE: "stop_sequence",
    StopReason.REFUSAL: "content_filtered",
    StopReason.CONTEXT_EXCEEDED: "model_context_window_exceeded",
    StopReason.PAUSED: "end_turn",
}

_decode = msgspec.json.Decoder(AnswerShape).decode


def made_up_id() -> str:
    """Converse gives its answers no id, and callers of other forms expect one."""
    return "msg_bdrk_" + secrets.token_hex(12)


def readable(block: Block) -> bool:
    """Whether a block of an answer has a canonical word. Others come only from what a caller of another form cannot
    ask for."""
    return (
        block.text is not None
        or block.tool_use is not None
        or block.reasoning_content is not None
        or block.citations_content is not None
    )


def read_response(body: bytes) -> Response:
    """Raises UpstreamGarbage."""
    answer = decode_answer(_decode, body, "an answer of Converse's form")
    message = None if answer.output is None else answer.output.message
    if message is None or message.content is None:
        raise UpstreamGarbage("The provider's answer is not of Converse's form: it has no message.")
    try:
        parts = read_blocks([block for block in message.content if readable(block)], "content")
    except InvalidRequest as error:
        raise UpstreamGarbage(f"The provider's answer holds content of an unknown kind: {error.message}") from error
    return Response(
        id=made_up_id(),
        model="",
        parts=tuple(parts),
        stop_reason=READ_STOP.get(answer.stop_reason or "end_turn", StopReason.END),
        usage=usage_in(answer.usage),
        safety=read_safety(answer.trace),
        service_tier=None if answer.service_tier is None else answer.service_tier.type,
    )


def write_response(response: Response, model: str) -> bytes:
    answer: Json = {
        "output": {"message": {"role": "assistant", "content": write_answer_parts(response.parts)}},
        "stopReason": WRITE_STOP[response.stop_reason],
        "usage": write_usage(response.usage),
        "metrics": {"latencyMs": 0},
    }
    if response.service_tier in ("priority", "default", "flex", "reserved"):
        answer["serviceTier"] = {"type": response.service_tier}
    return msgspec.json.encode(answer)


def write_answer_parts(parts: tuple[Part, ...]) -> list[Json]:
    return BlockWriter().write(parts, "content")
