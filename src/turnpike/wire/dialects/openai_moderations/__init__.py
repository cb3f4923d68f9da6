"""OpenAI's moderations: `POST /v1/moderations`, texts and images in, categories out. Also Mistral's and others'.

Bodies and answers pass as they are. OpenAI reports no usage and charges nothing; others count tokens.
Source: https://developers.openai.com/api/reference/resources/moderations
"""

import msgspec

from turnpike.wire.dialects.common.alone import Alone, UnnamedHead
from turnpike.wire.dialects.common.body import BODY_ERRORS, body_error
from turnpike.wire.dialects.common.owned import forget, once
from turnpike.wire.dialects.common.plain import NeverStreams
from turnpike.wire.dialects.common.reading import decode_answer
from turnpike.wire.dialects.openai_chat.usage import usage_of
from turnpike.wire.operations import Operation
from turnpike.wire.types.usage import Usage


class ModerationHead(UnnamedHead, gc=False):
    def output_bound(self) -> int | None:
        return 0  # categories are not counted in tokens


class _Answer(msgspec.Struct, gc=False):
    usage: msgspec.Raw = msgspec.Raw()


_decode_head = msgspec.json.Decoder(ModerationHead, dec_hook=once).decode
_decode_answer = msgspec.json.Decoder(_Answer).decode


def decode_head(body: bytes) -> ModerationHead:
    """Raises what `body_error` takes."""
    forget()
    head = _decode_head(body)
    head.model = head.model or ""
    head.stream = False
    return head


def read_head(body: bytes) -> ModerationHead:
    try:
        return decode_head(body)
    except BODY_ERRORS as error:
        raise body_error(error) from error


def read_usage(body: bytes) -> Usage:
    """One request, and its tokens where they are counted. Raises UpstreamGarbage."""
    raw = decode_answer(_decode_answer, body, "a list of moderations").usage
    return (usage_of(raw) if bytes(raw) else None) or Usage()


class OpenAIModerations(Alone, NeverStreams):
    name = "openai_moderations"
    operation = Operation.MODERATION

    decode_head = staticmethod(decode_head)
    read_head = staticmethod(read_head)
    read_usage = staticmethod(read_usage)


OPENAI_MODERATIONS = OpenAIModerations()
