"""Anthropic's API around its operations: credentials, headers and the form of its errors.

Source: the Anthropic API reference, "Errors" and "Versions".
"""

import msgspec

from turnpike.simulator.dialects.fields import FieldError
from turnpike.simulator.exchange import Answer, Headers, Refused, json_answer
from turnpike.simulator.troubles import Trouble

_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def _body(refused: Refused, call_number: int) -> dict[str, object]:
    usual = "invalid_request_error" if refused.status < 500 else "api_error"
    error = {"type": refused.kind or _KINDS.get(refused.status, usual), "message": refused.message}
    return {"type": "error", "error": error, "request_id": f"req_sim{call_number:08d}"}


_TROUBLES: dict[Trouble, Refused] = {
    Trouble.BAD_KEY: Refused("invalid x-api-key", status=401),
    Trouble.QUOTA: Refused("Your credit balance is too low to access the Anthropic API.", status=402),
    Trouble.RATE_LIMIT: Refused("This request would exceed your organization's rate limit.", status=429),
    Trouble.CONTEXT: Refused("prompt is too long: 1001 tokens > 1000 maximum"),
    Trouble.REFUSED: Refused("Output blocked by content filtering policy"),
    Trouble.OVERLOADED: Refused("Overloaded", status=529),
    Trouble.NOT_FOUND: Refused("model: gone", status=404),
}


class Anthropic:
    troubles = _TROUBLES

    def is_authorized(self, headers: dict[str, str], api_key: str) -> bool:
        return headers.get("x-api-key") == api_key or headers.get("authorization") == f"Bearer {api_key}"

    def unauthorized(self) -> Refused:
        return Refused("invalid x-api-key", status=401)

    def not_json(self) -> Refused:
        return Refused("The request body is not valid JSON: an object is expected.")

    def headers(self, call_number: int) -> Headers:
        return [(b"request-id", b"req_sim%08d" % call_number), (b"anthropic-organization-id", b"simulator")]

    def error(self, refused: Refused, call_number: int) -> Answer:
        return json_answer(_body(refused, call_number), self.headers(call_number), refused.status)

    def error_event(self, refused: Refused, call_number: int) -> bytes:
        return event("error", _body(refused, call_number))


ANTHROPIC = Anthropic()


def vendor(_headers: dict[str, str]) -> Anthropic:
    return ANTHROPIC


def event(name: str, data: dict[str, object]) -> bytes:
    """One SSE event, named as its data's type."""
    return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(data) + b"\n\n"


def refused_field(error: FieldError) -> Refused:
    if error.kind == "missing":
        return Refused(f"{error.path}: Field required")
    return Refused(f"{error.path}: {error.message}")


def refuse_missing_model(model: str) -> None:
    """Models whose name begins with `missing` do not exist."""
    if model.startswith("missing"):
        raise Refused(f"model: {model}", status=404)
