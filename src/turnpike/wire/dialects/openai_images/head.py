"""What the gateway reads of a request for images: the model, whether it streams, and what its price depends on."""

from typing import Any

import msgspec

from turnpike.wire.dialects.common.alone import UnnamedHead, plain_text
from turnpike.wire.dialects.common.body import BODY_ERRORS, body_error
from turnpike.wire.dialects.common.owned import OwnedN, OwnedStream, forget, once
from turnpike.wire.types.usage import MediaUsage, Usage


class ImagesHead(UnnamedHead, gc=False):
    stream: OwnedStream | None = False  # pyright: ignore[reportIncompatibleVariableOverride] - read only
    n: OwnedN | None = None
    size: Any = None
    quality: Any = None

    def images(self) -> int:
        """How many are asked for."""
        return self.n or 1

    def output_bound(self) -> int | None:
        return None  # tokens of an image depend on its size and quality, and on the model

    def counted(self, usage: Usage | None) -> Usage | None:
        """The class that was asked for, where the answer tells none; without an answer, as many images as were asked
        for."""
        if usage is None:
            return Usage(media=MediaUsage(images=self.images(), image_class=self._class("")))
        media = usage.media or MediaUsage(images=self.images())
        media = msgspec.structs.replace(media, image_class=self._class(media.image_class))
        return msgspec.structs.replace(usage, media=media)

    def _class(self, told: str) -> str:
        size, _, quality = told.partition("/")
        return image_class(size or plain_text(self.size), quality or plain_text(self.quality))


def image_class(size: str, quality: str) -> str:
    """`1024x1024/high`, `1024x1024`, `/high` or nothing. `auto` says nothing: the answer has to tell."""
    size = "" if size == "auto" else size
    quality = "" if quality == "auto" else quality
    return f"{size}/{quality}" if quality else size


_decode = msgspec.json.Decoder(ImagesHead, dec_hook=once).decode


def decode_head(body: bytes) -> ImagesHead:
    """Raises what `body_error` takes."""
    forget()
    head = _decode(body)
    head.model = head.model or ""
    head.stream = bool(head.stream)
    return head


def read_head(body: bytes) -> ImagesHead:
    try:
        return decode_head(body)
    except BODY_ERRORS as error:
        raise body_error(error) from error
