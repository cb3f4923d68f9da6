"""Azure OpenAI, by its older API: the deployment in the path, and a dated version in the query."""

from turnpike.wire.cloud_parameters import AZURE_AUTH, AZURE_PLACE, ENTRA_SECRETS
from turnpike.wire.operations import Operation
from turnpike.wire.vendor import OperationSpec, Parameter, Vendor, audio

_DEPLOYMENT = "/openai/deployments/{model}"
_VERSION = "?api-version={api_version}"

AZURE_OPENAI_CLASSIC = Vendor(
    name="azure_openai_classic",
    display_name="Azure OpenAI (dated API)",
    website="https://azure.microsoft.com/products/ai-foundry",
    reference="https://learn.microsoft.com/azure/ai-foundry/openai/reference",
    base_url="https://{resource}.openai.azure.com",
    parameters=(
        *AZURE_PLACE,
        Parameter(
            name="api_version",
            label="API version",
            example="2024-10-21",
            default="2024-10-21",
            pattern=r"\d{4}-\d{2}-\d{2}(-preview)?",
            env_keys=("OPENAI_API_VERSION",),
        ),
        *ENTRA_SECRETS,
    ),
    operations={
        Operation.CHAT: (OperationSpec("openai_chat", f"{_DEPLOYMENT}/chat/completions{_VERSION}"),),
        Operation.EMBEDDINGS: (OperationSpec("openai_embeddings", f"{_DEPLOYMENT}/embeddings{_VERSION}"),),
        Operation.IMAGE_GENERATION: (OperationSpec("openai_images", f"{_DEPLOYMENT}/images/generations{_VERSION}"),),
        Operation.IMAGE_EDIT: (OperationSpec("openai_image_edit", f"{_DEPLOYMENT}/images/edits{_VERSION}"),),
        **audio(_DEPLOYMENT, _VERSION),
    },
    env_keys=("AZURE_API_KEY",),
    auth=AZURE_AUTH,
    models_path="/openai/deployments?api-version=2022-12-01",
    price_provider="azure",
    exercised="simulated",
)
