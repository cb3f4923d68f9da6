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


PLAIN: frozenset[Operation] = frozenset((Operation.CHAT, Operation.EMBEDDINGS, Operation.COUNT_TOKENS))
"""Operations whose answers tell their whole usage. For the others the request is asked too (`Head.counted`)."""


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
    Endpoint("POST", "/v1/responses", Operation.CHAT, "openai_responses", "inference:text"),
    Endpoint("POST", "/v1/responses/input_tokens", Operation.COUNT_TOKENS, "openai_input_tokens", "inference:text"),
    Endpoint("POST", "/v1/messages", Operation.CHAT, "anthropic_messages", "inference:text"),
    Endpoint("POST", "/v1/messages/count_tokens", Operation.COUNT_TOKENS, "anthropic_count_tokens", "inference:text"),
    Endpoint("POST", "/v1/embeddings", Operation.EMBEDDINGS, "openai_embeddings", "embeddings"),
    Endpoint("POST", "/v1/audio/speech", Operation.SPEECH, "openai_speech", "inference:audio"),
    Endpoint("POST", "/v1/audio/transcriptions", Operation.TRANSCRIPTION, "openai_transcription", "inference:audio"),
    Endpoint("POST", "/v1/audio/translations", Operation.TRANSLATION, "openai_translation", "inference:audio"),
    Endpoint("POST", "/v1/images/edits", Operation.IMAGE_EDIT, "openai_image_edit", "inference:image"),
    Endpoint("POST", "/v1/images/variations", Operation.IMAGE_VARIATION, "openai_image_variation", "inference:image"),
    Endpoint("POST", "/v1/images/generations", Operation.IMAGE_GENERATION, "openai_images", "inference:image"),
    Endpoint("POST", "/v1/moderations", Operation.MODERATION, "openai_moderations", "inference:text"),
    Endpoint("POST", "/v1/videos", Operation.VIDEO, "openai_videos", "video"),
    Endpoint("POST", "/v1/rerank", Operation.RERANK, "jina_rerank", "embeddings"),
    Endpoint("POST", "/v2/rerank", Operation.RERANK, "cohere_rerank", "embeddings"),
    Endpoint("GET", "/v1/realtime", Operation.REALTIME, "openai_realtime", "inference:audio"),
    Endpoint("POST", "/v2/chat", Operation.CHAT, "cohere_chat", "inference:text"),
    Endpoint("POST", "/v2/embed", Operation.EMBEDDINGS, "cohere_embeddings", "embeddings"),
    Endpoint("GET", "/v1/models", Operation.LIST_MODELS, "openai_chat", "models:read"),
    Endpoint("GET", "/v1beta/models", Operation.LIST_MODELS, "gemini", "models:read"),
    *_gemini("/v1beta"),
    *_gemini("/v1"),
    Endpoint("POST", "/model/{model}/converse", Operation.CHAT, "bedrock_converse", "inference:text", stream=False),
    Endpoint(
        "POST", "/model/{model}/converse-stream", Operation.CHAT, "bedrock_converse", "inference:text", stream=True
    ),
)
