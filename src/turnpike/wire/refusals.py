"""How each company's API says what went wrong at a provider of another's.

Within one API a provider's error goes on in its own words. Between two of them the words would mislead: a client looks
for its own API's status, type and code to decide which exception to raise, and whether to try again. So an
error's kind (`turnpike.wire.dialects.common.refusals`) is written as the caller's API would have said it; the
provider's message stays.

Sources: the error references of OpenAI, Anthropic, Google and Cohere.
"""

import msgspec

from turnpike.errors import RefusalKind, UpstreamRefused
from turnpike.wire.dialects.common.refusals import kind_of


class Said(msgspec.Struct, frozen=True):
    """How an API says it."""

    status: int
    type: str | None = None
    code: str | None = None
    opening: str = ""
    """What its clients look for in the message, where nothing else tells; put before a message without it."""


_OPENAI: dict[RefusalKind, Said] = {
    RefusalKind.BAD_KEY: Said(401, "authentication_error", "invalid_api_key"),
    RefusalKind.FORBIDDEN: Said(403, "permission_error"),
    RefusalKind.QUOTA: Said(429, "insufficient_quota", "insufficient_quota"),
    RefusalKind.RATE_LIMITED: Said(429, "rate_limit_error", "rate_limit_exceeded"),
    RefusalKind.CONTEXT: Said(
        400, "invalid_request_error", "context_length_exceeded", "This model's maximum context length is exceeded: "
    ),
    RefusalKind.CONTENT: Said(400, "invalid_request_error", "content_policy_violation"),
    RefusalKind.OVERLOADED: Said(503, "server_error"),
    RefusalKind.NOT_FOUND: Said(404, "invalid_request_error", "model_not_found"),
}
_ANTHROPIC: dict[RefusalKind, Said] = {
    RefusalKind.BAD_KEY: Said(401, "authentication_error"),
    RefusalKind.FORBIDDEN: Said(403, "permission_error"),
    RefusalKind.QUOTA: Said(402, "billing_error"),
    RefusalKind.RATE_LIMITED: Said(429, "rate_limit_error"),
    RefusalKind.CONTEXT: Said(400, "invalid_request_error", None, "prompt is too long: "),
    RefusalKind.CONTENT: Said(400, "invalid_request_error"),
    RefusalKind.OVERLOADED: Said(529, "overloaded_error"),
    RefusalKind.NOT_FOUND: Said(404, "not_found_error"),
}
_GEMINI: dict[RefusalKind, Said] = {
    RefusalKind.BAD_KEY: Said(401, "UNAUTHENTICATED"),
    RefusalKind.FORBIDDEN: Said(403, "PERMISSION_DENIED"),
    RefusalKind.QUOTA: Said(429, "RESOURCE_EXHAUSTED"),
    RefusalKind.RATE_LIMITED: Said(429, "RESOURCE_EXHAUSTED"),
    RefusalKind.CONTEXT: Said(400, "INVALID_ARGUMENT"),
    RefusalKind.CONTENT: Said(400, "INVALID_ARGUMENT"),
    RefusalKind.OVERLOADED: Said(503, "UNAVAILABLE"),
    RefusalKind.NOT_FOUND: Said(404, "NOT_FOUND"),
}
_COHERE: dict[RefusalKind, Said] = {
    RefusalKind.BAD_KEY: Said(401),
    RefusalKind.FORBIDDEN: Said(403),
    RefusalKind.QUOTA: Said(402),
    RefusalKind.RATE_LIMITED: Said(429),
    RefusalKind.CONTEXT: Said(400, opening="too many tokens: "),
    RefusalKind.CONTENT: Said(498),
    RefusalKind.OVERLOADED: Said(503),
    RefusalKind.NOT_FOUND: Said(404),
}
SAID: dict[str, dict[RefusalKind, Said]] = {
    "openai": _OPENAI,
    "anthropic": _ANTHROPIC,
    "gemini": _GEMINI,
    "cohere": _COHERE,
}
"""By API: what the name of its dialects begins with."""


def quota_status(dialect: str) -> int:
    """With what status the API of a dialect says that there is no money left."""
    return SAID.get(dialect.partition("_")[0], _OPENAI)[RefusalKind.QUOTA].status


def said_in(error: UpstreamRefused, theirs: str, ours: str) -> UpstreamRefused:
    """The error of a provider that speaks the dialect `theirs`, as the API of the dialect `ours` says it. Returns
    `error` itself within one API."""
    api = ours.partition("_")[0]
    if theirs.partition("_")[0] == api:
        return error
    kind = error.kind or kind_of(error.status, error.upstream_code, error.upstream_type, error.message)
    said = None if kind is None else SAID.get(api, _OPENAI).get(kind)
    if said is None:  # their word for it means nothing to the caller: its API's own goes by the status
        said = Said(error.status)
    message = error.message
    if said.opening.strip(": ").lower() not in message.lower():
        message = said.opening + message
    return UpstreamRefused(
        message,
        status=said.status,
        upstream_code=said.code,
        upstream_type=said.type,
        param=error.param,
        details=error.details,
        retry_after_s=error.retry_after_s,
        kind=kind,
    )
