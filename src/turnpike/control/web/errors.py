"""Errors become envelopes here, and nowhere else: ours, the framework's, the database's, and faults of ours."""

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import IntegrityError
from starlette.exceptions import HTTPException

from turnpike.control.db.database import UNREACHABLE
from turnpike.control.web.envelope import failure
from turnpike.errors import (
    Conflict,
    InvalidJson,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    RequestError,
    TurnpikeError,
    Unavailable,
)

RETRY_AFTER_S = 2.0
SHOWN_ERRORS = 50
CODE = "turnpike.error_code"
"""In an ASGI scope: what the answer's error is called."""
log = structlog.get_logger()


def render(error: TurnpikeError, headers: dict[str, str] | None = None) -> JSONResponse:
    headers = dict(headers or {})
    if error.retry_after_s is not None:
        headers["retry-after"] = str(max(1, round(error.retry_after_s)))
    if error.status == 401:
        headers["www-authenticate"] = "Bearer"
    body = failure(error.code, error.message, error.details).model_dump(mode="json")
    return JSONResponse(body, error.status, headers)


def install(app: FastAPI) -> None:
    app.add_exception_handler(TurnpikeError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(IntegrityError, _conflict)
    for unreachable in UNREACHABLE:
        app.add_exception_handler(unreachable, _unreachable)


def _ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, TurnpikeError)
    request.scope[CODE] = error.code
    if error.status >= 500:
        log.error("request_failed", code=error.code, reason=error.message, exc_info=error.code == "INTERNAL" and error)
    return render(error)


def _invalid(_: Request, error: Exception) -> JSONResponse:
    """400 with every field that is wrong. What was sent is not repeated: it may be a secret."""
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    for entry in found:
        if entry["type"] == "json_invalid":
            position = entry["loc"][-1]
            reason = entry.get("ctx", {}).get("error", "it is not JSON")
            return render(InvalidJson(f"The body is not JSON: {reason} at position {position}.",
                                      details={"position": position}))  # fmt: skip
    errors = [{"field": _field(entry["loc"]), "message": _reason(entry)} for entry in found[:SHOWN_ERRORS]]
    first = errors[0]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return render(
        InvalidRequest(
            f"{first['field']}: {first['message']}{more}", details={"errors": errors, "param": first["field"]}
        )
    )


def _field(location: tuple[int | str, ...]) -> str:
    """`body.models.0.name` is written `models.0.name`; the place tells header, query and path apart elsewhere."""
    parts = [str(part) for part in location]
    if parts and parts[0] in {"body", "query", "path", "header"} and len(parts) > 1:
        parts = parts[1:]
    return ".".join(parts)


def _reason(entry: dict[str, object]) -> str:
    if entry["type"] == "extra_forbidden":
        return "there is no such field, or it may not be set"
    return str(entry["msg"]).removeprefix("Value error, ")


def _framework(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == 404:
        return render(NotFound(f"There is nothing at {request.url.path}."), headers)
    if error.status_code == 405:
        allowed = headers.get("Allow", "")
        message = f"{request.method} is not possible at {request.url.path}; {allowed or 'another method'} is."
        return render(MethodNotAllowed(message, details={"allowed": allowed.split(", ")}), headers)
    if error.status_code == 400:
        return render(InvalidRequest(str(error.detail)), headers)
    other = RequestError(str(error.detail))
    other.status = error.status_code
    return render(other, headers)


def _conflict(_: Request, error: Exception) -> JSONResponse:
    """A constraint of the database that no check before it caught: two callers at the same time, mostly."""
    log.info("constraint_refused", reason=str(getattr(error, "orig", error)).split("\n", 1)[0][:200])
    return render(
        Conflict("This conflicts with what is already there: a name that must be unique, or a missing entry.")
    )


def _unreachable(_: Request, error: Exception) -> JSONResponse:
    log.error("database_unreachable_in_request", error_type=type(error).__name__)
    return render(Unavailable("The database cannot be reached at the moment.", retry_after_s=RETRY_AFTER_S))


def internal() -> JSONResponse:
    """The answer to a fault of ours; the log has the rest under the same request id."""
    return render(TurnpikeError())
