"""GET /v1/models and /v1/models/{id}: OpenAI's form, Anthropic's where the caller sends `anthropic-version`, or
Gemini's where it sends `x-goog-api-key`; the same below /v1beta in Gemini's form.

Any model name works in a request, except those that begin with `missing`; the list shows a few to begin with.
"""

from typing import Any
from urllib.parse import parse_qs

from turnpike.simulator.dialects import anthropic, gemini, openai
from turnpike.simulator.exchange import Answer, Call, Operation, Refused, Vendor, json_answer

MODELS: tuple[tuple[str, str], ...] = (
    ("simulator", "Turnpike simulator"),
    ("simulator-large", "Turnpike simulator, large"),
    ("simulator-embedding", "Turnpike simulator, embeddings"),
)
CREATED_S = 1_767_225_600
CREATED_AT = "2026-01-01T00:00:00Z"


def vendor(headers: dict[str, str]) -> Vendor:
    if "x-goog-api-key" in headers:
        return gemini.GEMINI
    return anthropic.ANTHROPIC if "anthropic-version" in headers else openai.OPENAI


def models(call: Call) -> Answer:
    if vendor(call.headers) is gemini.GEMINI:
        return gemini_models(call)
    is_anthropic = "anthropic-version" in call.headers
    headers = vendor(call.headers).headers(call.number)
    describe = _anthropic_model if is_anthropic else _openai_model
    if call.rest:
        (anthropic if is_anthropic else openai).refuse_missing_model(call.rest)
        return json_answer(describe(call.rest), headers)
    if is_anthropic:
        return json_answer(_anthropic_page(call.query), headers)
    return json_answer({"object": "list", "data": [describe(name) for name, _ in MODELS]}, headers)


def gemini_models(call: Call) -> Answer:
    headers = gemini.GEMINI.headers(call.number)
    if call.rest:
        gemini.refuse_missing_model(call.rest)
        return json_answer(_gemini_model(call.rest), headers)
    return json_answer(_gemini_page(call.query), headers)


def _gemini_model(name: str) -> dict[str, Any]:
    embeds = "embedding" in name
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": dict(MODELS).get(name, f"Turnpike simulator as {name}"),
        "inputTokenLimit": 2048 if embeds else 1_048_576,
        "outputTokenLimit": 1 if embeds else 65_536,
        "supportedGenerationMethods": ["embedContent"] if embeds else ["generateContent", "countTokens"],
    }


def _gemini_page(query: str) -> dict[str, Any]:
    given = {name: values[-1] for name, values in parse_qs(query).items()}
    size, token = given.get("pageSize", "50"), given.get("pageToken", "0")
    if not size.isdecimal() or not token.isdecimal():
        raise Refused("Invalid value at 'page_size' or 'page_token'")
    end = int(token) + int(size)
    page: dict[str, Any] = {"models": [_gemini_model(name) for name, _ in MODELS[int(token) : end]]}
    return {**page, "nextPageToken": str(end)} if end < len(MODELS) else page


def _openai_model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": CREATED_S, "owned_by": "turnpike-simulator"}


def _anthropic_model(name: str) -> dict[str, Any]:
    display = dict(MODELS).get(name, f"Turnpike simulator as {name}")
    return {"type": "model", "id": name, "display_name": display, "created_at": CREATED_AT, "lifecycle": "active"}


def _anthropic_page(query: str) -> dict[str, Any]:
    given = {name: values[-1] for name, values in parse_qs(query).items()}
    limit = given.get("limit", "20")
    if not limit.isdecimal() or not 1 <= int(limit) <= 1000:
        raise Refused("limit: must be an integer from 1 to 1000")
    names = [name for name, _ in MODELS]
    start = names.index(given["after_id"]) + 1 if given.get("after_id") in names else 0
    end = names.index(given["before_id"]) if given.get("before_id") in names else len(names)
    page = names[start:end][: int(limit)]
    return {
        "data": [_anthropic_model(name) for name in page],
        "has_more": start + len(page) < end,
        "first_id": page[0] if page else None,
        "last_id": page[-1] if page else None,
    }


OPERATIONS = (
    Operation("GET", "/v1/models", vendor, models),
    Operation("GET", "/v1/models/*", vendor, models),
    Operation("GET", "/v1beta/models", gemini.vendor, gemini_models),
    Operation("GET", "/v1beta/models/*", gemini.vendor, gemini_models),
)
