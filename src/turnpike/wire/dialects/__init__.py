"""The dialects that Turnpike speaks, by name. To add one: a folder beside these, an object that fills
`turnpike.wire.dialect.Dialect`, and its line here."""

from turnpike.wire.dialect import Dialect
from turnpike.wire.dialects.anthropic_count_tokens import ANTHROPIC_COUNT_TOKENS
from turnpike.wire.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from turnpike.wire.dialects.openai_chat import OPENAI_CHAT
from turnpike.wire.dialects.openai_embeddings import OPENAI_EMBEDDINGS
from turnpike.wire.dialects.openai_image_edit import OPENAI_IMAGE_EDIT, OPENAI_IMAGE_VARIATION
from turnpike.wire.dialects.openai_speech import OPENAI_SPEECH
from turnpike.wire.dialects.openai_transcription import OPENAI_TRANSCRIPTION, OPENAI_TRANSLATION

DIALECTS: dict[str, Dialect] = {
    dialect.name: dialect
    for dialect in (
        OPENAI_CHAT,
        ANTHROPIC_MESSAGES,
        ANTHROPIC_COUNT_TOKENS,
        OPENAI_EMBEDDINGS,
        OPENAI_SPEECH,
        OPENAI_TRANSCRIPTION,
        OPENAI_TRANSLATION,
        OPENAI_IMAGE_EDIT,
        OPENAI_IMAGE_VARIATION,
    )
}
