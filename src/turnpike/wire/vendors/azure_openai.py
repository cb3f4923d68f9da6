"""Azure OpenAI, by its v1 API: OpenAI's in a resource of one's own, where names of models are names of deployments."""

from turnpike.wire.cloud_parameters import AZURE_AUTH, AZURE_PLACE, ENTRA_SECRETS
from turnpike.wire.operations import Operation
from turnpike.wire.vendor import OperationSpec, Vendor, audio, openai_compatible

_V1 = "/openai/v1"

AZURE_OPENAI = Vendor(
    name="azure_openai",
    display_name="Azure OpenAI",
    website="https://azure.microsoft.com/products/ai-foundry",
    reference="https://learn.microsoft.com/azure/ai-foundry/openai/latest",
    base_url="https://{resource}.openai.azure.com",
    parameters=(*AZURE_PLACE, *ENTRA_SECRETS),
    operations={
        **openai_compatible(_V1, responses=f"{_V1}/responses"),
        Operation.IMAGE_GENERATION: (OperationSpec("openai_images", f"{_V1}/images/generations"),),
        Operation.IMAGE_EDIT: (OperationSpec("openai_image_edit", f"{_V1}/images/edits"),),
        **audio(_V1),
    },
    env_keys=("AZURE_OPENAI_API_KEY",),
    auth=AZURE_AUTH,
    # The last version whose keys may list deployments: later ones moved the list to Azure's management API.
    models_path="/openai/deployments?api-version=2022-12-01",
    price_provider="azure",
    exercised="simulated",
)
