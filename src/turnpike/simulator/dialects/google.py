"""Google Cloud around its models: token endpoints, and Vertex AI's paths for Anthropic's and other models.

Sources: RFC 7523 and 8693 as Google documents them; the Vertex AI pages on Claude and on its OpenAI-compatible API.
"""

import time
from typing import Any
from urllib.parse import parse_qs

import msgspec

from turnpike.kit.clock import from_ms, rfc3339
from turnpike.simulator import issued
from turnpike.simulator.dialects import anthropic, anthropic_messages, gemini_content, imagen, openai_chat
from turnpike.simulator.dialects.fields import check, maybe, take
from turnpike.simulator.dialects.openai_embeddings import DEFAULT_DIMENSIONS, floats, words_of
from turnpike.simulator.exchange import Answer, Call, Headers, Operation, Refused, json_answer

VERSION = "vertex-2023-10-16"
MODELS = (
    ("google", "gemini-2.5-flash"),
    ("google", "imagen-4.0-generate-001"),
    ("google", "imagen-4.0-upscale-preview"),
    ("anthropic", "claude-sonnet-4-5"),
)
_STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
           429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE"}  # fmt: skip


def _body(refused: Refused) -> dict[str, Any]:
    status = refused.code or _STATUS.get(refused.status, "UNKNOWN")
    return {"error": {"code": refused.status, "message": refused.message, "status": status}}


class Google:
    def is_authorized(self, headers: dict[str, str], api_key: str) -> bool:
        """By a token that was issued here; the simulator's key opens nothing at a cloud."""
        return True

    def unauthorized(self) -> Refused:
        return Refused("Request had invalid authentication credentials.", status=401)

    def not_json(self) -> Refused:
        return Refused("Invalid JSON payload received.")

    def headers(self, call_number: int) -> Headers:
        return [(b"server", b"simulated ESF")]

    def error(self, refused: Refused, call_number: int) -> Answer:
        return json_answer(_body(refused), self.headers(call_number), refused.status)

    def error_event(self, refused: Refused, call_number: int) -> bytes:
        return anthropic.ANTHROPIC.error_event(refused, call_number)


GOOGLE = Google()


def vendor(_headers: dict[str, str]) -> Google:
    return GOOGLE


# ---- tokens


def _form(call: Call) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(call.body.decode("latin-1")).items()}


def life_of(call: Call) -> float:
    """`?life=2` in a token endpoint's address makes its tokens live two seconds."""
    return float(parse_qs(call.query).get("life", [issued.DEFAULT_LIFE_S])[-1])


def _given(token: str, life_s: float) -> Answer:
    return json_answer({"access_token": token, "expires_in": life_s, "token_type": "Bearer"}, [])


def refuse_grant(reason: str, error: str = "invalid_grant") -> Answer:
    return json_answer({"error": error, "error_description": reason}, [], 400)


def _address(call: Call) -> str:
    return f"http://{call.headers.get('host', '')}{call.path}" + (f"?{call.query}" if call.query else "")


def account(call: Call) -> Answer:
    """A service account's file, made for this simulator."""
    query = f"?{call.query}" if call.query else ""
    return json_answer(issued.service_account(f"http://{call.headers.get('host', '')}/google/token{query}"), [])


def token(call: Call) -> Answer:
    form = _form(call)
    if form.get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer":
        return refuse_grant("Invalid grant_type", "unsupported_grant_type")
    wrong = issued.check_assertion(form.get("assertion", ""), _address(call))
    life_s = life_of(call)
    return refuse_grant(wrong) if wrong else _given(issued.issue("google", life_s), life_s)


def exchange(call: Call) -> Answer:
    """Workload identity: the subject token `simulator-subject` is known here."""
    form = _form(call)
    if form.get("grant_type") != "urn:ietf:params:oauth:grant-type:token-exchange":
        return refuse_grant("Invalid grant_type", "unsupported_grant_type")
    if form.get("subject_token") != "simulator-subject":
        return refuse_grant("The given credential is rejected by the attribute condition.", "unauthorized_client")
    life_s = life_of(call)
    return _given(issued.issue("google", life_s), life_s)


