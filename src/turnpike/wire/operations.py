"""What callers do with models, and at which paths of which API they ask for it."""

from enum import StrEnum

import msgspec


class Operation(StrEnum):
    CHAT = "chat"
    EMBEDDINGS = "embeddings"
    COUNT_TOKENS = "count_tokens"
    LIST_MODELS = "list_models"
    IMAGE_GENERATION = "image_generation"
    IMAGE_EDIT = "image_edit"
    IMAGE_VARIATION = "image_variation"
    SPEECH = "speech"
    TRANSCRIPTION = "transcription"
    TRANSLATION = "translation"
    """Of recorded speech into English text."""
    RERANK = "rerank"
    MODERATION = "moderation"
    VIDEO = "video"
    REALTIME = "realtime"
    PASSTHROUGH = "passthrough"
    """Any other call of a known API, governed but not understood."""


class Endpoint(msgspec.Struct, frozen=True):
    """A path of a public API that the relay answers itself."""

    method: str
    path: str
    """May hold `{model}`: then the caller names its model in the path, and nowhere else."""
    operation: Operation
    dialect: str
    scope: str
    stream: bool | None = None
    """With `{model}` in the path: whether this path streams. None: the body says."""

    @property
    def model_in_path(self) -> bool:
        return "{model}" in self.path


def _gemini(version: str) -> tuple[Endpoint, ...]:
    """Google serves the same operations under several versions; its SDK asks for `v1`, others for `v1beta`."""

    def at(verb: str, operation: Operation, dialect: str, scope: str, *, stream: bool = False) -> Endpoint:
        return Endpoint("POST", f"{version}/models/{{model}}:{verb}", operation, dialect, scope, stream)

    return (
        at("generateContent", Operation.CHAT, "gemini", "inference:text"),
        at("streamGenerateContent", Operation.CHAT, "gemini", "inference:text", stream=True),
        at("countTokens", Operation.COUNT_TOKENS, "gemini_count_tokens", "inference:text"),
        at("embedContent", Operation.EMBEDDINGS, "gemini_embedding", "embeddings"),
        at("batchEmbedContents", Operation.EMBEDDINGS, "gemini_embeddings", "embeddings"),
    )


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("POST", "/v1/chat/completions", Operation.CHAT, "openai_chat", "inference:text"),
    Endpoint("POST", "/v1/messages", Operation.CHAT, "anthropic_messages", "inference:text"),
    Endpoint("POST", "/v1/messages/count_tokens", Operation.COUNT_TOKENS, "anthropic_count_tokens", "inference:text"),
    Endpoint("POST", "/v1/embeddings", Operation.EMBEDDINGS, "openai_embeddings", "embeddings"),
    Endpoint("GET", "/v1/models", Operation.LIST_MODELS, "openai_chat", "models:read"),
    Endpoint("GET", "/v1beta/models", Operation.LIST_MODELS, "gemini", "models:read"),
    *_gemini("/v1beta"),
    *_gemini("/v1"),
    Endpoint("POST", "/model/{model}/converse", Operation.CHAT, "bedrock_converse", "inference:text", stream=False),
    Endpoint(
        "POST", "/model/{model}/converse-stream", Operation.CHAT, "bedrock_converse", "inference:text", stream=True
    ),
)
