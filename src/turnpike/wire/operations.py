"""What callers do with models, and at which paths of which API they ask for it."""

from enum import StrEnum

import msgspec


class Operation(StrEnum):
    CHAT = "chat"
    EMBEDDINGS = "embeddings"
    COUNT_TOKENS = "count_tokens"
    LIST_MODELS = "list_models"


class Endpoint(msgspec.Struct, frozen=True):
    """A path of a public API that the relay answers itself."""

    method: str
    path: str
    operation: Operation
    dialect: str
    scope: str


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("POST", "/v1/chat/completions", Operation.CHAT, "openai_chat", "inference:text"),
    Endpoint("POST", "/v1/messages", Operation.CHAT, "anthropic_messages", "inference:text"),
    Endpoint("POST", "/v1/messages/count_tokens", Operation.COUNT_TOKENS, "anthropic_count_tokens", "inference:text"),
    Endpoint("POST", "/v1/embeddings", Operation.EMBEDDINGS, "openai_embeddings", "embeddings"),
    Endpoint("GET", "/v1/models", Operation.LIST_MODELS, "openai_chat", "models:read"),
)
