"""OpenAI's API around its operations: credentials, headers and the form of its errors.

Source: the OpenAI API reference, "Error codes" and "Debugging requests".
"""

import msgspec

from turnpike.simulator.dialects.fields import FieldError
from turnpike.simulator.exchange import Answer, Headers, Refused, json_answer
from turnpike.simulator.troubles import Trouble

_KINDS = {
    401: "invalid_request_error",
    403: "permission_error",
    404: "invalid_request_error",
    429: "rate_limit_error",
}
_CODES = {401: "invalid_api_key", 429: "rate_limit_exceeded"}
_FIELD_CODES = {"missing": "missing_required_parameter", "type": "invalid_type", "value": "invalid_value"}


def _kind(refused: Refused) -> str:
    usual = "invalid_request_error" if refused.status < 500 else "server_error"
    return refused.kind or _KINDS.get(refused.status, usual)


def _body(refused: Refused) -> dict[str, object]:
    return {
        "error": {
            "message": refused.message,
            "type": _kind(refused),
            "param": refused.param,
            "code": refused.code or _CODES.get(refused.status),
        }
    }


_TROUBLES: dict[Trouble, Refused] = {
    Trouble.BAD_KEY: Refused("Incorrect API key provided to the simulator.", status=401),
    Trouble.QUOTA: Refused(
        "You exceeded your current quota, please check your plan and billing details.",
        status=429,
        code="insufficient_quota",
        kind="insufficient_quota",
    ),
    Trouble.RATE_LIMIT: Refused("Rate limit reached for requests per min (RPM).", status=429, kind="requests"),
    Trouble.CONTEXT: Refused(
        "This model's maximum context length is 1000 tokens. However, your messages resulted in 1001 tokens.",
        param="messages",
        code="context_length_exceeded",
    ),
    Trouble.REFUSED: Refused(
        "Your request was rejected as a result of our safety system.", code="content_policy_violation"
    ),
    Trouble.OVERLOADED: Refused("The engine is currently overloaded, please try again later.", status=503),
    Trouble.NOT_FOUND: Refused(
        "The model `gone` does not exist or you do not have access to it.", status=404, code="model_not_found"
    ),
}


class OpenAI:
    troubles = _TROUBLES

    def is_authorized(self, headers: dict[str, str], api_key: str) -> bool:
        return headers.get("authorization", "") == f"Bearer {api_key}"

    def unauthorized(self) -> Refused:
        return Refused("Incorrect API key provided to the simulator.", status=401)

    def not_json(self) -> Refused:
        return Refused("The body of the request could not be parsed as JSON: an object is expected.")

    def headers(self, call_number: int) -> Headers:
        return [
            (b"x-request-id", b"req_sim%08d" % call_number),
            (b"openai-processing-ms", b"1"),
            (b"openai-version", b"2020-10-01"),
        ]

    def error(self, refused: Refused, call_number: int) -> Answer:
        return json_answer(_body(refused), self.headers(call_number), refused.status)

    def error_event(self, refused: Refused, call_number: int) -> bytes:
        return b"data: " + msgspec.json.encode(_body(refused)) + b"\n\n"


OPENAI = OpenAI()


def vendor(_headers: dict[str, str]) -> OpenAI:
    return OPENAI


def refused_field(error: FieldError) -> Refused:
    if error.kind == "missing":
        message = f"Missing required parameter: '{error.path}'."
    else:
        message = f"Invalid {error.kind} for '{error.path}': {error.message}."
    return Refused(message, param=error.path, code=_FIELD_CODES[error.kind])


def refuse_missing_model(model: str) -> None:
    """Models whose name begins with `missing` do not exist."""
    if model.startswith("missing"):
        message = f"The model `{model}` does not exist or you do not have access to it."
        raise Refused(message, status=404, code="model_not_found")
