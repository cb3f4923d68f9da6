"""Pictures that another form told, written as OpenAI writes them."""

import time
from typing import Any

import msgspec

from turnpike.wire.dialect import AnyResponse
from turnpike.wire.types.images import ImagesResponse, Picture


def write_response(response: AnyResponse) -> bytes:
    if not isinstance(response, ImagesResponse):
        raise TypeError(f"an answer with images is expected, not {type(response).__name__}")
    answer: dict[str, Any] = {"created": int(time.time()), "data": [_written(each) for each in response.pictures]}
    if response.format:
        answer["output_format"] = response.format
    return msgspec.json.encode(answer)


def _written(picture: Picture) -> dict[str, str]:
    named = (("b64_json", picture.data), ("url", picture.url), ("revised_prompt", picture.revised_prompt))
    return {name: value for name, value in named if value}
