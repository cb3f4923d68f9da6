"""Stability AI's image generation: POST /v2beta/stable-image/generate/{core,ultra,sd3}. A prompt that holds
`[filtered]` makes a filtered image, one with `[moderated]` is refused.

Source: Stability AI's API reference, "Generate".
"""

import base64
from typing import Any

import msgspec

from turnpike.simulator.dialects.fields import FieldError, one_of, take
from turnpike.simulator.exchange import Answer, Call, Headers, Operation, Refused, json_answer
from turnpike.simulator.pictures import png

SHAPES = ("1:1", "2:3", "3:2", "4:5", "5:4", "9:16", "16:9", "9:21", "21:9")
_FORMATS = {"core": ("png", "jpeg", "webp"), "ultra": ("png", "jpeg", "webp"), "sd3": ("png", "jpeg")}
_SD3 = ("sd3.5-large", "sd3.5-large-turbo", "sd3.5-medium", "sd3.5-flash")
_KNOWN = {"prompt", "model", "aspect_ratio", "output_format", "seed", "negative_prompt"}


class Stability:
    def is_authorized(self, headers: dict[str, str], api_key: str) -> bool:
        return headers.get("authorization") == f"Bearer {api_key}"

    def unauthorized(self) -> Refused:
        return Refused("authorization: invalid or missing header value", status=401, kind="unauthorized")

    def not_json(self) -> Refused:
        return Refused("content-type: must be multipart/form-data", kind="bad_request")

    def headers(self, call_number: int) -> Headers:
        return [(b"x-simulator-call", str(call_number).encode())]

    def error(self, refused: Refused, call_number: int) -> Answer:
        body = {"id": f"sim{call_number:08}", "name": refused.kind or "error", "errors": [refused.message]}
        return json_answer(body, self.headers(call_number), refused.status)

    def error_event(self, refused: Refused, call_number: int) -> bytes:
        return msgspec.json.encode({"name": refused.kind or "error", "errors": [refused.message]})


STABILITY = Stability()


def vendor(_headers: dict[str, str]) -> Stability:
    return STABILITY


def generate(call: Call) -> Answer:
    data: dict[str, Any] = call.data or {}
    if call.rest not in _FORMATS:
        raise Refused("The requested resource was not found", status=404, kind="not_found")
    try:
        prompt = take(data, "prompt", str)
        unknown = sorted(data.keys() - _KNOWN)
        if unknown:
            raise FieldError(unknown[0], "value", "is not known")
        if call.rest == "sd3":
            one_of(data.get("model", _SD3[0]), _SD3, "model")
        one_of(data.get("aspect_ratio", SHAPES[0]), SHAPES, "aspect_ratio")
        kind = one_of(data.get("output_format", "png"), _FORMATS[call.rest], "output_format")
    except FieldError as error:
        raise Refused(f"{error.path}: {error.message}", kind="bad_request") from error
    if "[moderated]" in prompt:
        message = "Your request was flagged by our content moderation system, as a result your request was denied."
        raise Refused(message, status=403, kind="content_moderation")
    drawn = png(prompt)
    if call.headers.get("accept") != "application/json":
        return Answer(200, [(b"content-type", f"image/{kind}".encode()), *STABILITY.headers(call.number)], drawn)
    reason = "CONTENT_FILTERED" if "[filtered]" in prompt else "SUCCESS"
    answer = {"image": base64.b64encode(drawn).decode(), "finish_reason": reason, "seed": call.number}
    return json_answer(answer, STABILITY.headers(call.number))


OPERATIONS = (Operation("POST", "/v2beta/stable-image/generate/*", vendor, generate, form=True),)
