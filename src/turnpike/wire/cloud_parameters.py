"""What clouds ask their customers for: parts of credentials that several vendors' files share."""

from turnpike.wire.vendor import AuthSpec, Parameter

_KEY = r"[\x21-\x7e]{0,8192}"

AWS_SECRETS = (
    Parameter(
        name="api_key",
        label="Bedrock API key (or leave it out and give AWS keys)",
        default="",
        pattern=_KEY,
        secret=True,
        env_keys=("AWS_BEARER_TOKEN_BEDROCK",),
    ),
    Parameter(
        name="access_key_id",
        label="AWS access key ID",
        example="AKIAIOSFODNN7EXAMPLE",
        default="",
        pattern=r"[A-Za-z0-9]{0,128}",
        secret=True,
        env_keys=("AWS_ACCESS_KEY_ID",),
    ),
    Parameter(
        name="secret_access_key",
        label="AWS secret access key",
        default="",
        pattern=_KEY,
        secret=True,
        env_keys=("AWS_SECRET_ACCESS_KEY",),
    ),
    Parameter(
        name="session_token",
        label="AWS session token (temporary keys only)",
        default="",
        pattern=_KEY,
        secret=True,
        env_keys=("AWS_SESSION_TOKEN",),
    ),
)

GOOGLE_SECRETS = (
    Parameter(
        name="credentials",
        label="service account key or workload identity configuration (JSON)",
        example='{"type": "service_account"}',
        pattern=r"(?s)\s*\{.*\}\s*",
        secret=True,
        env_keys=("GOOGLE_CREDENTIALS",),
    ),
)

AZURE_PLACE = (
    Parameter(
        name="resource",
        label="resource name",
        example="my-resource",
        pattern=r"[A-Za-z0-9][A-Za-z0-9-]{0,63}",
        env_keys=("AZURE_RESOURCE_NAME",),
    ),
    Parameter(
        name="authority",
        label="Entra ID authority (national clouds only)",
        example="https://login.microsoftonline.us",
        default="https://login.microsoftonline.com",
        pattern=r"https?://[A-Za-z0-9.-]+(:\d{1,5})?",
        env_keys=("AZURE_AUTHORITY_HOST",),
    ),
)

ENTRA_SECRETS = (
    Parameter(
        name="api_key",
        label="API key (or leave it out and give an Entra ID application)",
        default="",
        pattern=_KEY,
        secret=True,
    ),
    Parameter(
        name="tenant_id",
        label="Entra ID tenant",
        default="",
        pattern=r"[A-Za-z0-9.-]{0,128}",
        secret=True,
        env_keys=("AZURE_TENANT_ID",),
    ),
    Parameter(
        name="client_id",
        label="Entra ID application (client) ID",
        default="",
        pattern=r"[A-Za-z0-9-]{0,128}",
        secret=True,
        env_keys=("AZURE_CLIENT_ID",),
    ),
    Parameter(
        name="client_secret",
        label="Entra ID client secret",
        default="",
        pattern=_KEY,
        secret=True,
        env_keys=("AZURE_CLIENT_SECRET",),
    ),
)

AZURE_AUTH = AuthSpec(
    "api-key",
    "",
    kind="entra",
    scope="https://cognitiveservices.azure.com/.default",
    token_url="{authority}/{tenant_id}/oauth2/v2.0/token",  # noqa: S106 - an address, no password
)
