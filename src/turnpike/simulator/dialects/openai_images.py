"""POST /v1/images/generations. Models whose name holds `dall-e`, `flux` or `stable` count no tokens and answer with
addresses, as theirs do; all others answer as GPT Image models: base64, usage in tokens, streams with partial images.

Source: the OpenAI API reference, "Create image" and "Image streaming".
"""

import base64
import hashlib
from typing import Any

import msgspec

from turnpike.simulator import tokens
from turnpike.simulator.dialects import openai
from turnpike.simulator.dialects.fields import FieldError, between, maybe, one_of, take
from turnpike.simulator.exchange import Answer, Call, Operation, json_answer
from turnpike.simulator.pictures import png

OUTPUT_TOKENS = {"low": 100, "medium": 200, "high": 400}
"""Of one image, by its quality, whatever its size."""
DEFAULT_QUALITY = "medium"
DEFAULT_SIZE = "1024x1024"
MAX_IMAGES = 10
MAX_PARTIAL_IMAGES = 3
CREATED_S = 1_767_225_600
_COUNTS_NO_TOKENS = ("dall-e", "flux", "stable")

_encode = msgspec.json.encode


class Wanted(msgspec.Struct):
    """What an image request asks for."""

    model: str
    prompt: str
    images: int
    size: str
    quality: str
    counts_tokens: bool
    as_url: bool
    partial_images: int


def images(call: Call) -> Answer:
    try:
        wanted = read(call.data)
        stream = maybe(call.data, "stream", bool)
    except FieldError as error:
        raise openai.refused_field(error) from error
    if stream:
        return _stream(call, wanted, "image_generation")
    return json_answer(body(wanted, usage=not call.faults.no_usage), openai.OPENAI.headers(call.number))


def read(data: dict[str, Any]) -> Wanted:
    """Raises FieldError or Refused."""
    model = maybe(data, "model", str) or "gpt-image"
    openai.refuse_missing_model(model)
    counts_tokens = not any(word in model for word in _COUNTS_NO_TOKENS)
    count = maybe(data, "n", int) or 1
    between(count, 1, MAX_IMAGES, "n")
    partial = maybe(data, "partial_images", int) or 0
    between(partial, 0, MAX_PARTIAL_IMAGES, "partial_images")
    form = maybe(data, "response_format", str)
    if form is not None:
        if counts_tokens:
            raise FieldError("response_format", "value", "it is not supported by this model")
        one_of(form, ("url", "b64_json"), "response_format")
    quality = maybe(data, "quality", str)
    size = maybe(data, "size", str)
    return Wanted(
        model=model,
        prompt=take(data, "prompt", str),
        images=count,
        size=DEFAULT_SIZE if size in (None, "auto") else size,
        quality=DEFAULT_QUALITY if quality in (None, "auto") else quality,
        counts_tokens=counts_tokens,
        as_url=not counts_tokens and form != "b64_json",
        partial_images=partial,
    )


def body(wanted: Wanted, *, usage: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {"created": CREATED_S, "data": [_image(wanted, index) for index in range(wanted.images)]}
    if wanted.counts_tokens:
        answer.update(background="opaque", output_format="png", size=wanted.size, quality=wanted.quality)
        if usage:
            answer["usage"] = usage_of(wanted, wanted.images)
    return answer


def _image(wanted: Wanted, index: int) -> dict[str, Any]:
    seed = f"{wanted.prompt} {index}"
    if wanted.as_url:
        name = hashlib.blake2b(seed.encode(), digest_size=8).hexdigest()
        return {"url": f"https://simulator.invalid/images/{name}.png", "revised_prompt": wanted.prompt}
    return {"b64_json": base64.b64encode(png(seed)).decode()}


def usage_of(wanted: Wanted, count: int, input_images: int = 0) -> dict[str, Any]:
    text = tokens.count(wanted.prompt)
    sent = input_images * tokens.IMAGE_TOKENS
    made = count * OUTPUT_TOKENS.get(wanted.quality, OUTPUT_TOKENS[DEFAULT_QUALITY])
    return {
        "input_tokens": text + sent,
        "input_tokens_details": {"text_tokens": text, "image_tokens": sent},
        "output_tokens": made,
        "output_tokens_details": {"text_tokens": 0, "image_tokens": made},
        "total_tokens": text + sent + made,
    }


def _stream(call: Call, wanted: Wanted, kind: str) -> Answer:
    if not wanted.counts_tokens:
        raise openai.refused_field(FieldError("stream", "value", "this model does not stream"))
    common = {
        "created_at": CREATED_S,
        "size": wanted.size,
        "quality": wanted.quality,
        "background": "opaque",
        "output_format": "png",
    }
    events: list[bytes] = []
    for index in range(wanted.images):
        for part in range(wanted.partial_images):
            drawn = base64.b64encode(png(f"{wanted.prompt} {index} part {part}")).decode()
            events.append(
                _event({"type": f"{kind}.partial_image", "b64_json": drawn, "partial_image_index": part, **common})
            )
        done: dict[str, Any] = {"type": f"{kind}.completed", **_image(wanted, index), **common}
        if not call.faults.no_usage:
            # The prompt is billed once, with the first image.
            done["usage"] = usage_of(wanted if index == 0 else msgspec.structs.replace(wanted, prompt=""), 1)
        events.append(_event(done))
    headers = [(b"content-type", b"text/event-stream; charset=utf-8"), *openai.OPENAI.headers(call.number)]
    return Answer(200, headers, events=events)


def _event(data: dict[str, Any]) -> bytes:
    return b"event: " + data["type"].encode() + b"\ndata: " + _encode(data) + b"\n\n"


OPERATIONS = (Operation("POST", "/v1/images/generations", openai.vendor, images),)
