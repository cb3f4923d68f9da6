"""POST /v1/images/edits and /v1/images/variations as OpenAI answers them: the first image comes back, and tokens.

Source: the OpenAI API reference, "Create image edit", "Create image variation" and "Image edit streaming".
"""

import base64
from typing import Any

import msgspec

from turnpike.simulator import tokens
from turnpike.simulator.dialects import openai
from turnpike.simulator.dialects.fields import FieldError, take
from turnpike.simulator.exchange import Answer, Call, Operation, json_answer, stream_answer

CREATED_S = 1_767_225_600
OUTPUT_TOKENS = 100
"""Of one image that is made."""
_MOST = 10


def edit(call: Call) -> Answer:
    try:
        return _edit(call)
    except FieldError as error:
        raise openai.refused_field(error) from error


def _edit(call: Call) -> Answer:
    data: dict[str, Any] = call.data
    openai.refuse_missing_model(take(data, "model", str))
    prompt = take(data, "prompt", str)
    image = _image(call)
    count = _count(data)
    usage = _usage(prompt, sum(each.name in ("image", "image[]") for each in call.files), count)
    common = {
        "background": data.get("background", "opaque"),
        "output_format": data.get("output_format", "png"),
        "quality": data.get("quality", "low"),
        "size": data.get("size", "1024x1024"),
    }
    headers = openai.OPENAI.headers(call.number)
    if data.get("stream") == "true":
        return stream_answer(_events(data, image, common, None if call.faults.no_usage else usage), headers)
    whole: dict[str, Any] = {"created": CREATED_S, **common, "data": [{"b64_json": image} for _ in range(count)]}
    if not call.faults.no_usage:
        whole["usage"] = usage
    return json_answer(whole, headers)


def variation(call: Call) -> Answer:
    data: dict[str, Any] = call.data
    try:
        image = _image(call)
        count = _count(data)
    except FieldError as error:
        raise openai.refused_field(error) from error
    made = (
        {"b64_json": image} if data.get("response_format") == "b64_json" else {"url": "https://sim.invalid/image.png"}
    )
    whole = {"created": CREATED_S, "data": [made for _ in range(count)]}
    return json_answer(whole, openai.OPENAI.headers(call.number))


def _image(call: Call) -> str:
    """The first image that was sent, in base64."""
    for each in call.files:
        if each.name in ("image", "image[]"):
            return base64.b64encode(each.data).decode()
    raise FieldError("image", "missing", "a file is required")


def _count(data: dict[str, Any]) -> int:
    asked = str(data.get("n") or "1")
    if not asked.isdecimal() or not 0 < int(asked) <= _MOST:
        raise FieldError("n", "value", f"a number from 1 to {_MOST} is expected")
    return int(asked)


def _usage(prompt: str, images: int, made: int) -> dict[str, Any]:
    seen = images * tokens.IMAGE_TOKENS
    text = tokens.count(prompt)
    return {
        "input_tokens": text + seen,
        "input_tokens_details": {"text_tokens": text, "image_tokens": seen},
        "output_tokens": made * OUTPUT_TOKENS,
        "total_tokens": text + seen + made * OUTPUT_TOKENS,
    }


def _events(data: dict[str, Any], image: str, common: dict[str, Any], usage: dict[str, Any] | None) -> list[bytes]:
    shown = {"created_at": CREATED_S, "b64_json": image, **common}
    partial = int(data.get("partial_images") or 0)
    events = [{"type": "image_edit.partial_image", "partial_image_index": n, **shown} for n in range(partial)]
    last = {"type": "image_edit.completed", **shown}
    if usage is not None:
        last["usage"] = usage
    return [f"event: {each['type']}\ndata: ".encode() + msgspec.json.encode(each) + b"\n\n" for each in (*events, last)]


OPERATIONS = (
    Operation("POST", "/v1/images/edits", openai.vendor, edit),
    Operation("POST", "/v1/images/variations", openai.vendor, variation),
)
