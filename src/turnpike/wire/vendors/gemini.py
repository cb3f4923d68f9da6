"""Google's Gemini API: its own form, and its OpenAI-compatible endpoint beside it."""

from turnpike.wire.operations import Operation
from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import AuthSpec, ModelsFormat, OperationSpec, Vendor

GEMINI = Vendor(
    name="gemini",
    display_name="Google Gemini",
    website="https://ai.google.dev",
    reference="https://ai.google.dev/api",
    base_url="https://generativelanguage.googleapis.com/v1beta",
    operations={
        Operation.CHAT: (
            OperationSpec("gemini", "/models/{model}:generateContent", "/models/{model}:streamGenerateContent?alt=sse"),
            OperationSpec("openai_chat", "/openai/chat/completions"),
        ),
        Operation.IMAGE_GENERATION: (OperationSpec("imagen", "/models/{model}:predict", models=("imagen*",)),),
        Operation.COUNT_TOKENS: (OperationSpec("gemini_count_tokens", "/models/{model}:countTokens"),),
        Operation.EMBEDDINGS: (
            OperationSpec("gemini_embeddings", "/models/{model}:batchEmbedContents"),
            OperationSpec("gemini_embedding", "/models/{model}:embedContent"),
            OperationSpec("openai_embeddings", "/openai/embeddings"),
        ),
    },
    env_keys=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    auth=AuthSpec("x-goog-api-key", ""),
    models_format=ModelsFormat.GEMINI,
    price_provider="google",
    quirks=frozenset((q.MAX_TOKENS, q.NO_DEVELOPER_ROLE, q.NO_METADATA, q.NO_USER)),
    exercised="simulated",
)
