"""OpenAI's image generation: `POST /v1/images/generations`, whole and streamed.

Also the form of Together, xAI, Fireworks and many servers of one's own. Answers pass as they are; what they cost is
told by their `usage` (GPT Image models) or counted as images of the size and quality that were asked for.
Source: https://developers.openai.com/api/reference/resources/images
"""

from turnpike.wire.dialect import Head, StreamReader, StreamWriter, Tail
from turnpike.wire.dialects.common.alone import Alone
from turnpike.wire.dialects.openai_images import head as _head
from turnpike.wire.dialects.openai_images.tail import ImagesTail
from turnpike.wire.dialects.openai_images.usage import read_usage
from turnpike.wire.operations import Operation


class OpenAIImages(Alone):
    name = "openai_images"
    operation = Operation.IMAGE_GENERATION

    decode_head = staticmethod(_head.decode_head)
    read_head = staticmethod(_head.read_head)
    read_usage = staticmethod(read_usage)

    def tail(self, head: Head) -> Tail:
        return ImagesTail(head.images() if isinstance(head, _head.ImagesHead) else 1)

    def reader(self) -> StreamReader:
        self._refuse()

    def writer(self, head: Head, model: str) -> StreamWriter:
        self._refuse()


OPENAI_IMAGES = OpenAIImages()
