"""Where the texts of each form's JSON are.

Said the other way round: which strings are *not* texts. Everything else is one, so a field that a vendor adds
tomorrow is looked at from its first day. A structural string (`role`, `type`, an id) is left out only where it is a
word or an id, and nowhere below a member that a caller fills freely.
"""

import re

import msgspec

STRUCTURAL = frozenset(
    (
        "model", "role", "type", "id", "object", "name", "format", "encoding_format", "finish_reason", "stop_reason",
        "media_type", "mime_type", "mimeType", "detail", "voice", "size", "quality", "style", "background", "status",
        "tool_call_id", "tool_use_id", "toolUseId", "call_id", "item_id", "response_id", "previous_response_id",
        "conversation", "file_id", "fileUri", "file_uri", "reasoning_effort", "effort", "service_tier", "truncation",
        "system_fingerprint", "tool_choice", "prompt_cache_key", "batch_id", "container", "language", "input_type",
        "finishReason", "stopReason", "responseId", "modelVersion", "index", "event_id", "modality", "output_format",
        "response_format", "responseMimeType", "response_mime_type", "$ref", "cache_control", "ttl", "token_type",
        "input_format", "moderation", "phase", "object_id", "safety_identifier",
    )
)  # fmt: skip
"""Members whose strings are words of the form itself, or ids."""

OPAQUE = frozenset(
    (
        "data", "bytes", "b64_json", "file_data", "fileData", "image", "image_url", "url", "audio", "input_audio",
        "signature", "thoughtSignature", "thought_signature", "encrypted_content", "encrypted_index", "embedding",
        "redacted_content", "redactedContent", "video", "partial_image_b64",
    )
)  # fmt: skip
"""Members that may hold base64 or an address of such."""

JSON_TEXTS = frozenset(("arguments", "partial_json"))
"""Members that hold JSON as a text."""

SEALED = frozenset(
    ("signature", "thoughtSignature", "thought_signature", "encrypted_content", "redacted_content", "redactedContent")
)
"""Of those, what only a provider reads; it is no media."""

_WORD = re.compile(r"[A-Za-z0-9_.:/+\-]{0,256}").fullmatch
_BASE64 = re.compile(r"[A-Za-z0-9+/=_\-\r\n]*").fullmatch
_DATA_URL = re.compile(r"data:[a-z0-9.+\-]+/[a-z0-9.+\-]+[^,]{0,100},", re.IGNORECASE).match
_LEAST_BASE64 = 64


class Shape(msgspec.Struct, frozen=True):
    free: frozenset[str] = frozenset(("arguments", "metadata", "labels", "properties_values"))
    """Members below which every string is a text."""
    structural: frozenset[str] = STRUCTURAL

    def is_structure(self, key: str, text: str) -> bool:
        return key in self.structural and _WORD(text) is not None


def is_media(key: str, text: str) -> bool:
    """Bytes that are no text: an image, a sound, a file."""
    if key not in OPAQUE:
        return False
    return _DATA_URL(text) is not None or (len(text) >= _LEAST_BASE64 and _BASE64(text) is not None)


_OF_TOOLS = frozenset(("arguments", "metadata"))
_SHAPES: dict[str, Shape] = {
    "openai_chat": Shape(_OF_TOOLS),
    "openai_responses": Shape(_OF_TOOLS | {"variables"}),
    "anthropic_messages": Shape(frozenset(("input", "metadata"))),
    "gemini": Shape(frozenset(("args", "response", "labels"))),
    "bedrock_converse": Shape(frozenset(("input", "json", "requestMetadata", "promptVariables"))),
    "cohere_chat": Shape(frozenset(("arguments", "data"))),
}
"""By dialect, where it differs from `Shape()`."""
_LIKE = {
    "anthropic_count_tokens": "anthropic_messages",
    "openai_input_tokens": "openai_responses",
    "gemini_count_tokens": "gemini",
    "gemini_embeddings": "gemini",
    "gemini_embedding": "gemini",
    "openai_realtime": "openai_responses",
}


def shape_of(dialect: str) -> Shape:
    """Of any dialect; of the forms that are only passed through, the plain one."""
    return _SHAPES.get(_LIKE.get(dialect, dialect), _PLAIN)


_PLAIN = Shape(frozenset(("arguments", "metadata", "documents", "texts", "query")))
