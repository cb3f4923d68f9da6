"""Cohere's API around its operations: credentials, headers and the form of its errors.

Source: https://docs.cohere.com/reference/errors.
"""

import msgspec

from turnpike.simulator.dialects.fields import FieldError
from turnpike.simulator.exchange import Answer, Headers, Refused, json_answer
from turnpike.simulator.troubles import Trouble


def _id(call_number: int) -> str:
    return f"sim-{call_number:08d}"


_TROUBLES: dict[Trouble, Refused] = {
    Trouble.BAD_KEY: Refused("invalid api token", status=401),
    Trouble.QUOTA: Refused("please add or update your payment method", status=402),
    Trouble.RATE_LIMIT: Refused("you are past the per minute request limit, please wait and try again", status=429),
    Trouble.CONTEXT: Refused("too many tokens: size limit exceeded by 1 tokens. Try using shorter or fewer inputs."),
    Trouble.REFUSED: Refused("the request contains a deny-listed token", status=498),
    Trouble.OVERLOADED: Refused("service unavailable: the model is overloaded", status=503),
    Trouble.NOT_FOUND: Refused("model 'gone' not found, make sure the correct model ID was used", status=404),
}


class Cohere:
    troubles = _TROUBLES

    def is_authorized(self, headers: dict[str, str], api_key: str) -> bool:
        scheme, _, key = headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and key == api_key

    def unauthorized(self) -> Refused:
        return Refused("invalid api token", status=401)

    def not_json(self) -> Refused:
        return Refused("invalid json syntax: an object is expected")

    def headers(self, call_number: int) -> Headers:
        return [(b"x-debug-trace-id", _id(call_number).encode())]

    def error(self, refused: Refused, call_number: int) -> Answer:
        body = {"id": _id(call_number), "message": refused.message}
        return json_answer(body, self.headers(call_number), refused.status)

    def error_event(self, refused: Refused, call_number: int) -> bytes:
        delta = {"finish_reason": "ERROR", "error": refused.message}
        return event({"type": "message-end", "id": _id(call_number), "delta": delta})


COHERE = Cohere()


def vendor(_headers: dict[str, str]) -> Cohere:
    return COHERE


def event(data: dict[str, object]) -> bytes:
    """One SSE event, named as its data's type."""
    return b"event: " + str(data["type"]).encode() + b"\ndata: " + msgspec.json.encode(data) + b"\n\n"


def refused_field(error: FieldError) -> Refused:
    if error.kind == "missing":
        return Refused(f"invalid request: {error.path} is required")
    return Refused(f"invalid request: {error.path}: {error.message}")


def refuse_missing_model(model: str) -> None:
    """Models whose name begins with `missing` do not exist."""
    if model.startswith("missing"):
        raise Refused(f"model '{model}' not found, make sure the correct model ID was used", status=404)
