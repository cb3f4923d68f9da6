"""What a call is expected to use of a resource, and what it has used when it is over."""

from typing import TYPE_CHECKING

from turnpike.contract.limits import Resource
from turnpike.wire.dialect import Head
from turnpike.wire.estimate import tokens_of_bytes
from turnpike.wire.media.usage import INPUT_AUDIO_TOKEN_MS, OUTPUT_AUDIO_TOKEN_MS, spoken_ms
from turnpike.wire.operations import Operation
from turnpike.wire.types.usage import Usage

if TYPE_CHECKING:
    from turnpike.wire.bounds import Bound, Contents

OUTPUT_TOKENS = 256
"""Of a call that sets no bound."""
BOUNDED = frozenset((Operation.CHAT, Operation.EMBEDDINGS, Operation.MODERATION))
"""Whose tokens have a bound; those of others are estimated."""
_IMAGES = frozenset((Operation.IMAGE_GENERATION, Operation.IMAGE_EDIT, Operation.IMAGE_VARIATION))
_SOUND = frozenset((Operation.SPEECH, Operation.TRANSCRIPTION, Operation.TRANSLATION, Operation.REALTIME))


def concerns(resource: str, operation: str) -> bool:
    """Whether calls of that operation use the resource."""
    if resource == Resource.IMAGES:
        return operation in _IMAGES
    if resource == Resource.AUDIO_SECONDS:
        return operation in _SOUND
    if resource == Resource.TOKENS:
        return operation != Operation.COUNT_TOKENS
    return True


def expected(fields: Head, body_bytes: int, resource: str) -> int:
    """`fields`: what the dialect read of the request. Those of forms and sound (wire.media's MediaHead) say more."""
    if resource == Resource.TOKENS:
        size: int = getattr(fields, "text_bytes", body_bytes)
        bound = fields.output_bound()
        return tokens_of_bytes(size) + (OUTPUT_TOKENS if bound is None else bound)
    if resource == Resource.AUDIO_SECONDS:
        milliseconds: int | None = getattr(fields, "audio_ms", None)
        if milliseconds is None:
            milliseconds = spoken_ms(getattr(fields, "characters", 0))
        return max(1, -(-milliseconds // 1000))
    asked = fields.counted(None)
    return max(1, asked.media.images) if asked is not None and asked.media is not None else 1


def bounded(fields: Head, contents: "Contents", operation: str, bounds: "tuple[Bound, ...]") -> int | None:
    """The most tokens that a call can use at any of these deployments; None: not to be known."""
    answers = operation == Operation.CHAT
    if len(bounds) == 1:
        return bounds[0].tokens_of(fields, contents, answers=answers) or None
    most = 0
    for bound in bounds:
        found = bound.tokens_of(fields, contents, answers=answers)
        if found is None:
            return None
        most = max(most, found)
    return most or None


def used(usage: Usage, resource: str) -> int:
    media = usage.media
    if resource == Resource.TOKENS:
        return usage.input_tokens + usage.output_tokens
    if resource == Resource.IMAGES:
        return media.images if media is not None else 0
    milliseconds = media.input_audio_ms + media.output_audio_ms if media is not None else 0
    if not milliseconds:
        milliseconds = usage.input_audio_tokens * INPUT_AUDIO_TOKEN_MS
        milliseconds += usage.output_audio_tokens * OUTPUT_AUDIO_TOKEN_MS
    if not milliseconds and media is not None:
        milliseconds = spoken_ms(media.characters)
    return -(-milliseconds // 1000)
