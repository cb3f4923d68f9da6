"""Azure OpenAI: OpenAI's API in a resource of one's own, where names of models are names of deployments.

Two surfaces at the same host: the v1 API, and the older one with the deployment in the path and a dated version in the
query. Credentials are the resource's key, or an application registered in Entra ID.
"""

from turnpike.wire.operations import Operation
from turnpike.wire.vendor import AuthSpec, OperationSpec, Parameter, Vendor

_REFERENCE = "https://learn.microsoft.com/azure/ai-foundry/openai/reference"
_CLASSIC = "/openai/deployments/{model}"
_VERSION = "?api-version={api_version}"

_RESOURCE = Parameter(
    name="resource",
    label="resource name",
    example="my-resource (of my-resource.openai.azure.com)",
    pattern=r"[A-Za-z0-9][A-Za-z0-9-]{0,63}",
    env_keys=("AZURE_RESOURCE_NAME",),
)
_AUTHORITY = Parameter(
    name="authority",
    label="Entra ID authority (national clouds only)",
    example="https://login.microsoftonline.us",
    default="https://login.microsoftonline.com",
    pattern=r"https?://[A-Za-z0-9.-]+(:\d{1,5})?",
    env_keys=("AZURE_AUTHORITY_HOST",),
)
_SECRETS = (
    Parameter(
        name="api_key",
        label="API key (or leave it out and give an Entra ID application)",
        default="",
        pattern=r"[\x21-\x7e]{0,8192}",
        secret=True,
        env_keys=("AZURE_OPENAI_API_KEY",),
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
        pattern=r"[\x21-\x7e]{0,8192}",
        secret=True,
        env_keys=("AZURE_CLIENT_SECRET",),
    ),
)
_AUTH = AuthSpec(
    "api-key",
    "",
    kind="entra",
    scope="https://cognitiveservices.azure.com/.default",
    token_url="{authority}/{tenant_id}/oauth2/v2.0/token",  # noqa: S106 - an address, no password
)
_DEPLOYMENTS = "/openai/deployments?api-version=2022-12-01"
"""The last version whose keys may list deployments; later ones moved the list to Azure's management API."""

AZURE_OPENAI = Vendor(
    name="azure_openai",
    display_name="Azure OpenAI",
    website="https://azure.microsoft.com/products/ai-foundry",
    reference=_REFERENCE,
    base_url="https://{resource}.openai.azure.com",
    parameters=(_RESOURCE, _AUTHORITY, *_SECRETS),
    operations={
        Operation.CHAT: (OperationSpec("openai_chat", "/openai/v1/chat/completions"),),
        Operation.EMBEDDINGS: (OperationSpec("openai_embeddings", "/openai/v1/embeddings"),),
    },
    auth=_AUTH,
    models_path=_DEPLOYMENTS,
    price_provider="azure",
    exercised="simulated",
)

AZURE_OPENAI_CLASSIC = Vendor(
    name="azure_openai_classic",
    display_name="Azure OpenAI (dated API)",
    website="https://azure.microsoft.com/products/ai-foundry",
    reference=_REFERENCE,
    base_url="https://{resource}.openai.azure.com",
    parameters=(
        _RESOURCE,
        Parameter(
            name="api_version",
            label="API version",
            example="2024-10-21",
            default="2024-10-21",
            pattern=r"\d{4}-\d{2}-\d{2}(-preview)?",
            env_keys=("OPENAI_API_VERSION",),
        ),
        _AUTHORITY,
        *_SECRETS,
    ),
    operations={
        Operation.CHAT: (OperationSpec("openai_chat", _CLASSIC + "/chat/completions" + _VERSION),),
        Operation.EMBEDDINGS: (OperationSpec("openai_embeddings", _CLASSIC + "/embeddings" + _VERSION),),
    },
    auth=_AUTH,
    models_path=_DEPLOYMENTS,
    price_provider="azure",
    exercised="simulated",
)
