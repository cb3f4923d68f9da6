"""What kind of refusal a provider's error is, whatever words and status it chose.

Providers agree on neither: a wrong key is told with 400, 401 or 403, an empty account with 200, 400, 402, 403, 412 or
429. Callers' SDKs raise by status, so a status that says the wrong thing is put right here; one that says the right
thing stays. No vendor is asked for: the tables hold words that mean the same wherever they come from.

Sources: the error references of OpenAI, Anthropic, Google, Mistral, Cohere, DeepSeek, Groq, Together, Fireworks, xAI,
OpenRouter, Moonshot, Z.ai, MiniMax, DashScope, Replicate, Hugging Face (TGI), Cloudflare Workers AI, Databricks.
"""

import re
from collections.abc import Mapping

from turnpike.errors import RefusalKind

_CODES: Mapping[str, RefusalKind] = {
    code: kind
    for kind, codes in (
        (
            RefusalKind.BAD_KEY,
            "invalid_api_key authentication_error invalidapikey api_key_invalid invalid_authentication_error "
            "10000 unrecognizedclientexception invalid_token",
        ),
        (
            RefusalKind.QUOTA,
            "insufficient_quota billing_error arrearage insufficient_balance exceeded_current_quota_error 1113 "
            "billing_hard_limit_reached insufficient_credits billing_not_active credit_limit quota_exceeded",
        ),
        (
            RefusalKind.RATE_LIMITED,
            "rate_limit_exceeded rate_limit_error rate_limit_reached_error throttling throttling.ratequota "
            "throttlingexception request_limit_exceeded resource_exhausted 1302",
        ),
        (
            RefusalKind.CONTEXT,
            "context_length_exceeded context_window_exceeded string_above_max_length 1261 exceed_context_size_error "
            "request_too_large",
        ),
        (
            RefusalKind.CONTENT,
            "content_filter content_policy_violation 1301 responsibleaipolicyviolation datainspectionfailed "
            "data_inspection_failed moderation_blocked",
        ),
        (
            RefusalKind.OVERLOADED,
            "overloaded_error unavailable engine_overloaded_error overloaded server_overloaded 1305 3040 "
            "serviceunavailableexception temporarily_unavailable",
        ),
        (
            RefusalKind.NOT_FOUND,
            "model_not_found not_found_error 1211 resource_not_found_error resource_does_not_exist "
            "endpoint_not_found 5007 modelnotfound model_not_exist deploymentnotfound",
        ),
        (
            RefusalKind.UNSUPPORTED,
            "unsupported_value unsupported_parameter",
        ),
        (
            RefusalKind.FORBIDDEN,
            "unsupported_country_region_territory permission_error permission_denied permission_denied_error "
            "accessdeniedexception",
        ),
    )
    for code in codes.split()
}
"""By a provider's own code or type, in lower case."""

_WORDS: tuple[tuple[RefusalKind, tuple[int, ...], tuple[str, ...]], ...] = (
    (
        RefusalKind.CONTEXT,
        (400, 413, 422, 500, 502),
        (
            r"context[ _-]?(?:length|window|size|limit)", r"(?:prompt|input) is too long", r"maximum prompt length",
            r"too many (?:input |prompt )?tokens", r"range of input length", r"`inputs` tokens \+ `max_new_tokens`",
            r"tokens? (?:limit|count).{0,30}exceed", r"input.{0,40}(?:exceed|longer).{0,60}tokens?",
            r"reduce (?:the|your) (?:length|prompt|input)", r"reached the token limit",
        ),
    ),
    (
        RefusalKind.QUOTA,
        (400, 401, 402, 403, 412, 429, 502),
        (
            r"insufficient[ _-]?(?:quota|balance|credit|fund)", r"credit balance", r"payment (?:is )?required",
            r"(?:out of|not enough|no|have no) (?:more )?(?:credits?|balance|funds)", r"arrear", r"overdue",
            r"(?:spending|spend|billing|monthly) (?:hard )?limit", r"add (?:more )?credits", r"top[ -]?up",
            r"run out of", r"depleted", r"balance (?:is )?(?:too low|exhausted)", r"used all available",
            r"exceeded your (?:current )?(?:monthly )?(?:quota|included credits)", r"suspended due to",
        ),
    ),
    (
        RefusalKind.BAD_KEY,
        (400, 401, 403),
        (
            r"(?:incorrect|invalid|wrong|expired|revoked|missing|no)[ a-z]{0,10} (?:api|access|bearer|auth\w*|security)"
            r"[ _-](?:key|token|credential)s?\b",
            r"(?:invalid|incorrect|missing) (?:api[ _-]?key|credentials?|access token|username or password)",
            r"invalid token\b", r"(?:api[ _-]?key|credentials?).{0,24}(?:not valid|invalid|incorrect|missing|expired)",
            r"(?:api[ _-]?key|credentials?).{0,24}(?:revoked|not found|is wrong)", r"unauthori[sz]ed",
            r"(?:access|bearer|auth\w*|security) token.{0,40}(?:invalid|expired|revoked)", r"unauthenticated",
            r"authentication (?:error|fail)", r"not authenticated", r"login fail",
        ),
    ),
    (
        RefusalKind.CONTENT,
        (400, 403, 422, 451, 502),
        (
            r"content[ _-]?(?:filter|policy|management|moderation|exists risk)", r"moderation", r"inappropriate",
            r"safety (?:system|filter|reason|check|polic)", r"unsafe content", r"(?:is|was|been) flagged",
            r"sensitive (?:content|information|words?)", r"violat\w+.{0,40}(?:polic|guideline|terms)",
            r"new_sensitive", r"usage guidelines",
        ),
    ),
    (
        RefusalKind.NOT_FOUND,
        (400, 404, 422),
        (
            r"\bmodels?\b.{0,80}(?:not (?:be )?found|not exist|no such|is not (?:available|served|loaded))",
            r"(?:no such|unknown|invalid|unable to (?:access|find)|not a valid|could not find).{0,12}\bmodel\b",
            r"supplied model is not",
        ),
    ),
    (
        RefusalKind.OVERLOADED,
        (424, 429, 498, 500, 502, 503, 529),
        (
            r"overload", r"(?:at|over|no|out of|exceeded|insufficient) capacity", r"capacity (?:temporarily|exceeded)",
            r"loading", r"high (?:demand|load|traffic)", r"too busy", r"is busy", r"service unavailable",
            r"no (?:healthy|available) (?:upstream|instance|server|worker)", r"temporarily unavailable",
        ),
    ),
    (
        RefusalKind.UNSUPPORTED,
        (400, 404, 405, 422, 501),
        (r"(?:not|n't|un)[ -]?support", r"no endpoints found that support", r"not allowed for this model"),
    ),
)  # fmt: skip
"""Words in a message, looked for with these statuses only; the first kind that fits. 502 stands for what came amid a
stream."""
_LOOKED_FOR = tuple(
    (kind, frozenset(statuses), re.compile("|".join(phrases), re.IGNORECASE)) for kind, statuses, phrases in _WORDS
)

