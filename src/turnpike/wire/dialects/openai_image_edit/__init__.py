"""OpenAI's forms for given images: `POST /v1/images/edits` and `/v1/images/variations`.

A form with files in; JSON with the images out, or events. GPT image models report tokens; for those billed by the image
the number of images, their size and quality count. Source: OpenAI's API reference, "Create image edit".
"""

import msgspec

from turnpike.errors import InvalidRequest
from turnpike.wire.estimate import tokens_of_bytes
from turnpike.wire.forms import Field, FilePart
from turnpike.wire.media.dialect import MediaDialect, MediaHead
from turnpike.wire.media.watch import EventWatch, Passing
from turnpike.wire.operations import Operation
from turnpike.wire.types.usage import MediaUsage, Usage

_INPUT_IMAGE_TOKENS = 1_000
"""About one image in; for estimates only."""
_OUTPUT_IMAGE_TOKENS = {"low": 272, "medium": 1_056, "high": 4_160}
"""One square image out, by quality (OpenAI's guide to image generation, "Cost and latency"); for estimates only."""
_MOST_IMAGES = 128


class OpenAIImageEdit(MediaDialect):
    watched = frozenset(("model", "stream", "n", "size", "quality"))
    needs_file = "image"
    has_default = True

    def __init__(self, name: str, operation: Operation) -> None:
        self.name = name
        self.operation = operation

    def read_form(self, fields: dict[str, Field], files: list[FilePart], size: int) -> MediaHead:
        head = super().read_form(fields, files, size)
        asked = head.fields.get("n", "")
        if asked and not (asked.isascii() and asked.isdigit() and 0 < int(asked[:9]) <= _MOST_IMAGES):
            raise InvalidRequest(f"`n` must be a number from 1 to {_MOST_IMAGES}.", details={"param": "n"})
        return head

    def watch(self, head: MediaHead, content_type: str) -> Passing:
        if content_type.startswith("text/event-stream"):
            return EventWatch(_images(head))
        return super().watch(head, content_type)

    def usage(self, head: MediaHead, reported: Usage) -> Usage:
        """Of the tokens that come out all are image, where nothing else is said."""
        media = reported.media or MediaUsage()
        return msgspec.structs.replace(
            reported,
            media=msgspec.structs.replace(
                media,
                images=_images(head),
                image_class=_class(head),
                output_image_tokens=media.output_image_tokens or reported.output_tokens,
            ),
        )

    def by_piece(self, head: MediaHead) -> Usage | None:
        return Usage(media=MediaUsage(images=_images(head), image_class=_class(head)))

    def estimate(self, head: MediaHead, output_bytes: int) -> Usage:
        images = _images(head)
        made = images * _OUTPUT_IMAGE_TOKENS.get(head.fields.get("quality", ""), _OUTPUT_IMAGE_TOKENS["medium"])
        return Usage(
            input_tokens=_INPUT_IMAGE_TOKENS + tokens_of_bytes(head.text_bytes),
            output_tokens=made,
            media=MediaUsage(
                images=images,
                image_class=_class(head),
                input_image_tokens=_INPUT_IMAGE_TOKENS,
                output_image_tokens=made,
            ),
        )


def _images(head: MediaHead) -> int:
    return int(head.fields.get("n") or 1)


def _class(head: MediaHead) -> str:
    """As prices name it: `1024x1024/high`, `1024x1024` or `/high`."""
    quality = head.fields.get("quality", "")
    return head.fields.get("size", "") + (f"/{quality}" if quality else "")


OPENAI_IMAGE_EDIT = OpenAIImageEdit("openai_image_edit", Operation.IMAGE_EDIT)
OPENAI_IMAGE_VARIATION = OpenAIImageEdit("openai_image_variation", Operation.IMAGE_VARIATION)