def impersonate(call: Call) -> Answer:
    _authorize(call)
    until = rfc3339(from_ms(round((time.time() + issued.DEFAULT_LIFE_S) * 1000)))
    return json_answer({"accessToken": issued.issue("google", issued.DEFAULT_LIFE_S), "expireTime": until}, [])


def _authorize(call: Call) -> None:
    if not issued.is_good(call.headers.get("authorization", "").removeprefix("Bearer "), "google"):
        raise GOOGLE.unauthorized()


# ---- Vertex AI


def vertex(call: Call) -> Answer:
    """`/v1/projects/{project}/locations/{location}/` and what follows."""
    _authorize(call)
    _project, _, rest = call.rest.partition("/locations/")
    _location, _, what = rest.partition("/")
    if what == "endpoints/openapi/chat/completions":
        return openai_chat.chat(call)
    if what.endswith(":predict") and not imagen.is_imagen(what.removeprefix("publishers/google/models/")):
        return _predict(call)
    if what.startswith("publishers/google/models/"):
        return gemini_content.model_call(
            msgspec.structs.replace(call, rest=what.removeprefix("publishers/google/models/"))
        )
    if what.startswith("publishers/anthropic/models/"):
        model, _, verb = what.removeprefix("publishers/anthropic/models/").rpartition(":")
        return _claude(call, model, streams=verb == "streamRawPredict")
    raise Refused(f"The simulator's Vertex AI has nothing at {what}.", status=404)


def _predict(call: Call) -> Answer:
    """Embeddings. Source: Vertex AI's reference, "Text embeddings API"."""
    instances = take(call.data, "instances", list)
    given = call.data.get("parameters")
    size = maybe(given if isinstance(given, dict) else {}, "outputDimensionality", int) or DEFAULT_DIMENSIONS
    predictions: list[dict[str, Any]] = []
    for number, instance in enumerate(instances):
        words = words_of(take(check(instance, dict, f"instances[{number}]"), "content", str), f"instances[{number}]")
        statistics = {} if call.faults.no_usage else {"statistics": {"token_count": len(words), "truncated": False}}
        predictions.append({"embeddings": {"values": floats(words, size), **statistics}})
    return json_answer({"predictions": predictions}, GOOGLE.headers(call.number))


def _claude(call: Call, model: str, *, streams: bool) -> Answer:
    if "model" in call.data:
        raise Refused("model: Extra inputs are not permitted")
    if call.data.get("anthropic_version") != VERSION:
        raise Refused(f"anthropic_version: must be {VERSION}")
    if call.query:
        raise Refused(f'Invalid JSON payload received. Unknown name "{call.query}": Cannot bind query parameter.')
    if bool(call.data.get("stream")) is not streams:
        raise Refused("stream: must agree with the method")
    data = {name: value for name, value in call.data.items() if name != "anthropic_version"}
    inner = msgspec.structs.replace(
        call, data={**data, "model": model}, headers={**call.headers, "anthropic-version": "2023-06-01"}
    )
    try:
        return anthropic_messages.messages(inner)
    except Refused as refused:
        return anthropic.ANTHROPIC.error(refused, call.number)


def publisher_models(call: Call) -> Answer:
    _authorize(call)
    publisher = call.rest.partition("/")[0]
    names = [name for owner, name in MODELS if owner == publisher]
    return json_answer({"publisherModels": [{"name": f"publishers/{publisher}/models/{name}"} for name in names]}, [])


OPERATIONS = (
    Operation("GET", "/google/service-account", vendor, account),
    Operation("POST", "/google/token", vendor, token, form=True),
    Operation("POST", "/google/sts", vendor, exchange, form=True),
    Operation("POST", "/google/impersonate", vendor, impersonate),
    Operation("POST", "/v1/projects/*", vendor, vertex),
    Operation("GET", "/v1beta1/publishers/*", vendor, publisher_models),
)
