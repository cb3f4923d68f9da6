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


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("POST", "/v1/chat/completions", Operation.CHAT, "openai_chat", "inference:text"),
    Endpoint("POST", "/v1/messages", Operation.CHAT, "anthropic_messages", "inference:text"),
    Endpoint("POST", "/v1/messages/count_tokens", Operation.COUNT_TOKENS, "anthropic_count_tokens", "inference:text"),
    Endpoint("POST", "/v1/embeddings", Operation.EMBEDDINGS, "openai_embeddings", "embeddings"),
    Endpoint("POST", "/v2/chat", Operation.CHAT, "cohere_chat", "inference:text"),
    Endpoint("POST", "/v2/embed", Operation.EMBEDDINGS, "cohere_embeddings", "embeddings"),
    Endpoint("GET", "/v1/models", Operation.LIST_MODELS, "openai_chat", "models:read"),
)
