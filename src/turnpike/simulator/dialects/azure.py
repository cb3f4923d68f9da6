"""Azure OpenAI: OpenAI's API under Azure's paths, with Azure's keys, Entra ID tokens and content filters.

Source: the Azure OpenAI reference (v1 and dated APIs) and its page on content filtering.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import msgspec

from turnpike.simulator import issued
from turnpike.simulator.dialects import (
    openai,
    openai_audio,
    openai_chat,
    openai_embeddings,
    openai_image_edits,
    openai_images,
    openai_responses,
)
from turnpike.simulator.dialects.google import life_of, refuse_grant
from turnpike.simulator.exchange import Answer, Call, Headers, Operation, Refused, json_answer

TENANT = "simulator-tenant"
CLIENT_ID = "simulator-client"
CLIENT_SECRET = "simulator-client-secret"  # noqa: S105 - published
SCOPE = "https://cognitiveservices.azure.com/.default"
PROMPT_FILTER = "[prompt-filter]"
"""In a prompt: the filter refuses it."""
_SEVERITIES = {kind: {"filtered": False, "severity": "safe"} for kind in ("hate", "self_harm", "sexual", "violence")}


class Azure(openai.OpenAI):
    def is_authorized(self, headers: dict[str, str], api_key: str) -> bool:
        if "authorization" in headers:
            return issued.is_good(headers["authorization"].removeprefix("Bearer "), "entra")
        return headers.get("api-key") == api_key

    def unauthorized(self) -> Refused:
        message = "Access denied due to invalid subscription key or wrong API endpoint."
        return Refused(message, status=401, code="401")

    def headers(self, call_number: int) -> Headers:
        return [(b"apim-request-id", b"sim%08d" % call_number), (b"x-ms-region", b"Simulated")]


AZURE = Azure()
_AS_OPENAI: dict[str, Callable[[Call], Answer]] = {
    "embeddings": openai_embeddings.embeddings,
    "responses": openai_responses.responses,
    "images/generations": openai_images.images,
    "images/edits": openai_image_edits.edit,
    "audio/speech": openai_audio.speech,
    "audio/transcriptions": openai_audio.transcription,
    "audio/translations": openai_audio.translation,
}


def vendor(_headers: dict[str, str]) -> Azure:
    return AZURE


def v1(call: Call) -> Answer:
    return _answer(call, call.rest)


def deployment(call: Call) -> Answer:
    name, _, what = call.rest.partition("/")
    if "api-version" not in parse_qs(call.query):
        raise Refused("Resource not found", status=404, code="404")
    return _answer(msgspec.structs.replace(call, data={**call.data, "model": name}), what)


def _answer(call: Call, what: str) -> Answer:
    if "authorization" in call.headers and not issued.is_good(
        call.headers["authorization"].removeprefix("Bearer "), "entra"
    ):
        raise AZURE.unauthorized()
    if what in _AS_OPENAI:
        return _AS_OPENAI[what](call)
    if what != "chat/completions":
        raise Refused("Resource not found", status=404, code="404")
    if PROMPT_FILTER.encode() in call.body:
        return _filtered()
    answer = openai_chat.chat(call)
    if answer.events is not None:
        return msgspec.structs.replace(answer, events=_with_filters(answer.events))
    whole = msgspec.json.decode(answer.body)
    whole["prompt_filter_results"] = _prompt_results()
    for choice in whole["choices"]:
        choice["content_filter_results"] = _SEVERITIES
    return json_answer(whole, AZURE.headers(call.number))


def _prompt_results() -> list[dict[str, Any]]:
    return [{"prompt_index": 0, "content_filter_results": _SEVERITIES}]


def _with_filters(events: list[bytes]) -> list[bytes]:
    """Azure's first chunk has no choices, only what the filter found in the prompt."""
    opening = {
        "id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": _prompt_results(),
    }  # fmt: skip
    return [b"data: " + msgspec.json.encode(opening) + b"\n\n", *events]


def _filtered() -> Answer:
    results = {**_SEVERITIES, "violence": {"filtered": True, "severity": "high"}}
    error = {
        "message": "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
        "type": None,
        "param": "prompt",
        "code": "content_filter",
        "status": 400,
        "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": results},
    }
    return json_answer({"error": error}, [], 400)


def deployments(call: Call) -> Answer:
    rows = [{"id": name, "model": name, "object": "deployment", "status": "succeeded"} for name in ("simulator-gpt",)]
    return json_answer({"object": "list", "data": rows}, AZURE.headers(call.number))


def token(call: Call) -> Answer:
    form = {name: values[-1] for name, values in parse_qs(call.body.decode("latin-1")).items()}
    if form.get("grant_type") != "client_credentials" or form.get("scope") != SCOPE:
        return refuse_grant(
            "AADSTS70011: The provided request must include a 'scope' input parameter.", "invalid_scope"
        )
    if form.get("client_id") != CLIENT_ID or form.get("client_secret") != CLIENT_SECRET:
        return refuse_grant("AADSTS7000215: Invalid client secret provided.", "invalid_client")
    life_s = life_of(call)
    given = {"token_type": "Bearer", "expires_in": life_s, "access_token": issued.issue("entra", life_s)}
    return json_answer(given, [])


OPERATIONS = (
    Operation("POST", f"/{TENANT}/oauth2/v2.0/token", vendor, token, form=True),
    Operation("GET", "/openai/deployments", vendor, deployments),
    Operation("POST", "/openai/deployments/*", vendor, deployment),
    Operation("POST", "/openai/v1/*", vendor, v1),
)
