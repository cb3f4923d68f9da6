"""The fast lane of a request: reading the few fields that the gateway owns, and replacing them in place.

A Responses answer repeats its request. What is repeated stays here as the bytes that came, for translated answers.
"""

from typing import Any

import msgspec

from turnpike.errors import TurnpikeError
from turnpike.wire.dialect import Head
from turnpike.wire.dialects.common.body import BODY_ERRORS, body_error, key_position, replace_model
from turnpike.wire.dialects.common.owned import OwnedMaxOutputTokens, OwnedModel, OwnedStream, forget, once

_NONE = msgspec.Raw()
_encode = msgspec.json.encode

ECHO: dict[str, Any] = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "store": False,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": None,
    "truncation": "disabled",
    "user": None,
}
"""What an answer repeats of its request, as it stands there for a request that says none of it. Nothing is stored for a
translated answer, whatever the request says."""

ECHO_END = _encode(ECHO)[1:]
"""How a written answer ends that repeats nothing yet."""


class ResponsesHead(Head, gc=False):
    model: OwnedModel
    stream: OwnedStream | None = False  # pyright: ignore[reportIncompatibleVariableOverride] - read only
    """Never None once it was read: null is the same as false."""
    max_output_tokens: OwnedMaxOutputTokens | None = None
    instructions: msgspec.Raw = _NONE
    max_tool_calls: msgspec.Raw = _NONE
    metadata: msgspec.Raw = _NONE
    parallel_tool_calls: msgspec.Raw = _NONE
    prompt_cache_key: msgspec.Raw = _NONE
    reasoning: msgspec.Raw = _NONE
    safety_identifier: msgspec.Raw = _NONE
    temperature: msgspec.Raw = _NONE
    text: msgspec.Raw = _NONE
    tool_choice: msgspec.Raw = _NONE
    tools: msgspec.Raw = _NONE
    top_logprobs: msgspec.Raw = _NONE
    top_p: msgspec.Raw = _NONE
    user: msgspec.Raw = _NONE

    def output_bound(self) -> int | None:
        return self.max_output_tokens

    def echo(self) -> dict[str, Any]:
        """The members of an answer that repeat this request."""
        echo = dict(ECHO)
        for name in _REPEATED:
            raw: msgspec.Raw = getattr(self, name)
            if bytes(raw) not in (b"", b"null"):
                echo[name] = raw
        echo["max_output_tokens"] = self.max_output_tokens
        return echo

    def echoed(self, answer: bytes) -> bytes:
        if not answer.endswith(ECHO_END):
            return answer
        return answer[: -len(ECHO_END)] + _encode(self.echo())[1:]


_REPEATED = tuple(
    name for name in ResponsesHead.__struct_fields__ if name not in ("model", "stream", "max_output_tokens")
)
_decode = msgspec.json.Decoder(ResponsesHead, dec_hook=once).decode


def decode_head(body: bytes) -> ResponsesHead:
    """Raises what `head_error` takes."""
    forget()
    head = _decode(body)
    if head.stream is None:
        head.stream = False
    return head


def read_head(body: bytes) -> ResponsesHead:
    try:
        return decode_head(body)
    except BODY_ERRORS as error:
        raise body_error(error) from error


def head_error(error: Exception) -> TurnpikeError:
    return body_error(error)


def splice(body: bytes, head: Head, upstream_model: str, quirks: frozenset[str] = frozenset()) -> bytes:
    """Responses streams report usage unasked: only the model is replaced."""
    if upstream_model == head.model:
        return body
    return replace_model(body, key_position(body), upstream_model)
