"""Counting tokens without the provider: estimates for answers that broke off, and bounds for reservations.

Two rules, both stated where they are used:

* **estimate**: four bytes of text are a token (what tokenizers of English text average); a stream's frames are taken
  off by what a frame of the dialect weighs.
* **bound**: a byte-level tokenizer never makes more tokens than there are bytes, and the JSON around a message is
  longer than the template that a provider puts around it. Media sent by reference are not in the bytes: then only the
  model's context window bounds the input.
"""

from turnpike.wire.types.usage import Usage

BYTES_PER_TOKEN = 4

STREAM_BYTES_PER_TOKEN: dict[str, int] = {"openai_chat": 128, "anthropic_messages": 48, "gemini": 128}
"""Bytes of a stream's events for one token: half of a typical frame with one piece of text, since a frame often holds
more than one token. Meant to be high rather than low: it is charged for what broke off."""

TEMPLATE_TOKENS = 64
"""What a provider's template may add to a body that holds hardly anything."""


def tokens_of_bytes(size: int) -> int:
    """An estimate for a text of so many bytes."""
    return -(-size // BYTES_PER_TOKEN)


def stream_tokens(dialect: str, output_bytes: int) -> int:
    """An estimate of the output tokens in so many bytes of a dialect's stream."""
    return -(-output_bytes // STREAM_BYTES_PER_TOKEN.get(dialect, 128))


def estimate_usage(body_bytes: int, output_bytes: int, stream_of: str | None = None) -> Usage:
    """For an attempt that reported nothing: input by the request's bytes, output by the answer's, which are those of a
    stream of the dialect `stream_of` or of a whole answer."""
    output = tokens_of_bytes(output_bytes) if stream_of is None else stream_tokens(stream_of, output_bytes)
    return Usage(input_tokens=tokens_of_bytes(body_bytes), output_tokens=output)


def input_bound(body_bytes: int, context_window: int | None, *, by_reference: bool = False) -> int | None:
    """The most input tokens that a request can be; None when it cannot be bounded.

    `by_reference`: it names media by URL or file id.
    """
    if by_reference:
        return context_window
    bound = body_bytes + TEMPLATE_TOKENS
    return bound if context_window is None else min(bound, context_window)
