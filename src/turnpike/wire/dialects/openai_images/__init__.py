"""OpenAI's image generation: `POST /v1/images/generations`, whole and streamed.

Also the form of Together, xAI, Fireworks and many servers of one's own. Their answers pass as they are; what they cost
is told by their `usage` (GPT Image models) or counted as images of the size and quality that were asked for. Providers
with forms of their own are asked in them.
Source: https://developers.openai.com/api/reference/resources/images
"""

from turnpike.wire.dialect import AnyRequest, AnyResponse, Head, StreamReader, StreamWriter, Tail
from turnpike.wire.dialects.common.alone import Alone
from turnpike.wire.dialects.openai_images import head as _head
from turnpike.wire.dialects.openai_images.request import read_request
from turnpike.wire.dialects.openai_images.response import write_response
from turnpike.wire.dialects.openai_images.tail import ImagesTail
from turnpike.wire.dialects.openai_images.usage import read_usage
from turnpike.wire.operations import Operation


class OpenAIImages(Alone):
    name = "openai_images"
    operation = Operation.IMAGE_GENERATION

    decode_head = staticmethod(_head.decode_head)
    read_head = staticmethod(_head.read_head)
    read_usage = staticmethod(read_usage)

    def read_request(self, body: bytes) -> AnyRequest:
        return read_request(body)

    def write_response(self, response: AnyResponse, model: str) -> bytes:
        return write_response(response)

    def tail(self, head: Head) -> Tail:
        return ImagesTail(head.images() if isinstance(head, _head.ImagesHead) else 1)

    def reader(self) -> StreamReader:
        self._refuse()

    def writer(self, head: Head, model: str) -> StreamWriter:
        self._refuse()


OPENAI_IMAGES = OpenAIImages()
