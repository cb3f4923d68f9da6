"""What went wrong at a provider, by class, and how each company's API says it.

Within one API a provider's error goes on in its own words. Between two of them the words would mislead: a client looks
for its own API's status, type and code to decide which exception to raise, and whether to try again. So the class of an
error is recognised by what any provider is known to say, and written as the caller's API would have said it; the
provider's message stays.

Sources: the error references of OpenAI, Anthropic, Google and Cohere.
"""

import re
from enum import StrEnum

import msgspec

from turnpike.errors import UpstreamRefused


class RefusalKind(StrEnum):
    BAD_KEY = "bad_key"
    PERMISSION = "permission"
    QUOTA = "quota"
    """The account has no money left."""
    RATE_LIMIT = "rate_limit"
    CONTEXT = "context"
    """The prompt is longer than the model's context."""
    CONTENT = "content"
    """A filter refuses what was asked for."""
    OVERLOADED = "overloaded"
    NOT_FOUND = "not_found"


class Said(msgspec.Struct, frozen=True):
    """How an API says it."""

    status: int
    type: str | None = None
    code: str | None = None
    opening: str = ""
    """What its clients look for in the message, where nothing else tells; put before a message without it."""


_CODES: dict[str, RefusalKind] = {
    "invalid_api_key": RefusalKind.BAD_KEY,
    "insufficient_quota": RefusalKind.QUOTA,
    "billing_error": RefusalKind.QUOTA,
    "billing_hard_limit_reached": RefusalKind.QUOTA,
    "context_length_exceeded": RefusalKind.CONTEXT,
    "context_window_exceeded": RefusalKind.CONTEXT,
    "string_above_max_length": RefusalKind.CONTEXT,
    "content_policy_violation": RefusalKind.CONTENT,
    "content_filter": RefusalKind.CONTENT,
    "moderation_blocked": RefusalKind.CONTENT,
    "data_inspection_failed": RefusalKind.CONTENT,
    "overloaded_error": RefusalKind.OVERLOADED,
    "UNAVAILABLE": RefusalKind.OVERLOADED,
    "RESOURCE_EXHAUSTED": RefusalKind.RATE_LIMIT,
    "ThrottlingException": RefusalKind.RATE_LIMIT,
    "AccessDeniedException": RefusalKind.PERMISSION,
}
_WORDS: tuple[tuple[RefusalKind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(words, re.IGNORECASE))
    for kind, words in (
        (
            RefusalKind.CONTEXT,
            r"prompt is too long|maximum context length|context (?:length|window|size)|too many (?:input )?tokens"
            r"|input token count|input is too long|exceeds? the (?:maximum|available) (?:number of tokens|context)",
        ),
        (
            RefusalKind.QUOTA,
            r"credit balance|exceeded your current quota|payment method|insufficient (?:funds|balance|credits)",
        ),
        (RefusalKind.CONTENT, r"content (?:filtering|management) policy|deny-listed|safety system"),
        (RefusalKind.BAD_KEY, r"API key not valid|API_KEY_INVALID"),
        (RefusalKind.OVERLOADED, r"\boverloaded\b"),
    )
)
_STATUSES: dict[int, RefusalKind] = {
    401: RefusalKind.BAD_KEY,
    402: RefusalKind.QUOTA,
    403: RefusalKind.PERMISSION,
    404: RefusalKind.NOT_FOUND,
    429: RefusalKind.RATE_LIMIT,
    498: RefusalKind.CONTENT,
    503: RefusalKind.OVERLOADED,
    529: RefusalKind.OVERLOADED,
}

_OPENAI: dict[RefusalKind, Said] = {
    RefusalKind.BAD_KEY: Said(401, "authentication_error", "invalid_api_key"),
    RefusalKind.PERMISSION: Said(403, "permission_error"),
    RefusalKind.QUOTA: Said(429, "insufficient_quota", "insufficient_quota"),
    RefusalKind.RATE_LIMIT: Said(429, "rate_limit_error", "rate_limit_exceeded"),
    RefusalKind.CONTEXT: Said(
        400, "invalid_request_error", "context_length_exceeded", "This model's maximum context length is exceeded: "
    ),
    RefusalKind.CONTENT: Said(400, "invalid_request_error", "content_policy_violation"),
    RefusalKind.OVERLOADED: Said(503, "server_error"),
    RefusalKind.NOT_FOUND: Said(404, "invalid_request_error", "model_not_found"),
}
_ANTHROPIC: dict[RefusalKind, Said] = {
    RefusalKind.BAD_KEY: Said(401, "authentication_error"),
    RefusalKind.PERMISSION: Said(403, "permission_error"),
    RefusalKind.QUOTA: Said(402, "billing_error"),
    RefusalKind.RATE_LIMIT: Said(429, "rate_limit_error"),
    RefusalKind.CONTEXT: Said(400, "invalid_request_error", None, "prompt is too long: "),
    RefusalKind.CONTENT: Said(400, "invalid_request_error"),
    RefusalKind.OVERLOADED: Said(529, "overloaded_error"),
    RefusalKind.NOT_FOUND: Said(404, "not_found_error"),
}
_GEMINI: dict[RefusalKind, Said] = {
    RefusalKind.BAD_KEY: Said(401, "UNAUTHENTICATED"),
    RefusalKind.PERMISSION: Said(403, "PERMISSION_DENIED"),
    RefusalKind.QUOTA: Said(429, "RESOURCE_EXHAUSTED"),
    RefusalKind.RATE_LIMIT: Said(429, "RESOURCE_EXHAUSTED"),
    RefusalKind.CONTEXT: Said(400, "INVALID_ARGUMENT"),
    RefusalKind.CONTENT: Said(400, "INVALID_ARGUMENT"),
    RefusalKind.OVERLOADED: Said(503, "UNAVAILABLE"),
    RefusalKind.NOT_FOUND: Said(404, "NOT_FOUND"),
}
_COHERE: dict[RefusalKind, Said] = {
    RefusalKind.BAD_KEY: Said(401),
    RefusalKind.PERMISSION: Said(403),
    RefusalKind.QUOTA: Said(402),
    RefusalKind.RATE_LIMIT: Said(429),
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


def kind_of(error: UpstreamRefused) -> RefusalKind | None:
    """None for what is of no class: a field that is wrong, a failure inside the provider."""
    for word in (error.upstream_code, error.upstream_type):
        known = _CODES.get(word or "")
        if known is not None:
            return known
    if error.status in (400, 402, 403, 413, 422, 429, 502, 503):  # 502 stands for what came amid a stream
        for kind, words in _WORDS:
            if words.search(error.message):
                return kind
    return _STATUSES.get(error.status)


def said_in(error: UpstreamRefused, theirs: str, ours: str) -> UpstreamRefused:
    """The error of a provider that speaks the dialect `theirs`, as the API of the dialect `ours` says it. Returns
    `error` itself within one API."""
    api = ours.partition("_")[0]
    if theirs.partition("_")[0] == api:
        return error
    kind = kind_of(error)
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
    )
