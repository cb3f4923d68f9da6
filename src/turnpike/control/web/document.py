"""The OpenAPI document: what FastAPI knows of the routes, made whole.

Added here for all domains at once: a summary and a description for every operation and what it needs, every error that
it may answer with, what idempotency keys and ETags add, and examples. A route's own words come first.
"""

import re
from http import HTTPStatus
from typing import Any, cast

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from turnpike import errors
from turnpike.control.web import database
from turnpike.control.web.envelope import ErrorEnvelope
from turnpike.control.web.examples import MOMENT, UUID, Schema, example_of
from turnpike.control.web.idempotency import HEADER as IDEMPOTENCY_KEY
from turnpike.control.web.principal import PUBLIC
from turnpike.control.web.routes import CHANGING, calls_of, changed_paths, permission_of, routes_of

TAGS = {
    "users": "People.",
    "departments": "Departments, which people belong to.",
    "roles": "What people may do, by name.",
    "keys": "API keys: what programs call with.",
    "limits": "How much may be asked for in how much time, and the tiers that such limits are set for.",
    "budgets": "How much may be spent.",
    "providers": "Where models are, the credentials used there, and one's own settings.",
    "models": "What callers name.",
    "routes": "Model names that stand for several deployments, and where data may go.",
    "policies": "Guards: what may be asked and answered.",
    "ledger": "What was called, by whom, at what cost.",
    "cache": "Answers that are given again.",
    "admin": "The gateway's own affairs.",
    "settings": "What the gateway is set to, and what of it may be changed while it runs.",
    "flags": "Features that are switched on for some.",
    "operations": "For who operates the gateway.",
    "events": "What happens, as it happens.",
    "webhooks": "Who is told of events, and what became of it.",
    "alerts": "What is to be told when it goes wrong, and to whom.",
    "audit": "What was done, by whom: a chain that shows when it was tampered with.",
    "security": "Who may come in from where.",
    "auth": "Signing in, sessions and tokens.",
}
_PARAMETERS = {
    "page": "Which page, from 1.",
    "per_page": "Entries on a page.",
    "sort": "Fields to sort by, separated by commas; a minus in front: descending.",
    "even_if_locked_out": "Go on even if the caller's own address is kept out by it.",
}
_WORDS = {
    304: "Unchanged: the caller's `If-None-Match` names this version.",
    400: "Something in the request is wrong; `error.details` says what.",
    401: "No API key or session, or one that is not known.",
    403: "The caller may not do this.",
    404: "There is no such thing.",
    405: "This address knows other methods.",
    409: "It contradicts what is there.",
    412: "`If-Match` names another version than the one that is there.",
    413: "The body is too large.",
    415: "The body is of a type that is not read here.",
    422: "This `Idempotency-Key` stands for another request already.",
    428: "Changes need `If-Match` here.",
    429: "Too much at once; `Retry-After` says when to come back.",
    431: "The request's head is too large.",
    502: "What had to be asked elsewhere failed there.",
    503: "The database cannot be reached, or the gateway is under maintenance.",
    504: "What had to be asked elsewhere did not answer in time.",
}
_MAX_KEY = 255
_CODES: dict[int, type[errors.TurnpikeError]] = {
    400: errors.InvalidRequest,
    401: errors.Unauthenticated,
    403: errors.Forbidden,
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    409: errors.Conflict,
    412: errors.PreconditionFailed,
    413: errors.BodyTooLarge,
    415: errors.UnsupportedMedia,
    422: errors.KeyReused,
    428: errors.PreconditionRequired,
    429: errors.RateLimited,
    431: errors.HeadTooLarge,
    502: errors.UpstreamUnreachable,
    503: errors.Unavailable,
    504: errors.UpstreamTimeout,
}


