"""A whole Responses answer, read and written."""

import time
from typing import Any, cast

import msgspec

from turnpike.errors import UpstreamGarbage, UpstreamRefused
from turnpike.wire.dialects.common.errors import scrub
from turnpike.wire.dialects.common.reading import decode_answer, seconds
from turnpike.wire.dialects.openai_responses.error import status_of
from turnpike.wire.dialects.openai_responses.head import ECHO
from turnpike.wire.dialects.openai_responses.items import read_output, write_output
from turnpike.wire.dialects.openai_responses.shapes import AnswerShape
from turnpike.wire.dialects.openai_responses.usage import usage_of, write_usage
from turnpike.wire.types.conversation import Part, Refusal, Response, StopReason, ToolCall
from turnpike.wire.types.usage import Usage

Json = dict[str, Any]

_decode = msgspec.json.Decoder(AnswerShape).decode

READ_INCOMPLETE: dict[str, StopReason] = {
    "max_output_tokens": StopReason.MAX_TOKENS,
    "max_tokens": StopReason.MAX_TOKENS,
    "content_filter": StopReason.REFUSAL,
}
"""By `incomplete_details.reason`."""

WRITE_INCOMPLETE: dict[StopReason, str] = {
    StopReason.MAX_TOKENS: "max_output_tokens",
    StopReason.CONTEXT_EXCEEDED: "max_output_tokens",
    StopReason.REFUSAL: "content_filter",
}
"""An answer that stopped for another reason is complete; so is a refusal that says so in its content."""


def read_response(body: bytes) -> Response:
    """Raises UpstreamGarbage, or UpstreamRefused for an answer that tells of its own failure."""
    answer = decode_answer(_decode, body, "a response of OpenAI's form")
    if answer.status == "failed" or (answer.output is None and answer.error):
        raise failure_of(answer.error)
    if answer.output is None:
        raise UpstreamGarbage("The provider's answer is not a response of OpenAI's form: it has no output.")
    parts = tuple(read_output(answer.output))
    return Response(
        id=answer.id or "",
        model=answer.model or "",
        parts=parts,
        stop_reason=read_stop(answer, called=_called(parts), refused=_refused(parts)),
        usage=usage_in(answer),
        created_s=seconds(answer.created_at),
        service_tier=answer.service_tier,
    )


def _called(parts: tuple[Part, ...]) -> bool:
    return any(isinstance(part, ToolCall) for part in parts)


def _refused(parts: tuple[Part, ...]) -> bool:
    return any(isinstance(part, Refusal) for part in parts)


def usage_in(answer: AnswerShape) -> Usage | None:
    return usage_of(answer.usage, answer.tool_usage, answer.output or ())


def read_stop(answer: AnswerShape, *, called: bool, refused: bool) -> StopReason:
    if answer.status == "incomplete":
        details = answer.incomplete_details
        return READ_INCOMPLETE.get((details and details.reason) or "", StopReason.MAX_TOKENS)
    if called:
        return StopReason.TOOL_CALLS
    return StopReason.REFUSAL if refused else StopReason.END


def failure_of(error: Any) -> UpstreamRefused:
    """The `error` member of a response that failed."""
    told: Json = cast("Json", error) if isinstance(error, dict) else {}
    code, message, kind = (told.get(name) for name in ("code", "message", "type"))
    code = code if isinstance(code, str) else None
    text = message if isinstance(message, str) and message else "The provider failed to answer and does not say why."
    return UpstreamRefused(
        scrub(text), status=status_of(code), upstream_code=code, upstream_type=kind if isinstance(kind, str) else None
    )


def write_response(response: Response, model: str) -> bytes:
    reason = incomplete_reason(response.stop_reason, refused=_refused(response.parts))
    answer = frame(response.id or "resp_0", response.created_s, model, response.service_tier)
    finish(answer, write_output(response.parts, response.id), reason, response.usage)
    return msgspec.json.encode({**answer, **ECHO})


def incomplete_reason(stop: StopReason, *, refused: bool) -> str | None:
    return None if refused and stop is StopReason.REFUSAL else WRITE_INCOMPLETE.get(stop)


def frame(answer_id: str, created_s: int, model: str, service_tier: str | None) -> Json:
    """A response that has only begun, without what it repeats of its request."""
    return {
        "id": answer_id,
        "object": "response",
        "created_at": created_s or int(time.time()),
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "model": model,
        "output": [],
        "service_tier": service_tier,
        "usage": None,
    }


def finish(answer: Json, output: list[Any], reason: str | None, usage: Usage | None) -> None:
    answer["status"] = "completed" if reason is None else "incomplete"
    if reason is None:
        answer["completed_at"] = int(time.time())
    else:
        answer["incomplete_details"] = {"reason": reason}
    answer["output"] = output
    answer["usage"] = None if usage is None else write_usage(usage)