_BY_STATUS: Mapping[int, RefusalKind] = {
    401: RefusalKind.BAD_KEY, 402: RefusalKind.QUOTA, 403: RefusalKind.FORBIDDEN, 404: RefusalKind.NOT_FOUND,
    429: RefusalKind.RATE_LIMITED, 498: RefusalKind.CONTENT, 503: RefusalKind.OVERLOADED,
    529: RefusalKind.OVERLOADED,
}  # fmt: skip

_RIGHT: Mapping[RefusalKind, tuple[int, frozenset[int]]] = {
    RefusalKind.BAD_KEY: (401, frozenset((401,))),
    RefusalKind.QUOTA: (402, frozenset((402, 429))),
    RefusalKind.RATE_LIMITED: (429, frozenset((429,))),
    RefusalKind.CONTEXT: (400, frozenset((400,))),
    RefusalKind.CONTENT: (400, frozenset((400, 498))),
    RefusalKind.NOT_FOUND: (404, frozenset((404,))),
    RefusalKind.OVERLOADED: (503, frozenset((429, 500, 502, 503, 529))),
    RefusalKind.UNSUPPORTED: (400, frozenset((400, 422, 501))),
    RefusalKind.FORBIDDEN: (403, frozenset((403,))),
}
"""The status that a kind is shown with, and those that say it well enough to stay."""

_VAGUE = frozenset((RefusalKind.FORBIDDEN,))
"""Codes of these kinds are used for more than they say: the message is asked first."""


_STATUS_CODES: Mapping[str, RefusalKind] = {
    code: kind
    for kind, codes in (
        (RefusalKind.BAD_KEY, "1004 2049"),
        (RefusalKind.QUOTA, "1008 2056"),
        (RefusalKind.RATE_LIMITED, "1002 1041 2045"),
        (RefusalKind.CONTENT, "1026 1027"),
        (RefusalKind.CONTEXT, "1039"),
        (RefusalKind.OVERLOADED, "1000 1001 1013 1024 1033"),
        (RefusalKind.UNSUPPORTED, "2013"),
    )
    for code in codes.split()
}
"""By the `status_code` beside a `status_msg` (MiniMax's `base_resp`), which others number otherwise."""


def kind_in_body(status_code: object) -> RefusalKind | None:
    return _STATUS_CODES.get(str(status_code))


def kind_of(status: int, code: str | None, type_: str | None, message: str) -> RefusalKind | None:
    """None where nothing is known but that it failed."""
    coded = _CODES.get((code or "").lower()) or _CODES.get((type_ or "").lower())
    if coded is not None and coded not in _VAGUE:
        return coded
    for kind, statuses, pattern in _LOOKED_FOR:
        if status in statuses and pattern.search(message):
            return kind
    return coded or _BY_STATUS.get(status)


def right_status(kind: RefusalKind | None, status: int) -> int:
    """`status` itself where it says what `kind` says, or where no kind is known."""
    if kind is None:
        return status if 400 <= status <= 599 else 502
    right, fitting = _RIGHT[kind]
    return status if status in fitting else right
