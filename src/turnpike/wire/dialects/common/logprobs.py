"""Log probabilities of output tokens, which OpenAI's dialects write alike."""

from collections.abc import Iterable
from typing import Any

import msgspec

from turnpike.wire.types.conversation import TokenLogprob, TopLogprob


class TopLogprobShape(msgspec.Struct):
    token: str | None = None
    logprob: float | None = None
    bytes: list[int] | None = None


class LogprobShape(msgspec.Struct):
    token: str
    logprob: float
    bytes: list[int] | None = None
    top_logprobs: list[TopLogprobShape] | None = None


def read_logprobs(shapes: Iterable[LogprobShape] | None) -> tuple[TokenLogprob, ...]:
    return tuple(
        TokenLogprob(
            shape.token,
            shape.logprob,
            None if shape.bytes is None else tuple(shape.bytes),
            tuple(
                TopLogprob(top.token, top.logprob, None if top.bytes is None else tuple(top.bytes))
                for top in shape.top_logprobs or ()
                if top.token is not None and top.logprob is not None
            ),
        )
        for shape in shapes or ()
    )


def write_logprobs(logprobs: Iterable[TokenLogprob]) -> list[dict[str, Any]]:
    return [{**_one(token), "top_logprobs": [_one(top) for top in token.top]} for token in logprobs]


def _one(token: TokenLogprob | TopLogprob) -> dict[str, Any]:
    """The bytes are those of the token where its provider did not say."""
    spelled = token.bytes if token.bytes is not None else tuple(token.token.encode())
    return {"token": token.token, "logprob": token.logprob, "bytes": list(spelled)}