def install(app: FastAPI) -> None:
    """From now on the application's document is the whole one; it is made when it is first asked for."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _make(app)
        return app.openapi_schema

    app.openapi = openapi


def operation_id(route: APIRoute) -> str:
    """`keys_list_keys`: stable, and a fair name for a method of a client."""
    tag = str(route.tags[0]) if route.tags else "gateway"
    suffix = "_well_known" if route.path.startswith("/.well-known") else ""
    return f"{tag}_{route.name}{suffix}"


def _make(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
        tags=[{"name": name, "description": words} for name, words in TAGS.items()],
        separate_input_output_schemas=app.separate_input_output_schemas,
    )
    components: dict[str, Schema] = document["components"]["schemas"]
    for name, schema in _failures().items():
        components.setdefault(name, schema)
    document["components"]["responses"] = _failure_responses()
    tagged = changed_paths(app)
    for route in routes_of(app):
        path = document["paths"].get(route.path_format)
        if path is None:
            continue
        for method in {each.upper() for each in path} & set(route.methods or ()):
            _complete(path[method.lower()], route, method, components, has_tag=route.path in tagged)
    for unused in ("HTTPValidationError", "ValidationError"):
        components.pop(unused, None)
    return _with_short_names(document)


def _failures() -> dict[str, Schema]:
    schema = ErrorEnvelope.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
    return {**schema.pop("$defs"), "ErrorEnvelope": schema}


def _complete(operation: Schema, route: APIRoute, method: str, components: dict[str, Schema], *, has_tag: bool) -> None:
    permission = permission_of(route)
    operation["summary"] = str(operation["summary"]).capitalize()
    said = operation.get("description") or _usual(route, method)
    needs = "For everyone." if permission == PUBLIC else _needs(permission)
    operation["description"] = f"{said}\n\n{needs}"
    operation["x-permission"] = permission
    calls = list(calls_of(route.dependant))
    keyed = method == "POST" and not {database.writing, database.transacting}.isdisjoint(calls) and permission != PUBLIC
    parameters: list[Schema] = operation.setdefault("parameters", [])
    if keyed:
        parameters.append(_header(IDEMPOTENCY_KEY, "Same key and body, same answer, for 24 hours.", _MAX_KEY))
    if has_tag and method in CHANGING:
        parameters.append(_header("If-Match", "The ETag that the change is meant for; else 412."))
    if has_tag and method == "GET":
        parameters.append(_header("If-None-Match", "An ETag that is known already; then 304."))
    for parameter in parameters:
        parameter.setdefault("description", _PARAMETERS.get(parameter["name"], ""))
        if "example" not in parameter:
            parameter["example"] = example_of(parameter.get("schema", {}), components, parameter["name"])
    if not parameters:
        del operation["parameters"]
    _responses(operation, _statuses(route, method, permission, keyed=keyed, has_tag=has_tag), has_tag=has_tag)
    _examples(operation, components)


def _header(name: str, words: str, longest: int = 4096) -> Schema:
    schema = {"type": "string", "minLength": 1, "maxLength": longest, "pattern": r"^[\x21-\x7e]+$"}
    example = UUID if name == IDEMPOTENCY_KEY else '"9f2c4e1ab7d05c3e8f61"'
    return {"name": name, "in": "header", "required": False, "schema": schema, "description": words, "example": example}


def _needs(permission: str | None) -> str:
    if permission is None or permission == "any key":
        return "For whoever has an API key or a session."
    return f"Needs `{permission}`."


def _usual(route: APIRoute, method: str) -> str:
    """For routes that say nothing of themselves, because their name says it all."""
    noun = str(route.tags[0]).rstrip("s") if route.tags else "resource"
    if method == "GET":
        is_list = "list[" in str(route.response_model)
        return "A page of the list; filters and order are query parameters." if is_list else f"One {noun}."
    return {
        "POST": "Made in one transaction with its entry in the audit log; the answer shows what was made.",
        "PUT": "Replaces it: what is left out takes its default.",
        "PATCH": "Changes what is named and leaves the rest as it is.",
        "DELETE": "Removes it; the answer shows what it was.",
    }[method]


def _statuses(route: APIRoute, method: str, permission: str | None, *, keyed: bool, has_tag: bool) -> set[int]:
    found = {400, 403, 429, 431, 503}
    if permission != PUBLIC:
        found.add(401)
    if "{" in route.path or method != "GET":
        found.add(404)
    # What a route says itself: its query may name a thing.
    found |= {int(status) for status in route.responses if int(status) >= 400}
    if method != "GET":
        found |= {409, 413, 415}
    if method == "POST" and permission == PUBLIC:
        found.add(401)  # a password, a token in the body
    if keyed:
        found.add(422)
    if has_tag:
        found |= {412, 428} if method in CHANGING else {304}
    if route.path.startswith("/api/v1/auth/"):
        found |= {401, 502, 504}  # an issuer may have to be asked
    return found


def _responses(operation: Schema, statuses: set[int], *, has_tag: bool) -> None:
    responses: dict[str, Schema] = operation["responses"]
    responses.pop("422", None)
    for status in sorted(statuses):
        if status == 304:
            responses["304"] = {"description": _WORDS[304]}
            continue
        responses[str(status)] = {"$ref": f"#/components/responses/Error{status}"}
    if has_tag:
        for status, answer in responses.items():
            if status == "200":
                answer["headers"] = {"ETag": _response_header("Its version, for `If-Match`.")}


def _failure_responses() -> dict[str, Schema]:
    """By their names among the components: every operation refers to the same ones."""
    found: dict[str, Schema] = {}
    for status in _CODES:
        media = {"schema": {"$ref": "#/components/schemas/ErrorEnvelope"}, "example": _failure(status)}
        answer: Schema = {"description": _WORDS[status], "content": {"application/json": media}}
        if status in {429, 503}:
            answer["headers"] = {"Retry-After": _response_header("Seconds.")}
        found[f"Error{status}"] = answer
    return found


def _response_header(words: str) -> Schema:
    return {"description": words, "schema": {"type": "string"}, "required": False}


def _failure(status: int) -> Schema:
    code = _CODES[status].code
    message = HTTPStatus(status).phrase + "."
    error = {"code": code, "message": message, "details": {}, "request_id": UUID, "timestamp": MOMENT}
    return {"success": False, "data": None, "message": message, "error": error, "meta": {"request_id": UUID}}


def _examples(operation: Schema, components: dict[str, Schema]) -> None:
    bodies = [operation.get("requestBody", {})]
    bodies += [answer for status, answer in operation["responses"].items() if status.startswith("2")]
    for body in bodies:
        for kind, media in cast("dict[str, Schema]", body.get("content", {})).items():
            if "example" in media or "examples" in media:
                continue
            if kind in {"application/json", "application/x-www-form-urlencoded"} and media.get("schema"):
                media["example"] = example_of(media["schema"], components)
            else:
                media["example"] = _TEXTS.get(kind, "")


_TEXTS = {
    "text/plain": 'turnpike_info{version="0.1.0"} 1.0\n',
    "text/csv": "at,model,cost_usd\n2026-03-01T09:30:00.000Z,gpt-4o-mini,0.00012\n",
    "application/x-ndjson": '{"at": "2026-03-01T09:30:00.000Z", "model": "gpt-4o-mini"}\n',
}
_LONG = re.compile(r"turnpike__control__domains__(\w+?)__(?:schemas|routes|\w+)__(\w+)")


def _with_short_names(document: dict[str, Any]) -> dict[str, Any]:
    """Where two domains have a schema of one name, `CachingRuleBody` says it better than its module's whole path."""
    names = document["components"]["schemas"]
    short = {name: _LONG.sub(lambda found: found[1].title().replace("_", "") + found[2], name) for name in names}
    if len(set(short.values())) < len(short):
        return document
    document["components"]["schemas"] = {short[name]: schema for name, schema in names.items()}
    prefix = "#/components/schemas/"
    changed = {prefix + name: prefix + new for name, new in short.items() if name != new}

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            members = cast("dict[str, Any]", value)
            reference = members.get("$ref")
            if isinstance(reference, str):
                members["$ref"] = changed.get(reference, reference)
            for each in members.values():
                walk(each)
        elif isinstance(value, list):
            for each in cast("list[Any]", value):
                walk(each)

    walk(document)
    return document
