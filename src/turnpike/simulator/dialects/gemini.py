"""Gemini's API around its operations: credentials and the form of its errors.

Source: Google's Gemini API reference, "Authentication" and "Troubleshooting".
"""

from urllib.parse import parse_qs

import msgspec

from turnpike.simulator.dialects.fields import FieldError
from turnpike.simulator.exchange import Answer, Call, Headers, Refused, json_answer

_WORDS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_TYPE = "type.googleapis.com/google.rpc."


def _body(refused: Refused) -> dict[str, object]:
    usual = "INVALID_ARGUMENT" if refused.status < 500 else "UNAVAILABLE"
    error: dict[str, object] = {
        "code": refused.status,
        "message": refused.message,
        "status": refused.kind or _WORDS.get(refused.status, usual),
    }
    if refused.code is not None:
        reason = {"@type": _TYPE + "ErrorInfo", "reason": refused.code, "domain": "googleapis.com"}
        error["details"] = [reason]
    return {"error": error}


class Gemini:
    def is_authorized(self, headers: dict[str, str], api_key: str) -> bool:
        return headers.get("x-goog-api-key") == api_key or headers.get("authorization") == f"Bearer {api_key}"

    def unauthorized(self) -> Refused:
        """Google answers a wrong key with 400."""
        return Refused("API key not valid. Please pass a valid API key.", code="API_KEY_INVALID")

    def not_json(self) -> Refused:
        return Refused("Invalid JSON payload received. An object is expected.")

    def headers(self, call_number: int) -> Headers:
        return [(b"server-timing", b"gfet4t7; dur=1"), (b"x-simulator-call", str(call_number).encode())]

    def error(self, refused: Refused, call_number: int) -> Answer:
        return json_answer(_body(refused), self.headers(call_number), refused.status)

    def error_event(self, refused: Refused, call_number: int) -> bytes:
        return event(_body(refused))


GEMINI = Gemini()


def vendor(_headers: dict[str, str]) -> Gemini:
    return GEMINI


def event(data: dict[str, object]) -> bytes:
    return b"data: " + msgspec.json.encode(data) + b"\r\n\r\n"


def refused_field(error: FieldError) -> Refused:
    if error.kind == "missing":
        return Refused(f"* GenerateContentRequest.{error.path}: {error.path} is not specified")
    return Refused(f"Invalid value at '{error.path}': {error.message}")


def refuse_missing_model(model: str) -> None:
    """Models whose name begins with `missing` do not exist."""
    if model.startswith("missing"):
        raise Refused(f"models/{model} is not found for API version v1beta.", status=404)


def named(call: Call) -> tuple[str, str]:
    """The model and the verb of a path: `simulator:generateContent`."""
    model, _, verb = call.rest.rpartition(":")
    return model, verb


def wants_events(call: Call) -> bool:
    return parse_qs(call.query).get("alt") == ["sse"]
