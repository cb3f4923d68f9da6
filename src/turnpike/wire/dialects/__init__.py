"""The dialects that Turnpike speaks, by name. To add one: a folder beside these, an object that fills
`turnpike.wire.dialect.Dialect`, and its line here."""

from turnpike.wire.dialect import Dialect
from turnpike.wire.dialects.anthropic_count_tokens import ANTHROPIC_COUNT_TOKENS
from turnpike.wire.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from turnpike.wire.dialects.bedrock_cohere_embeddings import BEDROCK_COHERE_EMBEDDINGS
from turnpike.wire.dialects.bedrock_converse import BEDROCK_CONVERSE
from turnpike.wire.dialects.cohere_chat import COHERE_CHAT
from turnpike.wire.dialects.cohere_embeddings import COHERE_EMBEDDINGS
from turnpike.wire.dialects.cohere_rerank import COHERE_RERANK
from turnpike.wire.dialects.elevenlabs_speech import ELEVENLABS_SPEECH
from turnpike.wire.dialects.elevenlabs_transcription import ELEVENLABS_TRANSCRIPTION
from turnpike.wire.dialects.gemini import GEMINI
from turnpike.wire.dialects.gemini_count_tokens import GEMINI_COUNT_TOKENS
from turnpike.wire.dialects.gemini_embedding import GEMINI_EMBEDDING
from turnpike.wire.dialects.gemini_embeddings import GEMINI_EMBEDDINGS
from turnpike.wire.dialects.imagen import IMAGEN
from turnpike.wire.dialects.jina_rerank import JINA_RERANK
from turnpike.wire.dialects.openai_chat import OPENAI_CHAT
from turnpike.wire.dialects.openai_embeddings import OPENAI_EMBEDDINGS
from turnpike.wire.dialects.openai_image_edit import OPENAI_IMAGE_EDIT, OPENAI_IMAGE_VARIATION
from turnpike.wire.dialects.openai_images import OPENAI_IMAGES
from turnpike.wire.dialects.openai_input_tokens import OPENAI_INPUT_TOKENS
from turnpike.wire.dialects.openai_moderations import OPENAI_MODERATIONS
from turnpike.wire.dialects.openai_realtime import OPENAI_REALTIME
from turnpike.wire.dialects.openai_responses import OPENAI_RESPONSES
from turnpike.wire.dialects.openai_speech import OPENAI_SPEECH
from turnpike.wire.dialects.openai_transcription import OPENAI_TRANSCRIPTION, OPENAI_TRANSLATION
from turnpike.wire.dialects.openai_videos import OPENAI_VIDEOS
from turnpike.wire.dialects.stability_images import STABILITY_IMAGES, STABILITY_SD3
from turnpike.wire.dialects.tei_rerank import TEI_RERANK
from turnpike.wire.dialects.titan_embeddings import TITAN_EMBEDDINGS
from turnpike.wire.dialects.vertex_embeddings import VERTEX_EMBEDDINGS
from turnpike.wire.dialects.voyage_rerank import VOYAGE_RERANK

DIALECTS: dict[str, Dialect] = {
    dialect.name: dialect
    for dialect in (
        OPENAI_CHAT,
        OPENAI_RESPONSES,
        ANTHROPIC_MESSAGES,
        OPENAI_INPUT_TOKENS,
        ANTHROPIC_COUNT_TOKENS,
        OPENAI_EMBEDDINGS,
        BEDROCK_CONVERSE,
        COHERE_CHAT,
        COHERE_EMBEDDINGS,
        GEMINI,
        GEMINI_COUNT_TOKENS,
        GEMINI_EMBEDDINGS,
        GEMINI_EMBEDDING,
        BEDROCK_COHERE_EMBEDDINGS,
        TITAN_EMBEDDINGS,
        VERTEX_EMBEDDINGS,
        OPENAI_SPEECH,
        OPENAI_TRANSCRIPTION,
        OPENAI_TRANSLATION,
        ELEVENLABS_SPEECH,
        ELEVENLABS_TRANSCRIPTION,
        OPENAI_IMAGE_EDIT,
        OPENAI_IMAGE_VARIATION,
        OPENAI_REALTIME,
        OPENAI_IMAGES,
        IMAGEN,
        STABILITY_IMAGES,
        STABILITY_SD3,
        OPENAI_MODERATIONS,
        OPENAI_VIDEOS,
        COHERE_RERANK,
        JINA_RERANK,
        VOYAGE_RERANK,
        TEI_RERANK,
    )
}
