"""Administration and credentials of a vendor's account: never passed on, whoever asks.

What stands here would let a caller read or change the account that the gateway's credential belongs to, or would hand
out a secret that leads to the provider past the gateway. Sources: the API references of OpenAI ("Administration",
"Realtime", "ChatKit", "Webhooks"), Anthropic ("Admin API", "Managed agents") and Gemini ("Ephemeral tokens",
"Permissions").
"""

from fnmatch import fnmatchcase

import msgspec

from turnpike.wire.passage.paths import Api

_ACCOUNT = "it administers the vendor's account"
_HANDS_OUT = "it hands out what leads past this gateway"
_AROUND = "it opens a way to the model that this gateway cannot watch"


class RefusedPath(msgspec.Struct, frozen=True):
    """`pattern`: segments behind the version, in lower case; `*` within one segment. What is below is refused too."""

    api: Api | None
    """None: of every API."""
    pattern: tuple[str, ...]
    why: str


def _rows(api: Api | None, why: str, *paths: str) -> tuple[RefusedPath, ...]:
    return tuple(RefusedPath(api, tuple(path.split("/")), why) for path in paths)


REFUSED: tuple[RefusedPath, ...] = (
    *_rows(
        None, _ACCOUNT,
        "organization", "organizations", "organisation", "organisations", "projects", "project", "workspaces",
        "users", "user", "me", "invites", "members", "service_accounts", "admin", "admin_api_keys", "audit_logs",
        "usage", "usage_report", "cost", "costs", "cost_report", "billing", "dashboard", "credit_grants",
        "subscription", "rate_limits", "certificates", "spend_limits", "groups", "roles", "webhooks",
        "webhook_endpoints", "login", "compliance", "data_retention",
    ),
    *_rows(
        None, _HANDS_OUT,
        "api_keys", "api-keys", "apikeys", "keys", "oauth", "oauth2", "auth", "token", "tokens", "auth_tokens",
        "authtokens", "credentials", "vaults", "secrets", "sessions/*/client_secret",
    ),
    *_rows(
        Api.OPENAI, _HANDS_OUT,
        "realtime/client_secrets", "realtime/sessions", "realtime/transcription_sessions",
        "realtime/translations/client_secrets", "chatkit/sessions",
    ),
    *_rows(Api.OPENAI, _AROUND, "realtime"),
    *_rows(Api.OPENAI, _ACCOUNT, "fine_tuning/checkpoints", "models/*/permissions"),
    *_rows(
        Api.GEMINI, _ACCOUNT,
        "tunedmodels/*/permissions", "tunedmodels/*:transferownership", "corpora/*/permissions", "*/*/permissions",
    ),
    *_rows(Api.GEMINI, _AROUND, "models/*:bidigeneratecontent*", "ws"),
)  # fmt: skip


def refusal(api: Api, segments: tuple[str, ...]) -> str | None:
    """Why this path is refused; None when it is not. `segments` stand behind the version, decoded; letter case does
    not matter."""
    lowered = tuple(segment.lower() for segment in segments)
    for row in REFUSED:
        if row.api in (None, api) and len(lowered) >= len(row.pattern):
            pairs = zip(row.pattern, lowered, strict=False)
            if all(fnmatchcase(segment, pattern) for pattern, segment in pairs):
                return row.why
    return None
