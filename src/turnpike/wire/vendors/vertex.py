"""Google Cloud's Vertex AI: Gemini and Imagen, Anthropic's models in Anthropic's form, and others through its
OpenAI-compatible endpoint.

Paths carry project and location; the host follows from the location.
"""

from turnpike.wire.cloud_parameters import GOOGLE_SECRETS
from turnpike.wire.operations import Operation
from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import AuthSpec, Derived, ModelsFormat, OperationSpec, Parameter, Vendor

_PLACE = "/v1/projects/{project}/locations/{location}"
_GEMINI = _PLACE + "/publishers/google/models/{model:path}"
_CLAUDE = _PLACE + "/publishers/anthropic/models/{model:path}"

VERTEX = Vendor(
    name="vertex",
    display_name="Google Vertex AI",
    website="https://cloud.google.com/vertex-ai",
    reference="https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest",
    base_url="https://{vertex_host}",
    parameters=(
        Parameter(
            name="project",
            label="Google Cloud project",
            example="my-project-123",
            pattern=r"[a-z][a-z0-9.:-]{3,60}[a-z0-9]|\d{6,20}",
            env_keys=("GOOGLE_CLOUD_PROJECT",),
        ),
        Parameter(
            name="location",
            label="location",
            example="europe-west4",
            default="global",
            pattern=r"[a-z]+(-[a-z]+\d+)?",
            env_keys=("GOOGLE_CLOUD_LOCATION",),
            derived=(
                Derived(
                    "vertex_host",
                    (
                        ("global", "aiplatform.googleapis.com"),
                        ("us", "aiplatform.us.rep.googleapis.com"),
                        ("eu", "aiplatform.eu.rep.googleapis.com"),
                        ("*", "{location}-aiplatform.googleapis.com"),
                    ),
                ),
            ),
        ),
        *GOOGLE_SECRETS,
    ),
    operations={
        Operation.CHAT: (
            OperationSpec(
                "gemini", _GEMINI + ":generateContent", _GEMINI + ":streamGenerateContent?alt=sse", models=("gemini*",)
            ),
            OperationSpec(
                "anthropic_messages", _CLAUDE + ":rawPredict", _CLAUDE + ":streamRawPredict", models=("claude*",)
            ),
            # Names with their publisher: `meta/llama-...`, `google/gemini-...`.
            OperationSpec("openai_chat", _PLACE + "/endpoints/openapi/chat/completions", models=("*/*",)),
        ),
        Operation.IMAGE_GENERATION: (OperationSpec("imagen", _GEMINI + ":predict", models=("imagen*",)),),
        Operation.EMBEDDINGS: (OperationSpec("vertex_embeddings", _GEMINI + ":predict"),),
        Operation.COUNT_TOKENS: (OperationSpec("gemini_count_tokens", _GEMINI + ":countTokens", models=("gemini*",)),),
    },
    env_keys=("GOOGLE_CREDENTIALS",),
    auth=AuthSpec(kind="google", scope="https://www.googleapis.com/auth/cloud-platform"),
    models_path="/v1beta1/publishers/google/models?pageSize=200",
    models_more=("/v1beta1/publishers/anthropic/models?pageSize=200",),
    models_format=ModelsFormat.VERTEX,
    price_provider="google",
    quirks=frozenset((q.MODEL_IN_PATH, q.ANTHROPIC_VERSION_VERTEX, q.LABELS, q.NO_CALL_IDS)),
    exercised="simulated",
)
